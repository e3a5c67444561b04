/* SPDX-License-Identifier: MIT */
/*
 * in_close.c - the ways out of an incoming stream.
 *
 *   s2_in_fail   the peer did what it must not, or may not: stream error, end tag, close (W15)
 *   s2_in_end    nobody is at fault: end tag, up to 5 s for the peer's, close (W16). The peer's
 *                stanzas are taken until then: it may have sent them before it saw our end tag
 *   s2_in_cut    nothing can be said any more
 *
 * An operator's `clear` is the orderly end, so that the peer comes back as soon as it has
 * something to say. The core flushes what is written, says goodbye in TLS and lingers.
 */
#include "in_priv.h"

/*
 * After this nothing is written, read or asked; `closed` of the host frees the stream. `how` is
 * the host's close or reset.
 */
static void leave(struct s2_incoming *s, const char *why,
                  void (*how)(struct xmb_conn *c, const char *why))
{
    s->state = IN_CLOSED;
    s2_in_drained(s);
    s2_in_delist(s);
    s2_in_uncount(s);
    s2_in_pairs_drop(s);
    s2_in_question_drop(s);
    s2_in_reader_drop(s);
    s2_in_bidi_end(s, S2_FAIL_LOST, why);
    s2_host->conn->deadline(s->conn, XMB_DEADLINE_ONCE, 0);
    how(s->conn, why);
}

static void finish(struct s2_incoming *s, const char *why)
{
    if (s->state != IN_CLOSED)
        leave(s, why, s2_host->conn->close);
}

void s2_in_cut(struct s2_incoming *s, const char *why)
{
    if (s->state == IN_CLOSED)
        return;
    IN_LOG(s, XMB_LOG_INFO, "stream-cut", "incoming stream (%s) is cut off: %s",
           s2_in_state_name(s), why);
    leave(s, why, s2_host->conn->reset);
}

/* What the peer has no acknowledgement of when the stream ends, it returns (XEP-0198, 4). */
static void acknowledge(const struct s2_incoming *s, struct s2_text *t)
{
    if (s->sm && s->header_sent)
        s2_write_sm_a(t, s->h);
}

int s2_in_fail_behind(struct s2_incoming *s, struct s2_text *t, enum s2_stream_error e,
                      const char *text)
{
    if (s->state == IN_CLOSED)
        return IN_STOP;
    if (s->state == IN_SECURING || s->state == IN_ENDING) {
        s2_in_cut(s, text);
        return IN_STOP;
    }
    if (!s->header_sent)
        s2_in_write_header(s, t);
    acknowledge(s, t);
    s2_write_stream_error(t, e, text);
    S2_COUNT(s->w, S2_M_STREAMS_REFUSED, 1);
    IN_LOG(s, s->verified_count > 0 ? XMB_LOG_NOTICE : XMB_LOG_INFO,
           s->verified_count > 0 ? NULL : "stream-error",
           "incoming stream (%s) ends with the error %s: %s", s2_in_state_name(s),
           s2_stream_error_name(e), text);
    s2_in_send(s, t);
    finish(s, text);
    return IN_STOP;
}

int s2_in_fail(struct s2_incoming *s, enum s2_stream_error e, const char *text)
{
    struct s2_text t;

    s2_text_begin(&t);
    return s2_in_fail_behind(s, &t, e, text);
}

/* Our end tag, and a header before it when the peer has not had one. */
static void write_end(struct s2_incoming *s)
{
    struct s2_text t;

    s2_text_begin(&t);
    if (!s->header_sent)
        s2_in_write_header(s, &t);
    acknowledge(s, &t);
    s2_write_end(&t);
    s2_in_send(s, &t);
}

/* When the broker stops there is less time. */
static uint64_t end_wait_ms(const struct s2_incoming *s)
{
    uint64_t rest = s->w->module->drain_ms / 8 + 1;

    return s->drain_since_ms != 0 && rest < IN_END_WAIT_MS ? rest : IN_END_WAIT_MS;
}

/* Our end tag is out: what is pending is given up, and the peer has its time. */
static void await_end(struct s2_incoming *s)
{
    if (s->state == IN_CLOSED)
        return;
    s->state = IN_ENDING;
    s2_in_bidi_end(s, S2_FAIL_GOODBYE, "the stream is ended");
    s2_in_pairs_drop_pending(s);
    s2_in_question_drop(s);
    s->authenticating = 0;
    s2_in_unpause(s);
    s2_host->conn->deadline(s->conn, XMB_DEADLINE_ONCE, end_wait_ms(s));
}

void s2_in_end(struct s2_incoming *s, const char *why)
{
    if (s->state == IN_CLOSED || s->state == IN_ENDING)
        return;
    if (s->state == IN_SECURING) {
        s2_in_cut(s, why);
        return;
    }
    IN_LOG(s, XMB_LOG_INFO, NULL, "incoming stream (%s) is ended: %s", s2_in_state_name(s), why);
    write_end(s);
    await_end(s);
}

int s2_in_over(struct s2_incoming *s, const struct in_input *in)
{
    (void)in;
    finish(s, "the stream was ended");
    return IN_STOP;
}

int s2_in_peer_end(struct s2_incoming *s, const struct in_input *in)
{
    (void)in;
    IN_LOG(s, XMB_LOG_INFO, "peer-end", "the peer ends its stream (%s)", s2_in_state_name(s));
    write_end(s);
    s2_in_bidi_end(s, S2_FAIL_GOODBYE, "the peer ended the stream in order");
    finish(s, "the peer ended the stream");
    return IN_STOP;
}

int s2_in_peer_error(struct s2_incoming *s, const struct in_input *in)
{
    const struct s2_element *e = in->element;

    IN_LOG(s, XMB_LOG_NOTICE, "peer-error", "the peer ends its stream with the error %.*s%s%.*s",
           (int)e->condition.n, e->condition.p != NULL ? e->condition.p : "",
           e->error_text.n > 0 ? ": " : "", (int)e->error_text.n,
           e->error_text.p != NULL ? e->error_text.p : "");
    write_end(s);
    s2_in_bidi_end(s,
                   s2_stream_error_is_orderly(s2_stream_error_of(e->condition)) ? S2_FAIL_GOODBYE
                                                                                : S2_FAIL_LOST,
                   "the peer ended the stream with an error");
    finish(s, "the peer ended the stream with an error");
    return IN_STOP;
}

/* --- deadlines -------------------------------------------------------------------------------- */

int s2_in_timeout(struct s2_incoming *s, const struct in_input *in)
{
    (void)in;
    if (s->state == IN_ACCEPTED && s2_in_is_crowded(s->w)) {
        s2_in_cut(s, "it never said a word, and room for streams is short");
        return IN_STOP;
    }
    if (s->has_asked && s->pair_count == 0) { /* it came for a db:verify and has had it */
        s2_in_end(s, "nothing more is asked on it");
        return IN_STOP;
    }
    return s2_in_fail(s, S2_E_CONNECTION_TIMEOUT, "not verified in time");
}

int s2_in_handshake_late(struct s2_incoming *s, const struct in_input *in)
{
    (void)in;
    s2_in_cut(s, "the TLS handshake takes too long");
    return IN_STOP;
}

/* --- from outside ----------------------------------------------------------------------------- */

int s2_in_clear(struct s2_worker *w, uint64_t id)
{
    struct s2_incoming *s = s2_in_find(w->incomings, id);

    if (s == NULL || s->state == IN_CLOSED)
        return 0;
    s2_in_end(s, "cleared by the operator");
    return 1;
}

/* --- the broker stops ------------------------------------------------------------------------- */

/*
 * Flows are told first (s2_flow_drain). A verified stream stays while they may still wait for an
 * answer that comes in here, the peer's to a barrier: as long as a flow of any worker holds a
 * stanza. What is put into a flow meanwhile goes back. Flows in turn keep their leases until these
 * streams are gone, so that what comes on them until then can be answered.
 */
static int is_needed(const struct s2_incoming *s)
{
    const struct s2_worker *w = s->w;
    uint64_t past = s2_now_ms(w) - s->drain_since_ms;

    if (past >= w->module->drain_ms / 4 * 3)
        return 0;
    return past < IN_DRAIN_MS || s2_stanzas_left(w) > 0;
}

static void count_draining(const struct s2_incoming *s, int by)
{
    _Atomic uint32_t *streams = &s2_tally(s->w)->streams;

    atomic_store_explicit(streams,
                          atomic_load_explicit(streams, memory_order_relaxed) + (uint32_t)by,
                          memory_order_release);
}

void s2_in_drained(struct s2_incoming *s)
{
    if (s->drain_since_ms != 0)
        count_draining(s, -1);
    s->drain_since_ms = 0;
}

static int say_shutdown(struct s2_incoming *s)
{
    struct s2_text t;

    s2_text_begin(&t);
    acknowledge(s, &t);
    s2_write_stream_error(&t, S2_E_SYSTEM_SHUTDOWN, "the broker stops");
    s2_in_send(s, &t);
    await_end(s);
    return IN_STOP;
}

int s2_in_drain_look(struct s2_incoming *s, const struct in_input *in)
{
    (void)in;
    if (s->drain_since_ms == 0)
        return IN_GO_ON;
    if (!is_needed(s))
        return say_shutdown(s);
    s2_host->conn->deadline(s->conn, XMB_DEADLINE_ONCE, IN_DRAIN_LOOK_MS);
    return IN_GO_ON;
}

void s2_in_drain(struct s2_incoming *s, struct xmb_conn *conn)
{
    (void)conn;
    if (s->state == IN_CLOSED || s->state == IN_ENDING)
        return;
    if (s->state != IN_VERIFIED) {
        s2_in_fail(s, S2_E_SYSTEM_SHUTDOWN, "the broker stops");
        return;
    }
    if (s->drain_since_ms == 0)
        count_draining(s, 1);
    s->drain_since_ms = s2_now_ms(s->w);
    s2_in_drain_look(s, NULL);
}
