/* SPDX-License-Identifier: MIT */
/*
 * no-open.c - a broken plugin: its protocol has no open
 *
 * Everything else about it is right, so that this is what the loader must stumble over.
 */
#include "bad.h"

static int no_open_data(void *cs, struct xmb_conn *conn, struct xmb_buf *in)
{
    (void)cs;
    (void)conn;
    (void)in;
    return 0;
}

static void no_open_closed(void *cs, struct xmb_conn *conn, const char *why)
{
    (void)cs;
    (void)conn;
    (void)why;
}

static const struct xmb_protocol protocol = {
    .size = sizeof protocol, .scheme = "x", .data = no_open_data, .closed = no_open_closed};

XMB_PLUGIN_NAMED(no_open, "no-open", .version = "1.0", .ops = &bad_good_ops, .protocol = &protocol);
