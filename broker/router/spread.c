/* SPDX-License-Identifier: MIT */
/*
 * spread.c - the order of routes of equal priority, by their weights.
 *
 * The selection of RFC 2782: those of weight 0 first, then again and again one
 * is drawn by the running sum of weights among those that are left. What is drawn is
 * an SRV record: the routes of its addresses stand together, count once, and keep their
 * order (RFC 8305, 4). Records of weight 0 alone are drawn alike.
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

/* Two addresses of one record. Without target and port it is an answer of `addresses`. */
static int same_record(const struct xmb_route *a, const struct xmb_route *b)
{
    return a->weight == b->weight && a->port == b->port &&
           (a->flags & XMB_ROUTE_TLS) == (b->flags & XMB_ROUTE_TLS) &&
           (a->target.n > 0 || a->port == 0) && xmb_str_eq(a->target, b->target);
}

/* How many routes stand for the record at `routes`; at least one. */
static size_t record_size(const struct xmb_route *routes, size_t count)
{
    size_t n = 1;

    while (n < count && same_record(routes, routes + n))
        n++;
    return n;
}

/* Takes the `n` routes at `i` to the front; all keep their order otherwise. */
static void to_front(struct xmb_route *routes, size_t i, size_t n)
{
    for (; n > 0; routes++, n--) {
        struct xmb_route r = routes[i];
        size_t k;

        for (k = i; k > 0; k--)
            routes[k] = routes[k - 1];
        routes[0] = r;
    }
}

static void zeros_first(struct xmb_route *routes, size_t count)
{
    size_t zeros = 0;
    size_t i;

    for (i = 0; i < count; i++)
        if (routes[i].weight == 0) {
            to_front(routes + zeros, i - zeros, 1);
            zeros++;
        }
}

/* Where the record stands that is drawn. */
static size_t draw(const struct xmb_route *routes, size_t count, uint64_t random)
{
    uint32_t sum = 0;
    uint32_t records = 0;
    uint32_t at;
    size_t i;

    for (i = 0; i < count; i += record_size(routes + i, count - i), records++)
        sum += routes[i].weight;
    at = (uint32_t)(random % (sum > 0 ? sum + 1 : records));
    for (i = 0, records = 0; i < count; i += record_size(routes + i, count - i), records++) {
        uint32_t running = sum > 0 ? routes[i].weight : records > 0;

        if (running >= at)
            return i;
        at -= running;
    }
    return 0;
}

static void spread_equals(struct xmb_route *routes, size_t count, uint64_t *random_state)
{
    zeros_first(routes, count);
    while (count > 1) {
        size_t at = draw(routes, count, random_next(random_state));
        size_t n = record_size(routes + at, count - at);

        to_front(routes, at, n);
        routes += n;
        count -= n;
    }
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
