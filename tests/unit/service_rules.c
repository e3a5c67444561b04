/* SPDX-License-Identifier: MIT */
/* service_rules.c - for tests of the rules of the registry, one at a time. */
#include "service_rules.h"

int open_registry(void **state)
{
    (void)state;
    rig_start(0);
    return 0;
}

int close_registry(void **state)
{
    (void)state;
    rig_stop();
    return 0;
}

struct service_stats stats(void)
{
    struct service_stats s;

    service_stats(&s);
    return s;
}

static void do_stall(struct loop *loop, void *arg)
{
    struct stall *s = arg;

    (void)loop;
    sem_post(&s->entered);
    while (sem_wait(&s->leave) != 0)
        ;
}

void stall(struct stall *s, struct loop *loop)
{
    sem_init(&s->entered, 0, 0);
    sem_init(&s->leave, 0, 0);
    assert_int_equal(loop_post_must(loop, do_stall, s, 0), 0);
    while (sem_wait(&s->entered) != 0)
        ;
}

struct xmb_service_id masked(struct xmb_service_id id, unsigned mask)
{
    unsigned i;

    if (mask & 1)
        id.service = XMB_ANY_SERVICE;
    if (mask & 2)
        id.subservice = XMB_ANY_SUBSERVICE;
    for (i = 0; i < 4; i++)
        if (mask & 4u << i)
            id.instance[i] = XMB_ANY_WORD;
    return id;
}

struct record *a_record(uint32_t instance, uint32_t sequence)
{
    struct xmb_publish p = {
        .size = sizeof(p), .domain = 1, .id = rig_id(101, instance), .sequence = sequence};
    struct record *r = record_new(&p, XMB_STR(""), 0);

    assert_non_null(r);
    return r;
}
