/* SPDX-License-Identifier: MIT */
/*
 * out_pairs.c - the pairs whose stanzas may come on a bidirectional link (XEP-0288, 2.3).
 *
 * A pair is verified by what lets us send for it: the peer took our word for `local`, and that we
 * reached it where its domain leads is ours for `remote`. It stands as long as the link, also when
 * no lease uses it any more. Whether the peer may speak to `local` is policy's business as with an
 * incoming stream; nothing is read until it has said so.
 */
#include "link_priv.h"

#include <stdlib.h>

/* --- by connection --------------------------------------------------------------------------- */

static struct s2_link **bucket_of(const struct s2_worker *w, xmb_ref ref)
{
    uint64_t mixed = ref * UINT64_C(0x9e3779b97f4a7c15);

    return &w->links->by_ref[(mixed >> 32) & (LINK_BUCKETS - 1)];
}

static void enlist(struct s2_link *l)
{
    struct s2_link **bucket;

    if (l->ref != 0)
        return;
    l->ref = s2_host->conn->ref(l->conn);
    bucket = bucket_of(l->w, l->ref);
    l->next_by_ref = *bucket;
    *bucket = l;
}

static void delist(struct s2_link *l)
{
    struct s2_link **at;

    if (l->ref == 0)
        return;
    for (at = bucket_of(l->w, l->ref); *at != l; at = &(*at)->next_by_ref)
        ;
    *at = l->next_by_ref;
    l->ref = 0;
}

/* --- reading --------------------------------------------------------------------------------- */

void s2_out_pause(struct s2_link *l)
{
    if (l->paused || l->conn == NULL)
        return;
    l->paused = l->is_held = 1;
    s2_host->conn->pause(l->conn);
}

void s2_out_push(struct s2_link *l)
{
    l->pushed = 1;
    s2_out_pause(l);
}

/* 1: what stopped us has not ended. */
static int still_waits(const struct s2_link *l)
{
    const struct s2_out_pair *p = l->pairs;

    while (p != NULL && p->verdict != S2_ADMIT_LATER)
        p = p->next;
    return p != NULL || l->pushed || s2_link_owes(l);
}

void s2_out_unpause(struct s2_link *l)
{
    if (!l->paused || l->conn == NULL || still_waits(l))
        return;
    l->paused = l->is_held = 0;
    l->held_ms = s2_now_ms(l->w);
    if (l->half_ms != 0)
        l->half_ms = l->held_ms; /* it could not go on while we did not read */
    s2_host->conn->resume(l->conn);
}

void s2_link_resume(struct s2_worker *w, xmb_ref ref)
{
    struct s2_link *l = *bucket_of(w, ref);

    while (l != NULL && l->ref != ref)
        l = l->next_by_ref;
    if (l == NULL)
        return;
    l->pushed = 0;
    s2_out_unpause(l);
}

/* --- policy ---------------------------------------------------------------------------------- */

static void decided(struct s2_out_pair *p, enum s2_admission a)
{
    struct s2_link *l = p->link;

    p->verdict = (uint8_t)a;
    if (a == S2_ADMIT_OK && !p->path.is_open &&
        s2_path_open(l->w, s2_other(l->side), &l->remote, &p->local, l->ref, &p->path) < 0)
        p->verdict = S2_ADMIT_OFF; /* no memory: what comes goes back */
    if (a != S2_ADMIT_OK && p->path.is_open) {
        s2_path_close(&p->path);
        l->pushed = 0; /* it may have been this one that did */
    }
    if (a != S2_ADMIT_OK)
        LINK_LOG(l, XMB_LOG_INFO, "stanzas to %s that come on our stream go back: %s",
                 p->local.text, s2_admission_text(a));
    s2_out_unpause(l);
}

static void decided_late(void *arg, enum s2_admission a)
{
    struct s2_out_pair *p = arg;

    p->has_question = 0;
    decided(p, a);
}

static void drop_question(struct s2_out_pair *p)
{
    if (p->has_question)
        s2_admit_cancel(p->link->w, p->question);
    p->has_question = 0;
}

static void admit(struct s2_out_pair *p)
{
    struct s2_link *l = p->link;
    struct xmb_conn_info info = {.size = sizeof(info)};
    enum s2_admission a;

    drop_question(p);
    s2_host->conn->info(l->conn, &info);
    a = s2_admit(l->w, l->side, &l->remote, &p->local, &info.remote, decided_late, p,
                 &p->question);
    p->has_question = a == S2_ADMIT_LATER;
    if (!p->has_question)
        decided(p, a);
    else if (p->verdict == S2_ADMIT_LATER)
        s2_out_pause(l);
}

/* --- pairs ----------------------------------------------------------------------------------- */

struct s2_out_pair *s2_out_pair_find(const struct s2_link *l, const struct s2_domain *local)
{
    struct s2_out_pair *p = l->pairs;

    while (p != NULL && !s2_domain_eq(&p->local, local))
        p = p->next;
    return p;
}

void s2_out_pair_open(struct s2_link *l, const struct s2_domain *local, int external)
{
    struct s2_out_pair *p;

    if (!l->bidi || l->conn == NULL || s2_out_pair_find(l, local) != NULL)
        return;
    p = calloc(1, sizeof(*p));
    if (p == NULL) {
        LINK_LOG(l, XMB_LOG_WARN, "out of memory: what comes for %s on our stream is refused",
                 local->text);
        return;
    }
    enlist(l);
    p->link = l;
    p->local = *local;
    p->external = external != 0;
    p->verdict = S2_ADMIT_LATER;
    p->next = l->pairs;
    l->pairs = p;
    l->pair_count++;
    admit(p);
}

void s2_out_pairs_drop(struct s2_link *l)
{
    struct s2_out_pair *p;

    while ((p = l->pairs) != NULL) {
        l->pairs = p->next;
        drop_question(p);
        if (p->path.is_open)
            s2_path_close(&p->path);
        free(p);
    }
    l->pair_count = 0;
    l->last = NULL;
    l->raw_from_n = l->raw_to_n = 0;
    l->paused = l->pushed = l->is_held = 0;
    delist(l);
}

/* None of them goes while they are asked about. */
void s2_out_pairs_recheck(struct s2_link *l)
{
    struct s2_out_pair *p;

    for (p = l->pairs; p != NULL; p = p->next)
        admit(p);
}

int s2_out_pairs_live(const struct s2_link *l)
{
    return l->pairs != NULL && l->state == LINK_VERIFIED && !l->draining &&
           s2_now_ms(l->w) - l->stanza_ms < l->w->conf->idle_ms;
}
