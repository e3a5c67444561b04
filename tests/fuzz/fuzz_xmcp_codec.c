/* SPDX-License-Identifier: MIT */
/*
 * fuzz_xmcp_codec.c - octets of a stranger through libxmcp: framing, decoding, integrity, the
 * attribute walk, encoding again, and the client's input as a registered session.
 *
 * Beyond "no crash" it holds the library to promises: a decoded message can be written again from
 * its fields and decodes to the same ones; views stay inside the message; how octets are cut into
 * pieces makes no difference to the client.
 */
#include <stdint.h>
#include <string.h>

#include "fuzz_input.h"
#include "xmcp.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const uint8_t key[XMCP_KEY_BYTES] = {0x47, 0x43, 0xcc, 0xd4, 0x40, 0x9f, 0x53, 0x9a,
                                            0xca, 0xeb, 0x02, 0xac, 0xe6, 0x06, 0x77, 0xbf};

static void inside(const struct xmcp_msg *m, const uint8_t *data, struct xmcp_view v)
{
    if (v.data == NULL)
        return;
    REQUIRE(v.data >= data + XMCP_HEADER_BYTES);
    REQUIRE(v.data + v.bytes <= data + m->frame_bytes);
}

static void check_views(const struct xmcp_msg *m, const uint8_t *data)
{
    inside(m, data, m->username);
    inside(m, data, m->nonce);
    inside(m, data, m->client_name);
    inside(m, data, m->client_label);
    inside(m, data, m->service_data);
    inside(m, data, m->service_metrics);
    inside(m, data, m->flags);
    inside(m, data, m->integrity);
    inside(m, data, m->error_reason);
}

static void put_fields(struct xmcp_writer *w, const struct xmcp_msg *m)
{
    if (m->have & XMCP_HAVE_USERNAME)
        xmcp_put_text(w, XMCP_ATTR_USERNAME, m->username.data, m->username.bytes);
    if (m->have & XMCP_HAVE_NONCE)
        xmcp_put_text(w, XMCP_ATTR_NONCE, m->nonce.data, m->nonce.bytes);
    if (m->have & XMCP_HAVE_CLIENT_HANDLE)
        xmcp_put_u32(w, XMCP_ATTR_CLIENT_HANDLE, m->client_handle);
    if (m->have & XMCP_HAVE_SERVICE_IDENTITY)
        xmcp_put_identity(w, &m->identity);
    if (m->have & XMCP_HAVE_SERVICE_TRANSPORT)
        xmcp_put_transport(w, &m->transport);
    if (m->have & XMCP_HAVE_SERVICE_PROTOCOL)
        xmcp_put_protocol(w, m->service_protocol);
    if (m->have & XMCP_HAVE_SERVICE_DATA)
        xmcp_put_bytes(w, XMCP_ATTR_SERVICE_DATA, m->service_data.data, m->service_data.bytes);
}

#define WRITTEN (XMCP_HAVE_USERNAME | XMCP_HAVE_NONCE | XMCP_HAVE_CLIENT_HANDLE | \
                 XMCP_HAVE_SERVICE_IDENTITY | XMCP_HAVE_SERVICE_TRANSPORT | \
                 XMCP_HAVE_SERVICE_PROTOCOL | XMCP_HAVE_SERVICE_DATA)

static void write_again(const struct xmcp_msg *m, const struct xmcp_mac *mac)
{
    static uint8_t buffer[XMCP_FRAME_BYTES_MAX];
    struct xmcp_form form = {XMCP_DIGEST_SHA1, XMCP_PADDING_64};
    struct xmcp_form matched;
    struct xmcp_writer w;
    struct xmcp_msg back;
    size_t bytes = 0;
    int rc;

    xmcp_write_begin(&w, buffer, sizeof(buffer), m->method, m->msg_class, m->transaction);
    put_fields(&w, m);
    rc = xmcp_write_finish(&w, mac, form, &bytes);
    if (rc == XMCP_ENOSPC) /* the signature is what does not fit any more */
        return;
    REQUIRE(rc == 0);
    REQUIRE(xmcp_decode(buffer, bytes, &back) == 0);
    REQUIRE((back.have & ~XMCP_HAVE_INTEGRITY) == (m->have & WRITTEN));
    REQUIRE(back.type == m->type && back.client_handle == m->client_handle);
    REQUIRE(back.service_data.bytes == m->service_data.bytes);
    REQUIRE(xmcp_mac_verify(mac, buffer, &back, &matched) == 0);
    REQUIRE(matched.padding == XMCP_PADDING_64);
}

static void walk(const uint8_t *data, size_t size, const struct xmcp_msg *m, int decoded)
{
    struct xmcp_attribute a;
    size_t cursor = 0;
    size_t count = 0;
    int rc;

    while ((rc = xmcp_attribute_next(data, size, &cursor, &a)) == 1)
        count++;
    if (decoded == 0)
        REQUIRE(rc == 0 && count == m->attribute_count);
}

static void codec(const uint8_t *data, size_t size)
{
    struct xmcp_form matched;
    struct xmcp_msg m;
    struct xmcp_mac mac;
    char text[128];
    size_t frame_bytes = 0;
    int rc;

    rc = xmcp_frame_bytes(data, size, &frame_bytes);
    REQUIRE(rc != 0 || (frame_bytes >= XMCP_HEADER_BYTES && frame_bytes % 4 == 0));
    rc = xmcp_decode(data, size, &m);
    if (rc == XMCP_EFRAME || rc == XMCP_EAGAIN)
        return;
    walk(data, size, &m, rc);
    if (rc != 0) {
        REQUIRE(rc == XMCP_EBADMSG && m.fault.reason != XMCP_FAULT_NONE);
        xmcp_fault_format(&m.fault, text, sizeof(text));
        return;
    }
    check_views(&m, data);
    xmcp_mac_init(&mac, key);
    (void)xmcp_mac_verify(&mac, data, &m, &matched);
    if (m.have & XMCP_HAVE_SERVICE_IDENTITY) {
        struct xmcp_identity id;

        REQUIRE(xmcp_identity_format(&m.identity, XMCP_STYLE_STARS, text, sizeof(text)) > 0);
        REQUIRE(xmcp_identity_parse(text, &id, NULL) == 0);
        REQUIRE(xmcp_identity_equal(&id, &m.identity));
    }
    write_again(&m, &mac);
}

static void count_event(void *user_data, struct xmcp_client *client,
                        const struct xmcp_event *event)
{
    unsigned *count = user_data;

    (void)client;
    REQUIRE(event->type != XMCP_EVENT_ERROR || event->reason != NULL);
    (*count)++;
}

/* A registered session without a key: it believes all that is well formed. */
static struct xmcp_client *registered(unsigned *count)
{
    struct xmcp_client_options options = XMCP_CLIENT_OPTIONS_INIT;
    struct xmcp_form none = {XMCP_DIGEST_NONE, XMCP_PADDING_NONE};
    struct xmcp_client *client = NULL;
    struct xmcp_writer w;
    uint8_t answer[64];
    const uint8_t *out;
    size_t bytes = 0;

    options.on_event = count_event;
    options.user_data = count;
    REQUIRE(xmcp_client_new(&options, &client) == 0);
    REQUIRE(xmcp_client_register(client, NULL) == 0);
    REQUIRE(xmcp_client_output(client, &out, &bytes) == 1);
    xmcp_write_begin(&w, answer, sizeof(answer), XMCP_REGISTER, XMCP_SUCCESS, out + 8);
    xmcp_put_u32(&w, XMCP_ATTR_CLIENT_HANDLE, 77);
    REQUIRE(xmcp_write_finish(&w, NULL, none, &bytes) == 0);
    REQUIRE(xmcp_client_input(client, answer, bytes) == 0);
    REQUIRE(xmcp_client_registered(client));
    return client;
}

static void client_input(const uint8_t *data, size_t size)
{
    unsigned whole_events = 0;
    unsigned cut_events = 0;
    struct xmcp_client *whole = registered(&whole_events);
    struct xmcp_client *cut = registered(&cut_events);
    size_t at;
    size_t step;

    xmcp_client_input(whole, data, size);
    for (at = 0; at < size; at += step) {
        step = 1 + data[at] % 23;
        if (step > size - at)
            step = size - at;
        if (xmcp_client_input(cut, data + at, step) != 0)
            break;
    }
    REQUIRE(whole_events == cut_events);
    xmcp_client_tick(whole, 1000);
    xmcp_client_free(whole);
    xmcp_client_free(cut);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    codec(data, size);
    client_input(data, size);
    return 0;
}
