/* SPDX-License-Identifier: MIT */
/*
 * work.c - what waits to run, and a clock that only the test moves.
 *
 * One queue, first in first out, for everything that the broker would do in a
 * later turn or on another thread. It is the one place with a lock: verdicts
 * may come from threads of the plugin.
 */
#include "fake_priv.h"

struct work {
    struct work *next;
    void (*fn)(void *arg);
    void (*dropped)(void *arg);
    void *arg;
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct work *first;
static struct work **end = &first;
static struct fake_timer timers = {.next = &timers, .prev = &timers};

void fake_work_or(void (*fn)(void *arg), void (*dropped)(void *arg), void *arg)
{
    struct work *work = fake_alloc(sizeof(*work));

    work->fn = fn;
    work->dropped = dropped;
    work->arg = arg;
    pthread_mutex_lock(&lock);
    *end = work;
    end = &work->next;
    pthread_mutex_unlock(&lock);
}

void fake_work(void (*fn)(void *arg), void *arg)
{
    fake_work_or(fn, NULL, arg);
}

static struct work *take(void)
{
    struct work *work;

    pthread_mutex_lock(&lock);
    work = first;
    if (work != NULL && (first = work->next) == NULL)
        end = &first;
    pthread_mutex_unlock(&lock);
    return work;
}

size_t xmb_fakehost_run(void)
{
    struct work *work;
    size_t n = 0;

    while ((work = take()) != NULL) {
        if (++n > FAKE_WORK_MAX)
            fake_fail("a million pieces of work in one run: the plugin goes round in circles");
        work->fn(work->arg);
        free(work);
    }
    return n;
}

void fake_work_drop(void)
{
    struct work *work;

    while ((work = take()) != NULL) {
        if (work->dropped != NULL)
            work->dropped(work->arg);
        free(work);
    }
}

/* --- clock ----------------------------------------------------------------------------------- */

uint64_t xmb_fakehost_now_ms(void)
{
    return fake.now_ms;
}

void fake_timer_stop(struct fake_timer *t)
{
    if (!t->running)
        return;
    t->running = 0;
    t->prev->next = t->next;
    t->next->prev = t->prev;
}

/* In the order of their time; of equal times the one started first is before. */
void fake_timer_start(struct fake_timer *t, uint64_t delay_ms)
{
    struct fake_timer *before;

    fake_timer_stop(t);
    t->due_ms = fake.now_ms + delay_ms;
    for (before = timers.prev; before != &timers && before->due_ms > t->due_ms;)
        before = before->prev;
    t->prev = before;
    t->next = before->next;
    before->next->prev = t;
    before->next = t;
    t->running = 1;
}

void xmb_fakehost_advance(uint64_t ms)
{
    uint64_t until_ms = fake.now_ms + ms;
    size_t n = 0;

    xmb_fakehost_run();
    while (timers.next != &timers && timers.next->due_ms <= until_ms) {
        struct fake_timer *t = timers.next;

        if (++n > FAKE_WORK_MAX)
            fake_fail("a million timers in one advance: the plugin goes round in circles");
        if (t->due_ms > fake.now_ms)
            fake.now_ms = t->due_ms;
        fake_timer_stop(t);
        t->fn(t);
        xmb_fakehost_run();
    }
    fake.now_ms = until_ms;
    xmb_fakehost_run();
}

/* --- the plugin's timers --------------------------------------------------------------------- */

struct xmb_timer {
    struct fake_timer timer; /* first */
    struct xmb_timer *next;
    struct xmb_timer *prev;
    const struct xmb_module *routing_of; /* a timer of the routing loop, of that module; or NULL */
    void (*fn)(struct xmb_worker *w, void *arg);
    void (*routing_fn)(void *arg);
    void *arg;
};

static struct xmb_timer created = {.next = &created, .prev = &created};

static void timer_fired(struct fake_timer *t)
{
    struct xmb_timer *timer = (struct xmb_timer *)t;

    if (timer->routing_of != NULL)
        timer->routing_fn(timer->arg);
    else
        timer->fn(&fake.worker, timer->arg);
}

static struct xmb_timer *timer_new(void *arg)
{
    struct xmb_timer *t = fake_alloc(sizeof(*t));

    t->timer.fn = timer_fired;
    t->arg = arg;
    t->next = &created;
    t->prev = created.prev;
    t->prev->next = t;
    t->next->prev = t;
    return t;
}

static struct xmb_timer *timer_create_(struct xmb_worker *w, struct xmb_module *module,
                                       void (*fn)(struct xmb_worker *w, void *arg), void *arg)
{
    struct xmb_timer *t = timer_new(arg);

    (void)w;
    (void)module;
    t->fn = fn;
    return t;
}

struct xmb_timer *fake_routing_timer(struct xmb_module *module, void (*fn)(void *arg), void *arg)
{
    struct xmb_timer *t = timer_new(arg);

    t->routing_of = module;
    t->routing_fn = fn;
    return t;
}

static void timer_start_(struct xmb_timer *t, uint64_t delay_ms)
{
    fake_timer_start(&t->timer, delay_ms);
}

static void timer_stop_(struct xmb_timer *t)
{
    fake_timer_stop(&t->timer);
}

static void timer_destroy_(struct xmb_timer *t)
{
    if (t == NULL)
        return;
    fake_timer_stop(&t->timer);
    t->prev->next = t->next;
    t->next->prev = t->prev;
    free(t);
}

void fake_routing_timers_end(const struct xmb_module *m)
{
    struct xmb_timer *t, *next;

    for (t = created.next; t != &created; t = next) {
        next = t->next;
        if (t->routing_of == m)
            timer_destroy_(t);
    }
}

void fake_timers_free(void)
{
    while (created.next != &created)
        timer_destroy_(created.next);
}

const struct xmb_timer_api fake_timer_api = {
    .size = sizeof(fake_timer_api),
    .rev = 1,
    .create = timer_create_,
    .start = timer_start_,
    .stop = timer_stop_,
    .destroy = timer_destroy_,
};

/* --- the worker ------------------------------------------------------------------------------ */

static uint32_t worker_count_(void)
{
    return 1;
}

static struct xmb_worker *worker_at_(uint32_t index)
{
    return index == 0 ? &fake.worker : NULL;
}

static uint32_t worker_index_(const struct xmb_worker *w)
{
    return w->index;
}

static void *worker_state_(const struct xmb_worker *w, const struct xmb_module *module)
{
    (void)w;
    return module->wself;
}

static uint64_t worker_now_ms_(const struct xmb_worker *w)
{
    (void)w;
    return fake.now_ms;
}

struct errand {
    void (*post)(struct xmb_worker *w, void *arg);
    void (*work)(void *arg);
    void (*done)(struct xmb_worker *w, void *arg, int status);
    void *arg;
};

static void errand_run(void *arg)
{
    struct errand e = *(struct errand *)arg;

    free(arg);
    if (e.post != NULL) {
        e.post(&fake.worker, e.arg);
        return;
    }
    e.work(e.arg);
    e.done(&fake.worker, e.arg, 0);
}

static void errand_dropped(void *arg)
{
    struct errand e = *(struct errand *)arg;

    free(arg);
    if (e.post != NULL)
        e.post(NULL, e.arg);
    else
        e.done(&fake.worker, e.arg, XMB_ECANCELED);
}

static int worker_post_(struct xmb_worker *w, struct xmb_module *module,
                        void (*fn)(struct xmb_worker *w, void *arg), void *arg, size_t cost_bytes)
{
    struct errand *e = fake_alloc(sizeof(*e));

    (void)w;
    (void)module;
    (void)cost_bytes;
    e->post = fn;
    e->arg = arg;
    fake_work_or(errand_run, errand_dropped, e);
    return 0;
}

static int worker_offload_(struct xmb_worker *w, struct xmb_module *module,
                           void (*work)(void *arg),
                           void (*done)(struct xmb_worker *w, void *arg, int status), void *arg)
{
    struct errand *e = fake_alloc(sizeof(*e));

    (void)w;
    (void)module;
    e->work = work;
    e->done = done;
    e->arg = arg;
    fake_work_or(errand_run, errand_dropped, e);
    return 0;
}

const struct xmb_worker_api fake_worker_api = {
    .size = sizeof(fake_worker_api),
    .rev = 1,
    .count = worker_count_,
    .at = worker_at_,
    .index = worker_index_,
    .state = worker_state_,
    .now_ms = worker_now_ms_,
    .post = worker_post_,
    .offload = worker_offload_,
};
