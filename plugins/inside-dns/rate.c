/* SPDX-License-Identifier: MIT */
/*
 * rate.c - how much one source may ask over UDP, where its address proves nothing.
 *
 * A bucket of tokens for each source network (an IPv4 address, a /64 of IPv6) in a table of fixed
 * size; sources that meet in one bucket share it. The place is keyed, so that nobody can choose
 * whom to meet. This keeps a forged source from being flooded; it is no fair queueing.
 */
#include "server.h"

#include <sys/random.h>

#define TOKENS_A_SECOND 1000u
#define TOKENS_MAX 2000u

int idns_rate_init(struct rate *r)
{
    uint32_t i;

    if (getrandom(&r->secret, sizeof(r->secret), 0) != (ssize_t)sizeof(r->secret))
        return XMB_EIO;
    for (i = 0; i < RATE_BUCKETS; i++)
        r->bucket[i].left = TOKENS_MAX;
    return 0;
}

static uint32_t place(const struct rate *r, const struct xmb_addr *source)
{
    uint64_t h = r->secret ^ source->family;
    size_t bytes = source->family == 4 ? 4 : 8;
    size_t i;

    for (i = 0; i < bytes; i++) {
        h = (h ^ source->ip[i]) * UINT64_C(0x9e3779b97f4a7c15);
        h ^= h >> 29;
    }
    return (uint32_t)(h >> 32) & (RATE_BUCKETS - 1);
}

int idns_rate_take(struct rate *r, const struct xmb_addr *source, uint64_t now_ms)
{
    uint32_t i = place(r, source);
    uint64_t more = (now_ms - r->bucket[i].at_ms) * TOKENS_A_SECOND / 1000;

    if (more > 0) {
        r->bucket[i].at_ms = now_ms;
        if (more > TOKENS_MAX - r->bucket[i].left)
            more = TOKENS_MAX - r->bucket[i].left;
        r->bucket[i].left += (uint32_t)more;
    }
    if (r->bucket[i].left == 0)
        return 0;
    r->bucket[i].left--;
    return 1;
}
