/* SPDX-License-Identifier: MIT */
/* s2_link_rig.c - see s2_link_rig.h. */
#include "s2_link_rig.h"

#include <arpa/inet.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

struct rig rig;
static struct xmb_host host;
static struct xmb_conn_api conn_api;
static struct xmb_router_api router_api;
static const struct xmb_host *real;

/* --- a host that does more ------------------------------------------------------------------- */

static void enqueue(struct rig_dial *d)
{
    const struct xmb_target target = {.size = sizeof(target), .address = d->address};

    if (rig.queue_tail == RIG_QUEUE)
        abort();
    rig.queue[rig.queue_tail++] = d;
    real->conn->dial(xmb_fakehost_worker(), rig.m, &target, d);
}

static int dial(struct xmb_worker *w, struct xmb_module *m, const struct xmb_target *target,
                void *user)
{
    struct rig_dial *d = &rig.dials[rig.dial_count];

    if (rig.dial_rc < 0)
        return rig.dial_rc;
    if (rig.dial_count == RIG_DIALS)
        abort();
    *d = (struct rig_dial){user, target->address, ++rig.dial_count, 0, 0, 0};
    if (target->dial_id != NULL)
        *target->dial_id = d->id;
    (void)w;
    (void)m;
    enqueue(d);
    return 0;
}

static void dial_cancel(struct xmb_worker *w, uint64_t id)
{
    (void)w;
    if (id == 0 || id > rig.dial_count)
        abort();
    rig.dials[id - 1].done = rig.dials[id - 1].cancelled = 1;
}

static void *user_of(const struct xmb_conn *c)
{
    const struct rig_dial *d = real->conn->user(c);

    return d->user;
}

static void info(const struct xmb_conn *c, struct xmb_conn_info *out)
{
    real->conn->info(c, out);
    if (rig.local_end.family != 0)
        out->local = rig.local_end;
    out->wire_sent_bytes = rig.wire;
    out->tls_resumed = (uint32_t)rig.resumed;
}

static void keep(char *out, size_t cap, const char *text)
{
    snprintf(out, cap, "%s", text != NULL ? text : "");
}

static int secure(struct xmb_conn *c, const struct xmb_tls_setup *s)
{
    rig.secures++;
    keep(rig.profile, sizeof(rig.profile), s->profile);
    keep(rig.name, sizeof(rig.name), s->name);
    keep(rig.session, sizeof(rig.session), s->session);
    keep(rig.alpn, sizeof(rig.alpn), s->alpn);
    keep(rig.own, sizeof(rig.own), s->own);
    rig.tlsa_count = s->tlsa_count;
    if (rig.secure_rc < 0 || rig.tls_hangs)
        return rig.secure_rc;
    return real->conn->start_tls(c, s->profile, s->name);
}

static int tls_peer(struct xmb_conn *c, struct xmb_tls_peer *out)
{
    (void)c;
    rig.peer.size = sizeof(rig.peer);
    *out = rig.peer;
    return 0;
}

static int tls_recheck(struct xmb_conn *c, const char *profile)
{
    (void)c;
    if (profile == NULL)
        abort();
    rig.rechecks++;
    if (rig.revoked) {
        rig.peer.fault = XMB_CERT_REVOKED;
        rig.peer.why = "its issuer has revoked it";
    }
    return 0;
}

static size_t unacked(const struct xmb_conn *c)
{
    (void)c;
    return rig.unacked;
}

static int lookup(struct xmb_worker *w, struct xmb_str domain, struct xmb_route_answer *answer,
                  void (*late)(void *, const struct xmb_route_answer *), void *arg, uint64_t *id)
{
    if (rig.lookup_status == 0)
        return real->router->lookup(w, domain, answer, late, arg, id);
    *answer = (struct xmb_route_answer){.size = sizeof(*answer), .status = rig.lookup_status};
    return 0;
}

static int addresses(struct xmb_worker *w, struct xmb_str name, struct xmb_route_answer *answer,
                     void (*late)(void *, const struct xmb_route_answer *), void *arg, uint64_t *id)
{
    size_t n = rig.held_count;

    if (!rig.hold_addresses)
        return real->router->addresses(w, name, answer, late, arg, id);
    if (n == sizeof(rig.held) / sizeof(rig.held[0]))
        return XMB_ELIMIT; /* as the host does when too many questions are open */
    rig.held[n].late = late;
    rig.held[n].arg = arg;
    rig.held[n].id = *id = 1000 + n;
    snprintf(rig.held[n].name, sizeof(rig.held[n].name), "%.*s", (int)name.n, name.p);
    rig.held_count++;
    return XMB_EAGAIN;
}

static void cancel(struct xmb_worker *w, uint64_t id)
{
    if (id >= 1000 && id < 1000 + rig.held_count)
        rig.held[id - 1000].late = NULL;
    else
        real->router->cancel(w, id);
}

static void forget(struct xmb_str domain)
{
    (void)domain;
    rig.forgets++;
}

void rig_release(size_t n, const struct xmb_addr *addr)
{
    struct xmb_route route = {.size = sizeof(route)};
    struct xmb_route_answer answer = {.size = sizeof(answer), .status = XMB_ENOENT};

    if (addr != NULL) {
        route.addr = *addr;
        answer = (struct xmb_route_answer){sizeof(answer), 0, NULL, &route, 1};
    }
    if (rig.held[n].late != NULL)
        rig.held[n].late(rig.held[n].arg, &answer);
    rig.held[n].late = NULL;
    xmb_fakehost_run();
}

/* --- a plugin that is links only ------------------------------------------------------------- */

static int init(const struct xmb_host *h, struct xmb_module *m, void **self)
{
    real = h;
    host = *h;
    conn_api = *h->conn;
    router_api = *h->router;
    conn_api.size = sizeof(conn_api);
    conn_api.dial = dial;
    conn_api.dial_cancel = dial_cancel;
    conn_api.user = user_of;
    conn_api.info = info;
    conn_api.secure = secure;
    conn_api.tls_peer = tls_peer;
    conn_api.tls_recheck = tls_recheck;
    conn_api.unacked = unacked;
    router_api.lookup = lookup;
    router_api.addresses = addresses;
    router_api.cancel = cancel;
    router_api.forget = forget;
    host.conn = &conn_api;
    host.router = &router_api;
    s2_host = &host;
    rig.module.module = m;
    *self = &rig;
    return 0;
}

static int prepare(void *self, const struct xmb_conf *conf, void **next)
{
    (void)conf;
    *next = self;
    return 0;
}

static void nothing(void *self, void *next)
{
    (void)self;
    (void)next;
}

static int worker_init(void *self, struct xmb_worker *worker, void **wself)
{
    struct s2_worker *w = calloc(1, sizeof(*w));

    (void)self;
    if (w == NULL)
        return XMB_ENOMEM;
    w->module = &rig.module;
    w->worker = worker;
    w->conf = &rig.conf;
    w->count = 1;
    w->cells = s2_host->metrics->cells(worker, rig.module.module);
    rig.w = w;
    *wself = w;
    return s2_links_init(w);
}

static void worker_fini(void *wself)
{
    s2_links_fini(wself);
    free(wself);
}

static int on_open(void *wself, struct xmb_conn *c, void **cs)
{
    struct s2_link *l = NULL;
    int rc = s2_link_open(wself, c, &l);

    *cs = l;
    return rc;
}

static int on_data(void *cs, struct xmb_conn *c, struct xmb_buf *in)
{
    return s2_link_data(cs, c, in);
}

static void on_writable(void *cs, struct xmb_conn *c)
{
    s2_link_writable(cs, c);
}

static void on_secured(void *cs, struct xmb_conn *c)
{
    s2_link_secured(cs, c);
}

static void on_expired(void *cs, struct xmb_conn *c, uint32_t which)
{
    s2_link_expired(cs, c, which);
}

static void on_closed(void *cs, struct xmb_conn *c, const char *why)
{
    s2_link_closed(cs, c, why);
}

static void on_drain(void *cs, struct xmb_conn *c)
{
    s2_link_drain(cs, c);
}

static void on_dial_failed(void *wself, void *user, const char *why)
{
    struct rig_dial *d = user;

    if (!d->done && !d->aside) {
        d->done = 1;
        s2_link_dial_failed(wself, d->user, why);
    }
}

static struct xmb_metric metrics[S2_M_COUNT];
static char metric_names[S2_M_COUNT][16];

static const struct xmb_module_ops ops = {
    .size = sizeof(ops),
    .init = init,
    .prepare = prepare,
    .abort = nothing,
    .commit = nothing,
    .worker_init = worker_init,
    .worker_fini = worker_fini,
    .worker_conf = nothing,
    .retire = nothing,
};

static const struct xmb_protocol protocol = {
    .size = sizeof(protocol),
    .default_port = 5269,
    .flags = XMB_PROTOCOL_OWN_TLS,
    .scheme = "xmpp-server",
    .open = on_open,
    .data = on_data,
    .writable = on_writable,
    .secured = on_secured,
    .expired = on_expired,
    .closed = on_closed,
    .dial_failed = on_dial_failed,
    .drain = on_drain,
};

static struct xmb_plugin plugin = {
    .magic = XMB_PLUGIN_MAGIC,
    .abi_major = XMB_ABI_MAJOR,
    .abi_minor = XMB_ABI_MINOR,
    .size = sizeof(plugin),
    .name = "links",
    .version = "0",
    .ops = &ops,
    .protocol = &protocol,
    .metrics = metrics,
    .metrics_count = S2_M_COUNT,
};

/* --- life ------------------------------------------------------------------------------------ */

struct xmb_addr rig_addr(const char *text, uint16_t port)
{
    struct xmb_addr a = {.family = 4, .port = port};

    if (inet_pton(AF_INET, text, a.ip) == 1)
        return a;
    a.family = 6;
    if (inet_pton(AF_INET6, text, a.ip) != 1)
        a.family = 0;
    return a;
}

struct s2_domain rig_domain(const char *text)
{
    struct s2_domain d;

    if (s2_domain_read(xmb_str(text), &d) != 0)
        abort();
    return d;
}

static void make_index(void)
{
    uint32_t i, at;

    memset(rig.index, 0, sizeof(rig.index));
    for (i = 0; i < rig.conf.local_count; i++) {
        for (at = rig.locals[i].name.hash & 15; rig.index[at] != 0; at = (at + 1) & 15)
            ;
        rig.index[at] = i + 1;
    }
}

void rig_local(const char *name)
{
    struct s2_local *l = &rig.locals[rig.conf.local_count];

    l->name = rig_domain(name);
    l->servers = rig.servers[rig.conf.local_count++];
    make_index();
}

void rig_server(size_t local, const char *address, const char *name, uint16_t port)
{
    struct s2_server *s = &rig.servers[local][rig.locals[local].server_count++];

    s->port = port;
    s->host = name;
    if (address != NULL)
        s->addr = rig_addr(address, port);
}

void rig_listen(enum s2_side side, const char *address, uint16_t port)
{
    rig.listens[rig.conf.listen_count++] =
        (struct s2_listen){.side = side, .component = -1, .address = address, .port = port};
}

static void configure(void)
{
    struct s2_conf *c = &rig.conf;

    c->generation = 1;
    c->enabled = 1;
    c->listens = rig.listens;
    c->locals = rig.locals;
    c->local_index = rig.index;
    c->local_index_size = 16;
    c->security[S2_OUTSIDE] = (struct s2_security){
        .mode = S2_TLS_REQUIRED, .external = 1, .direct_tls = 1, .tls = "outside"};
    c->security[S2_INSIDE] =
        (struct s2_security){.mode = S2_TLS_OPTIONAL, .direct_tls = 1, .tls = "inside"};
    s2_secret_set(XMB_STR("outside-secret"), &c->security[S2_OUTSIDE].secret);
    s2_secret_set(XMB_STR("inside-secret"), &c->security[S2_INSIDE].secret);
    c->limits = (struct s2_read_limits){262144, 64, 8192, 64, 1024, 65536};
    c->unverified = (struct s2_read_limits){10000, 8, 32, 32, 256, 4096};
    c->pairs = 64;
    c->idle_ms = 600000;
    c->negotiation_ms = 30000;
    c->connect_ms = 10000;
    c->dialback_ms = 30000;
    c->keepalive_ms = 60000;
    rig_local("a.test");
    rig_local("c.test");
}

void rig_open(void)
{
    unsigned i;

    memset(&rig, 0, sizeof(rig));
    for (i = 0; i < S2_M_COUNT; i++) {
        snprintf(metric_names[i], sizeof(metric_names[i]), "m%u", i);
        metrics[i] = (struct xmb_metric){XMB_METRIC_INIT, XMB_COUNTER, metric_names[i], "things",
                                         "Something."};
    }
    configure();
    rig.names[0] = (struct xmb_cert_name){sizeof(rig.names[0]), XMB_CERT_DNS, XMB_STR("b.test")};
    rig.peer = (struct xmb_tls_peer){.names = rig.names, .name_count = 1};
    xmb_fakehost_open();
    rig.m = xmb_fakehost_load(&plugin);
    if (rig.m == NULL || xmb_fakehost_configure(rig.m, "") != 0)
        abort();
}

void rig_close(void)
{
    xmb_fakehost_close();
    s2_host = NULL;
}

/* --- routes ---------------------------------------------------------------------------------- */

static struct xmb_route routes[XMB_ROUTES_MAX];
static size_t route_count;
static char route_domain[256];
static uint16_t route_priority;
static const struct xmb_tlsa tlsa = {sizeof(tlsa), 3, 1, 1, 0, {"0123456789abcdef", 16}};

void rig_route_priority(uint16_t priority)
{
    route_priority = priority;
}

void rig_routes_flush(void)
{
    if (route_count > 0 &&
        real->router->update(rig.m, xmb_str(route_domain), routes, route_count) != 0)
        abort();
    route_count = 0;
    route_priority = 0;
}

void rig_route(const char *domain, const char *at, uint16_t port, uint32_t flags)
{
    struct xmb_route *r;

    if (route_count > 0 && strcmp(domain, route_domain) != 0)
        rig_routes_flush();
    snprintf(route_domain, sizeof(route_domain), "%s", domain);
    r = &routes[route_count++];
    *r = (struct xmb_route){.size = sizeof(*r), .flags = flags, .priority = route_priority};
    r->domain = xmb_str(route_domain);
    r->addr = rig_addr(at, port);
    if (r->addr.family == 0) {
        r->addr.port = 0;
        r->target = xmb_str(at);
        r->port = port;
    }
    if (flags & XMB_ROUTE_SECURE) {
        r->tlsa = &tlsa;
        r->tlsa_count = 1;
    }
}

/* --- users ----------------------------------------------------------------------------------- */

static void keep_failure(struct rig_user *u, const struct s2_failure *f)
{
    u->lease = NULL;
    u->kind = f->kind;
    u->condition = f->condition;
    snprintf(u->text, sizeof(u->text), "%s", f->text);
}

static void on_ready(void *arg, struct s2_lease *l)
{
    struct rig_user *u = arg;

    u->ready++;
    if (l != u->lease)
        abort();
    if (u->send_when_ready != NULL)
        rig_send(u, u->send_when_ready, NULL);
    if (u->close_when_ready) {
        s2_lease_close(l);
        u->lease = NULL;
    }
}

static void on_lease_writable(void *arg, struct s2_lease *l)
{
    struct rig_user *u = arg;

    (void)l;
    u->writable++;
}

static void on_failed(void *arg, const struct s2_failure *f)
{
    struct rig_user *u = arg;

    u->failed++;
    keep_failure(u, f);
}

static void on_ended(void *arg, const struct s2_failure *f, uint64_t left, uint64_t acked)
{
    struct rig_user *u = arg;

    u->ended++;
    u->left = left;
    u->acked = acked;
    keep_failure(u, f);
}

static void on_handled(void *arg, uint64_t h)
{
    struct rig_user *u = arg;

    u->handled++;
    u->h = h;
}

static int on_silent(void *arg, struct s2_lease *l)
{
    struct rig_user *u = arg;

    (void)l;
    u->silent++;
    return u->asks;
}

static void on_retired(void *arg, struct s2_lease *l)
{
    struct rig_user *u = arg;

    u->retired++;
    if (!u->close_when_retired)
        return;
    s2_lease_close(l);
    u->lease = NULL;
}

static void on_answered(void *arg, struct s2_lease *l, int is_answer)
{
    struct rig_user *u = arg;

    u->answered += is_answer != 0;
    u->refused += is_answer == 0;
    if (!u->close_when_answered)
        return;
    s2_lease_close(l);
    u->lease = NULL;
}

static const struct s2_lease_events lease_events = {
    on_ready,   on_lease_writable, on_failed,  on_ended,
    on_handled, on_silent,         on_retired, on_answered};

int rig_lease_on(struct rig_user *u, enum s2_side side, const char *local, const char *remote)
{
    struct s2_domain l = rig_domain(local), r = rig_domain(remote);
    int close_when_ready = u->close_when_ready;
    const char *send_when_ready = u->send_when_ready;

    rig_routes_flush();
    *u = (struct rig_user){.close_when_ready = close_when_ready,
                           .send_when_ready = send_when_ready};
    return s2_lease_open(rig.w, side, &l, &r, &lease_events, u, &u->lease);
}

int rig_lease(struct rig_user *u, const char *local, const char *remote)
{
    int rc = rig_lease_on(u, S2_OUTSIDE, local, remote);

    xmb_fakehost_advance(0);
    return rc;
}

static void on_done(void *arg, enum s2_ask_result r, enum s2_condition condition, const char *text)
{
    struct rig_asker *a = arg;

    a->done++;
    a->ask = NULL;
    a->result = r;
    a->condition = condition;
    snprintf(a->text, sizeof(a->text), "%s", text);
}

int rig_ask(struct rig_asker *a, const char *target, const char *sender, const char *id,
            const char *key)
{
    struct s2_domain t = rig_domain(target), s = rig_domain(sender);
    int rc;

    rig_routes_flush();
    *a = (struct rig_asker){.done = 0};
    rc = s2_ask_open(rig.w, S2_OUTSIDE, &t, &s, xmb_str(id), xmb_str(key), on_done, a, &a->ask);
    xmb_fakehost_advance(0);
    return rc;
}

int rig_send(struct rig_user *u, const char *text, uint64_t *end)
{
    struct xmb_part part = {NULL, text, strlen(text)};
    uint64_t ignored;

    return s2_lease_send(u->lease, &part, 1, end != NULL ? end : &ignored);
}

/* --- dials ----------------------------------------------------------------------------------- */

static struct rig_dial *open_dial(size_t n)
{
    size_t i;

    for (i = 0; i < rig.dial_count; i++)
        if (!rig.dials[i].done && n-- == 0)
            return &rig.dials[i];
    return NULL;
}

size_t rig_dialling(void)
{
    size_t n = 0;

    while (open_dial(n) != NULL)
        n++;
    return n;
}

const struct rig_dial *rig_dial(size_t n)
{
    return open_dial(n);
}

/*
 * The fake host connects the oldest dial only: what stands before the wanted one is taken off
 * its queue, and dialled anew at the end unless it was called off.
 */
static struct rig_dial *to_front(size_t n)
{
    struct rig_dial *want = open_dial(n), *d;

    while (want != NULL && (d = rig.queue[rig.queue_head]) != want) {
        rig.queue_head++;
        d->aside = 1;
        xmb_fakehost_refuse(rig.m, "aside");
        d->aside = 0;
        if (!d->done)
            enqueue(d);
    }
    return want;
}

struct xmb_conn *rig_connect(size_t n)
{
    struct rig_dial *d = to_front(n);
    struct xmb_conn *c;

    if (d == NULL)
        return NULL;
    rig.queue_head++;
    d->done = 1;
    c = xmb_fakehost_connect(rig.m);
    xmb_fakehost_advance(0);
    return c;
}

void rig_refuse(size_t n)
{
    if (to_front(n) == NULL)
        return;
    rig.queue_head++;
    xmb_fakehost_refuse(rig.m, "connection refused");
    xmb_fakehost_advance(0);
}

/* --- the peer -------------------------------------------------------------------------------- */

void rig_say(struct xmb_conn *c, const char *text)
{
    if (xmb_fakehost_closed(c) == NULL)
        xmb_fakehost_feed(c, xmb_str(text));
    xmb_fakehost_advance(0);
}

const char *rig_heard(struct xmb_conn *c)
{
    static char text[65536];
    struct xmb_str out = xmb_fakehost_output(c);
    size_t n = out.n < sizeof(text) - 1 ? out.n : sizeof(text) - 1;

    memcpy(text, out.p, n);
    text[n] = '\0';
    xmb_fakehost_take(c, out.n);
    return text;
}

void rig_header(struct xmb_conn *c, const char *id)
{
    char text[512];

    snprintf(text, sizeof(text),
             "<?xml version='1.0'?><stream:stream xmlns='jabber:server' "
             "xmlns:stream='http://etherx.jabber.org/streams' xmlns:db='jabber:server:dialback' "
             "from='b.test' to='a.test' id='%s' version='1.0'>", id);
    rig_say(c, text);
}

void rig_features(struct xmb_conn *c, const char *inner)
{
    char text[2048];

    snprintf(text, sizeof(text), "<stream:features>%s</stream:features>", inner);
    rig_say(c, text);
}

void rig_secured(struct xmb_conn *c, const char *id)
{
    rig_header(c, "plain");
    rig_features(c, RIG_OFFER);
    rig_say(c, RIG_PROCEED);
    rig_header(c, id);
}

void rig_negotiate(struct xmb_conn *c, const char *id)
{
    rig_secured(c, id);
    rig_features(c, RIG_DIALBACK);
}

const char *rig_key(enum s2_side side, const char *target, const char *sender, const char *id)
{
    static char key[S2_KEY_HEX + 1];
    struct s2_domain t = rig_domain(target), s = rig_domain(sender);

    if (s2_dialback_key(&rig.conf.security[side].secret, &t, &s, xmb_str(id), key) != 0)
        abort();
    key[S2_KEY_HEX] = '\0';
    return key;
}

struct xmb_conn *rig_verified(struct rig_user *u, const char *local, const char *remote)
{
    struct xmb_conn *c;
    char text[512];

    rig_route(remote, "192.0.2.1", 5269, 0);
    rig_lease(u, local, remote);
    c = rig_connect(0);
    rig_negotiate(c, "id1");
    snprintf(text, sizeof(text), "<db:result from='%s' to='%s' type='valid'/>", remote, local);
    rig_say(c, text);
    if (!u->ready)
        abort();
    rig_heard(c);
    return c;
}
