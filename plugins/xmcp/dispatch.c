/* SPDX-License-Identifier: MIT */
/*
 * dispatch.c - one message through the checks, in the order of section 2.11 of the protocol notes:
 *
 *     malformed 400 -> response? -> undefined 501, server's own method 400 -> session 471, 474
 *     -> integrity 401, 431 -> nonce 435, 438 -> handle 471 -> mandatory attributes 400 -> meaning
 *
 * Framing (close without a word) was checked before. What a method means is behind the
 * table at the end; adding a method is one row and one function.
 */
#include "answer.h"
#include "nonce.h"
#include "notify.h"
#include "pending.h"
#include "session.h"

struct method {
    uint32_t mandatory; /* XMCP_HAVE_* */
    enum outcome (*run)(struct session *s, const struct xmcp_msg *m); /* NULL: server's own */
};

#define IDENTITY (XMCP_HAVE_CLIENT_HANDLE | XMCP_HAVE_SERVICE_IDENTITY)

static const struct method methods[XMCP_METHOD_COUNT] = {
    [XMCP_REGISTER] = {XMCP_HAVE_CLIENT_HANDLE, xs_keepalive}, /* without a handle: register.c */
    [XMCP_UNREGISTER] = {XMCP_HAVE_CLIENT_HANDLE, xs_unregister},
    [XMCP_PUBLISH] = {IDENTITY | XMCP_HAVE_SERVICE_TRANSPORT | XMCP_HAVE_SERVICE_PROTOCOL |
                          XMCP_HAVE_SERVICE_VERSION,
                      xs_publish},
    [XMCP_UNPUBLISH] = {IDENTITY, xs_unpublish},
    [XMCP_SUBSCRIBE] = {IDENTITY, xs_subscribe},
    [XMCP_UNSUBSCRIBE] = {XMCP_HAVE_CLIENT_HANDLE | XMCP_HAVE_SUBSCRIPTION_ID, xs_unsubscribe},
    [XMCP_KEEPALIVE] = {XMCP_HAVE_CLIENT_HANDLE, xs_keepalive},
};

/* The attributes that can be mandatory, to name the one that is missing. */
static const struct {
    uint32_t have;
    uint16_t type;
} attributes[] = {
    {XMCP_HAVE_CLIENT_HANDLE, XMCP_ATTR_CLIENT_HANDLE},
    {XMCP_HAVE_SERVICE_IDENTITY, XMCP_ATTR_SERVICE_IDENTITY},
    {XMCP_HAVE_SERVICE_TRANSPORT, XMCP_ATTR_SERVICE_TRANSPORT},
    {XMCP_HAVE_SERVICE_PROTOCOL, XMCP_ATTR_SERVICE_PROTOCOL},
    {XMCP_HAVE_SERVICE_VERSION, XMCP_ATTR_SERVICE_VERSION},
    {XMCP_HAVE_SUBSCRIPTION_ID, XMCP_ATTR_SUBSCRIPTION_ID},
};

static enum outcome refuse_missing(struct session *s, const struct xmcp_msg *m, uint32_t missing)
{
    size_t i = 0;

    while (!(attributes[i].have & missing))
        i++;
    return xs_refuse_fault(s, m, XMCP_FAULT_MISSING, attributes[i].type);
}

/*
 * May this request be answered now? Answers leave in the order of the requests, and those to
 * Publish and Unpublish come from the registry: these two queue up behind each other, all else
 * waits.
 */
static int may_answer(struct session *s, const struct xmcp_msg *m)
{
    int queues = m->method == XMCP_PUBLISH || m->method == XMCP_UNPUBLISH;

    if (xs_pending_count(s) > 0 && (!queues || xs_pending_full(s))) {
        xs_block(s, BLOCK_RING);
        return 0;
    }
    if (!xs_answer_room(s)) {
        xs_block(s, BLOCK_ROOM);
        return 0;
    }
    return 1;
}

static enum outcome malformed_message(struct session *s, const struct xmcp_msg *m)
{
    xs_count(s->worker, M_MALFORMED);
    if (m->msg_class == XMCP_REQUEST)
        return xs_refuse_fault(s, m, m->fault.reason, m->fault.attribute);
    return DONE; /* a response is never answered */
}

/* A response to one of our requests: opens the window again. */
static enum outcome response(struct session *s, const struct xmcp_msg *m, struct xmb_str frame)
{
    struct xmcp_form form;

    if (s->form.digest != XMCP_DIGEST_NONE) {
        if (xmcp_mac_verify(&s->mac, frame.p, m, &form) != 0) {
            xs_count(s->worker, M_BAD_RESPONSES);
            return DONE;
        }
        s->form = form;
    }
    if (s->state == REVOKED && m->method == XMCP_REGISTER_REVOKE) {
        xs_close(s, s->why);
        return DONE;
    }
    if (s->state != REGISTERED || !xs_notify_answered(s, m))
        xs_count(s->worker, M_UNMATCHED);
    return DONE;
}

/* Integrity and nonce of a request in a session. Returns 0 or the error's code. */
static unsigned authentic(struct session *s, const struct xmcp_msg *m, struct xmb_str frame)
{
    struct xmcp_form form;

    if (s->anonymous)
        return 0;
    if (!(m->have & XMCP_HAVE_INTEGRITY))
        return XMCP_CODE_UNAUTHORIZED;
    if (xmcp_mac_verify(&s->mac, frame.p, m, &form) != 0)
        return XMCP_CODE_INTEGRITY_FAILURE;
    s->form = form;
    return xs_nonce_check(s, m);
}

static enum outcome in_session(struct session *s, const struct xmcp_msg *m, struct xmb_str frame)
{
    const struct method *method = &methods[m->method];
    unsigned code = authentic(s, m, frame);
    uint32_t missing = method->mandatory & ~m->have;

    if (code != 0)
        return xs_refuse(s, m, code, NULL, 0);
    if (m->have & XMCP_HAVE_CLIENT_HANDLE && m->client_handle != s->handle)
        return xs_refuse(s, m, XMCP_CODE_BAD_HANDLE, NULL, 0);
    if (missing != 0)
        return refuse_missing(s, m, missing);
    return method->run(s, m);
}

static enum outcome request(struct session *s, const struct xmcp_msg *m, struct xmb_str frame)
{
    int has_handle = (m->have & XMCP_HAVE_CLIENT_HANDLE) != 0;

    if (m->method == 0 || m->method >= XMCP_METHOD_COUNT)
        return xs_refuse(s, m, XMCP_CODE_NOT_IMPLEMENTED, NULL, 0);
    if (methods[m->method].run == NULL)
        return xs_refuse(s, m, XMCP_CODE_BAD_REQUEST, "Only the server sends this method", 0);
    if (m->method == XMCP_REGISTER && !has_handle)
        return xs_register(s, m, frame);
    if (s->state != REGISTERED)
        return xs_refuse(s, m,
                         m->method == XMCP_REGISTER ? XMCP_CODE_BAD_HANDLE : XMCP_CODE_UNREGISTERED,
                         NULL, 0);
    return in_session(s, m, frame);
}

enum outcome xs_dispatch(struct session *s, const struct xmcp_msg *m, int malformed,
                         struct xmb_str frame)
{
    uint8_t bad_before = s->bad_in_row;
    enum outcome outcome;

    if (m->msg_class == XMCP_REQUEST && s->state == REVOKED)
        return DONE; /* there is nobody to answer for */
    if (m->msg_class == XMCP_REQUEST && !may_answer(s, m))
        return LATER;
    if (malformed)
        outcome = malformed_message(s, m);
    else if (m->msg_class != XMCP_REQUEST)
        outcome = response(s, m, frame);
    else
        outcome = request(s, m, frame);
    if (outcome == LATER)
        return LATER;
    xs_count(s->worker, M_MESSAGES_IN);
    if (m->method < XMCP_METHOD_COUNT)
        s->received[m->method]++;
    if (s->bad_in_row == bad_before && !malformed)
        s->bad_in_row = 0;
    return DONE;
}
