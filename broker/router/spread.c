/* SPDX-License-Identifier: MIT */
/*
 * spread.c - the order of routes of equal priority, by their weights.
 *
 * The selection of RFC 2782: those of weight 0 first, then again and again one
 * is drawn by the running sum of weights among those that are left.
 */
#include "router/router_priv.h"

/* splitmix64: enough for spreading load, and for nothing that must not be guessed. */
uint64_t random_next(uint64_t *state)
{
    uint64_t z = (*state += UINT64_C(0x9e3779b97f4a7c15));

    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
    return z ^ z >> 31;
}

/* Takes routes[i] to the front; the others keep their order. */
static void to_front(struct xmb_route *routes, size_t i)
{
    struct xmb_route r = routes[i];

    for (; i > 0; i--)
        routes[i] = routes[i - 1];
    routes[0] = r;
}

static void zeros_first(struct xmb_route *routes, size_t count)
{
    size_t zeros = 0;
    size_t i;

    for (i = 0; i < count; i++)
        if (routes[i].weight == 0) {
            to_front(routes + zeros, i - zeros);
            zeros++;
        }
}

static size_t draw(const struct xmb_route *routes, size_t count, uint64_t random)
{
    uint32_t sum = 0;
    uint32_t at;
    size_t i;

    for (i = 0; i < count; i++)
        sum += routes[i].weight;
    at = (uint32_t)(random % (sum + 1));
    for (i = 0, sum = 0; i < count; i++) {
        sum += routes[i].weight;
        if (sum >= at)
            return i;
    }
    return count - 1;
}

static void spread_equals(struct xmb_route *routes, size_t count, uint64_t *random_state)
{
    zeros_first(routes, count);
    for (; count > 1; routes++, count--)
        to_front(routes, draw(routes, count, random_next(random_state)));
}

void spread(struct xmb_route *routes, size_t count, uint64_t *random_state)
{
    size_t begin = 0;
    size_t i;

    for (i = 1; i <= count; i++)
        if (i == count || routes[i].priority != routes[begin].priority) {
            spread_equals(routes + begin, i - begin, random_state);
            begin = i;
        }
}
