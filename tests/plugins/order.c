/* SPDX-License-Identifier: MIT */
/*
 * order.c - a protocol for a test of reloads: it says "right" to whoever connects when the
 * listener's ordinal leads, in the configuration that this worker has, to the port that the
 * connection came to, else "wrong".
 */
#include <stdlib.h>
#include <xmb/xmb.h>

#define LISTENS_MAX 8

static const struct xmb_host *host;

struct ports {
    uint64_t port[LISTENS_MAX];
};

struct worker {
    const struct ports *ports;
};

static int order_init(const struct xmb_host *h, struct xmb_module *module, void **self)
{
    host = h;
    *self = module;
    return 0;
}

static int order_prepare(void *self, const struct xmb_conf *conf, void **next)
{
    struct ports *ports = calloc(1, sizeof(*ports));
    const struct xmb_conf *node = host->conf->child(conf, "listen");
    size_t i = 0;
    int rc = 0;

    (void)self;
    if (ports == NULL)
        return XMB_ENOMEM;
    for (; node != NULL && i < LISTENS_MAX && rc == 0; node = host->conf->next(node, "listen"))
        rc = host->conf->number(node, "port", 1, 65535, &ports->port[i++]);
    if (rc < 0)
        free(ports);
    else
        *next = ports;
    return rc;
}

static void order_drop(void *self, void *old)
{
    (void)self;
    free(old);
}

static int order_worker_init(void *self, struct xmb_worker *worker, void **wself)
{
    (void)self;
    (void)worker;
    *wself = calloc(1, sizeof(struct worker));
    return *wself != NULL ? 0 : XMB_ENOMEM;
}

static void order_worker_fini(void *wself)
{
    free(wself);
}

static void order_worker_conf(void *wself, void *next)
{
    ((struct worker *)wself)->ports = next;
}

static int order_open(void *wself, struct xmb_conn *conn, void **cs)
{
    const struct worker *w = wself;
    struct xmb_conn_info info = {.size = sizeof(info)};

    *cs = NULL;
    host->conn->info(conn, &info);
    if (info.listener < LISTENS_MAX && w->ports->port[info.listener] == info.local.port)
        return host->conn->write(conn, XMB_STR("right\n"));
    return host->conn->write(conn, XMB_STR("wrong\n"));
}

static int order_data(void *cs, struct xmb_conn *conn, struct xmb_buf *in)
{
    (void)cs;
    (void)conn;
    host->buf->drop(in, host->buf->length(in));
    return 0;
}

static void order_closed(void *cs, struct xmb_conn *conn, const char *why)
{
    (void)cs;
    (void)conn;
    (void)why;
}

static const char schema[] =
    "<grammar xmlns='http://relaxng.org/ns/structure/1.0'><start><zeroOrMore>"
    "<parentRef name='listen'/></zeroOrMore></start></grammar>";

static const struct xmb_module_ops ops = {.size = sizeof ops, .init = order_init,
    .prepare = order_prepare, .abort = order_drop, .retire = order_drop,
    .worker_init = order_worker_init, .worker_fini = order_worker_fini,
    .worker_conf = order_worker_conf};
static const struct xmb_protocol protocol = {.size = sizeof protocol, .scheme = "order",
    .open = order_open, .data = order_data, .closed = order_closed};

XMB_PLUGIN(order, .version = "1.0", .summary = "for tests", .schema = schema,
           .schema_bytes = sizeof schema - 1, .ops = &ops, .protocol = &protocol);
