/* SPDX-License-Identifier: MIT */
/*
 * session_fsm.c - the states of a session as a table: for each state and event, what comes next
 * and what is done on the way. Whoever finds that something happened raises an event and does not
 * touch s->state.
 */
#include "answer.h"
#include "revoke.h"
#include "session.h"

#define LINGER_MS 1000 /* after Unregister, and for the answer to RegisterRevoke */

static void block_policy(struct session *s)
{
    xs_block(s, BLOCK_POLICY);
}

/* The Register is still at the front of the input and is looked at again. */
static void unblock_policy(struct session *s)
{
    xs_unblock(s, BLOCK_POLICY);
}

static void block_hold(struct session *s)
{
    xs_block(s, BLOCK_HOLD);
}

static void release_hold(struct session *s)
{
    xs_alarm_off(s, ALARM_ANSWER);
    xs_register_release(s);
    xs_unblock(s, BLOCK_HOLD);
}

static void begin(struct session *s)
{
    xs_alarm_off(s, ALARM_REGISTER);
    xs_host->conn->deadline(s->conn, XMB_DEADLINE_IDLE, s->keepalive_ms);
    xs_count(s->worker, M_REGISTERS);
    xs_session_log(s, XMB_LOG_INFO, "begins", NULL);
}

static void linger(struct session *s)
{
    xs_host->conn->deadline(s->conn, XMB_DEADLINE_IDLE, 0);
    xs_alarm(s, ALARM_CLOSE, LINGER_MS);
}

static void leave(struct session *s)
{
    s->why = "unregistered";
    xs_session_end(s, XMB_GONE_SOURCE);
    linger(s);
}

static void revoke(struct session *s)
{
    xs_revoke_send(s);
    xs_session_end(s, XMB_GONE_NETWORK);
    linger(s);
    xs_input(s); /* what input waited for may be gone: the answer has to be read */
}

static void close_now(struct session *s)
{
    xs_host->conn->close(s->conn, s->why);
}

static void cancel_and_close(struct session *s)
{
    xs_host->policy->cancel(s->worker->w, s->ask_id);
    close_now(s);
}

static void end_and_close(struct session *s)
{
    xs_session_end(s, XMB_GONE_NETWORK);
    close_now(s);
}

struct step {
    uint8_t next; /* 0: the event means nothing here */
    void (*action)(struct session *s);
};

static const struct step steps[STATE_COUNT][EVENT_COUNT] = {
    [CONNECTED] =
        {
            [EV_ASK] = {ASKING, block_policy},
            [EV_HOLD] = {HOLDING, block_hold},
            [EV_BEGIN] = {REGISTERED, begin},
            [EV_REVOKE] = {CLOSING, close_now},
            [EV_CLOSE] = {CLOSING, close_now},
        },
    [ASKING] =
        {
            [EV_VERDICT] = {CONNECTED, unblock_policy},
            [EV_REVOKE] = {CLOSING, cancel_and_close},
            [EV_CLOSE] = {CLOSING, cancel_and_close},
        },
    [HOLDING] =
        {
            [EV_RELEASE] = {CONNECTED, release_hold},
            [EV_REVOKE] = {CLOSING, close_now},
            [EV_CLOSE] = {CLOSING, close_now},
        },
    [REGISTERED] =
        {
            [EV_LEAVE] = {LEAVING, leave},
            [EV_REVOKE] = {REVOKED, revoke},
            [EV_CLOSE] = {CLOSING, end_and_close},
        },
    [LEAVING] =
        {
            [EV_CLOSE] = {CLOSING, close_now},
        },
    [REVOKED] =
        {
            [EV_CLOSE] = {CLOSING, close_now},
        },
};

static const char *const names[STATE_COUNT] = {
    [CONNECTED] = "connected",   [ASKING] = "asking",   [HOLDING] = "holding",
    [REGISTERED] = "registered", [LEAVING] = "leaving", [REVOKED] = "revoked",
    [CLOSING] = "closing",
};

const char *xs_state_name(unsigned state)
{
    return state > 0 && state < STATE_COUNT ? names[state] : "unknown";
}

int xs_event(struct session *s, enum event ev)
{
    const struct step *step = &steps[s->state][ev];

    if (step->next == 0)
        return 0;
    s->state = step->next;
    step->action(s);
    return 1;
}

void xs_close(struct session *s, const char *why)
{
    if (s->state != CLOSING)
        s->why = why;
    xs_event(s, EV_CLOSE);
}

void xs_revoke(struct session *s, const char *why)
{
    if (s->state <= REGISTERED)
        s->why = why;
    xs_event(s, EV_REVOKE);
}
