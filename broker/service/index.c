/* SPDX-License-Identifier: MIT */
/*
 * index.c - which replicas match a service, without looking at those that do not.
 *
 * A group stands for one (domain, view, pattern) that is subscribed to on any worker; its
 * members are the replicas, one a worker. Of the six fields of a pattern any
 * may be a wildcard, so there are 64 shapes. A scope (domain, view) counts
 * the groups of each shape it has. A service is looked up once for each shape
 * in use: with those fields blanked out, its identity is the key of the group.
 * So a change costs as many look-ups as there are shapes, and touches
 * the groups that match and no others.
 */
#include "service/service_priv.h"

#include <stdlib.h>

#define FIELDS 6
#define SHAPES (1u << FIELDS)

/* Bit i set: field i is a wildcard. Service, subservice, four words of the instance. */
#define SHAPE_SERVICE 1u
#define SHAPE_SUBSERVICE 2u
#define SHAPE_WORD(i) (4u << (i))

struct scope {
    struct table_node node;
    uint32_t domain;
    uint32_t view;
    uint32_t group_count;
    uint32_t shape_count; /* of `shapes` */
    uint8_t shapes[SHAPES]; /* those in use, in no order */
    uint32_t groups_of[SHAPES];
};

struct group {
    struct table_node node;
    struct scope *scope;
    struct xmb_service_id pattern;
    uint32_t shape;
    struct list members; /* replicas */
};

static struct table scopes;
static struct table groups;

static uint32_t shape_of(const struct xmb_service_id *pattern)
{
    uint32_t shape = 0, i;

    if (pattern->service == XMB_ANY_SERVICE)
        shape |= SHAPE_SERVICE;
    if (pattern->subservice == XMB_ANY_SUBSERVICE)
        shape |= SHAPE_SUBSERVICE;
    for (i = 0; i < 4; i++)
        if (pattern->instance[i] == XMB_ANY_WORD)
            shape |= SHAPE_WORD(i);
    return shape;
}

static struct xmb_service_id blank(const struct xmb_service_id *id, uint32_t shape)
{
    struct xmb_service_id key = *id;
    uint32_t i;

    if ((shape & SHAPE_SERVICE) != 0)
        key.service = XMB_ANY_SERVICE;
    if ((shape & SHAPE_SUBSERVICE) != 0)
        key.subservice = XMB_ANY_SUBSERVICE;
    for (i = 0; i < 4; i++)
        if ((shape & SHAPE_WORD(i)) != 0)
            key.instance[i] = XMB_ANY_WORD;
    return key;
}

/* --- scopes and groups ----------------------------------------------------------------------- */

static uint64_t scope_hash(uint32_t domain, uint32_t view)
{
    static const struct xmb_service_id none;

    return service_hash(service_scope(domain, view), &none);
}

static struct scope *find_scope(uint32_t domain, uint32_t view)
{
    uint64_t hash = scope_hash(domain, view);
    struct table_node *n;
    struct scope *s;

    for (n = *table_bucket(&scopes, hash); n != NULL; n = n->next) {
        s = LIST_OF(n, struct scope, node);
        if (s->domain == domain && s->view == view)
            return s;
    }
    return NULL;
}

static struct scope *need_scope(uint32_t domain, uint32_t view)
{
    struct scope *s = find_scope(domain, view);

    if (s != NULL)
        return s;
    s = service_must(calloc(1, sizeof(*s)));
    s->domain = domain;
    s->view = view;
    table_add(&scopes, &s->node, scope_hash(domain, view));
    return s;
}

static void count_shape(struct scope *s, uint32_t shape)
{
    s->group_count++;
    if (s->groups_of[shape]++ == 0)
        s->shapes[s->shape_count++] = (uint8_t)shape;
}

static void uncount_shape(struct scope *s, uint32_t shape)
{
    uint32_t i = 0;

    if (--s->groups_of[shape] == 0) {
        while (s->shapes[i] != shape)
            i++;
        s->shapes[i] = s->shapes[--s->shape_count];
    }
    if (--s->group_count == 0) {
        table_remove(&scopes, &s->node);
        free(s);
    }
}

/*
 * The shape is compared too: an instance word of a service may be all ones,
 * and then several shapes give the same key.
 */
static struct group *find_group(struct scope *s, const struct xmb_service_id *key, uint32_t shape)
{
    uint64_t hash = service_hash(service_scope(s->domain, s->view), key);
    struct table_node *n;
    struct group *g;

    for (n = *table_bucket(&groups, hash); n != NULL; n = n->next) {
        g = LIST_OF(n, struct group, node);
        if (n->hash == hash && g->scope == s && g->shape == shape &&
            service_id_equal(&g->pattern, key))
            return g;
    }
    return NULL;
}

static struct group *need_group(const struct replica *r)
{
    struct scope *s = need_scope(r->domain, r->view);
    uint32_t shape = shape_of(&r->pattern);
    struct group *g = find_group(s, &r->pattern, shape);

    if (g != NULL)
        return g;
    g = service_must(calloc(1, sizeof(*g)));
    g->scope = s;
    g->pattern = r->pattern;
    g->shape = shape;
    list_init(&g->members);
    table_add(&groups, &g->node, r->hash);
    count_shape(s, shape);
    stat_add(STAT_GROUPS, 1);
    return g;
}

static void free_group(struct group *g)
{
    table_remove(&groups, &g->node);
    uncount_shape(g->scope, g->shape);
    free(g);
    stat_add(STAT_GROUPS, -1);
}

/* --- members --------------------------------------------------------------------------------- */

void index_attach(struct loop *loop, void *replica)
{
    struct replica *r = replica;

    if (loop == NULL)
        return;
    r->group = need_group(r);
    list_append(&r->group->members, &r->of_group);
    link_queue_snapshot(r);
}

void index_detach(struct loop *loop, void *replica)
{
    struct replica *r = replica;

    if (loop == NULL)
        return;
    link_forget(r);
    if (r->group != NULL) {
        list_remove(&r->of_group);
        if (list_empty(&r->group->members))
            free_group(r->group);
        r->group = NULL;
    }
    link_notice(r->link, NOTICE_DETACHED)->replica = r;
}

/* --- changes --------------------------------------------------------------------------------- */

static void tell_group(struct group *g, struct record *was, struct record *now, uint32_t reason)
{
    struct list *l;
    struct replica *r;

    for (l = g->members.next; l != &g->members; l = l->next) {
        r = LIST_OF(l, struct replica, of_group);
        if (now != NULL)
            link_offer(r, now, XMB_EVENT_NOTIFY, 0, was == NULL);
        else
            link_offer(r, was, XMB_EVENT_WITHDRAW, reason, 0);
    }
}

static void tell_scope(struct scope *s, struct record *was, struct record *now, uint32_t reason)
{
    const struct xmb_service_id *id = now != NULL ? &now->pub.id : &was->pub.id;
    struct xmb_service_id key;
    struct group *g;
    uint32_t i;

    for (i = 0; i < s->shape_count; i++) {
        key = blank(id, s->shapes[i]);
        stat_add(STAT_LOOKUPS, 1);
        g = find_group(s, &key, s->shapes[i]);
        if (g == NULL)
            continue;
        stat_add(STAT_MATCHES, 1);
        tell_group(g, was, now, reason);
    }
}

void index_change(struct record *was, struct record *now, uint32_t reason)
{
    uint32_t domain = now != NULL ? now->pub.domain : was->pub.domain;
    uint32_t view, why;
    struct record *before, *after;
    struct scope *s;

    stat_add(STAT_CHANGES, 1);
    for (view = XMB_VIEW_ALL; view <= XMB_VIEW_PUBLIC; view++) {
        before = was != NULL && record_visible(was, view) ? was : NULL;
        after = now != NULL && record_visible(now, view) ? now : NULL;
        if (before == NULL && after == NULL)
            continue;
        /* Still there and hidden from now on: its owner's decision. */
        why = now != NULL ? XMB_GONE_SOURCE : reason;
        s = find_scope(domain, view);
        if (s != NULL)
            tell_scope(s, before, after, why);
    }
}

void index_fini(void)
{
    struct table_node *n;

    while ((n = table_next(&groups, NULL)) != NULL)
        free_group(LIST_OF(n, struct group, node));
    table_clear(&groups);
    table_clear(&scopes);
}
