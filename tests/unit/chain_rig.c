/* SPDX-License-Identifier: MIT */
/*
 * chain_rig.c - see chain_rig.h.
 */
#include "chain_rig.h"

#include <semaphore.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "metrics/metrics.h"
#include "router/router.h"
#include "service/service.h"

void rig_failed(const char *what, const char *file, int line)
{
    fprintf(stderr, "%s:%d: %s\n", file, line, what);
    abort();
}

struct xmb_module *rig_module(const char *name)
{
    struct xmb_module *m = module_by_name(name);

    if (m != NULL)
        return m;
    m = calloc(1, sizeof(*m));
    RIG_CHECK(m != NULL);
    m->name = name;
    m->plugin.name = name;
    m->state = MODULE_RUNNING;
    atomic_init(&m->log_level, XMB_LOG_ERROR);
    RIG_CHECK(module_add(m) == 0);
    return m;
}

void rig_up(void)
{
    atomic_store(&module_core()->log_level, XMB_LOG_ERROR);
    if (loop_control() == NULL)
        RIG_CHECK(loop_control_init() == 0);
    RIG_CHECK(service_init(0) == 0);
    RIG_CHECK(router_init() == 0);
    RIG_CHECK(loop_routing_start() == 0);
    RIG_CHECK(workers_start(RIG_WORKERS) == 0);
}

void rig_down(void)
{
    uint32_t i;

    workers_stop();
    loop_routing_join();
    router_fini();
    service_fini();
    for (i = 1; i < module_count(); i++) {
        memset(&module_at(i)->policy, 0, sizeof(module_at(i)->policy));
        memset(&module_at(i)->routing, 0, sizeof(module_at(i)->routing));
        module_at(i)->self = NULL;
    }
}

struct errand {
    sem_t done;
    void (*on_worker)(struct xmb_worker *w, void *arg);
    void (*on_routing)(void *arg);
    void *arg;
};

static void run_errand(struct loop *loop, void *arg)
{
    struct errand *e = arg;

    RIG_CHECK(loop != NULL);
    if (e->on_worker != NULL)
        e->on_worker((struct xmb_worker *)(void *)loop, e->arg);
    else
        e->on_routing(e->arg);
    sem_post(&e->done);
}

static void send_errand(struct loop *loop, struct errand *e)
{
    sem_init(&e->done, 0, 0);
    RIG_CHECK(loop_post_must(loop, run_errand, e, 0) == 0);
    while (sem_wait(&e->done) != 0)
        ;
    sem_destroy(&e->done);
}

void rig_on_worker(uint32_t index, void (*fn)(struct xmb_worker *w, void *arg), void *arg)
{
    struct errand e = {.on_worker = fn, .arg = arg};

    send_errand(&worker_at(index)->loop, &e);
}

void rig_on_routing(void (*fn)(void *arg), void *arg)
{
    struct errand e = {.on_routing = fn, .arg = arg};

    send_errand(loop_routing(), &e);
}

void rig_wait(_Atomic int *value, int want)
{
    const struct timespec pause = {0, 1000000};
    int i;

    for (i = 0; atomic_load(value) < want; i++) {
        RIG_CHECK(i < 60000);
        nanosleep(&pause, NULL);
    }
}
