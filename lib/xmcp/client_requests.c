/* SPDX-License-Identifier: MIT */
/*
 * client_requests.c - the public requests and the table of those that wait for an answer.
 *
 * A transaction is 7 random octets of the client, the 4 octets of the request's number, and one
 * octet that counts its sendings: each sending has a transaction of its own, as the protocol
 * wants it, and an answer to whichever of them finds the request without a second table.
 */
#include <stdlib.h>
#include <string.h>

#include "client.h"
#include "wire.h"

static void make_transaction(const struct xmcp_client *c, const struct client_request *r,
                             uint8_t out[XMCP_TRANSACTION_BYTES])
{
    memcpy(out, c->transaction_salt, sizeof(c->transaction_salt));
    put32(out + 7, r->number);
    out[11] = r->sendings;
}

int client_transaction_ours(const struct xmcp_client *c,
                            const uint8_t transaction[XMCP_TRANSACTION_BYTES])
{
    return memcmp(transaction, c->transaction_salt, sizeof(c->transaction_salt)) == 0;
}

struct client_request *client_request_find(struct xmcp_client *c,
                                           const uint8_t transaction[XMCP_TRANSACTION_BYTES])
{
    uint32_t number = get32(transaction + 7);
    size_t i;

    if (!client_transaction_ours(c, transaction) || number == 0)
        return NULL;
    for (i = 0; i < XMCP_CLIENT_REQUESTS_MAX; i++) {
        if (c->requests[i].number == number)
            return transaction[11] <= c->requests[i].sendings ? &c->requests[i] : NULL;
    }
    return NULL;
}

void client_request_drop(struct client_request *r)
{
    union {
        const uint8_t *view;
        void *owned;
    } data = {r->service.data.data};

    free(data.owned);
    memset(r, 0, sizeof(*r));
}

static struct client_request *free_slot(struct xmcp_client *c)
{
    size_t i;

    for (i = 0; i < XMCP_CLIENT_REQUESTS_MAX; i++) {
        if (c->requests[i].number == 0)
            return &c->requests[i];
    }
    return NULL;
}

int client_request_send(struct xmcp_client *c, struct client_request *r)
{
    size_t room = CLIENT_OVERHEAD_BYTES + r->service.data.bytes;
    uint8_t *at = client_output_reserve(c, room, CLIENT_OUTPUT_SOFT_BYTES);
    uint8_t transaction[XMCP_TRANSACTION_BYTES];
    struct xmcp_writer w;
    size_t frame_bytes = 0;
    int rc;

    if (at == NULL)
        return XMCP_EBUSY;
    r->sendings++;
    make_transaction(c, r, transaction);
    xmcp_write_begin(&w, at, room, client_wire_method(c, r), XMCP_REQUEST, transaction);
    client_put_request(c, r, &w);
    rc = xmcp_write_finish(&w, &c->mac, c->form, &frame_bytes);
    if (rc != 0)
        return rc;
    r->unanswered++;
    r->due_ms = 0;
    client_output_commit(c, frame_bytes);
    return 0;
}

static int copy_data(struct client_request *r, struct xmcp_view data)
{
    uint8_t *copy;

    memset(&r->service.data, 0, sizeof(r->service.data));
    if (data.bytes > CLIENT_DATA_BYTES_MAX)
        return XMCP_ENOSPC;
    if (data.bytes == 0)
        return 0;
    if (data.data == NULL)
        return XMCP_EINVAL;
    copy = malloc(data.bytes);
    if (copy == NULL)
        return XMCP_ENOMEM;
    memcpy(copy, data.data, data.bytes);
    r->service.data.data = copy;
    r->service.data.bytes = data.bytes;
    return 0;
}

/* Takes a slot for `wanted` (whose data is copied) and sends it. */
static int start(struct xmcp_client *c, const struct client_request *wanted, uint32_t *request)
{
    struct client_request *slot = free_slot(c);
    int rc;

    if (slot == NULL)
        return XMCP_EBUSY;
    *slot = *wanted;
    slot->number = c->next_number;
    rc = copy_data(slot, wanted->service.data);
    if (rc == 0)
        rc = client_request_send(c, slot);
    if (rc != 0) {
        client_request_drop(slot);
        return rc;
    }
    c->next_number = c->next_number == UINT32_MAX ? 1 : c->next_number + 1;
    if (request != NULL)
        *request = slot->number;
    return 0;
}

static int start_registered(struct xmcp_client *c, const struct client_request *wanted,
                            uint32_t *request)
{
    return c->state == CLIENT_REGISTERED ? start(c, wanted, request) : XMCP_ESTATE;
}

int xmcp_client_register(struct xmcp_client *c, uint32_t *request)
{
    struct client_request r = {.method = XMCP_REGISTER, .asked = 1};
    int rc;

    if (c->state != CLIENT_NEW)
        return XMCP_ESTATE;
    rc = start(c, &r, request);
    if (rc == 0)
        c->state = CLIENT_REGISTERING;
    return rc;
}

int xmcp_client_publish(struct xmcp_client *c, const struct xmcp_service *service,
                        uint32_t *request)
{
    struct client_request r = {.method = XMCP_PUBLISH, .asked = 1, .service = *service};
    unsigned family = service->transport.family;

    if (family != XMCP_FAMILY_IPV4 && family != XMCP_FAMILY_IPV6)
        return XMCP_EINVAL;
    return start_registered(c, &r, request);
}

int xmcp_client_unpublish(struct xmcp_client *c, const struct xmcp_identity *id,
                          uint32_t *request)
{
    struct client_request r = {
        .method = XMCP_UNPUBLISH, .asked = 1, .service = {.identity = *id}};

    return start_registered(c, &r, request);
}

int xmcp_client_subscribe(struct xmcp_client *c, const struct xmcp_identity *filter,
                          uint32_t *request)
{
    struct client_request r = {
        .method = XMCP_SUBSCRIBE, .asked = 1, .service = {.identity = *filter}};

    return start_registered(c, &r, request);
}

int xmcp_client_unsubscribe(struct xmcp_client *c, uint32_t subscription_id, uint32_t *request)
{
    struct client_request r = {
        .method = XMCP_UNSUBSCRIBE, .asked = 1, .subscription_id = subscription_id};

    return start_registered(c, &r, request);
}

int xmcp_client_keepalive(struct xmcp_client *c, uint32_t *request)
{
    struct client_request r = {.method = XMCP_KEEPALIVE, .asked = 1};

    return start_registered(c, &r, request);
}

int xmcp_client_unregister(struct xmcp_client *c, uint32_t *request)
{
    struct client_request r = {.method = XMCP_UNREGISTER, .asked = 1};

    return start_registered(c, &r, request);
}

void client_keepalive_own(struct xmcp_client *c)
{
    struct client_request r = {.method = XMCP_KEEPALIVE};
    size_t i;

    for (i = 0; i < XMCP_CLIENT_REQUESTS_MAX; i++) {
        if (c->requests[i].number != 0 && c->requests[i].method == XMCP_KEEPALIVE)
            return;
    }
    start(c, &r, NULL);
}

void client_unsubscribe_own(struct xmcp_client *c, uint32_t subscription_id)
{
    struct client_request r = {.method = XMCP_UNSUBSCRIBE, .subscription_id = subscription_id};

    start(c, &r, NULL);
}
