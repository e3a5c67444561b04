/* SPDX-License-Identifier: MIT */
/*
 * answer.c - see answer.h. The order of attributes is the one that Cisco's client is known to
 * accept. Signed in the form of the client's last verified message; unsigned while no key is known.
 */
#include "answer.h"

#include "nonce.h"
#include "pending.h"

#define BAD_IN_ROW_MAX 10

struct answer xs_answer_to(const struct xmcp_msg *m)
{
    struct answer a = {.method = m->method, .kind = ANSWER_PLAIN};

    memcpy(a.transaction, m->transaction, sizeof(a.transaction));
    return a;
}

/* --- encoding -------------------------------------------------------------------------------- */

static void put_nonce(struct session *s, struct xmcp_writer *w)
{
    char text[XS_NONCE_TEXT_BYTES];

    xs_nonce_text(s, text);
    xmcp_put_text(w, XMCP_ATTR_NONCE, text, sizeof(text));
}

static void put_success(struct session *s, struct xmcp_writer *w, const struct answer *a)
{
    xmcp_put_u32(w, XMCP_ATTR_CLIENT_HANDLE, s->handle);
    switch ((enum answer_kind)a->kind) {
    case ANSWER_REGISTERED:
        xmcp_put_u32(w, XMCP_ATTR_KEEPALIVE, s->keepalive_ms);
        xmcp_put_version(w, s->version_major, s->version_minor);
        xmcp_put_u32(w, XMCP_ATTR_PAGE_SIZE, s->page_size);
        xmcp_put_u32(w, XMCP_ATTR_DOMAIN, s->domain);
        if (!s->anonymous)
            xmcp_put_realm(w);
        if (s->nonce_used) {
            (void)xs_nonce_due(s);
            put_nonce(s, w);
        }
        return;
    case ANSWER_KEPT:
        xmcp_put_u32(w, XMCP_ATTR_KEEPALIVE, s->keepalive_ms);
        break;
    case ANSWER_SUBSCRIBED:
        xmcp_put_u32(w, XMCP_ATTR_SUBSCRIPTION_ID, a->value);
        break;
    case ANSWER_PLAIN:
        break;
    }
    if (xs_nonce_due(s))
        put_nonce(s, w);
}

/* What goes with an error besides its code. */
static void put_error_extra(struct session *s, struct xmcp_writer *w, const struct answer *a)
{
    switch (a->code) {
    case XMCP_CODE_UNAUTHORIZED:
    case XMCP_CODE_NONCE_REQUIRED:
    case XMCP_CODE_STALE_NONCE:
        xmcp_put_realm(w);
        if (xs_nonce_challenge(s) == 0)
            put_nonce(s, w);
        break;
    case XMCP_CODE_VERSION_TOO_LOW:
        xmcp_put_u32(w, XMCP_ATTR_SERVICE_VERSION, a->value);
        break;
    case XMCP_CODE_UNSUPPORTED_VERSION:
        xmcp_put_version(w, 2, 0);
        break;
    case XMCP_CODE_FORBIDDEN_DOMAIN:
        if (a->value != 0)
            xmcp_put_u32(w, XMCP_ATTR_DOMAIN, a->value);
        break;
    default:
        break;
    }
}

static void put_error(struct session *s, struct xmcp_writer *w, const struct answer *a)
{
    struct xmcp_fault fault = {(enum xmcp_fault_reason)a->fault, a->fault_attribute, 0};
    char text[100];

    if (a->fault != XMCP_FAULT_NONE) {
        xmcp_fault_format(&fault, text, sizeof(text));
        xmcp_put_error(w, a->code, text);
    } else {
        xmcp_put_error(w, a->code, a->reason);
    }
    put_error_extra(s, w, a);
}

static void count_answer(struct session *s, const struct answer *a)
{
    xs_count(s->worker, M_MESSAGES_OUT);
    if (a->method < XMCP_METHOD_COUNT)
        s->sent[a->method]++;
    if (a->code == 0)
        return;
    s->last_code = a->code;
    xs_count(s->worker, xs_metric_of_code(a->code));
}

int xs_answer_write(struct session *s, const struct answer *a)
{
    struct xmcp_writer w;
    size_t bytes = 0;
    uint8_t *p;
    int rc;

    if (s->state == CLOSING)
        return XMB_ECLOSED;
    p = xs_host->conn->reserve(s->conn, XS_ANSWER_ROOM);
    if (p == NULL && xs_host->conn->room(s->conn) < XS_ANSWER_ROOM)
        return XMB_EAGAIN; /* `writable` is called when there is room again */
    if (p == NULL) {
        xs_close(s, "no memory for an answer");
        return XMB_ENOMEM;
    }
    xmcp_write_begin(&w, p, XS_ANSWER_ROOM, a->method, a->code == 0 ? XMCP_SUCCESS : XMCP_ERROR,
                     a->transaction);
    if (a->code == 0)
        put_success(s, &w, a);
    else
        put_error(s, &w, a);
    rc = xmcp_write_finish(&w, &s->mac, s->form, &bytes);
    xs_host->conn->commit(s->conn, rc == 0 ? bytes : 0);
    if (rc != 0) {
        xs_close(s, "an answer could not be encoded");
        return XMB_EINVAL;
    }
    count_answer(s, a);
    return 0;
}

/* --- sending --------------------------------------------------------------------------------- */

int xs_answer_room(struct session *s)
{
    size_t need = XS_ANSWER_ROOM * (xs_pending_count(s) + 2);

    if (xs_host->conn->room(s->conn) >= need)
        return 1;
    /* Asking for more than there is makes the host call `writable` when it is there. */
    if (xs_host->conn->reserve(s->conn, need) == NULL)
        return 0;
    xs_host->conn->commit(s->conn, 0);
    return 1;
}

void xs_answer(struct session *s, const struct answer *a)
{
    if (xs_pending_count(s) > 0)
        xs_pending_add_ready(s, a);
    else if (xs_answer_write(s, a) == XMB_EAGAIN)
        xs_close(s, "no room for an answer"); /* dispatch has made sure of it: not reached */
}

enum outcome xs_succeed(struct session *s, const struct xmcp_msg *m, enum answer_kind kind,
                        uint32_t value)
{
    struct answer a = xs_answer_to(m);

    a.kind = (uint8_t)kind;
    a.value = value;
    xs_answer(s, &a);
    return DONE;
}

static void send_error(struct session *s, const struct answer *a)
{
    xs_answer(s, a);
    if (a->code == XMCP_CODE_BAD_REQUEST && ++s->bad_in_row >= BAD_IN_ROW_MAX)
        xs_close(s, "ten bad requests in a row");
}

enum outcome xs_refuse(struct session *s, const struct xmcp_msg *m, unsigned code,
                       const char *reason, uint32_t value)
{
    struct answer a = xs_answer_to(m);

    a.code = (uint16_t)code;
    a.reason = reason;
    a.value = value;
    send_error(s, &a);
    return DONE;
}

enum outcome xs_refuse_fault(struct session *s, const struct xmcp_msg *m,
                             enum xmcp_fault_reason fault, unsigned attribute)
{
    struct answer a = xs_answer_to(m);

    a.code = XMCP_CODE_BAD_REQUEST;
    a.fault = (uint8_t)fault;
    a.fault_attribute = (uint16_t)attribute;
    send_error(s, &a);
    return DONE;
}
