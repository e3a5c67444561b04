/* SPDX-License-Identifier: MIT */
/*
 * test_s2_flow_model.c - the promise of flow.h against a model: random streams, links that fail and
 * break at any octet, answers that are lost, time that jumps, workers whose mailboxes are full, and
 * a stop at the end.
 *
 * The model knows of each stanza what the peer has read, what an answered barrier, or a question
 * that was answered on the lease itself, has proved, and which errors were written. Whatever
 * happens: none that was proved delivered comes back, none comes back twice, none is read twice
 * unless it may be sent again, order is kept, and the books balance: put = confirmed + dropped +
 * still here. At the end every stanza that may be answered was read, or its error was, as far as no
 * error was dropped and counted. With every second seed the
 * servers inside never fail, so that no error to them may be dropped: then nothing that came from
 * inside is silent. With every third seed d.test never answers a ping: no lease of it may time out
 * for ever. Nothing is written while the answer to a known peer's barrier is overdue, nor on a link
 * that is retired.
 *
 * Each run prints its seed when it has passed; the first argument runs that seed alone.
 */
#include "s2_flow_rig.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "admit.h"

#define STANZAS 20000
#define STREAMS 12
#define STEPS 3000
#define PONGS 256

struct model {
    int may_answer, is_outbound;
    uint8_t is_put, read, proved, errors_read;
};

struct answer {
    char from[S2_DOMAIN_MAX + 1], to[S2_DOMAIN_MAX + 1], id[64];
};

static struct model stanza[STANZAS];
static uint32_t next_id, put_count;
static uint32_t last_read[2][4][4]; /* by direction and domains: the id that was read last */
static struct answer answers[PONGS];
static size_t answer_count;
static uint64_t seed, draws;
static int may_double, calm_inside, is_mute; /* d.test answers no ping */

static uint32_t draw(uint32_t n)
{
    uint64_t z = seed + ++draws * UINT64_C(0x9e3779b97f4a7c15);

    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return (uint32_t)((z ^ (z >> 31)) % n);
}

static const char *const locals[] = {"a.test", "a2.test"};
static const char *const foreigns[] = {"b.test", "c.test", "d.test"};

static uint32_t place(const char *name)
{
    return strcmp(name, "a.test") == 0    ? 0
           : strcmp(name, "a2.test") == 0 ? 1
           : strcmp(name, "b.test") == 0  ? 1
           : strcmp(name, "c.test") == 0  ? 2
                                          : 3;
}

/* --- what the model sees --------------------------------------------------------------------- */

/*
 * An error of ours swaps the addresses, and its text names the condition: a put one has neither
 * "<error".
 */
static int is_our_error(const struct rig_sent *sent)
{
    return strstr(sent->text, "<error") != NULL;
}

static struct model *model_of(const struct rig_sent *sent)
{
    uint32_t id = (uint32_t)strtoul(rig_attribute(sent->text, "id"), NULL, 10);

    assert_true(id < next_id);
    return &stanza[id];
}

/* Its barrier is overdue, and what comes from the peer is read. */
static int must_hold(const struct s2_lease *l)
{
    struct s2_route route = {l->side, &l->local, &l->remote}, back = s2_route_back(&route);
    const struct s2_flow *f = s2_flow_find(l->w, &route), *reverse = s2_flow_find(l->w, &back);

    if (f->barrier == 0 || rig_conf.confirm != S2_CONFIRM_BARRIER || f->denied || f->tcp_only ||
        (reverse != NULL && reverse->waiter_count > 0))
        return 0;
    return xmb_fakehost_now_ms() - f->barrier_last_ms > S2_UNKNOWN_HOLD_MS;
}

static void on_write(const struct s2_lease *l, const struct rig_sent *sent)
{
    struct model *m;

    assert_true(sent->is_ping || !must_hold(l)); /* it may ask once more */
    assert_true(sent->is_ping || !l->is_retired || l->w->flows->drain != S2_DRAIN_NOT);
    if (sent->is_ping || !is_our_error(sent))
        return;
    m = model_of(sent);
    assert_true(m->may_answer);
    assert_false(m->proved);
}

static void on_read(const struct s2_lease *l, const struct rig_sent *sent)
{
    struct model *m;
    uint32_t id, *last;

    if (sent->is_ping)
        return;
    m = model_of(sent);
    if (is_our_error(sent)) {
        m->errors_read++;
        assert_true(may_double || m->errors_read == 1);
        return;
    }
    m->read++;
    assert_true(may_double || m->read == 1);
    id = (uint32_t)(m - stanza);
    last = &last_read[l->side][place(l->local.text)][place(l->remote.text)];
    assert_true(may_double || id > *last);
    *last = id;
}

/*
 * Everything that was read before the ping on its lease is proved when the answer is to the one
 * outstanding.
 */
static void prove(const struct s2_lease *l, const char *ping)
{
    size_t i;

    for (i = 0; i < l->sent_count; i++) {
        if (l->sent[i].is_ping && strcmp(rig_attribute(l->sent[i].text, "id"), ping) == 0)
            return;
        if (!l->sent[i].is_ping && !is_our_error(&l->sent[i]))
            model_of(&l->sent[i])->proved = 1;
    }
    fail_msg("seed %llu: an old answer confirmed something", (unsigned long long)seed);
}

/* --- random events --------------------------------------------------------------------------- */

static struct s2_lease *any_lease(enum lease_state state)
{
    size_t i, n = 0, pick;

    for (i = 0; i < rig_lease_count; i++)
        n += rig_lease[i]->state == state && !rig_lease[i]->killed;
    if (n == 0)
        return NULL;
    pick = draw((uint32_t)n);
    for (i = 0;; i++) {
        if (rig_lease[i]->state == state && !rig_lease[i]->killed && pick-- == 0)
            return rig_lease[i];
    }
}

static void put_some(void)
{
    static const char *const elements[] = {"message", "message", "iq", "iq", "iq", "presence"};
    static const char *const types[] = {"chat", "error", "get", "result", "set", "error"};
    size_t stream = draw(STREAMS);
    uint32_t n = draw(12) + 1, kind;
    char id[16];

    while (n-- > 0 && !rig_stream[stream].stopped && next_id < STANZAS) {
        kind = draw(6);
        if (kind % 2 == 1 && draw(3) != 0)
            kind = 0;
        if (kind == 5)
            kind = 2;
        snprintf(id, sizeof(id), "%u", next_id);
        stanza[next_id].may_answer = strcmp(types[kind], "error") != 0 &&
                                     strcmp(types[kind], "result") != 0;
        stanza[next_id].is_put = 1;
        stanza[next_id].is_outbound = stream < STREAMS / 2;
        next_id++;
        assert_true(rig_put(stream, elements[kind], types[kind], id, draw(20) == 0 ? 5000 : 0) >=
                    0);
        put_count++;
    }
    rig_flush();
}

/* Servers inside are always there and read at once. */
static void serve_inside(void)
{
    size_t i;

    for (i = 0; calm_inside && i < rig_lease_count; i++) {
        if (rig_lease[i]->side != S2_INSIDE)
            continue;
        if (rig_lease[i]->state == LEASE_OPENING)
            rig_ready(rig_lease[i]);
        if (rig_lease[i]->state == LEASE_READY)
            rig_read_all(rig_lease[i], 1);
    }
}

static void lease_comes(void)
{
    static const enum s2_failure_kind kinds[] = {S2_FAIL_NO_DOMAIN, S2_FAIL_UNREACHABLE,
                                                 S2_FAIL_UNREACHABLE, S2_FAIL_STREAM,
                                                 S2_FAIL_DIALBACK, S2_FAIL_TLS};
    struct s2_lease *l = any_lease(LEASE_OPENING);

    if (l == NULL)
        return;
    if (draw(3) == 0 && !(calm_inside && l->side == S2_INSIDE)) {
        rig_fail(l, kinds[draw(6)], S2_C_REMOTE_SERVER_TIMEOUT);
    } else {
        l->has_sm = 0;
        l->has_dialback = draw(2);
        l->room_bytes = draw(2) == 0 ? 3000 + draw(20000) : 1u << 20;
        l->too_big = draw(8) == 0 && l->side == S2_OUTSIDE ? 4000 : 0;
        rig_ready(l);
    }
}

static void keep_answer(const struct s2_lease *l)
{
    const struct rig_sent *sent = &l->sent[l->read - 1];
    struct answer *a = &answers[answer_count];

    if (!sent->is_ping || draw(10) == 0 || (is_mute && place(l->remote.text) == 3))
        return;
    if (answer_count == PONGS)
        return;
    snprintf(a->from, sizeof(a->from), "%s", l->remote.text);
    snprintf(a->to, sizeof(a->to), "%s", l->local.text);
    snprintf(a->id, sizeof(a->id), "%s", rig_attribute(sent->text, "id"));
    answer_count++;
}

/* It proves all that is before it, however the answers to pings go astray. */
static void question_answered(struct s2_lease *l)
{
    uint64_t end = l->question_end;
    size_t i;

    for (i = 0; i < l->read && l->sent[i].end <= end; i++) {
        if (!l->sent[i].is_ping && !is_our_error(&l->sent[i]))
            model_of(&l->sent[i])->proved = 1;
    }
    assert_int_equal(rig_answer(l), 1);
}

static int may_answer_question(const struct s2_lease *l)
{
    uint64_t end = l->question_end;

    return end != 0 && end <= l->left && (l->read == l->sent_count || l->sent[l->read].end > end);
}

static void peer_reads(void)
{
    struct s2_lease *l = any_lease(LEASE_READY);
    uint32_t n = draw(30);

    if (l == NULL)
        return;
    rig_leave(l, l->left + draw(20000));
    while (n-- > 0 && rig_read(l, 0))
        keep_answer(l);
    if (may_answer_question(l))
        question_answered(l);
}

/*
 * The model's proof is asked of the flow itself: the answer counts when it is to the one
 * outstanding.
 */
static void answer_comes(void)
{
    struct answer a;
    struct s2_lease *l;
    uint64_t before = rig_metric(S2_M_CONFIRMED);
    size_t i;

    if (answer_count == 0)
        return;
    i = draw((uint32_t)answer_count);
    a = answers[i];
    answers[i] = answers[--answer_count];
    l = rig_lease_of(a.to, a.from);
    assert_int_equal(rig_pong(draw(RIG_WORKERS), a.from, a.to, a.id), 1);
    if (l != NULL && rig_metric(S2_M_CONFIRMED) > before)
        prove(l, a.id);
}

static void lease_ends(void)
{
    static const enum s2_failure_kind kinds[] = {S2_FAIL_LOST, S2_FAIL_LOST, S2_FAIL_GOODBYE,
                                                 S2_FAIL_IDLE};
    struct s2_lease *l = any_lease(LEASE_READY);

    if (l == NULL || (calm_inside && l->side == S2_INSIDE))
        return;
    if (l->question_end != 0 && draw(4) == 0)
        rig_shun(l, S2_FAIL_LOST);
    else
        rig_end(l, kinds[draw(4)]);
}

/* Nothing but questions goes over it from now on: see on_write. */
static void lease_is_retired(void)
{
    struct s2_lease *l = any_lease(LEASE_READY);

    if (l == NULL)
        return;
    l->is_retired = 1;
    rig_retire(l);
}

static void let_time_pass(uint32_t ms)
{
    if (ms > 1000)
        rig_full_mailbox = 0; /* or answers to pings come too late */
    for (; ms > 1000 && calm_inside; ms -= 1000) {
        rig_advance(1000);
        serve_inside();
    }
    rig_advance(ms);
}

static void something_alive(void)
{
    struct s2_domain d = rig_domain(draw(2) == 0 ? foreigns[draw(3)] : locals[draw(2)]);

    s2_flow_alive(&rig_worker[draw(RIG_WORKERS)], &d);
    rig_run();
}

static void policy_changes(void)
{
    uint32_t i;

    rig_admission = draw(4) == 0 ? S2_ADMIT_DENIED : S2_ADMIT_OK;
    for (i = 0; i < RIG_WORKERS; i++)
        s2_flow_recheck(&rig_worker[i]);
    rig_run();
}

static void check_books(void)
{
    assert_int_equal(put_count, rig_metric(S2_M_CONFIRMED) + rig_metric(S2_M_DROPPED) +
                                    rig_metric(S2_M_QUEUED) + rig_metric(S2_M_UNCONFIRMED));
}

static void step(void)
{
    uint32_t what = draw(100);

    if (what < 35)
        put_some();
    else if (what < 50)
        lease_comes();
    else if (what < 75)
        peer_reads();
    else if (what < 85)
        answer_comes();
    else if (what < 88)
        lease_ends();
    else if (what == 88)
        lease_is_retired();
    else if (what < 97)
        let_time_pass(draw(10) == 0 ? draw(70000) : draw(800));
    else if (what == 97)
        something_alive();
    else if (what == 98 && draw(20) == 0)
        policy_changes();
    else if (what == 99)
        rig_full_mailbox = draw(4) == 0 ? draw(1u << RIG_WORKERS) : 0;
    serve_inside();
    rig_bury();
    if (rig_full_mailbox == 0) {
        rig_flush();
        check_books();
    }
}

/* --- a run ----------------------------------------------------------------------------------- */

static void open_streams(void)
{
    size_t i;

    for (i = 0; i < STREAMS; i++) {
        const char *local = locals[i % 2], *foreign = foreigns[i / 2 % 3];
        int out = i < STREAMS / 2;

        rig_stream_open(i, (uint32_t)i % RIG_WORKERS, out ? S2_OUTSIDE : S2_INSIDE,
                        out ? local : foreign, out ? foreign : local);
    }
}

/* Everything works from now on. */
static void settle(void)
{
    size_t i, round;

    rig_full_mailbox = 0;
    rig_admission = S2_ADMIT_OK;
    for (i = 0; i < RIG_WORKERS; i++)
        s2_flow_recheck(&rig_worker[i]);
    for (round = 0; round < 8000; round++) {
        rig_advance(100);
        rig_flush();
        rig_bury();
        for (i = 0; i < rig_lease_count; i++) {
            if (rig_lease[i]->state == LEASE_OPENING)
                rig_ready(rig_lease[i]);
            if (rig_lease[i]->state == LEASE_READY && !rig_lease[i]->killed)
                rig_read_all(rig_lease[i], !is_mute || place(rig_lease[i]->remote.text) != 3);
        }
        if (rig_metric(S2_M_QUEUED) + rig_metric(S2_M_UNCONFIRMED) == 0)
            break;
    }
    assert_int_equal(rig_metric(S2_M_QUEUED), 0);
    assert_int_equal(rig_metric(S2_M_UNCONFIRMED), 0);
}

static void check_end(void)
{
    uint64_t silent = 0, answers_gone = 0;
    uint32_t i;

    for (i = 0; i < next_id; i++) {
        const struct model *m = &stanza[i];

        if (!m->is_put || m->read > 0 || m->errors_read > 0)
            continue;
        if (calm_inside && m->may_answer && m->is_outbound)
            fail_msg("seed %llu: nothing was heard of stanza %u", (unsigned long long)seed, i);
        if (m->may_answer)
            silent++;
        else
            answers_gone++;
    }
    assert_true(silent + answers_gone <= rig_metric(S2_M_DROPPED));
    assert_int_equal(s2_stanzas_left(&rig_worker[0]), 0);
    for (i = 0; i < STREAMS; i++)
        assert_false(rig_stream[i].stopped);
    check_books();
}

static void stop_all(void)
{
    uint32_t i;

    for (i = 0; i < RIG_WORKERS; i++)
        s2_flow_drain(&rig_worker[i], 5000);
    rig_advance(6000);
    rig_bury();
    for (i = 0; i < rig_lease_count; i++)
        assert_int_equal(rig_lease[i]->state, LEASE_GONE);
}

static void run(uint64_t number, enum s2_on_loss on_loss, enum s2_confirm confirm)
{
    size_t i;

    seed = number;
    draws = 0;
    memset(stanza, 0, sizeof(stanza));
    memset(last_read, 0, sizeof(last_read));
    next_id = 1;
    put_count = 0;
    answer_count = 0;
    rig_random = number;
    rig_open(RIG_WORKERS);
    xmb_fakehost_log_level(XMB_LOG_ERROR);
    rig_conf.on_loss = on_loss;
    rig_conf.confirm = confirm;
    rig_conf.queue_bytes = 50000;
    rig_conf.window_bytes = 20000;
    may_double = on_loss == S2_LOSS_RESEND;
    calm_inside = number % 2 == 0;
    is_mute = number % 3 == 0;
    rig_on_write = on_write;
    rig_on_read = on_read;
    open_streams();
    for (i = 0; i < STEPS && rig_lease_count < RIG_LEASES - 500; i++)
        step();
    if (number % 5 != 0) {
        settle();
        check_end();
    }
    stop_all();
    print_message("seed %llu: %u put, %zu leases, %llu confirmed, %llu bounced, %llu dropped, "
                  "%llu sent again\n",
                  (unsigned long long)number, put_count, rig_lease_count,
                  (unsigned long long)rig_metric(S2_M_CONFIRMED),
                  (unsigned long long)rig_metric(S2_M_BOUNCED),
                  (unsigned long long)rig_metric(S2_M_DROPPED),
                  (unsigned long long)rig_metric(S2_M_RESENT));
    rig_close();
}

static uint64_t first_seed = 1, last_seed = 12;

static void bounce(void **state)
{
    uint64_t n;

    (void)state;
    for (n = first_seed; n <= last_seed; n++)
        run(n, S2_LOSS_BOUNCE, S2_CONFIRM_BARRIER);
}

static void resend(void **state)
{
    uint64_t n;

    (void)state;
    for (n = first_seed; n <= last_seed; n++)
        run(n, S2_LOSS_RESEND, S2_CONFIRM_BARRIER);
}

static void by_tcp(void **state)
{
    uint64_t n;

    (void)state;
    for (n = first_seed; n <= last_seed; n++)
        run(n, S2_LOSS_BOUNCE, S2_CONFIRM_TCP);
}

int main(int argc, char **argv)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(bounce),
        cmocka_unit_test(resend),
        cmocka_unit_test(by_tcp),
    };

    if (argc > 1)
        first_seed = last_seed = strtoull(argv[1], NULL, 10);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
