/* SPDX-License-Identifier: MIT */
/*
 * test_eigrp_events.c - the event log of the SAF forwarder: the ring, and words for every event;
 * and services as operators write them.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "show.h"

/* Adds events whose service is `from`, from + 1, ..., one less than `to`. */
static void add(struct se_events *e, unsigned from, unsigned to)
{
    struct se_event event = {.kind = SE_EVENT_REFUSED};

    for (; from < to; from++) {
        event.id.service = (uint16_t)from;
        se_events_add(e, &event);
    }
}

/* It holds services newest, newest - 1, ..., `count` of them, and nothing else. */
static void holds(const struct se_events *e, unsigned newest, unsigned count)
{
    unsigned i;

    assert_int_equal(e->count, count);
    for (i = 0; i < count; i++) {
        assert_non_null(se_events_at(e, i));
        assert_int_equal(se_events_at(e, i)->id.service, newest - i);
    }
    assert_null(se_events_at(e, count));
    assert_null(se_events_at(e, UINT32_MAX));
}

static void empty_ring(void **state)
{
    struct se_events e = {0};

    (void)state;
    holds(&e, 0, 0);
    add(&e, 1, 4); /* keeps nothing, but counts */
    holds(&e, 0, 0);
    assert_int_equal(e.total, 3);
    se_events_free(&e);
}

static void ring_goes_round(void **state)
{
    struct se_events e = {0};

    (void)state;
    assert_int_equal(se_events_resize(&e, 4), 0);
    add(&e, 1, 4);
    holds(&e, 3, 3);
    add(&e, 4, 5);
    holds(&e, 4, 4);
    add(&e, 5, 12);
    holds(&e, 11, 4);
    assert_int_equal(e.total, 11);
    assert_true(se_events_at(&e, 0)->wall_ms > UINT64_C(1600000000000));
    se_events_free(&e);
    holds(&e, 0, 0);
}

static void ring_resized(void **state)
{
    struct se_events e = {0};

    (void)state;
    assert_int_equal(se_events_resize(&e, 5), 0);
    add(&e, 1, 8); /* 3 to 7, and the ring has gone round */
    assert_int_equal(se_events_resize(&e, 8), 0);
    holds(&e, 7, 5);
    add(&e, 8, 12);
    holds(&e, 11, 8);
    assert_int_equal(se_events_resize(&e, 3), 0);
    holds(&e, 11, 3);
    add(&e, 12, 13);
    holds(&e, 12, 3);
    assert_int_equal(se_events_resize(&e, 3), 0);
    holds(&e, 12, 3);
    assert_int_equal(se_events_resize(&e, 0), 0);
    holds(&e, 0, 0);
    add(&e, 13, 14);
    assert_int_equal(se_events_resize(&e, UINT32_MAX), 0);
    assert_int_equal(e.size, SE_EVENTS_MAX);
    holds(&e, 0, 0);
    add(&e, 14, 15);
    holds(&e, 14, 1);
    se_events_free(&e);
}

/* --- words ------------------------------------------------------------------------------------ */

static const struct se_event example = {
    .id = {101, 2, {1, 0xabc, 0, UINT32_MAX}},
    .addr = {.family = 4, .ip = {10, 0, 0, 2}},
};

static const char *words(struct se_event event)
{
    static char text[SE_EVENT_TEXT_MAX];

    event.id = example.id;
    event.addr = example.addr;
    assert_ptr_equal(se_event_text(&event, text, sizeof(text)), text);
    return text;
}

#define ID "101:2:00000001.00000abc.00000000.ffffffff"

static void words_dual(void **state)
{
    struct se_event event = {.kind = SE_EVENT_DUAL, .dual_event = SE_DUAL_LOST,
                             .from = SE_DUAL_PASSIVE, .to = SE_DUAL_ACTIVE1};

    (void)state;
    assert_string_equal(words(event),
                        "service " ID ": change, none is feasible; passive to active 1");
    event.to = SE_DUAL_PASSIVE;
    assert_string_equal(words(event),
                        "service " ID ": change, none is feasible; it stays passive");
}

static void words_neighbour(void **state)
{
    struct se_event event = {.kind = SE_EVENT_NEIGHBOUR, .reason = SE_NBR_HOLD};
    static const struct {
        enum se_nbr_note_kind note;
        const char *text;
    } rows[] = {
        {SE_NBR_NOTE_NEW, "neighbour 10.0.0.2 is pending"},
        {SE_NBR_NOTE_UP, "neighbour 10.0.0.2 is up"},
        {SE_NBR_NOTE_DOWN, "neighbour 10.0.0.2 is down: hold time expired"},
        {SE_NBR_NOTE_GIVEN_UP, "neighbour 10.0.0.2 was pending and is given up: hold time expired"},
        {SE_NBR_NOTE_RESYNC, "neighbour 10.0.0.2 restarts and stays up; tables are sent again"},
        {SE_NBR_NOTE_NO_KEY, "no key is valid for sending; nothing is sent until one is"},
        {SE_NBR_NOTE_DROP, "a packet from 10.0.0.2 was not taken"},
    };
    size_t i;

    (void)state;
    for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        event.note = (uint8_t)rows[i].note;
        assert_string_equal(words(event), rows[i].text);
    }
}

static void words_others(void **state)
{
    static const char *const rows[] = {
        [SE_EVENT_STUCK] = "service " ID " is stuck in active: neighbour 10.0.0.2 never answered",
        [SE_EVENT_CONFLICT] =
            "service " ID " is announced by two routers; the nearer one is believed",
        [SE_EVENT_LIMIT] = "neighbour 10.0.0.2 brings more services than the limit allows",
        [SE_EVENT_REFUSED] = "local service " ID " is too large and is not announced",
        [SE_EVENT_CLEARED] = "the operator cleared 10.0.0.2",
        [SE_EVENT_CONFIG] = "the configuration changed",
        [SE_EVENT_CONFIG + 1] = "event 9",
    };
    struct se_event all = {.kind = SE_EVENT_CLEARED};
    char text[SE_EVENT_TEXT_MAX];
    unsigned kind;

    (void)state;
    for (kind = SE_EVENT_STUCK; kind < sizeof(rows) / sizeof(rows[0]); kind++)
        assert_string_equal(words((struct se_event){.kind = (uint8_t)kind}), rows[kind]);
    assert_string_equal(se_event_text(&all, text, sizeof(text)), "the operator cleared neighbours");
}

/* The longest text fits, and a small buffer cuts it. */
static void words_bounded(void **state)
{
    struct se_event event = {.kind = SE_EVENT_DUAL};
    char text[SE_EVENT_TEXT_MAX], small[8];
    unsigned i;

    (void)state;
    memset(&event.id, 0xff, sizeof(event.id));
    event.from = SE_DUAL_ACTIVE0;
    event.to = SE_DUAL_ACTIVE3;
    for (i = 0; i < 256; i++) {
        event.dual_event = (uint8_t)i;
        se_event_text(&event, text, sizeof(text));
        assert_true(strlen(text) < sizeof(text) - 1);
        assert_string_equal(text + strlen(text) - 20, "active 0 to active 3");
    }
    assert_string_equal(se_event_text(&event, small, sizeof(small)), "service");
}

/* --- patterns --------------------------------------------------------------------------------- */

static int fits(const char *text, uint16_t service, uint16_t subservice, uint32_t first,
                uint32_t last)
{
    struct xmb_service_id id = {service, subservice, {first, 0, 0, last}};
    struct se_show_pattern p;

    if (se_show_pattern_read(text, &p) < 0)
        return XMB_EINVAL;
    return se_show_pattern_fits(&p, &id);
}

static void patterns(void **state)
{
    static const char *const bad[] = {"", "x", "101:", "101:x", ":", "101:2:", "101:2:1",
                                      "101:2:1.2.3", "101:2:1.2.3.4.5", "101:2:1.2.3.", "65536",
                                      "101:65536", "101:2:100000000.0.0.0", "101:2:1.2.3.4:",
                                      "-1", " 1", "+1", "101:2:-1.0.0.0", "101 ", "**", "1*",
                                      "0x10", "101:2:0x1.0.0.0", "101:2:1. 2.3.4",
                                      "4294967297", "99999999999999999999"};
    char text[SE_SERVICE_TEXT_MAX];
    size_t i;

    (void)state;
    assert_int_equal(fits("101", 101, 7, 1, 2), 1);
    assert_int_equal(fits("101", 102, 7, 1, 2), 0);
    assert_int_equal(fits("101:2", 101, 2, 1, 2), 1);
    assert_int_equal(fits("101:2", 101, 3, 1, 2), 0);
    assert_int_equal(fits("*:2", 9, 2, 1, 2), 1);
    assert_int_equal(fits("*:2", 9, 3, 1, 2), 0);
    assert_int_equal(fits("*", 9, 3, 1, 2), 1);
    assert_int_equal(fits("101:*:1.0.0.F", 101, 5, 1, 15), 1);
    assert_int_equal(fits("101:*:00000001.0.0.f", 101, 5, 1, 16), 0);
    assert_int_equal(fits("101:2:*", 101, 2, 1, 16), 1);
    assert_int_equal(fits("65535:65535:ffffffff.0.0.ffffffff", 65535, 65535, UINT32_MAX,
                          UINT32_MAX), 1);
    assert_int_equal(fits(se_show_id_text(&example.id, text, sizeof(text)), 101, 2, 1, 0), 0);
    for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        if (fits(bad[i], 101, 2, 1, 2) != XMB_EINVAL)
            fail_msg("\"%s\" was taken for a service", bad[i]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(empty_ring),      cmocka_unit_test(ring_goes_round),
        cmocka_unit_test(ring_resized),    cmocka_unit_test(words_dual),
        cmocka_unit_test(words_neighbour), cmocka_unit_test(words_others),
        cmocka_unit_test(words_bounded),   cmocka_unit_test(patterns),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
