/* SPDX-License-Identifier: MIT */
/*
 * test_eigrp_show_keys.c - the names that scripts rely on: all keys of each view, in their order;
 * and that what is shown under a name of a counter, a queue or a timer is that.
 */
#include "eigrp_show_rig.h"

#include <stdio.h>
#include <string.h>

#include "nbr_priv.h"

static const char *show(const char *args)
{
    return rig_run("show eigrp service-family", args, 0);
}

/* --- the keys of a list's first row ----------------------------------------------------------- */

static const char *after_line(const char *line)
{
    const char *end = strchr(line, '\n');

    assert_non_null(end);
    return end + 1;
}

/* Appends the word before `line`'s '=' or newline, and a space. */
static void add_word(char *keys, size_t room, const char *line)
{
    size_t n = strcspn(line, "=\n");
    size_t used = strlen(keys);

    assert_true(used + n + 2 < room);
    snprintf(keys + used, room - used, "%.*s ", (int)n, line);
}

/* "a b via[ c ]": of lists inside of it the first row as well. */
static const char *keys_of(const char *text, const char *list)
{
    static char keys[2048];
    char begin[80];
    const char *line;
    int depth = 0, skipped = 0;

    snprintf(begin, sizeof(begin), "%s[\n{\n", list);
    line = strstr(text, begin);
    if (line == NULL)
        fail_msg("no row of %s in:\n%.4000s", list, text);
    keys[0] = '\0';
    for (line += strlen(begin); *line != '}' || depth > 0; line = after_line(line)) {
        if (*line == ']') {
            depth--;
            skipped = 0;
            add_word(keys, sizeof(keys), line);
        } else if (*line == '}') {
            skipped = 1;
        } else if (*line != '{' && !skipped) {
            add_word(keys, sizeof(keys), line);
            depth += line[strcspn(line, "=\n") - 1] == '[';
        }
    }
    return keys;
}

#define assert_keys(text, list, keys) assert_string_equal(keys_of(text, list), keys " ")
#define PROCESS "autonomous_system vrf "
#define TIME_AND_DUAL "delay_ps bandwidth_kbps mtu_bytes hop_count reliability load "

static void keys_of_processes(void **state)
{
    (void)state;
    assert_keys(show("ipv4 neighbors"), "processes",
                PROCESS "family vrid router_id state interface_count neighbor_count pending_count "
                "service_count");
    assert_keys(rig_run("show eigrp protocols", "", 0), "processes",
                "family " PROCESS "vrid router_id state k1 k2 k3 k4 k5 k6 maximum_hops rib_scale "
                "active_time_seconds purge_time_seconds stub tlv_version default_tag "
                "event_log_size log_neighbor_changes learns_domains announced_domains entries_max "
                "data_max_bytes maximum_services threshold_percent warning_only restart_seconds "
                "reset_seconds restart_count_max neighbors_kept_out publications_too_large "
                "interface_count neighbor_count pending_count service_count");
}

#define NEIGHBOR_DETAIL                                                                            \
    "release tlv_version hold_time retransmissions retries services_sent restart_count "           \
    "restarting topology_ids stub static bfd mode"

static void keys_of_neighbors(void **state)
{
    (void)state;
    rig_hello_from(77);
    assert_keys(show("ipv4 neighbors"), "neighbors",
                PROCESS "handle address interface hold uptime_seconds srtt_ms rto_ms queue "
                "sequence services");
    assert_keys(show("ipv4 neighbors detail"), "neighbors",
                PROCESS "handle address interface hold uptime_seconds srtt_ms rto_ms queue "
                "sequence services " NEIGHBOR_DETAIL);
    assert_keys(show("ipv4 neighbors detail"), "pending",
                PROCESS "handle address interface hold pending_seconds " NEIGHBOR_DETAIL);
    assert_keys(show("ipv4 accounting"), "accounting",
                PROCESS "state address interface services restart_count restart_seconds "
                "reset_seconds");
}

#define INTERFACE                                                                                  \
    "interface mode peers pending_peers queue_unreliable queue_reliable queue_multicast "          \
    "queue_peers pending_services srtt_mean_ms pacing_unreliable_us pacing_reliable_us "           \
    "multicast_flow_ms leaving"

static void keys_of_interfaces(void **state)
{
    (void)state;
    assert_keys(show("ipv4 interfaces"), "interfaces", PROCESS INTERFACE);
    assert_keys(show("ipv4 interfaces detail"), "interfaces",
                PROCESS INTERFACE " source hello_ms hold topology_ids split_horizon bandwidth_kbps "
                "delay_ps bandwidth_percent mtu_bytes packet_bytes ttl_minimum pending_max "
                "neighbors_max neighbors_new_per_second authentication key_chain "
                "next_transmit_serial packetized_sent "
                "packetized_expedited bytes_sent multicasts_unreliable multicasts_reliable "
                "unicasts_unreliable unicasts_reliable multicast_exceptions cr_packets "
                "acks_suppressed retransmissions out_of_sequence duplicates messages "
                "messages_joined services_unwritable unsigned_drops");
}

#define SERVICE                                                                                    \
    "service state code successors feasible_distance feasible_distance_rib origin kind sequence "  \
    "serial "
#define VIA                                                                                        \
    "via[ address interface computed_distance computed_distance_rib reported_distance "            \
    "reported_distance_rib origin kind local successor feasible "

static void keys_of_topology(void **state)
{
    (void)state;
    rig_hear(1, 10, 42);
    assert_keys(show("ipv4 topology"), "topology", PROCESS SERVICE VIA "]");
    assert_keys(show("ipv4 topology detail"), "topology",
                PROCESS SERVICE TIME_AND_DUAL "queued data_bytes protocol address port tag " VIA
                "sequence stale " TIME_AND_DUAL "]");
    assert_keys(show("ipv4 topology summary"), "summary",
                PROCESS "services passive active gone zero_successors local learned external "
                "paths messages_queued local_computations diffusing_computations refused "
                "own_heard");
}

static void keys_of_the_rest(void **state)
{
    const struct se_event event = {.kind = SE_EVENT_STUCK};

    (void)state;
    se_events_add(&rig->v4.events, &event);
    assert_keys(show("ipv4 traffic"), "traffic",
                PROCESS "hellos_sent hellos_received updates_sent updates_received queries_sent "
                "queries_received replies_sent replies_received requests_sent requests_received "
                "sia_queries_sent sia_queries_received sia_replies_sent sia_replies_received "
                "acks_sent acks_received retransmissions duplicates out_of_sequence services_sent "
                "bytes_sent services_unwritable unsigned_drops socket_received socket_sent "
                "socket_receive_drops socket_send_fails strange_packets unsent_packets "
                "reasons[ reason count ]");
    assert_keys(show("ipv4 events"), "events", PROCESS "time kind event");
    assert_keys(show("ipv4 sia-event"), "sia_events", PROCESS "time kind event");
    assert_keys(show("ipv4 sia-statistics"), "sia_statistics",
                PROCESS "active_time_seconds active longest_active_seconds "
                "diffusing_computations stuck sia_queries_sent sia_queries_received "
                "sia_replies_sent sia_replies_received");
    assert_keys(show("ipv4 timers"), "timers", PROCESS "timer object interval_ms left_ms");
    assert_keys(rig_run("show eigrp plugins", "", 0), "plugins", "feature description");
}

/* --- counters --------------------------------------------------------------------------------- */

/* Each under its own name: the numbers are all different. */
static void counters_of_interfaces(void **state)
{
    const struct se_rtp_stats stats = {
        .sent = {[SE_HELLO] = 1000}, .hello_multicasts = 900, .acks_sent = 30, .multicasts = 3,
        .unicasts = 4, .services_sent = 5, .packed = 6, .bytes_sent = 7, .exceptions = 8,
        .cr_packets = 9, .acks_suppressed = 10, .retransmissions = 11, .out_of_sequence = 12,
        .duplicates = 13, .messages = 14, .coalesced = 15, .unwritable = 16, .unsigned_drops = 17,
    };

    (void)state;
    se_nbr__iface(rig->v4.nbrs, 0)->link.stats = stats;
    has(show("ipv4 interfaces eth0 detail"),
        "packetized_sent=5\npacketized_expedited=6\nbytes_sent=7\nmulticasts_unreliable=900\n"
        "multicasts_reliable=3\nunicasts_unreliable=130\nunicasts_reliable=4\n"
        "multicast_exceptions=8\ncr_packets=9\nacks_suppressed=10\nretransmissions=11\n"
        "out_of_sequence=12\nduplicates=13\nmessages=14\nmessages_joined=15\n"
        "services_unwritable=16\nunsigned_drops=17\n");
}

/* A message about 101:2 of `instance`, to the neighbour or to all. */
static struct se_dual_entry *post(uint32_t instance, unsigned nbr, unsigned opcode)
{
    const struct xmb_service_id id = {101, 2, {instance, 2, 3, 0xabcdef}};
    struct se_dual_entry *e = se_dual_find(rig->v4.dual, &id);
    struct se_rtp_message m = {.item = e, .opcode = (uint8_t)opcode};

    assert_non_null(e);
    se_nbr_post(rig->v4.nbrs, 0, nbr, &m);
    return e;
}

static void run(void)
{
    se_nbr_run(rig->v4.nbrs, se_process_now(&rig->v4));
}

static struct se_rtp_stats stats_now(void)
{
    struct se_nbr_iface_info info;

    assert_int_equal(se_nbr_iface_info(rig->v4.nbrs, 0, &info), 0);
    return info.stats;
}

/* What the engines count is what goes out: of two engines that talk, each packet is known. */
static void counted_as_it_goes(void **state)
{
    struct se_rtp_stats before, now;

    (void)state;
    rig_hear(1, 10, 1);
    rig_hear(2, 10, 1);
    rig->is_writing = 1;
    before = stats_now();
    assert_int_equal(before.hello_multicasts, before.sent[SE_HELLO]); /* a LAN: no other hellos */
    post(1, SE_NBR_ALL, SE_UPDATE);
    post(2, SE_NBR_ALL, SE_UPDATE);
    post(2, SE_NBR_ALL, SE_UPDATE);
    run();
    rig_pump();
    post(1, rig->nbr, SE_UPDATE);
    run();
    rig_pump();
    now = stats_now();
    assert_int_equal(now.multicasts - before.multicasts, 1);
    assert_int_equal(now.unicasts - before.unicasts, 1);
    assert_int_equal(now.services_sent - before.services_sent, 3);
    assert_int_equal(now.packed - before.packed, 1);
    assert_int_equal(now.messages - before.messages, 4);
    assert_int_equal(now.coalesced - before.coalesced, 1);
}

/* --- what waits ------------------------------------------------------------------------------- */

static void waiting(void **state)
{
    const char *text;
    char line[64];
    unsigned first;

    (void)state;
    rig_hear(1, 10, 1);
    rig_hear(2, 10, 1);
    rig->is_writing = 1;
    has(show("ipv4 interfaces eth0 detail"), "next_transmit_serial=null\n");
    post(2, SE_NBR_ALL, SE_UPDATE);
    first = post(2, rig->nbr, SE_REPLY)->serial;
    post(1, rig->nbr, SE_UPDATE);
    text = show("ipv4 interfaces eth0 detail");
    has(text, "queue_unreliable=0\nqueue_reliable=3\nqueue_multicast=1\nqueue_peers=2\n"
              "pending_services=3\n");
    snprintf(line, sizeof(line), "next_transmit_serial=%u\n", first);
    has(text, line);
    run(); /* the multicast is on its way, and the window is one */
    has(show("ipv4 interfaces eth0"), "queue_reliable=2\nqueue_multicast=0\nqueue_peers=2\n"
                                      "pending_services=3\n");
    has(show("ipv4 timers"), "timer=retransmission\nobject=10.0.0.2\ninterval_ms=200\n"
                             "left_ms=200\n");
    rig->now_ms += 50;
    has(show("ipv4 timers"), "interval_ms=200\nleft_ms=150\n");
    rig_pump();
    has(show("ipv4 interfaces eth0 detail"), "queue_reliable=0\nqueue_multicast=0\nqueue_peers=0\n"
                                             "pending_services=0\n");
    has_not(show("ipv4 timers"), "timer=retransmission\n");
}

/* What went out has not drained: the next packet waits for that, and for nobody else. */
static void pacing_timer(void **state)
{
    (void)state;
    rig_hear(1, 10, 1);
    has(show("ipv4 timers"), "timer=pacing\nobject=eth0\ninterval_ms=1\nleft_ms=null\n");
    se_nbr__iface(rig->v4.nbrs, 0)->link.paced_until_ns = (rig->now_ms + 30) * 1000000;
    post(1, SE_NBR_ALL, SE_UPDATE);
    run();
    has(show("ipv4 timers"), "timer=pacing\nobject=eth0\ninterval_ms=1\nleft_ms=30\n");
    has(show("ipv4 timers"), "timer=multicast flow\nobject=eth0\ninterval_ms=50\nleft_ms=null\n");
}

/* The way is lost and the neighbour, who is not feasible, is asked: it waits, then it goes. */
static void query_queued(void **state)
{
    struct se_dual_advert a = {
        .id = {101, 2, {1, 2, 3, 0xabcdef}}, .origin = 0xc0000207, .sequence = 42, .is_complete = 1,
        .metric = {.delay_ps = 1000000, .bandwidth_kbps = 1000000, .mtu_bytes = 1500,
                   .hop_count = 1, .reliability = 255, .load = 1},
    };
    uint32_t serial;

    (void)state;
    assert_int_equal(se_dual_peer_up(rig->v4.dual, 60, 2, 0, rig->now_ms), 0);
    assert_int_equal(se_dual_input(rig->v4.dual, SE_DUAL_UPDATE, 60, &a, rig->now_ms), 0);
    rig_hear(1, 90, 42);
    serial = post(1, rig->nbr, SE_UPDATE)->serial;
    has(show("ipv4 topology"), "code=PU\n");
    run();
    se_metric_set_unreachable(&a.metric);
    a.is_complete = 0;
    assert_int_equal(se_dual_input(rig->v4.dual, SE_DUAL_UPDATE, 60, &a, rig->now_ms), 0);
    has(show("ipv4 topology active"), "code=Ar\n");
    rig->is_writing = 1;
    assert_true(post(1, rig->nbr, SE_QUERY)->serial > serial);
    has(show("ipv4 topology active"), "code=ArQU\n");
    run();
    has(show("ipv4 topology active"), "code=ArU\n"); /* on its way, not acknowledged */
    rig_pump();
    has(show("ipv4 topology active"), "code=Ar\n");
}

static void topologies(void **state)
{
    static const uint16_t some[] = {0, 32}, many[] = {7, 6, 5, 4, 3, 0};

    (void)state;
    rig_hello_listing(77, some, 2);
    has(show("ipv4 neighbors 10.0.0.77 detail"), "topology_ids=0,32\n");
    rig_hello_listing(77, many, 6);
    has(show("ipv4 neighbors 10.0.0.77 detail"), "topology_ids=7,6,5,4...\n");
    rig_hello_listing(77, NULL, 0);
    has(show("ipv4 neighbors 10.0.0.77 detail"), "topology_ids=null\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define T(f) cmocka_unit_test_setup_teardown(f, rig_begin, rig_end)
        T(keys_of_processes), T(keys_of_neighbors), T(keys_of_interfaces), T(keys_of_topology),
        T(keys_of_the_rest), T(counters_of_interfaces), T(counted_as_it_goes), T(waiting),
        T(pacing_timer), T(query_queued), T(topologies),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
