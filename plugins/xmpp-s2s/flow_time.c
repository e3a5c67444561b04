/* SPDX-License-Identifier: MIT */
/*
 * flow_time.c - one timer for all flows of a worker.
 *
 * A flow is `busy` while something about it may time out, `calm` when its ring is empty and only
 * idle_ms is left, and in no list when a path keeps it for later. The timer runs for the nearest of
 * these, never more often than every S2_TICK_MS, and not at all when there is nothing.
 */
#include "flow_priv.h"

#define CALM_ITEMS 64u /* a larger ring is given up when it is empty for a while */

/* --- lists ----------------------------------------------------------------------------------- */

static void list_init(struct s2_node *head)
{
    head->prev = head->next = head;
}

static void unlink_node(struct s2_node *n)
{
    if (n->next == NULL)
        return;
    n->prev->next = n->next;
    n->next->prev = n->prev;
    n->prev = n->next = NULL;
}

static void append(struct s2_node *head, struct s2_node *n)
{
    unlink_node(n);
    n->prev = head->prev;
    n->next = head;
    head->prev->next = n;
    head->prev = n;
}

void s2_flow_unlist(struct s2_flow *f)
{
    unlink_node(&f->node);
}

static struct s2_flow *first_of(struct s2_node *head)
{
    return head->next == head ? NULL : (struct s2_flow *)head->next;
}

/* --- time ------------------------------------------------------------------------------------ */

uint64_t s2_flow_jitter(struct s2_flows *fl, uint64_t max_ms)
{
    fl->random ^= fl->random << 13;
    fl->random ^= fl->random >> 7;
    fl->random ^= fl->random << 17;
    return (fl->random >> 11) % (max_ms + 1);
}

static void tick_at(struct s2_flows *fl, uint64_t due_ms)
{
    uint64_t now = s2_now_ms(fl->w);

    if (fl->tick_due_ms != 0 && fl->tick_due_ms <= due_ms)
        return;
    if (fl->in_tick) {
        fl->tick_due_ms = due_ms;
        return;
    }
    if (due_ms < now + S2_TICK_MS)
        due_ms = now + S2_TICK_MS;
    if (fl->tick_due_ms != 0 && fl->tick_due_ms <= due_ms)
        return;
    fl->tick_due_ms = due_ms;
    s2_host->timer->start(fl->tick, due_ms - now);
}

void s2_flow_wake(struct s2_flows *fl)
{
    tick_at(fl, s2_now_ms(fl->w));
}

/* When a busy flow wants to be looked at. */
static uint64_t due_of(const struct s2_flow *f, uint64_t now)
{
    uint64_t due = UINT64_MAX;

    if (s2_flow_has_stream(f))
        return now + S2_TICK_MS;
    if (s2_ring_waiting(f) > 0)
        due = s2_ring_at(f, f->ring.sent)->put_ms + f->w->conf->queue_ms;
    if (f->state == FLOW_BACKOFF && f->next_try_ms < due)
        due = f->next_try_ms;
    return due;
}

/* One whose stanzas were no activity goes back to its place, which is near the end as a rule. */
static void insert_calm(struct s2_flows *fl, struct s2_flow *f)
{
    struct s2_node *at;

    unlink_node(&f->node);
    at = fl->calm.prev;
    while (at != &fl->calm && ((struct s2_flow *)at)->calm_ms > f->calm_ms)
        at = at->prev;
    f->node.prev = at;
    f->node.next = at->next;
    at->next->prev = &f->node;
    at->next = &f->node;
}

static void calm_down(struct s2_flows *fl, struct s2_flow *f, uint64_t now)
{
    f->is_busy = 0;
    if (f->was_used || f->calm_ms == 0)
        f->calm_ms = now;
    f->was_used = 0;
    if (f->ring.capacity > CALM_ITEMS)
        s2_ring_free(f);
    if (f->state == FLOW_FLOWING || f->refs == 0) {
        insert_calm(fl, f);
        tick_at(fl, first_of(&fl->calm)->calm_ms + f->w->conf->idle_ms);
    } else {
        unlink_node(&f->node);
    }
}

static int is_quiet(const struct s2_flow *f)
{
    return f->ring.count == 0 && (f->state == FLOW_FLOWING || f->state == FLOW_QUIET);
}

void s2_flow_attend(struct s2_flow *f)
{
    struct s2_flows *fl = f->w->flows;
    uint64_t now = s2_now_ms(f->w);

    if (!f->is_busy) {
        if (is_quiet(f)) {
            calm_down(fl, f, now);
            return;
        }
        f->is_busy = 1;
        append(&fl->busy, &f->node);
    }
    tick_at(fl, due_of(f, now));
}

void s2_flow_hold(struct s2_flow *f)
{
    f->refs++;
}

void s2_flow_release(struct s2_flow *f)
{
    if (--f->refs == 0 && f->node.next == NULL)
        s2_flow_attend(f);
}

/* Kept for its next try alone, where that is a luxury. */
static int is_spare(const struct s2_flow *f)
{
    return s2_flow_crowd(f->w->flows) && f->ring.count == 0 && f->refs == 0 &&
           f->waiter_count == 0;
}

static void look_at(struct s2_flow *f, uint64_t now)
{
    s2_flow_age(f, now);
    if (f->state == FLOW_BACKOFF && (f->next_try_ms <= now || is_spare(f)))
        s2_flow_event(f, s2_ring_waiting(f) > 0 ? FLOW_TRY : FLOW_REST, NULL);
    if (f->state == FLOW_FLOWING)
        s2_confirm_tick(f, now);
    if (s2_flow_has_stream(f)) {
        s2_flow_pump(f);
        s2_flow_relieve(f);
        s2_flow_tell_full(f, now);
    }
    if (f->denied && f->ring.count == 0)
        s2_flow_event(f, FLOW_CLOSE, NULL);
}

/* Each is put back behind the others, so this is one round however they move meanwhile. */
static void look_at_busy(struct s2_flows *fl, uint64_t now)
{
    struct s2_flow *f;
    struct s2_node round;

    list_init(&round);
    while ((f = first_of(&fl->busy)) != NULL)
        append(&round, &f->node);
    while ((f = first_of(&round)) != NULL) {
        append(&fl->busy, &f->node);
        look_at(f, now);
        if (!is_quiet(f)) {
            tick_at(fl, due_of(f, now));
            continue;
        }
        calm_down(fl, f, now);
        if (s2_flow_crowd(fl))
            s2_flow_spare(f);
    }
}

static void look_at_calm(struct s2_flows *fl, uint64_t now)
{
    struct s2_flow *f;

    while ((f = first_of(&fl->calm)) != NULL && f->calm_ms + fl->w->conf->idle_ms <= now) {
        unlink_node(&f->node);
        s2_flow_event(f, FLOW_CLOSE, NULL);
        s2_flow_spare(f);
    }
}

/* Streams that are idle end before their time, the oldest first. */
static void leave_early(struct s2_flows *fl)
{
    struct s2_flow *f;
    struct s2_node round;

    list_init(&round);
    while (s2_flow_crowd(fl) && (f = first_of(&fl->calm)) != NULL)
        append(&round, &f->node);
    while ((f = first_of(&round)) != NULL) {
        append(&fl->calm, &f->node);
        if (!s2_flow_crowd(fl) || f->refs > 0)
            continue;
        unlink_node(&f->node); /* what reads on now may look for room, and must not find it */
        s2_flow_event(f, FLOW_CLOSE, NULL);
        s2_flow_spare(f);
    }
}

static void tick(struct xmb_worker *xw, void *arg)
{
    struct s2_flows *fl = arg;
    uint64_t now = s2_now_ms(fl->w), due;

    (void)xw;
    fl->in_tick = 1; /* what happens in here only says when the next is due */
    fl->tick_due_ms = fl->drain == S2_DRAIN_NOT || fl->drain == S2_DRAIN_CLOSED ? UINT64_MAX : now;
    s2_drain_tick(fl, now);
    look_at_busy(fl, now);
    look_at_calm(fl, now);
    leave_early(fl);
    if (first_of(&fl->calm) != NULL)
        tick_at(fl, first_of(&fl->calm)->calm_ms + fl->w->conf->idle_ms);
    fl->in_tick = 0;
    due = fl->tick_due_ms;
    fl->tick_due_ms = 0;
    if (due != UINT64_MAX)
        tick_at(fl, due);
    s2_path_flush(fl->w);
}

int s2_flow_time_init(struct s2_flows *fl)
{
    list_init(&fl->busy);
    list_init(&fl->calm);
    fl->tick = s2_host->timer->create(fl->w->worker, fl->w->module->module, tick, fl);
    return fl->tick != NULL ? 0 : XMB_ENOMEM;
}
