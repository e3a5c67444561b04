/* SPDX-License-Identifier: MIT */
/*
 * line.c - a plugin to copy: a protocol of one line a message, which it sends back.
 */
#include <xmb/xmb.h>

static const struct xmb_host *host; /* written once in init, before there are workers */

static int line_init(const struct xmb_host *h, struct xmb_module *module, void **self)
{
    host = h;
    *self = module;
    return XMB_HAS(h->buf, take_line) && XMB_HAS(h->conn, write_parts) ? 0 : XMB_ENOSYS;
}

static int line_open(void *wself, struct xmb_conn *conn, void **cs)
{
    (void)wself;
    *cs = NULL; /* nothing to remember about a connection */
    return host->conn->write(conn, XMB_STR("hello\n"));
}

/* Takes whole lines and leaves the rest. What it returns negative closes the connection. */
static int line_data(void *cs, struct xmb_conn *conn, struct xmb_buf *in)
{
    struct xmb_str line;
    int rc;

    (void)cs;
    while ((rc = host->buf->take_line(in, 4096, &line)) > 0) {
        const struct xmb_part parts[] = {{NULL, line.p, line.n}, {NULL, "\n", 1}};

        rc = host->conn->write_parts(conn, parts, 2);
        if (rc < 0)
            return rc; /* here XMB_EAGAIN too: who does not read his answers is cut off */
    }
    return rc;
}

static void line_closed(void *cs, struct xmb_conn *conn, const char *why)
{
    (void)cs;
    (void)conn;
    (void)why;
}

#include "line.rng.h"

static const struct xmb_module_ops ops = {.size = sizeof ops, .init = line_init};
static const struct xmb_protocol protocol = {.size = sizeof protocol, .default_port = 7007,
    .scheme = "line", .open = line_open, .data = line_data, .closed = line_closed};

XMB_PLUGIN(line, .version = "1.0", .summary = "sends lines back", .license = "MIT",
    .origin = "you@example.org", .schema = line_rng, .schema_bytes = sizeof line_rng - 1,
    .ops = &ops, .protocol = &protocol);
