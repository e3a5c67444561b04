/* SPDX-License-Identifier: MIT */
/*
 * bench_registry.c - what a publish and a notify cost inside the broker, without any protocol.
 *
 * Subscribers are functions that take what there is; so this is the part of the
 * registry in the cost of a notify, wake-ups of the loops included. CPU time is that of
 * the whole process. Figures of one machine only compare with others of the same run.
 */
#include "service_rig.h"

#include <sys/resource.h>
#include <time.h>

#define SERVICES 10000
#define SERVICE_BYTES 500

static double cpu_us(void)
{
    struct rusage u;

    getrusage(RUSAGE_SELF, &u);
    return (double)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) * 1e6 +
           (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec);
}

static double wall_us(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

/* --- publishers that publish again as soon as they are answered ------------------------------ */

struct source {
    struct rig_owner rig; /* first */
    struct xmb_service_id id;
    uint32_t sequence;
    uint32_t left;
};

static char content[SERVICE_BYTES + 1];

static void send_next(struct source *s)
{
    struct xmb_publish p = {.size = sizeof(p), .domain = 1, .id = s->id};

    if (s->left == 0)
        return;
    s->left--;
    p.sequence = ++s->sequence;
    p.data = xmb_str(content);
    RIG_CHECK(service_api.publish(s->rig.owner, &p, s->sequence) == 0);
}

static void on_done(struct rig_owner *o, uint64_t tag, const struct xmb_publish_result *r)
{
    (void)tag;
    RIG_CHECK(r->status == 0);
    send_next((struct source *)(void *)o);
}

struct start {
    struct source *s;
    uint32_t in_flight;
};

static void begin(void *arg)
{
    struct start *b = arg;
    uint32_t i;

    for (i = 0; i < b->in_flight; i++)
        send_next(b->s);
}

static void look(void *arg)
{
    struct start *b = arg;

    b->in_flight = b->s->rig.answers;
}

struct all {
    struct source *sources;
    uint32_t count;
    uint32_t each;
};

static int all_answered(void *arg)
{
    struct all *a = arg;
    struct start b;
    uint32_t i;

    for (i = 0; i < a->count; i++) {
        b.s = &a->sources[i];
        rig_on(b.s->rig.worker, look, &b);
        if (b.in_flight < a->each)
            return 0;
    }
    return 1;
}

static void fan_out(uint32_t publishers, uint32_t subscribers, uint32_t in_flight, uint32_t each)
{
    struct source *sources = calloc(publishers, sizeof(*sources));
    struct rig_sub *subs = calloc(subscribers, sizeof(*subs));
    struct all all = {sources, publishers, each};
    struct service_stats was, now;
    double cpu, wall, notifies = 0;
    uint32_t i, n = publishers * each;

    rig_start(0);
    for (i = 0; i < subscribers; i++)
        RIG_CHECK(rig_subscribe(&subs[i], i % RIG_WORKERS, 1, rig_any, XMB_VIEW_ALL, 1) == 0);
    for (i = 0; i < publishers; i++) {
        rig_open(&sources[i].rig, i % RIG_WORKERS, "bench", 0);
        sources[i].rig.on_done = on_done;
        sources[i].id = rig_id(101, i);
        sources[i].left = each;
    }
    rig_settle();
    service_stats(&was);
    cpu = cpu_us();
    wall = wall_us();
    for (i = 0; i < publishers; i++)
        rig_on(sources[i].rig.worker, begin, &(struct start){&sources[i], in_flight});
    rig_until(all_answered, &all);
    rig_settle();
    cpu = cpu_us() - cpu;
    wall = wall_us() - wall;
    service_stats(&now);
    for (i = 0; i < subscribers; i++)
        notifies += subs[i].notifies;
    printf("%4u x %-5u %3u in flight  %9.0f publishes/s  %7.2f us CPU/publish  %6.3f us "
           "CPU/notify  %5.1f%% overtaken  %.2f batches/publish\n",
           publishers, subscribers, in_flight, n / wall * 1e6, cpu / n, cpu / notifies,
           100 - 100 * notifies / ((double)n * subscribers),
           (double)(now.batches - was.batches) / n);
    rig_stop();
    free(subs);
    free(sources);
}

/* --- a new subscriber ------------------------------------------------------------------------ */

static struct rig_owner owner;

static void one_snapshot(const char *what, struct rig_sub *s, uint32_t worker)
{
    double cpu = cpu_us(), wall = wall_us();

    RIG_CHECK(rig_subscribe(s, worker, 1, rig_any, XMB_VIEW_ALL, 1) == 0);
    rig_settle();
    RIG_CHECK(s->notifies == SERVICES);
    printf("snapshot of %u, %s: %.2f ms, CPU %.2f ms\n", SERVICES, what, (wall_us() - wall) / 1e3,
           (cpu_us() - cpu) / 1e3);
}

static void snapshots(void)
{
    static struct rig_sub first, second;
    uint32_t i;

    rig_start(0);
    rig_open(&owner, 0, "bench", 0);
    for (i = 0; i < SERVICES;)
        if (rig_send(&owner, 1, rig_id((uint16_t)(i % 100), i), 1, 0, content) == 0)
            i++;
        else
            rig_settle();
    rig_settle();
    one_snapshot("first of its key on a worker", &first, 1);
    one_snapshot("second", &second, 1);
    rig_stop();
}

int main(void)
{
    memset(content, 'x', SERVICE_BYTES);
    printf("%d workers, %d octets of data a service\n", RIG_WORKERS, SERVICE_BYTES);
    fan_out(1, 1000, 1, 2000);
    fan_out(1, 1000, 16, 5000);
    fan_out(1, 1, 1, 20000);
    fan_out(100, 100, 1, 200);
    fan_out(100, 100, 16, 1000);
    snapshots();
    return 0;
}
