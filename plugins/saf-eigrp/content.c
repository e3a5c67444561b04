/* SPDX-License-Identifier: MIT */
/*
 * content.c - makes and frees the data of services. See content.h.
 */
#include "content.h"

#include <stdlib.h>
#include <string.h>

static void from_record(struct se_content *c, const struct se_source *source)
{
    const struct xmb_service *s = source->record;

    c->record = c->host->service->hold(s);
    c->service.data = s->data;
    c->service.protocol = (uint16_t)s->ip_protocol;
    se_service_set_reach(&c->service, &s->addr);
    c->tag = source->tag;
}

/* A view of the octets of `from`, which are copied to `*to`. */
static struct xmb_str put(uint8_t **to, struct xmb_str from)
{
    struct xmb_str view = {(const char *)*to, from.n};

    if (from.n > 0)
        memcpy(*to, from.p, from.n);
    *to += from.n;
    return view;
}

static void from_packet(struct se_content *c, const struct se_source *source)
{
    uint8_t *at = c->octets;

    c->service = *source->service;
    c->attributes = put(&at, source->route->attributes);
    c->service.data = put(&at, source->service->data);
    c->tag = source->route->tag;
}

struct se_content *se_content_new(const struct xmb_host *host, const struct se_source *source)
{
    size_t octets = source->record != NULL
                        ? 0
                        : source->route->attributes.n + source->service->data.n;
    struct se_content *c = calloc(1, sizeof(*c) + octets);

    if (c == NULL)
        return NULL;
    c->host = host;
    if (source->record != NULL)
        from_record(c, source);
    else
        from_packet(c, source);
    return c;
}

void se_content_free(struct se_content *c)
{
    if (c == NULL)
        return;
    if (c->record != NULL)
        c->host->service->release(c->record);
    free(c);
}

void se_content_reach(const struct se_content *c, struct xmb_addr *out)
{
    se_service_reach(&c->service, out);
}
