/* SPDX-License-Identifier: MIT */
/*
 * dual_paths.c - what an entry of the topology table has for each neighbour: a path when it offers
 * the service, and a bit in each of some sets. Sets are one word as long as no neighbour has a
 * number above 63, and grow for all entries together when one comes up that does not fit.
 */
#include "dual_priv.h"

struct se_path *se_dual_path_mutable(struct se_dual_entry *e, unsigned peer)
{
    struct se_path *p = e->paths;

    while (p != NULL && p->peer != peer)
        p = p->next;
    return p;
}

const struct se_path *se_dual_path(const struct se_dual_entry *e, unsigned peer)
{
    const struct se_path *p = e->paths;

    while (p != NULL && p->peer != peer)
        p = p->next;
    return p;
}

struct se_path *se_dual_path_make(struct se_dual *d, struct se_dual_entry *e, unsigned peer,
                                  struct se_origin *origin)
{
    struct se_path *p = se_dual_path_mutable(e, peer);

    if (p == NULL) {
        p = calloc(1, sizeof(*p));
        if (p == NULL)
            return NULL;
        p->peer = (uint16_t)peer;
        p->next = e->paths;
        e->paths = p;
        if (se_dual_is_peer(peer))
            d->peers[peer].path_count++;
    } else {
        p->origin->path_count--;
    }
    if (p->origin != origin)
        p->is_asked = 0;
    p->origin = origin;
    origin->path_count++;
    return p;
}

void se_dual_path_drop(struct se_dual *d, struct se_dual_entry *e, unsigned peer)
{
    struct se_path **at = &e->paths;
    struct se_path *p;

    while (*at != NULL && (*at)->peer != peer)
        at = &(*at)->next;
    p = *at;
    if (p == NULL)
        return;
    *at = p->next;
    p->origin->path_count--;
    if (se_dual_is_peer(peer))
        d->peers[peer].path_count--;
    free(p);
}

static uint64_t *word_of(const struct se_dual_entry *e, enum se_dual_set set, unsigned peer)
{
    if (peer / 64 >= e->set_words)
        return NULL;
    return &e->sets[(size_t)set * e->set_words + peer / 64];
}

void se_dual_set_add(struct se_dual_entry *e, enum se_dual_set set, unsigned peer)
{
    uint64_t *word = word_of(e, set, peer);

    assert(word != NULL);
    *word |= UINT64_C(1) << peer % 64;
}

int se_dual_set_remove(struct se_dual_entry *e, enum se_dual_set set, unsigned peer)
{
    uint64_t *word = word_of(e, set, peer);
    uint64_t bit = UINT64_C(1) << peer % 64;
    int was_in = word != NULL && (*word & bit) != 0;

    if (was_in)
        *word &= ~bit;
    return was_in;
}

int se_dual_in_set(const struct se_dual_entry *e, enum se_dual_set set, unsigned peer)
{
    const uint64_t *word = word_of(e, set, peer);

    return word != NULL && (*word >> peer % 64 & 1) != 0;
}

static int grow_sets_of(struct se_dual_entry *e, unsigned words)
{
    uint64_t *sets;
    unsigned s;

    if (e->set_words >= words)
        return 0;
    sets = calloc((size_t)words * SE_SETS, sizeof(*sets));
    if (sets == NULL)
        return XMB_ENOMEM;
    for (s = 0; s < SE_SETS; s++)
        memcpy(&sets[(size_t)s * words], &e->sets[(size_t)s * e->set_words],
               e->set_words * sizeof(*sets));
    if (e->sets != e->own_sets)
        free(e->sets);
    e->sets = sets;
    e->set_words = (uint16_t)words;
    return 0;
}

int se_dual_grow_sets(struct se_dual *d, unsigned words)
{
    struct se_dual_entry *e;

    for (e = d->first; e != NULL; e = e->next)
        if (grow_sets_of(e, words) != 0)
            return XMB_ENOMEM; /* those that are larger now stay so, it does no harm */
    if (words > d->set_words)
        d->set_words = (uint16_t)words;
    return 0;
}
