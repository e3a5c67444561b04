/* SPDX-License-Identifier: MIT */
/*
 * throttle.c - see throttle.h.
 *
 * Shared by all workers, because the kernel spreads the connections of one address over them. A
 * fixed table of 64-bit cells, each one address' record, found by a keyed hash and changed by
 * compare-and-swap. Two addresses that fall on one cell push each other out: then one of them is
 * forgotten early, which costs a little work and denies nobody.
 *
 *     63      44 43             24 23    18 17     8 7         0
 *    +----------+-----------------+--------+--------+-----------+
 *    |   tag    | last failure, s |failures| window |connections|
 *    +----------+-----------------+--------+--------+-----------+
 */
#include "throttle.h"

#define FIELD(cell, shift, bits) ((uint32_t)((cell) >> (shift)) & ((1u << (bits)) - 1))
#define SECOND_BITS 20
#define FAILURES_TOP 63
#define CONNECTIONS_TOP 255

struct record {
    uint32_t tag; /* 20 bits, never 0 */
    uint32_t failed_s;
    uint32_t failures;
    uint32_t window;
    uint32_t connections;
};

/* Mixes 8 octets into the hash; splitmix64's finisher. */
static uint64_t mix(uint64_t hash, uint64_t word)
{
    hash ^= word;
    hash = (hash ^ (hash >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    hash = (hash ^ (hash >> 27)) * UINT64_C(0x94d049bb133111eb);
    return hash ^ (hash >> 31);
}

/* IPv6 hosts own a /64: all of it is one address here. */
static uint64_t hash_of(const struct server *server, const struct xmb_addr *a)
{
    uint64_t word = 0;

    memcpy(&word, a->ip, a->family == 6 ? 8 : 4);
    return mix(mix(server->throttle_secret, word), a->family);
}

static struct record unpack(uint64_t cell)
{
    struct record r = {FIELD(cell, 44, 20), FIELD(cell, 24, SECOND_BITS), FIELD(cell, 18, 6),
                       FIELD(cell, 8, 10), FIELD(cell, 0, 8)};

    return r;
}

static uint64_t pack(const struct record *r)
{
    return (uint64_t)r->tag << 44 | (uint64_t)r->failed_s << 24 | (uint64_t)r->failures << 18 |
           (uint64_t)r->window << 8 | r->connections;
}

static uint32_t seconds_of(uint64_t now_ms)
{
    return (uint32_t)(now_ms / 1000) & ((1u << SECOND_BITS) - 1);
}

static uint32_t window_of(uint64_t now_ms)
{
    return (uint32_t)(now_ms / 1000 / XS_CONNECTION_WINDOW_S) & 1023;
}

/* The record of `tag` in `cell`; an empty one when it is another's or too old. */
static struct record record_of(uint64_t cell, uint32_t tag, uint64_t now_ms)
{
    struct record r = unpack(cell);
    uint32_t age_s = (seconds_of(now_ms) - r.failed_s) & ((1u << SECOND_BITS) - 1);

    if (r.tag != tag || age_s > XS_FAILURE_MEMORY_S) {
        memset(&r, 0, sizeof(r));
        r.tag = tag;
    }
    if (r.window != window_of(now_ms)) {
        r.window = window_of(now_ms);
        r.connections = 0;
    }
    return r;
}

static uint32_t tag_of(uint64_t hash)
{
    uint32_t tag = (uint32_t)(hash >> 44);

    return tag != 0 ? tag : 1;
}

int xs_throttle_connection(struct server *server, const struct xmb_addr *remote, uint64_t now_ms)
{
    uint64_t hash = hash_of(server, remote);
    _Atomic uint64_t *at = &server->throttle[hash % XS_THROTTLE_CELLS];
    uint64_t cell = atomic_load_explicit(at, memory_order_relaxed);
    struct record r;

    do {
        r = record_of(cell, tag_of(hash), now_ms);
        if (r.failures < XS_FAILURES_MANY)
            return 0;
        if (r.connections >= XS_CONNECTIONS_MOST)
            return XMB_ELIMIT;
        if (r.connections < CONNECTIONS_TOP)
            r.connections++;
    } while (!atomic_compare_exchange_weak_explicit(at, &cell, pack(&r), memory_order_relaxed,
                                                    memory_order_relaxed));
    return 0;
}

uint32_t xs_throttle_cells(const struct server *server, const struct xmb_addr *remote)
{
    uint64_t hash = hash_of(server, remote);
    uint32_t cells = 0, row;

    for (row = 0; row < XS_SILENT_ROWS; row++) {
        cells = cells * XS_SILENT_CELLS + (uint32_t)(hash % XS_SILENT_CELLS);
        hash /= XS_SILENT_CELLS;
    }
    return cells;
}

uint64_t xs_throttle_failure(struct server *server, const struct xmb_addr *remote, uint64_t now_ms)
{
    uint64_t hash = hash_of(server, remote);
    _Atomic uint64_t *at = &server->throttle[hash % XS_THROTTLE_CELLS];
    uint64_t cell = atomic_load_explicit(at, memory_order_relaxed);
    struct record r;

    do {
        r = record_of(cell, tag_of(hash), now_ms);
        r.failed_s = seconds_of(now_ms);
        if (r.failures < FAILURES_TOP)
            r.failures++;
    } while (!atomic_compare_exchange_weak_explicit(at, &cell, pack(&r), memory_order_relaxed,
                                                    memory_order_relaxed));
    return r.failures >= XS_FAILURES_MANY ? XS_HOLD_LONG_MS : XS_HOLD_MS;
}
