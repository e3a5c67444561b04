/* SPDX-License-Identifier: MIT */
/*
 * client_events.c - fills struct xmcp_event and calls the caller.
 *
 * Callers of these functions have taken the request out of the table before: the callback may
 * start new ones. No decision is made here.
 */
#include <string.h>

#include "client.h"

#define REASON_BYTES 256

static void deliver(struct xmcp_client *c, const struct xmcp_event *event)
{
    c->on_event(c->user_data, c, event);
}

static void fill_request(struct xmcp_event *event, const struct client_request *r)
{
    event->request = r->number;
    event->method = r->method;
    event->identity = r->service.identity;
    event->subscription_id = r->subscription_id;
    event->service_version = r->service.version;
    event->trust = -1;
}

/* Copies what fits, cut between characters. */
static void copy_reason(char out[REASON_BYTES], struct xmcp_view reason)
{
    size_t bytes = reason.bytes;

    if (bytes >= REASON_BYTES) {
        bytes = REASON_BYTES - 1;
        while (bytes > 0 && (reason.data[bytes] & 0xc0) == 0x80)
            bytes--;
    }
    if (bytes > 0)
        memcpy(out, reason.data, bytes);
    out[bytes] = '\0';
}

static const enum xmcp_event_type answered[XMCP_METHOD_COUNT] = {
    [XMCP_REGISTER] = XMCP_EVENT_REGISTERED,
    [XMCP_UNREGISTER] = XMCP_EVENT_UNREGISTERED,
    [XMCP_PUBLISH] = XMCP_EVENT_PUBLISHED,
    [XMCP_UNPUBLISH] = XMCP_EVENT_UNPUBLISHED,
    [XMCP_SUBSCRIBE] = XMCP_EVENT_SUBSCRIBED,
    [XMCP_UNSUBSCRIBE] = XMCP_EVENT_UNSUBSCRIBED,
    [XMCP_KEEPALIVE] = XMCP_EVENT_KEPT_ALIVE,
};

void client_event_answered(struct xmcp_client *c, const struct client_request *r,
                           const struct xmcp_msg *msg)
{
    struct xmcp_event event = {.type = answered[r->method]};

    if (!r->asked)
        return;
    fill_request(&event, r);
    if (msg->have & XMCP_HAVE_SUBSCRIPTION_ID)
        event.subscription_id = msg->subscription_id;
    event.handle = c->handle;
    event.keepalive_ms = c->keepalive_ms;
    event.domain = msg->domain;
    event.version_major = c->version_major;
    event.version_minor = msg->version_minor;
    deliver(c, &event);
}

void client_event_refused(struct xmcp_client *c, const struct client_request *r,
                          const struct xmcp_msg *msg)
{
    struct xmcp_event event = {.type = XMCP_EVENT_ERROR, .result = XMCP_EREFUSED};
    char reason[REASON_BYTES];

    if (!r->asked)
        return;
    fill_request(&event, r);
    copy_reason(reason, msg->error_reason);
    event.code = msg->error_code;
    event.reason = reason[0] != '\0' ? reason : xmcp_code_name(msg->error_code);
    if (msg->have & XMCP_HAVE_SERVICE_VERSION)
        event.service_version = msg->service_version;
    if (msg->have & XMCP_HAVE_DOMAIN)
        event.domain = msg->domain;
    if (msg->have & XMCP_HAVE_PROTOCOL_VERSION) {
        event.version_major = msg->version_major;
        event.version_minor = msg->version_minor;
    }
    deliver(c, &event);
}

void client_event_failed(struct xmcp_client *c, const struct client_request *r, int result,
                         const char *reason)
{
    struct xmcp_event event = {.type = XMCP_EVENT_ERROR, .result = result};

    if (!r->asked)
        return;
    fill_request(&event, r);
    event.reason = reason != NULL ? reason : xmcp_strerror(result);
    deliver(c, &event);
}

/* The attribute tells when it is there; the flag says the same with the opposite number. */
static uint32_t removed_reason(const struct xmcp_msg *msg)
{
    uint16_t flag;

    if (msg->have & XMCP_HAVE_REMOVED_REASON)
        return msg->removed_reason;
    if (xmcp_flag_find(msg->flags, XMCP_FLAG_REMOVAL_REASON, &flag) &&
        (flag & XMCP_REMOVAL_NETWORK))
        return XMCP_REMOVED_NETWORK;
    return XMCP_REMOVED_SOURCE;
}

void client_event_server(struct xmcp_client *c, enum xmcp_event_type type,
                         const struct xmcp_msg *msg)
{
    struct xmcp_event event = {.type = type, .trust = -1};
    uint16_t trust;

    event.identity = msg->identity;
    event.subscription_id = msg->subscription_id;
    event.service_version = msg->service_version;
    event.service_protocol = msg->service_protocol;
    event.have_transport = (msg->have & XMCP_HAVE_SERVICE_TRANSPORT) != 0;
    event.transport = msg->transport;
    event.data = msg->service_data;
    event.removed_reason = removed_reason(msg);
    if (xmcp_flag_find(msg->flags, XMCP_FLAG_TRUST, &trust))
        event.trust = trust;
    event.handle = c->handle;
    deliver(c, &event);
}

void client_event_closed(struct xmcp_client *c, int result, const char *reason)
{
    struct xmcp_event event = {.type = XMCP_EVENT_CLOSED, .result = result, .trust = -1};

    event.reason = reason != NULL ? reason : xmcp_strerror(result);
    deliver(c, &event);
}
