/* SPDX-License-Identifier: MIT */
/*
 * test_eigrp_show.c - the operator's commands of the SAF forwarder, over engines that are real and
 * a process that is not. The topology table has a test of its own.
 */
#include "eigrp_show_rig.h"

#include <stdio.h>
#include <string.h>

static const char *show(const char *args)
{
    return rig_run("show eigrp service-family", args, 0);
}

static const char *refused(const char *args)
{
    return rig_run("show eigrp service-family", args, XMB_EINVAL);
}

static const char *clear(const char *args)
{
    return rig_run("clear eigrp service-family", args, 0);
}

/* --- which process ---------------------------------------------------------------------------- */

static void processes(void **state)
{
    const char *text = show("ipv4 neighbors");

    (void)state;
    has(text, "autonomous_system=4453\nvrf=null\nfamily=ipv4\nvrid=32768\nrouter_id=10.0.0.1\n"
              "state=running\ninterface_count=2\nneighbor_count=1\npending_count=0\n");
    has(text, "autonomous_system=4454\nvrf=red\nfamily=ipv4\nvrid=32768\nrouter_id=null\n"
              "state=waiting for an address\n");
    has_not(text, "ipv6");
    text = show("ipv4 4453 neighbors");
    has(text, "autonomous_system=4453\n");
    has_not(text, "autonomous_system=4454\n");
    text = show("ipv4 vrf red traffic");
    has(text, "autonomous_system=4454\n");
    has_not(text, "autonomous_system=4453\n");
    has(show("ipv6 topology"), "state=shut down\n");
    rig->v4.state = SE_LEAVING;
    has(show("ipv4 4453 neighbors"), "state=leaving\n");
}

static void unknown_processes(void **state)
{
    (void)state;
    has(refused("ipv4 4455 neighbors"),
        "error: no ipv4 service family of autonomous system 4455 is configured; show eigrp "
        "protocols lists them\n");
    has(refused("ipv6 4454 neighbors"), "no ipv6 service family of autonomous system 4454");
    has(refused("ipv4 vrf blue neighbors"), "no ipv4 service family is configured in VRF blue;");
    has(refused("ipv4 vrf red 4453 traffic"),
        "of autonomous system 4453 is configured in VRF red;");
    has(refused("ipv4 0 neighbors"), "0 is no autonomous system");
    has(refused("ipv4 65536 neighbors"), "65536 is no autonomous system");
    has(refused("ipv4 18446744073709556069 neighbors"), "is no autonomous system");
    has(refused("ipv4 -5 neighbors"), "-5 is no autonomous system");
    has(refused("ipv4 4453"), "what of the service family");
    has(refused("ipv4 vrf"), "the name of a VRF is missing");
    has(refused("4453"), "which service family");
    has(refused(""), "which service family");
}

static void nothing_configured(void **state)
{
    (void)state;
    rig->forwarder.processes = NULL;
    has(show("ipv4 neighbors"), "processes[\n]\nneighbors[\n]\npending[\n]\n");
    has(show("ipv6 topology"), "topology[\n]\nleft_out=0\n");
    has(rig_run("show eigrp protocols", "", 0), "processes[\n]\n");
    has(rig_run("show eigrp tech-support", "", 0), "traffic[\n]\n");
    rig->forwarder.processes = &rig->v4;
}

static void options(void **state)
{
    (void)state;
    has(refused("ipv4 traffic detail"), "\"detail\" says nothing about traffic");
    has(refused("ipv4 neighbors limit 5"), "says nothing about neighbors");
    has(refused("ipv4 neighbors active"), "\"active\" says nothing about neighbors");
    has(refused("ipv4 topology limit"), "limit: how many rows");
    has(refused("ipv4 topology limit 0"), "limit: how many rows");
    has(refused("ipv4 topology limit 4294967296"), "limit: how many rows");
    has(refused("ipv4 topology limit x"), "limit: how many rows");
    has(refused("ipv4 topology eth0"), "eth0 is no service: 101,");
    has(refused("ipv4 interfaces 10.0.0.2"), "10.0.0.2 is no interface that");
    has(refused("ipv4 neighbors eth0 tap0"), "\"tap0\" says nothing about neighbors");
    has(refused("ipv4 vrf red interfaces eth0"), "eth0 is no interface");
}

/* --- neighbours ------------------------------------------------------------------------------- */

static void neighbours(void **state)
{
    const char *text;

    (void)state;
    rig_hear(1, 10, 1);
    rig_hear(2, 10, 1);
    rig->now_ms += 2500;
    text = show("ipv4 neighbors");
    has(text, "neighbors[\n{\nautonomous_system=4453\nvrf=null\nhandle=");
    has(text, "address=10.0.0.2\ninterface=eth0\nhold=13\nuptime_seconds=");
    has(text, "\nsrtt_ms=");
    has(text, "\nrto_ms=");
    has(text, "\nqueue=0\nsequence=2001\nservices=2\n}\n]\npending[\n]\n");
    text = show("ipv4 4453 neighbors detail");
    has(text, "release=1.2\ntlv_version=2.0\nhold_time=15\nretransmissions=0\nretries=0\n");
    has(text, "topology_ids=null\nstub=null\nstatic=false\nbfd=none\nmode=lan\n");
}

static void neighbours_pending(void **state)
{
    const char *text;

    (void)state;
    rig_hello_from(77);
    text = show("ipv4 neighbors");
    has(text, "pending_count=1\n");
    has(text, "}\n]\npending[\n{\nautonomous_system=4453\nvrf=null\nhandle=");
    has(text, "address=10.0.0.77\ninterface=eth0\nhold=15\npending_seconds=0\n}\n]\n");
    has(show("ipv4 neighbors 10.0.0.2"), "pending[\n]\n");
    has(show("ipv4 neighbors 10.0.0.77"), "neighbors[\n]\n");
    has(show("ipv4 neighbors fe80::1"), "neighbors[\n]\npending[\n]\n");
    has(show("ipv4 neighbors eth0"), "address=10.0.0.77\n");
    has(show("ipv4 neighbors tap0 detail"), "neighbors[\n]\npending[\n]\n");
}

static void accounting(void **state)
{
    const char *text;

    (void)state;
    rig_hear(1, 10, 1);
    rig_penalty(2, 0, 1);
    rig_penalty(88, rig->now_ms + 4001, 2);
    rig_penalty(89, UINT64_MAX, 9);
    rig_penalty(90, 0, 3);
    text = show("ipv4 accounting");
    has(text, "state=up\naddress=10.0.0.2\ninterface=eth0\nservices=1\nrestart_count=1\n"
              "restart_seconds=null\nreset_seconds=9\n");
    has(text, "state=kept out\naddress=10.0.0.88\ninterface=eth0\nservices=0\nrestart_count=2\n"
              "restart_seconds=5\nreset_seconds=9\n");
    has(text, "state=kept out\naddress=10.0.0.89\ninterface=eth0\nservices=0\nrestart_count=9\n"
              "restart_seconds=null\n");
    has(text, "state=down\naddress=10.0.0.90\n");
    text = show("ipv4 accounting 10.0.0.88");
    has(text, "10.0.0.88\n");
    has_not(text, "10.0.0.89\n");
    has_not(text, "state=up\n");
}

/* --- interfaces ------------------------------------------------------------------------------- */

static void interfaces(void **state)
{
    const char *text = show("ipv4 interfaces");

    (void)state;
    has(text, "interface=eth0\nmode=lan\npeers=1\npending_peers=0\nqueue_unreliable=0\n"
              "queue_reliable=0\nqueue_multicast=0\nqueue_peers=0\npending_services=0\n"
              "srtt_mean_ms=");
    has(text, "interface=tap0\nmode=lan\npeers=0\n");
    has_not(text, "hello_ms");
    text = show("ipv4 interfaces eth0 detail");
    has(text, "source=10.0.0.1\nhello_ms=5000\nhold=15\ntopology_ids=0\nsplit_horizon=interface\n"
              "bandwidth_kbps=1000000\ndelay_ps=10000000\nbandwidth_percent=50\n");
    has(text, "ttl_minimum=null\npending_max=8\nneighbors_max=16\nneighbors_new_per_second=20\n"
              "authentication=hmac-sha-256\nkey_chain=keys\n");
    has_not(text, "tap0");
    has_not(text, "not-to-be-shown");
}

/* --- traffic, events, the rest ---------------------------------------------------------------- */

static void traffic(void **state)
{
    struct se_nbr_iface_info info;
    const char *text;
    char line[80];
    unsigned i;

    (void)state;
    assert_int_equal(se_nbr_iface_info(rig->v4.nbrs, 0, &info), 0);
    assert_true(info.stats.sent[SE_UPDATE] >= 2); /* INIT, and the end of the table */
    rig->v4.counters.count[SE_SKIP_FAMILY] = 5;
    rig->v4.strange_packets = 6;
    text = show("ipv4 4453 traffic");
    has(text, "hellos_sent=");
    snprintf(line, sizeof(line), "updates_sent=%u\nupdates_received=%u\nqueries_sent=0\n",
             (unsigned)info.stats.sent[SE_UPDATE], (unsigned)info.stats.received[SE_UPDATE]);
    has(text, line);
    has(text, "retransmissions=0\n");
    has(text, "socket_received=11\nsocket_sent=12\nsocket_receive_drops=13\n"
              "socket_send_fails=14\nstrange_packets=6\nunsent_packets=0\n");
    has(text, "reason=other-family\ncount=5\n");
    for (i = SE_REASON_NONE + 1; i < SE_REASON_COUNT; i++) {
        snprintf(line, sizeof(line), "reason=%s\ncount=", se_reason_name((enum se_reason)i));
        has(text, line);
    }
    has_not(text, "reason=none\n");
}

static void events(void **state)
{
    const struct se_event up = {.kind = SE_EVENT_NEIGHBOUR, .note = SE_NBR_NOTE_UP,
                                .addr = {.family = 4, .ip = {10, 0, 0, 2}}};
    const struct se_event stuck = {.kind = SE_EVENT_STUCK, .id = {101, 2, {1}},
                                   .addr = {.family = 4, .ip = {10, 0, 0, 2}}};
    const char *text;

    (void)state;
    se_events_add(&rig->v4.events, &up);
    se_events_add(&rig->v4.events, &stuck);
    rig->v4.events.ring[0].wall_ms = UINT64_C(1700000000007);
    text = show("ipv4 events");
    has(text, "kind=stuck\nevent=service 101:2:00000001.");
    has(text, "time=2023-11-14T22:13:20.007Z\nkind=neighbor\nevent=neighbour 10.0.0.2 is up\n");
    assert_true(strstr(text, "kind=stuck") < strstr(text, "kind=neighbor")); /* newest first */
    has(show("ipv4 events limit 1"), "left_out=1\n");
    text = show("ipv4 sia-event");
    has(text, "sia_events[\n{\n");
    has(text, "kind=stuck\n");
    has_not(text, "kind=neighbor\n");
}

static void timers(void **state)
{
    const char *text = show("ipv4 timers");

    (void)state;
    has(text, "timer=hello\nobject=eth0\ninterval_ms=5000\nleft_ms=4"); /* up to 10 % early */
    has(text, "timer=multicast flow\nobject=eth0\ninterval_ms=50\nleft_ms=null\n");
    has(text, "timer=pacing\nobject=eth0\ninterval_ms=1\nleft_ms=null\n");
    has(text, "timer=hold\nobject=10.0.0.2\ninterval_ms=15000\nleft_ms=15000\n");
    has_not(text, "timer=active\n");
    has(show("ipv4 timers limit 2"), "left_out=5\n");
}

static void protocols(void **state)
{
    const char *text = rig_run("show eigrp protocols", "", 0);

    (void)state;
    has(text, "family=ipv4\nautonomous_system=4453\nvrf=null\nvrid=32768\n"
              "router_id=10.0.0.1\n"
              "state=running\nk1=1\nk2=0\nk3=1\nk4=0\nk5=0\nk6=0\nmaximum_hops=100\n"
              "rib_scale=128\nactive_time_seconds=180\n");
    has(text, "stub=null\ntlv_version=null\n");
    has(text, "maximum_services=null\nthreshold_percent=75\n");
    has(text, "family=ipv6\nautonomous_system=4453\n");
    rig->conf_v4.stub_flags = SE_STUB_RECEIVE_ONLY;
    rig->conf_v4.active_ms = 0;
    text = rig_run("show eigrp protocols", "", 0);
    has(text, "stub=receive-only\n");
    has(text, "active_time_seconds=null\n");
}

static void tech_support(void **state)
{
    static const char *const lists[] = {
        "processes[\n{", "interfaces[\n{", "neighbors[\n{", "accounting[\n{", "summary[\n{",
        "topology[\n{", "traffic[\n{", "sia_statistics[\n{", "sia_events[\n]", "events[\n{",
        "timers[\n{", "plugins[\n{",
    };
    const struct se_event event = {.kind = SE_EVENT_CONFIG};
    const char *text;
    size_t i;

    (void)state;
    rig_hear(1, 10, 1);
    se_events_add(&rig->v4.events, &event);
    text = rig_run("show eigrp tech-support", "", 0);
    for (i = 0; i < sizeof(lists) / sizeof(lists[0]); i++)
        has(text, lists[i]);
    has(text, "time=2023-11-14T22:13:20.123Z\n");
    has_not(text, "not-to-be-shown");
    has(rig_run("show eigrp plugins", "", 0), "feature=ipv4-sf\n");
}

/* --- clear ------------------------------------------------------------------------------------ */

static void clear_hard(void **state)
{
    (void)state;
    rig_hello_from(77);
    rig_penalty(88, UINT64_MAX, 9);
    has(clear("ipv4 neighbors"), "cleared=2\nlimits_forgotten=1\n");
    assert_int_equal(rig->settled, 1); /* the others have no engines */
    assert_int_equal(rig->downs, 1);
    assert_int_equal(rig->reason, SE_NBR_CLEARED);
    assert_int_equal(se_events_at(&rig->v4.events, 0)->kind, SE_EVENT_CLEARED);
    has(show("ipv4 neighbors"), "neighbors[\n]\n");
    has(clear("ipv4 4453 neighbors"), "cleared=0\nlimits_forgotten=0\n");
}

static void clear_soft(void **state)
{
    (void)state;
    rig_hello_from(77);
    rig_pump();
    has(clear("ipv4 4453 neighbors soft"), "cleared=1\n"); /* who is pending has no table */
    rig_pump();
    assert_int_equal(rig->downs, 0);
    assert_int_equal(rig->resyncs, 1); /* it answers RS with RS */
    has(show("ipv4 neighbors"), "address=10.0.0.2\n");
}

static void clear_some(void **state)
{
    (void)state;
    rig_hello_from(77);
    rig_penalty(88, UINT64_MAX, 9);
    rig_penalty(89, UINT64_MAX, 9);
    has(clear("ipv4 neighbors 10.0.0.88"), "cleared=0\nlimits_forgotten=1\n");
    has(clear("ipv4 neighbors 10.0.0.77 soft"), "cleared=0\n");
    has(clear("ipv4 neighbors 10.0.0.77"), "cleared=1\nlimits_forgotten=0\n");
    has(clear("ipv4 neighbors tap0"), "cleared=0\nlimits_forgotten=0\n");
    assert_int_equal(rig->downs, 0);
    has(clear("ipv4 neighbors eth0"), "cleared=1\nlimits_forgotten=1\n");
    assert_int_equal(rig->downs, 1);
    assert_int_equal(rig->v4.penalty_count, 0);
}

static void clear_refused(void **state)
{
    static const char words[] = "clear eigrp service-family";

    (void)state;
    has(rig_run(words, "ipv4 9 neighbors", XMB_EINVAL), "autonomous system 9 is configured");
    has(rig_run(words, "ipv4", XMB_EINVAL), "what of the service family");
    has(rig_run(words, "ipv4 topology", XMB_EINVAL), "topology is no autonomous system");
    has(rig_run(words, "ipv4 neighbors eth7", XMB_EINVAL), "eth7 is no address, and no interface");
    has(rig_run(words, "ipv4 neighbors detail", XMB_EINVAL),
        "\"detail\" says nothing about neighbors");
    rig->forwarder.is_draining = 1;
    has(rig_run(words, "ipv4 neighbors", XMB_EINVAL), "the broker is stopping");
    rig->forwarder.is_draining = 0;
    rig->v4.state = SE_WITHDRAWING;
    has(clear("ipv4 neighbors"), "cleared=0\n");
    assert_int_equal(rig->downs, 0);
}

/* --- metrics ---------------------------------------------------------------------------------- */

static uint64_t metric(const char *name)
{
    return xmb_fakehost_metric(rig->module, name);
}

static void metrics(void **state)
{
    uint64_t *cells = rig->host.metrics->routing_cells(rig->module);
    struct se_metrics_seen seen = {0};
    uint64_t updates;

    (void)state;
    rig_hear(1, 10, 1);
    rig->v4.counters.count[SE_SKIP_FILTER] = 3;
    rig->v4.strange_packets = 4;
    se_metrics_collect(&seen, &rig->forwarder, cells);
    assert_int_equal(metric("processes"), 1);
    assert_int_equal(metric("interfaces"), 2);
    assert_int_equal(metric("neighbors"), 1);
    assert_int_equal(metric("services"), 1);
    assert_int_equal(metric("skipped_filtered"), 3);
    assert_int_equal(metric("packets_strange"), 4);
    updates = metric("updates_received");
    assert_true(updates >= 2);
    assert_true(metric("hellos_sent") > 0);
    /* The interface goes with its counters, and another process counts on. */
    se_nbr_iface_down(rig->v4.nbrs, 0, se_process_now(&rig->v4));
    rig->v4.counters.count[SE_SKIP_FILTER] = 8;
    se_metrics_collect(&seen, &rig->forwarder, cells);
    assert_int_equal(metric("updates_received"), updates);
    assert_int_equal(metric("neighbors"), 0);
    assert_int_equal(metric("interfaces"), 1);
    assert_int_equal(metric("skipped_filtered"), 8);
    se_metrics_collect(&seen, &rig->forwarder, cells);
    assert_int_equal(metric("skipped_filtered"), 8);
}

/* Every metric has a name of its own that the broker takes, and words. */
static void metric_names(void **state)
{
    size_t i, k;

    (void)state;
    for (i = 0; i < SE_M_COUNT; i++) {
        assert_non_null(se_metrics[i].name);
        assert_non_null(se_metrics[i].help);
        assert_int_equal(strspn(se_metrics[i].name, "abcdefghijklmnopqrstuvwxyz0123456789_"),
                         strlen(se_metrics[i].name));
        for (k = 0; k < i; k++)
            assert_string_not_equal(se_metrics[i].name, se_metrics[k].name);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define T(f) cmocka_unit_test_setup_teardown(f, rig_begin, rig_end)
        T(processes), T(unknown_processes), T(nothing_configured), T(options), T(neighbours),
        T(neighbours_pending), T(accounting), T(interfaces), T(traffic),
        T(events), T(timers), T(protocols), T(tech_support), T(clear_hard), T(clear_soft),
        T(clear_some), T(clear_refused), T(metrics), T(metric_names),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
