/* SPDX-License-Identifier: MIT */
/*
 * wire_xmcp.c - the work as XMCP, with libxmcp's client.
 *
 * Topic t is service 101, subservice t modulo the number of clients, instance t: so that a
 * subscriber of one publisher's topics has a pattern of its own.
 */
#include "load.h"

#include <string.h>

#include "xmcp.h"

static void on_event(void *user_data, struct xmcp_client *x, const struct xmcp_event *e)
{
    struct client *c = user_data;

    (void)x;
    switch (e->type) {
    case XMCP_EVENT_REGISTERED:
        event_ready(c);
        break;
    case XMCP_EVENT_SUBSCRIBED:
        event_subscribed(c);
        break;
    case XMCP_EVENT_PUBLISHED:
        event_published(c);
        break;
    case XMCP_EVENT_NOTIFY:
        event_notify(c, e->data.data, e->data.bytes);
        break;
    case XMCP_EVENT_ERROR:
    case XMCP_EVENT_CLOSED:
        die("xmcp client %u: %u %s", c->index, e->code, e->reason != NULL ? e->reason : "");
    default:
        break;
    }
}

static void take_output(struct client *c)
{
    const uint8_t *data;
    size_t n;

    while (xmcp_client_output(c->state, &data, &n)) {
        client_send(c, data, n);
        xmcp_client_sent(c->state, n);
    }
}

static void hello(struct client *c)
{
    struct xmcp_client_options o = XMCP_CLIENT_OPTIONS_INIT;
    struct xmcp_client *x = NULL;

    o.user = opt.user;
    o.password = opt.password;
    o.page_size = 255;
    o.on_event = on_event;
    o.user_data = c;
    if (xmcp_client_new(&o, &x) < 0)
        die("xmcp_client_new failed");
    c->state = x;
    xmcp_client_tick(x, now_ns() / 1000000);
    xmcp_client_register(x, NULL);
    take_output(c);
}

static void subscribe(struct client *c, int topic)
{
    struct xmcp_identity id = {101, XMCP_ANY16, {XMCP_ANY32, XMCP_ANY32, XMCP_ANY32, XMCP_ANY32}};

    if (topic >= 0)
        id.subservice = (uint16_t)topic;
    xmcp_client_subscribe(c->state, &id, NULL);
    take_output(c);
}

static void publish(struct client *c, unsigned topic, uint32_t version, const void *data, size_t n)
{
    struct xmcp_service s;
    int rc;

    memset(&s, 0, sizeof s);
    s.identity.service = 101;
    s.identity.subservice = (uint16_t)(topic % opt.clients);
    s.identity.instance[3] = topic + 1;
    s.transport.family = XMCP_FAMILY_IPV4;
    s.transport.port = 5060;
    memcpy(s.transport.address, "\xc0\x00\x02\x0a", 4);
    s.ip_protocol = 6;
    s.version = version;
    s.visible_to_all = 1;
    s.data.data = data;
    s.data.bytes = n;
    rc = xmcp_client_publish(c->state, &s, NULL);
    if (rc < 0)
        die("xmcp publish: %s", xmcp_strerror(rc));
    take_output(c);
}

static void input(struct client *c)
{
    xmcp_client_input(c->state, c->in.data, c->in.used);
    bytes_drop(&c->in, c->in.used);
    take_output(c);
}

static void tick(struct client *c, uint64_t now_ms)
{
    xmcp_client_tick(c->state, now_ms);
    take_output(c);
}

static void bye(struct client *c)
{
    xmcp_client_free(c->state);
}

const struct wire wire_xmcp = {"xmcp", 1, 1, hello, subscribe, publish, input, tick, bye};
