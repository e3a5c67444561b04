/* SPDX-License-Identifier: MIT */
/*
 * notify.h - subscriptions of a session, and what the client is told through them.
 *
 * Events are pulled from the registry when the client's window and the output queue have room,
 * one at a time, so a slow client keeps nothing here but one event that found no room.
 */
#ifndef XS_NOTIFY_H
#define XS_NOTIFY_H

#include "session.h"

struct subscription {
    struct subscription *next;       /* of the session */
    struct subscription *next_ready; /* in the queue of those with something to take */
    struct session *session;
    struct xmb_sub *sub;
    struct xmb_service_id pattern;
    uint32_t id; /* SUBSCRIPTION-ID */
    uint32_t notified;
    uint32_t withdrawn;
    uint8_t ready;  /* in that queue, or would be when not held */
    uint8_t held;   /* waits until hold_until_ms */
    uint64_t hold_until_ms;
};

/* subscribe.c */
struct subscription *xs_subscription_find(const struct session *s, uint32_t id);
void xs_subscriptions_end(struct session *s); /* all of them */

/* Sends what may be sent now. Harmless in any state. */
void xs_notify_pump(struct session *s);
/* `ready` of a subscription. */
void xs_notify_ready(void *arg);
/* A 1.x subscription waits before its first Notify. */
void xs_notify_hold(struct subscription *sub);
void xs_notify_let_go(struct session *s); /* the alarm for that */
/* A response of the client. 1: it answers a notification. */
int xs_notify_answered(struct session *s, const struct xmcp_msg *m);
void xs_notify_late(struct session *s); /* the alarm: look for what was not answered */
/* Takes `sub` out of everything that points to it; the caller frees it. */
void xs_notify_forget(struct session *s, struct subscription *sub);
/* Ends all subscriptions and frees the window. */
void xs_notify_end(struct session *s);

#endif
