/* SPDX-License-Identifier: MIT */
/*
 * barrier_peers.c - which peers answer pings, and which the same question on the lease itself.
 *
 * Peers that never answer, and are alive, exist: they are remembered, and TCP's word is taken for
 * them. An answer on a lease itself says nothing of one on which there could be none. The memory is
 * a table of fixed size in which a newer domain may push out an older one.
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
    static const struct s2_peer unknown = {.key = 0};
    uint64_t key = peer_key(fl, d);
    const struct s2_peer *p = fl->peers != NULL ? &fl->peers[key % S2_PEERS] : NULL;

    return p != NULL && p->key == key ? *p : unknown;
}

int s2_barrier_answers(const struct s2_flow *f)
{
    struct s2_peer peer = s2_barrier_peer(f->w->flows, &f->to);

    return peer.pings == S2_PINGS_ANSWERED ||
           (peer.here == S2_HERE_ANSWERED && s2_lease_can_answer(f->lease));
}

int s2_barrier_is_silent(const struct s2_flow *f)
{
    return s2_barrier_peer(f->w->flows, &f->to).pings == S2_PINGS_SILENT && !s2_barrier_answers(f);
}

/* Its place in the table; NULL: no memory. Whoever was there is forgotten. */
static struct s2_peer *place_of(struct s2_flows *fl, const struct s2_domain *d)
{
    uint64_t key = peer_key(fl, d);
    struct s2_peer *p;

    if (fl->peers == NULL)
        fl->peers = calloc(S2_PEERS, sizeof(*fl->peers));
    if (fl->peers == NULL)
        return NULL;
    p = &fl->peers[key % S2_PEERS];
    if (p->key != key)
        *p = (struct s2_peer){.key = key};
    return p;
}

void s2_barrier_remember(struct s2_flows *fl, const struct s2_domain *d, enum s2_pings pings)
{
    struct s2_peer *p = place_of(fl, d);

    if (p == NULL || p->pings == (uint16_t)pings)
        return;
    p->pings = (uint16_t)pings;
    p->since_ms = s2_now_ms(fl->w);
}

void s2_barrier_remember_here(struct s2_flows *fl, const struct s2_domain *d, enum s2_here here)
{
    struct s2_peer *p = place_of(fl, d);

    if (p != NULL)
        p->here = (uint16_t)here;
}
