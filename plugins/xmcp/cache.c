/* SPDX-License-Identifier: MIT */
/*
 * cache.c - a direct-mapped table by version. Versions count up, so the newest thousand services
 * never push each other out.
 *
 * Short encodings are copied into each connection's queue, which is cheaper than sharing, so
 * they live in plain memory that the next service of that place uses again. Long ones stand in a
 * slab that the queues share; their place holds one reference and the total is bounded.
 */
#include <stdlib.h>

#include <xmcp.h>

#include "cache.h"
#include "identity.h"

#define PLACES 1024
#define SHORT_BYTES 2048
#define SLAB_TOTAL_BYTES_MAX (8u << 20)
#define ATTRIBUTES_BYTES 128 /* all but the data, with room to spare */

struct place {
    uint64_t version; /* 0: empty */
    uint8_t *own;     /* SHORT_BYTES at most, kept for the next */
    uint32_t own_bytes;
    uint32_t plain_bytes;
    uint32_t whole_bytes;
    struct xmb_slab *slab;
};

struct cache {
    size_t slab_total_bytes;
    uint32_t hand; /* where to look for a slab to drop */
    struct place places[PLACES];
};

struct cache *xs_cache_new(void)
{
    return calloc(1, sizeof(struct cache));
}

static void drop_slab(struct cache *cache, struct place *p)
{
    if (p->slab == NULL)
        return;
    xs_host->buf->slab_release(p->slab);
    p->slab = NULL;
    p->version = 0;
    cache->slab_total_bytes -= p->whole_bytes;
}

void xs_cache_free(struct cache *cache)
{
    unsigned i;

    if (cache == NULL)
        return;
    for (i = 0; i < PLACES; i++) {
        drop_slab(cache, &cache->places[i]);
        free(cache->places[i].own);
    }
    free(cache);
}

/* Returns what was written or XMB_ETOOBIG, and in *plain_bytes how much of it goes to 1.x. */
static int encode(const struct xmb_service *service, uint8_t *out, size_t room,
                  uint32_t *plain_bytes)
{
    int visible = (service->flags & (XMB_SERVICE_PUBLIC | XMB_SERVICE_ANONYMOUS)) != 0;
    struct xmcp_flag flags[2] = {
        {XMCP_FLAG_TRUST,
         service->flags & XMB_SERVICE_LEARNED ? XMCP_TRUST_LEARNED : XMCP_TRUST_LOCAL},
        {XMCP_FLAG_VISIBILITY, visible ? XMCP_VISIBLE_TO_ALL : 0},
    };
    struct xmcp_identity identity = xs_identity_out(&service->id);
    struct xmcp_transport transport = xs_transport_out(&service->addr);
    struct xmcp_writer w;

    xmcp_write_begin_part(&w, out, room);
    xmcp_put_identity(&w, &identity);
    xmcp_put_u32(&w, XMCP_ATTR_SERVICE_VERSION, service->sequence);
    xmcp_put_transport(&w, &transport);
    xmcp_put_protocol(&w, (uint8_t)service->ip_protocol);
    xmcp_put_bytes(&w, XMCP_ATTR_SERVICE_DATA, service->data.p, service->data.n);
    *plain_bytes = (uint32_t)w.used_bytes;
    xmcp_put_flags(&w, flags, 2);
    return w.error == 0 ? (int)w.used_bytes : XMB_ETOOBIG;
}

static int fill_own(struct place *p, const struct xmb_service *service, size_t need)
{
    uint32_t room = (uint32_t)(need + 255) & ~255u;
    uint8_t *own;
    int rc;

    if (p->own_bytes < room) {
        own = realloc(p->own, room);
        if (own == NULL)
            return XMB_ENOMEM;
        p->own = own;
        p->own_bytes = room;
    }
    rc = encode(service, p->own, p->own_bytes, &p->plain_bytes);
    if (rc > 0)
        p->whole_bytes = (uint32_t)rc;
    return rc;
}

static int fill_slab(struct cache *cache, struct place *p, const struct xmb_service *service,
                     size_t need)
{
    struct xmb_slab *slab = xs_host->buf->slab_new(need);
    int rc;

    if (slab == NULL)
        return XMB_ENOMEM;
    rc = encode(service, xs_host->buf->slab_data(slab), need, &p->plain_bytes);
    if (rc < 0) {
        xs_host->buf->slab_release(slab);
        return rc;
    }
    p->slab = slab;
    p->whole_bytes = (uint32_t)rc;
    cache->slab_total_bytes += p->whole_bytes;
    while (cache->slab_total_bytes > SLAB_TOTAL_BYTES_MAX) {
        if (&cache->places[cache->hand] != p)
            drop_slab(cache, &cache->places[cache->hand]);
        cache->hand = (cache->hand + 1) % PLACES;
    }
    return rc;
}

int xs_cache_get(struct worker *w, const struct xmb_service *service, struct encoding *out)
{
    struct place *p = &w->cache->places[service->version % PLACES];
    size_t need = service->data.n + ATTRIBUTES_BYTES;
    int rc;

    if (p->version != service->version || service->version == 0) {
        drop_slab(w->cache, p);
        p->version = 0;
        rc = need <= SHORT_BYTES ? fill_own(p, service, need)
                                 : fill_slab(w->cache, p, service, need);
        if (rc < 0)
            return rc;
        p->version = service->version;
        xs_count(w, M_ENCODINGS);
    }
    out->slab = p->slab;
    out->bytes = p->slab != NULL ? xs_host->buf->slab_data(p->slab) : p->own;
    out->plain_bytes = p->plain_bytes;
    out->whole_bytes = p->whole_bytes;
    return 0;
}
