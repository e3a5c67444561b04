/* SPDX-License-Identifier: MIT */
/*
 * revoke.c - see revoke.h. The transaction's slot is one that no notification has, so the answers,
 * if there are any, are told apart.
 */
#include "revoke.h"

#include "answer.h"
#include "identity.h"
#include "window.h"

static int begin(struct session *s, struct xmcp_writer *w, unsigned method)
{
    uint8_t transaction[XMCP_TRANSACTION_BYTES];
    uint8_t *p;

    if (xs_host->conn->room(s->conn) < XS_ANSWER_ROOM)
        return XMB_EAGAIN;
    p = xs_host->conn->reserve(s->conn, XS_ANSWER_ROOM);
    if (p == NULL)
        return XMB_EAGAIN;
    xs_window_transaction(s, XS_WINDOW_NO_SLOT, 0, transaction);
    xmcp_write_begin(w, p, XS_ANSWER_ROOM, method, XMCP_REQUEST, transaction);
    return 0;
}

static void finish(struct session *s, struct xmcp_writer *w, unsigned method)
{
    size_t bytes = 0;

    if (xmcp_write_finish(w, &s->mac, s->form, &bytes) != 0)
        bytes = 0;
    xs_host->conn->commit(s->conn, bytes);
    xs_count(s->worker, M_MESSAGES_OUT);
    s->sent[method]++;
}

void xs_revoke_send(struct session *s)
{
    struct xmcp_writer w;

    if (begin(s, &w, XMCP_REGISTER_REVOKE) < 0)
        return;
    xmcp_put_u32(&w, XMCP_ATTR_CLIENT_HANDLE, s->handle);
    finish(s, &w, XMCP_REGISTER_REVOKE);
    xs_count(s->worker, M_REVOKES);
}

void xs_revoke_service(struct session *s, const struct xmb_service_id *id)
{
    struct xmcp_identity identity = xs_identity_out(id);
    struct xmcp_writer w;

    if (s->state != REGISTERED)
        return;
    if (begin(s, &w, XMCP_PUBLISH_REVOKE) < 0) {
        xs_close(s, "no room for a PublishRevoke");
        return;
    }
    xmcp_put_u32(&w, XMCP_ATTR_CLIENT_HANDLE, s->handle);
    if (s->version_major == 1) /* the 1.0 client does not accept it without */
        xmcp_put_u32(&w, XMCP_ATTR_SUBSCRIPTION_ID, 0);
    xmcp_put_identity(&w, &identity);
    finish(s, &w, XMCP_PUBLISH_REVOKE);
    xs_count(s->worker, M_PUBLISH_REVOKES);
}
