/* SPDX-License-Identifier: MIT */
/*
 * test_netif.c - the watch of network interfaces, in a network namespace of its own: what is there
 * at the beginning, and every kind of change, told on the routing loop.
 *
 * The module keeps a table of what it was told. It must never hold two interfaces of one name, nor
 * one that went, and at the end it must look like the kernel.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "loop/routing.h"
#include "netif/netif_priv.h"

#include "netns_rig.h"

#define TABLE_MAX 64
#define ADDRESSES_MAX 64
#define CHECK(x) ((x) ? (void)0 : check_failed(#x, __LINE__))

static void check_failed(const char *what, int line)
{
    fprintf(stderr, "test_netif.c:%d: %s\n", line, what);
    abort();
}

static struct xmb_module watcher = {
    .name = "watcher",
    .plugin = {.size = sizeof(struct xmb_plugin), .name = "watcher"},
    .log_level = XMB_LOG_ERROR,
};

/* --- the module; thread: routing ------------------------------------------------------------- */

struct row {
    struct xmb_netif now; /* index 0: free */
    struct xmb_netif_addr addrs[ADDRESSES_MAX];
};

struct table {
    struct xmb_netif_watch *watch;
    struct row rows[TABLE_MAX];
    unsigned changes, goings;
    int ends_itself;    /* in the first call that something is there */
    int ends_when_gone; /* in the first that something is not */
    struct table *begins; /* watches with this one too, in the first call */
    int rc;
};

static struct row *row_of(struct table *t, uint32_t index)
{
    struct row *r;

    for (r = t->rows; r < t->rows + TABLE_MAX; r++)
        if (r->now.index == index)
            return r;
    return NULL;
}

static struct row *row_named(struct table *t, const char *name)
{
    struct row *r;

    for (r = t->rows; r < t->rows + TABLE_MAX; r++)
        if (r->now.index != 0 && strcmp(r->now.name, name) == 0)
            return r;
    return NULL;
}

static void watch(void *arg);

static void changed(void *arg, const struct xmb_netif *now)
{
    struct table *t = arg, *other = t->begins;
    struct row *r = row_of(t, now->index), *named = row_named(t, now->name);
    uint32_t i;

    CHECK(loop_is_current(loop_routing()) && module_current() == &watcher);
    CHECK(now->size == sizeof(*now) && now->index != 0 && now->name[0] != '\0');
    CHECK(named == NULL || named == r); /* no two of one name */
    if (r == NULL)
        r = row_of(t, 0);
    CHECK(r != NULL && now->addr_count <= ADDRESSES_MAX);
    r->now = *now;
    for (i = 0; i < now->addr_count; i++)
        r->addrs[i] = *xmb_netif_addr_at(now, i);
    t->changes++;
    t->begins = NULL;
    if (other != NULL)
        watch(other);
    if (t->ends_itself)
        netif_api.unwatch(t->watch);
}

static void gone(void *arg, uint32_t index, const char *name)
{
    struct table *t = arg;
    struct row *r = row_of(t, index);

    CHECK(r != NULL && strcmp(r->now.name, name) == 0);
    memset(r, 0, sizeof(*r));
    t->goings++;
    if (t->ends_when_gone)
        netif_api.unwatch(t->watch);
}

static void watch(void *arg)
{
    struct table *t = arg;

    t->rc = netif_api.watch(&watcher, changed, gone, t, &t->watch);
}

static void end_when_gone(void *arg)
{
    ((struct table *)arg)->ends_when_gone = 1;
}

static void unwatch(void *arg)
{
    struct table *t = arg;

    netif_api.unwatch(t->watch);
}

/* --- asking the module ----------------------------------------------------------------------- */

struct question {
    struct table *table;
    const char *name;
    struct row row; /* index 0: not there */
};

static void look_up(void *arg)
{
    struct question *q = arg;
    struct row *r = row_named(q->table, q->name);

    if (r != NULL)
        q->row = *r;
}

static struct row told_of(struct table *t, const char *name)
{
    struct question q = {.table = t, .name = name};

    on_routing(look_up, &q);
    return q.row;
}

/* Waits until `is(row, arg)`; the row is of that moment. */
static struct row wait_row(struct table *t, const char *name,
                           int (*is)(const struct row *r, const void *arg), const void *arg)
{
    const struct timespec pause_1ms = {0, 1000000};
    struct row r;
    int i;

    for (i = 0; r = told_of(t, name), !is(&r, arg); i++) {
        CHECK(i < 20000);
        nanosleep(&pause_1ms, NULL);
    }
    return r;
}

static int is_there(const struct row *r, const void *arg)
{
    (void)arg;
    return r->now.index != 0;
}

static int is_gone(const struct row *r, const void *arg)
{
    (void)arg;
    return r->now.index == 0;
}

static int is_up(const struct row *r, const void *arg)
{
    return (r->now.flags & XMB_NETIF_UP) == (arg != NULL ? XMB_NETIF_UP : 0);
}

static int has_mtu(const struct row *r, const void *arg)
{
    return r->now.mtu_bytes == *(const uint32_t *)arg;
}

static int has_index(const struct row *r, const void *arg)
{
    return r->now.index == *(const uint32_t *)arg;
}

static const struct xmb_netif_addr *find_address(const struct row *r, const char *text)
{
    int family = strchr(text, ':') != NULL ? 6 : 4;
    uint8_t ip[16] = {0};
    uint32_t i;

    inet_pton(family == 6 ? AF_INET6 : AF_INET, text, ip);
    for (i = 0; i < r->now.addr_count; i++)
        if (r->addrs[i].addr.family == family && memcmp(r->addrs[i].addr.ip, ip, 16) == 0)
            return &r->addrs[i];
    return NULL;
}

static int has_address(const struct row *r, const void *arg)
{
    return find_address(r, arg) != NULL;
}

static int has_no_address(const struct row *r, const void *arg)
{
    return find_address(r, arg) == NULL;
}

/* --- tests ----------------------------------------------------------------------------------- */

static struct table table;

static void told_at_once(void **state)
{
    struct row r = told_of(&table, "lo");

    (void)state;
    assert_int_equal(table.rc, 0);
    assert_int_equal(r.now.index, if_nametoindex("lo"));
    assert_int_equal(r.now.flags, XMB_NETIF_UP | XMB_NETIF_LOOPBACK);
    assert_int_equal(r.now.mtu_bytes, 65536);
    assert_int_equal(find_address(&r, "127.0.0.1")->prefix_bits, 8);
    r = told_of(&table, "near");
    assert_int_equal(r.now.flags, XMB_NETIF_MULTICAST);
    assert_int_equal(r.now.mtu_bytes, 1500);
    assert_string_equal(r.now.vrf, "");
    assert_int_equal(r.now.addr_count, 0);
}

static void carrier(void **state)
{
    (void)state;
    near_sh("ip link set near up");
    far_sh("ip link set far up");
    wait_row(&table, "near", is_up, "");
    far_sh("ip link set far down");
    wait_row(&table, "near", is_up, NULL);
    far_sh("ip link set far up");
    wait_row(&table, "near", is_up, "");
    near_sh("ip link set near down");
    wait_row(&table, "near", is_up, NULL);
}

static void addresses(void **state)
{
    struct row r;

    (void)state;
    near_sh("ip addr add 10.1.0.1/24 dev near && ip addr add 10.1.0.2/24 dev near");
    r = wait_row(&table, "near", has_address, "10.1.0.2");
    assert_int_equal(r.now.addr_bytes, sizeof(struct xmb_netif_addr));
    assert_ptr_equal(find_address(&r, "10.1.0.1"), &r.addrs[0]); /* the primary one is first */
    assert_int_equal(r.addrs[0].prefix_bits, 24);
    assert_int_equal(r.addrs[0].addr.port, 0);
    near_sh("ip addr add 10.1.0.9 peer 10.1.0.10/32 dev near");
    r = wait_row(&table, "near", has_address, "10.1.0.9"); /* ours, not the other end's */
    assert_null(find_address(&r, "10.1.0.10"));
    near_sh("ip addr flush dev near");
    wait_row(&table, "near", has_no_address, "10.1.0.1");
}

/* One that is not proven to be unique is not there yet. */
static void addresses6(void **state)
{
    struct row r;

    (void)state;
    near_sh("ip link set near addrgenmode none && ip link set near up");
    far_sh("ip link set far addrgenmode none && ip link set far up");
    wait_row(&table, "near", is_up, "");
    near_sh("ip addr add fe80::1/64 dev near nodad");
    r = wait_row(&table, "near", has_address, "fe80::1");
    assert_int_equal(find_address(&r, "fe80::1")->addr.scope, r.now.index);
    near_sh("ip addr add 2001:db8::1/48 dev near && ip -6 addr show dev near tentative | "
            "grep -q 2001:db8::1");
    near_sh("ip addr add 2001:db8::2/48 dev near nodad");
    r = wait_row(&table, "near", has_address, "2001:db8::2");
    assert_null(find_address(&r, "2001:db8::1"));
    r = wait_row(&table, "near", has_address, "2001:db8::1");
    assert_int_equal(find_address(&r, "2001:db8::1")->prefix_bits, 48);
    assert_int_equal(find_address(&r, "2001:db8::1")->addr.scope, 0);
    near_sh("ip addr flush dev near && ip link set near down");
    wait_row(&table, "near", has_no_address, "2001:db8::1");
}

static void mtu(void **state)
{
    uint32_t bytes = 1400;

    (void)state;
    near_sh("ip link set near mtu 1400");
    wait_row(&table, "near", has_mtu, &bytes);
    bytes = 1500;
    near_sh("ip link set near mtu 1500");
    wait_row(&table, "near", has_mtu, &bytes);
}

static void comes_and_goes(void **state)
{
    struct row r;
    uint32_t index;

    (void)state;
    near_sh("ip link add one type veth peer name two");
    r = wait_row(&table, "one", is_there, NULL);
    assert_int_equal(r.now.index, if_nametoindex("one"));
    index = r.now.index;
    near_sh("ip link del one && ip link add one type veth peer name two");
    assert_int_not_equal(if_nametoindex("one"), index);
    index = if_nametoindex("one");
    wait_row(&table, "one", has_index, &index);
    near_sh("ip link del one");
    wait_row(&table, "one", is_gone, NULL);
    wait_row(&table, "two", is_gone, NULL);
}

static void renamed(void **state)
{
    uint32_t one, two;
    struct row r;

    (void)state;
    near_sh("ip link add one type veth peer name two");
    one = wait_row(&table, "one", is_there, NULL).now.index;
    two = wait_row(&table, "two", is_there, NULL).now.index;
    near_sh("ip link set one name uno");
    r = wait_row(&table, "uno", is_there, NULL);
    assert_int_equal(r.now.index, one);
    assert_int_equal(told_of(&table, "one").now.index, 0);
    near_sh("ip link set two name one && ip link set uno name two"); /* they swap */
    wait_row(&table, "one", has_index, &two);
    wait_row(&table, "two", has_index, &one);
    near_sh("ip link del one");
    wait_row(&table, "one", is_gone, NULL);
}

/* More changes than the bell's queue holds while nobody listens; the end is what counts. */
static void storm_on_routing(void *arg)
{
    (void)arg;
    near_sh("for i in $(seq 1 3000); do echo link set near mtu $((1200 + i %% 200)); done | "
            "ip -batch - && ip addr add 10.2.0.1/16 dev near");
}

static void storm(void **state)
{
    uint32_t bytes = 1500;

    (void)state;
    on_routing(storm_on_routing, NULL);
    wait_row(&table, "near", has_address, "10.2.0.1");
    near_sh("ip link set near mtu 1500 && ip addr flush dev near");
    wait_row(&table, "near", has_mtu, &bytes);
    wait_row(&table, "near", has_no_address, "10.2.0.1");
}

static void too_many_addresses(void **state)
{
    struct row r;

    (void)state;
    near_sh("for i in $(seq 1 100); do echo addr add 10.3.0.$i/24 dev near; done | ip -batch -");
    r = wait_row(&table, "near", has_address, "10.3.0.64");
    assert_int_equal(r.now.addr_count, 64);
    near_sh("ip addr flush dev near");
    wait_row(&table, "near", has_no_address, "10.3.0.1");
}

static void found(void **state)
{
    struct xmb_netif n = {.size = sizeof(n)};
    unsigned long long mbps = 0;
    FILE *f;

    (void)state;
    assert_int_equal(netif_api.find("near", &n), 0);
    assert_int_equal(n.index, if_nametoindex("near"));
    assert_string_equal(n.name, "near");
    assert_int_equal(n.mtu_bytes, 1500);
    assert_int_equal(n.addr_count, 0);
    assert_int_equal(netif_api.find("no-such", &n), XMB_ENOENT);
    near_sh("ip link set near up");
    far_sh("ip link set far up");
    f = fopen("/sys/class/net/near/speed", "r");
    if (f != NULL) {
        if (fscanf(f, "%llu", &mbps) != 1)
            mbps = 0;
        fclose(f);
    }
    assert_int_equal(netif_api.find("near", &n), 0);
    assert_int_equal(n.speed_kbps, mbps * 1000);
    assert_int_equal(netif_is_vrf("near"), 0);
    assert_int_equal(netif_is_vrf("no-such"), 0);
    n = (struct xmb_netif){.size = offsetof(struct xmb_netif, speed_kbps), .speed_kbps = 42};
    assert_int_equal(netif_api.find("near", &n), 0);
    assert_int_equal(n.speed_kbps, 42); /* beyond the asker's size */
}

#define MADE_UP_KBPS 4242

/* The speed in a look after one that saw `was_kbps`, and the carrier `more` times oftener. */
static uint64_t speed_after(const char *name, uint64_t was_kbps, uint32_t more)
{
    struct picture none = {0}, was = {0}, now = {0};
    struct iface *i;
    uint64_t speed_kbps;

    assert_int_equal(kernel_look(&was, &none), 0);
    i = picture_find_name(&was, name);
    assert_non_null(i);
    i->now.speed_kbps = was_kbps;
    i->carrier_changes += more;
    assert_int_equal(kernel_look(&now, &was), 0);
    i = picture_find_name(&now, name);
    assert_non_null(i);
    speed_kbps = i->now.speed_kbps;
    picture_free(&was);
    picture_free(&now);
    return speed_kbps;
}

/* A speed is kept while the carrier is; one that is not known, or not the link's own, never. */
static void speeds(void **state)
{
    struct xmb_netif n = {.size = sizeof(n)};

    (void)state;
    assert_int_equal(netif_api.find("near", &n), 0);
    assert_int_equal(speed_after("near", MADE_UP_KBPS, 0), MADE_UP_KBPS);
    assert_int_equal(speed_after("near", MADE_UP_KBPS, 1), n.speed_kbps);
    assert_int_equal(speed_after("near", 0, 0), n.speed_kbps);
    if (system("ip link add many type bridge 2>/dev/null") != 0) {
        print_message("no bridge in this kernel\n");
        return;
    }
    assert_int_not_equal(speed_after("many", MADE_UP_KBPS, 0), MADE_UP_KBPS);
    near_sh("ip link del many");
}

/* A VRF, where the kernel has such; else only that nothing is taken for one is tested. */
static int in_vrf(const struct row *r, const void *arg)
{
    return strcmp(r->now.vrf, arg) == 0;
}

static void vrf(void **state)
{
    (void)state;
    if (system("ip link add red type vrf table 10 2>/dev/null") != 0) {
        print_message("no VRF in this kernel\n");
        skip();
    }
    assert_int_equal(netif_is_vrf("red"), 1);
    near_sh("ip link set near master red");
    wait_row(&table, "near", in_vrf, "red");
    near_sh("ip link set near nomaster && ip link del red");
    wait_row(&table, "near", in_vrf, "");
}

/* --- watches that begin and end -------------------------------------------------------------- */

static void several(void **state)
{
    static struct table other, inner, itself;

    (void)state;
    other.begins = &inner; /* in the first call of all */
    on_routing(watch, &other);
    itself.ends_itself = 1;
    on_routing(watch, &itself);
    assert_int_equal(itself.changes, 1);
    assert_int_equal(told_of(&inner, "near").now.index, if_nametoindex("near"));
    near_sh("ip link add one type veth peer name two");
    wait_row(&other, "one", is_there, NULL);
    wait_row(&inner, "one", is_there, NULL);
    on_routing(end_when_gone, &inner);
    near_sh("ip link del one");
    wait_row(&other, "one", is_gone, NULL);
    wait_row(&table, "one", is_gone, NULL);
    assert_int_equal(inner.goings, 1); /* of two */
    assert_int_equal(itself.changes, 1);
    on_routing(unwatch, &other);
    near_sh("ip link add one type veth peer name two");
    wait_row(&table, "one", is_there, NULL);
    assert_int_equal(told_of(&other, "one").now.index, 0);
    near_sh("ip link del one");
    wait_row(&table, "one", is_gone, NULL);
}

static void module_end(void *arg)
{
    routing_module_end(arg);
}

/* After the module's end nothing is told; a new watch sees what changed while nobody looked. */
static void ended(void **state)
{
    static struct table later;

    (void)state;
    on_routing(module_end, &watcher);
    near_sh("ip link add one type veth peer name two");
    on_routing(watch, &later);
    assert_int_equal(told_of(&later, "one").now.index, if_nametoindex("one"));
    assert_int_equal(told_of(&table, "one").now.index, 0);
    near_sh("ip link del one");
    wait_row(&later, "one", is_gone, NULL);
}

/* --- the rig --------------------------------------------------------------------------------- */

static int rig_up(void **state)
{
    (void)state;
    assert_int_equal(loop_control_init(), 0);
    assert_int_equal(loop_routing_start(), 0);
    on_routing(watch, &table);
    return 0;
}

static int rig_down(void **state)
{
    (void)state;
    loop_routing_join(); /* with a watch that is left */
    loop_join(loop_control());
    netns_down();
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(told_at_once),   cmocka_unit_test(carrier),
        cmocka_unit_test(addresses),      cmocka_unit_test(addresses6),
        cmocka_unit_test(mtu),            cmocka_unit_test(comes_and_goes),
        cmocka_unit_test(renamed),        cmocka_unit_test(storm),
        cmocka_unit_test(too_many_addresses), cmocka_unit_test(found),
        cmocka_unit_test(speeds),         cmocka_unit_test(vrf),
        cmocka_unit_test(several),        cmocka_unit_test(ended),
    };
    const char *why_not = netns_up();

    if (why_not != NULL) {
        printf("skipped: %s\n", why_not);
        return 77;
    }
    return cmocka_run_group_tests(tests, rig_up, rig_down);
}
