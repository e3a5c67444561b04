/* SPDX-License-Identifier: MIT */
/*
 * stay.c - a protocol for tests of the way down: it says "stay" to whoever connects, drops what
 * it is sent, and when the broker drains it says "drain" and stays all the same. A <door> in its
 * <house> is a listener, too.
 */
#include <xmb/xmb.h>

static const struct xmb_host *host;

static int stay_init(const struct xmb_host *h, struct xmb_module *module, void **self)
{
    host = h;
    *self = module;
    return 0;
}

static int stay_open(void *wself, struct xmb_conn *conn, void **cs)
{
    (void)wself;
    *cs = NULL;
    return host->conn->write(conn, XMB_STR("stay\n"));
}

static int stay_data(void *cs, struct xmb_conn *conn, struct xmb_buf *in)
{
    (void)cs;
    (void)conn;
    host->buf->drop(in, host->buf->length(in));
    return 0;
}

static void stay_closed(void *cs, struct xmb_conn *conn, const char *why)
{
    (void)cs;
    (void)conn;
    (void)why;
}

static void stay_drain(void *cs, struct xmb_conn *conn)
{
    (void)cs;
    host->conn->write(conn, XMB_STR("drain\n"));
}

static const char schema[] =
    "<grammar xmlns='http://relaxng.org/ns/structure/1.0'><start><interleave><zeroOrMore>"
    "<parentRef name='listen'/></zeroOrMore><optional><element name='house' "
    "ns='urn:xmb:config:1'><element name='door'><attribute name='address'/>"
    "<attribute name='port'/></element></element></optional></interleave></start></grammar>";

static const struct xmb_module_ops ops = {.size = sizeof ops, .init = stay_init};
static const struct xmb_protocol protocol = {.size = sizeof protocol, .scheme = "stay",
    .open = stay_open, .data = stay_data, .closed = stay_closed, .drain = stay_drain,
    .listen_names = "door"};

XMB_PLUGIN(stay, .abi_need = 2, .version = "1.0", .summary = "for tests", .schema = schema,
           .schema_bytes = sizeof schema - 1, .ops = &ops, .protocol = &protocol);
