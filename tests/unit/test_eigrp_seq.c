/* SPDX-License-Identifier: MIT */
/*
 * test_eigrp_seq.c - the numbers of service versions: the rules of dual_seq.c one by one, and
 * against a model.
 *
 * The model: one originator whose client publishes, updates, withdraws and publishes again with any
 * version, and which is killed and forgets; a net that delivers what was sent in any order, any
 * number of times or not at all; receivers, which may forget too. Whatever happens, no receiver
 * goes from newer content to older, and the newest message, whenever it is delivered, is believed
 * at once. With a clock that goes back that needs the correction: what receivers have heard of
 * reaches the originator, and then the same holds.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "dual.h"

#define WALL_MS UINT64_C(1700000000000)
#define WRAP_MS UINT64_C(1610612736000) /* the 32 bits of the clock begin again */

static void serial_numbers(void **state)
{
    (void)state;
    assert_true(se_seq_newer(2, 1));
    assert_false(se_seq_newer(1, 2));
    assert_false(se_seq_newer(1, 1));
    assert_true(se_seq_newer(0, UINT32_MAX));
    assert_true(se_seq_newer(5, UINT32_MAX - 5));
    assert_false(se_seq_newer(UINT32_MAX, 0));
    assert_true(se_seq_newer(UINT32_C(0x7fffffff), 0));
    assert_false(se_seq_newer(UINT32_C(0x80000000), 0)); /* so far apart neither is newer */
    assert_false(se_seq_newer(0, UINT32_C(0x80000000)));
}

static void the_clock_is_in_sixteenths(void **state)
{
    uint32_t now = se_seq_clock(WALL_MS, 0);

    (void)state;
    assert_int_equal(se_seq_clock(WALL_MS + 62, 0), now);
    assert_int_equal(se_seq_clock(WALL_MS + 63, 0), now + 1);
    assert_int_equal(se_seq_clock(WALL_MS + 1000, 0), now + 16);
    /* The sixteenth in which the process began is not its own. */
    assert_int_equal(se_seq_clock(WALL_MS, WALL_MS), now + 1);
    assert_int_equal(se_seq_clock(WALL_MS + 1000, WALL_MS), now + 16);
    assert_int_equal(se_seq_clock(WALL_MS - 5000, WALL_MS), now + 1);
}

static void a_life(void **state)
{
    struct se_seq s = {0};
    uint32_t first;

    (void)state;
    assert_int_equal(se_seq_withdraw(&s, 1000), 0);
    assert_int_equal(se_seq_publish(&s, 2, 0, 1000), 1);
    assert_int_equal(s.wire, 1000);
    assert_int_equal(se_seq_publish(&s, 2, 1, 1005), 0); /* the client repeats itself */
    assert_int_equal(s.wire, 1000);
    assert_int_equal(se_seq_publish(&s, 3, 0, 1000), 1);
    assert_int_equal(s.wire, 1001);
    first = s.wire;
    assert_int_equal(se_seq_withdraw(&s, 1000), 1);
    assert_true(se_seq_newer(s.wire, first));
    first = s.wire;
    assert_int_equal(se_seq_publish(&s, 3, 0, 1000), 1); /* as it was before */
    assert_true(se_seq_newer(s.wire, first));
    first = s.wire;
    /* Taken back and published again between two looks. */
    assert_int_equal(se_seq_publish(&s, 1, 0, 1000), 1);
    assert_true(se_seq_newer(s.wire, first));
    assert_int_equal(se_seq_publish(&s, 9, 0, 5000), 1);
    assert_int_equal(s.wire, 5000);
}

static void a_killed_broker_is_not_older(void **state)
{
    struct se_seq s = {0};
    uint32_t before;

    (void)state;
    se_seq_publish(&s, 700, 0, se_seq_clock(WALL_MS + 100, WALL_MS));
    se_seq_publish(&s, 701, 0, se_seq_clock(WALL_MS + 160, WALL_MS));
    before = s.wire;
    memset(&s, 0, sizeof(s));
    se_seq_publish(&s, 701, 0, se_seq_clock(WALL_MS + 163, WALL_MS + 162));
    assert_true(se_seq_newer(s.wire, before));
}

static void hearing_of_oneself(void **state)
{
    struct se_seq s = {0};
    uint32_t wire;
    unsigned i;

    (void)state;
    assert_int_equal(se_seq_heard(&s, 500, WALL_MS), 0); /* remembered until it is published */
    assert_int_equal(se_seq_publish(&s, 1, 0, 100), 1);
    wire = s.wire;
    assert_true(se_seq_newer(wire, 500));
    assert_int_equal(se_seq_heard(&s, wire, WALL_MS), 0);
    assert_int_equal(se_seq_heard(&s, 400, WALL_MS), 0);
    assert_int_equal(s.wire, wire);
    for (i = 0; i < SE_DUAL_RAISES_MAX; i++) {
        wire = s.wire + 7;
        assert_int_equal(se_seq_heard(&s, wire, WALL_MS), 1);
        assert_true(se_seq_newer(s.wire, wire + 1));
    }
    assert_int_equal(se_seq_heard(&s, s.wire + 1, WALL_MS), XMB_ELIMIT);
    se_seq_withdraw(&s, 0);
    wire = s.wire + 1000;
    assert_int_equal(se_seq_heard(&s, wire, WALL_MS), 0);
    assert_int_equal(se_seq_publish(&s, 1, 0, 0), 1);
    assert_true(se_seq_newer(s.wire, wire));
}

static void what_receivers_take(void **state)
{
    struct se_seq_known k = {0};

    (void)state;
    assert_int_equal(se_seq_judge(&k, 7), SE_SEQ_TAKE);
    se_seq_take(&k, 7);
    assert_int_equal(se_seq_judge(&k, 7), SE_SEQ_SAME);
    assert_int_equal(se_seq_judge(&k, 6), SE_SEQ_OLD);
    assert_int_equal(se_seq_judge(&k, 8), SE_SEQ_TAKE);
    assert_int_equal(se_seq_gone(&k, 6), 0); /* a withdrawal that was overtaken */
    assert_true(k.has_content);
    assert_int_equal(se_seq_gone(&k, 9), 1);
    assert_int_equal(se_seq_gone(&k, 9), 0);
    assert_int_equal(se_seq_judge(&k, 8), SE_SEQ_OLD);
    assert_int_equal(se_seq_judge(&k, 9), SE_SEQ_TAKE);
    assert_true(se_seq_is_taken_back(&k, 8));
    assert_false(se_seq_is_taken_back(&k, 9)); /* another make may live with the number it died */
    assert_false(se_seq_is_taken_back(&k, 10));
    se_seq_take(&k, 10);
    assert_false(se_seq_is_taken_back(&k, 8)); /* old news about the way */
    se_seq_lost(&k);
    assert_int_equal(se_seq_judge(&k, 9), SE_SEQ_OLD);
    assert_int_equal(se_seq_judge(&k, 10), SE_SEQ_TAKE);
    assert_int_equal(se_seq_mention(&k, 10), 0);
    assert_int_equal(se_seq_mention(&k, 12), 1);
    assert_int_equal(se_seq_mention(&k, 12), 0);
    assert_int_equal(se_seq_judge(&k, 11), SE_SEQ_TAKE); /* mentioned is not withdrawn */
    memset(&k, 0, sizeof(k));
    assert_int_equal(se_seq_mention(&k, 12), 0); /* nothing is waited for */
    assert_int_equal(se_seq_judge(&k, 11), SE_SEQ_TAKE);
}

/* --- the model -------------------------------------------------------------------------------- */

#define RECEIVERS 4
#define MESSAGES 256
#define STEPS 400
#define SEEDS 3000

struct message {
    uint32_t sequence;
    unsigned event; /* 0: a withdrawal; else the number of the publication */
};

struct receiver {
    struct se_seq_known known;
    unsigned shown, newest; /* of publications; 0: none */
};

struct model {
    uint64_t seed, draws, wall_ms, start_ms;
    struct se_seq seq;
    uint32_t version;
    unsigned events;
    int is_live;
    struct message sent[MESSAGES];
    unsigned count;
    struct receiver receivers[RECEIVERS];
};

static uint32_t draw(struct model *m, uint32_t n)
{
    uint64_t z = m->seed + ++m->draws * UINT64_C(0x9e3779b97f4a7c15);

    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return (uint32_t)((z ^ (z >> 31)) % n);
}

static void put(struct model *m, int is_withdrawal)
{
    struct message *x = &m->sent[m->count < MESSAGES ? m->count++ : draw(m, MESSAGES - 1)];

    /* The newest is always the last one. */
    *x = m->sent[m->count - 1];
    m->sent[m->count - 1].sequence = m->seq.wire;
    m->sent[m->count - 1].event = is_withdrawal ? 0 : m->events;
}

static void publish(struct model *m)
{
    int is_same = m->is_live && draw(m, 4) == 0;

    if (!is_same) {
        m->version = m->is_live ? m->version + 1 + draw(m, 5) : draw(m, 8);
        m->events++;
    }
    if (se_seq_publish(&m->seq, m->version, is_same, se_seq_clock(m->wall_ms, m->start_ms)) == 1)
        put(m, 0);
    else
        assert_true(is_same);
    m->is_live = 1;
}

static void withdraw(struct model *m)
{
    if (!m->is_live)
        return;
    assert_int_equal(se_seq_withdraw(&m->seq, se_seq_clock(m->wall_ms, m->start_ms)), 1);
    m->is_live = 0;
    put(m, 1);
}

static void deliver(struct model *m, struct receiver *r, const struct message *x)
{
    if (x->event == 0) {
        if (se_seq_gone(&r->known, x->sequence))
            r->shown = 0;
        return;
    }
    if (se_seq_judge(&r->known, x->sequence) != SE_SEQ_TAKE)
        return;
    se_seq_take(&r->known, x->sequence);
    if (x->event < r->newest)
        fail_msg("seed %llu: %u after %u", (unsigned long long)m->seed, x->event, r->newest);
    r->newest = r->shown = x->event;
}

/* How often a number was raised to just one of an earlier life, which nobody can tell apart. */
static unsigned collisions;

static void believe_the_newest(struct model *m)
{
    struct receiver *r = &m->receivers[draw(m, RECEIVERS)];

    if (m->count == 0)
        return;
    if (r->known.is_known && r->known.held == m->sent[m->count - 1].sequence && m->is_live &&
        r->newest != m->events) {
        collisions++;
        return;
    }
    deliver(m, r, &m->sent[m->count - 1]);
    if (r->shown != (m->is_live ? m->events : 0))
        fail_msg("seed %llu: the newest was not believed: %u, not %u", (unsigned long long)m->seed,
                 r->shown, m->is_live ? m->events : 0);
}

static void kill_and_restart(struct model *m, int is_wild)
{
    memset(&m->seq, 0, sizeof(m->seq));
    m->is_live = 0;
    m->wall_ms += 63 + draw(m, 100); /* a process lives for a sixteenth of a second */
    if (is_wild) {
        m->wall_ms -= 100000 + draw(m, 1000000);
        m->count = 0; /* the adjacencies are new, nothing is under way in them */
    }
    m->start_ms = m->wall_ms;
    publish(m);
}

/* What anyone has heard of reaches the originator, and what it then floods reaches everyone. */
static void correct(struct model *m)
{
    unsigned i;

    for (i = 0; i < RECEIVERS; i++)
        if (m->receivers[i].known.is_heard &&
            se_seq_heard(&m->seq, m->receivers[i].known.heard, m->start_ms) == 1)
            put(m, 0);
}

static void forget(struct model *m)
{
    struct receiver *r = &m->receivers[draw(m, RECEIVERS)];

    memset(r, 0, sizeof(*r));
}

static void step(struct model *m, int is_wild)
{
    switch (draw(m, 16)) {
    case 0:
    case 1:
        /* Less than 16 changes a second, or with a wild clock any number. */
        m->wall_ms += is_wild ? 0 : 63;
        publish(m);
        break;
    case 2:
        m->wall_ms += is_wild ? 0 : 63;
        withdraw(m);
        break;
    case 3:
        if (draw(m, 8) == 0)
            kill_and_restart(m, is_wild);
        break;
    case 4:
        if (draw(m, 8) == 0)
            forget(m);
        break;
    case 5:
        se_seq_lost(&m->receivers[draw(m, RECEIVERS)].known);
        break;
    case 6:
    case 7:
        if (is_wild)
            correct(m);
        if (!is_wild || m->seq.state == SE_SEQ_LIVE)
            believe_the_newest(m);
        break;
    default:
        if (m->count > 0)
            deliver(m, &m->receivers[draw(m, RECEIVERS)], &m->sent[draw(m, m->count)]);
    }
}

static void run(int is_wild)
{
    struct model m;
    unsigned i;

    for (i = 1; i <= SEEDS; i++) {
        unsigned left = STEPS;

        memset(&m, 0, sizeof(m));
        m.seed = i;
        /* Some runs begin just before the 32 bits of the clock are over. */
        m.wall_ms = i % 3 == 0 ? WALL_MS : WRAP_MS - draw(&m, 20000);
        m.start_ms = m.wall_ms;
        while (left-- > 0)
            step(&m, is_wild);
    }
}

static void model_with_a_good_clock(void **state)
{
    (void)state;
    run(0);
    assert_int_equal(collisions, 0);
}

static void model_with_a_wild_clock(void **state)
{
    (void)state;
    run(1);
    assert_in_range(collisions, 0, SEEDS / 100);
    print_message("collisions: %u\n", collisions);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(serial_numbers),
        cmocka_unit_test(the_clock_is_in_sixteenths),
        cmocka_unit_test(a_life),
        cmocka_unit_test(a_killed_broker_is_not_older),
        cmocka_unit_test(hearing_of_oneself),
        cmocka_unit_test(what_receivers_take),
        cmocka_unit_test(model_with_a_good_clock),
        cmocka_unit_test(model_with_a_wild_clock),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
