/* SPDX-License-Identifier: MIT */
/*
 * flow_fsm.c - the states of a flow as a table, and the lease's events that move it.
 *
 * Whoever finds that something happened raises an event and does not touch f->state. The new state
 * is set before the action runs, so that an action may raise the next event: a lease that cannot
 * even be asked for has failed, a peer that said goodbye is tried again at once.
 */
#include "flow_priv.h"

#include <assert.h>

static void ready(void *arg, struct s2_lease *l)
{
    (void)l;
    s2_flow_event(arg, FLOW_READY, NULL);
}

static void writable(void *arg, struct s2_lease *l)
{
    struct s2_flow *f = arg;

    (void)l;
    f->held_up = 0;
    s2_flow_pump(f);
    s2_flow_relieve(f);
}

static void failed(void *arg, const struct s2_failure *failure)
{
    struct s2_cause cause = {failure, 0, 0};

    s2_flow_event(arg, FLOW_FAILED, &cause);
}

static void ended(void *arg, const struct s2_failure *failure, uint64_t left, uint64_t acked)
{
    struct s2_cause cause = {failure, left, acked};

    s2_flow_event(arg, FLOW_ENDED, &cause);
}

static void handled(void *arg, uint64_t h)
{
    struct s2_flow *f = arg;

    s2_confirm_handled(f, h);
    s2_flow_pump(f);
    s2_flow_relieve(f);
}

static int silent(void *arg, struct s2_lease *l)
{
    (void)l;
    return s2_barrier_nudge(arg);
}

static void retired(void *arg, struct s2_lease *l)
{
    (void)l;
    s2_flow_retired(arg);
}

static void answered(void *arg, struct s2_lease *l, int is_answer)
{
    (void)l;
    s2_barrier_here(arg, is_answer);
}

static const struct s2_lease_events lease_events = {.ready = ready,
                                                    .writable = writable,
                                                    .failed = failed,
                                                    .ended = ended,
                                                    .handled = handled,
                                                    .silent = silent,
                                                    .retired = retired,
                                                    .answered = answered};

/* --- actions --------------------------------------------------------------------------------- */

static void no_lease(struct s2_flow *f, int rc)
{
    struct s2_failure failure = {S2_FAIL_LIMIT, S2_C_RESOURCE_CONSTRAINT,
                                 rc == XMB_ELIMIT ? "the limit of outgoing streams is reached"
                                                  : "there is no memory for another stream"};
    struct s2_cause none = {&failure, 0, 0};

    f->lease = NULL;
    s2_flow_event(f, FLOW_FAILED, &none);
}

static void open_lease(struct s2_flow *f, const struct s2_cause *cause)
{
    int rc;

    (void)cause;
    if (s2_flow_follow(f)) {
        s2_flow_event(f, FLOW_CLOSE, NULL);
        return;
    }
    rc = s2_lease_open(f->w, (enum s2_side)f->to_side, &f->from, &f->to, &lease_events, f,
                       &f->lease);
    if (rc != 0)
        no_lease(f, rc);
}

static void begin(struct s2_flow *f, const struct s2_cause *cause)
{
    (void)cause;
    f->ready_ms = f->verified_ms = s2_now_ms(f->w);
    f->ready_delivered = f->delivered;
    f->held_up = f->closing = 0;
    f->lease_seq = 0;
    s2_confirm_begin(f);
    s2_flow_pump(f);
    s2_flow_relieve(f);
}

static void send_on(struct s2_flow *f, const struct s2_cause *cause)
{
    (void)cause;
    s2_flow_pump(f);
}

static void leave(struct s2_flow *f, const struct s2_cause *cause)
{
    (void)cause;
    s2_flow_leave(f);
    s2_flow_relieve(f);
}

static void nothing(struct s2_flow *f, const struct s2_cause *cause)
{
    (void)f;
    (void)cause;
}

static void let_go(struct s2_flow *f)
{
    assert(f->ring.sent == 0);
    if (f->lease != NULL)
        s2_lease_close(f->lease);
    f->lease = NULL;
    f->barrier = 0; /* an answer to it proves nothing about what follows */
}

static void close_lease(struct s2_flow *f, const struct s2_cause *cause)
{
    (void)cause;
    assert(f->ring.count == 0);
    let_go(f);
    s2_ring_free(f);
    s2_flow_relieve(f);
}

static void change_lease(struct s2_flow *f, const struct s2_cause *cause)
{
    let_go(f);
    open_lease(f, cause);
}

/* --- table ----------------------------------------------------------------------------------- */

struct step {
    uint8_t next;
    void (*action)(struct s2_flow *f, const struct s2_cause *cause); /* NULL: means nothing here */
};

static const struct step steps[FLOW_STATES][FLOW_EVENTS] = {
    [FLOW_QUIET] =
        {
            [FLOW_PUT] = {FLOW_OPENING, open_lease},
        },
    [FLOW_OPENING] =
        {
            [FLOW_PUT] = {FLOW_OPENING, nothing},
            [FLOW_READY] = {FLOW_FLOWING, begin},
            [FLOW_FAILED] = {FLOW_BACKOFF, s2_flow_failed},
            [FLOW_CLOSE] = {FLOW_QUIET, close_lease},
        },
    [FLOW_FLOWING] =
        {
            [FLOW_PUT] = {FLOW_FLOWING, send_on},
            [FLOW_ENDED] = {FLOW_BACKOFF, s2_flow_ended},
            [FLOW_CLOSE] = {FLOW_QUIET, close_lease},
            [FLOW_RETIRE] = {FLOW_LEAVING, leave},
        },
    [FLOW_LEAVING] =
        {
            [FLOW_PUT] = {FLOW_LEAVING, nothing},
            [FLOW_ENDED] = {FLOW_BACKOFF, s2_flow_ended},
            [FLOW_TRY] = {FLOW_OPENING, change_lease},
            [FLOW_REST] = {FLOW_QUIET, close_lease},
            [FLOW_CLOSE] = {FLOW_QUIET, close_lease},
            [FLOW_STAY] = {FLOW_FLOWING, send_on},
        },
    [FLOW_BACKOFF] =
        {
            [FLOW_PUT] = {FLOW_BACKOFF, nothing},
            [FLOW_TRY] = {FLOW_OPENING, open_lease},
            [FLOW_REST] = {FLOW_QUIET, nothing},
            [FLOW_CLOSE] = {FLOW_QUIET, nothing},
        },
};

const char *s2_flow_state_name(const struct s2_flow *f)
{
    static const char *const names[FLOW_STATES] = {
        [FLOW_QUIET] = "quiet",
        [FLOW_OPENING] = "opening",
        [FLOW_FLOWING] = "flowing",
        [FLOW_LEAVING] = "leaving",
        [FLOW_BACKOFF] = "backoff",
    };

    return names[f->state];
}

void s2_flow_event(struct s2_flow *f, enum flow_event ev, const struct s2_cause *cause)
{
    const struct step *step = &steps[f->state][ev];

    if (step->action == NULL)
        return;
    f->state = step->next;
    step->action(f, cause);
    s2_flow_attend(f);
}
