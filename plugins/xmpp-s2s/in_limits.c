/* SPDX-License-Identifier: MIT */
/*
 * in_limits.c - how many streams there may be, and who gives way (xmpp-s2s.md 2.9).
 *
 * Streams that are not verified stand in two queues by age: one of the worker, one of their
 * address.
 *
 *   of one address, outside: at most conf->streams_unverified. For a new one the oldest goes that
 *       never said a word; when all have spoken the new one is refused, with an error where there
 *       is room for it. Inside there is no such limit: a server opens one for each foreign domain.
 *   of one address, outside, verified or not: an eighth of conf->streams_total, since whoever has a
 *       domain can have any number of pairs verified. A worker counts its own share of these.
 *   of the inside: three quarters of conf->streams_total, so that one user who writes to thousands
 *       of domains does not shut the world out.
 *   of all: from seven eighths of conf->streams_total on, each new one removes the oldest that is
 *       not verified after 5 s, and at the limit the oldest of any age. Verified ones stay.
 */
#include "in_priv.h"

#include <stdlib.h>

/* --- the addresses ---------------------------------------------------------------------------- */

/* IPv6 by /64: whoever has one address there has them all. */
static size_t key_bytes(const struct xmb_addr *a)
{
    return a->family == 6 ? 8 : 4;
}

static struct in_address **bucket_of(struct s2_incomings *in, const struct xmb_addr *a)
{
    uint32_t hash = UINT32_C(2166136261);
    size_t i;

    for (i = 0; i < key_bytes(a); i++)
        hash = (hash ^ a->ip[i]) * UINT32_C(16777619);
    return &in->addresses[(hash ^ hash >> 16) & (IN_BUCKETS - 1)];
}

static struct in_address *address_find(struct s2_incomings *in, const struct xmb_addr *a)
{
    struct in_address *at = *bucket_of(in, a);

    while (at != NULL && (at->family != a->family || memcmp(at->ip, a->ip, key_bytes(a)) != 0))
        at = at->next;
    return at;
}

static struct in_address *address_get(struct s2_incomings *in, const struct xmb_addr *a)
{
    struct in_address *at = address_find(in, a), **bucket = bucket_of(in, a);

    if (at != NULL)
        return at;
    at = calloc(1, sizeof(*at));
    if (at == NULL)
        return NULL;
    at->family = a->family;
    memcpy(at->ip, a->ip, key_bytes(a));
    at->next = *bucket;
    *bucket = at;
    return at;
}

static void address_drop(struct s2_incomings *in, struct in_address *address)
{
    struct xmb_addr a = {.family = address->family};
    struct in_address **at;

    memcpy(a.ip, address->ip, sizeof(address->ip));
    for (at = bucket_of(in, &a); *at != address; at = &(*at)->next)
        ;
    *at = address->next;
    free(address);
}

/* --- the queues ------------------------------------------------------------------------------- */

int s2_in_enlist(struct s2_incoming *s, const struct xmb_addr *remote)
{
    struct s2_incomings *in = s->w->incomings;
    struct in_address *a = address_get(in, remote);

    if (a == NULL)
        return XMB_ENOMEM;
    s->address = a;
    a->streams++;
    s->addr_older = a->newest;
    if (a->newest != NULL)
        a->newest->addr_newer = s;
    else
        a->oldest = s;
    a->newest = s;
    a->count++;
    s->older = in->unverified.newest;
    if (in->unverified.newest != NULL)
        in->unverified.newest->newer = s;
    else
        in->unverified.oldest = s;
    in->unverified.newest = s;
    s->unverified = 1;
    return 0;
}

static void leave_address(struct s2_incoming *s)
{
    struct in_address *a = s->address;

    if (s->addr_older != NULL)
        s->addr_older->addr_newer = s->addr_newer;
    else
        a->oldest = s->addr_newer;
    if (s->addr_newer != NULL)
        s->addr_newer->addr_older = s->addr_older;
    else
        a->newest = s->addr_older;
    a->count--;
}

void s2_in_forget(struct s2_incoming *s)
{
    if (s->address != NULL && --s->address->streams == 0)
        address_drop(s->w->incomings, s->address);
    s->address = NULL;
}

void s2_in_delist(struct s2_incoming *s)
{
    struct in_queue *q = &s->w->incomings->unverified;

    if (!s->unverified)
        return;
    leave_address(s);
    if (s->older != NULL)
        s->older->newer = s->newer;
    else
        q->oldest = s->newer;
    if (s->newer != NULL)
        s->newer->older = s->older;
    else
        q->newest = s->older;
    s->newer = s->older = NULL;
    s->unverified = 0;
}

/* --- who gives way ---------------------------------------------------------------------------- */

static int silent_gives_way(struct in_address *a)
{
    struct s2_incoming *s = a->oldest;

    while (s != NULL && s->state != IN_ACCEPTED && s->state != IN_SECURING)
        s = s->addr_newer;
    if (s == NULL)
        return 0;
    s2_in_cut(s, "a silent stream gives way to a newer one");
    return 1;
}

/* Removes the oldest unverified stream that is at least `age_ms` old. */
static int oldest_gives_way(struct s2_worker *w, uint64_t age_ms)
{
    struct s2_incoming *s = w->incomings->unverified.oldest;

    if (s == NULL || s2_now_ms(w) - s->opened_ms < age_ms)
        return 0;
    s2_in_cut(s, "not verified, and room for streams is short");
    return 1;
}

static uint32_t open_streams(const struct s2_worker *w)
{
    return atomic_load_explicit(&w->module->incoming, memory_order_relaxed);
}

/* Of one address on this worker: connections spread over workers as they come. */
static uint32_t share_of_address(const struct s2_worker *w)
{
    uint32_t share = w->conf->streams_total / 8 / w->count;

    return share > w->conf->streams_unverified ? share : w->conf->streams_unverified;
}

static int inside_is_full(const struct s2_worker *w)
{
    uint32_t total = w->conf->streams_total;

    return atomic_load_explicit(&w->module->incoming_inside, memory_order_relaxed) >=
           total - total / 4;
}

int s2_in_is_crowded(const struct s2_worker *w)
{
    return open_streams(w) >= w->conf->streams_total - w->conf->streams_total / 8;
}

enum in_room s2_in_room(struct s2_worker *w, enum s2_side side, const struct xmb_addr *remote)
{
    struct in_address *a = side == S2_OUTSIDE ? address_find(w->incomings, remote) : NULL;

    if (a != NULL && (a->streams >= share_of_address(w) ||
                      (a->count >= w->conf->streams_unverified && !silent_gives_way(a))))
        return s2_in_is_crowded(w) ? IN_ROOM_FULL : IN_ROOM_ADDRESS;
    if (side == S2_INSIDE && inside_is_full(w))
        return IN_ROOM_FULL;
    if (open_streams(w) >= w->conf->streams_total)
        return oldest_gives_way(w, 0) ? IN_ROOM_OK : IN_ROOM_FULL;
    if (s2_in_is_crowded(w))
        oldest_gives_way(w, IN_STUCK_MS);
    return IN_ROOM_OK;
}
