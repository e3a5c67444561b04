/* SPDX-License-Identifier: MIT */
/*
 * barrier.c - a ping (XEP-0199) from our domain to the peer's, sent behind the stanzas of a flow:
 * when its result, or an error, comes back on a stream of the peer, all that was sent before it was
 * read.
 *
 * The id names this process, the worker and the barrier: "xmb-", 16 hex digits that are random and
 * made once, 4 of the worker's number, and the barrier's number. An id with other random digits is
 * the ping of another gateway, whose answer is passed on like any stanza. A peer that knows the
 * digits can only lie about what it read itself.
 *
 * A peer that is known to answer is also asked when nothing has shown for keepalive_ms that it
 * reads (s2_barrier_nudge), so that a process that stands still is found though nobody writes to
 * it. Such an id begins with "xmb." and is activity to nobody: a stream without other stanzas is as
 * idle as before. The time of a barrier runs from the last proof before it, as far back as
 * keepalive_ms: however the outage lies to the pings, it is found barrier_timeout_ms after the last
 * proof.
 *
 * Peers that never answer, and are alive, exist: they are remembered, and TCP's word is taken for
 * them. A peer is alive when it was heard meanwhile, or when it had been taken for dead before and
 * has verified us since. The memory is a table of fixed size in which a newer domain may push out
 * an older one.
 */
#include "flow_priv.h"

#include <stdio.h>
#include <stdlib.h>

#include "dialback.h"

#define PREFIX "xmb"
#define PREFIX_CHARS 4u /* with the next: */
#define MARK_BUSY '-'
#define MARK_IDLE '.'
#define NONCE_CHARS 16u
#define WORKER_CHARS 4u
#define ID_MAX 48
#define WATCH_MS 4000     /* so old is a barrier when it is looked for progress before it */
#define WATCH_GAP_MS 1000
#define AGAIN_MS 3000     /* so long after it, a peer that shows itself is asked once more */

/* --- randomness ------------------------------------------------------------------------------ */

static int random_u64(uint64_t *out)
{
    char hex[S2_ID + 1];
    int rc = s2_stream_id(hex);

    if (rc != 0)
        return rc;
    hex[16] = '\0';
    *out = strtoull(hex, NULL, 16);
    if (*out == 0)
        *out = 1;
    return 0;
}

/* The first worker's is everybody's, as an answer may come in on any of them. */
int s2_barrier_init(struct s2_flows *fl)
{
    _Atomic uint64_t *shared = &fl->w->module->barrier_nonce;
    uint64_t none = 0, made;
    int rc = random_u64(&fl->random);

    if (rc == 0)
        rc = random_u64(&fl->peer_seed);
    if (rc == 0)
        rc = random_u64(&made);
    if (rc != 0)
        return rc;
    atomic_compare_exchange_strong(shared, &none, made);
    fl->nonce = atomic_load(shared);
    return 0;
}

/* --- who answers ----------------------------------------------------------------------------- */

static uint64_t peer_key(const struct s2_flows *fl, const struct s2_domain *d)
{
    uint64_t key = fl->peer_seed;
    uint16_t i;

    for (i = 0; i < d->n; i++)
        key = (key ^ (uint8_t)d->text[i]) * UINT64_C(0x100000001b3);
    key ^= key >> 29;
    return key != 0 ? key : 1;
}

static struct s2_peer peer_of(const struct s2_flows *fl, const struct s2_domain *d)
{
    static const struct s2_peer unknown = {.pings = S2_PINGS_UNKNOWN};
    uint64_t key = peer_key(fl, d);
    const struct s2_peer *p = fl->peers != NULL ? &fl->peers[key % S2_PEERS] : NULL;

    return p != NULL && p->key == key ? *p : unknown;
}

enum s2_pings s2_peer_pings(const struct s2_flows *fl, const struct s2_domain *d)
{
    return (enum s2_pings)peer_of(fl, d).pings;
}

static void remember(struct s2_flows *fl, const struct s2_domain *d, enum s2_pings pings)
{
    uint64_t key = peer_key(fl, d);

    if (fl->peers == NULL)
        fl->peers = calloc(S2_PEERS, sizeof(*fl->peers));
    if (fl->peers == NULL)
        return;
    fl->peers[key % S2_PEERS] = (struct s2_peer){key, s2_now_ms(fl->w), pings};
}

/* --- out ------------------------------------------------------------------------------------- */

static int send_ping(struct s2_flow *f, uint64_t number, int is_idle, uint64_t *end)
{
    const struct s2_flows *fl = f->w->flows;
    char from[S2_UDOMAIN_MAX + 1], to[S2_UDOMAIN_MAX + 1], id[ID_MAX];
    struct s2_text text;
    struct xmb_part part;

    snprintf(id, sizeof(id), PREFIX "%c%016llx%04x%llx", is_idle ? MARK_IDLE : MARK_BUSY,
             (unsigned long long)fl->nonce, (unsigned)f->w->index & 0xffffu,
             (unsigned long long)number);
    s2_text_begin(&text);
    s2_write_ping(&text, s2_domain_wire(&f->from, from), s2_domain_wire(&f->to, to), xmb_str(id));
    if (is_idle)
        return s2_lease_ask(f->lease, s2_text_str(&text), end);
    part = (struct xmb_part){NULL, text.p, text.n};
    return s2_lease_send(f->lease, &part, 1, end);
}

/* The counter of the lease goes on with pings, as the peer's does. */
static int send_one(struct s2_flow *f, uint64_t number, int is_idle, uint64_t *end)
{
    int rc;

    f->barrier_is_sm = f->has_sm;
    if (f->has_sm)
        return s2_lease_request(f->lease);
    rc = send_ping(f, number, is_idle, end);
    if (rc == 0)
        f->lease_seq++;
    return rc;
}

/*
 * How long before now the last proof is, at most what the sweep leaves between two; half of the
 * time is there for the answer in any case.
 */
static uint64_t silent_ms(const struct s2_flow *f, uint64_t now_ms)
{
    const struct s2_conf *c = f->w->conf;
    uint64_t proved_ms = s2_lease_proved_ms(f->lease), most_ms = c->barrier_timeout_ms / 2;

    if (c->keepalive_ms == 0 || proved_ms == 0 || proved_ms > now_ms)
        return 0;
    if (!f->barrier_is_sm && s2_peer_pings(f->w->flows, &f->to) != S2_PINGS_ANSWERED)
        return 0;
    return s2_least(now_ms - proved_ms, s2_least(c->keepalive_ms + LINK_SWEEP_MS, most_ms));
}

static void note_sent(struct s2_flow *f, uint64_t now_ms, uint64_t end)
{
    f->barrier = ++f->w->flows->barriers;
    f->barrier_last_ms = now_ms;
    f->barrier_ms = now_ms - silent_ms(f, now_ms);
    f->asked_ms = now_ms;
    f->was_blamed = 0;
    f->barrier_end = end;
    f->stuck_ms = 0;
    S2_COUNT(f->w, S2_M_BARRIERS, 1);
}

void s2_barrier_send(struct s2_flow *f, uint64_t now_ms)
{
    uint64_t end = 0;
    int rc = send_one(f, f->w->flows->barriers + 1, 0, &end);

    if (rc == XMB_EAGAIN) {
        f->held_up = !f->barrier_is_sm; /* a request is no stanza: no `writable` follows it */
        if (f->stuck_ms == 0)
            f->stuck_ms = now_ms;
    } else if (rc == XMB_ECLOSED) {
        f->closing = 1;
    } else if (rc == 0) {
        note_sent(f, now_ms, end);
    }
}

static int may_ask(struct s2_flow *f)
{
    if (f->state != FLOW_FLOWING || f->closing || f->w->flows->drain != S2_DRAIN_NOT ||
        f->w->conf->confirm == S2_CONFIRM_NONE || s2_confirm_by_tcp(f))
        return 0;
    f->has_sm = s2_lease_has_sm(f->lease) != 0;
    return f->has_sm || s2_peer_pings(f->w->flows, &f->to) == S2_PINGS_ANSWERED;
}

int s2_barrier_nudge(struct s2_flow *f)
{
    uint64_t now_ms = s2_now_ms(f->w), end = 0;

    if (!may_ask(f))
        return 0;
    if (f->ring.sent > 0)
        return 1; /* it asks by itself */
    if (f->barrier != 0)
        s2_barrier_watch(f, now_ms);
    else if (send_one(f, f->w->flows->barriers + 1, 1, &end) == 0)
        note_sent(f, now_ms, end);
    return 1; /* one that found no room is sent by the next sweep */
}

/* --- no answer ------------------------------------------------------------------------------- */

static const struct s2_flow *reverse_of(const struct s2_flow *f)
{
    struct s2_route route = s2_flow_route(f), back = s2_route_back(&route);

    return s2_flow_find(f->w, &back);
}

/* When the peer gave its last sign of life on anything that leads here. */
static uint64_t heard_ms(const struct s2_flow *f)
{
    const struct s2_flow *reverse = reverse_of(f);
    uint64_t ms = s2_lease_heard_ms(f->lease);

    if (f->alive_ms > ms)
        ms = f->alive_ms;
    if (reverse != NULL && reverse->put_ms > ms)
        ms = reverse->put_ms;
    return ms;
}

/* It stops streams: those that fill it, or those that cause the errors in it. */
static int stops(const struct s2_flow *f, uint32_t for_errors)
{
    uint32_t i;

    for (i = 0; i < f->waiter_count; i++) {
        if (f->waiters[i].for_errors == for_errors)
            return 1;
    }
    return 0;
}

/* Those that fill the flow of the other way are the peer's, as are those that cause errors here. */
int s2_barrier_is_blocked(const struct s2_flow *f)
{
    const struct s2_flow *reverse = reverse_of(f);

    if (f->lease != NULL && s2_lease_held_ms(f->lease) == UINT64_MAX)
        return 1; /* a bidirectional stream: the answer comes on it */
    if (f->barrier_is_sm)
        return 0;
    return stops(f, 1) || (reverse != NULL && stops(reverse, 0)) || s2_flow_far_is_full(f);
}

/*
 * We do not read from the peer, or did not meanwhile: the answer may lie behind what is not read
 * yet. Said once for a barrier: two directions that wait for each other must not do so for ever.
 */
static int is_our_fault(const struct s2_flow *f)
{
    const struct s2_flow *reverse = reverse_of(f);

    if (f->was_blamed)
        return 0;
    return s2_barrier_is_blocked(f) || s2_lease_held_ms(f->lease) >= f->barrier_ms ||
           (!f->barrier_is_sm && f->far_full_ms >= f->barrier_ms) ||
           (!f->barrier_is_sm && reverse != NULL && reverse->full_ms >= f->barrier_ms);
}

/* It lives, and has never answered. */
static int is_silent(const struct s2_flow *f)
{
    struct s2_peer peer = peer_of(f->w->flows, &f->to);

    if (f->barrier_is_sm || peer.pings == S2_PINGS_ANSWERED)
        return 0;
    return peer.pings == S2_PINGS_SILENT || heard_ms(f) > f->barrier_ms ||
           (peer.pings == S2_PINGS_DOUBTED && f->ready_ms > peer.since_ms);
}

static void rely_on_tcp(struct s2_flow *f)
{
    S2_LOG(f->w->module->module, XMB_LOG_NOTICE, "silent", f->to.text,
           "answers no ping from %s, and is alive: what its TCP acknowledges counts as delivered",
           f->from.text);
    remember(f->w->flows, &f->to, S2_PINGS_SILENT);
    f->barrier = 0;
    f->tcp_only = 1;
    f->progress_ms = s2_now_ms(f->w);
}

/*
 * Another pair of domains on the same connection had its answer, to a ping that stood behind ours.
 * So ours was read, and what answers it goes astray; the connection is not to be blamed, nor those
 * who share it.
 */
static int was_read(const struct s2_flow *f)
{
    return !f->barrier_is_sm && s2_lease_read_end(f->lease) >= f->barrier_end;
}

/* What stood before the barrier was read. */
static void settle(struct s2_flow *f)
{
    f->barrier = 0;
    s2_confirm_end(f, f->barrier_end);
    s2_flow_pump(f);
    s2_flow_relieve(f);
}

static void overdue(struct s2_flow *f, uint64_t now_ms)
{
    struct s2_flows *fl = f->w->flows;

    if (is_our_fault(f)) {
        f->was_blamed = 1;
        f->barrier_ms = now_ms;
        return;
    }
    S2_COUNT(f->w, S2_M_BARRIER_TIMEOUTS, 1);
    if (is_silent(f)) {
        rely_on_tcp(f);
        return;
    }
    if (!f->barrier_is_sm && s2_peer_pings(fl, &f->to) == S2_PINGS_UNKNOWN)
        remember(fl, &f->to, S2_PINGS_DOUBTED);
    s2_confirm_kill(f, "the peer answers nothing and is taken for dead");
    s2_flow_dead(f->w, (enum s2_side)f->to_side, &f->to, f->barrier_last_ms);
}

/*
 * A ping that the peer's system has not acknowledged cannot have been answered: while what is
 * before it shrinks, the peer reads, and is slow. The first look, a while after it was sent, tells
 * nothing: it may be the system that takes what the peer does not.
 */
static void note_progress(struct s2_flow *f, uint64_t now_ms)
{
    int is_first = f->polled_ms < f->barrier_last_ms;
    uint64_t acked;

    if (f->barrier_is_sm || now_ms - f->barrier_last_ms < WATCH_MS ||
        (!is_first && (f->acked >= f->barrier_end || now_ms - f->polled_ms < WATCH_GAP_MS)))
        return;
    f->polled_ms = now_ms;
    acked = s2_lease_acked(f->lease);
    if (!is_first && acked > f->acked)
        f->barrier_ms = now_ms;
    f->acked = acked;
}

/*
 * The answer comes on a stream that the peer opened. When a path is cut that stream may have ended
 * for us and not for the peer yet, and takes the answer with it. One that shows itself afterwards
 * is asked once more, by the same number: two answers prove the same. So is one of which nothing is
 * known yet, lest its first answer decides on its own that it is silent.
 */
static void ask_again(struct s2_flow *f, uint64_t now_ms)
{
    uint64_t end;

    if (f->barrier_is_sm || now_ms - f->asked_ms < AGAIN_MS || heard_ms(f) <= f->asked_ms)
        return;
    if (send_ping(f, f->barrier, f->ring.sent == 0, &end) != 0)
        return;
    f->asked_ms = now_ms;
    f->lease_seq++;
    S2_COUNT(f->w, S2_M_BARRIERS, 1);
}

void s2_barrier_watch(struct s2_flow *f, uint64_t now_ms)
{
    if (was_read(f)) {
        settle(f);
        return;
    }
    note_progress(f, now_ms);
    if (now_ms - f->barrier_ms >= f->w->conf->barrier_timeout_ms)
        overdue(f, now_ms);
    else
        ask_again(f, now_ms);
}

/* --- the answer ------------------------------------------------------------------------------ */

struct answer {
    struct s2_post post;
    uint64_t number;
    struct s2_domain from, to;
};

static void answered(struct s2_worker *w, const struct s2_domain *from, const struct s2_domain *to,
                     uint64_t number)
{
    struct s2_route out = {S2_OUTSIDE, to, from}, in = {S2_INSIDE, to, from};
    struct s2_flow *f = s2_flow_find(w, &out);

    if (f == NULL || f->barrier != number)
        f = s2_flow_find(w, &in);
    if (f == NULL || f->barrier != number || f->barrier_is_sm)
        return; /* late: what it would prove is settled */
    if (s2_peer_pings(w->flows, &f->to) != S2_PINGS_ANSWERED)
        remember(w->flows, &f->to, S2_PINGS_ANSWERED);
    s2_lease_read(f->lease, f->barrier_end);
    settle(f);
}

static void answer_arrived(struct xmb_worker *xw, void *arg)
{
    struct answer *a = arg;

    if (xw != NULL)
        answered(s2_host->worker->state(xw, a->post.module), &a->from, &a->to, a->number);
    free(a);
}

static void pass_answer(struct s2_worker *w, uint32_t owner, const struct s2_domain *from,
                        const struct s2_domain *to, uint64_t number)
{
    struct answer *a = calloc(1, sizeof(*a));

    if (a == NULL)
        return; /* as if it had been lost on its way */
    a->post.fn = answer_arrived;
    a->post.module = w->module->module;
    a->post.to = owner;
    a->post.bytes = sizeof(*a);
    a->number = number;
    a->from = *from;
    a->to = *to;
    s2_outbox_send(w->flows, &a->post);
}

/* Reads `n` hex digits, or those that are left; -1 when there is another character or none. */
static int read_hex(struct xmb_str *s, size_t n, uint64_t *out)
{
    uint64_t value = 0;
    size_t i;

    if (n > s->n)
        n = s->n;
    if (n == 0 || n > 16)
        return -1;
    for (i = 0; i < n; i++) {
        char c = s->p[i];

        if (c >= '0' && c <= '9')
            value = value * 16 + (uint64_t)(c - '0');
        else if (c >= 'a' && c <= 'f')
            value = value * 16 + (uint64_t)(c - 'a') + 10;
        else
            return -1;
    }
    *s = xmb_sub(*s, n, s->n);
    *out = value;
    return 0;
}

static int is_bare_domain(struct xmb_str jid)
{
    return jid.n > 0 && memchr(jid.p, '@', jid.n) == NULL && memchr(jid.p, '/', jid.n) == NULL;
}

static int is_ours(const struct s2_flows *fl, const struct s2_stanza *s, uint64_t *index,
                   uint64_t *number)
{
    struct xmb_str id = xmb_sub(s->id, PREFIX_CHARS, s->id.n);
    uint64_t nonce = 0;

    return read_hex(&id, NONCE_CHARS, &nonce) == 0 && nonce == fl->nonce &&
           read_hex(&id, WORKER_CHARS, index) == 0 && read_hex(&id, id.n, number) == 0 &&
           *number != 0;
}

/* A barrier or its answer, of whatever gateway: its mark; else 0. */
static char mark_of(const struct s2_stanza *s)
{
    if (s->kind != S2_IQ || s->type == S2_TYPE_SET || s->id.n < PREFIX_CHARS + NONCE_CHARS ||
        memcmp(s->id.p, PREFIX, PREFIX_CHARS - 1) != 0 || !is_bare_domain(s->from) ||
        !is_bare_domain(s->to))
        return 0;
    return s->id.p[PREFIX_CHARS - 1];
}

int s2_barrier_is_idle(const struct s2_stanza *s)
{
    return mark_of(s) == MARK_IDLE;
}

uint8_t s2_barrier_flags(const struct s2_stanza *s)
{
    char mark = mark_of(s);

    if (mark == MARK_IDLE)
        return S2_ITEM_PROBE | S2_ITEM_IDLE;
    return mark == MARK_BUSY ? S2_ITEM_PROBE : 0;
}

int s2_barrier_answer(struct s2_worker *w, const struct s2_domain *from_domain,
                      const struct s2_domain *to, const struct s2_stanza *s)
{
    uint64_t index = 0, number = 0;

    if (s->kind != S2_IQ || (s->type != S2_TYPE_RESULT && s->type != S2_TYPE_ERROR))
        return 0;
    if (s->id.n < PREFIX_CHARS + NONCE_CHARS ||
        memcmp(s->id.p, PREFIX, PREFIX_CHARS - 1) != 0)
        return 0;
    if (!is_ours(w->flows, s, &index, &number) || !is_bare_domain(s->to))
        return 0;
    if (index == w->index)
        answered(w, from_domain, to, number);
    else if (index < w->count)
        pass_answer(w, (uint32_t)index, from_domain, to, number);
    return 1;
}
