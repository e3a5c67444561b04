/* SPDX-License-Identifier: MIT */
/*
 * entry.c - the services that are there: by identity, by domain, by domain and service number.
 *
 * The last two are lists that a new subscriber's full set is collected from, so
 * that "all of 101" does not walk all of the domain. An identity has one
 * entry however many candidates there are for it; which one stands is
 * registry.c's business.
 */
#include "service/service_priv.h"

#include <stdlib.h>

/* The entries of a domain, or with a service number those of that service. */
struct bucket {
    struct table_node node;
    uint32_t domain;
    uint32_t service; /* XMB_ANY_SERVICE: all of the domain; no service has that number */
    struct list entries;
};

static struct table entries;
static struct table buckets;
static uint32_t maximum;

static uint64_t bucket_hash(uint32_t domain, uint32_t service)
{
    struct xmb_service_id id = {.service = (uint16_t)service};

    return service_hash(domain, &id);
}

static struct bucket *find_bucket(uint32_t domain, uint32_t service)
{
    struct table_node *n;
    struct bucket *b;

    for (n = *table_bucket(&buckets, bucket_hash(domain, service)); n != NULL; n = n->next) {
        b = LIST_OF(n, struct bucket, node);
        if (b->domain == domain && b->service == service)
            return b;
    }
    return NULL;
}

static struct bucket *need_bucket(uint32_t domain, uint32_t service)
{
    struct bucket *b = find_bucket(domain, service);

    if (b != NULL)
        return b;
    b = calloc(1, sizeof(*b));
    if (b == NULL)
        return NULL;
    b->domain = domain;
    b->service = service;
    list_init(&b->entries);
    table_add(&buckets, &b->node, bucket_hash(domain, service));
    return b;
}

static void unneed_bucket(struct bucket *b)
{
    if (b == NULL || !list_empty(&b->entries))
        return;
    table_remove(&buckets, &b->node);
    free(b);
}

static struct entry *find(uint32_t domain, const struct xmb_service_id *id, uint64_t hash)
{
    struct table_node *n;
    struct entry *e;

    for (n = *table_bucket(&entries, hash); n != NULL; n = n->next) {
        e = LIST_OF(n, struct entry, node);
        if (n->hash == hash && e->domain == domain && service_id_equal(&e->id, id))
            return e;
    }
    return NULL;
}

struct entry *entry_find(uint32_t domain, const struct xmb_service_id *id)
{
    return find(domain, id, service_hash(domain, id));
}

static int make(const struct record *r, struct entry **out)
{
    struct bucket *of_domain = need_bucket(r->pub.domain, XMB_ANY_SERVICE);
    struct bucket *of_service = need_bucket(r->pub.domain, r->pub.id.service);
    struct entry *e = calloc(1, sizeof(*e));

    if (of_domain == NULL || of_service == NULL || e == NULL) {
        unneed_bucket(of_domain);
        unneed_bucket(of_service);
        free(e);
        return XMB_ENOMEM;
    }
    e->domain = r->pub.domain;
    e->id = r->pub.id;
    e->since_ms = loop_now_ms(loop_routing());
    list_init(&e->of_owner);
    list_init(&e->of_domain);
    list_init(&e->of_service);
    e->domain_bucket = of_domain;
    e->service_bucket = of_service;
    list_append(&of_domain->entries, &e->of_domain);
    list_append(&of_service->entries, &e->of_service);
    table_add(&entries, &e->node, r->hash);
    stat_add(STAT_SERVICES, 1);
    *out = e;
    return 0;
}

int entry_need(const struct record *r, struct entry **out)
{
    struct entry *e = find(r->pub.domain, &r->pub.id, r->hash);

    if (e != NULL) {
        *out = e;
        return 0;
    }
    if (entries.count >= maximum)
        return XMB_ELIMIT;
    return make(r, out);
}

static void free_entry(struct entry *e)
{
    table_remove(&entries, &e->node);
    list_remove(&e->of_domain);
    list_remove(&e->of_service);
    list_remove(&e->of_owner);
    unneed_bucket(e->domain_bucket);
    unneed_bucket(e->service_bucket);
    free(e);
    stat_add(STAT_SERVICES, -1);
}

void entry_unneed(struct entry *e)
{
    if (e->local == NULL && e->learned == NULL)
        free_entry(e);
}

/* `fn` may not change the registry, so the lists stand still. */
static int scan_bucket(struct bucket *b, int (*fn)(void *arg, struct record *r), void *arg)
{
    struct list *l, *head = &b->entries;
    struct entry *e;

    for (l = head->next; l != head; l = l->next) {
        if (b->service == XMB_ANY_SERVICE)
            e = LIST_OF(l, struct entry, of_domain);
        else
            e = LIST_OF(l, struct entry, of_service);
        if (e->effective != NULL && fn(arg, e->effective) != 0)
            return 1;
    }
    return 0;
}

static void scan_all(int (*fn)(void *arg, struct record *r), void *arg)
{
    struct table_node *n;
    struct bucket *b;

    for (n = table_next(&buckets, NULL); n != NULL; n = table_next(&buckets, n)) {
        b = LIST_OF(n, struct bucket, node);
        if (b->service == XMB_ANY_SERVICE && scan_bucket(b, fn, arg) != 0)
            return;
    }
}

static int is_exact(const struct xmb_service_id *p)
{
    return p->service != XMB_ANY_SERVICE && p->subservice != XMB_ANY_SUBSERVICE &&
           p->instance[0] != XMB_ANY_WORD && p->instance[1] != XMB_ANY_WORD &&
           p->instance[2] != XMB_ANY_WORD && p->instance[3] != XMB_ANY_WORD;
}

void entry_scan(uint32_t domain, const struct xmb_service_id *pattern,
                int (*fn)(void *arg, struct record *r), void *arg)
{
    struct entry *e;
    struct bucket *b;

    if (domain == 0) {
        scan_all(fn, arg);
        return;
    }
    if (is_exact(pattern)) {
        e = entry_find(domain, pattern);
        if (e != NULL && e->effective != NULL)
            (void)fn(arg, e->effective);
        return;
    }
    b = find_bucket(domain, pattern->service);
    if (b != NULL)
        (void)scan_bucket(b, fn, arg);
}

void entry_init(uint32_t most)
{
    maximum = most;
}

void entry_fini(void)
{
    struct table_node *n;
    struct entry *e;
    struct learned *l;

    while ((n = table_next(&entries, NULL)) != NULL) {
        e = LIST_OF(n, struct entry, node);
        record_release(e->local);
        while ((l = e->learned) != NULL) {
            e->learned = l->next;
            record_release(l->record);
            free(l);
        }
        free_entry(e);
    }
    table_clear(&entries);
    table_clear(&buckets);
}
