/* SPDX-License-Identifier: MIT */
/*
 * test_service_model.c - random histories against a registry of thirty lines.
 *
 * The test's thread decides what happens next, tells a worker to do it, and
 * keeps a table of what must be true then. The registry's own messages run
 * behind it all the time, and subscribers pull eagerly, slowly or hardly ever, so
 * what each one sees is its own; but it must never be told twice of one version, never
 * of an older one after a newer one, never of the end of something it was not
 * told of, and when all is quiet and pulled it must hold exactly what the table holds.
 *
 * XMB_SEED and XMB_STEPS repeat or prolong a run.
 */
#include "service_rig.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#define DOMAINS 2
#define IDENTITIES 48 /* a domain: 3 services, 4 subservices, 4 instances */
#define OWNERS 10
#define NAMES 4
#define SUBS 40
#define CONTENTS 3

static uint64_t rng;

static uint32_t below(uint32_t n)
{
    rng ^= rng << 13;
    rng ^= rng >> 7;
    rng ^= rng << 17;
    return (uint32_t)(rng >> 33) % n;
}

static uint64_t from_environment(const char *name, uint64_t otherwise)
{
    const char *text = getenv(name);

    return text != NULL ? strtoull(text, NULL, 0) : otherwise;
}

/* --- the model ------------------------------------------------------------------------------- */

struct model_service {
    int there;
    uint32_t owner;
    uint32_t sequence;
    uint32_t content;
    uint32_t flags;
};

static struct model_service model[DOMAINS + 1][IDENTITIES];

struct test_owner {
    struct rig_owner rig;
    int open;
    uint32_t name;
    uint32_t taken; /* how many it must have been told of */
};

static struct test_owner owners[OWNERS];

static struct xmb_service_id id_of(uint32_t i)
{
    struct xmb_service_id id = {(uint16_t)(100 + i % 3), (uint16_t)(i / 3 % 4),
                                {i / 12 % 2, 0, i / 24 % 2, 5}};

    return id;
}

static uint32_t number_of(const struct xmb_service_id *id)
{
    return id->service - 100u + 3u * id->subservice + 12 * id->instance[0] + 24 * id->instance[2];
}

static const char *const contents[CONTENTS] = {"one", "two", ""};
static const char *const names[NAMES] = {"anna", "bert", "carl", ""};

/* What publish must answer; changes the model if it succeeds. */
static int model_publish(struct model_service *m, uint32_t o, uint32_t sequence, uint32_t content,
                         uint32_t flags)
{
    int same = m->there && m->sequence == sequence && m->content == content && m->flags == flags;
    int mine = m->there && m->owner == o;

    if (m->there && !mine &&
        (owners[o].name == NAMES - 1 || owners[m->owner].name != owners[o].name))
        return XMB_EEXIST;
    if (m->there && sequence < m->sequence)
        return XMB_ESTALE;
    if (mine && sequence == m->sequence && !same)
        return XMB_ESTALE;
    if (m->there && !mine)
        owners[m->owner].taken++;
    *m = (struct model_service){1, o, sequence, content, flags};
    return 0;
}

static void model_close(uint32_t o)
{
    uint32_t d, i;

    for (d = 1; d <= DOMAINS; d++)
        for (i = 0; i < IDENTITIES; i++)
            if (model[d][i].there && model[d][i].owner == o)
                model[d][i].there = 0;
}

/* --- subscribers ----------------------------------------------------------------------------- */

struct test_sub {
    struct rig_sub rig;
    int open;
    uint32_t domain;
    uint32_t view;
    struct xmb_service_id pattern;
    /* What it was told, by identity. */
    struct {
        int there;
        uint32_t sequence;
        uint32_t flags;
        uint64_t version;
        char data[4];
    } held[IDENTITIES];
};

static struct test_sub subs[SUBS];

static int visible(uint32_t flags, uint32_t view)
{
    return view == XMB_VIEW_ALL || (flags & XMB_SERVICE_PUBLIC) != 0;
}

static void on_event(struct rig_sub *rig, const struct xmb_event *event)
{
    struct test_sub *s = rig->test;
    const struct xmb_service *v = event->service;
    uint32_t i = number_of(&v->id);

    RIG_CHECK(v->domain == s->domain);
    RIG_CHECK(xmb_service_match(&s->pattern, &v->id));
    RIG_CHECK(visible(v->flags, s->view));
    if (event->kind == XMB_EVENT_WITHDRAW) {
        RIG_CHECK(event->reason == XMB_GONE_SOURCE || event->reason == XMB_GONE_NETWORK);
        RIG_CHECK(s->held[i].there);
        RIG_CHECK(v->version >= s->held[i].version);
        s->held[i].there = 0;
        return;
    }
    RIG_CHECK(v->version > s->held[i].version);
    RIG_CHECK(v->data.n < sizeof(s->held[i].data));
    s->held[i].there = 1;
    s->held[i].sequence = v->sequence;
    s->held[i].flags = v->flags;
    s->held[i].version = v->version;
    memset(s->held[i].data, 0, sizeof(s->held[i].data));
    if (v->data.n > 0)
        memcpy(s->held[i].data, v->data.p, v->data.n);
}

static void compare_one(const struct test_sub *s, uint32_t i)
{
    const struct model_service *m = &model[s->domain][i];
    struct xmb_service_id id = id_of(i);
    int expected = m->there && xmb_service_match(&s->pattern, &id) && visible(m->flags, s->view);

    assert_int_equal(s->held[i].there, expected);
    if (!expected)
        return;
    assert_int_equal(s->held[i].sequence, m->sequence);
    assert_int_equal(s->held[i].flags, m->flags);
    assert_string_equal(s->held[i].data, contents[m->content]);
}

/* All is quiet: who was not called has nothing to take, and all taken, each holds what is there. */
static void compare(void)
{
    uint32_t k, i;

    rig_settle();
    for (k = 0; k < SUBS; k++) {
        if (!subs[k].open)
            continue;
        if (subs[k].rig.waiting)
            assert_int_equal(rig_take(&subs[k].rig, 1), 0);
        (void)rig_take(&subs[k].rig, UINT32_MAX);
        for (i = 0; i < IDENTITIES; i++)
            compare_one(&subs[k], i);
    }
    for (k = 0; k < OWNERS; k++)
        if (owners[k].open)
            assert_int_equal(owners[k].rig.taken, owners[k].taken);
}

/* --- what can happen ------------------------------------------------------------------------- */

static void open_owner(uint32_t o)
{
    owners[o].name = below(NAMES);
    owners[o].taken = 0;
    owners[o].open = 1;
    rig_open(&owners[o].rig, below(RIG_WORKERS), names[owners[o].name], 0);
}

static void close_owner(uint32_t o)
{
    rig_close(&owners[o].rig, 1 + below(2));
    owners[o].open = 0;
    model_close(o);
}

static void publish(void)
{
    uint32_t o = below(OWNERS), d = 1 + below(DOMAINS), i = below(IDENTITIES);
    struct model_service *m = &model[d][i];
    uint32_t sequence = m->there ? m->sequence + below(3) : below(5);
    uint32_t content = below(CONTENTS), flags = below(2) ? XMB_SERVICE_PUBLIC : 0;

    if (!owners[o].open)
        open_owner(o);
    if (m->there && sequence > 0 && below(10) == 0)
        sequence--;
    /* Mostly without waiting for the answer; it is checked by its effects. */
    if (below(8) == 0) {
        assert_int_equal(rig_publish(&owners[o].rig, d, id_of(i), sequence, flags,
                                     contents[content]),
                         model_publish(m, o, sequence, content, flags));
        return;
    }
    if (rig_send(&owners[o].rig, d, id_of(i), sequence, flags, contents[content]) == 0)
        (void)model_publish(m, o, sequence, content, flags);
}

static void unpublish(void)
{
    uint32_t o = below(OWNERS), d = 1 + below(DOMAINS), i = below(IDENTITIES);
    struct model_service *m = &model[d][i];

    if (m->there)
        o = m->owner;
    if (!owners[o].open)
        return;
    assert_int_equal(rig_unpublish(&owners[o].rig, d, id_of(i)), m->there ? 0 : XMB_ENOENT);
    m->there = 0;
}

static struct xmb_service_id any_pattern(void)
{
    struct xmb_service_id p = id_of(below(IDENTITIES));
    uint32_t shape = below(3) == 0 ? 63 : below(64), i;

    if (shape & 1)
        p.service = XMB_ANY_SERVICE;
    if (shape & 2)
        p.subservice = XMB_ANY_SUBSERVICE;
    for (i = 0; i < 4; i++)
        if (shape & 4u << i)
            p.instance[i] = XMB_ANY_WORD;
    return p;
}

static void subscribe(void)
{
    struct test_sub *s = &subs[below(SUBS)];

    if (s->open) {
        rig_unsubscribe(&s->rig);
        s->open = 0;
        return;
    }
    memset(s, 0, sizeof(*s));
    s->open = 1;
    s->domain = 1 + below(DOMAINS);
    s->view = below(2) ? XMB_VIEW_ALL : XMB_VIEW_PUBLIC;
    s->pattern = any_pattern();
    s->rig.on_event = on_event;
    s->rig.test = s;
    assert_int_equal(rig_subscribe(&s->rig, below(RIG_WORKERS), s->domain, s->pattern, s->view,
                                   below(2) == 0), 0);
}

static void take_some(void)
{
    struct test_sub *s = &subs[below(SUBS)];

    if (s->open)
        (void)rig_take(&s->rig, 1 + below(5));
}

static void step(void)
{
    uint32_t what = below(100), o;

    if (what < 50) {
        publish();
    } else if (what < 60) {
        unpublish();
    } else if (what < 62) {
        o = below(OWNERS);
        if (owners[o].open)
            close_owner(o);
    } else if (what < 70) {
        subscribe();
    } else {
        take_some();
    }
}

static void finish(void)
{
    uint32_t k;

    for (k = 0; k < OWNERS; k++)
        if (owners[k].open)
            close_owner(k);
    compare();
    for (k = 0; k < SUBS; k++)
        if (subs[k].open)
            rig_unsubscribe(&subs[k].rig);
    memset(subs, 0, sizeof(subs));
}

static void random_histories(void **state)
{
    uint64_t seed = from_environment("XMB_SEED", 20260101);
    uint64_t steps = from_environment("XMB_STEPS", 20000), i;
    struct service_stats stats;

    (void)state;
    rng = seed * UINT64_C(0x9e3779b97f4a7c15) + 1;
    rig_start(0);
    for (i = 0; i < steps; i++) {
        step();
        if (i % 500 == 499)
            compare();
    }
    finish();
    rig_settle();
    service_stats(&stats);
    assert_int_equal(stats.services, 0);
    assert_int_equal(stats.groups, 0);
    rig_stop();
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(random_histories)};

    return cmocka_run_group_tests_name("service_model", tests, NULL, NULL);
}
