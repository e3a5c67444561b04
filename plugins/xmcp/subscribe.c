/* SPDX-License-Identifier: MIT */
/*
 * subscribe.c - Subscribe and Unsubscribe.
 *
 * The answer goes first: the registry calls `ready` in a later turn. A Subscribe with the
 * SUBSCRIPTION-ID of this session replaces the filter of that subscription, and the client is
 * told everything that matches once more; with another number it is a 476.
 */
#include <stdlib.h>

#include "answer.h"
#include "identity.h"
#include "notify.h"
#include "session.h"

#define RETRY_MS 20

struct subscription *xs_subscription_find(const struct session *s, uint32_t id)
{
    struct subscription *sub;

    for (sub = s->subscriptions; sub != NULL; sub = sub->next) {
        if (sub->id == id)
            return sub;
    }
    return NULL;
}

/* Asks the registry for `sub->pattern`. */
static int attach(struct session *s, struct subscription *sub)
{
    struct xmb_subscription spec = {.size = sizeof(spec)};

    spec.domain = s->domain;
    spec.pattern = sub->pattern;
    spec.view = s->anonymous ? XMB_VIEW_PUBLIC : XMB_VIEW_ALL;
    spec.ready = xs_notify_ready;
    spec.arg = sub;
    return xs_host->service->subscribe(s->worker->w, s->worker->server->module, &spec, &sub->sub);
}

static void link_subscription(struct session *s, struct subscription *sub)
{
    sub->next = s->subscriptions;
    s->subscriptions = sub;
    s->subscription_count++;
    s->worker->cells[M_SUBSCRIPTIONS]++;
}

static void unlink_subscription(struct session *s, struct subscription *sub)
{
    struct subscription **at = &s->subscriptions;

    while (*at != sub)
        at = &(*at)->next;
    *at = sub->next;
    s->subscription_count--;
    s->worker->cells[M_SUBSCRIPTIONS]--;
}

static enum outcome answer_failure(struct session *s, const struct xmcp_msg *m, int rc)
{
    if (rc == XMB_EAGAIN) {
        xs_block(s, BLOCK_REGISTRY);
        xs_alarm(s, ALARM_RETRY, RETRY_MS);
        return LATER;
    }
    return xs_refuse(s, m, XMCP_CODE_RESPONDER_ERROR, NULL, 0);
}

/* In its place: the new registry subscription is made before the old one ends. */
static enum outcome replace(struct session *s, const struct xmcp_msg *m)
{
    struct subscription *sub = xs_subscription_find(s, m->subscription_id);
    struct xmb_service_id pattern;
    struct xmb_sub *old;
    int rc;

    if (sub == NULL)
        return xs_refuse(s, m, XMCP_CODE_UNKNOWN_SUBSCRIPTION, NULL, 0);
    pattern = sub->pattern;
    old = sub->sub;
    sub->pattern = xs_identity_in(&m->identity);
    rc = attach(s, sub);
    if (rc < 0) {
        sub->pattern = pattern;
        return answer_failure(s, m, rc);
    }
    xs_notify_forget(s, sub);
    xs_host->service->unsubscribe(old);
    if (s->version_major == 1)
        xs_notify_hold(sub);
    return xs_succeed(s, m, ANSWER_SUBSCRIBED, sub->id);
}

/* A number that is not in use; 0 stands for "none" in a PublishRevoke. */
static uint32_t next_id(struct session *s)
{
    uint32_t id = s->next_subscription;

    while (id == 0 || xs_subscription_find(s, id) != NULL)
        id++;
    s->next_subscription = id + 1;
    return id;
}

enum outcome xs_subscribe(struct session *s, const struct xmcp_msg *m)
{
    struct subscription *sub;
    int rc;

    if (m->have & XMCP_HAVE_SUBSCRIPTION_ID)
        return replace(s, m);
    if (s->subscription_count >= s->worker->conf->subscriptions_max)
        return xs_refuse(s, m, XMCP_CODE_RESPONDER_ERROR, "Too many subscriptions of this client",
                         0);
    sub = calloc(1, sizeof(*sub));
    if (sub == NULL)
        return xs_refuse(s, m, XMCP_CODE_RESPONDER_ERROR, NULL, 0);
    sub->session = s;
    sub->pattern = xs_identity_in(&m->identity);
    rc = attach(s, sub);
    if (rc < 0) {
        free(sub);
        return answer_failure(s, m, rc);
    }
    sub->id = next_id(s);
    link_subscription(s, sub);
    if (s->version_major == 1)
        xs_notify_hold(sub);
    return xs_succeed(s, m, ANSWER_SUBSCRIBED, sub->id);
}

static void end_subscription(struct session *s, struct subscription *sub)
{
    xs_notify_forget(s, sub);
    unlink_subscription(s, sub);
    xs_host->service->unsubscribe(sub->sub);
    free(sub);
}

enum outcome xs_unsubscribe(struct session *s, const struct xmcp_msg *m)
{
    struct subscription *sub = xs_subscription_find(s, m->subscription_id);

    if (sub == NULL)
        return xs_refuse(s, m, XMCP_CODE_UNKNOWN_SUBSCRIPTION, NULL, 0);
    end_subscription(s, sub);
    return xs_succeed(s, m, ANSWER_PLAIN, 0);
}

void xs_subscriptions_end(struct session *s)
{
    while (s->subscriptions != NULL)
        end_subscription(s, s->subscriptions);
}
