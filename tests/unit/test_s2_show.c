/* SPDX-License-Identifier: MIT */
/*
 * test_s2_show.c - the operator's commands of the gateway: status and its reasons, connections,
 * domains, clear. Streams and flows are made up here.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/timex.h>
#include <time.h>

#include <cmocka.h>

#include <xmb/fakehost.h>

#include "health.h"
#include "privacy.h"
#include "s2_stubs.h"

extern const struct xmb_plugin xmpp_s2s_LTX_xmb_plugin;

static struct xmb_module *module;
static struct s2_worker *w;

#define SETTINGS                                                                                   \
    "<listen side='outside' address='192.0.2.254' tls='o'/>"                                       \
    "<listen side='inside' address='10.0.0.1' tls='i'/>"                                           \
    "<local-domain name='a.test'><server address='10.0.0.5'/></local-domain>"                      \
    "<local-domain name='rooms.a.test'><server address='10.0.0.5'/></local-domain>"

static void configured(const char *inner)
{
    if (xmb_fakehost_configure(module, inner) != 0)
        fail_msg("refused: %s", xmb_fakehost_faults());
    w = xmb_fakehost_wself(module);
}

static int begin(void **state)
{
    (void)state;
    memset(&s2_stubs, 0, sizeof(s2_stubs));
    xmb_fakehost_open();
    module = xmb_fakehost_load(&xmpp_s2s_LTX_xmb_plugin);
    return module != NULL ? 0 : -1;
}

static int end(void **state)
{
    (void)state;
    xmb_fakehost_close();
    return 0;
}

static const char *run(const char *words)
{
    const char *text = NULL;

    assert_int_equal(xmb_fakehost_command(module, words, NULL, 0, &text), 0);
    return text;
}

static void has(const char *text, const char *part)
{
    if (strstr(text, part) == NULL)
        fail_msg("no \"%s\" in:\n%s", part, text);
}

/* --- status ---------------------------------------------------------------------------------- */

static void status_active(void **state)
{
    const char *text;

    (void)state;
    configured(SETTINGS "<dialback secret='top'/>");
    text = run("show federation status");
    has(text, "status=active\n");
    has(text, "reason=null\n");
    has(text, "a.test\n");
    has(text, "security_mode=tls-required\n");
    has(text, "privacy_mode=null\n"); /* no allow-deny here */
    has(text, "side=inside\nmode=tls-optional\n");
    has(text, "address=192.0.2.254\nport=5269\n");
    has(text, "check=local domains\nresult=ok\n");
    has(text, "check=dialback secret\nresult=ok\n");
    has(text, "state=untried\n");
    has(text, "streams_incoming=0\n");
    assert_null(strstr(text, "top\n"));
}

static int names_a_alone(const char *profile, const char *name, struct xmb_tls_own *own)
{
    own->covers = strcmp(name, "a.test") == 0;
    own->not_after_s = (int64_t)time(NULL) + 15 * 86400;
    snprintf(own->file, sizeof(own->file), "%s.pem", profile);
    return 0;
}

static int ends_soon(const char *profile, const char *name, struct xmb_tls_own *own)
{
    names_a_alone(profile, name, own);
    own->covers = 1;
    own->not_after_s = (int64_t)time(NULL) + 13 * 86400 + 60;
    return 0;
}

static int has_ended(const char *profile, const char *name, struct xmb_tls_own *own)
{
    ends_soon(profile, name, own);
    own->not_after_s = (int64_t)time(NULL) - 60;
    return 0;
}

static int has_none(const char *profile, const char *name, struct xmb_tls_own *own)
{
    (void)profile;
    (void)name;
    (void)own;
    return 0;
}

/* R52. */
static void status_certificates(void **state)
{
    (void)state;
    configured(SETTINGS);
    has(run("show federation status"), "check=certificates\nresult=ok\n");
    xmb_fakehost_tls_own(names_a_alone);
    has(run("show federation status"), "check=certificates\nresult=missing\n"
                                       "what=rooms.a.test is not named by o.pem\n");
    xmb_fakehost_tls_own(ends_soon);
    has(run("show federation status"), "result=missing\nwhat=a.test: o.pem expires in 13 days\n");
    xmb_fakehost_tls_own(has_ended);
    has(run("show federation status"), "result=missing\nwhat=a.test: o.pem has expired\n");
    xmb_fakehost_tls_own(has_none);
    has(run("show federation status"), "what=a.test: TLS profile o has no certificate\n");
    configured("<federation use='no'/>" SETTINGS);
    has(run("show federation status"), "check=certificates\nresult=ok\n");
}

static void status_inactive(void **state)
{
    (void)state;
    configured("");
    has(run("show federation status"), "status=inactive\nreason=there is no local domain\n");
    configured("<federation use='no'/>" SETTINGS);
    has(run("show federation status"), "status=inactive\nreason=it is switched off");
    configured("<security mode='no-tls'/><listen side='inside'/>"
               "<local-domain name='a.test'><server address='10.0.0.5'/></local-domain>");
    has(run("show federation status"), "reason=there is no listener outside\n");
    configured("<listen side='outside' tls='o'/>"
               "<local-domain name='a.test'><server address='10.0.0.5'/></local-domain>");
    has(run("show federation status"), "reason=there is no listener inside\n");
}

/* R60: inactive when the inside cannot be reached; one of several domains is a reason, no more. */
static void status_inside_down(void **state)
{
    struct s2_domain a, rooms;
    const char *text;

    (void)state;
    configured(SETTINGS);
    assert_int_equal(s2_domain_read(xmb_str("a.test"), &a), 0);
    assert_int_equal(s2_domain_read(xmb_str("rooms.a.test"), &rooms), 0);
    s2_health_note(w->module->health, &a, "connection refused");
    text = run("show federation status");
    has(text, "status=active\nreason=a.test: connection refused\n");
    has(text, "check=servers inside\nresult=missing\n");
    has(text, "state=unreachable\nreason=connection refused\n");
    s2_health_note(w->module->health, &rooms, "no route to host");
    has(run("show federation status"), "status=inactive\n");
    s2_health_note(w->module->health, &a, NULL);
    s2_health_note(w->module->health, &rooms, NULL);
    text = run("show federation status");
    has(text, "status=active\nreason=null\n");
    has(text, "state=reachable\n");
}

/* A domain that was removed and comes back begins anew. */
static void health_forgets(void **state)
{
    char why[S2_HEALTH_WHY];
    struct s2_domain rooms;

    (void)state;
    configured(SETTINGS);
    assert_int_equal(s2_domain_read(xmb_str("rooms.a.test"), &rooms), 0);
    s2_health_note(w->module->health, &rooms, "x");
    assert_int_equal(s2_health_read(w->module->health, &rooms, why), S2_REACH_DOWN);
    configured("<listen side='outside' tls='o'/><listen side='inside'/>"
               "<local-domain name='a.test'><server address='10.0.0.5'/></local-domain>");
    assert_int_equal(s2_health_read(w->module->health, &rooms, why), S2_REACH_UNTRIED);
}

static const char *allow_list(void)
{
    return "allow-list";
}

static uint32_t none_listed(void)
{
    return 0;
}

static void status_privacy(void **state)
{
    static const struct s2_privacy privacy = {sizeof(privacy), 0, allow_list, none_listed};
    const char *text;

    (void)state;
    configured(SETTINGS);
    w->module->privacy = &privacy;
    text = run("show federation status");
    has(text, "privacy_mode=allow-list\ndomains_listed=0\n");
    has(text, "check=lists\nresult=missing\nwhat=the allow list is empty");
}

/* --- what has to be in order (R65) ----------------------------------------------------------- */

static int clock_state; /* what the kernel says of its clock */

/* Instead of the system's. */
int ntp_adjtime(struct timex *t)
{
    assert_int_equal(t->modes, 0); /* it is asked, and not set */
    return clock_state;
}

/* The row of one check is there, with that result and a reason that begins so. */
static void checked(const char *name, int ok, const char *what)
{
    char row[128];

    snprintf(row, sizeof(row), "check=%s\nresult=%s\nwhat=%s", name, ok ? "ok" : "missing", what);
    has(run("show federation status"), row);
}

static void status_switch_and_domains(void **state)
{
    (void)state;
    configured(SETTINGS);
    checked("federation", 1, "<federation use=>");
    checked("local domains", 1, "at least one");
    checked("dialback secret", 0, "one secret for all nodes");
    configured("<federation use='no'/>" SETTINGS "<dialback secret='top'/>");
    checked("federation", 0, "<federation use=>");
    checked("dialback secret", 1, "one secret for all nodes");
    configured("");
    checked("federation", 1, "<federation use=>");
    checked("local domains", 0, "at least one");
}

#define DOMAIN "<local-domain name='a.test'><server address='10.0.0.5'/></local-domain>"

/* R42: a listener on the port where others look, on each side; that of the other does not do. */
static void status_ports(void **state)
{
    static const char outside[] = "a listener on 5269, where other servers look";
    static const char inside[] = "a listener on 5269, where servers inside are sent";

    (void)state;
    configured(SETTINGS);
    checked("port outside", 1, outside);
    checked("port inside", 1, inside);
    configured("<listen side='outside' address='192.0.2.254' port='5270' tls='o'/>"
               "<listen side='inside' address='10.0.0.1' tls='i'/>" DOMAIN);
    checked("port outside", 0, outside);
    checked("port inside", 1, inside);
    configured("<listen side='outside' address='192.0.2.254' tls='o'/>"
               "<listen side='inside' address='10.0.0.1' port='5270' tls='i'/>" DOMAIN);
    checked("port outside", 1, outside);
    checked("port inside", 0, inside);
    configured("<listen side='outside' address='192.0.2.254' port='5270' tls='o'/>"
               "<listen side='outside' address='192.0.2.254' tls='o'/>"
               "<listen side='inside' address='10.0.0.1' tls='i'/>" DOMAIN);
    checked("port outside", 1, outside);
}

/* R46. */
static void status_clock(void **state)
{
    (void)state;
    configured(SETTINGS);
    clock_state = TIME_OK;
    checked("clock", 1, "kept by NTP");
    clock_state = TIME_ERROR;
    checked("clock", 0, "kept by NTP");
    clock_state = -1; /* it may not be asked */
    checked("clock", 0, "kept by NTP");
    clock_state = TIME_OK;
}

static const char *deny_list(void)
{
    return "deny-list";
}

static uint32_t one_listed(void)
{
    return 1;
}

static void status_lists(void **state)
{
    static const struct s2_privacy allowed = {sizeof(allowed), 0, allow_list, one_listed};
    static const struct s2_privacy denied = {sizeof(denied), 0, deny_list, none_listed};

    (void)state;
    configured(SETTINGS);
    checked("lists", 0, "allow-deny is not loaded");
    w->module->privacy = &allowed;
    checked("lists", 1, "allow-list");
    w->module->privacy = &denied;
    checked("lists", 1, "deny-list");
}

static const char *const known_checks[] = {
    "federation",      "local domains", "port outside", "port inside", "servers inside",
    "dialback secret", "certificates",  "lists",        "clock",
};

/* A row that no test above knows is not told. */
static void status_has_no_other_check(void **state)
{
    const char *at;
    size_t i = 0;

    (void)state;
    configured(SETTINGS);
    for (at = run("show federation status"); (at = strstr(at, "check=")) != NULL; i++) {
        at += strlen("check=");
        assert_true(i < sizeof(known_checks) / sizeof(known_checks[0]));
        assert_int_equal(strncmp(at, known_checks[i], strlen(known_checks[i])), 0);
        assert_int_equal(at[strlen(known_checks[i])], '\n');
    }
    assert_int_equal(i, sizeof(known_checks) / sizeof(known_checks[0]));
}

/* --- connections ----------------------------------------------------------------------------- */

static struct s2_domain domain(const char *text)
{
    struct s2_domain d;

    assert_int_equal(s2_domain_read(xmb_str(text), &d), 0);
    return d;
}

static void connections(void **state)
{
    struct s2_pair_facts pairs[] = {
        {domain("a.test"), domain("b.test"), "verified", "dialback"},
        {domain("rooms.a.test"), domain("b.test"), "pending", NULL},
    };
    struct s2_connection in = {.id = UINT64_C(18446744073709551615), .direction = XMB_INCOMING,
                               .side = S2_OUTSIDE, .state = "open", .verified_by = "dialback",
                               .stanzas_in = 5, .stanza_ms = 995000, .pair_count = 2,
                               .pairs = pairs};
    struct s2_connection out = {.id = 7, .direction = XMB_OUTGOING, .side = S2_INSIDE,
                                .state = "connecting", .stanza_ms = 1000000, .bidi = 1};
    const char *text;

    (void)state;
    configured(SETTINGS);
    in.conn = xmb_fakehost_accept(module, 0, NULL);
    assert_non_null(in.conn);
    s2_stubs.in = &in;
    s2_stubs.out = &out;
    s2_stubs.in_count = s2_stubs.out_count = 1;
    text = run("show federation connections");
    has(text, "id=18446744073709551615\naddress=192.0.2.1\nport=49152\ndirection=incoming\n");
    has(text, "side=outside\nstate=open\n");
    has(text, "local=a.test\nremote=b.test\nstate=verified\nverified_by=dialback\n");
    has(text, "local=rooms.a.test\nremote=b.test\nstate=pending\nverified_by=null\n");
    has(text, "tls=null\n");
    has(text, "idle_seconds=5\nstanzas_in=5\nstanzas_out=0\n");
    has(text, "id=7\naddress=null\nport=null\n");
    has(text, "direction=outgoing\nside=inside\nstate=connecting\n");
    has(text, "verified_by=null\nsm=false\nbidi=true\n");
}

static const char *clear(const char *what, int expected)
{
    const char *text = NULL;

    assert_int_equal(xmb_fakehost_command(module, "clear federation connection", &what,
                                          what != NULL, &text),
                     expected);
    return text;
}

static void clearing(void **state)
{
    struct s2_connection in[2] = {{.id = 5}, {.id = 6}};
    struct s2_connection out = {.id = 7};

    (void)state;
    configured(SETTINGS);
    s2_stubs.in = in;
    s2_stubs.in_count = 2;
    s2_stubs.out = &out;
    s2_stubs.out_count = 1;
    has(clear("7", 0), "cleared=1\n");
    assert_int_equal(s2_stubs.cleared[0], 7);
    has(clear("8", 0), "cleared=0\n");
    has(clear("all", 0), "cleared=3\n");
    assert_int_equal(s2_stubs.cleared_count, 4);
    has(clear("seven", XMB_EINVAL), "seven is no id");
    has(clear("7x", XMB_EINVAL), "7x is no id");
    has(clear("99999999999999999999", XMB_EINVAL), "is no id");
    has(clear(NULL, XMB_EINVAL), "which connection");
}

/* --- domains --------------------------------------------------------------------------------- */

static void domains(void **state)
{
    struct s2_domain a = domain("a.test"), b = domain("b.test");
    struct s2_flow_facts flows[] = {
        {.from = &a, .to = &b, .to_side = S2_OUTSIDE, .state = "backoff", .waiting = 3,
         .waiting_bytes = 900, .last_error = "connection refused", .last_error_ms = 990000,
         .next_try_ms = 1004000, .bounced = 2},
        {.from = &b, .to = &a, .to_side = S2_INSIDE, .state = "flowing", .delivered = 12,
         .unconfirmed = 1},
    };
    const char *text;

    (void)state;
    configured(SETTINGS);
    s2_stubs.flows = flows;
    s2_stubs.flow_count = 2;
    text = run("show federation domains");
    has(text, "from=a.test\nto=b.test\nto_side=outside\nstate=backoff\nwaiting=3\n");
    has(text, "last_error=connection refused\nlast_error_seconds=10\nnext_try_seconds=4\n");
    has(text, "from=b.test\nto=a.test\nto_side=inside\nstate=flowing\n");
    has(text, "delivered=12\n");
    has(text, "last_error=null\nlast_error_seconds=null\nnext_try_seconds=null\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define T(f) cmocka_unit_test_setup_teardown(f, begin, end)
        T(status_active), T(status_certificates), T(status_inactive), T(status_inside_down),
        T(health_forgets), T(status_privacy), T(status_switch_and_domains), T(status_ports),
        T(status_clock), T(status_lists), T(status_has_no_other_check), T(connections),
        T(clearing), T(domains),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
