/* SPDX-License-Identifier: MIT */
/*
 * record.c - checks, makes, compares and frees records.
 */
#include "service/record.h"
#include "service/table.h"

#define DOMAIN_MAX 65535

int record_check(const struct xmb_publish *p)
{
    if (p == NULL || p->size < offsetof(struct xmb_publish, data) + sizeof(p->data))
        return XMB_EINVAL;
    if (p->domain < 1 || p->domain > DOMAIN_MAX || xmb_service_id_is_wild(&p->id))
        return XMB_EINVAL;
    if (p->data.n > XMB_SERVICE_DATA_MAX)
        return XMB_ETOOBIG;
    if (p->data.n > 0 && p->data.p == NULL)
        return XMB_EINVAL;
    return 0;
}

static struct xmb_str append(struct record *r, size_t at, struct xmb_str s)
{
    struct xmb_str copy = {s.n > 0 ? r->text + at : NULL, s.n};

    if (s.n > 0)
        memcpy(r->text + at, s.p, s.n);
    return copy;
}

struct record *record_new(const struct xmb_publish *p, struct xmb_str owner_name,
                          uint32_t host_flags)
{
    size_t bytes = sizeof(struct record) + p->data.n + owner_name.n;
    struct xmb_slab *slab = slab_new_snug(bytes);
    struct record *r;

    if (slab == NULL)
        return NULL;
    r = (struct record *)(void *)slab->data;
    memset(r, 0, sizeof(*r));
    r->slab = slab;
    r->bytes = (uint32_t)bytes;
    r->hash = service_hash(p->domain, &p->id);
    r->pub.size = sizeof(r->pub);
    r->pub.domain = p->domain;
    r->pub.id = p->id;
    r->pub.sequence = p->sequence;
    r->pub.flags = (p->flags & XMB_SERVICE_PUBLIC) | host_flags;
    r->pub.ip_protocol = p->ip_protocol;
    r->pub.addr = p->addr;
    r->pub.data = append(r, 0, p->data);
    r->pub.owner_name = append(r, p->data.n, owner_name);
    return r;
}

struct record *record_new_id(uint32_t domain, const struct xmb_service_id *id)
{
    struct xmb_publish p = {.size = sizeof(p), .domain = domain, .id = *id};

    return record_new(&p, XMB_STR(""), 0);
}

void record_release(struct record *r)
{
    if (r != NULL)
        slab_release(r->slab);
}

static int addr_same(const struct xmb_addr *a, const struct xmb_addr *b)
{
    return a->family == b->family && a->port == b->port && a->scope == b->scope &&
           memcmp(a->ip, b->ip, sizeof(a->ip)) == 0;
}

int record_same(const struct record *a, const struct record *b)
{
    return a->pub.sequence == b->pub.sequence && a->pub.flags == b->pub.flags &&
           a->pub.ip_protocol == b->pub.ip_protocol && addr_same(&a->pub.addr, &b->pub.addr) &&
           xmb_str_eq(a->pub.data, b->pub.data);
}
