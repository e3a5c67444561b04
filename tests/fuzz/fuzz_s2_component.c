/* SPDX-License-Identifier: MIT */
/*
 * fuzz_s2_component.c - components of the federation gateway (XEP-0114) on the fake host, driven by
 * a script.
 *
 * The input is a list of steps: an octet says what to do, on which of four connections, and the
 * octets behind it how. Handshakes are made of the id that the gateway gave, so that the search
 * gets behind them; what a component can say is there as whole elements, cut anywhere, and octets
 * as they are can be said too. Stanzas come for it, barriers are answered or not, policy is late or
 * changes, time moves, the queue is small, the configuration is reloaded. Links and flows are the
 * real ones; outside is nobody, so what a component sends comes back.
 *
 * Beyond "no crash" it holds the gateway to: who has not shown the secret is told no stanza and has
 * none taken; of a domain one component at most is connected; an error comes back once at most,
 * and a stanza is delivered once at most.
 */
#include <openssl/evp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <xmb/fakehost.h>

#include "fuzz_input.h"
#include "component_priv.h"
#include "show.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

extern const struct xmb_plugin xmpp_s2s_LTX_xmb_plugin;

#define PEERS 4
#define STEPS_MAX 300
#define FIRST_LISTENER 2 /* of the components; before it the sides' */
#define DEPTH_MAX 1024

struct peer {
    struct xmb_conn *conn; /* NULL: never connected */
    uint32_t which;        /* of the two components */
    int knew_secret;
    char id[S2_ID + 1]; /* of the gateway's header; empty: not seen yet */
};

static struct xmb_module *module;
static struct peer peers[PEERS];
static int drained; /* the gateway was told to stop */

/*
 * Stanzas with an id of ours, `mN` to the gateway and `tN` from it, and how often each came back or
 * arrived. Octets as they are can have such an id as well, and end the count.
 */
static unsigned said, sent;
static uint8_t came_back[STEPS_MAX], arrived[STEPS_MAX];
static int counts;

/* --- what a component says ------------------------------------------------------------------- */

#define HEADER "<stream:stream xmlns='jabber:component:accept'"                                    \
               " xmlns:stream='http://etherx.jabber.org/streams'"
#define STREAMS "urn:ietf:params:xml:ns:xmpp-streams"

static const char *const words[] = {
    HEADER " to='bots.a.test'>",
    "<?xml version='1.0'?>" HEADER " to='gate.a.test'>",
    HEADER " to='a.test'>",
    HEADER " from='bots.a.test' to='BOTS.a.test' xmlns:x='urn:x'>",
    "<stream:stream xmlns='jabber:server' xmlns:stream='http://etherx.jabber.org/streams'"
    " to='bots.a.test'>",
    "</stream:stream>",
    "<handshake/>",
    "<handshake>aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa</handshake>",
    "<stream:error><conflict xmlns='" STREAMS "'/></stream:error>",
    "<message from='x@a.test' to='u@b.test'/>",
    "<message from='bots.a.test' to='bots.a.test'/>",
    "<message from='bots.a.test' to='u@a.test'/>",
    "<message from='bots.a.test'/>",
    "<message to='u@b.test'/>",
    "<message from='bots.a.test' to='u@b c'/>",
    "<message from='b c@bots.a.test' to='u@b.test'/>",
    "<message from='bots.a.test' to='@b.test'/>",
    "<message from='BOTS.a.test' to='u@C.test' type='error'/>",
    "<presence from='bots.a.test' to='u@b.test'/>",
    "<iq type='result' id='1' from='bots.a.test' to='b.test'/>",
    "<db:result xmlns:db='jabber:server:dialback' from='bots.a.test' to='b.test'>k</db:result>",
    "<nothing/>",
    "<!DOCTYPE x>",
    "<message from='bots.a.test' to='u@b.test'><body>",
    "</body></message>",
    " ",
};
#define WORDS (sizeof(words) / sizeof(words[0]))

static const char *const domains[] = {"bots.a.test", "gate.a.test"};
static const char *const secrets[] = {"s3cr3t", "other"};
static const char *const far[] = {"b.test", "c.test", "u@d.test/r", "a.test"};

/* In one or two segments. */
static void feed(struct peer *p, struct xmb_str s, size_t cut)
{
    if (cut > s.n)
        cut = s.n;
    if (xmb_fakehost_closed(p->conn) == NULL)
        xmb_fakehost_feed(p->conn, xmb_sub(s, 0, cut));
    if (cut < s.n && xmb_fakehost_closed(p->conn) == NULL)
        xmb_fakehost_feed(p->conn, xmb_sub(s, cut, s.n));
}

static void say_raw(struct peer *p, struct input *in)
{
    size_t n = octet(in);

    if (n > in->n)
        n = in->n;
    counts = 0;
    feed(p, xmb_str_n((const char *)in->p, n), n / 2);
    in->p += n;
    in->n -= n;
}

static void say_word(struct peer *p, struct input *in, int is_cut)
{
    struct xmb_str s = xmb_str(words[octet(in) % WORDS]);
    size_t at = octet(in);

    if (is_cut && at < s.n)
        s.n = at; /* the rest never comes */
    feed(p, s, at);
}

/* With an id of its own, to a foreign domain. */
static void say_stanza(struct peer *p, uint8_t how)
{
    static const char *const kinds[] = {"message", "iq type='get'", "presence type='subscribe'",
                                        "message xml:lang='en' type='groupchat'"};
    char text[256];

    if (said == STEPS_MAX)
        return;
    snprintf(text, sizeof(text), "<%s from='%s' to='%s' id='m%u'/>", kinds[how & 3],
             domains[how >> 6 & 1], far[how >> 2 & 3], said++);
    feed(p, xmb_str(text), how >> 4 & 1 ? 20 : sizeof(text));
}

static void say_deep(struct peer *p, uint8_t how)
{
    static const char start[] = "<message from='bots.a.test' to='u@b.test'>";
    char text[sizeof(start) + 3 * DEPTH_MAX];
    unsigned i, depth = how * (DEPTH_MAX / 256u);
    size_t n = sizeof(start) - 1;

    memcpy(text, start, n);
    for (i = 0; i < depth; i++, n += 3)
        memcpy(text + n, "<a>", 3);
    feed(p, xmb_str_n(text, n), n / 3);
}

/* Of the secret, or of another one. */
static void shake(struct peer *p, uint8_t how)
{
    const char *secret = how & 1 ? secrets[!p->which] : secrets[p->which];
    unsigned char sum[EVP_MAX_MD_SIZE];
    char text[128];
    unsigned i, n = 0;
    int at;

    snprintf(text, sizeof(text), "%s%s", p->id, secret);
    REQUIRE(EVP_Digest(text, strlen(text), sum, &n, EVP_sha1(), NULL) == 1);
    p->knew_secret |= p->id[0] != '\0' && !(how & 1);
    at = snprintf(text, sizeof(text), "<handshake>");
    for (i = 0; i < n; i++)
        at += snprintf(text + at, sizeof(text) - (size_t)at, "%02x", sum[i]);
    at += snprintf(text + at, sizeof(text) - (size_t)at, "</handshake>");
    feed(p, xmb_str_n(text, (size_t)at), how >> 1);
}

/* --- what it is told ------------------------------------------------------------------------- */

/* One more for each id in `text` that begins with `mark`, as ` id='m`. */
static void count(const char *text, const char *mark, uint8_t *times)
{
    const char *at;
    unsigned n;

    for (at = strstr(text, mark); at != NULL; at = strstr(at + 1, mark)) {
        n = (unsigned)strtoul(at + strlen(mark), NULL, 10);
        if (n < STEPS_MAX)
            times[n]++;
    }
}

static void answer_ping(struct peer *p, const char *text)
{
    char id[128] = "", from[128] = "", to[128] = "", answer[512];
    const char *iq = strstr(text, "<iq "), *at;

    if (iq == NULL)
        return;
    if ((at = strstr(iq, " id='")) != NULL)
        sscanf(at, " id='%127[^']'", id);
    if ((at = strstr(iq, " from='")) != NULL)
        sscanf(at, " from='%127[^']'", from);
    if ((at = strstr(iq, " to='")) != NULL)
        sscanf(at, " to='%127[^']'", to);
    snprintf(answer, sizeof(answer), "<iq type='result' id='%s' from='%s' to='%s'/>", id, to, from);
    feed(p, xmb_str(answer), sizeof(answer));
}

static void hear(struct peer *p, int answers)
{
    struct xmb_str out = xmb_fakehost_output(p->conn);
    char *text = malloc(out.n + 1);
    const char *id;

    REQUIRE(text != NULL);
    memcpy(text, out.p, out.n);
    text[out.n] = '\0';
    xmb_fakehost_take(p->conn, out.n);
    if (p->id[0] == '\0' && (id = strstr(text, " id='")) != NULL)
        sscanf(id, " id='%32[0-9a-f]'", p->id);
    REQUIRE(p->knew_secret || (strstr(text, "<message") == NULL && strstr(text, "<iq") == NULL &&
                               strstr(text, "<presence") == NULL));
    count(text, " id='m", came_back);
    count(text, " id='t", arrived);
    if (answers)
        answer_ping(p, text);
    free(text);
}

/* A stanza from outside, for one of the two. */
static void send_to_it(uint8_t how)
{
    struct s2_worker *w = xmb_fakehost_wself(module);
    char scratch[S2_SCRATCH], text[160];
    struct s2_domain from, to;
    struct s2_stanza s;
    struct s2_path path;

    REQUIRE(s2_domain_read(xmb_str(domains[how & 1]), &to) == 0);
    if (sent == STEPS_MAX || s2_conf_local(w->conf, &to) == NULL)
        return;
    snprintf(text, sizeof(text), "<message from='u@%s' to='x@%s' id='t%u'/>", far[how >> 1 & 1],
             domains[how & 1], sent++);
    REQUIRE(s2_domain_read(xmb_str(far[how >> 1 & 1]), &from) == 0);
    REQUIRE(s2_stanza_reread(xmb_str(text), scratch, &s) == 0);
    if (s2_path_open(w, S2_INSIDE, &from, &to, 0, &path) != 0)
        return;
    (void)s2_path_put(&path, &s);
    s2_path_flush(w);
    s2_path_close(&path);
}

/* --- the world around ------------------------------------------------------------------------ */

static void connect_peer(struct peer *p, uint8_t how)
{
    if (p->conn != NULL)
        xmb_fakehost_forget(p->conn);
    *p = (struct peer){.which = how & 1};
    p->conn = xmb_fakehost_accept(module, FIRST_LISTENER + p->which, NULL);
    if (p->conn != NULL && how & 2)
        xmb_fakehost_bound(p->conn, 2048);
}

#define LISTENS "<listen side='outside' tls='o'/><listen side='inside'/>"
#define SERVER "<local-domain name='a.test'><server address='10.0.0.5'/></local-domain>"
#define COMPONENT(name, address, secret)                                                           \
    "<local-domain name='" name "'><component address='" address "' secret='" secret "'/>"         \
    "</local-domain>"
#define BOTS COMPONENT("bots.a.test", "192.0.2.254", "s3cr3t")
#define GATE COMPONENT("gate.a.test", "192.0.2.253", "other")

static void reload(uint8_t how)
{
    static const char *const all[] = {
        LISTENS SERVER BOTS GATE,
        LISTENS SERVER BOTS GATE "<delivery confirm='tcp' on-loss='bounce'/>",
        LISTENS SERVER BOTS GATE "<federation use='no'/>",
        LISTENS SERVER BOTS "<delivery confirm='none'/>",
        LISTENS SERVER BOTS GATE "<limits stanza='1200' queue='1200'/>",
    };

    (void)xmb_fakehost_configure(module, all[how % 5]);
}

static void policy(uint8_t how)
{
    xmb_fakehost_verdict(0, 0, 0);
    xmb_fakehost_verdict(XMB_POINT_ROUTE, how & 1 ? XMB_DENY : XMB_ALLOW, XMB_DENY_POLICY);
    xmb_fakehost_late(how >> 1 & 1);
    if (how & 4)
        xmpp_s2s_LTX_xmb_plugin.protocol->policy_changed(xmb_fakehost_wself(module));
}

static void on_connection(void *arg, const struct s2_connection *c)
{
    uint64_t *id = arg;

    *id = c->id;
    REQUIRE(c->state != NULL && c->pair_count <= S2_SHOW_PAIRS);
}

static void operate(uint8_t how)
{
    struct s2_worker *w = xmb_fakehost_wself(module);
    uint64_t id = 0;

    s2_component_walk(w, on_connection, &id);
    if (how & 1)
        s2_component_clear(w, id);
    if (how == 128 && !drained) {
        drained = 1;
        xmb_fakehost_drain(module, 1000);
    }
}

/* --- what must hold -------------------------------------------------------------------------- */

static const struct peer *peer_of(const struct xmb_conn *c)
{
    unsigned i;

    for (i = 0; i < PEERS; i++)
        if (peers[i].conn == c)
            return &peers[i];
    return NULL;
}

static void check(void)
{
    const struct s2_worker *w = xmb_fakehost_wself(module);
    const struct s2_component *c;
    unsigned i, open[2] = {0, 0};

    for (c = w->components; c != NULL; c = c->next) {
        const struct peer *p = peer_of(c->conn);

        if (p == NULL) /* forgotten */
            continue;
        REQUIRE(p->knew_secret || (c->state != CO_OPEN && c->stanzas_in == 0 && c->pairs == NULL));
        open[p->which] += c->state == CO_OPEN;
    }
    REQUIRE(open[0] <= 1 && open[1] <= 1);
    for (i = 0; counts && i < STEPS_MAX; i++)
        REQUIRE(came_back[i] <= 1 && arrived[i] <= 1);
}

/* --- steps ----------------------------------------------------------------------------------- */

static void disturb(struct peer *p, struct input *in, uint8_t what)
{
    switch (what % 8) {
    case 0:
        xmb_fakehost_hangup(p->conn, "gone");
        break;
    case 1:
        xmb_fakehost_advance((uint64_t)octet(in) * octet(in));
        break;
    case 2:
        reload(octet(in));
        break;
    case 3:
        policy(octet(in));
        break;
    case 4:
        operate(octet(in));
        break;
    case 5:
        send_to_it(octet(in));
        break;
    case 6:
        xmb_fakehost_unacked(p->conn, octet(in));
        break;
    default:
        xmb_fakehost_run();
    }
}

static void speak(struct peer *p, struct input *in, uint8_t what)
{
    switch (what % 8) {
    case 0:
        shake(p, octet(in));
        break;
    case 1:
        say_raw(p, in);
        break;
    case 2:
        say_deep(p, octet(in));
        break;
    case 3:
    case 4:
        say_stanza(p, octet(in));
        break;
    default:
        say_word(p, in, what % 8 == 5);
    }
}

static void step(struct input *in)
{
    uint8_t what = octet(in);
    struct peer *p = &peers[what & (PEERS - 1)];

    what >>= 2;
    if (p->conn == NULL || what < 4) {
        connect_peer(p, octet(in));
    } else if (what < 8) {
        hear(p, what & 1);
    } else if (what < 48) {
        speak(p, in, what);
        if (what & 16)
            xmb_fakehost_run();
    } else {
        disturb(p, in, what);
    }
    check();
}

static void open_host(void)
{
    memset(peers, 0, sizeof(peers));
    memset(came_back, 0, sizeof(came_back));
    memset(arrived, 0, sizeof(arrived));
    said = sent = 0;
    drained = 0;
    counts = 1;
    xmb_fakehost_open();
    xmb_fakehost_log_level(XMB_LOG_ERROR);
    module = xmb_fakehost_load(&xmpp_s2s_LTX_xmb_plugin);
    REQUIRE(module != NULL);
    REQUIRE(xmb_fakehost_configure(module, LISTENS SERVER BOTS GATE) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct input in = {data, size};
    unsigned i, steps = 0;

    open_host();
    while (in.n > 0 && steps++ < STEPS_MAX)
        step(&in);
    xmb_fakehost_run();
    for (i = 0; i < PEERS; i++)
        if (peers[i].conn != NULL)
            hear(&peers[i], 0);
    check();
    xmb_fakehost_close();
    return 0;
}
