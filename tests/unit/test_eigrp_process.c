/* SPDX-License-Identifier: MIT */
/*
 * test_eigrp_process.c - the SAF forwarder as a whole, in the fake host: what is between engines
 * and the broker. Interfaces that change, live configuration, what does not fit a packet, two
 * processes of one autonomous system, the end.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "eigrp_process_rig.h"

#define FAMILY4 "<service-family address-family='ipv4' autonomous-system='1228' "
#define FAMILY6 "<service-family address-family='ipv6' autonomous-system='1228' "
#define END "</service-family>"
#define ID4 "router-id='10.0.0.1'>"
#define ID6 "router-id='10.0.0.6'>"
#define QUICK "<sf-interface name='default' hello-interval='1'/>"
#define BASIC FAMILY4 ID4 QUICK END
#define FAR "<neighbor address='10.9.9.9' interface='eth0' remote='9'/>"

static int begin(void **state)
{
    (void)state;
    rig_open();
    return 0;
}

static int end(void **state)
{
    (void)state;
    rig_close();
    return 0;
}

/* --- services --------------------------------------------------------------------------------- */

static void spreads_and_learns(void **state)
{
    struct rig_said said = rig_service(2, 0x0a000002, 7);
    struct rig_peer *peer;

    (void)state;
    rig_iface(2, 1500, 1);
    rig_configure(BASIC);
    peer = rig_peer(2, 4);
    rig_converge();
    rig_publish(1, 1, 100);
    rig_run(200);
    assert_int_equal(rig_heard(peer, 1)->is_finite, 1);
    assert_int_equal(rig_heard(peer, 1)->data_bytes, 100);
    rig_update(peer, &said);
    assert_non_null(rig_registry(2));
    assert_int_equal(rig_registry(2)->flags, XMB_SERVICE_LEARNED);
    assert_int_equal(rig_registry(2)->data.n, 100);
    rig_unpublish(1);
    rig_run(200);
    assert_int_equal(rig_heard(peer, 1)->is_finite, 0);
    assert_int_equal(rig_heard(peer, 1)->is_withdrawn, 1);
    said.delay_ps = 0;
    said.sequence = 8;
    rig_update(peer, &said);
    assert_null(rig_registry(2));
}

/* Whom a list refuses cannot take away what others bring, in the name of its originator. */
static void refused_neighbour_withdraws_nothing(void **state)
{
    struct rig_said said = rig_service(2, 0x0a000002, 7);
    struct rig_peer *good, *refused;

    (void)state;
    rig_iface(2, 1500, 1);
    rig_iface(3, 1500, 1);
    rig_configure("<service-list name='NONE'><deny/></service-list>" FAMILY4 ID4 QUICK
                  "<sf-interface name='eth1' inbound='NONE'/>" END);
    good = rig_peer(2, 4);
    refused = rig_peer(3, 4);
    rig_converge();
    rig_update(good, &said);
    assert_non_null(rig_registry(2));
    said.delay_ps = 0;
    said.is_complete = 0;
    said.is_withdrawn = 1;
    said.sequence = 8;
    rig_update(refused, &said);
    assert_non_null(rig_registry(2));
    rig_update(good, &said);
    assert_null(rig_registry(2));
}

static void default_tag_changes_live(void **state)
{
    struct rig_peer *peer;
    uint32_t sequence;

    (void)state;
    rig_iface(2, 1500, 1);
    rig_configure(BASIC);
    peer = rig_peer(2, 4);
    rig_publish(1, 1, 100);
    rig_converge();
    assert_int_equal(rig_heard(peer, 1)->tag, 0);
    sequence = rig_heard(peer, 1)->sequence;
    rig_configure(FAMILY4 ID4 QUICK "<topology default-route-tag='9'/>" END);
    rig_run(200);
    assert_int_equal(rig_heard(peer, 1)->tag, 9);
    assert_true(rig_heard(peer, 1)->sequence > sequence);
    rig_configure(FAMILY4 ID4 QUICK "<topology default-route-tag='9' maximum-hops='99'/>" END);
    sequence = rig_heard(peer, 1)->count;
    rig_run(200);
    assert_int_equal(rig_heard(peer, 1)->count, sequence);
    assert_int_equal(peer->downs, 0);
}

/* --- too large -------------------------------------------------------------------------------- */

static void smaller_mtu_withdraws(void **state)
{
    struct rig_peer *peer;

    (void)state;
    rig_iface(2, 1500, 1);
    rig_configure(BASIC);
    peer = rig_peer(2, 4);
    rig_publish(1, 1, 1200);
    rig_publish(2, 1, 100);
    rig_converge();
    assert_int_equal(rig_heard(peer, 1)->is_finite, 1);
    rig_iface(3, 600, 1); /* another interface, and nobody is there */
    rig_run(200);
    assert_int_equal(rig_heard(peer, 1)->is_finite, 0);
    assert_int_equal(rig_heard(peer, 2)->is_finite, 1);
    assert_int_equal(rig_logged("not announced to other routers"), 1);
    rig_configure(FAMILY4 ID4 QUICK "<topology maximum-hops='99'/>" END);
    rig_run(1500);
    assert_int_equal(rig_logged("not announced to other routers"), 1);
    assert_int_equal(xmb_fakehost_metric(rig_module, "publications_too_large"), 1);
    rig_publish(1, 2, 1201);
    rig_run(1500);
    assert_int_equal(xmb_fakehost_metric(rig_module, "publications_too_large"), 2);
    rig_iface_gone(3);
    rig_run(200);
    assert_int_equal(rig_heard(peer, 1)->is_finite, 1);
    assert_int_equal(rig_heard(peer, 1)->data_bytes, 1201);
    assert_int_equal(peer->downs, 0);
}

static void large_at_the_start(void **state)
{
    struct rig_peer *peer;

    (void)state;
    rig_iface(2, 600, 1);
    rig_publish(1, 1, 1200);
    rig_publish(2, 1, 100);
    rig_configure(BASIC);
    peer = rig_peer(2, 4);
    rig_converge();
    assert_int_equal(rig_heard(peer, 1)->opcode, 0);
    assert_int_equal(rig_heard(peer, 2)->is_finite, 1);
    assert_int_equal(rig_logged("not announced to other routers"), 1);
    rig_publish(1, 2, 50); /* its data shrinks */
    rig_run(200);
    assert_int_equal(rig_heard(peer, 1)->is_finite, 1);
}

/* What cannot be written is not promised: a query about it is answered. */
static void learned_and_too_large_elsewhere(void **state)
{
    struct rig_said said = rig_service(1, 0x0a000002, 7);
    struct rig_peer *wide, *narrow;

    (void)state;
    rig_iface(2, 1500, 1);
    rig_iface(3, 600, 1);
    rig_configure(BASIC);
    wide = rig_peer(2, 4);
    narrow = rig_peer(3, 4);
    rig_converge();
    said.data_bytes = 1200;
    rig_update(wide, &said);
    assert_non_null(rig_registry(1));
    assert_int_equal(rig_heard(narrow, 1)->opcode, 0);
    assert_true(rig_logged("it is not announced there") > 0);
    said.delay_ps = 0;
    said.is_complete = 0;
    rig_say(narrow, SE_QUERY, &said);
    rig_run(200);
    assert_int_equal(rig_heard(narrow, 1)->opcode, SE_REPLY);
    assert_int_equal(rig_heard(narrow, 1)->is_finite, 0);
    rig_iface(3, 1500, 1);
    rig_run(500);
    assert_int_equal(rig_heard(narrow, 1)->is_finite, 1);
    assert_int_equal(rig_heard(narrow, 1)->data_bytes, 1200);
    rig_iface(3, 600, 1);
    rig_run(500);
    assert_int_equal(rig_heard(narrow, 1)->is_finite, 0);
}

/* --- two processes of one autonomous system --------------------------------------------------- */

/*
 * The second process of the domain has the service, is active about it and reports an originator
 * whose data never came, when the first one loses it.
 */
static void second_is_active_when_the_first_loses(void **state)
{
    struct rig_said said = rig_service(1, 0x0a000002, 7), worse = said;
    struct rig_peer *peer6, *peer4, *silent;

    (void)state;
    rig_iface(2, 1500, 1);
    rig_iface(3, 1500, 1);
    rig_configure(FAMILY6 ID6 QUICK END BASIC);
    peer6 = rig_peer(2, 6);
    peer4 = rig_peer(2, 4);
    silent = rig_peer(3, 4);
    silent->is_mute = 1;
    rig_converge();
    rig_update(peer6, &said);
    said.data_bytes = 101;
    rig_update(peer4, &said);
    assert_int_equal(rig_registry(1)->data.n, 100);
    worse.origin = 0x0a000099;
    worse.delay_ps = UINT64_C(100) * RIG_FAST_PS;
    worse.is_complete = 0;
    rig_update(peer4, &worse);
    assert_int_equal(rig_heard(silent, 1)->opcode, SE_QUERY);
    said.delay_ps = 0;
    said.sequence = 8;
    said.is_complete = 0;
    rig_update(peer6, &said);
    assert_non_null(rig_registry(1));
    assert_int_equal(rig_registry(1)->data.n, 101);
}

static void next_process_takes_over(void **state)
{
    struct rig_said said = rig_service(1, 0x0a000002, 7);
    struct rig_peer *peer4, *peer6;

    (void)state;
    rig_iface(2, 1500, 1);
    rig_configure(BASIC FAMILY6 ID6 QUICK END);
    peer4 = rig_peer(2, 4);
    peer6 = rig_peer(2, 6);
    rig_converge();
    rig_update(peer6, &said);
    said.data_bytes = 101;
    rig_update(peer4, &said); /* the first in the configuration is heard */
    assert_int_equal(rig_registry(1)->data.n, 101);
    rig_configure(FAMILY6 ID6 QUICK END);
    rig_run(3000);
    assert_int_equal(rig_registry(1)->data.n, 100);
    assert_int_equal(peer4->down_reason, SE_NBR_GOODBYE);
    assert_int_equal(peer6->downs, 0);
    assert_int_equal(xmb_fakehost_rawips(), 1);
}

/* --- interfaces ------------------------------------------------------------------------------- */

static void other_interfaces_change_in_silence(void **state)
{
    uint32_t before;
    unsigned i;

    (void)state;
    rig_iface(2, 1500, 1);
    rig_configure(FAMILY4 ID4 "<sf-interface name='eth5' shutdown='yes'/>" END);
    rig_run(100);
    before = rig_multicasts[2];
    for (i = 0; i < 20; i++)
        rig_iface(7, 1500 + i, 1);
    rig_run(100);
    assert_true(rig_multicasts[2] - before <= 1);
}

static void goes_and_comes(void **state)
{
    static const struct xmb_addr group = {.family = 4, .ip = {224, 0, 0, 10}};
    struct rig_peer *peer;

    (void)state;
    rig_iface(2, 1500, 1);
    rig_configure(BASIC);
    peer = rig_peer(2, 4);
    rig_publish(1, 1, 100);
    rig_converge();
    rig_iface(2, 1500, 0);
    assert_int_equal(xmb_fakehost_rawip_joined(rig_module, 2, &group), 0);
    rig_iface(2, 1500, 1);
    assert_int_equal(xmb_fakehost_rawip_joined(rig_module, 2, &group), 1);
    rig_converge();
    rig_configure(FAMILY4 ID4 QUICK "<sf-interface name='eth0' shutdown='yes'/>" END);
    rig_run(50);
    assert_int_equal(peer->is_up, 0);
    assert_int_equal(peer->down_reason, SE_NBR_GOODBYE);
    rig_configure(BASIC); /* while it still says goodbye */
    rig_converge();
    rig_iface_gone(2);
    rig_iface(2, 1500, 1);
    rig_converge();
    assert_int_equal(rig_heard(peer, 1)->is_finite, 1);
}

static void static_neighbours_end_multicast(void **state)
{
    static const struct xmb_addr group = {.family = 4, .ip = {224, 0, 0, 10}};
    struct rig_peer *peer;

    (void)state;
    rig_iface(2, 1500, 1);
    rig_configure(BASIC);
    peer = rig_peer(2, 4);
    rig_converge();
    rig_configure(FAMILY4 ID4 QUICK "<neighbor address='10.0.2.77' interface='eth0'/>" END);
    rig_run(100);
    assert_int_equal(peer->is_up, 0);
    assert_int_equal(peer->down_reason, SE_NBR_TERMINATED);
    assert_int_equal(xmb_fakehost_rawip_joined(rig_module, 2, &group), 0);
    rig_configure(BASIC);
    assert_int_equal(xmb_fakehost_rawip_joined(rig_module, 2, &group), 1);
    rig_converge();
}

/* Once for each time that it is missing, not for each look. */
static void missing_source_is_said_once(void **state)
{
    static const char text[] = "interface eth0 does not have the address 10.0.2.9";

    (void)state;
    rig_iface(2, 1500, 1);
    rig_configure(FAMILY4 ID4 "<sf-interface name='eth0' source='10.0.2.9'/>" END);
    assert_int_equal(rig_logged(text), 0); /* no remote neighbour needs it */
    rig_configure(FAMILY4 ID4 "<sf-interface name='eth0' source='10.0.2.9'/>" FAR END);
    assert_int_equal(rig_logged(text), 1);
    rig_iface(3, 1500, 1);
    rig_run(20000);
    rig_configure(FAMILY4 ID4 QUICK "<sf-interface name='eth0' source='10.0.2.9'/>" FAR END);
    assert_int_equal(rig_logged(text), 1);
    rig_configure(FAMILY4 ID4 "<sf-interface name='eth0' source='10.0.2.1'/>" FAR END);
    assert_int_equal(rig_logged("does not have the address"), 1);
    rig_configure(FAMILY4 ID4 "<sf-interface name='eth0' source='10.0.2.9'/>" FAR END);
    assert_int_equal(rig_logged(text), 2);
    rig_iface(2, 1500, 0);
    assert_int_equal(rig_logged(text), 2);
    rig_iface(2, 1500, 1);
    assert_int_equal(rig_logged(text), 3);
}

/* --- maximum-services ------------------------------------------------------------------------- */

static void kept_out_whatever_the_interface_is_called_by(void **state)
{
    struct rig_said said;
    struct rig_peer *peer;
    unsigned i;

    (void)state;
    rig_iface(2, 1500, 1);
    rig_iface(3, 1500, 1);
    rig_configure(FAMILY4 ID4 QUICK "<topology maximum-services='2' restart='60'/>" END);
    peer = rig_peer(3, 4);
    rig_converge();
    assert_int_equal(rig_logged("maximum-services"), 0);
    for (i = 1; i <= 3; i++) {
        said = rig_service(i, 0x0a000002, 7);
        rig_say(peer, SE_UPDATE, &said);
    }
    rig_run(500);
    assert_int_equal(peer->is_up, 0);
    rig_iface(2, 1500, 0);
    rig_iface(3, 1500, 0);
    rig_iface(3, 1500, 1); /* now with the number of the other one in the engines */
    rig_run(20000);
    assert_int_equal(peer->is_up, 0);
    rig_run(60000);
    rig_converge();
}

/* A limit that is lowered, and one that is taken away. */
static void limit_changes_live(void **state)
{
    struct rig_said said;
    struct rig_peer *peer;
    unsigned i;

    (void)state;
    rig_iface(2, 1500, 1);
    rig_configure(BASIC);
    peer = rig_peer(2, 4);
    rig_converge();
    for (i = 1; i <= 3; i++) {
        said = rig_service(i, 0x0a000002, 7);
        rig_update(peer, &said);
    }
    rig_configure(FAMILY4 ID4 QUICK "<topology maximum-services='2'/>" END);
    rig_run(200);
    assert_int_equal(peer->is_up, 0);
    assert_null(rig_registry(1));
    rig_run(20000);
    assert_int_equal(peer->is_up, 0);
    rig_configure(BASIC);
    rig_converge();
}

static void small_limit_is_not_reached_by_nothing(void **state)
{
    struct rig_said nothing = rig_service(1, 0x0a000002, 7);
    struct rig_peer *peer;

    (void)state;
    rig_iface(2, 1500, 1);
    rig_configure(FAMILY4 ID4 QUICK "<topology maximum-services='1'/>" END);
    peer = rig_peer(2, 4);
    rig_converge();
    nothing.delay_ps = 0;
    nothing.is_complete = 0;
    rig_update(peer, &nothing);
    assert_int_equal(rig_logged("maximum-services is"), 0);
}

/* --- the life --------------------------------------------------------------------------------- */

static void waits_for_a_router_id(void **state)
{
    struct xmb_netif none = {.size = sizeof(none), .index = 9, .name = "eth7", .mtu_bytes = 1500,
                             .flags = XMB_NETIF_UP | XMB_NETIF_MULTICAST};

    (void)state;
    xmb_fakehost_netif(&none);
    rig_configure(FAMILY6 ">" QUICK END);
    assert_int_equal(rig_logged("waits for a router id"), 1);
    none.mtu_bytes = 1400;
    xmb_fakehost_netif(&none);
    assert_int_equal(rig_logged("waits for a router id"), 1);
    rig_iface(2, 1500, 1);
    assert_int_equal(rig_logged("forwards services as router 10.0.2.1"), 1);
    rig_peer(2, 6);
    rig_converge();
}

static void drains(void **state)
{
    struct rig_peer *peer;
    uint32_t before;

    (void)state;
    rig_iface(2, 1500, 1);
    rig_configure(BASIC);
    peer = rig_peer(2, 4);
    rig_publish(1, 1, 100);
    rig_converge();
    xmb_fakehost_drain(rig_module, 10000);
    assert_int_equal(xmb_fakehost_drained(rig_module), 0);
    rig_publish(2, 1, 100); /* a client is still there */
    before = rig_multicasts[2];
    rig_run(300);
    assert_int_equal(xmb_fakehost_drained(rig_module), 1);
    assert_int_equal(rig_heard(peer, 1)->is_withdrawn, 1);
    assert_int_equal(rig_heard(peer, 2)->opcode, 0);
    assert_int_equal(peer->down_reason, SE_NBR_GOODBYE);
    assert_true(rig_multicasts[2] - before >= 3);
    rig_unpublish(2);
}

static void router_id_changes(void **state)
{
    struct rig_peer *peer;

    (void)state;
    rig_iface(2, 1500, 1);
    rig_configure(BASIC);
    peer = rig_peer(2, 4);
    rig_publish(1, 1, 100);
    rig_converge();
    rig_configure(FAMILY4 "router-id='10.0.0.77'>" QUICK END);
    rig_run(20);
    rig_configure(FAMILY4 "router-id='10.0.0.78'>" QUICK END); /* on its way down */
    rig_run(3000);
    rig_converge();
    assert_int_equal(rig_heard(peer, 1)->is_finite, 1);
    assert_int_equal(rig_logged("as router 10.0.0.78"), 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define TEST(f) cmocka_unit_test_setup_teardown(f, begin, end)
        TEST(spreads_and_learns),
        TEST(refused_neighbour_withdraws_nothing),
        TEST(default_tag_changes_live),
        TEST(smaller_mtu_withdraws),
        TEST(large_at_the_start),
        TEST(learned_and_too_large_elsewhere),
        TEST(second_is_active_when_the_first_loses),
        TEST(next_process_takes_over),
        TEST(other_interfaces_change_in_silence),
        TEST(goes_and_comes),
        TEST(static_neighbours_end_multicast),
        TEST(missing_source_is_said_once),
        TEST(kept_out_whatever_the_interface_is_called_by),
        TEST(limit_changes_live),
        TEST(small_limit_is_not_reached_by_nothing),
        TEST(waits_for_a_router_id),
        TEST(drains),
        TEST(router_id_changes),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
