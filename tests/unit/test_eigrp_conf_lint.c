/* SPDX-License-Identifier: MIT */
/*
 * test_eigrp_conf_lint.c - keys of the SAF forwarder's configuration: where they come from, when
 * they count, what is refused; and the advice that is given about all of it.
 */
#include "eigrp_conf_rig.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define IFACE(text) "<sf-interface name='default'>\n" text "</sf-interface>"
#define X10 "0123456789"
#define X80 X10 X10 X10 X10 X10 X10 X10 X10

/* --- keys ------------------------------------------------------------------------------------- */

static const struct se_iface_conf *authenticated(const char *attributes)
{
    char inner[600];

    snprintf(inner, sizeof(inner), IFACE("<authentication %s/>"), attributes);
    return &eigrp_family(inner)->otherwise;
}

static void not_authenticated(const char *attributes, const char *fault)
{
    char inner[600];

    snprintf(inner, sizeof(inner), IFACE("<authentication %s/>"), attributes);
    eigrp_family_refused(inner, fault);
    assert_null(strstr(xmb_fakehost_faults(), X10));
}

static void own_keys(void **state)
{
    const struct se_iface_conf *i = authenticated("key='a'");

    (void)state;
    assert_int_equal(i->auth.mode, SE_AUTH_SHA256); /* the default */
    assert_ptr_equal(i->auth.keys, i->chain->keys);
    assert_string_equal(i->chain->name, "");
    assert_int_equal(i->auth.key_count, 1);
    assert_int_equal(i->auth.keys[0].id, 1);
    assert_int_equal(i->auth.keys[0].send_from_s, 0);
    assert_int_equal(i->auth.keys[0].accept_from_s, 0);
    assert_true(i->auth.keys[0].send_until_s == SE_TIME_FOREVER);
    assert_true(i->auth.keys[0].accept_until_s == SE_TIME_FOREVER);
    i = authenticated("mode='md5' key='a' key-id='2147483647' encryption='0'");
    assert_int_equal(i->auth.mode, SE_AUTH_MD5);
    assert_int_equal(i->auth.keys[0].id, 2147483647);
    i = authenticated("mode='hmac-sha-256' key='094F471A1A0A' encryption='7'");
    assert_true(xmb_str_eq(i->auth.keys[0].password, XMB_STR("cisco")));
    i = authenticated("mode='none'");
    assert_int_equal(i->auth.mode, SE_AUTH_NONE);
    assert_null(i->chain);
}

static void lengths_of_keys(void **state)
{
    (void)state;
    assert_int_equal(authenticated("key='" X10 X10 X10 "12'")->auth.keys[0].password.n, 32);
    assert_int_equal(authenticated("mode='md5' key='" X80 "'")->auth.keys[0].password.n, 80);
    not_authenticated("key='" X10 X10 X10 "123'",
                      "4: key 1 has 33 octets; with hmac-sha-256 1 to 32 are allowed");
    not_authenticated("mode='md5' key='" X80 "1'",
                      "4: the key of <authentication> has 81 octets; 1 to 80 are allowed");
}

static void faults_of_keys(void **state)
{
    (void)state;
    not_authenticated("", "4: <authentication> needs key or key-file");
    not_authenticated("mode='md5'", "4: <authentication> needs key or key-file");
    not_authenticated("key='" X10 "' key-file='/nowhere'", "both 'key' and 'key-file'");
    not_authenticated("key-file='/nowhere'", "4: ");
    not_authenticated("key='" X10 "' key-id='2147483648'", "expected 0 to 2147483647");
    not_authenticated("key='" X10 "' key-chain='a'", "has key-chain and a key; leave one out");
    not_authenticated("key-id='1' key-chain='a'", "has key-chain and a key");
    not_authenticated("mode='none' key='" X10 "'", "4: mode none has no key");
    not_authenticated("mode='sha'", "4: ");
}

static void obfuscated_keys(void **state)
{
    static const char *const bad[] = {"0", "09", "094", "094F4", "094G", "xx4F", "534F", "0964"};
    char attributes[200];
    size_t i;

    (void)state;
    for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        snprintf(attributes, sizeof(attributes), "key='%s' encryption='7'", bad[i]);
        if (strcmp(bad[i], "0964") == 0) /* the octet of the ring: a NUL */
            snprintf(attributes, sizeof(attributes), "key='092C' encryption='7'");
        not_authenticated(attributes, "4: the key of <authentication> is not a password of "
                                      "encryption 7");
    }
}

static void file_of_a_key(void **state)
{
    const char *folder = getenv("XMB_TMP");
    char path[256], attributes[400];
    int fd;

    (void)state;
    snprintf(path, sizeof(path), "%s/key-XXXXXX", folder != NULL ? folder : "/tmp");
    fd = mkstemp(path);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, "094F471A1A0A\nmore\n", 18), 18);
    assert_int_equal(fchmod(fd, 0600), 0);
    close(fd);
    snprintf(attributes, sizeof(attributes), "key-file='%s' encryption='7'", path);
    assert_true(xmb_str_eq(authenticated(attributes)->auth.keys[0].password, XMB_STR("cisco")));
    unlink(path);
    not_authenticated(attributes, "4: ");
}

/* --- key chains ------------------------------------------------------------------------------- */

#define USES(mode)                                                                                 \
    "\n<service-family address-family='ipv4' autonomous-system='1'><sf-interface name='default'>"  \
    "<authentication mode='" mode "' key-chain='K'/></sf-interface></service-family>"

static void chains(void **state)
{
    const struct se_conf *c = eigrp_conf(
        "<key-chain name='K'><key id='5' string='five five five' send-from='2026-01-31' "
        "send-until='2026-02-28T23:59:59Z' accept-from='1993-01-01' "
        "accept-until='2100-03-01T00:00:00Z'/>"
        "<key id='0' string='02050D480809' encryption='7'/></key-chain>" USES("md5"));
    const struct se_auth_policy *auth = &c->families[0].otherwise.auth;

    (void)state;
    assert_int_equal(c->chain_count, 1);
    assert_string_equal(c->chains[0].name, "K");
    assert_ptr_equal(c->families[0].otherwise.chain, &c->chains[0]);
    assert_int_equal(auth->key_count, 2);
    assert_int_equal(auth->keys[0].id, 5);
    assert_int_equal(auth->keys[0].send_from_s, 1769817600);
    assert_int_equal(auth->keys[0].send_until_s, 1772323199);
    assert_int_equal(auth->keys[0].accept_from_s, 725846400);
    assert_true(auth->keys[0].accept_until_s == INT64_C(4107542400));
    assert_int_equal(auth->keys[1].id, 0);
    assert_true(xmb_str_eq(auth->keys[1].password, XMB_STR("cisco")));
    assert_true(auth->keys[1].send_until_s == SE_TIME_FOREVER);
}

static void faults_of_chains(void **state)
{
    (void)state;
    eigrp_refused("<key-chain name='K'/>", "2: ");
    eigrp_refused("<key-chain name='K'>\n<key id='1'/></key-chain>",
                  "3: <key> needs string or string-file");
    eigrp_refused("<key-chain name='K'><key id='1' string='a'/>\n<key id='1' string='b'/>"
                  "</key-chain>", "3: key chain \"K\" has two keys with the id 1");
    eigrp_refused("<key-chain name='K'><key id='2147483648' string='a'/></key-chain>",
                  "expected 0 to 2147483647");
    eigrp_refused("<key-chain name='K'><key id='1' string='a'/></key-chain>\n"
                  "<key-chain name='K'><key id='1' string='a'/></key-chain>",
                  "3: key chain \"K\" is here a second time");
    eigrp_refused("<key-chain name='K'><key id='7' string='" X10 X10 X10 "123'/></key-chain>"
                  USES("hmac-sha-256"), "3: key 7 has 33 octets; with hmac-sha-256");
    eigrp_conf("<key-chain name='K'><key id='7' string='" X10 X10 X10 "123'/></key-chain>"
               USES("md5"));
    eigrp_refused("<key-chain name='K'><key id='1' string='a' send-from='2026-01-02' "
                  "send-until='2026-01-02'/></key-chain>",
                  "2: send-until is not later than send-from: the key would never be used");
}

static void faults_of_times(void **state)
{
    static const char *const bad[] = {
        "", "2026", "2026-1-1", "1992-12-31", "2026-13-01", "2026-00-01", "2026-02-29",
        "2100-02-29", "2026-04-31", "2026-01-00", "2026-01-01 00:00:00", "2026-01-01T00:00:00",
        "2026-01-01T24:00:00Z", "2026-01-01T00:60:00Z", "2026-01-01T00:00:60Z",
        "2026-01-01T00:00Z", "2026-01-01T00:00:00+01:00", "2026-01-01x", "infinite",
    };
    char inner[300];
    size_t i;

    (void)state;
    for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        snprintf(inner, sizeof(inner), "<key-chain name='K'>\n<key id='1' string='a' "
                                       "accept-from='%s'/></key-chain>", bad[i]);
        eigrp_refused(inner, "3: attribute 'accept-from' of <key> is '");
    }
    eigrp_conf("<key-chain name='K'><key id='1' string='a' send-from='2024-02-29' "
               "accept-from='2000-02-29T23:59:59Z'/></key-chain>");
}

/* --- advice ----------------------------------------------------------------------------------- */

#define GOOD "<authentication key='" X10 "ab'/>"

/* The log has `count` lines with `text`. */
static void said(const char *text, int count)
{
    const char *at = xmb_fakehost_log();
    int n = 0;

    for (; (at = strstr(at, text)) != NULL; at += strlen(text))
        n++;
    if (n != count)
        fail_msg("\"%s\" %d times, not %d, in: %s", text, n, count, xmb_fakehost_log());
}

static void advised(const char *inner, const char *text)
{
    eigrp_family(inner);
    said(text, 1);
    said("warn", 1);
}

static void no_advice(void **state)
{
    (void)state;
    eigrp_family("<sf-interface name='default'>" GOOD "</sf-interface>");
    assert_string_equal(xmb_fakehost_log(), "");
    eigrp_family("<sf-interface name='default' shutdown='yes'/><sf-interface name='a'>" GOOD
                 "</sf-interface>");
    assert_string_equal(xmb_fakehost_log(), "");
    eigrp_conf("<service-family address-family='ipv4' autonomous-system='1' shutdown='yes'/>");
    assert_string_equal(xmb_fakehost_log(), "");
}

/* Advice comes when the configuration does, and not with faults or with a check. */
static void once(void **state)
{
    (void)state;
    eigrp_family("");
    said("no authentication", 1);
    xmb_fakehost_log_clear();
    eigrp_family_refused("<topology threshold='0'/>", "3: ");
    assert_string_equal(xmb_fakehost_log(), "");
}

static void advice_on_authentication(void **state)
{
    (void)state;
    advised("", "ipv4 1228 default: line 2: no authentication on interfaces that are not named");
    advised("<sf-interface name='default'>" GOOD "</sf-interface>\n"
            "<sf-interface name='a'><authentication mode='none'/></sf-interface>",
            "ipv4 1228 a: line 4: no authentication: whoever reaches the link");
    advised("<sf-interface name='default' shutdown='yes'/><sf-interface name='a'/>",
            "ipv4 1228 a: line 3: no authentication: whoever");
    advised("<sf-interface name='default'><authentication mode='md5' key='" X10 "ab'/>"
            "</sf-interface><sf-interface name='a'/>", "MD5 leaves the last 20 octets");
    advised("<sf-interface name='default'><authentication key='" X10 "a'/></sf-interface>",
            "ipv4 1228 default: line 3: the key has 11 octets; below 12");
    assert_null(strstr(xmb_fakehost_log(), X10));
    eigrp_conf("<key-chain name='K'>\n<key id='3' string='short'/></key-chain>" USES("md5"));
    said("warn saf-eigrp K: line 2: key 3 has 5 octets; below 12", 1);
    eigrp_conf("<key-chain name='K'><key id='3' string='" X10 "ab' send-until='2027-01-01'/>"
               "</key-chain>" USES("hmac-sha-256"));
    said("K: line 2: the key chain ends", 1);
    said("warn", 1);
}

static void advice_on_timers(void **state)
{
    (void)state;
    advised("<sf-interface name='default' hello-interval='10' hold-time='19'>" GOOD
            "</sf-interface>", "hold-time 19s is below twice the hello-interval");
    advised("<sf-interface name='default' hello-interval='10'>" GOOD "</sf-interface>",
            "hold-time 15s is below twice the hello-interval");
    advised("<sf-interface name='default'>" GOOD "</sf-interface>\n"
            "<sf-interface name='a' hello-interval='1'/>",
            "ipv4 1228 a: line 4: hello-interval was changed and hold-time was not: neighbours "
            "still wait 15s");
    eigrp_family("<sf-interface name='default' hello-interval='10' hold-time='20'>" GOOD
                 "</sf-interface><sf-interface name='a' hello-interval='5' hold-time='15'/>"
                 "<sf-interface name='b' nbma='yes' split-horizon='no'/>");
    assert_string_equal(xmb_fakehost_log(), "");
}

static void advice_on_neighbours(void **state)
{
    static const char two[] = "<sf-interface name='default'>" GOOD "</sf-interface>"
                              "<neighbor address='10.0.0.2' interface='a'/>"
                              "<neighbor address='10.0.0.3' interface='a'/>";
    char inner[600];

    (void)state;
    snprintf(inner, sizeof(inner), "%s<sf-interface name='a'/>", two);
    advised(inner, "ipv4 1228 a: line 3: split-horizon is on and several neighbours");
    snprintf(inner, sizeof(inner), "%s<sf-interface name='a' split-horizon='no'/>", two);
    eigrp_family(inner);
    assert_string_equal(xmb_fakehost_log(), "");
    advised("<sf-interface name='default'>" GOOD "</sf-interface>"
            "<sf-interface name='a' nbma='yes'/>", "a hub needs split-horizon=\"no\"");
    advised("<sf-interface name='default' ttl-min='2'>" GOOD "</sf-interface>",
            "ttl-min is above 1");
    advised("<sf-interface name='default'>" GOOD "</sf-interface>"
            "<sf-interface name='a' shutdown='yes'/><neighbor address='10.0.0.2' interface='a'/>",
            "ipv4 1228 a: line 3: <neighbor> has no effect, since the interface is shut down");
    advised("<sf-interface name='default'>" GOOD "</sf-interface>"
            "<sf-interface name='a' shutdown='yes'/>"
            "<remote-neighbors source='a' mode='unicast-listen'/>",
            "<remote-neighbors> has no effect");
}

/* With remote neighbours, split horizon is by neighbour, and packets have whatever TTL is left. */
static void no_advice_on_remotes(void **state)
{
    (void)state;
    eigrp_family("<sf-interface name='default'>" GOOD "</sf-interface>"
                 "<sf-interface name='lo' ttl-min='2' nbma='yes'/>"
                 "<neighbor address='10.0.0.2' interface='lo' remote='9'/>"
                 "<neighbor address='10.0.0.3' interface='lo' remote='9'/>");
    assert_string_equal(xmb_fakehost_log(), "");
}

#define QUIET "<sf-interface name='default'>" GOOD "</sf-interface>\n"

static void advice_on_processes(void **state)
{
    (void)state;
    advised("<sf-interface name='default' shutdown='yes'/>", "every interface is shut down");
    advised(QUIET "<topology threshold='80'/>",
            "ipv4 1228: line 4: threshold has no effect without maximum-services");
    advised(QUIET "<topology maximum-services='5' entries-max='4'/>",
            "maximum-services is above entries-max");
    advised(QUIET "<timers nsf-converge='120'/>", "nsf-converge and nsf-signal have no effect");
    advised(QUIET "<timers active-time='disabled'/>", "active-time is disabled");
    advised(QUIET "<metric-weights k1='0' k3='0'/>", "k1 and k3 are 0");
    advised(QUIET "<topology tolerant='yes'/>", "tolerant: packets of two wrong forms");
    advised(QUIET "<stub receive-only='yes'/><xmpp-domains>"
            "<announce domain='a' address='10.0.0.1'/></xmpp-domains>",
            "a stub that only receives announces no domain either");
}

/* An operator with a thousand interfaces does not get a thousand lines. */
static void much_advice(void **state)
{
    char *inner = calloc(1, 64 << 10), *at = inner;
    int i;

    (void)state;
    assert_non_null(inner);
    for (i = 0; i < 300; i++)
        at += sprintf(at, "<sf-interface name='i%d'><authentication mode='none'/>"
                          "</sf-interface>", i);
    eigrp_family(inner);
    said("no authentication", 200);
    said("101 more warnings about the configuration are left out", 1);
    free(inner);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define T(f) cmocka_unit_test_setup_teardown(f, eigrp_conf_begin, eigrp_conf_end)
        T(own_keys), T(lengths_of_keys), T(faults_of_keys), T(obfuscated_keys), T(file_of_a_key),
        T(chains), T(faults_of_chains), T(faults_of_times), T(no_advice), T(once),
        T(advice_on_authentication), T(advice_on_timers), T(advice_on_neighbours),
        T(no_advice_on_remotes), T(advice_on_processes), T(much_advice),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
