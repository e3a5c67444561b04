/* SPDX-License-Identifier: MIT */
/*
 * test_eigrp_conf.c - what the SAF forwarder makes of its configuration: the example that must stay
 * readable, defaults, and every setting.
 */
#include "eigrp_conf_rig.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define KEY "key='0123456789ab'"

/* --- whole files ------------------------------------------------------------------------------ */

/* An IPv4 forwarder in autonomous system 1228, as it was first written down. */
static const char example[] =
    "<service-family address-family='ipv4' autonomous-system='1228' router-id='10.0.0.1'>"
    "<sf-interface name='eth0' hello-interval='5' hold-time='15' split-horizon='yes' "
    "bandwidth-percent='50'><authentication mode='hmac-sha-256' key='a shared key'/>"
    "</sf-interface><sf-interface name='eth1' shutdown='yes'/>"
    "<neighbor address='10.0.0.2' interface='eth0'/><topology maximum-services='100000'/>"
    "</service-family>";

static void the_example(void **state)
{
    const struct se_family_conf *f = eigrp_conf(example)->families;
    const struct se_iface_conf *eth0 = se_conf_iface(f, "eth0");

    (void)state;
    assert_int_equal(f->family, 4);
    assert_int_equal(f->as_number, 1228);
    assert_int_equal(f->has_router_id, 1);
    assert_int_equal(f->router_id, 0x0a000001);
    assert_int_equal(f->vrf.n, 0);
    assert_int_equal(f->limit.services_max, 100000);
    assert_int_equal(f->iface_count, 2);
    assert_ptr_equal(eth0, &f->ifaces[0]);
    assert_int_equal(eth0->hello_ms, 5000);
    assert_int_equal(eth0->hold_s, 15);
    assert_int_equal(eth0->auth.mode, SE_AUTH_SHA256);
    assert_int_equal(eth0->auth.key_count, 1);
    assert_true(xmb_str_eq(eth0->auth.keys[0].password, XMB_STR("a shared key")));
    assert_int_equal(eth0->is_shutdown, 0);
    assert_int_equal(se_conf_iface(f, "eth1")->is_shutdown, 1);
    assert_ptr_equal(se_conf_iface(f, "eth2"), &f->otherwise);
    assert_int_equal(f->neighbor_count, 1);
    assert_string_equal(f->neighbors[0].iface, "eth0");
    assert_int_equal(f->neighbors[0].addr.ip[3], 2);
    assert_int_equal(f->neighbors[0].hops, 0);
    assert_null(strstr(xmb_fakehost_log(), "a shared key"));
}

/* Every file-attribute of the shipped sample, with a file that is there. */
static char *with_files(const char *text, const char *path)
{
    static const char begin[] = "-file=\"";
    char *out = calloc(1, 65536);
    const char *at;

    assert_non_null(out);
    while ((at = strstr(text, begin)) != NULL) {
        at += sizeof(begin) - 1;
        strncat(out, text, (size_t)(at - text));
        strcat(out, path);
        text = strchr(at, '"');
        assert_non_null(text);
    }
    return strcat(out, text);
}

static void secret_file(char path[256], const char *text)
{
    const char *folder = getenv("XMB_TMP");
    int fd;

    snprintf(path, 256, "%s/secret-XXXXXX", folder != NULL ? folder : "/tmp");
    fd = mkstemp(path);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, strlen(text)), (ssize_t)strlen(text));
    assert_int_equal(fchmod(fd, 0600), 0);
    close(fd);
}

/* The sample says that it has every setting at its default. */
static void the_sample(void **state)
{
    char *text = eigrp_source_file("plugins/saf-eigrp/saf-eigrp.xml");
    char path[256], *inner;
    const struct se_family_conf *f;
    struct se_iface_conf written;

    (void)state;
    secret_file(path, "a key of a file\n");
    inner = with_files(eigrp_module_of(text, "saf-eigrp"), path);
    f = eigrp_conf(inner)->families;
    assert_int_equal(f->remote_count, 1);
    assert_int_equal(f->announced_count, 1);
    assert_true(xmb_str_eq(se_conf_iface(f, "eth0")->auth.keys[0].password,
                           XMB_STR("a key of a file")));
    written = f->otherwise;
    f = eigrp_family("");
    assert_memory_equal(&written, &f->otherwise, sizeof(written));
    unlink(path);
    free(inner);
    free(text);
}

/* --- defaults --------------------------------------------------------------------------------- */

static void defaults_of_a_family(void **state)
{
    const struct se_family_conf *f = eigrp_family("");

    (void)state;
    assert_int_equal(f->line, 2);
    assert_int_equal(f->is_shutdown, 0);
    assert_int_equal(f->has_router_id, 0);
    assert_int_equal(f->stub_flags, 0);
    assert_memory_equal(f->k.k, "\1\0\1\0\0\0", 6);
    assert_int_equal(f->is_logging_changes, 1);
    assert_int_equal(f->warn_s, 10);
    assert_int_equal(f->event_log_size, 500);
    assert_int_equal(f->active_ms, 180000);
    assert_int_equal(f->purge_s, 240);
    assert_int_equal(f->is_learning_domains, 0);
    assert_int_equal(f->iface_count + f->neighbor_count + f->remote_count, 0);
    assert_int_equal(f->announced_count, 0);
}

static void defaults_of_the_topology(void **state)
{
    const struct se_family_conf *f = eigrp_family("");

    (void)state;
    assert_int_equal(f->limit.services_max, 0);
    assert_int_equal(f->limit.threshold_percent, 75);
    assert_int_equal(f->limit.is_warning_only, 0);
    assert_int_equal(f->limit.restart_s, 300);
    assert_int_equal(f->limit.reset_s, 900);
    assert_int_equal(f->limit.restart_count, 3);
    assert_int_equal(f->hops_max, 100);
    assert_int_equal(f->data_max_bytes, 1300);
    assert_int_equal(f->default_tag, 0);
    assert_int_equal(f->entries_max, 1000000);
    assert_int_equal(f->tlv_version, 0);
    assert_int_equal(f->is_tolerant, 0);
    assert_int_equal(f->is_learned_public, 0);
    assert_int_equal(f->rib_scale, 128);
    assert_null(f->inbound);
    assert_null(f->outbound);
}

static void defaults_of_an_interface(void **state)
{
    const struct se_iface_conf *i = se_conf_iface(eigrp_family(""), "eth0");

    (void)state;
    assert_string_equal(i->name, "default");
    assert_int_equal(i->is_shutdown, 0);
    assert_int_equal(i->is_split, 1);
    assert_int_equal(i->ttl_min, 0);
    assert_int_equal(i->hello_ms, 5000);
    assert_int_equal(i->hold_s, 15);
    assert_int_equal(i->bandwidth_percent, 50);
    assert_int_equal(i->bandwidth_kbps, 0);
    assert_int_equal(i->delay_ps, 0);
    assert_int_equal(i->mtu_bytes, 0);
    assert_int_equal(i->pending_max, 64);
    assert_int_equal(i->neighbours_max, 1024);
    assert_int_equal(i->new_per_s, 20);
    assert_int_equal(i->has_dampening, 0);
    assert_int_equal(i->auth.mode, SE_AUTH_NONE);
    assert_null(i->chain);
    assert_null(i->inbound);
    assert_null(i->outbound);
}

static void nothing_at_all(void **state)
{
    (void)state;
    assert_int_equal(eigrp_conf("")->family_count, 0);
    assert_non_null(strstr(xmb_fakehost_log(), "there is no <service-family>"));
}

/* --- every setting ---------------------------------------------------------------------------- */

static void every_setting_of_a_family(void **state)
{
    const struct se_family_conf *f = eigrp_conf(
        "<service-family address-family='ipv6' autonomous-system='65535' router-id='1.2.3.4' "
        "vrf='red' shutdown='yes'><stub receive-only='yes'/>"
        "<metric-weights k1='2' k2='3' k3='4' k4='5' k5='6' k6='254'/>"
        "<timers active-time='65535m' graceful-restart-purge-time='20' nsf-converge='60' "
        "nsf-signal='30'/><log neighbor-changes='no' neighbor-warnings='65535' "
        "event-log-size='10000'/></service-family>")->families;

    (void)state;
    assert_int_equal(f->family, 6);
    assert_int_equal(f->as_number, 65535);
    assert_int_equal(f->router_id, 0x01020304);
    assert_true(xmb_str_eq(f->vrf, XMB_STR("red")));
    assert_int_equal(f->is_shutdown, 1);
    assert_int_equal(f->stub_flags, SE_STUB_RECEIVE_ONLY);
    assert_memory_equal(f->k.k, "\2\3\4\5\6\376", 6);
    assert_int_equal(f->active_ms, UINT64_C(3932100000));
    assert_int_equal(f->purge_s, 20);
    assert_int_equal(f->is_logging_changes, 0);
    assert_int_equal(f->warn_s, 65535);
    assert_int_equal(f->event_log_size, 10000);
    assert_int_equal(eigrp_family("<timers active-time='disabled'/>")->active_ms, 0);
    assert_int_equal(eigrp_family("<stub/>")->stub_flags, SE_STUB_CONNECTED);
    assert_int_equal(eigrp_family("<stub connected='yes' receive-only='no'/>")->stub_flags,
                     SE_STUB_CONNECTED);
}

static void every_setting_of_the_topology(void **state)
{
    const struct se_conf *c = eigrp_conf(
        "<service-list name='a'/><service-list name='b'/>"
        "<service-family address-family='ipv4' autonomous-system='1'>"
        "<topology maximum-services='4294967295' threshold='100' warning-only='yes' restart='1m' "
        "restart-count='0' reset-time='2h' maximum-hops='255' data-max='65000' inbound='a' "
        "outbound='b' default-route-tag='4294967295' entries-max='1' tlv-version='3' "
        "tolerant='yes' rib-scale='1' learned-public='yes'/></service-family>");
    const struct se_family_conf *f = c->families;

    (void)state;
    assert_int_equal(f->limit.services_max, UINT32_MAX);
    assert_int_equal(f->limit.threshold_percent, 100);
    assert_int_equal(f->limit.is_warning_only, 1);
    assert_int_equal(f->limit.restart_s, 60);
    assert_int_equal(f->limit.restart_count, 0);
    assert_int_equal(f->limit.reset_s, 7200);
    assert_int_equal(f->hops_max, 255);
    assert_int_equal(f->data_max_bytes, 65000);
    assert_ptr_equal(f->inbound, &c->service_lists[0]);
    assert_ptr_equal(f->outbound, &c->service_lists[1]);
    assert_int_equal(f->default_tag, UINT32_MAX);
    assert_int_equal(f->entries_max, 1);
    assert_int_equal(f->tlv_version, 3);
    assert_int_equal(f->is_tolerant, 1);
    assert_int_equal(f->is_learned_public, 1);
    assert_int_equal(f->rib_scale, 1);
    assert_int_equal(eigrp_family("<topology tlv-version='2'/>")->tlv_version, 2);
    assert_int_equal(eigrp_family("<topology tlv-version='auto'/>")->tlv_version, 0);
}

static void every_setting_of_an_interface(void **state)
{
    const struct se_conf *c = eigrp_conf(
        "<service-list name='a'/><service-list name='b'/>"
        "<service-family address-family='ipv4' autonomous-system='1'>"
        "<sf-interface name='eth0' shutdown='yes' hello-interval='1500ms' hold-time='65535' "
        "split-horizon='no' bandwidth-percent='999999' bandwidth='281474976710654' delay='39ns' "
        "mtu='65535' ttl-min='255' pending-neighbors='8192' max-neighbors='8192' "
        "new-neighbors-per-second='10000' dampening-change='100' dampening-interval='65535' "
        "inbound='a' outbound='b'/></service-family>");
    const struct se_iface_conf *i = se_conf_iface(c->families, "eth0");

    (void)state;
    assert_int_equal(i->is_shutdown, 1);
    assert_int_equal(i->hello_ms, 1500);
    assert_int_equal(i->hold_s, 65535);
    assert_int_equal(i->is_split, 0);
    assert_int_equal(i->bandwidth_percent, 999999);
    assert_int_equal(i->bandwidth_kbps, SE_BANDWIDTH_UNREACHABLE - 1);
    assert_int_equal(i->delay_ps, 39000);
    assert_int_equal(i->mtu_bytes, 65535);
    assert_int_equal(i->ttl_min, 255);
    assert_int_equal(i->pending_max, 8192);
    assert_int_equal(i->neighbours_max, 8192);
    assert_int_equal(i->new_per_s, 10000);
    assert_int_equal(i->has_dampening, 1);
    assert_int_equal(i->dampening_percent, 100);
    assert_int_equal(i->dampening_interval_s, 65535);
    assert_ptr_equal(i->inbound, &c->service_lists[0]);
    assert_ptr_equal(i->outbound, &c->service_lists[1]);
}

/* What checks the schema may take longer with each attribute, but not twice as long. */
static void many_attributes(void **state)
{
    char *inner = calloc(1, 64 << 10), *at = inner;
    int i;

    (void)state;
    assert_non_null(inner);
    for (i = 0; i < 100; i++)
        at += sprintf(at, "<sf-interface name='i%d' shutdown='no' nbma='no' hello-interval='5' "
                          "hold-time='15' split-horizon='yes' bandwidth-percent='50' bandwidth='1' "
                          "delay='1' mtu='1500' ttl-min='1' pending-neighbors='1' "
                          "max-neighbors='1' new-neighbors-per-second='1' dampening-change='no' "
                          "dampening-interval='no'/>", i);
    assert_int_equal(eigrp_family(inner)->iface_count, 100);
    free(inner);
}

static uint64_t delay_of(const char *text)
{
    char inner[200];

    snprintf(inner, sizeof(inner), "<sf-interface name='default' delay='%s'/>", text);
    return eigrp_family(inner)->otherwise.delay_ps;
}

static void delays(void **state)
{
    (void)state;
    assert_int_equal(delay_of("1"), 10000000); /* tens of microseconds, as routers write it */
    assert_int_equal(delay_of("2000"), UINT64_C(20000000000));
    assert_int_equal(delay_of("1ps"), 1);
    assert_int_equal(delay_of("7ns"), 7000);
    assert_int_equal(delay_of("10us"), 10000000);
    assert_int_equal(delay_of("10US"), 10000000);
    assert_int_equal(delay_of("281474ms"), UINT64_C(281474000000000));
    assert_int_equal(delay_of("281474976710654ps"), SE_DELAY_UNREACHABLE - 1);
}

static void dampening(void **state)
{
    const struct se_iface_conf *i;

    (void)state;
    i = &eigrp_family("<sf-interface name='default' dampening-change='yes'/>")->otherwise;
    assert_int_equal(i->has_dampening, 1);
    assert_int_equal(i->dampening_percent, 50);
    assert_int_equal(i->dampening_interval_s, 0);
    i = &eigrp_family("<sf-interface name='default' dampening-interval='yes'/>")->otherwise;
    assert_int_equal(i->has_dampening, 1);
    assert_int_equal(i->dampening_percent, 0);
    assert_int_equal(i->dampening_interval_s, 30);
    i = se_conf_iface(eigrp_family("<sf-interface name='default' dampening-interval='2m'/>"
                                   "<sf-interface name='a' dampening-interval='no'/>"), "a");
    assert_int_equal(i->has_dampening, 0);
}

/* The default stands behind some, and counts for all of them, but for its shutdown. */
static void inheritance(void **state)
{
    const struct se_family_conf *f = eigrp_family(
        "<sf-interface name='a'/><sf-interface name='b' hello-interval='7' split-horizon='yes'>"
        "<authentication mode='none'/></sf-interface>"
        "<sf-interface name='default' shutdown='yes' nbma='yes' split-horizon='no' mtu='1400'>"
        "<authentication " KEY "/></sf-interface><sf-interface name='c' nbma='no'/>");
    const struct se_iface_conf *a = se_conf_iface(f, "a"), *b = se_conf_iface(f, "b");

    (void)state;
    assert_int_equal(f->otherwise.is_shutdown, 1);
    assert_int_equal(f->otherwise.hello_ms, 60000);
    assert_int_equal(f->otherwise.hold_s, 180);
    assert_string_equal(a->name, "a");
    assert_int_equal(a->is_shutdown, 0);
    assert_int_equal(a->hello_ms, 60000);
    assert_int_equal(a->is_split, 0);
    assert_int_equal(a->mtu_bytes, 1400);
    assert_int_equal(a->auth.mode, SE_AUTH_SHA256);
    assert_ptr_equal(a->chain, f->otherwise.chain);
    assert_int_equal(b->hello_ms, 7000);
    assert_int_equal(b->hold_s, 180);
    assert_int_equal(b->is_split, 1);
    assert_int_equal(b->auth.mode, SE_AUTH_NONE);
    assert_null(b->chain);
    assert_int_equal(se_conf_iface(f, "c")->hello_ms, 5000);
    assert_int_equal(se_conf_iface(f, "c")->hold_s, 15);
    assert_ptr_equal(se_conf_iface(f, "default"), &f->otherwise);
}

static void neighbours(void **state)
{
    const struct se_conf *c = eigrp_conf(
        "<address-list name='spokes'><allow address='0.0.0.0/0'/></address-list>"
        "<service-family address-family='ipv4' autonomous-system='1'>"
        "<neighbor address='10.0.0.2' interface='eth0'/>"
        "<neighbor address='10.0.0.2' interface='eth1'/>"
        "<neighbor address='10.1.0.2' interface='lo' remote='255'/>"
        "<neighbor address='10.1.0.3' interface='lo' remote='yes'/>"
        "<remote-neighbors source='lo' mode='unicast-listen' allow-list='spokes' "
        "max-neighbors='65535' hops='1'/>"
        "<remote-neighbors source='dummy0' mode='multicast-group' group='239.1.2.3'/>"
        "</service-family>");
    const struct se_family_conf *f = c->families;

    (void)state;
    assert_int_equal(f->neighbor_count, 4);
    assert_int_equal(f->neighbors[2].hops, 255);
    assert_int_equal(f->neighbors[3].hops, 100);
    assert_int_equal(f->remote_count, 2);
    assert_string_equal(f->remotes[0].source, "lo");
    assert_int_equal(f->remotes[0].mode, SE_NBR_LISTEN);
    assert_ptr_equal(f->remotes[0].allowed, &c->address_lists[0]);
    assert_int_equal(f->remotes[0].neighbours_max, SE_NBR_NEIGHBOURS_MAX);
    assert_int_equal(f->remotes[0].hops, 1);
    assert_int_equal(f->remotes[1].mode, SE_NBR_GROUP);
    assert_int_equal(f->remotes[1].group.ip[0], 239);
    assert_int_equal(f->remotes[1].neighbours_max, 1024);
    assert_int_equal(f->remotes[1].hops, 100);
    assert_null(f->remotes[1].allowed);
}

static void neighbours_of_ipv6(void **state)
{
    const struct se_family_conf *f = eigrp_conf(
        "<service-family address-family='ipv6' autonomous-system='1'>"
        "<neighbor address='fe80::2' interface='eth0'/>"
        "<neighbor address='2001:db8::2' interface='lo' remote='9'/>"
        "<remote-neighbors source='lo' mode='multicast-group' group='ff08::88'/>"
        "</service-family>")->families;

    (void)state;
    assert_int_equal(f->neighbors[0].addr.family, 6);
    assert_int_equal(f->neighbors[1].hops, 9);
    assert_int_equal(f->remotes[0].group.family, 6);
}

/* --- XMPP domains ----------------------------------------------------------------------------- */

static void domains(void **state)
{
    const struct se_family_conf *f = eigrp_family(
        "<xmpp-domains learn='yes'>"
        "<announce domain='B\xc3\xbc" "cher.Example.' address='192.0.2.5'/>"
        "<announce domain='a.example' address='2001:db8::5' port='5270' priority='65535' "
        "weight='1' tls='yes'/><announce domain='a.example' address='2001:db8::5'/>"
        "</xmpp-domains>");
    const struct se_announce_conf *a = f->announced;

    (void)state;
    assert_int_equal(f->is_learning_domains, 1);
    assert_int_equal(f->announced_count, 3);
    assert_string_equal(a[0].domain, "xn--bcher-kva.example");
    assert_int_equal(a[0].addr.family, 4);
    assert_int_equal(a[0].addr.port, 5269);
    assert_int_equal(a[0].priority, 0);
    assert_int_equal(a[0].weight, 0);
    assert_int_equal(a[0].is_tls, 0);
    assert_int_equal(a[1].addr.port, 5270);
    assert_int_equal(a[1].priority, 65535);
    assert_int_equal(a[1].weight, 1);
    assert_int_equal(a[1].is_tls, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define T(f) cmocka_unit_test_setup_teardown(f, eigrp_conf_begin, eigrp_conf_end)
        T(the_example), T(the_sample), T(defaults_of_a_family), T(defaults_of_the_topology),
        T(defaults_of_an_interface), T(nothing_at_all), T(every_setting_of_a_family),
        T(every_setting_of_the_topology), T(every_setting_of_an_interface), T(delays),
        T(many_attributes), T(dampening), T(inheritance), T(neighbours), T(neighbours_of_ipv6),
        T(domains),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
