/* SPDX-License-Identifier: MIT */
/*
 * no-data.c - a broken plugin: its protocol has no data
 *
 * Everything else about it is right, so that this is what the loader must stumble over.
 */
#include "bad.h"

static int no_data_open(void *wself, struct xmb_conn *conn, void **cs)
{
    (void)wself;
    (void)conn;
    *cs = NULL;
    return 0;
}

static void no_data_closed(void *cs, struct xmb_conn *conn, const char *why)
{
    (void)cs;
    (void)conn;
    (void)why;
}

static const struct xmb_protocol protocol = {
    .size = sizeof protocol, .scheme = "x", .open = no_data_open, .closed = no_data_closed};

XMB_PLUGIN_NAMED(no_data, "no-data", .version = "1.0", .ops = &bad_good_ops, .protocol = &protocol);
