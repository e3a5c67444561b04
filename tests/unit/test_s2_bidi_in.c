/* SPDX-License-Identifier: MIT */
/*
 * test_s2_bidi_in.c - both directions on a stream that a peer opened (XEP-0288): the whole plugin
 * in a fake host. Inside is a component, bots.a.test; outside b.test connects, proves itself by its
 * certificate or by dialback, and gets what the component sends on its own stream.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <openssl/evp.h>

#include <xmb/fakehost.h>

#include "flow.h"

extern const struct xmb_plugin xmpp_s2s_LTX_xmb_plugin;

#define SETTINGS(bidi, more)                                                                       \
    "<listen side='outside' tls='o'/><listen side='inside'/>"                                      \
    "<local-domain name='bots.a.test'><component address='192.0.2.254' secret='s3cr3t'/>"          \
    "</local-domain><security side='outside' bidi='" bidi "'/>" more
enum { OUTSIDE = 0, INSIDE = 1, COMPONENT = 2 };

#define BIDI "<bidi xmlns='urn:xmpp:bidi'/>"
#define FEATURE "<bidi xmlns='urn:xmpp:features:bidi'/>"
#define STARTTLS "<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>"
#define AUTH                                                                                       \
    "<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='EXTERNAL'>=</auth>"
#define HEADER(from, to, id)                                                                       \
    "<?xml version='1.0'?><stream:stream xmlns='jabber:server' "                                   \
    "xmlns:stream='http://etherx.jabber.org/streams' xmlns:db='jabber:server:dialback' "           \
    "from='" from "' to='" to "' id='" id "' version='1.0'>"
#define HELLO HEADER("b.test", "bots.a.test", "")
#define MESSAGE(n)                                                                                 \
    "<message from='bot@bots.a.test' to='u@b.test' id='" n "'><body>hi</body></message>"

static struct xmb_module *module;
static struct s2_worker *w;
static struct xmb_conn *bot; /* the component */

/* --- both ends ------------------------------------------------------------------------------- */

/* What it was sent since the last call, as text. */
static const char *heard(struct xmb_conn *c)
{
    static char text[65536];
    struct xmb_str out;

    xmb_fakehost_advance(0);
    out = xmb_fakehost_output(c);
    assert_true(out.n < sizeof(text));
    memcpy(text, out.p, out.n);
    text[out.n] = '\0';
    xmb_fakehost_take(c, out.n);
    return text;
}

static void has(const char *text, const char *part)
{
    if (strstr(text, part) == NULL)
        fail_msg("no \"%s\" in:\n%s", part, text);
}

static void has_not(const char *text, const char *part)
{
    if (strstr(text, part) != NULL)
        fail_msg("\"%s\" is in:\n%s", part, text);
}

static void say(struct xmb_conn *c, const char *text)
{
    assert_int_equal(xmb_fakehost_feed(c, xmb_str(text)), 0);
    xmb_fakehost_advance(0);
}

static uint64_t metric(const char *name)
{
    return xmb_fakehost_metric(module, name);
}

static void connect_component(void)
{
    unsigned char sum[EVP_MAX_MD_SIZE];
    char text[256], hex[64], id[64];
    unsigned n = 0, i;

    bot = xmb_fakehost_accept(module, COMPONENT, NULL);
    assert_non_null(bot);
    say(bot, "<stream:stream xmlns='jabber:component:accept' "
             "xmlns:stream='http://etherx.jabber.org/streams' to='bots.a.test'>");
    assert_int_equal(sscanf(strstr(heard(bot), " id='"), " id='%63[0-9a-f]'", id), 1);
    snprintf(text, sizeof(text), "%ss3cr3t", id);
    assert_int_equal(EVP_Digest(text, strlen(text), sum, &n, EVP_sha1(), NULL), 1);
    for (i = 0; i < n; i++)
        snprintf(hex + 2 * i, 3, "%02x", sum[i]);
    snprintf(text, sizeof(text), "<handshake>%s</handshake>", hex);
    say(bot, text);
    has(heard(bot), "<handshake/>");
}

static int begin_with(const char *settings)
{
    struct xmb_cert_name names[] = {{sizeof(names[0]), XMB_CERT_DNS, XMB_STR("b.test")},
                                    {sizeof(names[0]), XMB_CERT_DNS, XMB_STR("b2.test")}};
    struct xmb_tls_peer peer = {
        .size = sizeof(peer), .subject = "CN=b", .names = names, .name_count = 2};

    xmb_fakehost_open();
    module = xmb_fakehost_load(&xmpp_s2s_LTX_xmb_plugin);
    if (module == NULL || xmb_fakehost_configure(module, settings) != 0) {
        print_error("%s", xmb_fakehost_faults());
        return -1;
    }
    w = xmb_fakehost_wself(module);
    xmb_fakehost_tls_peer(NULL, &peer);
    connect_component();
    return 0;
}

static int begin(void **state)
{
    (void)state;
    return begin_with(SETTINGS("yes", ""));
}

static int begin_without(void **state)
{
    (void)state;
    return begin_with(SETTINGS("no", ""));
}

static int end(void **state)
{
    (void)state;
    xmb_fakehost_close();
    return 0;
}

/* A stream of b.test behind TLS and our features, which are returned. */
static struct xmb_conn *secured(const char **features)
{
    struct xmb_conn *c = xmb_fakehost_accept(module, OUTSIDE, NULL);

    assert_non_null(c);
    say(c, HELLO);
    has_not(heard(c), "bidi");
    say(c, STARTTLS);
    has(heard(c), "<proceed");
    say(c, HELLO);
    *features = heard(c);
    return c;
}

/* `ask`: what is said before SASL. Verified by EXTERNAL. */
static struct xmb_conn *verified_with(const char *ask)
{
    const char *text;
    struct xmb_conn *c = secured(&text);

    say(c, ask);
    say(c, AUTH);
    has(heard(c), "<success");
    say(c, HELLO);
    text = heard(c);
    has(text, "</stream:features>");
    has_not(text, "urn:xmpp:features:bidi");
    return c;
}

static struct xmb_conn *verified(void)
{
    return verified_with(BIDI);
}

/* The ping that confirms is answered on the same stream. */
static void answer(struct xmb_conn *c, const char *ping, const char *mark)
{
    char id[80], text[256];

    has(ping, "urn:xmpp:ping");
    has(ping, mark);
    assert_int_equal(sscanf(strstr(ping, mark), "id='%79[^']'", id), 1);
    snprintf(text, sizeof(text), "<iq type='result' from='b.test' to='bots.a.test' id='%s'/>", id);
    say(c, text);
}

static void answer_ping(struct xmb_conn *c)
{
    xmb_fakehost_advance(1100);
    answer(c, heard(c), "id='xmb-");
}

/* Meanwhile the peer is asked whether it is there, and is. */
static void wait_and_answer(struct xmb_conn *c, uint64_t ms)
{
    const char *text;

    for (; ms > 0 && xmb_fakehost_closed(c) == NULL; ms -= 1000) {
        xmb_fakehost_advance(1000);
        text = xmb_fakehost_closed(c) == NULL ? heard(c) : "";
        if (strstr(text, "id='xmb.") != NULL)
            answer(c, text, "id='xmb.");
    }
}

/* --- it is asked for ------------------------------------------------------------------------- */

static void offered_behind_tls(void **state)
{
    const char *text;

    (void)state;
    secured(&text);
    has(text, FEATURE);
}

static void not_offered_when_it_is_off(void **state)
{
    struct xmb_conn *c;
    const char *text;

    (void)state;
    c = secured(&text);
    has_not(text, "bidi");
    say(c, BIDI AUTH);
    has(heard(c), "<success");
    say(c, HELLO);
    say(bot, MESSAGE("m1"));
    has_not(heard(c), "<message");
    assert_int_equal(xmb_fakehost_closed(c) == NULL, 1);
}

static void not_asked_for(void **state)
{
    struct xmb_conn *c = verified_with("");

    (void)state;
    say(bot, MESSAGE("m1"));
    has_not(heard(c), "<message");
    has(heard(bot), "remote-server-not-found"); /* it was looked for in DNS */
}

/* In plain it is nothing, and is forgotten with all that was said there. */
static void asked_for_too_early(void **state)
{
    struct xmb_conn *c = xmb_fakehost_accept(module, OUTSIDE, NULL);

    (void)state;
    say(c, HELLO BIDI STARTTLS);
    has(heard(c), "<proceed");
    say(c, HELLO);
    say(c, AUTH);
    has(heard(c), "<success");
    say(c, HELLO);
    say(bot, MESSAGE("m1"));
    has_not(heard(c), "<message");
}

static void asked_for_too_late(void **state)
{
    struct xmb_conn *c = verified_with("");

    (void)state;
    say(c, BIDI);
    say(bot, MESSAGE("m1"));
    has_not(heard(c), "<message");
    assert_null(xmb_fakehost_closed(c));
}

/* --- stanzas --------------------------------------------------------------------------------- */

static void both_ways(void **state)
{
    struct xmb_conn *c = verified();

    (void)state;
    say(c, "<message from='u@b.test' to='bot@bots.a.test' id='q'/>");
    has(heard(bot), "id='q'");
    say(bot, MESSAGE("m1"));
    has(heard(c), MESSAGE("m1"));
    assert_int_equal(xmb_fakehost_dials(), 0);
    assert_int_equal(metric("unconfirmed"), 2);
    answer_ping(c);
    assert_int_equal(metric("confirmed"), 1);
    assert_int_equal(metric("streams_in"), 2);
    assert_int_equal(metric("streams_out"), 1); /* the component's other direction */
    assert_int_equal(metric("stanzas_out"), 2);
}

/* The stream is there, and the header behind SASL is not: nothing may be said yet. */
static void not_before_the_header_behind_sasl(void **state)
{
    const char *text;
    struct xmb_conn *c;

    (void)state;
    c = secured(&text);
    say(c, BIDI AUTH);
    has(heard(c), "<success");
    say(bot, MESSAGE("m1"));
    xmb_fakehost_advance(100);
    assert_string_equal(heard(c), "");
    say(c, HELLO);
    say(bot, MESSAGE("m2"));
    text = heard(c);
    has(text, "</stream:features>");
    assert_true(strstr(text, "</stream:features>") < strstr(text, MESSAGE("m2")));
}

/* The peer cannot be dialled; what waited for that goes over its stream as soon as there is one. */
static void what_waited_goes_too(void **state)
{
    struct xmb_conn *c;
    const char *text;

    (void)state;
    xmb_fakehost_hangup(verified(), "gone"); /* it was there a moment ago: stanzas wait */
    xmb_fakehost_advance(10);
    say(bot, MESSAGE("m1"));
    heard(bot);
    c = verified();
    say(bot, MESSAGE("m2"));
    text = heard(c);
    has(text, MESSAGE("m2"));
}

static void limit_of_the_peer(void **state)
{
    struct xmb_conn *c =
        verified_with("<bidi xmlns='urn:xmpp:bidi'><limits xmlns='urn:xmpp:stream-limits:0'>"
                      "<max-bytes>60</max-bytes></limits></bidi>");

    (void)state;
    say(bot, MESSAGE("m1"));
    assert_string_equal(heard(c), "");
    xmb_fakehost_advance(100);
    has(heard(bot), "<policy-violation ");
}

/* An answer of ours waits for room that stanzas have taken; the stream is not cut off. */
static void an_answer_waits_for_room(void **state)
{
    struct xmb_conn *c = verified();
    char all[4096] = "";
    unsigned i;

    (void)state;
    xmb_fakehost_bound(c, sizeof(MESSAGE("m1")) * 2);
    say(bot, MESSAGE("m1") MESSAGE("m2") MESSAGE("m3"));
    say(c, "<db:verify from='b.test' to='bots.a.test' id='S'>wrong</db:verify>"
           "<db:verify from='b.test' to='bots.a.test' id='T'>wrong</db:verify>");
    assert_null(xmb_fakehost_closed(c));
    assert_true(xmb_fakehost_paused(c));
    has(heard(c), MESSAGE("m1") MESSAGE("m2"));
    for (i = 0; i < 6; i++)
        strncat(all, heard(c), sizeof(all) - strlen(all) - 1);
    has(all, "id='S' type='invalid'/>");
    has(all, "id='T' type='invalid'/>");
    has(all, MESSAGE("m3"));
    assert_false(xmb_fakehost_paused(c));
}

static void a_full_queue_stops_the_source(void **state)
{
    struct xmb_conn *c = verified();

    (void)state;
    xmb_fakehost_bound(c, sizeof(MESSAGE("m1")) * 2);
    say(bot, MESSAGE("m1"));
    say(bot, MESSAGE("m2") MESSAGE("m3"));
    assert_true(xmb_fakehost_paused(bot));
    has(heard(c), MESSAGE("m1") MESSAGE("m2"));
    has(heard(c), MESSAGE("m3"));
    assert_false(xmb_fakehost_paused(bot));
}

/* --- dialback -------------------------------------------------------------------------------- */

static void route_to_b(const char *domain)
{
    struct xmb_route r = {.size = sizeof(r)};

    r.domain = xmb_str(domain);
    r.addr = (struct xmb_addr){.family = 4, .port = 5269, .ip = {192, 0, 2, 9}};
    assert_int_equal(xmb_fakehost_host()->router->update(module, r.domain, &r, 1), 0);
}

/* A connection of ours, as b.test's server sees it, up to the features behind TLS. */
static struct xmb_conn *dialled(void)
{
    struct xmb_conn *c;

    xmb_fakehost_advance(0);
    c = xmb_fakehost_connect(module);
    assert_non_null(c);
    say(c, HEADER("b.test", "bots.a.test", "p") "<stream:features>" STARTTLS "</stream:features>");
    say(c, "<proceed xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>");
    heard(c);
    say(c, HEADER("b.test", "bots.a.test", "p2") "<stream:features>"
           "<dialback xmlns='urn:xmpp:features:dialback'><errors/></dialback></stream:features>");
    return c;
}

static void answer_valid(struct xmb_conn *authority, const char *from)
{
    const char *question = heard(authority);
    char id[80], text[256];

    has(question, "<db:verify ");
    assert_int_equal(sscanf(strstr(question, " id='"), " id='%79[^']'", id), 1);
    snprintf(text, sizeof(text),
             "<db:verify from='%s' to='bots.a.test' id='%s' type='valid'/>", from, id);
    say(authority, text);
}

/* The key is verified on a connection of ours, and then the peer's is used for stanzas. */
static void verified_by_dialback(void **state)
{
    struct xmb_conn *c, *authority;
    const char *text;

    (void)state;
    route_to_b("b.test");
    c = secured(&text);
    say(c, BIDI "<db:result from='b.test' to='bots.a.test'>key</db:result>");
    assert_string_equal(heard(c), "");
    authority = dialled();
    answer_valid(authority, "b.test");
    has(heard(c), "type='valid'/>");
    say(bot, MESSAGE("m1"));
    assert_string_equal(heard(c), MESSAGE("m1"));
    has_not(heard(authority), "<message");
}

/* XEP-0288, 2.2: no key is verified on the connection that it came on, whatever stands there. */
static void a_further_key_is_verified_elsewhere(void **state)
{
    struct xmb_conn *c = verified(), *authority;

    (void)state;
    route_to_b("b2.test");
    say(bot, MESSAGE("m1"));
    heard(c);
    say(c, "<db:result from='b2.test' to='bots.a.test'>key</db:result>");
    has_not(heard(c), "db:verify");
    xmb_fakehost_advance(0);
    assert_int_equal(xmb_fakehost_dials(), 1);
    authority = xmb_fakehost_connect(module);
    assert_non_null(authority);
    assert_ptr_not_equal(authority, c);
}

/* --- which stream ---------------------------------------------------------------------------- */

/* A flow that has a stream of its own keeps it; the peer's is there when it is lost. */
static void our_own_stream_stays(void **state)
{
    struct xmb_conn *ours, *c;

    (void)state;
    route_to_b("b.test");
    say(bot, MESSAGE("m1"));
    ours = dialled();
    has(heard(ours), "<db:result ");
    say(ours, "<db:result from='b.test' to='bots.a.test' type='valid'/>");
    has(heard(ours), MESSAGE("m1"));
    c = verified();
    say(bot, MESSAGE("m2"));
    assert_string_equal(heard(c), "");
    has(heard(ours), MESSAGE("m2"));
    say(ours, "</stream:stream>");
    xmb_fakehost_advance(3000);
    say(bot, MESSAGE("m3"));
    has(heard(c), MESSAGE("m3"));
    assert_int_equal(xmb_fakehost_dials(), 0);
}

/* It cannot be reached by us: the dial fails, and there is its stream. */
static void a_dial_that_fails(void **state)
{
    struct xmb_conn *c;

    (void)state;
    route_to_b("b.test");
    say(bot, MESSAGE("m1"));
    assert_int_equal(xmb_fakehost_dials(), 1);
    c = verified();
    assert_string_equal(heard(c), "");
    assert_int_equal(xmb_fakehost_refuse(module, "no way"), 1);
    xmb_fakehost_advance(0);
    assert_string_equal(heard(c), MESSAGE("m1"));
}

static void the_peer_ends_it(void **state)
{
    struct xmb_conn *c = verified();

    (void)state;
    route_to_b("b.test");
    say(bot, MESSAGE("m1"));
    answer_ping(c);
    say(c, "</stream:stream>");
    has(heard(c), "</stream:stream>");
    say(bot, MESSAGE("m2"));
    xmb_fakehost_advance(10);
    assert_int_equal(xmb_fakehost_dials(), 1);
    has_not(heard(bot), "error");
}

/* What left and was not confirmed goes back; what never left goes over the next stream. */
static void the_connection_breaks(void **state)
{
    struct xmb_conn *c = verified(), *next;
    const char *text;

    (void)state;
    route_to_b("b.test");
    say(bot, MESSAGE("m1"));
    has(heard(c), MESSAGE("m1"));
    say(bot, MESSAGE("m2"));
    xmb_fakehost_hangup(c, "reset by peer");
    xmb_fakehost_advance(100);
    text = heard(bot);
    has(text, "id='m1'");
    has(text, "remote-server-timeout");
    has_not(text, "id='m2'");
    xmb_fakehost_advance(5000); /* the wait before the next try is random, up to that */
    next = dialled();
    say(next, "<db:result from='b.test' to='bots.a.test' type='valid'/>");
    has(heard(next), MESSAGE("m2"));
}

/* The ping is not answered: the connection is dead to us, for both directions. */
static void the_peer_answers_nothing(void **state)
{
    struct xmb_conn *c = verified();

    (void)state;
    say(bot, MESSAGE("m1"));
    answer_ping(c);
    say(bot, MESSAGE("m2"));
    has(heard(c), MESSAGE("m2"));
    xmb_fakehost_advance(30000);
    assert_non_null(xmb_fakehost_closed(c));
    has(heard(bot), "remote-server-timeout");
}

static void a_protocol_error_of_the_peer(void **state)
{
    struct xmb_conn *c = verified();

    (void)state;
    say(bot, MESSAGE("m1"));
    heard(c);
    say(c, "<message from='u@x.test' to='bot@bots.a.test'/>");
    has(heard(c), "<invalid-from ");
    xmb_fakehost_advance(100);
    has(heard(bot), "remote-server-timeout");
}

/* --- time, and the operator ------------------------------------------------------------------ */

static void what_we_send_is_use(void **state)
{
    struct xmb_conn *c = verified();
    unsigned i;

    (void)state;
    for (i = 0; i < 3; i++) {
        wait_and_answer(c, 400000);
        assert_null(xmb_fakehost_closed(c));
        say(bot, MESSAGE("m1"));
        answer_ping(c);
    }
    wait_and_answer(c, 620000);
    assert_non_null(xmb_fakehost_closed(c));
}

static void it_is_shown(void **state)
{
    const char *text;

    (void)state;
    verified();
    say(bot, MESSAGE("m1"));
    xmb_fakehost_advance(0);
    assert_int_equal(xmb_fakehost_command(module, "show federation connections", NULL, 0, &text),
                     0);
    has(text, "direction=incoming\nside=outside\n");
    has(strstr(text, "side=outside"), "bidi=true\n");
    has(strstr(text, "side=outside"), "stanzas_out=1\n");
}

static void an_operator_ends_it(void **state)
{
    static const char *const all[] = {"all"};
    struct xmb_conn *c = verified();
    const char *text;

    (void)state;
    say(bot, MESSAGE("m1"));
    answer_ping(c);
    assert_int_equal(xmb_fakehost_command(module, "clear federation connection", all, 1, &text), 0);
    has(heard(c), "</stream:stream>");
    say(c, "</stream:stream>");
    xmb_fakehost_advance(0);
    assert_non_null(xmb_fakehost_closed(c));
}

static void the_broker_stops(void **state)
{
    struct xmb_conn *c = verified();

    (void)state;
    say(bot, MESSAGE("m1"));
    answer_ping(c);
    xmb_fakehost_drain(module, 5000);
    xmb_fakehost_advance(5000);
    has(heard(c), "<system-shutdown ");
}

#define T(f) cmocka_unit_test_setup_teardown(f, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(offered_behind_tls),
        cmocka_unit_test_setup_teardown(not_offered_when_it_is_off, begin_without, end),
        T(not_asked_for),
        T(asked_for_too_early),
        T(asked_for_too_late),
        T(both_ways),
        T(not_before_the_header_behind_sasl),
        T(what_waited_goes_too),
        T(limit_of_the_peer),
        T(an_answer_waits_for_room),
        T(a_full_queue_stops_the_source),
        T(verified_by_dialback),
        T(a_further_key_is_verified_elsewhere),
        T(our_own_stream_stays),
        T(a_dial_that_fails),
        T(the_peer_ends_it),
        T(the_connection_breaks),
        T(the_peer_answers_nothing),
        T(a_protocol_error_of_the_peer),
        T(what_we_send_is_use),
        T(it_is_shown),
        T(an_operator_ends_it),
        T(the_broker_stops),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
