/* SPDX-License-Identifier: MIT */
/*
 * routing.c - the routing loop, and the ends of what lives on it.
 *
 * A module leaves it with its `end`; whatever it forgot there goes then. What has handles of its
 * own on the loop closes them when the loop ends, which is after every module has left.
 */
#include "loop/routing.h"

#include "netif/netif.h"
#include "rawip/rawip.h"

#define ROUTING_MAILBOX_BYTES ((size_t)64 << 20)

static struct loop routing_loop;
static struct loop *routing; /* set before other threads exist */
static struct timer_wheel *wheel;

struct loop *loop_routing(void)
{
    return routing;
}

struct timer_wheel *routing_wheel(void)
{
    return wheel;
}

uint64_t routing_now_ms(void)
{
    LOOP_ASSERT(routing);
    return loop_now_ms(routing);
}

void routing_module_end(const struct xmb_module *m)
{
    LOOP_ASSERT(routing);
    routing_timers_end(m);
    rawip_module_end(m);
    netif_module_end(m);
}

/* Sockets and watches have timers, so the wheel goes last. */
static void on_ended(struct loop *loop)
{
    (void)loop;
    rawip_routing_end();
    netif_routing_end();
    routing_timers_end(NULL);
    timer_wheel_free(wheel);
    wheel = NULL;
}

/* Nothing runs on it yet. */
static int prepare(void)
{
    int rc = loop_init(&routing_loop, "routing", ROUTING_MAILBOX_BYTES);

    if (rc < 0)
        return rc;
    routing_loop.ended = on_ended;
    wheel = timer_wheel_new(&routing_loop);
    if (wheel == NULL) {
        loop_join(&routing_loop);
        return XMB_ENOMEM;
    }
    return 0;
}

int loop_routing_start(void)
{
    int rc = prepare();

    if (rc < 0)
        return rc;
    routing = &routing_loop;
    rc = loop_start(routing);
    if (rc < 0) {
        loop_join(routing);
        routing = NULL;
    }
    return rc;
}

void loop_routing_join(void)
{
    if (routing == NULL)
        return;
    loop_stop(routing);
    loop_join(routing);
}
