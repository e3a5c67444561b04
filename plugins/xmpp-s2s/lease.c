/* SPDX-License-Identifier: MIT */
/*
 * lease.c - the use of a link for one pair of domains, as flows see it.
 *
 * A second domain of ours may go over a verified link when the peer keeps dialback errors apart
 * from stream errors (2.7): such a lease is a guest until it is verified, and gets a link of its
 * own when that fails. A pair that was verified on a bidirectional stream of the peer may be used
 * there in reverse (reverse.h). Nothing here calls its user back, apart from what link.c and
 * link_close.c start.
 */
#include "link_priv.h"
#include "reverse.h"

#include <stdlib.h>

/* --- where it belongs ------------------------------------------------------------------------ */

void s2_lease_join(struct s2_link *l, struct s2_lease *e)
{
    struct s2_lease **at = &l->leases;

    while (*at != NULL)
        at = &(*at)->next;
    e->next = NULL;
    e->link = l;
    e->state = LEASE_WAITING;
    e->starved = 0;
    *at = e;
    l->lease_count++;
    s2_link_kick(l);
}

void s2_lease_leave(struct s2_lease *e)
{
    struct s2_lease **at = &e->link->leases;

    while (*at != e)
        at = &(*at)->next;
    *at = e->next;
    e->link->lease_count--;
}

static int is_usable(const struct s2_link *l, enum s2_side side, const struct s2_domain *local,
                     const struct s2_domain *remote)
{
    if (l->side != side || !s2_domain_eq(&l->remote, remote) || s2_link_is_leaving(l) || l->sm ||
        l->state == LINK_ENABLING || l->probe != NULL)
        return 0;
    if (l->kind != LINK_OURS)
        return l->kind == LINK_COMPONENT;
    if (s2_out_pair_find(l, local) != NULL)
        return 1;
    if (l->lease_count >= l->w->conf->pairs || l->pair_count >= l->w->conf->pairs)
        return 0;
    if (s2_domain_eq(&l->local, local))
        return 1;
    return l->state == LINK_VERIFIED && (l->features & S2_F_DIALBACK_ERRORS) != 0;
}

static struct s2_link *shared(struct s2_worker *w, enum s2_side side, const struct s2_domain *local,
                              const struct s2_domain *remote)
{
    struct s2_link *l = s2_reverse_link(w, side, local, remote);

    if (l != NULL && l->state == LINK_VERIFIED)
        return l;
    for (l = s2_links_bucket(w, remote); l != NULL; l = l->next)
        if (is_usable(l, side, local, remote))
            return l;
    return NULL;
}

/* `l` NULL: on a new one. */
static int open_on(struct s2_link *l, struct s2_worker *w, enum s2_side side,
                   const struct s2_domain *local, const struct s2_domain *remote,
                   const struct s2_lease_events *events, void *arg, struct s2_lease **out)
{
    struct s2_lease *e = calloc(1, sizeof(*e));

    if (e == NULL)
        return XMB_ENOMEM;
    e->guest = l != NULL && l->state >= LINK_READY;
    if (l == NULL)
        l = s2_link_new(w, side, local, remote);
    if (l == NULL) {
        free(e);
        return w->links->count >= LINK_MAX ? XMB_ELIMIT : XMB_ENOMEM;
    }
    e->local = *local;
    e->remote = *remote;
    e->events = events;
    e->arg = arg;
    s2_lease_join(l, e);
    *out = e;
    return 0;
}

int s2_lease_open(struct s2_worker *w, enum s2_side side, const struct s2_domain *local,
                  const struct s2_domain *remote, const struct s2_lease_events *events, void *arg,
                  struct s2_lease **out)
{
    return open_on(shared(w, side, local, remote), w, side, local, remote, events, arg, out);
}

int s2_lease_probe(struct s2_worker *w, const struct s2_domain *local,
                   const struct s2_domain *remote, const struct s2_lease_events *events, void *arg,
                   struct s2_lease **out)
{
    return open_on(NULL, w, S2_OUTSIDE, local, remote, events, arg, out);
}

void s2_lease_close(struct s2_lease *e)
{
    struct s2_link *l = e->link;

    s2_lease_leave(e);
    free(e);
    s2_link_kick(l);
}

void s2_lease_kill(struct s2_lease *e, const char *why)
{
    struct s2_link *l = e->link;

    l->question_n = 0; /* this end is not the peer's */
    if (l->conn != NULL && l->was_verified) {
        s2_host->conn->reset(l->conn, why);
        return;
    }
    l->kill = 1;
    s2_link_kick(l);
}

/* --- stanzas --------------------------------------------------------------------------------- */

static void count_stanza(struct s2_lease *e, size_t n)
{
    struct s2_link *l = e->link;

    l->position.written += n;
    l->written_ms = l->stanza_ms = s2_now_ms(l->w);
    l->stanzas_out++;
    l->sm_sent++;
    e->stanzas++;
}

int s2_lease_send(struct s2_lease *e, const struct xmb_part *parts, size_t n, uint64_t *end)
{
    struct s2_link *l = e->link;
    size_t i, bytes = 0;
    int rc;

    if (e->state != LEASE_READY || l->state != LINK_VERIFIED || l->conn == NULL)
        return XMB_ECLOSED;
    for (i = 0; i < n; i++)
        bytes += parts[i].n;
    if (l->max_bytes != 0 && bytes > l->max_bytes)
        return XMB_ETOOBIG;
    rc = s2_host->conn->write_parts(l->conn, parts, n);
    if (rc == XMB_EAGAIN || rc == XMB_ENOMEM) {
        e->starved = 1; /* of memory: the sweep tells it to try again */
        return XMB_EAGAIN;
    }
    if (rc < 0)
        return rc;
    count_stanza(e, bytes);
    *end = l->position.written - l->position.base;
    return 0;
}

uint64_t s2_lease_acked(struct s2_lease *e)
{
    struct s2_link *l = e->link;

    if (l->conn != NULL && l->was_verified)
        s2_position_sample(l, 1);
    return l->position.acked;
}

int s2_lease_has_sm(const struct s2_lease *e)
{
    return e->link->sm;
}

int s2_lease_request(struct s2_lease *e)
{
    struct s2_link *l = e->link;
    struct s2_text t;

    if (!l->sm || l->state != LINK_VERIFIED || l->conn == NULL)
        return XMB_ECLOSED;
    s2_text_begin(&t);
    s2_write_sm_r(&t);
    return s2_link_write(l, s2_text_str(&t));
}

uint64_t s2_lease_heard_ms(const struct s2_lease *e)
{
    struct xmb_conn_info info = {.size = sizeof(info)};

    if (e->link->conn == NULL)
        return 0;
    s2_host->conn->info(e->link->conn, &info);
    return info.received_ms;
}

int s2_lease_ask(struct s2_lease *e, struct xmb_str octets, uint64_t *end)
{
    struct s2_link *l = e->link;
    int rc;

    if (e->state != LEASE_READY || l->state != LINK_VERIFIED || l->conn == NULL)
        return XMB_ECLOSED;
    rc = s2_link_write(l, octets);
    *end = l->position.written - l->position.base;
    return rc;
}

uint64_t s2_lease_proved_ms(const struct s2_lease *e)
{
    return e->link->proved_ms;
}

void s2_lease_read(struct s2_lease *e, uint64_t end)
{
    e->link->proved_ms = s2_now_ms(e->link->w);
    if (end > e->link->read_end)
        e->link->read_end = end;
}

uint64_t s2_lease_read_end(const struct s2_lease *e)
{
    return e->link->read_end;
}

uint64_t s2_lease_held_ms(const struct s2_lease *e)
{
    return e->link->is_held ? UINT64_MAX : e->link->held_ms;
}

const char *s2_lease_peer(const struct s2_lease *e)
{
    return e->link->peer;
}

/* --- to its user ----------------------------------------------------------------------------- */

/* A callback may close any lease, so the list is looked at from its beginning each time. */
void s2_leases_writable(struct s2_link *l)
{
    uint32_t turn = ++l->turn;
    struct s2_lease *e = l->leases;

    while (e != NULL) {
        if (!e->starved || e->turn == turn) {
            e = e->next;
            continue;
        }
        e->turn = turn;
        e->starved = 0;
        e->events->writable(e->arg, e);
        e = l->leases;
    }
}

void s2_leases_tell_answer(struct s2_link *l, int is_answer)
{
    uint32_t turn = ++l->turn;
    struct s2_lease *e = l->leases;

    while (e != NULL) {
        if (e->state != LEASE_READY || e->events->answered == NULL || e->turn == turn) {
            e = e->next;
            continue;
        }
        e->turn = turn;
        e->events->answered(e->arg, e, is_answer);
        e = l->leases;
    }
}

void s2_leases_handled(struct s2_link *l, uint64_t h)
{
    struct s2_lease *e = l->leases;

    l->proved_ms = s2_now_ms(l->w);
    while (e != NULL && e->state != LEASE_READY)
        e = e->next;
    if (e != NULL && e->events->handled != NULL)
        e->events->handled(e->arg, h);
}

/* 1: it goes on with a link of its own. */
static int move(struct s2_lease *e)
{
    struct s2_link *was = e->link;
    struct s2_link *l = s2_link_new(was->w, was->side, &e->local, &e->remote);

    if (l == NULL)
        return 0;
    s2_lease_leave(e);
    e->guest = 0;
    s2_lease_join(l, e);
    LINK_LOG(l, XMB_LOG_INFO, "%s gets a stream of its own", e->local.text);
    return 1;
}

void s2_lease_fail(struct s2_lease *e, const struct s2_failure *f, int final)
{
    const struct s2_lease_events *events = e->events;
    void *arg = e->arg;

    if (e->guest && !final && move(e))
        return;
    s2_lease_leave(e);
    free(e);
    events->failed(arg, f);
}

/* Those that never became ready. */
void s2_leases_fail(struct s2_link *l, const struct s2_failure *f)
{
    int final = f->kind == S2_FAIL_IDLE;
    struct s2_lease *e = l->leases;

    while (e != NULL) {
        if (e->state == LEASE_READY) {
            e = e->next;
            continue;
        }
        s2_lease_fail(e, f, final);
        e = l->leases;
    }
}

void s2_leases_end(struct s2_link *l, const struct s2_failure *f)
{
    const struct s2_lease_events *events;
    struct s2_lease *e;
    void *arg;

    s2_leases_fail(l, f);
    while ((e = l->leases) != NULL) {
        events = e->events;
        arg = e->arg;
        s2_lease_leave(e);
        free(e);
        events->ended(arg, f, l->left, l->acked);
    }
}
