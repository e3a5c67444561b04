/* SPDX-License-Identifier: MIT */
/*
 * flow_loss.c - what becomes of stanzas when there is no lease, or none any more (xmpp-s2s.md 2.8,
 * 6.1, 6.2).
 *
 * A lease that never became ready: what waits goes back at once, except when the peer merely cannot
 * be reached and could be a while ago: then it is tried again until each stanza's own time is over.
 *
 * A lease that ended: a stanza whose last octet never left this host cannot have been read, so it
 * waits again. Of one that left and is not confirmed nobody can tell: `on-loss` says whether its
 * sender hears of a timeout or it is sent once more.
 */
#include "flow_priv.h"

#include <stdio.h>

#define LONG_GOODBYE_MS 2000 /* a peer that says goodbye sooner than this is not tried at once */

/* --- giving back ----------------------------------------------------------------------------- */

uint32_t s2_flow_return_waiting(struct s2_flow *f, int also_own, enum s2_condition c,
                                const char *text)
{
    uint32_t n = s2_ring_waiting(f), kept = 0, returned = 0;
    struct s2_item it;

    for (; n > 0 && s2_ring_waiting(f) > kept; n--) {
        s2_ring_pull(f, &it);
        if (!also_own && (it.flags & S2_ITEM_OWN) != 0 && s2_ring_push(f, &it) == 0) {
            kept++; /* behind the others: the order among these stays */
            continue;
        }
        s2_flow_return(f, &it, c, text);
        returned++;
    }
    return returned;
}

uint32_t s2_flow_return_sent(struct s2_flow *f, uint32_t n, const char *text)
{
    uint32_t returned = 0;
    struct s2_item it;

    for (; n > 0 && f->ring.sent > 0; n--, returned++) {
        s2_ring_pop(f, &it);
        s2_flow_return(f, &it, S2_C_REMOTE_SERVER_TIMEOUT, text);
    }
    return returned;
}

void s2_flow_age(struct s2_flow *f, uint64_t now_ms)
{
    uint32_t n = s2_ring_waiting(f), returned = 0;
    uint64_t queue_ms = f->w->conf->queue_ms;
    struct s2_item it;

    if (s2_flow_has_stream(f))
        return;
    for (; n > 0 && s2_ring_waiting(f) > 0; n--, returned++) {
        if (s2_ring_at(f, f->ring.sent)->put_ms + queue_ms > now_ms)
            break;
        s2_ring_pull(f, &it);
        s2_flow_return(f, &it, S2_C_REMOTE_SERVER_TIMEOUT,
                       f->last_error[0] != '\0' ? f->last_error : "no stream in time");
    }
    if (returned > 0)
        S2_LOG(f->w->module->module, XMB_LOG_NOTICE, "aged", f->to.text,
               "%u stanzas from %s waited for %u s and went back (%s)", returned, f->from.text,
               f->w->conf->queue_ms / 1000, s2_flow_state_name(f));
}

/* --- when it is tried again ------------------------------------------------------------------ */

static void note_error(struct s2_flow *f, const struct s2_failure *failure)
{
    snprintf(f->last_error, sizeof(f->last_error), "%s",
             failure->text != NULL ? failure->text : "no reason given");
    f->last_error_ms = s2_now_ms(f->w);
    f->last_condition = (uint8_t)(failure->condition != S2_C_NONE ? failure->condition
                                                                  : S2_C_REMOTE_SERVER_TIMEOUT);
}

static uint64_t backoff_ms(struct s2_flow *f)
{
    const struct s2_conf *c = f->w->conf;
    uint32_t doubled = f->failures < 20 ? f->failures : 20;
    uint64_t longest = s2_least((uint64_t)c->backoff_min_ms << doubled, c->backoff_max_ms);

    f->failures++;
    return s2_flow_jitter(f->w->flows, longest);
}

/*
 * A peer that verified us is there: whatever becomes of its streams, it is tried again so soon that
 * stanzas wait for it and do not go back. Only one that takes nothing, again and again, is given a
 * little time.
 */
static uint64_t wait_after_end_ms(struct s2_flow *f, enum s2_failure_kind kind, uint64_t lived_ms)
{
    int was_good = lived_ms >= S2_STEADY_MS || f->delivered > f->ready_delivered;

    if (was_good)
        f->failures = 0;
    if (kind != S2_FAIL_LOST && (was_good || lived_ms >= LONG_GOODBYE_MS))
        return 0;
    if (was_good)
        return s2_flow_jitter(f->w->flows, 1000);
    return s2_least(backoff_ms(f), S2_SOON_MS);
}

/* Nothing is tried any more while the broker stops. */
static void set_next_try(struct s2_flow *f, uint64_t wait_ms)
{
    if (f->w->flows->drain != S2_DRAIN_NOT)
        wait_ms = UINT32_MAX;
    f->next_try_ms = s2_now_ms(f->w) + wait_ms;
}

/* --- it never became ready ------------------------------------------------------------------- */

static int is_worth_waiting(const struct s2_flow *f, enum s2_failure_kind kind)
{
    int passing = kind == S2_FAIL_UNREACHABLE || kind == S2_FAIL_STREAM || kind == S2_FAIL_IDLE ||
                  kind == S2_FAIL_GOODBYE || kind == S2_FAIL_LOST;

    return passing && f->w->flows->drain == S2_DRAIN_NOT && f->verified_ms != 0 &&
           s2_now_ms(f->w) - f->verified_ms <= f->w->conf->queue_ms;
}

/* We cannot reach the peer, and the peer has reached us: what waits goes over its own stream. */
static int goes_in_reverse(struct s2_flow *f, enum s2_failure_kind kind)
{
    if (kind == S2_FAIL_LIMIT || f->w->flows->drain != S2_DRAIN_NOT || !s2_flow_claim(f))
        return 0;
    set_next_try(f, 0);
    s2_flow_event(f, s2_ring_waiting(f) > 0 ? FLOW_TRY : FLOW_REST, NULL);
    return 1;
}

void s2_flow_failed(struct s2_flow *f, const struct s2_cause *cause)
{
    uint32_t returned = 0;

    f->lease = NULL;
    note_error(f, cause->failure);
    if (goes_in_reverse(f, cause->failure->kind))
        return;
    set_next_try(f, backoff_ms(f));
    if (!is_worth_waiting(f, cause->failure->kind))
        returned = s2_flow_return_waiting(f, 1, (enum s2_condition)f->last_condition,
                                          f->last_error);
    S2_LOG(f->w->module->module, XMB_LOG_NOTICE, "failed", f->to.text,
           "no stream from %s: %s; %u stanzas went back, %u wait, next try in %llu ms at the "
           "earliest",
           f->from.text, f->last_error, returned, s2_ring_waiting(f),
           (unsigned long long)(f->next_try_ms - s2_now_ms(f->w)));
    s2_flow_relieve(f);
}

/* --- it was ready and is gone ---------------------------------------------------------------- */

/* Index of the first stanza whose end never left this host. */
static uint32_t first_unsent(const struct s2_flow *f, uint64_t left)
{
    uint32_t i = f->ring.sent;

    while (i > 0 && s2_ring_at(f, i - 1)->end > left)
        i--;
    return i;
}

/* No lease will follow for these. */
static int is_last_chance(const struct s2_flow *f)
{
    return f->denied || f->w->flows->drain != S2_DRAIN_NOT;
}

/* Returns how many went back. */
static uint32_t settle(struct s2_flow *f, const struct s2_cause *cause)
{
    uint32_t from, returned = 0;

    if (s2_confirm_by_tcp(f))
        s2_confirm_end(f, cause->acked);
    from = first_unsent(f, cause->left);
    if (f->w->conf->on_loss == S2_LOSS_RESEND && !is_last_chance(f))
        from = 0;
    s2_ring_rewind(f, from);
    returned = s2_flow_return_sent(f, f->ring.sent, f->last_error);
    if (f->denied)
        returned += s2_flow_return_waiting(f, 0, S2_C_NOT_ALLOWED, NULL);
    if (f->w->flows->drain != S2_DRAIN_NOT)
        returned += s2_flow_return_waiting(f, 1, S2_C_REMOTE_SERVER_TIMEOUT,
                                           "the gateway is shutting down");
    return returned;
}

void s2_flow_ended(struct s2_flow *f, const struct s2_cause *cause)
{
    enum s2_failure_kind kind = cause->failure->kind;
    uint64_t now = s2_now_ms(f->w), wait_ms;
    uint32_t returned;

    f->lease = NULL;
    f->held_up = f->closing = 0;
    f->barrier = 0;
    f->verified_ms = now;
    note_error(f, cause->failure);
    wait_ms = s2_flow_is_elsewhere(f) ? 0 : wait_after_end_ms(f, kind, now - f->ready_ms);
    set_next_try(f, wait_ms);
    returned = settle(f, cause);
    S2_LOG(f->w->module->module, kind == S2_FAIL_LOST ? XMB_LOG_NOTICE : XMB_LOG_INFO, "ended",
           f->to.text,
           "the stream from %s ended: %s; %u stanzas were not confirmed and went back, %u wait "
           "for the next",
           f->from.text, f->last_error, returned, s2_ring_waiting(f));
    s2_flow_relieve(f);
    if (f->w->flows->drain == S2_DRAIN_NOT)
        (void)s2_flow_follow(f);
    if (wait_ms == 0 && f->w->flows->drain == S2_DRAIN_NOT && f->state == FLOW_BACKOFF)
        s2_flow_event(f, s2_ring_waiting(f) > 0 ? FLOW_TRY : FLOW_REST, NULL);
}
