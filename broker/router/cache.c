/* SPDX-License-Identifier: MIT */
/*
 * cache.c - what modules answered when they were asked: routes and addresses for as
 * long as they may be kept, and that there are none, or that nobody could say.
 *
 * Thread: routing. When it is full the oldest goes; strangers choose the names
 * that are asked for, and some of the answers, so its size in names and in octets
 * is all that they can reach.
 */
#include "router/router_priv.h"

#include <stdlib.h>

#define BUCKETS 16384u

struct cached {
    struct cached *next; /* in its bucket */
    struct cached *older;
    struct cached *newer;
    struct route_set *set;
    uint64_t until_ms;
};

static struct {
    struct cached *bucket[BUCKETS];
    struct cached *oldest;
    struct cached *newest;
    uint32_t count;
    size_t bytes; /* of the sets */
} cache;

static struct cached **find(enum router_kind kind, struct xmb_str name)
{
    struct cached **at = &cache.bucket[(name_hash(name) + kind) & (BUCKETS - 1)];

    while (*at != NULL &&
           ((*at)->set->kind != (uint32_t)kind || !xmb_str_eq((*at)->set->domain, name)))
        at = &(*at)->next;
    return at;
}

static void drop(struct cached **at)
{
    struct cached *c = *at;

    *at = c->next;
    *(c->older != NULL ? &c->older->newer : &cache.oldest) = c->newer;
    *(c->newer != NULL ? &c->newer->older : &cache.newest) = c->older;
    cache.count--;
    cache.bytes -= c->set->bytes;
    set_release(c->set);
    free(c);
}

void cache_forget(enum router_kind kind, struct xmb_str name)
{
    struct cached **at = find(kind, name);

    if (*at != NULL)
        drop(at);
}

static void drop_oldest(void)
{
    drop(find(cache.oldest->set->kind, cache.oldest->set->domain));
}

void cache_forget_all(void)
{
    while (cache.oldest != NULL)
        drop_oldest();
}

void cache_put(struct route_set *set, uint64_t now_ms, uint64_t ttl_ms)
{
    struct cached **at;
    struct cached *c;

    cache_forget(set->kind, set->domain);
    if (ttl_ms == 0)
        return;
    while (cache.count == ROUTER_CACHE_MAX ||
           (cache.count > 0 && cache.bytes + set->bytes > ROUTER_CACHE_BYTES_MAX))
        drop_oldest();
    c = calloc(1, sizeof(*c));
    if (c == NULL)
        return; /* it will be asked for again */
    at = find(set->kind, set->domain);
    *at = c;
    c->set = set_hold(set);
    c->until_ms = now_ms + ttl_ms;
    c->older = cache.newest;
    *(cache.newest != NULL ? &cache.newest->newer : &cache.oldest) = c;
    cache.newest = c;
    cache.count++;
    cache.bytes += set->bytes;
}

struct route_set *cache_find(enum router_kind kind, struct xmb_str name, uint64_t now_ms)
{
    struct cached **at = find(kind, name);

    if (*at == NULL)
        return NULL;
    if (now_ms < (*at)->until_ms)
        return (*at)->set;
    drop(at);
    return NULL;
}

void cache_walk(uint64_t now_ms, void (*fn)(void *arg, struct route_set *set), void *arg)
{
    const struct cached *c;

    for (c = cache.oldest; c != NULL; c = c->newer)
        if (now_ms < c->until_ms)
            fn(arg, c->set);
}

size_t cache_count(void)
{
    return cache.count;
}

void cache_fini(void)
{
    cache_forget_all();
}
