/* SPDX-License-Identifier: MIT */
/*
 * scenes.c - what is measured, for any wire.
 *
 *   idle      N clients that only stand there: memory of the server for each
 *   fanout    1 publisher, N subscribers of everything, W publishes in flight
 *   mesh      N publishers to N subscribers of everything, W in flight each
 *   pairs     N publishers to N subscribers, each pair its own topic, W in flight each
 *   rate      as mesh, at a fixed number of notifies a second
 *   snapshot  COUNT services stand there; a new subscriber of everything gets all of them
 *
 * A payload begins with when it was sent, for the latency, and its topic.
 */
#include "load.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define STAMP_BYTES 12

static uint64_t ready;
static uint64_t subscribed;
static uint64_t published;
static uint64_t notified;
static int counting; /* latencies are taken */

/* Set by scenes that send the next publish when one has arrived. */
static void (*on_notify)(struct client *c, unsigned topic);

void event_ready(struct client *c)
{
    (void)c;
    ready++;
}

void event_subscribed(struct client *c)
{
    (void)c;
    subscribed++;
}

void event_published(struct client *c)
{
    (void)c;
    published++;
}

void event_notify(struct client *c, const uint8_t *data, size_t n)
{
    uint64_t sent_ns;
    uint32_t topic;

    if (n < STAMP_BYTES)
        die("a notify has %zu octets of data", n);
    memcpy(&sent_ns, data, 8);
    memcpy(&topic, data + 8, 4);
    notified++;
    if (counting)
        latency_add(now_ns() - sent_ns);
    if (on_notify != NULL)
        on_notify(c, topic);
}

static uint32_t *versions;

static void publish(struct client *c, unsigned topic)
{
    static uint8_t data[65536];
    uint64_t now = now_ns();
    uint32_t t = topic;

    memcpy(data, &now, 8);
    memcpy(data + 8, &t, 4);
    memset(data + STAMP_BYTES, 'x', opt.bytes - STAMP_BYTES);
    opt.wire->publish(c, topic, ++versions[topic], data, opt.bytes);
}

static struct client **open_clients(unsigned count, uint32_t first)
{
    struct client **list = calloc(count, sizeof *list);
    uint64_t before = ready;
    unsigned i;

    if (list == NULL)
        die("out of memory");
    for (i = 0; i < count; i++) {
        list[i] = client_open(first + i);
        if (i % 100 == 99)
            run_until(&ready, before + i + 1, "log-ins");
    }
    run_until(&ready, before + count, "log-ins");
    return list;
}

static void subscribe_all(struct client **list, unsigned count, int own_topic)
{
    unsigned i;

    for (i = 0; i < count; i++)
        opt.wire->subscribe(list[i], own_topic ? (int)i : -1);
    run_until(&subscribed, count, "subscriptions");
}

static void report(uint64_t events, uint64_t cpu_ns, uint64_t wall_ns)
{
    printf("{\"wire\": \"%s\", \"scene\": \"%s\", \"events\": %lu, \"cpu_us\": %.3f, "
           "\"per_second\": %.0f, \"p50_us\": %.1f, \"p99_us\": %.1f}\n",
           opt.wire->name, opt.scene, (unsigned long)events,
           (double)cpu_ns / 1000.0 / (double)events,
           (double)events * 1e9 / (double)wall_ns, (double)latency_percentile(0.50) / 1000.0,
           (double)latency_percentile(0.99) / 1000.0);
}

static int idle(void)
{
    uint64_t before = server_rss_kib(opt.server_pid);
    uint64_t after;

    open_clients(opt.clients, 0);
    after = server_rss_kib(opt.server_pid);
    printf("{\"wire\": \"%s\", \"scene\": \"idle\", \"clients\": %u, \"kib_per_client\": %.3f}\n",
           opt.wire->name, opt.clients, ((double)after - (double)before) / opt.clients);
    return 0;
}

/* ---- fanout */

static struct client *publisher;
static uint64_t rounds; /* publishes that all subscribers have seen */
static unsigned seen_in_round;
static unsigned sent;

static void fanout_next(struct client *c, unsigned topic)
{
    (void)c;
    (void)topic;
    if (++seen_in_round % opt.clients != 0)
        return;
    rounds++;
    if (sent < opt.count) {
        publish(publisher, sent % opt.window);
        sent++;
    }
}

static int fanout(void)
{
    struct client **subs = open_clients(opt.clients, 1);
    uint64_t cpu;
    uint64_t wall;

    publisher = open_clients(1, 0)[0];
    subscribe_all(subs, opt.clients, 0);
    on_notify = fanout_next;
    counting = 1;
    cpu = server_cpu_ns(opt.server_pid);
    wall = now_ns();
    for (sent = 0; sent < opt.window && sent < opt.count; sent++)
        publish(publisher, sent);
    run_until(&rounds, opt.count, "notifies");
    report(notified, server_cpu_ns(opt.server_pid) - cpu, now_ns() - wall);
    return 0;
}

/* ---- mesh and rate */

static struct client **publishers;
static unsigned *seen; /* of each topic: how many subscribers have its newest version */

static void mesh_next(struct client *c, unsigned topic)
{
    (void)c;
    if (++seen[topic] < opt.clients)
        return;
    seen[topic] = 0;
    rounds++;
    if (sent < opt.count) {
        sent++;
        publish(publishers[topic % opt.clients], topic);
    }
}

/* Each publisher owns W services, and has the next version of one ready when all have the last. */
static int mesh(void)
{
    struct client **subs = open_clients(opt.clients, opt.clients);
    unsigned topics = opt.clients * opt.window;
    uint64_t cpu;
    uint64_t wall;

    seen = calloc(topics, sizeof *seen);
    if (seen == NULL)
        die("out of memory");
    publishers = open_clients(opt.clients, 0);
    subscribe_all(subs, opt.clients, 0);
    on_notify = mesh_next;
    counting = 1;
    cpu = server_cpu_ns(opt.server_pid);
    wall = now_ns();
    for (sent = 0; sent < topics && sent < opt.count; sent++)
        publish(publishers[sent % opt.clients], sent);
    run_until(&rounds, opt.count, "notifies");
    report(notified, server_cpu_ns(opt.server_pid) - cpu, now_ns() - wall);
    return 0;
}

static int rate(void)
{
    struct client **subs = open_clients(opt.clients, opt.clients);
    uint64_t gap_ns = 1000000000ull * opt.clients / opt.rate;
    uint64_t cpu;
    uint64_t wall;
    uint64_t next;

    publishers = open_clients(opt.clients, 0);
    subscribe_all(subs, opt.clients, 0);
    counting = 1;
    cpu = server_cpu_ns(opt.server_pid);
    wall = next = now_ns();
    for (sent = 0; sent < opt.count; sent++) {
        uint64_t now;

        while ((now = now_ns()) < next)
            run_for(next - now);
        publish(publishers[sent % opt.clients], sent % opt.clients);
        next += gap_ns;
    }
    run_until(&notified, (uint64_t)opt.count * opt.clients, "notifies");
    report(notified, server_cpu_ns(opt.server_pid) - cpu, now_ns() - wall);
    return 0;
}

/* ---- pairs */

static uint64_t pairs_sent;

static void pairs_next(struct client *c, unsigned topic)
{
    (void)c;
    if (pairs_sent < (uint64_t)opt.count) {
        pairs_sent++;
        publish(publishers[topic % opt.clients], topic);
    }
}

/* Each publisher owns W services that its one subscriber watches by subservice. */
static int pairs(void)
{
    struct client **subs = open_clients(opt.clients, opt.clients);
    uint64_t cpu;
    uint64_t wall;
    unsigned i;

    publishers = open_clients(opt.clients, 0);
    subscribe_all(subs, opt.clients, 1);
    on_notify = pairs_next;
    counting = 1;
    cpu = server_cpu_ns(opt.server_pid);
    wall = now_ns();
    for (i = 0; i < opt.clients * opt.window && pairs_sent < opt.count; i++, pairs_sent++)
        publish(publishers[i % opt.clients], i);
    run_until(&notified, opt.count, "notifies");
    report(notified, server_cpu_ns(opt.server_pid) - cpu, now_ns() - wall);
    return 0;
}

/* ---- snapshot */

static int snapshot(void)
{
    struct client *subscriber;
    uint64_t cpu;
    uint64_t wall;
    unsigned i;

    publisher = open_clients(1, 0)[0];
    subscriber = open_clients(1, 1)[0];
    for (i = 0; i < opt.count; i++) {
        publish(publisher, i);
        if (i % 32 == 31)
            run_until(&published, i + 1, "answers to publishes");
    }
    run_until(&published, opt.count, "answers to publishes");
    cpu = server_cpu_ns(opt.server_pid);
    wall = now_ns();
    opt.wire->subscribe(subscriber, -1);
    run_until(&notified, opt.count, "the snapshot");
    cpu = server_cpu_ns(opt.server_pid) - cpu;
    wall = now_ns() - wall;
    printf("{\"wire\": \"%s\", \"scene\": \"snapshot\", \"services\": %u, \"cpu_ms\": %.2f, "
           "\"wall_ms\": %.2f}\n",
           opt.wire->name, opt.count, (double)cpu / 1e6, (double)wall / 1e6);
    return 0;
}

int scene_run(void)
{
    static const struct {
        const char *name;
        int (*run)(void);
    } scenes[] = {{"idle", idle},   {"fanout", fanout}, {"mesh", mesh},
                  {"pairs", pairs}, {"rate", rate},     {"snapshot", snapshot}};
    size_t i;

    versions = calloc(opt.count + opt.clients * opt.window + 256, sizeof *versions);
    if (versions == NULL)
        die("out of memory");
    for (i = 0; i < sizeof scenes / sizeof scenes[0]; i++)
        if (strcmp(scenes[i].name, opt.scene) == 0)
            return scenes[i].run();
    die("no scene is called %s", opt.scene);
}
