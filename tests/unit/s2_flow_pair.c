/* SPDX-License-Identifier: MIT */
/* s2_flow_pair.c - the pair of domains that most tests of flows are about. */
#include "s2_flow_pair.h"

int open_one(void **state)
{
    (void)state;
    rig_open(1);
    rig_stream_open(IN, 0, S2_OUTSIDE, "a.test", "b.test");
    rig_stream_open(OUT, 0, S2_INSIDE, "b.test", "a.test");
    return 0;
}

int open_three(void **state)
{
    (void)state;
    rig_open(RIG_WORKERS);
    rig_stream_open(IN, other_worker(), S2_OUTSIDE, "a.test", "b.test");
    rig_stream_open(OUT, other_worker(), S2_INSIDE, "b.test", "a.test");
    return 0;
}

int close_all(void **state)
{
    (void)state;
    rig_close();
    return 0;
}

uint32_t owner_of(const char *foreign)
{
    struct s2_domain d = rig_domain(foreign);

    return s2_flow_owner(&rig_worker[0], &d);
}

uint32_t other_worker(void)
{
    return (owner_of("b.test") + 1) % RIG_WORKERS;
}

void put(const char *id)
{
    put_on(IN, id);
}

void put_on(size_t stream, const char *id)
{
    assert_true(rig_put(stream, "message", "chat", id, 0) >= 0);
    rig_flush();
}

struct s2_lease *out(void)
{
    return rig_lease_of("a.test", "b.test");
}

struct s2_lease *back(void)
{
    return rig_lease_of("b.test", "a.test");
}

const struct rig_sent *last_on(const struct s2_lease *l)
{
    return &l->sent[l->sent_count - 1];
}

size_t written(const char *id)
{
    return rig_written("a.test", "b.test", id, NULL);
}

size_t errors(const char *id)
{
    if (back() != NULL && back()->state == LEASE_OPENING)
        rig_ready(back());
    return rig_written("b.test", "a.test", id, "error");
}

void assert_errors(const char *id, size_t n)
{
    assert_int_equal(errors(id), n);
}
