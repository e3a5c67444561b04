/* SPDX-License-Identifier: MIT */
/*
 * drain.c - modules are told that the broker stops, and routing modules are waited for.
 *
 * A module's own drain is called here on the control thread; its routing drain is posted to the
 * routing loop right after. Once no connection is left, shutdown.c asks again and again whether
 * the routing modules have said all that their peers must know. The answer is made on the routing
 * loop and comes back to the control loop.
 */
#include "plugin/lifecycle.h"

#include "log/log.h"
#include "loop/loop.h"

#include <string.h>

static uint64_t routing_deadline_ms; /* written before anything is posted */

/* One question at a time; the routing loop has it between the two posts. */
static struct {
    struct xmb_module *asked[MODULES_MAX];
    int is_late[MODULES_MAX];
    uint32_t count;
    void (*then)(uint32_t late);
} question;

/* --- drain ----------------------------------------------------------------------------------- */

static void drain_on_routing(struct loop *loop, void *arg)
{
    struct xmb_module *m = arg;
    struct module_mark mark;

    if (loop == NULL)
        return;
    mark = module_enter(m);
    m->routing.drain(m->self, routing_deadline_ms);
    module_leave(mark);
}

static void drain_module(struct xmb_module *m, uint64_t deadline_ms)
{
    struct module_mark mark;

    if (m->ops.drain != NULL) {
        mark = module_enter(m);
        m->ops.drain(m->self, deadline_ms);
        module_leave(mark);
    }
    if (m->routing.drain != NULL)
        loop_post_must(loop_routing(), drain_on_routing, m, sizeof(*m));
}

void lifecycle_drain(uint64_t deadline_ms)
{
    struct xmb_module *m;
    uint32_t i;

    routing_deadline_ms = deadline_ms;
    for (i = 0; (m = lifecycle_order(i)) != NULL; i++) {
        if (m->state != MODULE_RUNNING)
            continue;
        m->state = MODULE_DRAINING;
        drain_module(m, deadline_ms);
    }
}

/* --- drained --------------------------------------------------------------------------------- */

static void on_asked(struct loop *loop, void *arg)
{
    uint32_t i, late = 0;

    (void)loop;
    (void)arg;
    for (i = 0; i < question.count; i++)
        late += question.is_late[i] != 0;
    question.then(late);
}

static void ask_on_routing(struct loop *loop, void *arg)
{
    struct module_mark mark;
    uint32_t i;

    (void)arg;
    for (i = 0; loop != NULL && i < question.count; i++) {
        struct xmb_module *m = question.asked[i];

        mark = module_enter(m);
        question.is_late[i] = m->routing.drained(m->self) == 0;
        module_leave(mark);
    }
    loop_post_must(loop_control(), on_asked, NULL, 0);
}

void lifecycle_ask_drained(void (*then)(uint32_t late))
{
    struct xmb_module *m;
    uint32_t i;

    memset(&question, 0, sizeof(question));
    question.then = then;
    for (i = 0; (m = lifecycle_order(i)) != NULL; i++)
        if (m->state == MODULE_DRAINING && m->routing.drained != NULL)
            question.asked[question.count++] = m;
    if (question.count == 0 ||
        loop_post_must(loop_routing(), ask_on_routing, NULL, sizeof(question)) < 0)
        then(0);
}

void lifecycle_name_late(uint64_t deadline_ms)
{
    uint32_t i;

    for (i = 0; i < question.count; i++)
        if (question.is_late[i])
            LOG(WARN, question.asked[i]->name,
                "module %s had not told its peers all within %llu s; it ends now",
                question.asked[i]->name, (unsigned long long)deadline_ms / 1000);
}
