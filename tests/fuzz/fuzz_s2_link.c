/* SPDX-License-Identifier: MIT */
/*
 * fuzz_s2_link.c - the outgoing side of the federation gateway, driven by a script on the fake
 * host.
 *
 * The input is a list of steps of a few octets: leases and asks begin and end, dials come through
 * or fail, peers say what stands in a table or octets as they are, TLS fails, time passes, the
 * configuration changes. So the search gets to every state without having to spell XML.
 *
 * Beyond "no crash" it holds links to what they promise: of a lease exactly one end is told, no
 * pair is verified without TLS where TLS is required, what is acknowledged was sent, no stanza is
 * taken where both directions were not agreed on behind TLS, and when everybody has gone, so have
 * the links. Flows are faked.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "fuzz_input.h"
#include "s2_link_rig.h"
#include "show.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define USERS 4
#define CONNS 16
#define STEPS_MAX 300

static struct rig_user users[USERS];
static struct rig_asker askers[USERS];
static struct xmb_conn *conns[CONNS];
static unsigned conn_count;
static int was_lax; /* a mode other than tls-required was in force */
static int drained;

static const char *const domains[] = {"a.test", "c.test", "b.test", "d.test"};

/* What peers say; %s is the other end's choice of domains. */
static const char *const words[] = {
    "<?xml version='1.0'?><stream:stream xmlns='jabber:server' xmlns:db='jabber:server:dialback' "
    "xmlns:stream='http://etherx.jabber.org/streams' from='b.test' to='a.test' id='x1' "
    "version='1.0'>",
    "<stream:stream xmlns='jabber:server' xmlns:db='jabber:server:dialback' "
    "xmlns:stream='http://etherx.jabber.org/streams' id='old'>",
    "<stream:features>" RIG_OFFER "</stream:features>",
    "<stream:features>" RIG_OFFER_REQUIRED RIG_DIALBACK "</stream:features>",
    "<stream:features>" RIG_EXTERNAL RIG_DIALBACK "</stream:features>",
    "<stream:features>" RIG_DIALBACK "</stream:features>",
    "<stream:features>" RIG_DIALBACK_OLD "</stream:features>",
    "<stream:features>" RIG_SM RIG_DIALBACK
    "<limits xmlns='urn:xmpp:stream-limits:0'><max-bytes>20</max-bytes></limits></stream:features>",
    "<stream:features/>",
    RIG_PROCEED,
    "<failure xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>",
    RIG_SUCCESS,
    RIG_FAILURE,
    "<challenge xmlns='urn:ietf:params:xml:ns:xmpp-sasl'/>",
    "<enabled xmlns='urn:xmpp:sm:3'/>",
    "<failed xmlns='urn:xmpp:sm:3'/>",
    "<r xmlns='urn:xmpp:sm:3'/>",
    "<a xmlns='urn:xmpp:sm:3' h='1'/>",
    "<a xmlns='urn:xmpp:sm:3' h='4294967295'/>",
    "<db:result from='b.test' to='a.test' type='valid'/>",
    "<db:result from='b.test' to='a.test' type='invalid'/>",
    "<db:result from='b.test' to='c.test' type='valid'/>",
    "<db:result from='d.test' to='a.test' type='valid'/>",
    "<db:result from='b.test' to='c.test' type='error'><error type='cancel'><item-not-found "
    "xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></db:result>",
    "<db:result from='b.test' to='a.test'>key</db:result>",
    "<db:verify from='b.test' to='a.test' id='S0' type='valid'/>",
    "<db:verify from='b.test' to='a.test' id='S1' type='invalid'/>",
    "<db:verify from='b.test' to='c.test' id='S2' type='error'/>",
    "<db:verify from='b.test' to='a.test' id='S1'>key</db:verify>",
    "<message from='x@b.test' to='y@a.test'><body>hi</body></message>",
    "<message type='error' from='x@b.test' to='y@a.test'/>",
    "<stream:error><host-unknown xmlns='urn:ietf:params:xml:ns:xmpp-streams'/></stream:error>",
    "<stream:error><system-shutdown xmlns='urn:ietf:params:xml:ns:xmpp-streams'/></stream:error>",
    "<stream:error><see-other-host xmlns='urn:ietf:params:xml:ns:xmpp-streams'>198.51.100.9"
    "</see-other-host></stream:error>",
    "</stream:stream>",
    "<strange xmlns='urn:example'/>",
    " ",
    "<stream:features>" RIG_DIALBACK "<bidi xmlns='urn:xmpp:features:bidi'/></stream:features>",
    "<stream:features>" RIG_EXTERNAL "<bidi xmlns='urn:xmpp:bidi'/></stream:features>",
    "<db:verify from='b.test' to='a.test' id='x1'>key</db:verify>",
    "<db:verify from='b.test' to='x.test' id='S1'>key</db:verify>",
    "<db:result from='d.test' to='c.test'>key</db:result>",
    "<iq type='get' from='b.test' to='c.test' id='1'/>",
    "<iq type='result' from='b.test' to='a.test' id='xmb-1'/>",
    "<message from='x@d.test' to='y@a.test'/>",
    "<message from='x@a.test' to='y@a.test'/>",
    "<message from='x@b.test' to='&lt;@a.test'/>",
    "<presence/>",
};
#define WORDS (sizeof(words) / sizeof(words[0]))

/* --- flows ----------------------------------------------------------------------------------- */

static unsigned paths_open, puts_seen;
static xmb_ref stopped; /* a stream that a flow has stopped */

int s2_path_open(struct s2_worker *w, enum s2_side to_side, const struct s2_domain *from,
                 const struct s2_domain *to, xmb_ref source, struct s2_path *p)
{
    const struct s2_domain *local = to_side == S2_INSIDE ? to : from;

    memset(p, 0, sizeof(*p));
    REQUIRE(s2_conf_local(w->conf, local) != NULL && source != 0);
    p->w = w;
    p->is_open = 1;
    p->source = source;
    paths_open++;
    return 0;
}

void s2_path_close(struct s2_path *p)
{
    REQUIRE(p->is_open);
    p->is_open = 0;
    paths_open--;
}

int s2_path_put(struct s2_path *p, const struct s2_stanza *s)
{
    REQUIRE(p->is_open && s->from.n > 0 && s->to.n > 0);
    if (++puts_seen % 5 == 0)
        return XMB_ELIMIT;
    if (puts_seen % 3 != 0)
        return 0;
    stopped = p->source;
    return 1;
}

void s2_path_flush(struct s2_worker *w)
{
    (void)w;
}

void s2_bounce(struct s2_worker *w, enum s2_side from_side, const struct s2_stanza *s,
               enum s2_condition condition, const struct s2_domain *by, const char *text)
{
    (void)w;
    (void)from_side;
    (void)text;
    REQUIRE(s->from.n > 0 && s->to.n > 0 && condition != S2_C_NONE && by != NULL);
}

int s2_barrier_answer(struct s2_worker *w, const struct s2_domain *from_domain,
                      const struct s2_domain *to, const struct s2_stanza *s)
{
    (void)w;
    (void)from_domain;
    (void)to;
    return xmb_str_eq(s->id, XMB_STR("xmb-1"));
}

int s2_barrier_is_idle(const struct s2_stanza *s)
{
    return s->id.n > 4 && memcmp(s->id.p, "xmb.", 4) == 0;
}

void s2_flow_alive(struct s2_worker *w, const struct s2_domain *foreign)
{
    (void)w;
    (void)foreign;
}

/* --- promises -------------------------------------------------------------------------------- */

static void check_user(const struct rig_user *u)
{
    REQUIRE(u->ready <= 1);
    REQUIRE(u->failed + u->ended <= 1);
    REQUIRE(!(u->failed && u->ready));
    REQUIRE(!(u->ended && !u->ready));
    REQUIRE(u->acked <= u->left);
    if (u->failed || u->ended) {
        REQUIRE(u->kind != 0 && u->condition != S2_C_NONE && u->text[0] != '\0');
        REQUIRE(u->lease == NULL);
    }
    if (u->lease != NULL && u->ready && !was_lax)
        REQUIRE(u->lease->link->secured);
    if (u->lease != NULL)
        REQUIRE(u->lease->link->read_end <= u->lease->link->position.written);
    if (u->lease != NULL && u->lease->link->pairs != NULL)
        REQUIRE(u->lease->link->bidi && u->lease->link->secured);
}

static void check_all(void)
{
    unsigned i;

    for (i = 0; i < USERS; i++) {
        check_user(&users[i]);
        REQUIRE(askers[i].done <= 1);
    }
}

/* --- steps ----------------------------------------------------------------------------------- */

static void close_lease(struct rig_user *u)
{
    if (u->lease != NULL)
        s2_lease_close(u->lease);
    u->lease = NULL;
}

static void open_lease(struct rig_user *u, uint8_t how)
{
    close_lease(u);
    *u = (struct rig_user){.close_when_ready = (how & 32) != 0,
                           .send_when_ready = how & 64 ? "<presence/>" : NULL};
    if (how & 16)
        rig_lease_on(u, S2_INSIDE, domains[2 + (how & 1)], domains[how >> 1 & 1]);
    else
        rig_lease_on(u, S2_OUTSIDE, domains[how & 1], domains[2 + (how >> 1 & 1)]);
}

static void ask(struct rig_asker *a, uint8_t how)
{
    char id[3] = {'S', (char)('0' + (how >> 2 & 3)), '\0'};

    if (a->ask != NULL)
        s2_ask_cancel(a->ask);
    a->ask = NULL;
    if (how & 128)
        return;
    rig_ask(a, domains[how & 1], domains[2 + (how >> 1 & 1)], id, "key");
}

static void keep(struct xmb_conn *c)
{
    if (c == NULL)
        return;
    if (conn_count == CONNS)
        xmb_fakehost_forget(conns[--conn_count]);
    conns[conn_count++] = c;
}

static void say(struct xmb_conn *c, const char *p, size_t n, uint8_t cut)
{
    size_t first = cut < n ? cut : n;

    if (xmb_fakehost_closed(c) == NULL)
        xmb_fakehost_feed(c, xmb_str_n(p, first));
    if (first < n && xmb_fakehost_closed(c) == NULL)
        xmb_fakehost_feed(c, xmb_str_n(p + first, n - first));
}

static void say_raw(struct xmb_conn *c, struct input *in)
{
    size_t n = octet(in);

    if (n > in->n)
        n = in->n;
    say(c, (const char *)in->p, n, 3);
    in->p += n;
    in->n -= n;
}

/* From connected to READY in one step, as most inputs will want it. */
static void negotiate(struct xmb_conn *c)
{
    if (xmb_fakehost_closed(c) == NULL)
        rig_negotiate(c, "x9");
}

static void send_stanza(struct rig_user *u, uint8_t how)
{
    uint64_t end = 0;

    if (u->lease == NULL)
        return;
    switch (how & 3) {
    case 0:
        REQUIRE(s2_lease_acked(u->lease) <= u->lease->link->position.written);
        break;
    case 1:
        s2_lease_request(u->lease);
        s2_lease_has_sm(u->lease);
        s2_lease_heard_ms(u->lease);
        s2_lease_question(u->lease, XMB_STR("S1"));
        break;
    default:
        rig_send(u, how & 4 ? "<message to='somebody'/>" : "<iq/>", &end);
    }
}

static void configure(uint8_t how)
{
    struct s2_security *s = &rig.conf.security[how & 1];

    s->mode = (enum s2_mode)((how >> 1 & 3) % 3);
    s->external = how >> 3 & 1;
    s->require_certificates = how >> 4 & 1;
    s->direct_tls = how >> 5 & 1;
    rig.conf.enabled = (how & 0xc0) != 0xc0;
    was_lax |= s->mode != S2_TLS_REQUIRED;
    s2_link_recheck(rig.w);
}

static void disturb(uint8_t how)
{
    switch (how >> 5) {
    case 0:
        rig.tls_hangs = how & 1;
        rig.secure_rc = how & 2 ? XMB_ENOENT : 0;
        break;
    case 1:
        rig.names[0].text = how & 1 ? XMB_STR("evil.test") : XMB_STR("b.test");
        rig.peer.fault = how >> 1 & 7;
        rig.peer.not_after_s = how & 16;
        break;
    case 2:
        rig.dial_rc = how & 1 ? XMB_ELIMIT : 0;
        rig.lookup_status = how & 2 ? XMB_ETIMEOUT : how & 4 ? XMB_EDENIED : 0;
        break;
    case 3:
        rig.wire += how & 31;
        rig.unacked = how & 7;
        break;
    case 4:
        rig.hold_addresses = how & 1;
        rig.conf.security[how >> 1 & 1].bidi = how >> 2 & 1;
        break;
    case 5:
        if (rig.held_count > 0) {
            struct xmb_addr at = rig_addr("192.0.2.8", 0);

            rig_release((how & 7) % rig.held_count, how & 8 ? &at : NULL);
        }
        break;
    case 6:
        rig.local_end = rig_addr(how & 1 ? "192.0.2.1" : "192.0.2.200", 1);
        break;
    default:
        if (!drained)
            xmb_fakehost_drain(rig.m, 1000);
        drained = 1;
    }
}

static void look(void *arg, const struct s2_connection *c)
{
    uint64_t *id = arg;

    *id = c->id;
    REQUIRE(c->state != NULL && c->pair_count <= S2_SHOW_PAIRS);
}

static void operate(uint8_t how)
{
    uint64_t id = 0;

    s2_link_walk(rig.w, look, &id);
    if (how & 1)
        s2_link_clear(rig.w, id);
    if (how & 2)
        s2_link_resume(rig.w, stopped);
    if (how & 4)
        xmb_fakehost_verdict(XMB_POINT_ROUTE, how & 8 ? XMB_DENY : XMB_ALLOW, 0);
    if (how & 16)
        xmb_fakehost_late(how >> 5 & 1);
}

static void step_conn(uint8_t what, struct input *in)
{
    struct xmb_conn *c = conn_count > 0 ? conns[octet(in) % conn_count] : NULL;

    if (c == NULL)
        return;
    switch (what) {
    case 0:
        say_raw(c, in);
        break;
    case 1:
        xmb_fakehost_hangup(c, "gone");
        break;
    case 2:
        xmb_fakehost_take(c, xmb_fakehost_output(c).n);
        xmb_fakehost_bound(c, octet(in) & 1 ? 600 : 1 << 20);
        break;
    case 3:
        negotiate(c);
        break;
    default: {
        const char *text = words[octet(in) % WORDS];

        say(c, text, strlen(text), octet(in));
    }
    }
}

static void step(struct input *in)
{
    uint8_t what = octet(in);
    struct rig_user *u = &users[what & (USERS - 1)];
    struct rig_asker *a = &askers[what & (USERS - 1)];

    what >>= 2;
    switch (what % 16) {
    case 0:
        open_lease(u, octet(in));
        break;
    case 1:
        close_lease(u);
        break;
    case 2:
        ask(a, octet(in));
        break;
    case 3:
        if (rig.dial_count < RIG_DIALS - 64)
            keep(rig_connect(octet(in) & 3));
        break;
    case 4:
        if (rig.dial_count < RIG_DIALS - 64)
            rig_refuse(octet(in) & 3);
        break;
    case 5:
        xmb_fakehost_advance((uint64_t)octet(in) * octet(in));
        break;
    case 6:
        send_stanza(u, octet(in));
        break;
    case 7:
        if (u->lease != NULL)
            s2_lease_kill(u->lease, "killed");
        break;
    case 8:
        configure(octet(in));
        break;
    case 9:
        disturb(octet(in));
        break;
    case 10:
        operate(octet(in));
        break;
    default:
        step_conn((uint8_t)(what % 16 - 11), in);
        xmb_fakehost_run();
    }
}

static void open_all(void)
{
    struct xmb_addr at = rig_addr("192.0.2.5", 0);

    rig_open();
    xmb_fakehost_log_level(XMB_LOG_ERROR);
    rig_listen(S2_OUTSIDE, NULL, 5269);
    rig_server(0, "10.0.0.5", NULL, 5299);
    rig_server(0, NULL, "im.inside", 5299);
    xmb_fakehost_hosts("xmpp.d.test", &at, 1);
    rig_route("b.test", "192.0.2.1", 5269, 0);
    rig_route("b.test", "192.0.2.2", 5270, XMB_ROUTE_TLS | XMB_ROUTE_SECURE);
    rig_route("d.test", "xmpp.d.test", 5269, 0);
    rig_routes_flush();
    memset(users, 0, sizeof(users));
    memset(askers, 0, sizeof(askers));
    conn_count = 0;
    was_lax = drained = 0;
    rig.conf.security[S2_OUTSIDE].bidi = rig.conf.security[S2_INSIDE].bidi = 1;
    puts_seen = 0;
    stopped = 0;
}

static void close_all(void)
{
    unsigned i;

    for (i = 0; i < USERS; i++) {
        close_lease(&users[i]);
        if (askers[i].ask != NULL)
            s2_ask_cancel(askers[i].ask);
    }
    xmb_fakehost_advance(60000 + rig.conf.idle_ms); /* one that the peer may use is kept so long */
    check_all();
    REQUIRE(rig.w->links->count == 0);
    REQUIRE(rig.w->cells[S2_M_STREAMS_OUT] == 0);
    REQUIRE(paths_open == 0);
    rig_close();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct input in = {data, size};
    unsigned steps = 0;

    open_all();
    while (in.n > 0 && steps++ < STEPS_MAX && rig.held_count < 8) {
        step(&in);
        check_all();
    }
    close_all();
    return 0;
}
