/* SPDX-License-Identifier: MIT */
/*
 * test_eigrp_conf_faults.c - what the SAF forwarder's configuration may not say: bounds of every
 * setting and table, and each fault with its line and words.
 */
#include "eigrp_conf_rig.h"

#include <stdio.h>
#include <stdlib.h>

/* --- faults of families ----------------------------------------------------------------------- */

#define FAMILY(attributes) "<service-family " attributes "/>"

static void processes(void **state)
{
    const struct se_conf *c = eigrp_conf(
        FAMILY("address-family='ipv4' autonomous-system='1'")
        FAMILY("address-family='ipv6' autonomous-system='1'")
        FAMILY("address-family='ipv4' autonomous-system='2'")
        FAMILY("address-family='ipv4' autonomous-system='1' vrf='red'")
        FAMILY("address-family='ipv4' autonomous-system='1' vrf='blue'"));
    size_t i, k;

    (void)state;
    assert_int_equal(c->family_count, 5);
    for (i = 0; i < 5; i++)
        for (k = 0; k < 5; k++)
            assert_int_equal(se_conf_same_process(&c->families[i], &c->families[k]), i == k);
    eigrp_refused(FAMILY("address-family='ipv4' autonomous-system='1' vrf='red'") "\n"
                  FAMILY("address-family='ipv4' autonomous-system='1' vrf='red' shutdown='yes'"),
                  "3: service family ipv4 1 vrf red is here a second time; the first is in line 2");
}

static void faults_of_families(void **state)
{
    (void)state;
    eigrp_refused(FAMILY("address-family='ipv4' autonomous-system='0'"), "expected 1 to 65535");
    eigrp_refused(FAMILY("address-family='ipv4' autonomous-system='65536'"), "expected 1 to 65535");
    eigrp_refused(FAMILY("address-family='ipv4'"), "2: ");
    eigrp_refused(FAMILY("address-family='ipx' autonomous-system='1'"), "2: ");
    eigrp_refused(FAMILY("address-family='ipv4' autonomous-system='1' router-id='0.0.0.0'"),
                  "2: attribute 'router-id' of <service-family> is '0.0.0.0'; a router id is");
    eigrp_refused(FAMILY("address-family='ipv4' autonomous-system='1' router-id='2001:db8::1'"),
                  "a router id is written as an IPv4 address");
    eigrp_refused(FAMILY("address-family='ipv4' autonomous-system='1' vrf='0123456789012345'"),
                  "attribute 'vrf' of <service-family> has 16 octets; 1 to 15 are allowed");
    eigrp_family_refused("<stub connected='yes' receive-only='yes'/>", "3: a stub that only");
    eigrp_family_refused("<stub connected='no'/>", "3: a stub is connected or receive-only");
    eigrp_family_refused("<topology variance='2'/>", "3: variance has no meaning for services");
    eigrp_family_refused("<topology maximum-paths='4'/>",
                         "3: maximum-paths has no meaning for services");
    eigrp_family_refused("<timers graceful-restart-purge-time='20500ms'/>",
                         "is '20500ms'; whole seconds are needed");
}

static void faults_of_interfaces(void **state)
{
    (void)state;
    eigrp_family_refused("<sf-interface name='a'/>\n<sf-interface name='a'/>",
                         "4: a second <sf-interface name=\"a\">");
    eigrp_family_refused("<sf-interface name='default'/>\n<sf-interface name='default'/>",
                         "4: a second <sf-interface name=\"default\">");
    eigrp_family_refused("<sf-interface name='0123456789012345'/>", "has 16 octets; 1 to 15");
    eigrp_family_refused("<sf-interface name='a' delay='10s'/>",
                         "3: attribute 'delay' of <sf-interface> is '10s'; expected tens of");
    eigrp_refused("<service-family address-family='ipv6' autonomous-system='1'>"
                  "<sf-interface name='a' mtu='1279'/></service-family>", "expected 1280 to 65535");
}

static void faults_of_neighbours(void **state)
{
    (void)state;
    eigrp_family_refused("<neighbor address='fe80::2' interface='a'/>",
                         "3: fe80::2 is not an IPv4 address, but this is an ipv4 service family");
    eigrp_family_refused("<neighbor address='224.0.0.10' interface='a'/>",
                         "3: 224.0.0.10 is the address of no neighbour");
    eigrp_family_refused("<neighbor address='127.0.0.1' interface='a'/>", "of no neighbour");
    eigrp_family_refused("<neighbor address='0.0.0.1' interface='a' remote='1'/>",
                         "of no neighbour");
    eigrp_family_refused("<sf-interface name='lo' source='::1'/>",
                         "::1 is not an IPv4 address, but this is an ipv4 service family");
    eigrp_family_refused("<sf-interface name='default' source='127.0.0.2'/>",
                         "source is an address of one interface");
    eigrp_family_refused("<neighbor address='10.0.0.2' interface='default'/>",
                         "must name one interface");
    eigrp_family_refused("<neighbor address='10.0.0.2' interface='a' remote='256'/>",
                         "expected 1 to 255");
    eigrp_family_refused("<neighbor address='10.0.0.2' interface='a'/>\n"
                         "<neighbor address='10.0.0.2' interface='a'/>",
                         "4: neighbour 10.0.0.2 on a is here a second time");
    eigrp_family_refused("<neighbor address='10.0.0.2' interface='a'/>\n"
                         "<neighbor address='10.9.0.2' interface='a' remote='5'/>",
                         "4: a has neighbours on the link and remote ones");
    eigrp_refused("<service-family address-family='ipv6' autonomous-system='1'>\n"
                  "<neighbor address='2001:db8::1' interface='a'/></service-family>",
                  "3: 2001:db8::1 is not link-local");
    eigrp_refused("<service-family address-family='ipv6' autonomous-system='1'>\n"
                  "<neighbor address='fe80::1' interface='a' remote='5'/></service-family>",
                  "3: fe80::1 is link-local, so it cannot be remote");
    eigrp_refused("<service-family address-family='ipv6' autonomous-system='1'>\n"
                  "<neighbor address='10.0.0.1' interface='a'/></service-family>",
                  "3: 10.0.0.1 is not an IPv6 address");
}

#define GROUP(text) "<remote-neighbors source='lo' mode='multicast-group' " text "/>"

static void faults_of_remotes(void **state)
{
    (void)state;
    eigrp_family_refused(GROUP(""), "3: multicast-group needs a group");
    eigrp_family_refused(GROUP("group='10.0.0.1'"), "3: 10.0.0.1 is not a multicast group");
    eigrp_family_refused(GROUP("group='224.0.0.10'"), "3: the group 224.0.0.10 does not leave its");
    eigrp_family_refused(GROUP("group='ff08::88'"), "3: ff08::88 is not an IPv4 address");
    eigrp_family_refused(GROUP("group='239.1.2.3' hops='0'"), "expected 1 to 255");
    eigrp_family_refused(GROUP("group='239.1.2.3' max-neighbors='65536'"), "expected 1 to 65535");
    eigrp_family_refused(GROUP("group='239.1.2.3'") "\n" GROUP("group='239.1.2.4'"),
                         "4: a second <remote-neighbors source=\"lo\">");
    eigrp_family_refused("<remote-neighbors source='lo' mode='unicast-listen' group='239.1.2.3'/>",
                         "3: unicast-listen has no group");
    eigrp_family_refused("<neighbor address='10.0.0.2' interface='lo'/>\n"
                         "<remote-neighbors source='lo' mode='unicast-listen'/>",
                         "4: lo has static neighbours on the link");
    eigrp_refused("<service-family address-family='ipv6' autonomous-system='1'>\n"
                  GROUP("group='ff02::a'") "</service-family>",
                  "3: the group ff02::a does not leave its link");
}

/* --- XMPP domains ----------------------------------------------------------------------------- */

static void faults_of_domains(void **state)
{
    (void)state;
    eigrp_family_refused("<xmpp-domains>\n<announce domain='a..b' address='192.0.2.5'/>"
                         "</xmpp-domains>", "4: \"a..b\" is not a domain name");
    eigrp_family_refused("<xmpp-domains>\n<announce domain='-a.b' address='192.0.2.5'/>"
                         "</xmpp-domains>", "4: \"-a.b\" is not a domain name");
    eigrp_family_refused("<xmpp-domains><announce domain='a' address='192.0.2.5' port='0'/>"
                         "</xmpp-domains>", "expected 1 to 65535");
    eigrp_family_refused("<xmpp-domains><announce domain='a' address='0.0.0.0'/></xmpp-domains>",
                         "nobody elsewhere can reach 0.0.0.0");
    eigrp_family_refused("<xmpp-domains><announce domain='a' address='fe80::1'/></xmpp-domains>",
                         "nobody elsewhere can reach fe80::1");
    eigrp_family_refused("<xmpp-domains><announce domain='A.b' address='192.0.2.5'/>\n"
                         "<announce domain='a.B.' address='192.0.2.5'/></xmpp-domains>",
                         "4: a.b at this address and port is here a second time");
}

/* --- bounds ----------------------------------------------------------------------------------- */

static const struct bound {
    const char *element, *attribute, *least, *below, *most, *above;
} bounds[] = {
    {"sf-interface name='a'", "hello-interval", "1", "999ms", "65535", "65536"},
    {"sf-interface name='a'", "hold-time", "1", "0", "65535", "65536"},
    {"sf-interface name='a'", "bandwidth-percent", "1", "0", "999999", "1000000"},
    {"sf-interface name='a'", "bandwidth", "1", "0", "281474976710654", "281474976710655"},
    {"sf-interface name='a'", "delay", "1ps", "0", "281474976710654ps", "281475ms"},
    {"sf-interface name='a'", "delay", "1", "x", "28147497", "28147498"},
    {"sf-interface name='a'", "mtu", "576", "575", "65535", "65536"},
    {"sf-interface name='a'", "ttl-min", "0", "-1", "255", "256"},
    {"sf-interface name='a'", "pending-neighbors", "1", "0", "8192", "8193"},
    {"sf-interface name='a'", "max-neighbors", "1", "0", "8192", "8193"},
    {"sf-interface name='a'", "new-neighbors-per-second", "1", "0", "10000", "10001"},
    {"sf-interface name='a'", "dampening-change", "1", "0", "100", "101"},
    {"sf-interface name='a'", "dampening-interval", "1", "0", "65535", "65536"},
    {"metric-weights", "k1", "0", "-1", "254", "255"},
    {"metric-weights", "k2", "0", "-1", "254", "255"},
    {"metric-weights", "k3", "0", "-1", "254", "255"},
    {"metric-weights", "k4", "0", "-1", "254", "255"},
    {"metric-weights", "k5", "0", "-1", "254", "255"},
    {"metric-weights", "k6", "0", "-1", "254", "255"},
    {"timers", "active-time", "1m", "59", "65535m", "65536m"},
    {"timers", "active-time", "disabled", "off", "disabled", "never"},
    {"timers", "graceful-restart-purge-time", "20", "19", "300", "301"},
    {"timers", "nsf-converge", "60", "59", "180", "181"},
    {"timers", "nsf-signal", "10", "9", "30", "31"},
    {"log", "neighbor-warnings", "1", "0", "65535", "65536"},
    {"log", "event-log-size", "0", "-1", "10000", "10001"},
    {"log", "neighbor-changes", "yes", "maybe", "no", "off"},
    {"topology", "maximum-services", "1", "0", "4294967295", "4294967296"},
    {"topology", "threshold", "1", "0", "100", "101"},
    {"topology", "warning-only", "yes", "maybe", "no", "1"},
    {"topology", "restart", "1", "0", "65535m", "65536m"},
    {"topology", "restart-count", "0", "-1", "65535", "65536"},
    {"topology", "reset-time", "1", "0", "65535m", "65536m"},
    {"topology", "maximum-hops", "1", "0", "255", "256"},
    {"topology", "data-max", "1", "0", "65000", "65001"},
    {"topology", "default-route-tag", "0", "-1", "4294967295", "4294967296"},
    {"topology", "entries-max", "1", "0", "4294967295", "4294967296"},
    {"topology", "tlv-version", "2", "1", "3", "4"},
    {"topology", "tolerant", "yes", "maybe", "no", "1"},
    {"topology", "learned-public", "yes", "maybe", "no", "1"},
    {"topology", "rib-scale", "1", "0", "255", "256"},
    {"xmpp-domains", "learn", "yes", "maybe", "no", "1"},
};

static void at(const struct bound *b, const char *value, int is_good)
{
    char text[300];

    snprintf(text, sizeof(text), "<%s %s='%s'/>", b->element, b->attribute, value);
    if (is_good)
        eigrp_family(text);
    else
        eigrp_family_refused(text, "3: ");
}

static void every_bound(void **state)
{
    size_t i;

    (void)state;
    for (i = 0; i < sizeof(bounds) / sizeof(bounds[0]); i++) {
        at(&bounds[i], bounds[i].least, 1);
        at(&bounds[i], bounds[i].most, 1);
        at(&bounds[i], bounds[i].below, 0);
        at(&bounds[i], bounds[i].above, 0);
    }
}

/* A text of `count` times `part` between `before` and `after`; the caller frees it. */
static char *repeated(const char *before, const char *part, size_t count, const char *after)
{
    size_t bytes = strlen(before) + count * strlen(part) + strlen(after) + 1, i;
    char *text = malloc(bytes), *at;

    assert_non_null(text);
    at = text + sprintf(text, "%s", before);
    for (i = 0; i < count; i++)
        at += sprintf(at, "%s", part);
    strcpy(at, after);
    return text;
}

static void refused_when_too_many(const char *before, const char *part, size_t most,
                                  const char *after, const char *fault)
{
    char *text = repeated(before, part, most + 1, after);

    eigrp_refused(text, fault);
    free(text);
}

static void bounded_tables(void **state)
{
    static const char family[] = "<service-family address-family='ipv4' autonomous-system='1'>";
    char before[200];

    (void)state;
    refused_when_too_many("", "<service-list name='a'/>", SE_LISTS_MAX, "",
                          "there are 257 service lists; 256 are the most");
    refused_when_too_many("", "<address-list name='a'/>", SE_LISTS_MAX, "", "257 address lists");
    refused_when_too_many("<service-list name='a'>", "<allow/>", SE_RULES_MAX, "</service-list>",
                          "the service lists have more than 4096 rules up to here");
    refused_when_too_many("<address-list name='a'>", "<allow address='10.0.0.1/32'/>",
                          SE_ADDRESS_RULES_MAX, "</address-list>", "more than 1024 rules");
    refused_when_too_many("", "<key-chain name='a'><key id='1' string='a'/></key-chain>",
                          SE_CHAINS_MAX, "", "there are 257 key chains; 256 are the most");
    refused_when_too_many("<key-chain name='a'>", "<key id='1' string='a'/>", SE_KEYS_MAX,
                          "</key-chain>", "the key chains have more than 1024 keys up to here");
    refused_when_too_many("", "<service-family address-family='ipv4' autonomous-system='1'/>",
                          SE_FAMILIES_MAX, "", "there are 65 service families; 64 are the most");
    refused_when_too_many(family, "<neighbor address='10.0.0.2' interface='a'/>",
                          SE_NBR_STATICS_MAX, "</service-family>", "there are 1025 <neighbor>");
    refused_when_too_many(family, "<remote-neighbors source='a' mode='unicast-listen'/>",
                          SE_REMOTES_MAX, "</service-family>", "there are 65 <remote-neighbors>");
    refused_when_too_many(family, "<sf-interface name='a'/>", SE_NBR_IFACES_MAX,
                          "</service-family>", "there are 4097 <sf-interface>");
    snprintf(before, sizeof(before), "%s<xmpp-domains>", family);
    refused_when_too_many(before, "<announce domain='a' address='10.0.0.1'/>", SE_ANNOUNCED_MAX,
                          "</xmpp-domains></service-family>", "there are 1025 <announce>");
}

/* All faults are told at once, in whatever part they are, and what runs goes on. */
static void several_faults(void **state)
{
    const char *faults;

    (void)state;
    eigrp_refused("<service-list name='a'><allow service='70000'/></service-list>\n"
                  "<key-chain name='k'><key id='1'/></key-chain>\n"
                  "<service-family address-family='ipv4' autonomous-system='1'>\n"
                  "<sf-interface name='e' mtu='1'/>\n<neighbor address='x' interface='e'/>\n"
                  "<topology variance='2' threshold='0'/>\n<stub connected='no'/>"
                  "</service-family>", "2: ");
    faults = xmb_fakehost_faults();
    assert_non_null(strstr(faults, "3: <key> needs string or string-file"));
    assert_non_null(strstr(faults, "5: "));
    assert_non_null(strstr(faults, "6: "));
    assert_non_null(strstr(faults, "7: variance"));
    assert_non_null(strstr(faults, "expected 1 to 100"));
    assert_non_null(strstr(faults, "8: "));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define T(f) cmocka_unit_test_setup_teardown(f, eigrp_conf_begin, eigrp_conf_end)
        T(processes), T(faults_of_families), T(faults_of_interfaces), T(faults_of_neighbours),
        T(faults_of_remotes), T(faults_of_domains),
        T(every_bound), T(bounded_tables), T(several_faults),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
