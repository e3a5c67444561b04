/* SPDX-License-Identifier: MIT */
/*
 * offload.c - a pool of threads for work that blocks: files, slow hashes.
 *
 * A queue under a mutex, bounded in jobs: this is not the data path. `done` goes
 * back to the worker that asked, past the bound of its mailbox, which the bound of this
 * queue stands for.
 */

#include <assert.h>
#include <pthread.h>
#include <stdlib.h>

#include "buf/buf.h"
#include "loop/mailbox_priv.h"
#include "loop/worker.h"

#define THREADS_MAX 64

struct job {
    struct job *next;
    struct xmb_worker *worker;
    struct xmb_module *module;
    void (*work)(void *arg);
    void (*done)(struct xmb_worker *w, void *arg, int status);
    void *arg;
    int status;
};

static struct {
    pthread_mutex_t mutex;
    pthread_cond_t work_or_stop;
    struct job *first;
    struct job **end;
    uint32_t waiting;
    uint32_t thread_count;
    int up; /* jobs are taken */
    uv_thread_t threads[THREADS_MAX];
} pool = {.mutex = PTHREAD_MUTEX_INITIALIZER, .work_or_stop = PTHREAD_COND_INITIALIZER};

/* On the worker; without one, or without the module's state there, `arg` is only freed. */
static void run_done(struct loop *loop, void *arg)
{
    struct job *job = arg;
    struct xmb_worker *w = (struct xmb_worker *)(void *)loop;
    struct module_mark mark = module_enter(job->module);

    if (w != NULL && w->modules_ended)
        w = NULL;
    job->done(w, job->arg, w != NULL ? job->status : XMB_ECANCELED);
    module_leave(mark);
    free(job);
}

static void give_back(struct job *job, int status)
{
    job->status = status;
    if (loop_post_must(&job->worker->loop, run_done, job, sizeof *job) < 0)
        run_done(NULL, job);
}

static struct job *take_first(void)
{
    struct job *job = pool.first;

    pool.first = job->next;
    if (pool.first == NULL)
        pool.end = &pool.first;
    pool.waiting--;
    return job;
}

/* The next job, or NULL at the end. */
static struct job *wait_for_job(void)
{
    struct job *job = NULL;

    pthread_mutex_lock(&pool.mutex);
    while (pool.up && pool.first == NULL)
        pthread_cond_wait(&pool.work_or_stop, &pool.mutex);
    if (pool.up)
        job = take_first();
    pthread_mutex_unlock(&pool.mutex);
    return job;
}

static void pool_thread(void *unused)
{
    struct job *job;

    (void)unused;
    pthread_setname_np(pthread_self(), "offload");
    while ((job = wait_for_job()) != NULL) {
        struct module_mark mark = module_enter(job->module);

        job->work(job->arg);
        module_leave(mark);
        give_back(job, 0);
    }
    slab_thread_fini();
}

int offload_start(uint32_t threads)
{
    int rc = 0;

    assert(pool.thread_count == 0);
    if (threads == 0 || threads > THREADS_MAX)
        return XMB_EINVAL;
    pool.first = NULL;
    pool.end = &pool.first;
    pool.waiting = 0;
    pool.up = 1;
    while (rc == 0 && pool.thread_count < threads) {
        rc = loop_thread_start(&pool.threads[pool.thread_count], pool_thread, NULL);
        if (rc == 0)
            pool.thread_count++;
    }
    if (rc < 0)
        offload_stop();
    return rc;
}

void offload_stop(void)
{
    pthread_mutex_lock(&pool.mutex);
    pool.up = 0;
    pthread_cond_broadcast(&pool.work_or_stop);
    pthread_mutex_unlock(&pool.mutex);
    while (pool.thread_count != 0)
        uv_thread_join(&pool.threads[--pool.thread_count]);
    while (pool.first != NULL)
        give_back(take_first(), XMB_ECANCELED);
}

/* 0, or why the job is not taken. */
static int queue(struct job *job)
{
    int rc = 0;

    pthread_mutex_lock(&pool.mutex);
    if (!pool.up) {
        rc = XMB_ECANCELED;
    } else if (pool.waiting >= OFFLOAD_QUEUE_MAX) {
        rc = XMB_EAGAIN;
    } else {
        *pool.end = job;
        pool.end = &job->next;
        pool.waiting++;
        pthread_cond_signal(&pool.work_or_stop);
    }
    pthread_mutex_unlock(&pool.mutex);
    return rc;
}

int offload_post(struct xmb_worker *w, struct xmb_module *module, void (*work)(void *arg),
                 void (*done)(struct xmb_worker *w, void *arg, int status), void *arg)
{
    struct job *job = calloc(1, sizeof *job);
    int rc;

    LOOP_ASSERT(&w->loop);
    if (job == NULL)
        return XMB_ENOMEM;
    job->worker = w;
    job->module = module;
    job->work = work;
    job->done = done;
    job->arg = arg;
    rc = queue(job);
    if (rc < 0)
        free(job);
    return rc;
}
