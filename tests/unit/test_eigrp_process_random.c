/* SPDX-License-Identifier: MIT */
/*
 * test_eigrp_process_random.c - the SAF forwarder while everything changes at once: configurations,
 * interfaces, services, neighbours that say anything, and an operator who looks at it.
 *
 * A seed is a run; with XMB_SEED set, that one alone is played. What must be so at the end: with a
 * plain configuration all neighbours come up, know what is published here and nothing else, and the
 * forwarder goes in order. Sanitizers see the rest on the way.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>

#include "eigrp_process_rig.h"

#define SEEDS 20
#define STEPS 150
#define SERVICES 6
#define FACES 3

static uint32_t random_state;
static struct rig_peer *peers[FACES + 1];
static uint32_t versions[SERVICES];
static uint8_t is_published[SERVICES];
static uint8_t is_there[FACES];

static uint32_t draw(uint32_t n)
{
    random_state = random_state * 1664525 + 1013904223;
    return (random_state >> 8) % n;
}

#define PICK(array) (array)[draw(sizeof(array) / sizeof((array)[0]))]

/* --- the operator ----------------------------------------------------------------------------- */

static const char *const ifaces[] = {
    "",
    "<sf-interface name='default' hello-interval='1'/>",
    "<sf-interface name='default' hello-interval='1' mtu='1300'/>",
    "<sf-interface name='eth0' shutdown='yes'/>",
    "<sf-interface name='eth1'><authentication mode='md5' key='some shared key'/></sf-interface>",
    "<sf-interface name='eth1' hello-interval='2' inbound='L' outbound='L'/>",
    "<sf-interface name='eth0' split-horizon='no' dampening-change='20' dampening-interval='3'/>",
};

static const char *const neighbours[] = {
    "",
    "",
    "<neighbor address='10.0.2.2' interface='eth0'/>",
    "<neighbor address='10.0.3.2' interface='eth1' remote='5'/>",
    "<remote-neighbors source='eth1' mode='unicast-listen' allow-list='A'/>",
    "<remote-neighbors source='eth2' mode='multicast-group' group='239.1.2.3'/>",
};

static const char *const rest[] = {
    "",
    "",
    "<stub connected='yes'/>",
    "<stub receive-only='yes'/>",
    "<metric-weights k1='1' k2='1' k3='1' k4='0' k5='0' k6='0'/>",
    "<timers active-time='disabled'/>",
    "<log event-log-size='0'/>",
    "<topology maximum-services='2' restart='2s' inbound='L' default-route-tag='5'/>",
    "<topology data-max='500' outbound='L' entries-max='3'/>",
    "<topology learned-public='yes' maximum-hops='1' tlv-version='3'/>",
    "<xmpp-domains learn='yes'/>",
};

static const char lists[] =
    "<service-list name='L'><deny service='101' subservice='3'/><allow/></service-list>"
    "<address-list name='A'><allow address='10.0.0.0/8'/></address-list>";

static size_t family_text(char *out, size_t room, unsigned family, const char *more)
{
    const char *shut = draw(8) == 0 ? " shutdown='yes'" : "";

    return (size_t)snprintf(out, room,
                            "<service-family address-family='ipv%u' autonomous-system='%u' "
                            "router-id='10.0.0.%u'%s>%s%s%s</service-family>",
                            family, draw(10) == 0 ? RIG_AS + 1 : RIG_AS,
                            family + (draw(6) == 0 ? 10 : 0), shut, PICK(ifaces), more,
                            PICK(rest));
}

static void reload(void)
{
    char text[4096] = "";
    size_t at = (size_t)snprintf(text, sizeof(text), "%s", lists);
    unsigned which = draw(5);

    if (which != 0)
        at += family_text(text + at, sizeof(text) - at, 4, PICK(neighbours));
    if (which != 1)
        family_text(text + at, sizeof(text) - at, 6, "");
    rig_configure(text);
}

static void look(void)
{
    static const char *const views[][2] = {
        {"ipv4", "topology"}, {"ipv4", "neighbors"}, {"ipv6", "events"}, {"ipv4", "accounting"}};
    const char *const *words = PICK(views);
    const char *hard[] = {"ipv4", "neighbors"}, *soft[] = {"ipv4", "neighbors", "soft"};
    const char *text;

    switch (draw(4)) {
    case 0:
        xmb_fakehost_command(rig_module, "show eigrp tech-support", NULL, 0, &text);
        break;
    case 1:
        xmb_fakehost_command(rig_module, "clear eigrp service-family", hard, 2, &text);
        break;
    case 2:
        xmb_fakehost_command(rig_module, "clear eigrp service-family", soft, 3, &text);
        break;
    default:
        xmb_fakehost_command(rig_module, "show eigrp service-family", words, 2, &text);
    }
}

/* --- the others ------------------------------------------------------------------------------- */

static void change_iface(unsigned i)
{
    if (is_there[i] && draw(4) == 0) {
        rig_iface_gone(i + 2);
        is_there[i] = 0;
        return;
    }
    rig_iface(i + 2, draw(3) == 0 ? 250 + draw(400) : 1500, draw(5) > 0);
    is_there[i] = 1;
}

static void publish(unsigned sub)
{
    if (is_published[sub] && draw(3) == 0) {
        rig_unpublish(sub);
        is_published[sub] = 0;
        return;
    }
    rig_publish(sub, ++versions[sub], draw(4) == 0 ? 1000 + draw(400) : draw(600));
    is_published[sub] = 1;
}

static void say_anything(struct rig_peer *peer)
{
    static const uint8_t opcodes[] = {SE_UPDATE, SE_UPDATE, SE_UPDATE, SE_QUERY, SE_REPLY,
                                      SE_REQUEST, SE_SIA_QUERY, SE_SIA_REPLY};
    struct rig_said said = {
        .id = rig_id(draw(SERVICES)), .origin = 0x0a000000 + draw(8), .sequence = draw(20),
        .data_bytes = draw(3) == 0 ? draw(1300) : 40, .is_complete = draw(3) > 0,
        .delay_ps = draw(3) == 0 ? 0 : UINT64_C(1000000) << draw(6)};

    if (!peer->is_up)
        return;
    if (said.delay_ps == 0)
        said.is_complete = 0;
    if (draw(5) == 0)
        said.id.service = 5269;
    rig_say(peer, PICK(opcodes), &said);
}

static void step(void)
{
    switch (draw(8)) {
    case 0:
        reload();
        break;
    case 1:
        change_iface(draw(FACES));
        break;
    case 2:
        publish(draw(SERVICES));
        break;
    case 3:
        look();
        break;
    case 4:
        peers[draw(FACES + 1)]->is_mute = (uint8_t)draw(2);
        break;
    default:
        say_anything(peers[draw(FACES + 1)]);
    }
    if (draw(2) == 0)
        rig_run(1 + draw(draw(6) == 0 ? 6000 : 300));
}

/* --- the end ---------------------------------------------------------------------------------- */

static const char plain[] =
    "<service-family address-family='ipv4' autonomous-system='1228' router-id='10.0.0.4'>"
    "<sf-interface name='default' hello-interval='1'/></service-family>"
    "<service-family address-family='ipv6' autonomous-system='1228' router-id='10.0.0.6'>"
    "<sf-interface name='default' hello-interval='1'/></service-family>";

static void come_to_rest(void)
{
    unsigned i;

    for (i = 0; i < FACES; i++) {
        rig_iface(i + 2, 1500, 1);
        is_there[i] = 1;
    }
    for (i = 0; i <= FACES; i++)
        peers[i]->is_mute = 0;
    rig_configure(plain);
    rig_run(600000); /* also what was never answered: that neighbour is reset */
    rig_converge();
}

static void check_services(void)
{
    unsigned i, sub;

    for (sub = 0; sub < SERVICES; sub++) {
        if (is_published[sub])
            rig_publish(sub, ++versions[sub], 100);
        rig_run(300);
        for (i = 0; i <= FACES && is_published[sub]; i++) {
            assert_int_equal(rig_heard(peers[i], sub)->is_finite, 1);
            assert_int_equal(rig_heard(peers[i], sub)->data_bytes, 100);
        }
    }
}

static void play(uint32_t seed)
{
    unsigned i;

    random_state = seed;
    memset(versions, 0, sizeof(versions));
    memset(is_published, 0, sizeof(is_published));
    rig_open();
    xmb_fakehost_log_level(XMB_LOG_WARN);
    for (i = 0; i < FACES; i++) {
        rig_iface(i + 2, 1500, 1);
        is_there[i] = 1;
    }
    rig_configure(plain);
    for (i = 0; i < FACES; i++)
        peers[i] = rig_peer(i + 2, 4);
    peers[FACES] = rig_peer(2, 6);
    for (i = 0; i < STEPS; i++)
        step();
    come_to_rest();
    check_services();
    xmb_fakehost_drain(rig_module, 10000);
    rig_run(2000);
    assert_int_equal(xmb_fakehost_drained(rig_module), 1);
    for (i = 0; i <= FACES; i++)
        assert_int_equal(peers[i]->down_reason, SE_NBR_GOODBYE);
    rig_close();
}

static void anything_goes(void **state)
{
    const char *one = getenv("XMB_SEED");
    uint32_t seed;

    (void)state;
    if (one != NULL) {
        play((uint32_t)strtoul(one, NULL, 10));
        return;
    }
    for (seed = 1; seed <= SEEDS; seed++) {
        print_message("seed %u\n", seed);
        play(seed);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(anything_goes),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
