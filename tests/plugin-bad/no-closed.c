/* SPDX-License-Identifier: MIT */
/*
 * no-closed.c - a broken plugin: its protocol has no closed
 *
 * Everything else about it is right, so that this is what the loader must stumble over.
 */
#include "bad.h"

static int no_closed_open(void *wself, struct xmb_conn *conn, void **cs)
{
    (void)wself;
    (void)conn;
    *cs = NULL;
    return 0;
}

static int no_closed_data(void *cs, struct xmb_conn *conn, struct xmb_buf *in)
{
    (void)cs;
    (void)conn;
    (void)in;
    return 0;
}

static const struct xmb_protocol protocol = {
    .size = sizeof protocol, .scheme = "x", .open = no_closed_open, .data = no_closed_data};

XMB_PLUGIN_NAMED(no_closed, "no-closed", .version = "1.0", .ops = &bad_good_ops,
                 .protocol = &protocol);
