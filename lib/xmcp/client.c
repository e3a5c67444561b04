/* SPDX-License-Identifier: MIT */
/*
 * client.c - the life of a client: making it, its output, its clock, its end.
 *
 * The client never reads a clock: time is what the caller's last tick said. What happens between
 * two ticks (a request, an answer) is dated by the following tick, so that a caller that slept in
 * poll(2) for half a minute does not make a fresh request look half a minute old.
 */
#include <stdlib.h>
#include <string.h>

#include <openssl/crypto.h>
#include <openssl/rand.h>

#include "client.h"

static int set_text(struct client_text *to, const char *from)
{
    size_t bytes = from != NULL ? strlen(from) : 0;

    if (bytes > XMCP_TEXT_BYTES_MAX || !xmcp_text_valid(from, bytes))
        return XMCP_EINVAL;
    to->bytes = (uint8_t)bytes;
    if (bytes > 0)
        memcpy(to->data, from, bytes);
    return 0;
}

static int set_texts(struct xmcp_client *c, const struct xmcp_client_options *o)
{
    const char *name = o->name != NULL ? o->name : CLIENT_LIBRARY_NAME;
    const char *label = o->label != NULL ? o->label : o->user;

    if (set_text(&c->name, name) || set_text(&c->label, label) || set_text(&c->user, o->user))
        return XMCP_EINVAL;
    if (o->user != NULL && (c->user.bytes == 0 || o->password == NULL))
        return XMCP_EINVAL;
    return 0;
}

static int set_key(struct xmcp_client *c, const struct xmcp_client_options *o)
{
    uint8_t key[XMCP_KEY_BYTES];
    int rc;

    if (o->user == NULL)
        return 0;
    rc = xmcp_key_derive(o->user, o->password, key);
    if (rc != 0)
        return rc;
    xmcp_mac_init(&c->mac, key);
    OPENSSL_cleanse(key, sizeof(key));
    c->have_key = 1;
    c->form.digest = o->flags & XMCP_CLIENT_SHA256 ? XMCP_DIGEST_SHA256 : XMCP_DIGEST_SHA1;
    c->form.padding = o->flags & XMCP_CLIENT_PADDING_64 ? XMCP_PADDING_64 : XMCP_PADDING_NONE;
    return 0;
}

static int set_options(struct xmcp_client *c, const struct xmcp_client_options *o)
{
    int rc = set_texts(c, o);

    if (rc == 0)
        rc = set_key(c, o);
    if (rc == 0 && RAND_bytes(c->transaction_salt, sizeof(c->transaction_salt)) != 1)
        rc = XMCP_ENOMEM;
    c->flags = o->flags;
    c->domain = o->domain;
    c->page_size = o->page_size != 0 ? o->page_size : CLIENT_PAGE_SIZE_DEFAULT;
    c->on_event = o->on_event;
    c->user_data = o->user_data;
    c->keepalive_ms = CLIENT_KEEPALIVE_DEFAULT_MS;
    c->version_major = o->flags & XMCP_CLIENT_VERSION_1 ? 1 : 2;
    c->next_number = 1;
    return rc;
}

int xmcp_client_new(const struct xmcp_client_options *options, struct xmcp_client **out)
{
    struct xmcp_client_options o;
    struct xmcp_client *c;
    int rc;

    memset(&o, 0, sizeof(o));
    if (options == NULL || options->struct_bytes < sizeof(options->struct_bytes))
        return XMCP_EINVAL;
    memcpy(&o, options, options->struct_bytes < sizeof(o) ? options->struct_bytes : sizeof(o));
    if (o.on_event == NULL)
        return XMCP_EINVAL;
    c = calloc(1, sizeof(*c));
    if (c == NULL)
        return XMCP_ENOMEM;
    rc = set_options(c, &o);
    if (rc != 0) {
        xmcp_client_free(c);
        return rc;
    }
    *out = c;
    return 0;
}

void xmcp_client_free(struct xmcp_client *c)
{
    size_t i;

    if (c == NULL)
        return;
    for (i = 0; i < XMCP_CLIENT_REQUESTS_MAX; i++)
        client_request_drop(&c->requests[i]);
    free(c->in.data);
    free(c->out.data);
    xmcp_mac_clear(&c->mac);
    free(c);
}

/* Moves what is left to the front and grows by doubling. */
static int output_grow(struct client_output *out, size_t bytes)
{
    size_t left = out->used_bytes - out->start_bytes;
    size_t capacity = out->capacity_bytes != 0 ? out->capacity_bytes : 4096;
    uint8_t *data;

    if (left > 0 && out->start_bytes > 0)
        memmove(out->data, out->data + out->start_bytes, left);
    out->start_bytes = 0;
    out->used_bytes = left;
    while (capacity < left + bytes)
        capacity *= 2;
    if (capacity == out->capacity_bytes)
        return 0;
    data = realloc(out->data, capacity);
    if (data == NULL)
        return XMCP_ENOMEM;
    out->data = data;
    out->capacity_bytes = capacity;
    return 0;
}

uint8_t *client_output_reserve(struct xmcp_client *c, size_t bytes, size_t limit_bytes)
{
    struct client_output *out = &c->out;

    if (out->used_bytes - out->start_bytes + bytes > limit_bytes)
        return NULL;
    if (out->capacity_bytes - out->used_bytes < bytes && output_grow(out, bytes) != 0)
        return NULL;
    return out->data + out->used_bytes;
}

void client_output_commit(struct xmcp_client *c, size_t bytes)
{
    c->out.used_bytes += bytes;
    c->sent_since_tick = 1;
}

int xmcp_client_output(struct xmcp_client *c, const uint8_t **data, size_t *bytes)
{
    *bytes = c->out.used_bytes - c->out.start_bytes;
    *data = *bytes > 0 ? c->out.data + c->out.start_bytes : NULL;
    return *bytes > 0;
}

void xmcp_client_sent(struct xmcp_client *c, size_t bytes)
{
    size_t left = c->out.used_bytes - c->out.start_bytes;

    c->out.start_bytes += bytes < left ? bytes : left;
    if (c->out.start_bytes == c->out.used_bytes)
        c->out.start_bytes = c->out.used_bytes = 0;
}

void client_close(struct xmcp_client *c, int result, const char *reason)
{
    struct client_request r;
    size_t i;

    if (c->state == CLIENT_CLOSED)
        return;
    c->state = CLIENT_CLOSED;
    for (i = 0; i < XMCP_CLIENT_REQUESTS_MAX; i++) {
        r = c->requests[i];
        client_request_drop(&c->requests[i]);
        if (r.number != 0)
            client_event_failed(c, &r, result != 0 ? result : XMCP_ESTATE, reason);
    }
    client_event_closed(c, result, reason);
}

void xmcp_client_lost(struct xmcp_client *c)
{
    client_close(c, XMCP_ESTATE, "connection lost");
}

int xmcp_client_registered(const struct xmcp_client *c)
{
    return c->state == CLIENT_REGISTERED;
}

/* A request whose time has come: once more, or never again. */
static void expire(struct xmcp_client *c, struct client_request *slot)
{
    struct client_request r = *slot;

    if (r.unanswered < CLIENT_SENDINGS_MAX) {
        if (client_request_send(c, slot) != 0)
            slot->unanswered++; /* no room for it either: that counts as a try */
        return;
    }
    client_request_drop(slot);
    client_event_failed(c, &r, XMCP_ETIMEDOUT, NULL);
    if (r.method == XMCP_REGISTER || r.method == XMCP_KEEPALIVE || r.method == XMCP_UNREGISTER)
        client_close(c, XMCP_ETIMEDOUT, "the server does not answer");
}

static void expire_all(struct xmcp_client *c)
{
    size_t i;

    for (i = 0; i < XMCP_CLIENT_REQUESTS_MAX && c->state != CLIENT_CLOSED; i++) {
        struct client_request *r = &c->requests[i];

        if (r->number != 0 && r->due_ms != 0 && r->due_ms <= c->now_ms) {
            r->due_ms = 0;
            expire(c, r);
        }
    }
}

/* Dates what is new since the last tick and returns the earliest time of all. */
static uint64_t arm_requests(struct xmcp_client *c)
{
    uint64_t next_ms = UINT64_MAX;
    size_t i;

    for (i = 0; i < XMCP_CLIENT_REQUESTS_MAX; i++) {
        struct client_request *r = &c->requests[i];

        if (r->number == 0)
            continue;
        if (r->due_ms == 0)
            r->due_ms = c->now_ms + CLIENT_RESEND_MS;
        if (r->due_ms < next_ms)
            next_ms = r->due_ms;
    }
    return next_ms;
}

static void date_last_sent(struct xmcp_client *c)
{
    if (c->sent_since_tick)
        c->last_sent_ms = c->now_ms;
    c->sent_since_tick = 0;
}

uint64_t xmcp_client_tick(struct xmcp_client *c, uint64_t now_ms)
{
    uint64_t next_ms;
    uint64_t silent_ms;

    c->now_ms = now_ms;
    date_last_sent(c);
    expire_all(c);
    if (c->state == CLIENT_CLOSED)
        return UINT64_MAX;
    if (c->state == CLIENT_REGISTERED && now_ms - c->last_sent_ms >= c->keepalive_ms / 2)
        client_keepalive_own(c);
    if (c->state == CLIENT_REGISTERED && now_ms - c->last_sent_ms >= c->keepalive_ms / 2)
        c->sent_since_tick = 1; /* sent now, or no room for it: not again for half an interval */
    date_last_sent(c);
    next_ms = arm_requests(c);
    silent_ms = c->last_sent_ms + c->keepalive_ms / 2;
    if (c->state == CLIENT_REGISTERED && silent_ms < next_ms)
        next_ms = silent_ms;
    return next_ms;
}
