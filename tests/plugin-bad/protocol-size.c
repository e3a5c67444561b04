/* SPDX-License-Identifier: MIT */
/*
 * protocol-size.c - a broken plugin: its protocol does not say its size
 *
 * Everything else about it is right, so that this is what the loader must stumble over.
 */
#include "bad.h"

static int protocol_size_open(void *wself, struct xmb_conn *conn, void **cs)
{
    (void)wself;
    (void)conn;
    *cs = NULL;
    return 0;
}

static int protocol_size_data(void *cs, struct xmb_conn *conn, struct xmb_buf *in)
{
    (void)cs;
    (void)conn;
    (void)in;
    return 0;
}

static void protocol_size_closed(void *cs, struct xmb_conn *conn, const char *why)
{
    (void)cs;
    (void)conn;
    (void)why;
}

static const struct xmb_protocol protocol = {.scheme = "x",
                                             .open = protocol_size_open,
                                             .data = protocol_size_data,
                                             .closed = protocol_size_closed};

XMB_PLUGIN_NAMED(protocol_size, "protocol-size", .version = "1.0", .ops = &bad_good_ops,
                 .protocol = &protocol);
