/* SPDX-License-Identifier: MIT */
/*
 * dual_table.c - the topology table: entries by service id, with their paths and sets of
 * neighbours.
 *
 * A hash table over a list in the order of making. Memory is asked for when an entry is made (with
 * it the hash grows), when a neighbour offers it for the first time, and when a neighbour comes up
 * whose number does not fit into the sets; each can fail and then nothing has changed.
 *
 * What cannot be reached any more lingers for a while, because its sequence numbers still tell late
 * copies from new ones. When the table is full the longest lingering makes room. When somebody
 * offers to the end what the originator took back, the withdrawal is forgotten and he is believed:
 * an originator of another make may begin again with lower numbers. So is who offers, as long as
 * that, a way and less than what was here: dual_seq.c says why.
 */
#include "dual_priv.h"

#define BUCKETS_FIRST 64u

int se_dual_new(const struct se_dual_conf *conf, const struct se_dual_ops *ops, void *arg,
                struct se_dual **out)
{
    struct se_dual *d;

    if (conf->entries_max == 0 || conf->hops_max == 0)
        return XMB_EINVAL;
    d = calloc(1, sizeof(*d));
    if (d == NULL)
        return XMB_ENOMEM;
    d->buckets = calloc(BUCKETS_FIRST, sizeof(*d->buckets));
    if (d->buckets == NULL) {
        free(d);
        return XMB_ENOMEM;
    }
    d->bucket_count = BUCKETS_FIRST;
    d->conf = *conf;
    d->ops = ops;
    d->arg = arg;
    d->set_words = 1;
    *out = d;
    return 0;
}

static uint64_t mix(uint64_t x)
{
    x = (x ^ (x >> 31)) * UINT64_C(0x9e3779b97f4a7c15);
    return x ^ (x >> 29);
}

static uint32_t bucket_of(const struct se_dual *d, const struct xmb_service_id *id)
{
    uint64_t h = d->conf.hash_seed;

    h = mix(h ^ ((uint64_t)id->service << 16 | id->subservice));
    h = mix(h ^ ((uint64_t)id->instance[0] << 32 | id->instance[1]));
    h = mix(h ^ ((uint64_t)id->instance[2] << 32 | id->instance[3]));
    return (uint32_t)(h >> 16) & (d->bucket_count - 1);
}

struct se_dual_entry *se_dual_find(const struct se_dual *d, const struct xmb_service_id *id)
{
    struct se_dual_entry *e = d->buckets[bucket_of(d, id)];

    while (e != NULL && memcmp(&e->id, id, sizeof(*id)) != 0)
        e = e->hash_next;
    return e;
}

struct se_dual_entry *se_dual_next(const struct se_dual *d, const struct se_dual_entry *e)
{
    return e != NULL ? e->next : d->first;
}

/* Twice the buckets; when there is no memory the chains get longer instead. */
static void grow_hash(struct se_dual *d)
{
    uint32_t count = d->bucket_count * 2;
    struct se_dual_entry **buckets = calloc(count, sizeof(struct se_dual_entry *));
    struct se_dual_entry *e;
    uint32_t i;

    if (buckets == NULL)
        return;
    free(d->buckets);
    d->buckets = buckets;
    d->bucket_count = count;
    for (e = d->first; e != NULL; e = e->next) {
        i = bucket_of(d, &e->id);
        e->hash_next = buckets[i];
        buckets[i] = e;
    }
}

static void link_entry(struct se_dual *d, struct se_dual_entry *e)
{
    uint32_t i;

    if (d->counts.entries >= d->bucket_count && d->bucket_count < UINT32_C(0x80000000))
        grow_hash(d);
    i = bucket_of(d, &e->id);
    e->hash_next = d->buckets[i];
    d->buckets[i] = e;
    e->prev = d->last;
    if (d->last != NULL)
        d->last->next = e;
    else
        d->first = e;
    d->last = e;
    d->counts.entries++;
}

static struct se_dual_entry *new_entry(struct se_dual *d, const struct xmb_service_id *id)
{
    struct se_dual_entry *e = calloc(1, sizeof(*e));

    if (e == NULL)
        return NULL;
    e->sets = e->own_sets;
    e->set_words = d->set_words;
    if (e->set_words > 1) {
        e->sets = calloc((size_t)e->set_words * SE_SETS, sizeof(*e->sets));
        if (e->sets == NULL) {
            free(e);
            return NULL;
        }
    }
    e->id = *id;
    e->state = SE_DUAL_PASSIVE;
    e->successor = SE_DUAL_NONE;
    e->owed = SE_DUAL_NONE;
    se_distance_set_infinite(&e->feasible);
    se_distance_set_infinite(&e->distance);
    se_metric_set_unreachable(&e->metric);
    e->since_ms = d->now_ms;
    return e;
}

struct se_dual_entry *se_dual_make(struct se_dual *d, const struct xmb_service_id *id)
{
    struct se_dual_entry *e = se_dual_find(d, id);

    if (e != NULL)
        return e;
    if (d->counts.entries >= d->conf.entries_max)
        se_dual_expire(d, 1);
    if (d->counts.entries >= d->conf.entries_max) {
        d->counts.refused++;
        d->ops->note(d->arg, SE_DUAL_NOTE_FULL, NULL, SE_DUAL_NONE);
        return NULL;
    }
    e = new_entry(d, id);
    if (e == NULL)
        d->counts.refused++;
    else
        link_entry(d, e);
    return e;
}

static void unlink_entry(struct se_dual *d, struct se_dual_entry *e)
{
    struct se_dual_entry **at = &d->buckets[bucket_of(d, &e->id)];
    unsigned i;

    while (*at != e)
        at = &(*at)->hash_next;
    *at = e->hash_next;
    for (i = 0; i < d->peer_count; i++)
        if (d->peers[i].walk == e)
            d->peers[i].walk = e->next;
    if (e->prev != NULL)
        e->prev->next = e->next;
    else
        d->first = e->next;
    if (e->next != NULL)
        e->next->prev = e->prev;
    else
        d->last = e->prev;
    d->counts.entries--;
}

static void free_entry(struct se_dual *d, struct se_dual_entry *e)
{
    struct se_origin *o;

    while (e->paths != NULL)
        se_dual_path_drop(d, e, e->paths->peer);
    while ((o = e->origins) != NULL) {
        e->origins = o->next;
        if (o->content != NULL)
            d->ops->drop(d->arg, o->content);
        free(o);
    }
    if (e->sets != e->own_sets)
        free(e->sets);
    free(e);
}

void se_dual_free(struct se_dual *d)
{
    struct se_dual_entry *e;

    if (d == NULL)
        return;
    while ((e = d->first) != NULL) {
        d->first = e->next;
        free_entry(d, e);
    }
    free(d->buckets);
    free(d->peers);
    free(d->ifaces);
    free(d);
}

/* The one in which `e` is, or NULL. */
static struct due_list *list_of(struct se_dual *d, const struct se_dual_entry *e)
{
    if (!e->is_listed)
        return NULL;
    if (e->state != SE_DUAL_PASSIVE)
        return &d->active;
    return e->is_hidden ? &d->hidden : &d->lingering;
}

void se_dual_due(struct se_dual *d, struct se_dual_entry *e, struct due_list *list,
                 uint64_t due_ms)
{
    struct due_list *from = list_of(d, e);

    if (from != NULL) {
        if (e->due_prev != NULL)
            e->due_prev->due_next = e->due_next;
        else if (from->first == e)
            from->first = e->due_next;
        if (e->due_next != NULL)
            e->due_next->due_prev = e->due_prev;
        else if (from->last == e)
            from->last = e->due_prev;
        e->due_prev = e->due_next = NULL;
        e->is_listed = e->is_hidden = 0;
        if (from == &d->lingering)
            d->counts.lingering--;
    }
    if (list == NULL)
        return;
    e->due_ms = due_ms;
    e->due_prev = list->last;
    if (list->last != NULL)
        list->last->due_next = e;
    else
        list->first = e;
    list->last = e;
    e->is_listed = 1;
    e->is_hidden = list == &d->hidden;
    if (list == &d->lingering)
        d->counts.lingering++;
}

/* A path that its originator did not take back. */
static int has_way(const struct se_dual_entry *e)
{
    const struct se_path *p = e->paths;

    while (p != NULL && se_seq_is_taken_back(&p->origin->known, p->sequence))
        p = p->next;
    return p != NULL;
}

void se_dual_settle(struct se_dual *d, struct se_dual_entry *e)
{
    struct due_list *list = NULL;

    assert(e->state == SE_DUAL_PASSIVE);
    se_dual_data_settle(e);
    if (!has_way(e) && !se_dual_is_finite(&e->distance))
        list = &d->lingering;
    else if (se_dual_is_hiding(e))
        list = &d->hidden;
    if (list != list_of(d, e))
        se_dual_due(d, e, list, d->now_ms + d->conf.linger_ms);
}

void se_dual_expire(struct se_dual *d, int force)
{
    uint32_t left = d->counts.lingering;
    struct se_dual_entry *e;

    while (left-- > 0) {
        e = d->lingering.first;
        if (e->due_ms > d->now_ms && !force)
            return;
        if (e->hold_count > 0) {
            se_dual_due(d, e, &d->lingering, d->now_ms + d->conf.linger_ms);
            continue;
        }
        se_dual_due(d, e, NULL, 0);
        if (e->paths != NULL && !force) {
            se_dual_forget(d, e);
            se_dual_event(d, e, CAUSE_CHANGE, SE_DUAL_NONE);
            continue;
        }
        unlink_entry(d, e);
        free_entry(d, e);
        if (force)
            return;
    }
}

void se_dual_reveal(struct se_dual *d)
{
    struct se_dual_entry *e;

    while ((e = d->hidden.first) != NULL && e->due_ms <= d->now_ms) {
        se_dual_due(d, e, NULL, 0);
        se_dual_forget_hidden(d, e);
        se_dual_event(d, e, CAUSE_CHANGE, SE_DUAL_NONE);
        se_dual_chase(d, e);
    }
}

void se_dual_hold(struct se_dual_entry *e)
{
    e->hold_count++;
}

void se_dual_release(struct se_dual_entry *e)
{
    assert(e->hold_count > 0);
    e->hold_count--;
}
