/* SPDX-License-Identifier: MIT */
/*
 * test_eigrp_process_conf.c - what the configuration says is what the forwarder does: every number
 * arrives at its place in the engines and in what operators see, and has its effect; filters by
 * each of their criteria, in and out; and active time, up to the end of who never answers.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "eigrp_process_rig.h"

#include "dual_priv.h"
#include "nbr_priv.h"

#define FAMILY "<service-family address-family='ipv4' autonomous-system='1228' "
#define HEAD FAMILY "router-id='10.0.0.1'>"
#define END "</service-family>"
#define QUICK "<sf-interface name='default' hello-interval='1'/>"

static int begin(void **state)
{
    (void)state;
    rig_open();
    rig_iface(2, 1500, 1);
    return 0;
}

static int end(void **state)
{
    (void)state;
    rig_close();
    return 0;
}

static void shows(const char *args, const char *part)
{
    const char *text = rig_show(args);

    if (strstr(text, part) == NULL)
        fail_msg("no \"%s\" in:\n%.4000s", part, text);
}

static void shows_not(const char *args, const char *part)
{
    const char *text = rig_show(args);

    if (strstr(text, part) != NULL)
        fail_msg("\"%s\" in:\n%.4000s", part, text);
}

/* --- every number in its place ---------------------------------------------------------------- */

/* None is a default, and no two are the same. */
static const char all_knobs[] =
    HEAD "<metric-weights k1='11' k2='12' k3='13' k4='14' k5='15' k6='16'/>"
    "<timers active-time='7m' graceful-restart-purge-time='211'/>"
    "<log neighbor-changes='no' neighbor-warnings='17' event-log-size='19'/>"
    "<stub receive-only='yes'/>"
    "<topology maximum-hops='91' data-max='777' entries-max='5003' rib-scale='101' "
    "default-route-tag='71' maximum-services='61' threshold='62' restart='63' restart-count='64' "
    "reset-time='65'/>"
    "<sf-interface name='eth0' hello-interval='3' hold-time='23' split-horizon='no' "
    "bandwidth-percent='37' bandwidth='64000' delay='41us' mtu='1203' ttl-min='29' "
    "pending-neighbors='43' max-neighbors='47' new-neighbors-per-second='53'/>" END;

static void has_family(const struct se_process *p)
{
    static const uint8_t k[6] = {11, 12, 13, 14, 15, 16};
    const struct se_dual_conf *dual = &p->dual->conf;
    const struct se_nbr_conf *nbrs = &p->nbrs->conf;

    assert_memory_equal(dual->k.k, k, sizeof(k));
    assert_memory_equal(nbrs->k.k, k, sizeof(k));
    assert_int_equal(dual->active_ms, 7 * 60000);
    assert_int_equal(dual->linger_ms, 14 * 60000);
    assert_int_equal(dual->entries_max, 5003);
    assert_int_equal(dual->hops_max, 91);
    assert_int_equal(dual->router_id, 0x0a000001);
    assert_int_equal(dual->is_stub, 1);
    assert_int_equal(dual->is_receive_only, 1);
    assert_int_equal(nbrs->purge_ms, 211000);
    assert_int_equal(nbrs->warn_ms, 17000);
    assert_int_equal(nbrs->stub_flags, SE_STUB_RECEIVE_ONLY);
    assert_int_equal(nbrs->as_number, RIG_AS);
    assert_int_equal(nbrs->family, 4);
    assert_int_equal(p->events.size, 19);
    assert_int_equal(p->data_max_bytes, 777);
}

static void has_iface(const struct se_process *p)
{
    const struct se_nbr_iface_conf *conf = &se_nbr__iface(p->nbrs, 0)->conf;
    const struct se_dual_iface *dual = se_dual_iface(p->dual, 0);

    assert_int_equal(conf->hello_ms, 3000);
    assert_int_equal(conf->hold_s, 23);
    assert_int_equal(conf->ttl_min, 29);
    assert_int_equal(conf->packet_bytes, 1183); /* less the IP header */
    assert_int_equal(conf->bandwidth_kbps, 64000);
    assert_int_equal(conf->bandwidth_percent, 37);
    assert_int_equal(conf->pending_max, 43);
    assert_int_equal(conf->neighbours_max, 47);
    assert_int_equal(conf->new_per_s, 53);
    assert_int_equal(dual->split, SE_DUAL_SPLIT_OFF);
    assert_int_equal(dual->link.bandwidth_kbps, 64000);
    assert_int_equal(dual->link.delay_ps, 41000000);
    assert_int_equal(dual->link.mtu_bytes, 1203);
}

static void is_all_shown(void)
{
    shows("ipv4 interfaces detail",
          "hello_ms=3000\nhold=23\ntopology_ids=0\nsplit_horizon=off\nbandwidth_kbps=64000\n"
          "delay_ps=41000000\nbandwidth_percent=37\nmtu_bytes=1203\npacket_bytes=1183\n"
          "ttl_minimum=29\npending_max=43\nneighbors_max=47\nneighbors_new_per_second=53\n");
    /* 1183 octets at 37 % of 64 Mbit/s. */
    shows("ipv4 interfaces", "pacing_unreliable_us=0\npacing_reliable_us=399\n");
    shows("protocols", "k1=11\nk2=12\nk3=13\nk4=14\nk5=15\nk6=16\nmaximum_hops=91\nrib_scale=101\n"
                       "active_time_seconds=420\npurge_time_seconds=211\nstub=receive-only\n"
                       "tlv_version=null\ndefault_tag=71\nevent_log_size=19\n"
                       "log_neighbor_changes=false\n");
    shows("protocols", "entries_max=5003\ndata_max_bytes=777\nmaximum_services=61\n"
                       "threshold_percent=62\nwarning_only=false\nrestart_seconds=63\n"
                       "reset_seconds=65\nrestart_count_max=64\n");
}

/* At the start, and live: then there was another value in each place. */
static void every_knob_arrives(void **state)
{
    unsigned i;

    (void)state;
    for (i = 0; i < 2; i++) {
        rig_configure(all_knobs);
        rig_run(100);
        has_family(rig_forwarder->processes);
        has_iface(rig_forwarder->processes);
        is_all_shown();
        rig_configure(HEAD END);
        rig_run(100);
        assert_int_equal(rig_forwarder->processes->nbrs->conf.k.k[1], 0);
        assert_int_equal(se_nbr__iface(rig_forwarder->processes->nbrs, 0)->conf.ttl_min, 0);
    }
}

/* --- and its effect --------------------------------------------------------------------------- */

static void split_horizon(void **state)
{
    struct rig_said said = rig_service(1, 0x0a000002, 7);
    struct rig_peer *peer;

    (void)state;
    rig_configure(HEAD QUICK END);
    peer = rig_peer(2, 4);
    rig_converge();
    rig_update(peer, &said);
    assert_non_null(rig_registry(1));
    assert_int_equal(rig_heard(peer, 1)->is_finite, 0); /* poison at most */
    rig_configure(HEAD "<sf-interface name='default' hello-interval='1' split-horizon='no'/>" END);
    rig_run(500);
    assert_int_equal(rig_heard(peer, 1)->is_finite, 1);
    assert_int_equal(peer->downs, 0);
}

static void metric_weights(void **state)
{
    struct rig_peer *peer;

    (void)state;
    rig_configure(HEAD QUICK "<metric-weights k1='2'/>" END);
    peer = rig_peer(2, 4);
    rig_run(3000);
    assert_int_equal(peer->ups, 0);
    rig_configure(HEAD QUICK END);
    rig_converge();
    rig_configure(HEAD QUICK "<metric-weights k3='2'/>" END);
    rig_run(3000);
    assert_int_equal(peer->is_up, 0);
}

static void ttl_minimum(void **state)
{
    struct rig_peer *peer;

    (void)state;
    rig_configure(HEAD "<sf-interface name='eth0' hello-interval='1' ttl-min='65'/>" END);
    peer = rig_peer(2, 4); /* its packets have 64 */
    rig_run(3000);
    assert_int_equal(peer->ups, 0);
    rig_configure(HEAD "<sf-interface name='eth0' hello-interval='1' ttl-min='64'/>" END);
    rig_converge();
}

/* What may be announced ends with data-max, and with what a packet of `mtu` holds. */
static void largest_data(void **state)
{
    struct rig_peer *peer;

    (void)state;
    rig_configure(HEAD QUICK "<topology data-max='500'/>" END);
    peer = rig_peer(2, 4);
    rig_publish(1, 1, 500);
    rig_publish(2, 1, 501);
    rig_publish(3, 1, 1200);
    rig_converge();
    assert_int_equal(rig_heard(peer, 1)->is_finite, 1);
    assert_int_equal(rig_heard(peer, 2)->opcode, 0);
    rig_configure(HEAD "<sf-interface name='default' hello-interval='1' mtu='700'/>" END);
    rig_run(500);
    assert_int_equal(rig_heard(peer, 2)->is_finite, 1);
    assert_int_equal(rig_heard(peer, 3)->opcode, 0);
    rig_configure(HEAD QUICK END);
    rig_run(500);
    assert_int_equal(rig_heard(peer, 3)->is_finite, 1);
    assert_int_equal(peer->downs, 0);
}

static void entries_maximum(void **state)
{
    struct rig_said said;
    struct rig_peer *peer;
    unsigned i;

    (void)state;
    rig_configure(HEAD QUICK "<topology entries-max='2'/>" END);
    peer = rig_peer(2, 4);
    rig_converge();
    for (i = 1; i <= 3; i++) {
        said = rig_service(i, 0x0a000002, 7);
        rig_update(peer, &said);
    }
    assert_non_null(rig_registry(2));
    assert_null(rig_registry(3));
    assert_int_equal(rig_logged("the topology table is full (2 services)"), 1);
    assert_int_equal(peer->is_up, 1);
}

static void event_log_size(void **state)
{
    (void)state;
    rig_configure(HEAD QUICK "<log event-log-size='1'/>" END);
    rig_peer(2, 4);
    rig_converge();
    rig_publish(1, 1, 100);
    rig_run(100);
    shows("ipv4 events", "kind=dual\n");
    shows_not("ipv4 events", "kind=neighbor\n"); /* it was there before */
    rig_configure(HEAD QUICK "<log event-log-size='0'/>" END);
    shows("ipv4 events", "events[\n]\n");
}

/* Neighbours that say hello and no more, five in one moment. */
static void five_hellos(const char *limit, const char *pending)
{
    char text[256];
    unsigned i;

    snprintf(text, sizeof(text), HEAD "<sf-interface name='eth0' %s/>" END, limit);
    rig_configure(text);
    for (i = 0; i < 5; i++)
        rig_hello(2, 70 + i);
    shows("ipv4 interfaces", pending);
    rig_configure("");
    rig_run(200);
}

static void neighbour_limits(void **state)
{
    (void)state;
    five_hellos("hello-interval='2'", "pending_peers=5\n");
    five_hellos("pending-neighbors='4'", "pending_peers=4\n");
    five_hellos("max-neighbors='3'", "pending_peers=3\n");
    five_hellos("new-neighbors-per-second='2'", "pending_peers=2\n");
}

static void family_shutdown(void **state)
{
    struct rig_peer *peer;

    (void)state;
    rig_configure(FAMILY "router-id='10.0.0.1' shutdown='yes'>" QUICK END);
    peer = rig_peer(2, 4);
    rig_run(3000);
    assert_int_equal(rig_packets, 0);
    assert_int_equal(xmb_fakehost_rawips(), 0);
    shows("protocols", "state=shut down\n");
    rig_configure(HEAD QUICK END);
    rig_converge();
    shows("protocols", "state=running\n");
    rig_configure(FAMILY "router-id='10.0.0.1' shutdown='yes'>" QUICK END);
    rig_run(2000);
    assert_int_equal(peer->is_up, 0);
    assert_int_equal(peer->down_reason, SE_NBR_GOODBYE);
    shows("protocols", "state=shut down\n");
    assert_int_equal(xmb_fakehost_rawips(), 0); /* shut down is not only silent, but deaf */
    rig_configure(HEAD QUICK END);
    rig_converge();
    rig_configure(FAMILY "router-id='10.0.0.1' shutdown='yes'>" QUICK END);
    rig_configure(HEAD QUICK END); /* while it still says goodbye */
    rig_converge();
}

/* --- stuck in active -------------------------------------------------------------------------- */

/*
 * The way is lost and one neighbour never answers: half of the active time later it is asked where
 * its reply stays, and after the other half it is reset, and nobody else.
 */
static void stuck_neighbour_is_reset(void **state)
{
    struct rig_said said = rig_service(1, 0x0a000002, 7);
    struct rig_peer *good, *mute;

    (void)state;
    rig_iface(3, 1500, 1);
    rig_configure(HEAD QUICK "<timers active-time='1m'/>" END);
    good = rig_peer(2, 4);
    mute = rig_peer(3, 4);
    mute->is_mute = 1;
    rig_converge();
    rig_update(good, &said);
    said.delay_ps = 0;
    said.sequence = 8;
    said.is_complete = 0;
    rig_update(good, &said);
    assert_int_equal(rig_heard(mute, 1)->opcode, SE_QUERY);
    rig_run(29000);
    assert_int_equal(rig_heard(mute, 1)->opcode, SE_QUERY);
    rig_run(1000);
    assert_int_equal(rig_heard(mute, 1)->opcode, SE_SIA_QUERY);
    rig_run(29000);
    assert_int_equal(mute->downs, 0);
    shows("ipv4 topology active", "code=Ars\n");
    rig_run(1000);
    assert_int_equal(mute->downs, 1);
    assert_int_equal(mute->down_reason, SE_NBR_TERMINATED);
    shows("ipv4 topology active", "topology[\n]\n");
    shows("ipv4 sia-event", "kind=stuck\nevent=service "
          "101:1:00000001.00000002.00000003.00000004 is stuck in active: "
          "neighbour 10.0.3.2 never answered\n");
    shows("ipv4 events", "event=neighbour 10.0.3.2 is down: stuck in active\n");
    shows("ipv4 sia-statistics", "stuck=1\n");
    assert_int_equal(rig_logged("is stuck in active: neighbour 10.0.3.2 never answered; it is "
                                "reset"), 1);
    assert_int_equal(rig_logged("neighbour 10.0.3.2 on eth1 is down: stuck in active"), 1);
    rig_run(70000); /* it comes back, and is asked nothing more */
    assert_int_equal(mute->is_up, 1);
    assert_int_equal(mute->downs, 1);
    assert_int_equal(good->downs, 0);
    assert_int_equal(rig_logged("stuck in active"), 2);
}

/* Disabled: it is waited for as long as the neighbour lives. */
static void never_stuck(void **state)
{
    struct rig_said said = rig_service(1, 0x0a000002, 7);
    struct rig_peer *good, *mute;

    (void)state;
    rig_iface(3, 1500, 1);
    rig_configure(HEAD QUICK "<timers active-time='disabled'/>" END);
    good = rig_peer(2, 4);
    mute = rig_peer(3, 4);
    mute->is_mute = 1;
    rig_converge();
    rig_update(good, &said);
    said.delay_ps = 0;
    said.is_complete = 0;
    rig_update(good, &said);
    rig_run(400000);
    assert_int_equal(rig_heard(mute, 1)->opcode, SE_QUERY);
    assert_int_equal(mute->downs, 0);
    shows("ipv4 topology active", "code=Ar\n");
}

/* --- filters ---------------------------------------------------------------------------------- */

#define LISTS                                                                                      \
    "<service-list name='TAG'><deny tag='7'/><allow/></service-list>"                              \
    "<service-list name='ORIGIN'><deny origin='10.0.0.9'/><allow/></service-list>"                 \
    "<service-list name='INSTANCE'><deny instance='1.2.3.9'/><allow/></service-list>"              \
    "<service-list name='SERVICE'><deny service='101' subservice='4'/><allow/></service-list>"

static const char *const lists[] = {"TAG", "ORIGIN", "INSTANCE", "SERVICE"};
#define LIST_COUNT (sizeof(lists) / sizeof(lists[0]))

/* Number `i` is what list `i` denies, and no other list does. */
static struct rig_said filtered(unsigned i)
{
    struct rig_said said = rig_service(i + 1, i == 1 ? 0x0a000009 : 0x0a000002, 7);

    if (i == 0)
        said.tag = 7;
    if (i == 2)
        said.id.instance[3] = 9;
    return said;
}

/* `where`: "family" or "interface" has the list; eth0 tells, eth1 hears. */
static void configure_filter(const char *list, int is_in, int is_of_family)
{
    char text[1200], attribute[64];
    const char *iface = is_in ? "eth0" : "eth1";

    snprintf(attribute, sizeof(attribute), "%s='%s'", is_in ? "inbound" : "outbound", list);
    if (is_of_family)
        snprintf(text, sizeof(text), LISTS HEAD QUICK "<topology %s/>" END, attribute);
    else
        snprintf(text, sizeof(text), LISTS HEAD QUICK "<sf-interface name='%s' %s/>" END, iface,
                 attribute);
    rig_configure(text);
}

static void check_filter(unsigned denied, int is_in, int is_of_family)
{
    struct rig_said said[LIST_COUNT];
    struct rig_peer *from, *to;
    unsigned i;

    rig_iface(3, 1500, 1);
    configure_filter(lists[denied], is_in, is_of_family);
    from = rig_peer(2, 4);
    to = rig_peer(3, 4);
    rig_converge();
    for (i = 0; i < LIST_COUNT; i++) {
        said[i] = filtered(i);
        rig_update(from, &said[i]);
    }
    for (i = 0; i < LIST_COUNT; i++) {
        int is_known = !is_in || i != denied;

        if ((xmb_fakehost_service(RIG_AS, &said[i].id) != NULL) != is_known ||
            rig_heard_id(to, &said[i].id)->is_finite != (i != denied))
            fail_msg("list %s, %s, of the %s: service %u", lists[denied],
                     is_in ? "inbound" : "outbound", is_of_family ? "family" : "interface", i + 1);
    }
    shows("ipv4 traffic", is_in ? "reason=filtered\ncount=1\n" : "reason=filtered\ncount=0\n");
}

static void filters(void **state)
{
    unsigned i;

    for (i = 0; i < LIST_COUNT * 4; i++) {
        end(state);
        begin(state);
        check_filter(i / 4, i & 1, i >> 1 & 1);
    }
}

/* The tag of what is published here is what a list sees, too. */
static void filter_of_own_tag(void **state)
{
    struct rig_peer *peer;

    (void)state;
    rig_configure(LISTS HEAD QUICK "<topology default-route-tag='7' outbound='TAG'/>" END);
    peer = rig_peer(2, 4);
    rig_publish(1, 1, 100);
    rig_converge();
    assert_int_equal(rig_heard(peer, 1)->is_finite, 0);
    rig_configure(LISTS HEAD QUICK "<topology default-route-tag='8' outbound='TAG'/>" END);
    rig_run(500);
    assert_int_equal(rig_heard(peer, 1)->is_finite, 1);
    assert_int_equal(rig_heard(peer, 1)->tag, 8);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define TEST(f) cmocka_unit_test_setup_teardown(f, begin, end)
        TEST(every_knob_arrives),
        TEST(split_horizon),
        TEST(metric_weights),
        TEST(ttl_minimum),
        TEST(largest_data),
        TEST(entries_maximum),
        TEST(event_log_size),
        TEST(neighbour_limits),
        TEST(family_shutdown),
        TEST(stuck_neighbour_is_reset),
        TEST(never_stuck),
        TEST(filters),
        TEST(filter_of_own_tag),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
