/* SPDX-License-Identifier: MIT */
/*
 * worker.c - the workers: made together, ended together.
 *
 * The nouns that keep state on a worker stand in one table; their init runs on
 * the worker's thread in that order and their fini in the reverse. What the
 * control thread wants of all workers at once goes through workers_run.
 *
 * The structures are kept after workers_stop: a pointer to a worker that has
 * ended stays valid, and posting to it is refused.
 */
#include "loop/worker.h"

#include <assert.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#include "conn/conn.h"
#include "datagram/datagram.h"
#include "loop/mailbox_priv.h"
#include "metrics/metrics.h"
#include "policy/policy.h"
#include "router/router.h"
#include "service/service.h"

#define WORKER_MAILBOX_BYTES ((size_t)64 << 20)

static const struct {
    int (*init)(struct xmb_worker *w);
    void (*fini)(struct xmb_worker *w);
} nouns[] = {
    {metrics_worker_init, metrics_worker_fini},
    {timers_worker_init, timers_worker_fini},
    {conn_worker_init, conn_worker_fini},
    {datagram_worker_init, datagram_worker_fini},
    {service_worker_init, service_worker_fini},
    {policy_worker_init, policy_worker_fini},
    {router_worker_init, router_worker_fini},
};
#define NOUN_COUNT (sizeof nouns / sizeof nouns[0])

/*
 * Written on the control thread while no worker runs. The routing loop may be there already:
 * it sees the whole table or, by the count, none of it.
 */
static struct xmb_worker *workers[WORKERS_MAX];
static _Atomic uint32_t count;
static int started;

/* --- run on all and wait ------------------------------------------------------------------ */

struct rally {
    pthread_mutex_t mutex;
    pthread_cond_t all_done;
    uint32_t left;
    int rc;
    int (*fn)(struct xmb_worker *w, void *arg);
    void *arg;
};

static void rally_report(struct rally *r, int rc)
{
    pthread_mutex_lock(&r->mutex);
    if (r->rc == 0 && rc < 0)
        r->rc = rc;
    if (--r->left == 0)
        pthread_cond_signal(&r->all_done);
    pthread_mutex_unlock(&r->mutex);
}

static void rally_on_worker(struct loop *loop, void *arg)
{
    struct rally *r = arg;

    rally_report(r, loop != NULL ? r->fn((struct xmb_worker *)(void *)loop, r->arg)
                                 : XMB_ECANCELED);
}

int workers_run(int (*fn)(struct xmb_worker *w, void *arg), void *arg)
{
    struct rally r = {PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER, worker_count(), 0, fn,
                      arg};
    uint32_t i;

    for (i = 0; i < worker_count(); i++) {
        int rc;

        assert(!loop_is_current(&workers[i]->loop)); /* it would wait for itself */
        rc = loop_post_must(&workers[i]->loop, rally_on_worker, &r, 0);
        if (rc < 0)
            rally_report(&r, rc);
    }
    pthread_mutex_lock(&r.mutex);
    while (r.left != 0)
        pthread_cond_wait(&r.all_done, &r.mutex);
    pthread_mutex_unlock(&r.mutex);
    pthread_cond_destroy(&r.all_done);
    pthread_mutex_destroy(&r.mutex);
    return r.rc;
}

/* --- run on all and be told --------------------------------------------------------------- */

struct round {
    _Atomic uint32_t left;
    void (*fn)(struct xmb_worker *w, void *arg);
    void *arg;
    void (*done)(void *arg);
};

/* On the control loop; when that has ended, on the thread that found out. */
static void round_done(struct loop *loop, void *arg)
{
    struct round *r = arg;

    (void)loop;
    r->done(r->arg);
    free(r);
}

static void round_leave(struct round *r, uint32_t n)
{
    if (atomic_fetch_sub_explicit(&r->left, n, memory_order_acq_rel) != n)
        return;
    if (loop_post_must(loop_control(), round_done, r, sizeof *r) < 0)
        round_done(NULL, r);
}

static void round_on_worker(struct loop *loop, void *arg)
{
    struct round *r = arg;

    if (loop != NULL)
        r->fn((struct xmb_worker *)(void *)loop, r->arg);
    round_leave(r, 1);
}

int workers_each(void (*fn)(struct xmb_worker *w, void *arg), void *arg, void (*done)(void *arg))
{
    struct round *r = malloc(sizeof *r);
    uint32_t i;

    if (r == NULL)
        return XMB_ENOMEM;
    atomic_init(&r->left, worker_count() + 1); /* one is ours, until all are posted */
    r->fn = fn;
    r->arg = arg;
    r->done = done;
    for (i = 0; i < worker_count(); i++)
        if (loop_post_must(&workers[i]->loop, round_on_worker, r, sizeof *r) < 0)
            round_leave(r, 1);
    round_leave(r, 1);
    return 0;
}

/* --- life --------------------------------------------------------------------------------- */

static int init_nouns(struct xmb_worker *w, void *arg)
{
    (void)arg;
    while (w->inits_done < NOUN_COUNT) {
        int rc = nouns[w->inits_done].init(w);

        if (rc < 0)
            return rc;
        w->inits_done++;
    }
    return 0;
}

static void worker_ended(struct loop *loop)
{
    struct xmb_worker *w = (struct xmb_worker *)(void *)loop;

    while (w->inits_done != 0)
        nouns[--w->inits_done].fini(w);
}

/* Memory of an earlier set goes when a new one is made. */
static void forget_old(void)
{
    uint32_t i;

    atomic_store_explicit(&count, 0, memory_order_release);
    for (i = 0; i < WORKERS_MAX && workers[i] != NULL; i++) {
        free(workers[i]);
        workers[i] = NULL;
    }
}

static int make_worker(uint32_t index)
{
    struct xmb_worker *w = calloc(1, sizeof *w);
    int rc;

    if (w == NULL)
        return XMB_ENOMEM;
    w->index = index;
    snprintf(w->name, sizeof w->name, "worker %u", (unsigned)index);
    rc = loop_init(&w->loop, w->name, WORKER_MAILBOX_BYTES);
    if (rc < 0) {
        free(w);
        return rc;
    }
    w->loop.ended = worker_ended;
    workers[index] = w;
    return 0;
}

int workers_start(uint32_t wanted)
{
    uint32_t i;
    int rc = 0;

    assert(!started);
    if (wanted == 0 || wanted > WORKERS_MAX)
        return XMB_EINVAL;
    forget_old();
    started = 1;
    for (i = 0; rc == 0 && i < wanted; i++)
        rc = make_worker(i);
    if (rc == 0)
        atomic_store_explicit(&count, wanted, memory_order_release);
    for (i = 0; rc == 0 && i < wanted; i++)
        rc = loop_start(&workers[i]->loop);
    if (rc == 0)
        rc = workers_run(init_nouns, NULL);
    if (rc < 0)
        workers_stop();
    return rc;
}

void workers_stop(void)
{
    uint32_t i;

    if (!started)
        return;
    for (i = 0; i < WORKERS_MAX && workers[i] != NULL; i++)
        loop_stop(&workers[i]->loop);
    for (i = 0; i < WORKERS_MAX && workers[i] != NULL; i++)
        loop_join(&workers[i]->loop);
    started = 0;
}

uint32_t worker_count(void)
{
    return atomic_load_explicit(&count, memory_order_acquire);
}

struct xmb_worker *worker_at(uint32_t index)
{
    return index < worker_count() ? workers[index] : NULL;
}
