/* SPDX-License-Identifier: MIT */
/*
 * test_eigrp_show_topology.c - show eigrp service-family ... topology: services that are passive,
 * active, gone and waiting, and a great many of them.
 */
#include "eigrp_show_rig.h"

#include <string.h>

static const char *show(const char *args)
{
    return rig_run("show eigrp service-family", args, 0);
}

#define FIRST "service=101:2:00000001.00000002.00000003.00abcdef\n"
#define OWN "service=101:3:00000005.00000002.00000003.00abcdef\n"

static void topology(void **state)
{
    const char *text;

    (void)state;
    rig_hear(1, 10, 42);
    rig_publish(5);
    text = show("ipv4 topology");
    /* 10 us and 10 us more by eth0, in units of the RFC: (20 us + 10 us of 1 Gbit/s) x 65536. */
    has(text, "topology[\n{\nautonomous_system=4453\nvrf=null\n" FIRST
              "state=passive\ncode=P\nsuccessors=1\nfeasible_distance=1966080\n"
              "feasible_distance_rib=15360\norigin=192.0.2.7\nkind=internal\nsequence=42\n"
              "serial=1\nvia[\n{\naddress=10.0.0.2\ninterface=eth0\ncomputed_distance=1966080\n"
              "computed_distance_rib=15360\nreported_distance=1310720\n"
              "reported_distance_rib=10240\norigin=192.0.2.7\nkind=internal\nlocal=false\n"
              "successor=true\nfeasible=true\n}\n]\n}\n");
    has(text, OWN "state=passive\ncode=P\nsuccessors=1\n");
    has(text, "via[\n{\naddress=null\ninterface=null\n");
    has(text, "local=true\nsuccessor=true\n");
    has(text, "]\nleft_out=0\n");
    has_not(text, "data_bytes");
}

static void topology_detail(void **state)
{
    const char *text;

    (void)state;
    rig_hear(1, 10, 42);
    rig_publish(5);
    text = show("ipv4 topology 101:2:1.2.3.ABCDEF detail");
    has(text, FIRST);
    has_not(text, OWN);
    has(text, "delay_ps=20000000\nbandwidth_kbps=1000000\nmtu_bytes=1500\nhop_count=2\n"
              "reliability=255\nload=1\nqueued=0\ndata_bytes=5\nprotocol=6\n"
              "address=192.0.2.9\nport=5060\ntag=77\n");
    has(text, "feasible=true\nsequence=42\nstale=false\ndelay_ps=10000000\n");
    has_not(text, "hello");
    has(show("ipv4 topology 101:3"), OWN);
    has_not(show("ipv4 topology 101:3"), FIRST);
    has(show("ipv4 topology *:2"), FIRST);
    has(show("ipv4 topology 102"), "topology[\n]\nleft_out=0\n");
}

static const struct se_dual_advert far = {
    .id = {101, 2, {1, 2, 3, 0xabcdef}}, .origin = 0xc0000207, .sequence = 42, .is_complete = 1,
    .metric = {.delay_ps = 90000000, .bandwidth_kbps = 1000000, .mtu_bytes = 1500, .hop_count = 1,
               .reliability = 255, .load = 1},
};

/* The neighbour has the service, and a second one that is too far to be feasible. */
static void hear_two(void)
{
    rig_hear(1, 10, 42);
    assert_int_equal(se_dual_peer_up(rig->v4.dual, 60, 2, 0, rig->now_ms), 0);
    assert_int_equal(se_dual_input(rig->v4.dual, SE_DUAL_UPDATE, 60, &far, rig->now_ms), 0);
}

/* The path of the first is lost: active. */
static void topology_active(void **state)
{
    const char *text;

    (void)state;
    hear_two();
    has_not(show("ipv4 topology"), "feasible=false\n");
    has(show("ipv4 topology all"), "successor=false\nfeasible=false\n");
    has(show("ipv4 topology active"), "topology[\n]\n");
    rig_hear(1, 0, 43);
    rig->now_ms += 3000;
    text = show("ipv4 topology active");
    has(text, FIRST "state=active\ncode=Ar\nsuccessors=0\n");
    has(text, "active_number=1\nactive_seconds=3\nreplies_outstanding=1\nsia_queries=0\n");
    has(text, "feasible=false\nreply_outstanding=true\n");
    has(show("ipv4 topology zero-successors"), FIRST);
    has(show("ipv4 topology summary"), "services=1\npassive=0\nactive=1\ngone=0\n");
    has(show("ipv4 timers"),
        "timer=active\nobject=101:2:00000001.00000002.00000003.00abcdef\ninterval_ms=180000\n"
        "left_ms=87000\n");
    has(show("ipv4 sia-statistics"), "active_time_seconds=180\nactive=1\n"
        "longest_active_seconds=3\ndiffusing_computations=1\nstuck=0\n");
}

/* The first, which is the successor, asks: it waits for us, and we ask where the reply stays. */
static void topology_asked(void **state)
{
    struct se_dual_advert a = far;

    (void)state;
    hear_two();
    se_metric_set_unreachable(&a.metric);
    a.is_complete = 0;
    assert_int_equal(se_dual_input(rig->v4.dual, SE_DUAL_QUERY, rig->nbr, &a, rig->now_ms), 0);
    has(show("ipv4 topology active"), "state=active\ncode=ArR\n");
    has(show("ipv4 topology active"), "active_number=3\n");
    has(show("ipv4 topology pending"), FIRST);
    rig->now_ms += 89999;
    se_dual_tick(rig->v4.dual, rig->now_ms);
    has(show("ipv4 topology active"), "code=ArR\n");
    rig->now_ms++; /* half of the active time */
    se_dual_tick(rig->v4.dual, rig->now_ms);
    has(show("ipv4 topology active"), "code=ArsR\n");
    has(show("ipv4 topology active"), "sia_queries=1\n");
    assert_int_equal(se_dual_input(rig->v4.dual, SE_DUAL_REPLY, 60, &a, rig->now_ms), 0);
    has(show("ipv4 topology all"), FIRST "state=passive\ncode=P\n");
}

/* What went is remembered, and shown only to whom asks for all. */
static void topology_gone(void **state)
{
    const char *text;

    (void)state;
    rig_hear(1, 10, 42);
    rig_hear(1, 0, 43);
    has(show("ipv4 topology"), "topology[\n]\n");
    text = show("ipv4 topology all");
    has(text, FIRST "state=passive\ncode=P\nsuccessors=0\nfeasible_distance=null\n"
              "feasible_distance_rib=null\n");
    has(text, "via[\n]\n");
    has(show("ipv4 topology zero-successors"), FIRST);
    has(show("ipv4 topology summary"), "services=1\npassive=0\nactive=0\ngone=1\n");
    has(show("ipv4 sia-statistics"), "longest_active_seconds=null\n");
}

static void topology_pending(void **state)
{
    const struct xmb_service_id id = {101, 2, {1, 2, 3, 0xabcdef}};
    struct se_dual_entry *e;

    (void)state;
    rig_hear(1, 10, 42);
    rig_hear(2, 10, 42);
    has(show("ipv4 topology pending"), "topology[\n]\n");
    e = se_dual_find(rig->v4.dual, &id);
    se_dual_hold(e);
    has(show("ipv4 topology pending"), FIRST "state=passive\ncode=PU\n");
    has(show("ipv4 topology summary"), "messages_queued=1\n");
    se_dual_release(e);
}

/* Lines that begin with "service=": by lines, since the text is long. */
static unsigned rows_of(const char *text)
{
    const char *end = text + strlen(text), *next;
    unsigned n = 0;

    for (; text < end; text = next) {
        n += end - text > 8 && memcmp(text, "service=", 8) == 0;
        next = memchr(text, '\n', (size_t)(end - text));
        next = next != NULL ? next + 1 : end;
    }
    return n;
}

/* 100,000 services: an answer has 10,000 rows unless more are asked for. */
static void topology_large(void **state)
{
    const char *text;
    uint32_t i;

    (void)state;
    for (i = 1; i <= 100000; i++)
        rig_hear(i, 10, 1);
    text = show("ipv4 topology");
    assert_int_equal(rows_of(text), SE_SHOW_ROWS);
    has(text + strlen(text) - 20, "left_out=90000\n");
    text = show("ipv4 topology limit 3");
    assert_int_equal(rows_of(text), 3);
    has(text, "left_out=99997\n");
    text = show("ipv4 topology 101:2:f.2.3.abcdef limit 1");
    assert_int_equal(rows_of(text), 1);
    has(text, "left_out=0\n");
    assert_int_equal(rows_of(show("ipv4 topology limit 20000")), 20000);
    has(show("ipv4 topology summary"), "services=100000\npassive=100000\n");
    text = rig_run("show eigrp tech-support", "", 0);
    assert_int_equal(rows_of(text), 500);
    has(strstr(text, "timers["), "]\nleft_out=99500\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define T(f) cmocka_unit_test_setup_teardown(f, rig_begin, rig_end)
        T(topology),      T(topology_detail),  T(topology_active), T(topology_asked),
        T(topology_gone), T(topology_pending), T(topology_large),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
