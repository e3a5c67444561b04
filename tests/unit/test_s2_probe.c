/* SPDX-License-Identifier: MIT */
/*
 * test_s2_probe.c - `test federation domain`: steps, results and ends, with the whole plugin in a
 * fake host.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <xmb/fakehost.h>

#include "gateway.h"

extern const struct xmb_plugin xmpp_s2s_LTX_xmb_plugin;

#define SETTINGS                                                                                   \
    "<listen side='outside' tls='o'/><listen side='inside'/>"                                      \
    "<local-domain name='a.test'><server address='10.0.0.5'/></local-domain>"                      \
    "<local-domain name='c.test'><server address='10.0.0.5'/></local-domain>"
#define HEADER                                                                                     \
    "<?xml version='1.0'?><stream:stream xmlns='jabber:server' xmlns:db='jabber:server:dialback' " \
    "xmlns:stream='http://etherx.jabber.org/streams' from='b.test' to='a.test' id='i' "            \
    "version='1.0'>"
#define STARTTLS "<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>"
#define DIALBACK "<dialback xmlns='urn:xmpp:features:dialback'><errors/></dialback>"

static struct xmb_module *module;

static int begin(void **state)
{
    struct xmb_cert_name name = {sizeof(name), XMB_CERT_DNS, XMB_STR("b.test")};
    struct xmb_tls_peer peer = {.size = sizeof(peer), .names = &name, .name_count = 1};

    (void)state;
    xmb_fakehost_open();
    module = xmb_fakehost_load(&xmpp_s2s_LTX_xmb_plugin);
    if (module == NULL || xmb_fakehost_configure(module, SETTINGS) != 0)
        return -1;
    xmb_fakehost_tls_peer(NULL, &peer);
    return 0;
}

static int end(void **state)
{
    (void)state;
    xmb_fakehost_close();
    return 0;
}

static int run(const char *domain, const char *local)
{
    const char *args[] = {domain, local};

    return xmb_fakehost_command(module, "test federation domain", args, local != NULL ? 2 : 1,
                                NULL);
}

static void route_to_b(void)
{
    struct xmb_route r = {.size = sizeof(r), .domain = XMB_STR("b.test")};

    r.addr = (struct xmb_addr){.family = 4, .port = 5269, .ip = {192, 0, 2, 9}};
    assert_int_equal(xmb_fakehost_host()->router->update(module, r.domain, &r, 1), 0);
}

static void says(int is_whole, const char *part)
{
    const char *text;

    assert_int_equal(xmb_fakehost_answer(&text), is_whole);
    if (strstr(text, part) == NULL)
        fail_msg("no \"%s\" in:\n%s", part, text);
}

static void say(struct xmb_conn *c, const char *text)
{
    xmb_fakehost_feed(c, xmb_str(text));
    xmb_fakehost_run();
}

static struct xmb_conn *connected(void)
{
    struct xmb_conn *c;

    route_to_b();
    assert_int_equal(run("b.test", NULL), 0);
    xmb_fakehost_advance(0);
    c = xmb_fakehost_connect(module);
    assert_non_null(c);
    return c;
}

static struct xmb_conn *secured(void)
{
    struct xmb_conn *c = connected();

    say(c, HEADER "<stream:features>" STARTTLS "</stream:features>");
    say(c, "<proceed xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>");
    return c;
}

static void every_step_is_told(void **state)
{
    struct xmb_conn *c = secured();

    (void)state;
    say(c, HEADER "<stream:features>" DIALBACK "</stream:features>");
    says(0, "step=tls\nresult=ok\n");
    say(c, "<db:result from='b.test' to='a.test' type='valid'/>");
    says(1, "domain=b.test\nlocal_domain=a.test\nsteps[\n");
    says(1, "step=policy\nresult=ok\n");
    says(1, "step=route\nresult=ok\nms=0\nwhat=192.0.2.9 port 5269, priority 0\n");
    says(1, "step=connect\nresult=ok\nms=0\nwhat=192.0.2.9:5269\n");
    says(1, "what=STARTTLS\n");
    says(1, "certificate=good\nnames_the_domain=true\n");
    says(1, "step=dialback\nresult=ok\n");
    says(1, "]\nresult=ok\nreason=null\nms=0\n");
    xmb_fakehost_advance(0);
    assert_non_null(xmb_fakehost_closed(c)); /* nobody else wants it */
}

static void what_fails_is_told(void **state)
{
    struct xmb_conn *c;

    (void)state;
    assert_int_equal(run("nowhere.test", NULL), 0);
    xmb_fakehost_advance(0);
    says(1, "step=route\nresult=failed\n");
    says(1, "]\nresult=failed\nreason=no route");

    c = connected();
    xmb_fakehost_hangup(c, "reset by peer");
    xmb_fakehost_advance(0);
    says(1, "step=stream\nresult=failed\n");

    c = secured();
    say(c, HEADER "<stream:features>" DIALBACK "</stream:features>");
    say(c, "<db:result from='b.test' to='a.test' type='invalid'/>");
    xmb_fakehost_advance(0);
    says(1, "step=dialback\nresult=failed\n");
}

static void certificate_that_is_refused(void **state)
{
    struct xmb_cert_name name = {sizeof(name), XMB_CERT_DNS, XMB_STR("evil.test")};
    struct xmb_tls_peer peer = {.size = sizeof(peer), .names = &name, .name_count = 1};

    (void)state;
    xmb_fakehost_tls_peer(NULL, &peer);
    (void)secured();
    xmb_fakehost_advance(0);
    says(1, "step=tls\nresult=failed\n");
    says(1, "names_the_domain=false\n");
    says(1, "names[\nevil.test\n]\n");
}

static void nobody_there(void **state)
{
    (void)state;
    route_to_b();
    assert_int_equal(run("b.test", "c.test"), 0);
    xmb_fakehost_advance(0);
    says(0, "local_domain=c.test\n");
    assert_int_equal(xmb_fakehost_refuse(module, "connection refused"), 1);
    xmb_fakehost_advance(0);
    says(1, "step=connect\nresult=failed\nms=0\nwhat=192.0.2.9:5269: connection refused\n");
}

static void it_is_bounded_in_time(void **state)
{
    (void)state;
    route_to_b();
    assert_int_equal(run("b.test", NULL), 0);
    xmb_fakehost_advance(0);
    says(0, "step=route\n");
    xmb_fakehost_advance(91000); /* the fake host's dials never end by themselves */
    says(1, "step=connect\nresult=failed\n");
    says(1, "]\nresult=failed\nreason=none of its servers could be connected within ");
}

static void words_that_mean_nothing(void **state)
{
    (void)state;
    assert_int_equal(run("c@d", NULL), XMB_EINVAL);
    says(1, "error: which foreign domain: c@d is none\n");
    assert_int_equal(run("a.test", "c.test"), XMB_EINVAL);
    says(1, "error: a.test is a local domain: test it alone\n");
    assert_int_equal(run("b.test", "b.test"), XMB_EINVAL);
    says(1, "error: b.test is no local domain\n");
}

/* Where the world is sent for a domain of ours (R6). */
static void route_to_ours(uint8_t last)
{
    struct xmb_route r = {.size = sizeof(r), .domain = XMB_STR("a.test")};

    r.addr = (struct xmb_addr){.family = 4, .port = 5269, .ip = {192, 0, 2, last}};
    assert_int_equal(xmb_fakehost_host()->router->update(module, r.domain, &r, 1), 0);
    assert_int_equal(xmb_fakehost_configure(module,
        "<listen side='outside' address='192.0.2.1' tls='o'/><listen side='inside'/>"
        "<local-domain name='a.test'><server address='10.0.0.5'/></local-domain>"), 0);
    assert_int_equal(run("a.test", NULL), 0);
    xmb_fakehost_advance(0);
}

static void a_local_domain_leads_here(void **state)
{
    (void)state;
    route_to_ours(1);
    says(1, "result=ok\nreason=what the world is told of the domain leads here\n");
    assert_int_equal(xmb_fakehost_dials(), 0);
}

static void a_local_domain_leads_elsewhere(void **state)
{
    (void)state;
    route_to_ours(9);
    assert_int_equal(xmb_fakehost_refuse(module, "connection refused"), 1);
    xmb_fakehost_advance(0);
    says(1, "]\nresult=failed\nreason=what the world is told of the domain does not lead here: ");
}

/* Behind address translation its own refusal is what it sees of itself. */
static void a_local_domain_is_translated(void **state)
{
    struct xmb_conn *c;

    (void)state;
    route_to_ours(9);
    c = xmb_fakehost_connect(module);
    say(c, HEADER "<stream:error><invalid-from xmlns='urn:ietf:params:xml:ns:xmpp-streams'/>"
                  "</stream:error></stream:stream>");
    xmb_fakehost_refuse(module, "connection refused");
    xmb_fakehost_advance(0);
    says(1, "reason=what the world is told of the domain leads here\n");
}

/* Words of the peer are not a condition. */
static void a_local_domain_is_another_server(void **state)
{
    struct xmb_conn *c;

    (void)state;
    route_to_ours(9);
    c = xmb_fakehost_connect(module);
    say(c, HEADER "<stream:error><policy-violation xmlns='urn:ietf:params:xml:ns:xmpp-streams'/>"
                  "<text xmlns='urn:ietf:params:xml:ns:xmpp-streams'>invalid-from</text>"
                  "</stream:error></stream:stream>");
    xmb_fakehost_refuse(module, "connection refused");
    xmb_fakehost_advance(0);
    says(1, "policy-violation: invalid-from");
    says(1, "result=failed\nreason=what the world is told of the domain does not lead here: ");
}

static unsigned count(const char *part)
{
    const char *text;
    unsigned n = 0;

    (void)xmb_fakehost_answer(&text);
    for (; (text = strstr(text, part)) != NULL; text++)
        n++;
    return n;
}

/* Many peers end the stream when they cannot verify us; others do not even offer dialback. */
static void stream_that_ends_over_dialback(void **state)
{
    struct xmb_conn *c = secured();

    (void)state;
    say(c, HEADER "<stream:features>" DIALBACK "</stream:features>");
    say(c, "<stream:error><remote-connection-failed "
           "xmlns='urn:ietf:params:xml:ns:xmpp-streams'/></stream:error>");
    xmb_fakehost_advance(0);
    says(1, "step=dialback\nresult=failed\nms=0\nwhat=the peer ended the stream with remote-conn");
    assert_int_equal(count("step=dialback\n"), 1);

    c = secured();
    say(c, HEADER "<stream:features/>"); /* the header's namespace stands for the feature */
    xmb_fakehost_hangup(c, "reset by peer");
    xmb_fakehost_advance(0);
    says(1, "step=dialback\nresult=failed\n");
    assert_int_equal(count("step=dialback\n"), 1);
}

static void certificate_that_is_missing(void **state)
{
    struct xmb_tls_peer peer = {.size = sizeof(peer), .fault = XMB_CERT_MISSING};

    (void)state;
    xmb_fakehost_tls_peer(NULL, &peer);
    (void)secured();
    xmb_fakehost_advance(0);
    says(1, "step=tls\nresult=failed\n");
    says(1, "expires_days=null\n");
}

/* What policy denies is tried in any case; what is not to be dialled at all is not. */
static void federation_is_off(void **state)
{
    (void)state;
    assert_int_equal(xmb_fakehost_configure(module, "<federation use='no'/>" SETTINGS), 0);
    route_to_b();
    assert_int_equal(run("b.test", NULL), 0);
    xmb_fakehost_advance(0);
    says(1, "step=policy\nresult=denied\nms=0\nwhat=federation is switched off\n}\n]\n");
    says(1, "]\nresult=failed\nreason=federation is switched off\n");
    assert_null(xmb_fakehost_connect(module));
}

/* It would keep its stream, and so the broker, until the time for the stop is over. */
static void the_broker_drains(void **state)
{
    struct xmb_conn *c = secured();

    (void)state;
    say(c, HEADER "<stream:features>" DIALBACK "</stream:features>");
    says(0, "step=features\n");
    xmb_fakehost_drain(module, 60000);
    xmb_fakehost_advance(0);
    says(1, "]\nresult=failed\nreason=the broker stops\n");
    assert_non_null(xmb_fakehost_closed(c));

    assert_int_equal(run("b.test", NULL), XMB_EINVAL);
    says(1, "error: the broker stops\n");
}

/* Its answer is finished before the host is gone, which the host checks. */
static void the_broker_stops(void **state)
{
    (void)state;
    route_to_b();
    assert_int_equal(run("b.test", NULL), 0);
    xmb_fakehost_advance(0);
    says(0, "step=route\n");
    xmb_fakehost_close();
    xmb_fakehost_open();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define T(f) cmocka_unit_test_setup_teardown(f, begin, end)
        T(a_local_domain_leads_here), T(a_local_domain_leads_elsewhere),
        T(a_local_domain_is_translated), T(a_local_domain_is_another_server),
        T(every_step_is_told),     T(what_fails_is_told), T(certificate_that_is_refused),
        T(nobody_there),           T(it_is_bounded_in_time), T(words_that_mean_nothing),
        T(the_broker_stops),       T(the_broker_drains),     T(federation_is_off),
        T(stream_that_ends_over_dialback), T(certificate_that_is_missing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
