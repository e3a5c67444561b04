/* SPDX-License-Identifier: MIT */
/*
 * test_s2_admit.c - who may speak to whom: the two sides, the policy chain, answers that come late.
 * And that connections are dispatched by direction, drained and rechecked.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <xmb/fakehost.h>

#include "admit.h"
#include "s2_stubs.h"

extern const struct xmb_plugin xmpp_s2s_LTX_xmb_plugin;

static struct xmb_module *module;
static struct s2_worker *w;

#define SETTINGS                                                                                   \
    "<listen side='outside' tls='o'/><listen side='inside' tls='i'/>"                              \
    "<local-domain name='a.test'><server address='10.0.0.5'/></local-domain>"                      \
    "<local-domain name='rooms.a.test'><server address='10.0.0.5'/></local-domain>"

static int begin(void **state)
{
    (void)state;
    memset(&s2_stubs, 0, sizeof(s2_stubs));
    xmb_fakehost_open();
    module = xmb_fakehost_load(&xmpp_s2s_LTX_xmb_plugin);
    if (module == NULL || xmb_fakehost_configure(module, SETTINGS) != 0)
        return -1;
    w = xmb_fakehost_wself(module);
    return 0;
}

static int end(void **state)
{
    (void)state;
    xmb_fakehost_close();
    return 0;
}

static struct s2_domain domain(const char *text)
{
    struct s2_domain d;

    assert_int_equal(s2_domain_read(xmb_str(text), &d), 0);
    return d;
}

static enum s2_admission sides(enum s2_side side, const char *from, const char *to)
{
    struct s2_domain f = domain(from), t = domain(to != NULL ? to : "unused.test");

    return s2_admit_sides(w->conf, side, &f, to != NULL ? &t : NULL);
}

static void both_sides(void **state)
{
    (void)state;
    assert_int_equal(sides(S2_OUTSIDE, "b.test", "a.test"), S2_ADMIT_OK);
    assert_int_equal(sides(S2_OUTSIDE, "b.test", "ROOMS.A.test"), S2_ADMIT_OK);
    assert_int_equal(sides(S2_OUTSIDE, "b.test", NULL), S2_ADMIT_OK);
    assert_int_equal(sides(S2_OUTSIDE, "a.test", "rooms.a.test"), S2_ADMIT_LOCAL_FROM);
    assert_int_equal(sides(S2_OUTSIDE, "A.TEST.", NULL), S2_ADMIT_LOCAL_FROM);
    assert_int_equal(sides(S2_OUTSIDE, "b.test", "c.test"), S2_ADMIT_NOT_SERVED);
    assert_int_equal(sides(S2_OUTSIDE, "b.test", "sub.a.test"), S2_ADMIT_NOT_SERVED);
    assert_int_equal(sides(S2_INSIDE, "a.test", "b.test"), S2_ADMIT_OK);
    assert_int_equal(sides(S2_INSIDE, "a.test", NULL), S2_ADMIT_OK);
    assert_int_equal(sides(S2_INSIDE, "b.test", "c.test"), S2_ADMIT_FOREIGN_FROM);
    assert_int_equal(sides(S2_INSIDE, "b.test", "a.test"), S2_ADMIT_FOREIGN_FROM);
    assert_int_equal(sides(S2_INSIDE, "a.test", "rooms.a.test"), S2_ADMIT_LOCAL_TO);
}

static void switched_off(void **state)
{
    (void)state;
    assert_int_equal(xmb_fakehost_configure(module, SETTINGS "<federation use='no'/>"), 0);
    assert_int_equal(sides(S2_OUTSIDE, "b.test", "a.test"), S2_ADMIT_OFF);
    assert_int_equal(sides(S2_INSIDE, "a.test", "b.test"), S2_ADMIT_OFF);
    assert_null(xmb_fakehost_accept(module, 0, NULL));
    assert_int_equal(s2_stubs.opened_in, 0);
}

static unsigned lates;
static enum s2_admission last;

static void on_late(void *arg, enum s2_admission result)
{
    assert_ptr_equal(arg, &lates);
    lates++;
    last = result;
}

static enum s2_admission admit(enum s2_side side, const char *from, const char *to, uint64_t *id)
{
    struct s2_domain f = domain(from), t = domain(to);

    lates = 0;
    return s2_admit(w, side, &f, &t, NULL, on_late, &lates, id);
}

static void chain_at_once(void **state)
{
    uint64_t id = 0;

    (void)state;
    assert_int_equal(admit(S2_OUTSIDE, "b.test", "a.test", &id), S2_ADMIT_OK);
    xmb_fakehost_verdict(XMB_POINT_ROUTE, XMB_DENY, XMB_DENY_POLICY);
    assert_int_equal(admit(S2_OUTSIDE, "b.test", "a.test", &id), S2_ADMIT_DENIED);
    assert_int_equal(admit(S2_INSIDE, "a.test", "b.test", &id), S2_ADMIT_DENIED);
    assert_int_equal(xmb_fakehost_metric(module, "denied"), 2);
    /* The sides go first: no question is asked about a spoof. */
    assert_int_equal(admit(S2_OUTSIDE, "a.test", "a.test", &id), S2_ADMIT_LOCAL_FROM);
    assert_int_equal(xmb_fakehost_metric(module, "denied"), 2);
}

static void chain_late(void **state)
{
    uint64_t first = 0, second = 0;

    (void)state;
    xmb_fakehost_late(1);
    assert_int_equal(admit(S2_OUTSIDE, "b.test", "a.test", &first), S2_ADMIT_LATER);
    assert_int_equal(admit(S2_INSIDE, "a.test", "b.test", &second), S2_ADMIT_LATER);
    assert_int_not_equal(first, second);
    assert_int_equal(lates, 0);
    xmb_fakehost_run();
    assert_int_equal(lates, 2);
    assert_int_equal(last, S2_ADMIT_OK);
    s2_admit_cancel(w, first); /* answered: nothing to cancel */
    xmb_fakehost_verdict(XMB_POINT_ROUTE, XMB_DENY, XMB_DENY_POLICY);
    assert_int_equal(admit(S2_INSIDE, "a.test", "b.test", &second), S2_ADMIT_LATER);
    xmb_fakehost_run();
    assert_int_equal(lates, 1);
    assert_int_equal(last, S2_ADMIT_DENIED);
}

static void cancelled(void **state)
{
    uint64_t first = 0, second = 0, third = 0;

    (void)state;
    xmb_fakehost_late(1);
    assert_int_equal(admit(S2_OUTSIDE, "b.test", "a.test", &first), S2_ADMIT_LATER);
    assert_int_equal(admit(S2_OUTSIDE, "c.test", "a.test", &second), S2_ADMIT_LATER);
    assert_int_equal(admit(S2_OUTSIDE, "d.test", "a.test", &third), S2_ADMIT_LATER);
    s2_admit_cancel(w, second);
    s2_admit_cancel(w, second);
    s2_admit_cancel(w, 0);
    s2_admit_cancel(w, 999);
    xmb_fakehost_run();
    assert_int_equal(lates, 2);
    /* One is left open when the worker ends: it is freed (the sanitizer looks). */
    assert_int_equal(admit(S2_OUTSIDE, "e.test", "a.test", &first), S2_ADMIT_LATER);
}

/* What policy is asked: the foreign domain in its canonical form, whichever way it goes. */
static struct xmb_request seen;
static char seen_foreign[64];

static int spy_check(void *wself, const struct xmb_request *request, struct xmb_answer *answer,
                     struct xmb_ticket *ticket)
{
    (void)wself;
    (void)answer;
    (void)ticket;
    seen = *request;
    memcpy(seen_foreign, request->foreign.p, request->foreign.n);
    seen_foreign[request->foreign.n] = '\0';
    return XMB_ALLOW;
}

static int spy_init(const struct xmb_host *host, struct xmb_module *m, void **self)
{
    (void)host;
    (void)m;
    (void)self;
    return 0;
}

static const struct xmb_module_ops spy_ops = {.size = sizeof(spy_ops), .init = spy_init};
static const struct xmb_policy spy_role = {
    .size = sizeof(spy_role), .points = XMB_POINT_ROUTE, .check = spy_check};
XMB_PLUGIN(spy, .version = "1", .ops = &spy_ops, .policy = &spy_role);

static void the_question(void **state)
{
    struct s2_domain from = domain("B\xc3\xbc" "cher.Example."), to = domain("A.test");
    struct xmb_addr remote = {.family = 4, .port = 5269, .ip = {192, 0, 2, 9}};
    struct xmb_module *spy = xmb_fakehost_load(&spy_LTX_xmb_plugin);
    uint64_t id;

    (void)state;
    assert_int_equal(xmb_fakehost_configure(spy, ""), 0);
    assert_int_equal(s2_admit(w, S2_OUTSIDE, &from, &to, &remote, on_late, &lates, &id),
                     S2_ADMIT_OK);
    assert_string_equal(seen_foreign, "xn--bcher-kva.example");
    assert_ptr_equal(seen.asker, module);
    assert_memory_equal(&seen.remote, &remote, sizeof(remote));
    assert_int_equal(s2_admit(w, S2_INSIDE, &to, &from, NULL, on_late, &lates, &id), S2_ADMIT_OK);
    assert_string_equal(seen_foreign, "xn--bcher-kva.example");
    assert_int_equal(seen.remote.family, 0);
}

/* --- s2_plugin.c ----------------------------------------------------------------------------- */

static void by_direction(void **state)
{
    struct xmb_target target = {.size = sizeof(target)};
    struct xmb_conn *in, *out;
    int user;

    (void)state;
    target.address = (struct xmb_addr){.family = 4, .port = 5269, .ip = {192, 0, 2, 9}};
    in = xmb_fakehost_accept(module, 0, NULL);
    assert_non_null(in);
    assert_int_equal(s2_host->conn->dial(xmb_fakehost_worker(), module, &target, &user), 0);
    out = xmb_fakehost_connect(module);
    assert_non_null(out);
    assert_int_equal(s2_stubs.opened_in, 1);
    assert_int_equal(s2_stubs.opened_out, 1);
    xmb_fakehost_feed(in, XMB_STR("a"));
    xmb_fakehost_feed(out, XMB_STR("b"));
    assert_int_equal(s2_stubs.data_in, 1);
    assert_int_equal(s2_stubs.data_out, 1);
    xmb_fakehost_drain(module, 7000);
    xmb_fakehost_run();
    assert_int_equal(s2_stubs.drained_ms, 7000);
    assert_int_equal(s2_stubs.drained_conns, 2);
    xmb_fakehost_hangup(out, "gone");
    xmb_fakehost_hangup(in, "gone");
    assert_int_equal(s2_stubs.closed_in, 1);
    assert_int_equal(s2_stubs.closed_out, 1);
}

static void rechecked(void **state)
{
    (void)state;
    assert_int_equal(s2_stubs.rechecks, 0);
    assert_int_equal(xmb_fakehost_configure(module, SETTINGS "<idle-timeout seconds='9'/>"), 0);
    assert_int_equal(s2_stubs.rechecks, 1);
    xmpp_s2s_LTX_xmb_plugin.protocol->policy_changed(w);
    assert_int_equal(s2_stubs.rechecks, 2);
}

static void texts(void **state)
{
    int a;

    (void)state;
    for (a = S2_ADMIT_OK; a <= S2_ADMIT_OFF; a++)
        assert_true(strlen(s2_admission_text((enum s2_admission)a)) > 3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define T(f) cmocka_unit_test_setup_teardown(f, begin, end)
        T(both_sides), T(switched_off), T(chain_at_once), T(chain_late), T(cancelled),
        T(the_question), T(by_direction), T(rechecked), T(texts),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
