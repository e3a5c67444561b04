/* SPDX-License-Identifier: MIT */
/*
 * client_encode.c - the attributes of each request, and of answers to the server.
 *
 * Order follows Cisco's 1.0 client where it was seen; the nonce comes behind the realm.
 */
#include "client.h"

static void put_text(struct xmcp_writer *w, unsigned type, const struct client_text *text)
{
    if (text->bytes > 0)
        xmcp_put_text(w, type, text->data, text->bytes);
}

/* Realm and nonce; an unauthenticated session has neither. */
static void put_realm_nonce(const struct xmcp_client *c, struct xmcp_writer *w)
{
    if (!c->have_key)
        return;
    xmcp_put_realm(w);
    put_text(w, XMCP_ATTR_NONCE, &c->nonce);
}

static void put_register(const struct xmcp_client *c, struct xmcp_writer *w)
{
    put_text(w, XMCP_ATTR_CLIENT_NAME, &c->name);
    if (c->have_key)
        xmcp_put_realm(w);
    xmcp_put_version(w, c->version_major, 0);
    xmcp_put_u32(w, XMCP_ATTR_PAGE_SIZE, c->page_size);
    put_text(w, XMCP_ATTR_CLIENT_LABEL, &c->label);
    if (c->domain != 0)
        xmcp_put_u32(w, XMCP_ATTR_DOMAIN, c->domain);
    if (!c->have_key)
        return;
    put_text(w, XMCP_ATTR_USERNAME, &c->user);
    put_text(w, XMCP_ATTR_NONCE, &c->nonce);
}

static void put_service(const struct xmcp_service *s, struct xmcp_writer *w)
{
    struct xmcp_flag visible = {XMCP_FLAG_VISIBILITY, XMCP_VISIBLE_TO_ALL};

    xmcp_put_identity(w, &s->identity);
    xmcp_put_transport(w, &s->transport);
    xmcp_put_protocol(w, s->ip_protocol);
    if (s->visible_to_all)
        xmcp_put_flags(w, &visible, 1);
    xmcp_put_u32(w, XMCP_ATTR_SERVICE_VERSION, s->version);
    xmcp_put_bytes(w, XMCP_ATTR_SERVICE_DATA, s->data.data, s->data.bytes);
}

unsigned client_wire_method(const struct xmcp_client *c, const struct client_request *r)
{
    if (r->method == XMCP_KEEPALIVE && c->version_major < 2)
        return XMCP_REGISTER;
    return r->method;
}

void client_put_request(const struct xmcp_client *c, const struct client_request *r,
                        struct xmcp_writer *w)
{
    if (r->method == XMCP_REGISTER) {
        put_register(c, w);
        return;
    }
    xmcp_put_u32(w, XMCP_ATTR_CLIENT_HANDLE, c->handle);
    if (r->method == XMCP_KEEPALIVE)
        xmcp_put_u32(w, XMCP_ATTR_PAGE_SIZE, c->page_size);
    put_realm_nonce(c, w);
    if (r->method == XMCP_PUBLISH)
        put_service(&r->service, w);
    else if (r->method == XMCP_UNPUBLISH || r->method == XMCP_SUBSCRIBE)
        xmcp_put_identity(w, &r->service.identity);
    else if (r->method == XMCP_UNSUBSCRIBE)
        xmcp_put_u32(w, XMCP_ATTR_SUBSCRIPTION_ID, r->subscription_id);
}

int client_answer(struct xmcp_client *c, const struct xmcp_msg *msg, unsigned code,
                  const char *reason)
{
    uint8_t *at = client_output_reserve(c, CLIENT_OVERHEAD_BYTES, CLIENT_OUTPUT_HARD_BYTES);
    struct xmcp_writer w;
    size_t frame_bytes = 0;
    int rc;

    if (at == NULL)
        return XMCP_EBUSY;
    xmcp_write_begin(&w, at, CLIENT_OVERHEAD_BYTES, msg->method,
                     code == 0 ? XMCP_SUCCESS : XMCP_ERROR, msg->transaction);
    if (code != 0)
        xmcp_put_error(&w, code, reason);
    else if (msg->have & XMCP_HAVE_SUBSCRIPTION_ID)
        xmcp_put_u32(&w, XMCP_ATTR_SUBSCRIPTION_ID, msg->subscription_id);
    xmcp_put_u32(&w, XMCP_ATTR_CLIENT_HANDLE, c->handle);
    put_realm_nonce(c, &w);
    rc = xmcp_write_finish(&w, &c->mac, c->form, &frame_bytes);
    if (rc == 0)
        client_output_commit(c, frame_bytes);
    return rc;
}
