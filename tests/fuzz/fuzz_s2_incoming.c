/* SPDX-License-Identifier: MIT */
/*
 * fuzz_s2_incoming.c - incoming streams of the federation gateway on the fake host, driven by a
 * script.
 *
 * The input is a list of steps: an octet says what to do, on which of four connections, and the
 * octets behind it how. Most of what a peer can say is there as whole elements, cut anywhere, so
 * that the search gets deep into the states; octets as they are can be said too. Questions of
 * step 2 are answered or not, policy is late or changes, time moves, flows push back, the
 * configuration is reloaded.
 *
 * Beyond "no crash" it holds the streams to: nothing reaches a path but stanzas of a pair that
 * this script has proved; no path or question is left when the host has closed.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <xmb/fakehost.h>

#include "fuzz_input.h"
#include "incoming.h"
#include "s2_fakes.h"
#include "show.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

extern const struct xmb_plugin xmpp_s2s_LTX_xmb_plugin;

#define PEERS 4
#define STEPS_MAX 300

static struct xmb_module *module;
static struct xmb_conn *peers[PEERS];
static int certified; /* a peer had a good certificate for b.test */
static unsigned seen; /* puts that were checked */

/* Pairs that an authoritative server vouched for, on any stream. */
static struct {
    struct s2_domain from, to;
} proofs[STEPS_MAX];
static unsigned proof_count;

/*
 * --- what peers say
 * ---------------------------------------------------------------------------
 */

#define TLS "urn:ietf:params:xml:ns:xmpp-tls"
#define SASL "urn:ietf:params:xml:ns:xmpp-sasl"
#define HEADER                                                                                     \
    "<stream:stream xmlns='jabber:server' xmlns:db='jabber:server:dialback'"                       \
    " xmlns:stream='http://etherx.jabber.org/streams'"

static const char *const words[] = {
    HEADER " from='b.test' to='a.test' version='1.0'>",
    HEADER " to='a.test' version='1.0'>",
    HEADER " from='a.test' to='b.test' version='1.0'>",
    HEADER " from='c.test' to='rooms.a.test'>",
    "<?xml version='1.0'?>" HEADER " from='B.test' to='A.test' version='1.0'>",
    "</stream:stream>",
    "<starttls xmlns='" TLS "'/>",
    "<auth xmlns='" SASL "' mechanism='EXTERNAL'>Yi50ZXN0</auth>",
    "<auth xmlns='" SASL "' mechanism='EXTERNAL'>=</auth>",
    "<abort xmlns='" SASL "'/>",
    "<db:result from='b.test' to='a.test'>key</db:result>",
    "<db:result from='c.test' to='a.test'>key</db:result>",
    "<db:result from='b.test' to='rooms.a.test'>key</db:result>",
    "<db:result from='a.test' to='b.test'>key</db:result>",
    "<db:result from='a.test' to='b.test' type='valid'/>",
    "<db:verify from='b.test' to='a.test' id='1'>key</db:verify>",
    "<db:verify from='a.test' to='b.test' id='1' type='invalid'/>",
    "<message from='x@b.test' to='y@a.test'><body>hi</body></message>",
    "<message from='x@c.test' to='y@a.test'/>",
    "<presence from='x@b.test/r' to='y@rooms.a.test/z'/>",
    "<message from='y@a.test' to='x@b.test'/>",
    "<iq type='result' id='bar' from='b.test' to='a.test'/>",
    "<message from='x y@b.test' to='y z@a.test'/>",
    "<message to='y@a.test'/>",
    "<enable xmlns='urn:xmpp:sm:3'/>",
    "<r xmlns='urn:xmpp:sm:3'/>",
    "<bidi xmlns='urn:xmpp:bidi'/>",
    "<x xmlns='urn:x'><a><b/></a></x>",
    "<stream:error><reset xmlns='urn:ietf:params:xml:ns:xmpp-streams'/></stream:error>",
    " ",
};
#define WORDS (sizeof(words) / sizeof(words[0]))

/* In one or two segments. */
static void feed(struct xmb_conn **c, struct xmb_str s, size_t cut)
{
    if (cut > s.n)
        cut = s.n;
    if (xmb_fakehost_closed(*c) == NULL)
        xmb_fakehost_feed(*c, xmb_sub(s, 0, cut));
    if (cut < s.n && xmb_fakehost_closed(*c) == NULL)
        xmb_fakehost_feed(*c, xmb_sub(s, cut, s.n));
}

static void say_raw(struct xmb_conn **c, struct input *in)
{
    size_t n = octet(in);

    if (n > in->n)
        n = in->n;
    feed(c, xmb_str_n((const char *)in->p, n), n / 2);
    in->p += n;
    in->n -= n;
}

/*
 * --- the world around
 * -------------------------------------------------------------------------
 */

static void connect_peer(struct xmb_conn **c, uint8_t how)
{
    static const struct xmb_cert_name name = {
        sizeof(name), XMB_CERT_DNS, {"b.test", sizeof("b.test") - 1}};
    struct xmb_tls_peer certificate = {
        .size = sizeof(certificate), .names = &name, .name_count = 1};
    struct xmb_addr remote = {.family = how & 4 ? 6 : 4, .port = 1000};

    if (*c != NULL)
        xmb_fakehost_forget(*c);
    certified |= how & 8 && how & 16;
    certificate.fault = how & 8 ? XMB_CERT_GOOD : XMB_CERT_SELF_SIGNED;
    xmb_fakehost_tls_peer(NULL, how & 16 ? &certificate : NULL);
    remote.ip[3] = how >> 5;
    *c = xmb_fakehost_accept(module, (how & 3) % 3, &remote);
    if (*c != NULL && how == 255)
        xmb_fakehost_bound(*c, 1024);
}

static void answer(uint8_t how)
{
    static const enum s2_ask_result results[] = {S2_ASK_VALID, S2_ASK_VALID, S2_ASK_INVALID,
                                                 S2_ASK_ERROR};
    unsigned i, at;

    for (i = 0; i < S2_FAKE_ROOM; i++) {
        at = (i + (how >> 2)) % S2_FAKE_ROOM;
        if (s2_fakes.asks[at].open) {
            if (results[how & 3] == S2_ASK_VALID) {
                proofs[proof_count].from = s2_fakes.asks[at].sender;
                proofs[proof_count++].to = s2_fakes.asks[at].target;
            }
            s2_fake_answer(at, results[how & 3], S2_C_REMOTE_SERVER_TIMEOUT, "because");
            return;
        }
    }
}

#define LISTENS                                                                                    \
    "<listen side='outside' tls='o'/><listen side='inside' tls='i'/>"                              \
    "<listen side='outside' tls='o' direct-tls='yes' port='5270'/>"                                \
    "<dialback secret='s'/>"                                                                       \
    "<limits pairs='3' unverified-streams='2' streams='16'/>"
#define LOCAL(name) "<local-domain name='" name "'><server address='10.0.0.5'/></local-domain>"

static void reload(uint8_t how)
{
    static const char *const all[] = {
        LISTENS LOCAL("a.test") LOCAL("rooms.a.test") "<security mode='tls-optional'/>",
        LISTENS LOCAL("a.test") "<security mode='tls-optional' require-client-certificates='yes'/>",
        LISTENS LOCAL("a.test") LOCAL("rooms.a.test") "<security mode='tls-required'/>",
        LISTENS LOCAL("a.test") LOCAL("rooms.a.test") LOCAL("b.test")
            "<security mode='tls-optional' accept-no-certificate='no'/>",
        LISTENS LOCAL("a.test") "<security mode='tls-optional'/><federation use='no'/>",
    };

    REQUIRE(xmb_fakehost_configure(module, all[how % 5]) == 0);
}

static void policy(uint8_t how)
{
    xmb_fakehost_verdict(XMB_POINT_ROUTE, how & 1 ? XMB_DENY : XMB_ALLOW, XMB_DENY_POLICY);
    xmb_fakehost_late(how >> 1 & 1);
    if (how & 4)
        s2_in_recheck(xmb_fakehost_wself(module));
}

static void on_connection(void *arg, const struct s2_connection *c)
{
    size_t i;

    (void)arg;
    for (i = 0; i < c->pair_count; i++)
        REQUIRE(c->pairs[i].state != NULL && c->pairs[i].local.n > 0 && c->pairs[i].remote.n > 0);
}

static void flows(uint8_t how)
{
    static const int results[] = {0, 1, XMB_ENOMEM, 0};

    s2_fakes.put_result = results[how & 3];
    s2_fakes.path_result = how & 4 ? XMB_ENOMEM : 0;
    s2_fakes.ask_result = how & 8 ? XMB_ELIMIT : 0;
    s2_fakes.barrier_id = how & 16 ? "bar" : NULL;
    if (how & 32)
        s2_in_resume(xmb_fakehost_wself(module), s2_fakes.source);
    if (how & 64)
        s2_in_clear(xmb_fakehost_wself(module), s2_fakes.source);
    if (how == 128)
        xmb_fakehost_drain(module, 1000);
    s2_in_walk(xmb_fakehost_wself(module), on_connection, NULL);
}

/*
 * --- what must hold
 * ---------------------------------------------------------------------------
 */

static int is_proved(const struct s2_fake_stanza *f)
{
    unsigned i;

    if (certified && strcmp(f->from.text, "b.test") == 0)
        return 1;
    for (i = 0; i < proof_count; i++) {
        if (s2_domain_eq(&proofs[i].from, &f->from) && s2_domain_eq(&proofs[i].to, &f->to))
            return 1;
    }
    return 0;
}

static int is_domain_of(struct xmb_str jid, const struct s2_domain *d)
{
    struct s2_domain own;

    return s2_domain_read(s2_jid_domain(jid), &own) == 0 && s2_domain_eq(&own, d);
}

/* What was put is of a pair that was proved, and says so itself. */
static void check(void)
{
    const struct s2_fake_stanza *f;
    char scratch[S2_SCRATCH];
    struct s2_stanza st;

    for (; seen < s2_fakes.put_count; seen++) {
        f = &s2_fakes.puts[seen % S2_FAKE_ROOM];
        REQUIRE(is_proved(f));
        if (strlen(f->raw) == S2_FAKE_TEXT)
            continue; /* cut by the fake */
        REQUIRE(s2_stanza_reread(xmb_str(f->raw), scratch, &st) == 0);
        REQUIRE(is_domain_of(st.from, &f->from) && is_domain_of(st.to, &f->to));
    }
}

static void disturb(struct xmb_conn **c, struct input *in, uint8_t what)
{
    switch (what % 8) {
    case 0:
        xmb_fakehost_hangup(*c, "gone");
        break;
    case 1:
        xmb_fakehost_advance((uint64_t)octet(in) * octet(in) * 16);
        break;
    case 2:
        reload(octet(in));
        break;
    case 3:
        policy(octet(in));
        break;
    case 4:
        flows(octet(in));
        break;
    case 5:
        xmb_fakehost_take(*c, xmb_fakehost_output(*c).n);
        break;
    default:
        xmb_fakehost_run();
        break;
    }
}

static void step(struct input *in)
{
    uint8_t what = octet(in);
    struct xmb_conn **c = &peers[what & (PEERS - 1)];

    what >>= 2;
    if (*c == NULL || what < 4) {
        connect_peer(c, octet(in));
    } else if (what < 40) {
        const char *text = words[octet(in) % WORDS];

        feed(c, xmb_str(text), what < 30 ? strlen(text) : octet(in));
        if (what & 1)
            xmb_fakehost_run();
    } else if (what < 48) {
        answer(octet(in));
    } else if (what < 52) {
        say_raw(c, in);
    } else {
        disturb(c, in, what);
    }
    check();
}

static void open_host(void)
{
    memset(&s2_fakes, 0, sizeof(s2_fakes));
    memset(peers, 0, sizeof(peers));
    certified = 0;
    seen = proof_count = 0;
    xmb_fakehost_open();
    xmb_fakehost_log_level(XMB_LOG_ERROR);
    module = xmb_fakehost_load(&xmpp_s2s_LTX_xmb_plugin);
    REQUIRE(module != NULL);
    reload(0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct input in = {data, size};
    unsigned steps = 0;

    open_host();
    while (in.n > 0 && steps++ < STEPS_MAX)
        step(&in);
    xmb_fakehost_run();
    xmb_fakehost_close();
    REQUIRE(s2_fakes.paths_open == 0);
    REQUIRE(s2_fake_waiting() == 0);
    return 0;
}
