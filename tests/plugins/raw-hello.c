/* SPDX-License-Identifier: MIT */
/*
 * raw-hello.c - a routing plugin for tests of raw IP sockets, interfaces, timers of the routing
 * loop and the way down: on one interface it says "hello" to a group, every 50 ms while the
 * interface is up, and logs what it hears for the first time.
 *
 *     <module name="raw-hello" interface="eth0" linger="2s"/>
 *
 * When the broker drains it says "goodbye", and has nothing left to say `linger` later.
 */
#include <stdlib.h>
#include <string.h>
#include <xmb/xmb.h>

#define PROTOCOL 253 /* RFC 3692: for experiments */
#define HELLO_MS 50
#define HEARD_MAX 16

static const struct xmb_host *host;
static struct xmb_module *module;

struct hello {
    char interface[XMB_NETIF_NAME_MAX]; /* from prepare on: the routing loop's */
    uint64_t linger_ms;
    struct xmb_rawip *socket;
    struct xmb_netif_watch *watch;
    struct xmb_timer *hello, *linger;
    uint32_t iface; /* 0: not up */
    uint64_t drained_ms; /* 0: not draining */
    char heard[HEARD_MAX];
};

static const struct xmb_addr group = {.family = 4, .ip = {224, 0, 0, 253}};

/* --- on the routing loop --- */

static void say(struct hello *h, const char *text)
{
    const struct xmb_rawip_out out = {
        .size = sizeof(out),
        .iface = h->iface,
        .remote = group,
        .hops = 1,
        .flags = XMB_RAWIP_ON_LINK,
        .bytes = xmb_str(text),
    };

    if (h->iface != 0 && host->rawip->send(h->socket, &out) < 0)
        host->log->limited(module, XMB_LOG_WARN, "send", 1, h->interface, "%s not sent", text);
}

static void on_hello(void *arg)
{
    struct hello *h = arg;

    if (h->iface == 0 || h->drained_ms != 0)
        return;
    say(h, "hello");
    host->timer->start(h->hello, HELLO_MS);
}

static void on_linger(void *arg)
{
    (void)arg;
    host->log->write(module, XMB_LOG_NOTICE, NULL, "all said");
}

static void received(void *arg, const struct xmb_rawip_in *in)
{
    struct hello *h = arg;

    if (in->iface != h->iface || in->bytes.n >= HEARD_MAX ||
        xmb_str_eq(in->bytes, xmb_str(h->heard)))
        return;
    memset(h->heard, 0, sizeof(h->heard));
    memcpy(h->heard, in->bytes.p, in->bytes.n);
    host->log->write(module, XMB_LOG_NOTICE, h->interface, "heard %s with %u hops", h->heard,
                     in->hops);
}

static const struct xmb_rawip_ops raw_ops = {.size = sizeof(raw_ops), .received = received};

static void changed(void *arg, const struct xmb_netif *now)
{
    struct hello *h = arg;
    int up = (now->flags & XMB_NETIF_UP) && now->addr_count > 0;

    if (strcmp(now->name, h->interface) != 0 || up == (h->iface != 0))
        return;
    h->iface = up ? now->index : 0;
    host->log->write(module, XMB_LOG_NOTICE, now->name, up ? "is up" : "is down");
    if (!up)
        return;
    if (host->rawip->join(h->socket, now->index, &group, 1) < 0)
        host->log->write(module, XMB_LOG_ERROR, now->name, "not joined");
    host->timer->start(h->hello, 0);
}

static void gone(void *arg, uint32_t index, const char *name)
{
    struct hello *h = arg;

    if (index != h->iface)
        return;
    h->iface = 0;
    host->log->write(module, XMB_LOG_NOTICE, name, "is gone");
}

static int begin(void *self)
{
    struct hello *h = self;
    int rc;

    h->hello = host->router->timer(module, on_hello, h);
    h->linger = host->router->timer(module, on_linger, h);
    if (h->hello == NULL || h->linger == NULL)
        return XMB_ENOMEM;
    rc = host->rawip->start(h->socket);
    return rc < 0 ? rc : host->netif->watch(module, changed, gone, h, &h->watch);
}

static void drain(void *self, uint64_t deadline_ms)
{
    struct hello *h = self;

    host->log->write(module, XMB_LOG_NOTICE, NULL, "drain within %u ms", (unsigned)deadline_ms);
    say(h, "goodbye");
    h->drained_ms = host->router->now_ms() + h->linger_ms;
    host->timer->start(h->linger, h->linger_ms);
}

static int drained(void *self)
{
    const struct hello *h = self;

    return host->router->now_ms() >= h->drained_ms;
}

/* Of what is left behind the core must take care. */
static void end(void *self)
{
    (void)self;
    host->log->write(module, XMB_LOG_NOTICE, NULL, "end");
}

/* --- on the control thread --- */

static int init(const struct xmb_host *h, struct xmb_module *m, void **self)
{
    host = h;
    module = m;
    if (!XMB_HAS(h, rawip) || !XMB_HAS(h, netif) || !XMB_HAS(h->router, timer))
        return XMB_EVERSION;
    *self = calloc(1, sizeof(struct hello));
    return *self != NULL ? 0 : XMB_ENOMEM;
}

static int prepare(void *self, const struct xmb_conf *conf, void **next)
{
    const struct xmb_rawip_spec spec = {.size = sizeof(spec), .family = 4, .protocol = PROTOCOL,
                                        .traffic_class = 0xc0};
    struct xmb_netif found = {.size = sizeof(found)};
    struct hello *h = self;
    const char *name = host->conf->text(conf, "interface", "");
    int rc;

    if (strlen(name) >= sizeof(h->interface))
        return host->conf->fault(conf, "no interface has such a long name");
    strcpy(h->interface, name);
    if (host->conf->duration(conf, "linger", 0, 60000, &h->linger_ms) < 0)
        return XMB_ECONF;
    if (host->netif->find(name, &found) == 0)
        host->log->write(module, XMB_LOG_NOTICE, name, "is number %u", found.index);
    rc = host->rawip->open(module, &spec, &raw_ops, h, &h->socket);
    if (rc < 0)
        return host->conf->fault(conf, "no raw socket: error %d", rc);
    *next = h;
    return 0;
}

/* As retire: the routing loop has ended, or never was. */
static void give_back(void *self, void *old)
{
    struct hello *h = self;

    (void)old;
    host->rawip->close(h->socket);
    h->socket = NULL;
}

static void commit(void *self, void *next)
{
    (void)self;
    (void)next;
}

static void stop(void *self)
{
    free(self);
}

static const char schema[] =
    "<grammar xmlns='http://relaxng.org/ns/structure/1.0'><start><group>"
    "<attribute name='interface'/>"
    "<optional><attribute name='linger'/></optional></group></start></grammar>";

static const struct xmb_module_ops ops = {.size = sizeof(ops), .init = init, .prepare = prepare,
    .abort = give_back, .commit = commit, .retire = give_back, .stop = stop};
static const struct xmb_routing routing = {.size = sizeof(routing), .begin = begin, .end = end,
    .drain = drain, .drained = drained};

XMB_PLUGIN_NAMED(raw_hello, "raw-hello", .abi_need = 3,
                 .flags = XMB_PLUGIN_RAW_IP | XMB_PLUGIN_RELOAD_RESTART, .version = "1.0",
                 .summary = "for tests", .schema = schema, .schema_bytes = sizeof(schema) - 1,
                 .ops = &ops, .routing = &routing);
