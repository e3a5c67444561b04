/* SPDX-License-Identifier: MIT */
/*
 * in_fsm.c - the states of an incoming stream as a table: for each state and event, what is done
 * (xmpp-s2s.md 2.4).
 *
 * A handler does the work and, where the stream moves on, sets s->state; it says whether the
 * reader goes on behind the element. A place without one means that the event is of no meaning
 * there: it is ignored. What may never be ignored has a handler in every state where it can
 * come.
 */
#include "in_priv.h"

typedef int in_handler(struct s2_incoming *s, const struct in_input *in);

static int unsupported(struct s2_incoming *s, const struct in_input *in)
{
    (void)in;
    return s2_in_fail(s, S2_E_UNSUPPORTED_STANZA_TYPE, "this is no element of a server's stream");
}

/* What a peer that was told to go may still send before its own end tag. */
static int ignore(struct s2_incoming *s, const struct in_input *in)
{
    (void)s;
    (void)in;
    return IN_GO_ON;
}

/* The events that mean the same before and after TLS, and with or without a verified pair. */
#define IN_COMMON                                                                                  \
    [IN_EV_SASL] = s2_in_sasl,                                                                     \
    [IN_EV_RESULT] = s2_in_result,                                                                 \
    [IN_EV_VERIFY] = s2_in_verify,                                                                 \
    [IN_EV_ANSWER] = s2_in_answer,                                                                 \
    [IN_EV_SM_R] = s2_in_sm_answer,                                                                \
    [IN_EV_NOTHING] = ignore,                                                                      \
    [IN_EV_ERROR] = s2_in_peer_error,                                                              \
    [IN_EV_UNKNOWN] = unsupported,                                                                 \
    [IN_EV_END] = s2_in_peer_end

static in_handler *const steps[IN_STATE_COUNT][IN_EVENT_COUNT] = {
    [IN_ACCEPTED] =
        {
            [IN_EV_HEADER] = s2_in_header,
            [IN_EV_END] = s2_in_peer_end,
            [IN_EV_EXPIRED] = s2_in_timeout,
        },
    [IN_PLAIN] =
        {
            IN_COMMON,
            [IN_EV_STANZA] = s2_in_stanza_early,
            [IN_EV_STARTTLS] = s2_in_starttls,
            [IN_EV_AUTH] = s2_in_auth,
            [IN_EV_SM_ENABLE] = s2_in_sm_refused,
            [IN_EV_EXPIRED] = s2_in_timeout,
        },
    [IN_SECURING] =
        {
            [IN_EV_SECURED] = s2_in_restart,
            [IN_EV_EXPIRED] = s2_in_handshake_late,
        },
    [IN_RESTARTED] =
        {
            [IN_EV_HEADER] = s2_in_header_again,
            [IN_EV_END] = s2_in_peer_end,
            [IN_EV_EXPIRED] = s2_in_timeout,
        },
    [IN_OPEN] =
        {
            IN_COMMON,
            [IN_EV_BIDI] = s2_in_bidi,
            [IN_EV_STANZA] = s2_in_stanza_early,
            [IN_EV_STARTTLS] = s2_in_starttls_refused,
            [IN_EV_AUTH] = s2_in_auth,
            [IN_EV_SM_ENABLE] = s2_in_sm_refused,
            [IN_EV_EXPIRED] = s2_in_timeout,
        },
    [IN_VERIFIED] =
        {
            IN_COMMON,
            [IN_EV_STANZA] = s2_in_stanza,
            [IN_EV_STARTTLS] = s2_in_starttls_refused,
            [IN_EV_AUTH] = s2_in_auth,
            [IN_EV_SM_ENABLE] = s2_in_sm_enable,
            [IN_EV_EXPIRED] = s2_in_drain_look,
        },
    [IN_ENDING] =
        {
            [IN_EV_STANZA] = s2_in_stanza_ending,
            [IN_EV_END] = s2_in_over,
            [IN_EV_ERROR] = s2_in_over,
            [IN_EV_EXPIRED] = s2_in_over,
        },
};

static const char *const names[IN_STATE_COUNT] = {
    [IN_ACCEPTED] = "accepted",   [IN_PLAIN] = "negotiating", [IN_SECURING] = "securing",
    [IN_RESTARTED] = "restarted", [IN_OPEN] = "unverified",   [IN_VERIFIED] = "verified",
    [IN_ENDING] = "ending",       [IN_CLOSED] = "closed",
};

const char *s2_in_state_name(const struct s2_incoming *s)
{
    return names[s->state];
}

int s2_in_event(struct s2_incoming *s, enum in_event ev, const struct in_input *in)
{
    static const struct in_input nothing = {0};
    in_handler *handler = steps[s->state][ev];

    return handler != NULL ? handler(s, in != NULL ? in : &nothing) : IN_GO_ON;
}
