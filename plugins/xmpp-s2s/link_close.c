/* SPDX-License-Identifier: MIT */
/*
 * link_close.c - how attempts, streams and links end, and what their users are told
 * (xmpp-s2s.md 2.3, 2.8, 6.4).
 *
 * Before anything is verified an end means the next target, and the best reason of all attempts
 * is told when there is none left. Afterwards the stream is ended in order and `closed` tells
 * what the peer has.
 */
#include "health.h"
#include "link_priv.h"

#include <stdarg.h>
#include <stdio.h>

enum s2_condition s2_failure_condition(enum s2_failure_kind kind)
{
    switch (kind) {
    case S2_FAIL_NO_DOMAIN:
    case S2_FAIL_UNKNOWN_HOST:
        return S2_C_REMOTE_SERVER_NOT_FOUND;
    case S2_FAIL_REFUSED:
        return S2_C_INTERNAL_SERVER_ERROR;
    case S2_FAIL_LIMIT:
        return S2_C_RESOURCE_CONSTRAINT;
    default:
        return S2_C_REMOTE_SERVER_TIMEOUT;
    }
}

/* --- reasons --------------------------------------------------------------------------------- */

/*
 * What tells an administrator most: what a peer said goes before that another could not be
 * reached.
 */
static int rank(enum s2_failure_kind kind)
{
    if (kind == S2_FAIL_UNKNOWN_HOST)
        return 4;
    return kind > S2_FAIL_UNREACHABLE ? 3 : (int)kind; /* 0: nothing is known yet */
}

static void XMB_PRINTF(3, 0) set_end(struct s2_link *l, enum s2_failure_kind kind,
                                     const char *format, va_list args)
{
    l->end.kind = kind;
    l->end.condition = s2_failure_condition(kind);
    vsnprintf(l->end.text, sizeof(l->end.text), format, args);
}

static void XMB_PRINTF(3, 4) replace_end(struct s2_link *l, enum s2_failure_kind kind,
                                         const char *format, ...)
{
    va_list args;

    va_start(args, format);
    set_end(l, kind, format, args);
    va_end(args);
}

void s2_link_note(struct s2_link *l, enum s2_failure_kind kind, const char *format, ...)
{
    va_list args;

    if (rank(kind) < rank(l->end.kind))
        return;
    va_start(args, format);
    set_end(l, kind, format, args);
    va_end(args);
}

static struct s2_failure failure_of(const struct s2_link *l)
{
    return (struct s2_failure){l->end.kind, l->end.condition, l->end.text};
}

/* --- one connection -------------------------------------------------------------------------- */

/* A stream error needs our header before it, also on the new stream behind TLS. */
static void last_words(struct s2_link *l, enum s2_stream_error e, const char *why)
{
    struct s2_text t;

    if (l->state == LINK_SECURING && !l->secured)
        return;
    if (l->state == LINK_SECURING)
        s2_out_begin(l);
    s2_text_begin(&t);
    if (e != S2_E_NONE)
        s2_write_stream_error(&t, e, why);
    else
        s2_write_end(&t);
    if (s2_host->conn->write(l->conn, s2_text_str(&t)) == 0)
        l->position.written += t.n;
}

void s2_link_abandon(struct s2_link *l, enum s2_stream_error e, const char *why)
{
    struct xmb_conn *conn = l->conn;

    if (conn == NULL)
        return;
    last_words(l, e, why);
    l->conn = NULL;
    s2_out_drop_reader(l);
    s2_out_pairs_drop(l);
    s2_host->conn->deadline(conn, XMB_DEADLINE_ONCE, 0);
    s2_host->conn->close(conn, why);
}

void s2_link_attempt_failed(struct s2_link *l, enum s2_failure_kind kind, enum s2_stream_error e,
                            const char *format, ...)
{
    char text[LINK_TEXT];
    va_list args;

    va_start(args, format);
    vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    s2_link_note(l, kind, "%s", text);
    LINK_LOG(l, XMB_LOG_WARN, "no stream for %s: %s", l->local.text, text);
    s2_probe_failed(l, text);
    if (l->current.target != NULL)
        s2_target_failed(l->w, s2_target_key(l->current.target));
    s2_link_abandon(l, e, text);
    l->state = LINK_CONNECT;
    if (++l->negotiations >= LINK_NEGOTIATIONS_MAX)
        s2_link_fail(l);
    else
        s2_dialler_start(l);
}

/* --- the link -------------------------------------------------------------------------------- */

void s2_link_fail(struct s2_link *l)
{
    struct s2_failure f;

    if (l->state == LINK_DEAD)
        return;
    if (l->end.kind == S2_FAIL_UNREACHABLE && l->side == S2_OUTSIDE)
        s2_host->router->forget(s2_domain_str(&l->remote)); /* D10: the next try asks again */
    if (l->end.kind != S2_FAIL_IDLE)
        LINK_LOG(l, XMB_LOG_WARN, "%s cannot reach it: %s", l->local.text, l->end.text);
    if (l->end.kind != S2_FAIL_IDLE && l->side == S2_INSIDE)
        s2_health_note(l->w->module->health, &l->remote, l->end.text);
    s2_probe_over(l);
    s2_link_abandon(l, S2_E_NONE, l->end.text);
    s2_dialler_stop(l);
    s2_targets_free(l);
    l->state = LINK_DEAD;
    f = failure_of(l);
    s2_leases_end(l, &f);
    s2_asks_fail(l, &f);
}

/* The connection is ours to say the end on no more, or never was. */
void s2_link_silence(struct s2_link *l, enum s2_failure_kind kind, const char *why)
{
    struct s2_failure f;

    if (l->state >= LINK_CLOSING)
        return;
    replace_end(l, kind, "%s", why);
    if (l->conn != NULL && l->was_verified)
        s2_position_sample(l, 1);
    l->state = LINK_CLOSING;
    f = failure_of(l);
    s2_leases_fail(l, &f);
}

/* When the broker stops there is less time. */
static uint64_t end_wait_ms(const struct s2_link *l)
{
    uint64_t rest = l->w->module->drain_ms / 8 + 1;

    return l->draining && rest < LINK_END_WAIT_MS ? rest : LINK_END_WAIT_MS;
}

/*
 * Our end is said. What the peer of a bidirectional link has sent before it saw that is still
 * taken, up to its own end.
 */
static void finish(struct s2_link *l, int may_listen, const char *why)
{
    if (may_listen) {
        l->state = LINK_ENDING;
        s2_host->conn->deadline(l->conn, XMB_DEADLINE_ONCE, end_wait_ms(l));
        return;
    }
    l->state = LINK_CLOSING;
    s2_out_drop_reader(l);
    s2_out_pairs_drop(l);
    s2_host->conn->deadline(l->conn, XMB_DEADLINE_ONCE, 0);
    s2_host->conn->close(l->conn, why);
}

void s2_end_over(struct s2_link *l, const void *what)
{
    (void)what;
    finish(l, 0, l->end.text);
}

void s2_link_goodbye(struct s2_link *l, enum s2_failure_kind kind, enum s2_stream_error e,
                     const char *why)
{
    int may_listen = l->pairs != NULL && e == S2_E_NONE && kind != S2_FAIL_GOODBYE;
    struct s2_failure f;

    if (l->state >= LINK_CLOSING)
        return;
    replace_end(l, kind, "%s", why);
    if (l->conn == NULL) {
        s2_link_fail(l);
        return;
    }
    s2_probe_over(l);
    if (l->was_verified)
        s2_position_sample(l, 1); /* the last time that it can be told exactly */
    last_words(l, e, why);
    finish(l, may_listen, why);
    LINK_LOG(l, XMB_LOG_INFO, "stream of %s ends: %s", l->local.text, why);
    f = failure_of(l);
    s2_leases_fail(l, &f);
    s2_asks_fail(l, &f);
}

/* --- handlers: while negotiating ------------------------------------------------------------- */

void s2_end_ignore(struct s2_link *l, const void *what)
{
    (void)what;
    LINK_LOG(l, XMB_LOG_DEBUG, "something that means nothing here was ignored (%s)",
             s2_link_state_name(l));
}

void s2_end_negotiation_late(struct s2_link *l, const void *what)
{
    (void)what;
    s2_link_attempt_failed(l, S2_FAIL_STREAM, S2_E_CONNECTION_TIMEOUT,
                           "the peer took too long (%s)", s2_link_state_name(l));
}

void s2_end_negotiation_lost(struct s2_link *l, const void *what)
{
    s2_link_attempt_failed(l, S2_FAIL_STREAM, S2_E_NONE, "the connection ended (%s): %s",
                           s2_link_state_name(l), (const char *)what);
}

void s2_end_negotiation_over(struct s2_link *l, const void *what)
{
    (void)what;
    s2_link_attempt_failed(l, S2_FAIL_STREAM, S2_E_NONE, "the peer ended the stream (%s)",
                           s2_link_state_name(l));
}

void s2_end_unexpected(struct s2_link *l, const void *what)
{
    (void)what;
    s2_link_attempt_failed(l, S2_FAIL_STREAM, S2_E_UNSUPPORTED_STANZA_TYPE,
                           "the peer sent something out of turn (%s)", s2_link_state_name(l));
}

static enum s2_failure_kind kind_of(enum s2_stream_error e)
{
    return e == S2_E_HOST_UNKNOWN || e == S2_E_HOST_GONE ? S2_FAIL_UNKNOWN_HOST : S2_FAIL_STREAM;
}

static void error_text(const struct s2_element *e, char *text, size_t cap)
{
    snprintf(text, cap, "the peer ended the stream with %.*s%s%.*s",
             e->condition.n < 64 ? (int)e->condition.n : 64, e->condition.p,
             e->error_text.n > 0 ? ": " : "",
             e->error_text.n < 128 ? (int)e->error_text.n : 128, e->error_text.p);
}

/*
 * 1: the peer named another host, and its word is worth something because of TLS (RFC 6120,
 * 4.9.3.19).
 */
static int move(struct s2_link *l, const struct s2_element *e)
{
    if (!l->secured || l->moved || s2_targets_add(l, e->text) < 0)
        return 0;
    l->moved = 1;
    return 1;
}

void s2_end_stream_error_early(struct s2_link *l, const void *what)
{
    const struct s2_element *e = what;
    enum s2_stream_error error = s2_stream_error_of(e->condition);
    char text[LINK_TEXT];

    error_text(e, text, sizeof(text));
    if (error == S2_E_SEE_OTHER_HOST)
        move(l, e);
    s2_link_attempt_failed(l, kind_of(error), S2_E_NONE, "%s", text);
}

/* --- handlers: afterwards -------------------------------------------------------------------- */

void s2_end_broken(struct s2_link *l, const void *what)
{
    const int *refused = what;
    enum s2_stream_error e = *refused == XMB_ENOMEM ? S2_E_INTERNAL_SERVER_ERROR
                                                    : s2_stream_error_of_read(*refused);
    char text[LINK_TEXT];

    snprintf(text, sizeof(text), "the peer's stream is refused: %s",
             l->reader != NULL ? s2_reader_why(l->reader) : "out of memory");
    if (l->state < LINK_READY)
        s2_link_attempt_failed(l, S2_FAIL_STREAM, e, "%s", text);
    else
        s2_link_goodbye(l, l->was_verified ? S2_FAIL_LOST : S2_FAIL_STREAM, e, text);
}

/* Of 2.3, O7: queued stanzas go back; another target would not know better. */
void s2_end_ready_error(struct s2_link *l, const void *what)
{
    const struct s2_element *e = what;
    enum s2_stream_error error = s2_stream_error_of(e->condition);
    char text[LINK_TEXT];

    error_text(e, text, sizeof(text));
    if (error == S2_E_SEE_OTHER_HOST && move(l, e))
        s2_link_attempt_failed(l, S2_FAIL_STREAM, S2_E_NONE, "%s", text);
    else
        s2_link_goodbye(l, kind_of(error), S2_E_NONE, text);
}

void s2_end_ready_over(struct s2_link *l, const void *what)
{
    (void)what;
    s2_link_goodbye(l, S2_FAIL_DIALBACK, S2_E_NONE,
                    "the peer ended the stream before it answered our dialback");
}

void s2_end_ready_lost(struct s2_link *l, const void *what)
{
    l->end.kind = 0;
    s2_link_note(l, S2_FAIL_DIALBACK, "the connection ended before our dialback was answered: %s",
                 (const char *)what);
    s2_link_fail(l);
}

void s2_end_goodbye(struct s2_link *l, const void *what)
{
    (void)what;
    s2_out_unanswered(l);
    s2_link_goodbye(l, S2_FAIL_GOODBYE, S2_E_NONE, "the peer ended the stream in order");
}

void s2_end_error(struct s2_link *l, const void *what)
{
    const struct s2_element *e = what;
    enum s2_stream_error error = s2_stream_error_of(e->condition);
    int is_orderly = s2_stream_error_is_orderly(error);
    char text[LINK_TEXT];

    if (!is_orderly)
        s2_out_unanswered(l);
    error_text(e, text, sizeof(text));
    s2_link_goodbye(l, is_orderly ? S2_FAIL_GOODBYE : S2_FAIL_LOST, S2_E_NONE, text);
}

/*
 * Without bidi nothing may come this way. ejabberd answers a malformed address here, with an
 * error.
 */
void s2_end_stanza(struct s2_link *l, const void *what)
{
    const struct s2_stanza *s = what;

    l->stanzas_in++;
    if (s->type == S2_TYPE_ERROR) {
        LINK_LOG(l, XMB_LOG_INFO,
                 "an error stanza came on a stream that is ours to send on; it is ignored");
        return;
    }
    s2_link_goodbye(l, l->was_verified ? S2_FAIL_LOST : S2_FAIL_STREAM, S2_E_NOT_AUTHORIZED,
                    "the peer sent a stanza on a stream that is not for it to send on");
}

void s2_end_answers_late(struct s2_link *l, const void *what)
{
    (void)what;
    s2_out_results_late(l);
    s2_asks_late(l);
    s2_link_if_idle(l);
    s2_link_rearm(l);
}

void s2_end_closed(struct s2_link *l, const void *what)
{
    struct s2_failure f;

    if (l->state < LINK_CLOSING) {
        replace_end(l, S2_FAIL_LOST, "the connection was lost: %s", (const char *)what);
        LINK_LOG(l, XMB_LOG_NOTICE, "stream of %s: %s", l->local.text, l->end.text);
    }
    l->state = LINK_DEAD;
    f = failure_of(l);
    s2_leases_end(l, &f);
    s2_asks_fail(l, &f);
}
