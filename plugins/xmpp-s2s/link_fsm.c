/* SPDX-License-Identifier: MIT */
/*
 * link_fsm.c - the states of a link as a table (xmpp-s2s.md 2.3): for each state and event, who
 * handles it. Handlers set the next state, because most of them decide between two. What stands
 * in no row is handled by the state's default.
 *
 * LINK_RESOLVE and LINK_CONNECT have no connection and so no events: targets.c and dialler.c lead
 * through them.
 */
#include "link_priv.h"

typedef void handler(struct s2_link *l, const void *what);

static handler *const table[LINK_STATES][LINK_EVENTS] = {
    [LINK_HEADER] =
        {
            [LEV_HEADER] = s2_out_header,
            [LEV_STREAM_ERROR] = s2_end_stream_error_early,
            [LEV_END] = s2_end_negotiation_over,
            [LEV_BROKEN] = s2_end_broken,
            [LEV_EXPIRED] = s2_end_negotiation_late,
            [LEV_CLOSED] = s2_end_negotiation_lost,
        },
    [LINK_FEATURES] =
        {
            [LEV_FEATURES] = s2_out_features,
            [LEV_STREAM_ERROR] = s2_end_stream_error_early,
            [LEV_END] = s2_end_negotiation_over,
            [LEV_BROKEN] = s2_end_broken,
            [LEV_EXPIRED] = s2_end_negotiation_late,
            [LEV_CLOSED] = s2_end_negotiation_lost,
        },
    [LINK_STARTTLS] =
        {
            [LEV_PROCEED] = s2_out_proceed,
            [LEV_TLS_FAILURE] = s2_out_tls_refused,
            [LEV_STREAM_ERROR] = s2_end_stream_error_early,
            [LEV_END] = s2_out_tls_refused,
            [LEV_BROKEN] = s2_end_broken,
            [LEV_EXPIRED] = s2_end_negotiation_late,
            [LEV_CLOSED] = s2_end_negotiation_lost,
        },
    [LINK_SECURING] =
        {
            [LEV_SECURED] = s2_out_secured,
            [LEV_EXPIRED] = s2_out_tls_late,
            [LEV_CLOSED] = s2_out_tls_lost,
        },
    [LINK_AUTH] =
        {
            [LEV_SASL_SUCCESS] = s2_out_auth_success,
            [LEV_SASL_FAILURE] = s2_out_auth_failure,
            [LEV_SASL_CHALLENGE] = s2_out_auth_broken,
            [LEV_STREAM_ERROR] = s2_out_auth_broken,
            [LEV_END] = s2_out_auth_broken,
            [LEV_BROKEN] = s2_end_broken,
            [LEV_EXPIRED] = s2_end_negotiation_late,
            [LEV_CLOSED] = s2_out_auth_broken,
        },
    [LINK_READY] =
        {
            [LEV_DB_RESULT] = s2_out_result,
            [LEV_DB_VERIFY] = s2_asks_answer,
            [LEV_STREAM_ERROR] = s2_end_ready_error,
            [LEV_STANZA] = s2_end_stanza,
            [LEV_END] = s2_end_ready_over,
            [LEV_BROKEN] = s2_end_broken,
            [LEV_EXPIRED] = s2_end_answers_late,
            [LEV_CLOSED] = s2_end_ready_lost,
        },
    [LINK_ENABLING] =
        {
            [LEV_SM_ENABLED] = s2_out_sm_enabled,
            [LEV_SM_FAILED] = s2_out_sm_failed,
            [LEV_STREAM_ERROR] = s2_end_ready_error,
            [LEV_STANZA] = s2_out_stanza,
            [LEV_END] = s2_end_ready_over,
            [LEV_BROKEN] = s2_end_broken,
            [LEV_EXPIRED] = s2_out_sm_late,
            [LEV_CLOSED] = s2_end_ready_lost,
        },
    [LINK_VERIFIED] =
        {
            [LEV_DB_RESULT] = s2_out_result,
            [LEV_DB_VERIFY] = s2_asks_answer,
            [LEV_SM_R] = s2_out_sm_request,
            [LEV_SM_A] = s2_out_sm_answer,
            [LEV_STREAM_ERROR] = s2_end_error,
            [LEV_STANZA] = s2_out_stanza,
            [LEV_END] = s2_end_goodbye,
            [LEV_BROKEN] = s2_end_broken,
            [LEV_EXPIRED] = s2_end_answers_late,
            [LEV_CLOSED] = s2_end_closed,
        },
    [LINK_CLOSING] =
        {
            [LEV_CLOSED] = s2_end_closed,
        },
    [LINK_ENDING] =
        {
            [LEV_STREAM_ERROR] = s2_end_over,
            [LEV_STANZA] = s2_out_stanza_ending,
            [LEV_END] = s2_end_over,
            [LEV_BROKEN] = s2_end_over,
            [LEV_EXPIRED] = s2_end_over,
            [LEV_CLOSED] = s2_end_closed,
        },
};

/* Negotiation has one right answer at each step; afterwards what is not understood does no harm. */
static handler *const others[LINK_STATES] = {
    [LINK_RESOLVE] = s2_end_ignore,     [LINK_CONNECT] = s2_end_ignore,
    [LINK_HEADER] = s2_end_unexpected,  [LINK_FEATURES] = s2_end_unexpected,
    [LINK_STARTTLS] = s2_end_unexpected, [LINK_SECURING] = s2_end_unexpected,
    [LINK_AUTH] = s2_end_unexpected,    [LINK_READY] = s2_end_ignore,
    [LINK_ENABLING] = s2_end_ignore,    [LINK_VERIFIED] = s2_end_ignore,
    [LINK_CLOSING] = s2_end_ignore,     [LINK_ENDING] = s2_end_ignore,
    [LINK_DEAD] = s2_end_ignore,
};

static const char *const names[LINK_STATES] = {
    [LINK_RESOLVE] = "resolving",     [LINK_CONNECT] = "connecting",
    [LINK_HEADER] = "waiting for the stream header", [LINK_FEATURES] = "waiting for features",
    [LINK_STARTTLS] = "starting TLS", [LINK_SECURING] = "TLS handshake",
    [LINK_AUTH] = "SASL EXTERNAL",    [LINK_READY] = "dialback",
    [LINK_ENABLING] = "enabling acknowledgements", [LINK_VERIFIED] = "verified",
    [LINK_CLOSING] = "closing",       [LINK_ENDING] = "ending",
    [LINK_DEAD] = "ended",
};

const char *s2_link_state_name(const struct s2_link *l)
{
    return l->retiring != NULL && l->state == LINK_VERIFIED ? "retired" : names[l->state];
}

void s2_link_event(struct s2_link *l, enum link_event ev, const void *what)
{
    unsigned before = l->state;
    handler *fn = table[before][ev];

    if (fn == NULL)
        fn = others[before];
    fn(l, what);
    if (l->probe != NULL && l->state != before)
        s2_probe_moved(l, before);
}
