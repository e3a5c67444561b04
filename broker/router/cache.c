/* SPDX-License-Identifier: MIT */
/*
 * cache.c - what modules answered when they were asked: routes for as long as
 * they may be kept, and that there are none for half a minute.
 *
 * Thread: routing. When it is full the oldest goes; strangers choose the names
 * that are asked for, so its size is all that they can reach.
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
} cache;

static struct cached **find(struct xmb_str domain)
{
    struct cached **at = &cache.bucket[name_hash(domain) & (BUCKETS - 1)];

    while (*at != NULL && !xmb_str_eq((*at)->set->domain, domain))
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
    set_release(c->set);
    free(c);
}

void cache_forget(struct xmb_str domain)
{
    struct cached **at = find(domain);

    if (*at != NULL)
        drop(at);
}

void cache_put(struct route_set *set, uint64_t now_ms, uint64_t ttl_ms)
{
    struct cached **at;
    struct cached *c;

    cache_forget(set->domain);
    if (ttl_ms == 0)
        return;
    if (cache.count == ROUTER_CACHE_MAX)
        cache_forget(cache.oldest->set->domain);
    c = calloc(1, sizeof(*c));
    if (c == NULL)
        return; /* it will be asked for again */
    at = find(set->domain);
    *at = c;
    c->set = set_hold(set);
    c->until_ms = now_ms + ttl_ms;
    c->older = cache.newest;
    *(cache.newest != NULL ? &cache.newest->newer : &cache.oldest) = c;
    cache.newest = c;
    cache.count++;
}

struct route_set *cache_find(struct xmb_str domain, uint64_t now_ms)
{
    struct cached **at = find(domain);

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
    while (cache.oldest != NULL)
        cache_forget(cache.oldest->set->domain);
}
