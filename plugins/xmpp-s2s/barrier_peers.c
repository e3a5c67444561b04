/* SPDX-License-Identifier: MIT */
/*
 * barrier_peers.c - which peers answer pings, or the same question by dialback.
 *
 * Peers that never answer, and are alive, exist: they are remembered, and TCP's word is taken for
 * them. The memory is a table of fixed size in which a newer domain may push out an older one.
 */
#include "barrier_priv.h"

#include <stdlib.h>

static uint64_t peer_key(const struct s2_flows *fl, const struct s2_domain *d)
{
    uint64_t key = fl->peer_seed;
    uint16_t i;

    for (i = 0; i < d->n; i++)
        key = (key ^ (uint8_t)d->text[i]) * UINT64_C(0x100000001b3);
    key ^= key >> 29;
    return key != 0 ? key : 1;
}

struct s2_peer s2_barrier_peer(const struct s2_flows *fl, const struct s2_domain *d)
{
    static const struct s2_peer unknown = {.pings = S2_PINGS_UNKNOWN};
    uint64_t key = peer_key(fl, d);
    const struct s2_peer *p = fl->peers != NULL ? &fl->peers[key % S2_PEERS] : NULL;

    return p != NULL && p->key == key ? *p : unknown;
}

enum s2_pings s2_peer_pings(const struct s2_flows *fl, const struct s2_domain *d)
{
    return (enum s2_pings)s2_barrier_peer(fl, d).pings;
}

void s2_barrier_remember(struct s2_flows *fl, const struct s2_domain *d, enum s2_pings pings)
{
    uint64_t key = peer_key(fl, d);

    if (fl->peers == NULL)
        fl->peers = calloc(S2_PEERS, sizeof(*fl->peers));
    if (fl->peers == NULL)
        return;
    fl->peers[key % S2_PEERS] = (struct s2_peer){key, s2_now_ms(fl->w), pings};
}

void s2_barrier_remember_answer(const struct s2_flow *f)
{
    struct s2_flows *fl = f->w->flows;

    if (s2_peer_pings(fl, &f->to) != S2_PINGS_ANSWERED)
        s2_barrier_remember(fl, &f->to, S2_PINGS_ANSWERED);
}
