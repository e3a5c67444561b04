/* SPDX-License-Identifier: MIT */
/*
 * thread.c - the loop of the module's thread.
 *
 * It sleeps in poll() until libunbound has answers, somebody asks, or a step of a
 * job is late. libunbound has a thread of its own behind its descriptor; both
 * have all signals blocked, which are the broker's.
 */
#include "thread.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unbound.h>
#include <unistd.h>

#define QUEUE_AGE_MS 9000u /* then the router is about to give up */

struct dsrv_thread {
    const struct xmb_host *host;
    struct xmb_module *module;
    void (*counted)(void *arg);
    void *arg;
    pthread_t thread;
    int event_fd;
    _Atomic uint64_t count[DSRV_COUNTS];

    pthread_mutex_t lock;
    /* Under the lock. */
    struct dsrv_request *first;
    struct dsrv_request **last;
    struct dsrv_resolver *next_resolver; /* not taken yet */
    uint32_t open;                       /* in the queue and running */
    int is_running;
    int stops;

    /* Thread: its own. */
    struct dsrv_resolver *resolver;
    struct dsrv_job *jobs;
    uint32_t running;
    int broken; /* libunbound's thread is gone */
};

static uint64_t now_ms(void)
{
    struct timespec ts;

    clock_gettime(CLOCK_MONOTONIC, &ts);
    return (uint64_t)ts.tv_sec * 1000 + (uint64_t)ts.tv_nsec / 1000000;
}

static void wake(struct dsrv_thread *t)
{
    uint64_t one = 1;
    ssize_t n;

    do
        n = write(t->event_fd, &one, sizeof(one));
    while (n < 0 && errno == EINTR);
}

static void count(struct dsrv_thread *t, enum dsrv_count what, uint64_t n)
{
    atomic_fetch_add_explicit(&t->count[what], n, memory_order_relaxed);
}

uint64_t dsrv_thread_count(struct dsrv_thread *t, enum dsrv_count what)
{
    return atomic_load_explicit(&t->count[what], memory_order_relaxed);
}

/* --- answers --------------------------------------------------------------------------------- */

static void settled(struct dsrv_thread *t, uint32_t n)
{
    pthread_mutex_lock(&t->lock);
    t->open -= n;
    pthread_mutex_unlock(&t->lock);
}

/* `request` is freed. */
static void give_up(struct dsrv_thread *t, struct dsrv_request *request)
{
    t->host->router->resolved_for(request->ticket, XMB_ETIMEOUT, 0, NULL, 0);
    count(t, DSRV_COUNT_FAILED, 1);
    free(request);
    settled(t, 1);
}

/* One line for what went wrong, also when there was enough else. */
static void tell(struct dsrv_thread *t, const struct dsrv_job *job)
{
    const struct dsrv_plan *plan = &job->plan;
    uint32_t level = plan->bogus || plan->status != 0 ? XMB_LOG_WARN : XMB_LOG_INFO;

    if (job->why[0] == '\0')
        return;
    t->host->log->limited(t->module, level, plan->bogus ? "dns bogus" : "dns failed", 5,
                          job->request->name, "%s; %s", job->why,
                          plan->status == 0 ? "the other answers are used"
                                            : "whoever asked is told to try later");
}

static enum dsrv_count count_of(int status)
{
    switch (status) {
    case 0:
        return DSRV_COUNT_FOUND;
    case XMB_ENOENT:
        return DSRV_COUNT_ABSENT;
    case XMB_EDENIED:
        return DSRV_COUNT_REFUSED;
    default:
        return DSRV_COUNT_FAILED;
    }
}

/* `job` is done, and is freed. */
static void finish(struct dsrv_thread *t, struct dsrv_job *job)
{
    struct xmb_route routes[XMB_ROUTES_MAX];
    struct dsrv_plan *plan = &job->plan;
    size_t n = 0;

    if (plan->status == 0)
        n = dsrv_plan_routes(plan, job->request->name, routes);
    t->host->router->resolved_for(job->request->ticket, plan->status, plan->keep_s,
                                  n > 0 ? routes : NULL, n);
    count(t, count_of(plan->status), 1);
    count(t, DSRV_COUNT_BOGUS, plan->bogus);
    count(t, DSRV_COUNT_SENT, job->asked_total);
    tell(t, job);
    dsrv_job_free(job);
    settled(t, 1);
}

/* --- jobs ------------------------------------------------------------------------------------ */

static void start(struct dsrv_thread *t, struct dsrv_request *request, uint64_t now)
{
    struct dsrv_job *job;

    /* What libunbound's thread does not read any more would fill its pipe, and block us. */
    if (t->broken || request->born_ms + QUEUE_AGE_MS <= now ||
        (job = dsrv_job_new(request)) == NULL) {
        give_up(t, request);
        return;
    }
    job->next = t->jobs;
    t->jobs = job;
    t->running++;
    dsrv_job_begin(job, t->resolver, now);
}

static void start_all(struct dsrv_thread *t, struct dsrv_request *requests)
{
    uint64_t now = now_ms();

    while (requests != NULL) {
        struct dsrv_request *one = requests;

        requests = one->next;
        start(t, one, now);
    }
}

/* What there is room for, as a list of its own; without a resolver there is none. */
static struct dsrv_request *take_requests(struct dsrv_thread *t, int has_resolver)
{
    struct dsrv_request *taken = t->first;
    struct dsrv_request **end = &taken;
    uint32_t room = has_resolver ? DSRV_RUNNING_MAX - t->running : 0;

    while (*end != NULL && room-- > 0)
        end = &(*end)->next;
    t->first = *end;
    *end = NULL;
    if (t->first == NULL)
        t->last = &t->first;
    return taken;
}

/* Jobs that run go on with the new one, from their beginning. */
static void change_resolver(struct dsrv_thread *t, struct dsrv_resolver *next)
{
    uint64_t now = now_ms();
    struct dsrv_job *job;

    for (job = t->jobs; job != NULL; job = job->next)
        dsrv_job_detach(job);
    dsrv_resolver_free(t->resolver);
    t->resolver = next;
    t->broken = 0;
    for (job = t->jobs; job != NULL; job = job->next)
        dsrv_job_begin(job, next, now);
}

/* Moves jobs on; returns when the next one is late, in ms for poll(), -1: never. */
static int turn_jobs(struct dsrv_thread *t)
{
    struct dsrv_job **at = &t->jobs;
    uint64_t now = now_ms();
    uint64_t wait = UINT64_MAX;
    int changed = 0;

    while (*at != NULL) {
        struct dsrv_job *job = *at;

        if (!dsrv_job_turn(job, now)) {
            if (job->deadline_ms - now < wait)
                wait = job->deadline_ms - now;
            at = &job->next;
            continue;
        }
        *at = job->next;
        t->running--;
        finish(t, job);
        changed = 1;
    }
    if (changed) {
        t->counted(t->arg);
        return 0; /* there is room for those that wait in the queue */
    }
    return wait == UINT64_MAX ? -1 : (int)wait;
}

/* --- loop ------------------------------------------------------------------------------------ */

/*
 * Takes over what others have left; returns whether the thread is to end. Resolver and questions
 * are taken at once: a question that came after a new resolver must not meet the old one, which
 * may be broken. Questions that are given up at once leave their room to those behind them.
 */
static int take(struct dsrv_thread *t)
{
    struct dsrv_resolver *next;
    struct dsrv_request *requests;
    int stops, took;

    do {
        pthread_mutex_lock(&t->lock);
        next = t->next_resolver;
        t->next_resolver = NULL;
        requests = take_requests(t, next != NULL || t->resolver != NULL);
        stops = t->stops;
        pthread_mutex_unlock(&t->lock);
        if (next != NULL)
            change_resolver(t, next);
        took = requests != NULL;
        start_all(t, requests);
    } while (took);
    return stops;
}

static void end_jobs(struct dsrv_thread *t)
{
    struct dsrv_job *job;
    struct dsrv_request *request;

    while ((job = t->jobs) != NULL) {
        t->jobs = job->next;
        t->running--;
        request = job->request;
        job->request = NULL;
        dsrv_job_free(job);
        give_up(t, request);
    }
}

static void process(struct dsrv_thread *t)
{
    int rc = ub_process(t->resolver->ctx);

    if (rc == 0)
        return;
    t->broken = 1;
    t->host->log->write(t->module, XMB_LOG_ERROR, NULL,
                        "libunbound has stopped (%s); nothing is found until the module's "
                        "configuration changes or the broker restarts", ub_strerror(rc));
    end_jobs(t);
}

static void sleep_until(struct dsrv_thread *t, int wait_ms)
{
    struct pollfd fds[2] = {
        {.fd = t->event_fd, .events = POLLIN},
        {.fd = t->resolver != NULL && !t->broken ? ub_fd(t->resolver->ctx) : -1, .events = POLLIN},
    };
    uint64_t times;

    if (poll(fds, 2, wait_ms) <= 0)
        return;
    if (fds[0].revents != 0 && read(t->event_fd, &times, sizeof(times)) < 0)
        return; /* somebody else's word; the next turn looks anyway */
    if (fds[1].revents != 0)
        process(t);
}

/* All that is open is answered, so that every ticket goes back. */
static void end_all(struct dsrv_thread *t)
{
    struct dsrv_request *request;

    end_jobs(t);
    pthread_mutex_lock(&t->lock);
    request = t->first;
    t->first = NULL;
    t->last = &t->first;
    pthread_mutex_unlock(&t->lock);
    while (request != NULL) {
        struct dsrv_request *next = request->next;

        give_up(t, request);
        request = next;
    }
}

static void *loop(void *arg)
{
    struct dsrv_thread *t = arg;

    pthread_setname_np(pthread_self(), "xmb-dns-srv");
    while (!take(t))
        sleep_until(t, turn_jobs(t));
    end_all(t);
    return NULL;
}

/* --- from outside ---------------------------------------------------------------------------- */

int dsrv_thread_ask(struct dsrv_thread *t, enum dsrv_kind kind, struct xmb_str name,
                    struct xmb_ticket *ticket)
{
    struct dsrv_request *request;
    int rc = 0;

    if (name.n == 0 || name.n > XMB_DOMAIN_NAME_MAX)
        return XMB_EINVAL;
    request = calloc(1, sizeof(*request));
    if (request == NULL)
        return XMB_ENOMEM;
    request->ticket = ticket;
    request->kind = kind;
    request->born_ms = now_ms();
    memcpy(request->name, name.p, name.n);
    pthread_mutex_lock(&t->lock);
    if (!t->is_running || t->stops)
        rc = XMB_ECANCELED;
    else if (t->open == DSRV_OPEN_MAX)
        rc = XMB_ELIMIT;
    if (rc == 0) {
        *t->last = request;
        t->last = &request->next;
        t->open++;
    }
    pthread_mutex_unlock(&t->lock);
    if (rc == 0)
        wake(t);
    else
        free(request);
    return rc;
}

void dsrv_thread_use(struct dsrv_thread *t, struct dsrv_resolver *r)
{
    struct dsrv_resolver *overtaken;

    pthread_mutex_lock(&t->lock);
    overtaken = t->next_resolver;
    t->next_resolver = r;
    pthread_mutex_unlock(&t->lock);
    dsrv_resolver_free(overtaken);
    wake(t);
}

struct dsrv_thread *dsrv_thread_new(const struct xmb_host *host, struct xmb_module *module,
                                    void (*counted)(void *arg), void *arg)
{
    struct dsrv_thread *t = calloc(1, sizeof(*t));

    if (t == NULL)
        return NULL;
    t->host = host;
    t->module = module;
    t->counted = counted;
    t->arg = arg;
    t->last = &t->first;
    t->event_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (t->event_fd < 0 || pthread_mutex_init(&t->lock, NULL) != 0) {
        if (t->event_fd >= 0)
            close(t->event_fd);
        free(t);
        return NULL;
    }
    return t;
}

int dsrv_thread_start(struct dsrv_thread *t)
{
    sigset_t all, before;
    int rc;

    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    rc = pthread_create(&t->thread, NULL, loop, t);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    pthread_mutex_lock(&t->lock);
    t->is_running = rc == 0;
    pthread_mutex_unlock(&t->lock);
    return rc == 0 ? 0 : XMB_EIO;
}

void dsrv_thread_stop(struct dsrv_thread *t)
{
    int was_running;

    pthread_mutex_lock(&t->lock);
    was_running = t->is_running;
    t->is_running = 0;
    t->stops = 1;
    pthread_mutex_unlock(&t->lock);
    if (!was_running)
        return;
    wake(t);
    pthread_join(t->thread, NULL);
}

void dsrv_thread_free(struct dsrv_thread *t)
{
    if (t == NULL)
        return;
    dsrv_resolver_free(t->resolver);
    dsrv_resolver_free(t->next_resolver);
    close(t->event_fd);
    pthread_mutex_destroy(&t->lock);
    free(t);
}
