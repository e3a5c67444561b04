/* SPDX-License-Identifier: MIT */
/*
 * alarm.c - the deadlines of a session, all on the one timer that its connection has.
 *
 * The connection's deadline stands at the earliest of them or before; when it fires too early it is
 * set again. So an alarm that is pushed back or switched off costs nothing.
 */
#include "notify.h"
#include "session.h"

static void on_register(struct session *s)
{
    xs_count(s->worker, M_REGISTER_TIMEOUTS);
    xs_register_late(s);
    xs_close(s, "did not register in time");
}

static void on_answer(struct session *s)
{
    xs_event(s, EV_RELEASE);
}

static void on_close(struct session *s)
{
    xs_close(s, s->why != NULL ? s->why : "closed");
}

static void on_retry(struct session *s)
{
    xs_unblock(s, BLOCK_REGISTRY);
}

static void (*const handlers[ALARM_COUNT])(struct session *s) = {
    [ALARM_REGISTER] = on_register, [ALARM_ANSWER] = on_answer,
    [ALARM_CLOSE] = on_close,       [ALARM_NOTIFY] = xs_notify_let_go,
    [ALARM_WINDOW] = xs_notify_late, [ALARM_RETRY] = on_retry,
};

static void arm(struct session *s, uint64_t due_ms)
{
    uint64_t now = xs_now(s->worker);

    if (s->alarm_set != 0 && s->alarm_set <= due_ms)
        return;
    s->alarm_set = due_ms;
    xs_host->conn->deadline(s->conn, XMB_DEADLINE_ONCE, due_ms > now ? due_ms - now : 1);
}

void xs_alarm(struct session *s, enum alarm which, uint64_t delay_ms)
{
    s->alarms[which] = xs_now(s->worker) + delay_ms;
    arm(s, s->alarms[which]);
}

void xs_alarm_at_most(struct session *s, enum alarm which, uint64_t delay_ms)
{
    if (s->alarms[which] == 0 || s->alarms[which] > xs_now(s->worker) + delay_ms)
        xs_alarm(s, which, delay_ms);
}

void xs_alarm_off(struct session *s, enum alarm which)
{
    s->alarms[which] = 0;
}

void xs_alarms_run(struct session *s)
{
    uint64_t now = xs_now(s->worker);
    unsigned i;

    s->alarm_set = 0;
    for (i = 0; i < ALARM_COUNT && s->state != CLOSING; i++) {
        if (s->alarms[i] == 0 || s->alarms[i] > now)
            continue;
        s->alarms[i] = 0;
        handlers[i](s);
    }
    for (i = 0; i < ALARM_COUNT && s->state != CLOSING; i++) {
        if (s->alarms[i] != 0)
            arm(s, s->alarms[i]);
    }
}
