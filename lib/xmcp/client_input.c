/* SPDX-License-Identifier: MIT */
/*
 * client_input.c - octets from the server, and what to do with each message.
 *
 * What is believed: with a key, a success or a request of the server must be signed, or the
 * session ends. Errors are believed unsigned, since a server that does not know us yet cannot sign
 * one; they can do no more than whoever is on the path could do by closing the connection.
 */
#include <stdlib.h>
#include <string.h>

#include "client.h"

static void take_nonce(struct xmcp_client *c, const struct xmcp_msg *msg)
{
    if (!(msg->have & XMCP_HAVE_NONCE) || !c->have_key)
        return;
    c->nonce.bytes = (uint8_t)msg->nonce.bytes;
    memcpy(c->nonce.data, msg->nonce.data, msg->nonce.bytes);
}

/* Register's answer, and a keepalive's, which repeats the interval. */
static int take_session(struct xmcp_client *c, const struct client_request *r,
                        const struct xmcp_msg *msg)
{
    if (r->method == XMCP_REGISTER) {
        if (!(msg->have & XMCP_HAVE_CLIENT_HANDLE))
            return XMCP_EBADMSG;
        c->handle = msg->client_handle;
        if ((msg->have & XMCP_HAVE_PROTOCOL_VERSION) && msg->version_major < c->version_major)
            c->version_major = msg->version_major;
        c->state = CLIENT_REGISTERED;
    }
    if ((msg->have & XMCP_HAVE_KEEPALIVE) && msg->keepalive_ms > 0)
        c->keepalive_ms = msg->keepalive_ms > CLIENT_KEEPALIVE_MIN_MS ? msg->keepalive_ms
                                                                      : CLIENT_KEEPALIVE_MIN_MS;
    return 0;
}

static void on_success(struct xmcp_client *c, struct client_request *slot,
                       const struct xmcp_msg *msg)
{
    struct client_request r = *slot;
    int rc = 0;

    take_nonce(c, msg);
    if (r.method == XMCP_REGISTER || r.method == XMCP_KEEPALIVE)
        rc = take_session(c, &r, msg);
    if (r.method == XMCP_SUBSCRIBE && !(msg->have & XMCP_HAVE_SUBSCRIPTION_ID))
        rc = XMCP_EBADMSG;
    client_request_drop(slot);
    if (rc != 0)
        client_event_failed(c, &r, rc, NULL);
    else
        client_event_answered(c, &r, msg);
    if (rc != 0 && r.method == XMCP_REGISTER)
        client_close(c, rc, "the server's answer to Register holds no handle");
    if (r.method == XMCP_UNREGISTER)
        client_close(c, 0, "unregistered");
}

static int wants_nonce(unsigned code)
{
    return code == XMCP_CODE_UNAUTHORIZED || code == XMCP_CODE_NONCE_REQUIRED ||
           code == XMCP_CODE_STALE_NONCE;
}

/* 1 when the refusal was about the nonce and the request is on its way again. */
static int retry_with_nonce(struct xmcp_client *c, struct client_request *r,
                            const struct xmcp_msg *msg)
{
    if (!wants_nonce(msg->error_code) || !(msg->have & XMCP_HAVE_NONCE) || !c->have_key)
        return 0;
    take_nonce(c, msg);
    if (msg->transaction[XMCP_TRANSACTION_BYTES - 1] != r->sendings)
        return 1; /* an earlier sending's refusal; the last one is still under way */
    if (r->nonce_tries == CLIENT_NONCE_TRIES_MAX)
        return 0;
    r->nonce_tries++;
    r->unanswered = 0;
    return client_request_send(c, r) == 0;
}

/* Codes after which no request of this session can succeed. */
static int ends_session(unsigned code)
{
    return code == XMCP_CODE_BAD_HANDLE || code == XMCP_CODE_UNREGISTERED;
}

static void on_error(struct xmcp_client *c, struct client_request *slot,
                     const struct xmcp_msg *msg)
{
    struct client_request r;

    if (retry_with_nonce(c, slot, msg))
        return;
    r = *slot;
    client_request_drop(slot);
    client_event_refused(c, &r, msg);
    if (r.method == XMCP_REGISTER)
        client_close(c, XMCP_EREFUSED, "the server refused to register");
    else if (ends_session(msg->error_code))
        client_close(c, XMCP_EREFUSED, "the server does not know this session");
}

/*
 * An answer to a Subscribe that we no longer wait for: it was sent twice and both were accepted,
 * or it was given up. Nobody knows of this subscription, so it goes.
 */
static void on_orphan(struct xmcp_client *c, const struct xmcp_msg *msg)
{
    if (msg->method == XMCP_SUBSCRIBE && msg->msg_class == XMCP_SUCCESS &&
        (msg->have & XMCP_HAVE_SUBSCRIPTION_ID) && c->state == CLIENT_REGISTERED &&
        client_transaction_ours(c, msg->transaction))
        client_unsubscribe_own(c, msg->subscription_id);
}

static void on_response(struct xmcp_client *c, const struct xmcp_msg *msg, int decoded)
{
    struct client_request *slot = client_request_find(c, msg->transaction);
    struct client_request r;

    if (slot == NULL || msg->method != client_wire_method(c, slot)) {
        if (decoded == 0)
            on_orphan(c, msg);
        return;
    }
    if (decoded == 0) {
        if (msg->msg_class == XMCP_SUCCESS)
            on_success(c, slot, msg);
        else
            on_error(c, slot, msg);
        return;
    }
    r = *slot;
    client_request_drop(slot);
    client_event_failed(c, &r, XMCP_EBADMSG, NULL);
    if (r.method == XMCP_REGISTER)
        client_close(c, XMCP_EBADMSG, "the server's answer to Register is malformed");
}

/* What the server may ask, what it has to bring, and what the caller hears. */
struct server_request {
    uint32_t needs;
    enum xmcp_event_type event;
    uint8_t known;
};

#define NOTIFY_NEEDS (XMCP_HAVE_SUBSCRIPTION_ID | XMCP_HAVE_SERVICE_IDENTITY)

static const struct server_request server_requests[XMCP_METHOD_COUNT] = {
    [XMCP_NOTIFY] = {NOTIFY_NEEDS, XMCP_EVENT_NOTIFY, 1},
    [XMCP_WITHDRAW] = {NOTIFY_NEEDS, XMCP_EVENT_WITHDRAW, 1},
    [XMCP_PUBLISH_REVOKE] = {XMCP_HAVE_SERVICE_IDENTITY, XMCP_EVENT_PUBLISH_REVOKED, 1},
    [XMCP_REGISTER_REVOKE] = {0, XMCP_EVENT_REVOKED, 1},
};

static int refuse_request(struct xmcp_client *c, const struct xmcp_msg *msg, unsigned code)
{
    return client_answer(c, msg, code, NULL);
}

/* Without a session there is no handle to answer with, so nothing is answered. */
static int on_request(struct xmcp_client *c, const struct xmcp_msg *msg, int decoded)
{
    const struct server_request *known;
    int rc;

    if (c->state != CLIENT_REGISTERED)
        return 0;
    if (decoded != 0)
        return refuse_request(c, msg, XMCP_CODE_BAD_REQUEST);
    if (msg->method == 0 || msg->method >= XMCP_METHOD_COUNT)
        return refuse_request(c, msg, XMCP_CODE_NOT_IMPLEMENTED);
    known = &server_requests[msg->method];
    if (!known->known || (msg->have & known->needs) != known->needs)
        return refuse_request(c, msg, XMCP_CODE_BAD_REQUEST);
    rc = client_answer(c, msg, 0, NULL);
    if (rc != 0)
        return rc;
    client_event_server(c, known->event, msg);
    if (msg->method == XMCP_REGISTER_REVOKE)
        client_close(c, XMCP_EREFUSED, "the server revoked the session");
    return 0;
}

/* With a key, everything but errors has to be signed with it. */
static int trusted(const struct xmcp_client *c, const uint8_t *frame, const struct xmcp_msg *msg)
{
    if (!c->have_key || msg->msg_class == XMCP_ERROR)
        return 1;
    return xmcp_mac_verify(&c->mac, frame, msg, NULL) == 0;
}

static void on_frame(struct xmcp_client *c, const uint8_t *frame, size_t frame_bytes)
{
    struct xmcp_msg msg;
    int decoded = xmcp_decode(frame, frame_bytes, &msg);
    int rc = 0;

    if (decoded == 0 && !trusted(c, frame, &msg)) {
        client_close(c, XMCP_EAUTH, "the server's message integrity is missing or wrong");
        return;
    }
    if (msg.msg_class != XMCP_REQUEST)
        on_response(c, &msg, decoded);
    else
        rc = on_request(c, &msg, decoded);
    if (rc != 0)
        client_close(c, rc, "the server does not read our answers");
}

/* Makes room for a whole message of that size. */
static int input_grow(struct client_input *in, size_t bytes)
{
    uint8_t *data;

    if (bytes <= in->capacity_bytes)
        return 0;
    data = realloc(in->data, bytes);
    if (data == NULL)
        return XMCP_ENOMEM;
    in->data = data;
    in->capacity_bytes = bytes;
    return 0;
}

/* How many octets the kept beginning lacks: of the header first, then of the message. */
static size_t missing_bytes(const struct client_input *in)
{
    size_t frame_bytes = XMCP_HEADER_BYTES;

    if (in->used_bytes >= XMCP_HEADER_BYTES)
        (void)xmcp_frame_bytes(in->data, in->used_bytes, &frame_bytes);
    return frame_bytes - in->used_bytes;
}

/* Adds to the kept beginning. Returns the octets taken, or XMCP_E*. */
static long keep(struct xmcp_client *c, const uint8_t *data, size_t bytes)
{
    size_t take = missing_bytes(&c->in);

    if (take > bytes)
        take = bytes;
    if (input_grow(&c->in, c->in.used_bytes + missing_bytes(&c->in)) != 0)
        return XMCP_ENOMEM;
    memcpy(c->in.data + c->in.used_bytes, data, take);
    c->in.used_bytes += take;
    return (long)take;
}

/* Handles what is whole at the front. Returns the octets used up, 0 for none, or XMCP_E*. */
static long whole_frame(struct xmcp_client *c, const uint8_t *data, size_t bytes)
{
    size_t frame_bytes = 0;
    int rc = xmcp_frame_bytes(data, bytes, &frame_bytes);

    if (rc == XMCP_EAGAIN || (rc == 0 && frame_bytes > bytes))
        return 0;
    if (rc != 0)
        return rc;
    on_frame(c, data, frame_bytes);
    return (long)frame_bytes;
}

static int input_failed(struct xmcp_client *c, int rc)
{
    client_close(c, rc, xmcp_strerror(rc));
    return rc;
}

int xmcp_client_input(struct xmcp_client *c, const void *data, size_t bytes)
{
    const uint8_t *p = data;
    long step;

    while (bytes > 0 && c->state != CLIENT_CLOSED) {
        step = c->in.used_bytes == 0 ? whole_frame(c, p, bytes) : 0;
        if (step == 0) {
            long used;

            step = keep(c, p, bytes);
            used = step < 0 ? 0 : whole_frame(c, c->in.data, c->in.used_bytes);
            if (used < 0)
                step = used;
            else if (used > 0)
                c->in.used_bytes = 0;
        }
        if (step < 0)
            return input_failed(c, (int)step);
        p += step;
        bytes -= (size_t)step;
    }
    return c->state == CLIENT_CLOSED ? XMCP_ESTATE : 0;
}
