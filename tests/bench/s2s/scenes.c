/* SPDX-License-Identifier: MIT */
/*
 * scenes.c - what is measured. Each scene warms up, takes the server's CPU time before and after,
 * and prints one JSON object.
 */
#include "s2s.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define PACK_BYTES 16384 /* of stanzas in one write: a full TLS record */

static char pad[65536];

static size_t stanza(char *out, size_t room)
{
    int n = snprintf(out, room, "<message from='u@%s/r' to='v@%s/r' type='chat' id='m'><body>t=%llu ",
                     opt.from, opt.to, (unsigned long long)now_ns());
    size_t end = sizeof("</body></message>") - 1, body;

    body = opt.bytes > (size_t)n + end ? opt.bytes - (size_t)n - end : 0;
    memcpy(out + n, pad, body);
    memcpy(out + n + body, "</body></message>", end + 1);
    return (size_t)n + body + end;
}

static void wait_received(uint64_t target)
{
    uint64_t last = 0, since = now_ns();
    struct timespec nap = {0, 200000};

    while (atomic_load(&received) < target) {
        nanosleep(&nap, NULL); /* this process is not what is measured */
        if (atomic_load(&received) != last) {
            last = atomic_load(&received);
            since = now_ns();
        } else if (now_ns() - since > UINT64_C(60000000000)) {
            die("only %llu of %llu stanzas arrived", (unsigned long long)last,
                (unsigned long long)target);
        }
    }
}

static void send_count(struct stream *s, unsigned count)
{
    static char pack[PACK_BYTES + 65536];
    size_t n = 0;
    unsigned i;

    for (i = 0; i < count; i++) {
        n += stanza(pack + n, sizeof(pack) - n);
        if (opt.one_record || n >= PACK_BYTES) {
            stream_send(s, pack, n);
            n = 0;
        }
    }
    if (n > 0)
        stream_send(s, pack, n);
}

static struct stream *ready(void)
{
    struct stream *s = sender_connect(opt.from, opt.to, opt.server, opt.listen_from);

    if (opt.server_out != NULL)
        answer_through(sender_connect(opt.to, opt.from, opt.server_out, opt.listen_to));
    send_count(s, 100); /* the way behind the server is made with the first stanzas */
    wait_received(100);
    return s;
}

static void relay(void)
{
    struct stream *s = ready();
    uint64_t cpu, start, base = atomic_load(&received);

    send_count(s, opt.count / 10);
    wait_received(base + opt.count / 10);
    base = atomic_load(&received);
    cpu = cpu_ns(opt.server_pid);
    start = now_ns();
    send_count(s, opt.count);
    wait_received(base + opt.count);
    printf("{\"cpu_us\": %.3f, \"per_second\": %.0f}\n",
           (double)(cpu_ns(opt.server_pid) - cpu) / 1000 / opt.count,
           opt.count / ((double)(now_ns() - start) / 1e9));
}

static int by_value(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

    return x < y ? -1 : x > y;
}

static void rate(void)
{
    struct stream *s = ready();
    uint64_t base = atomic_load(&received), cpu = cpu_ns(opt.server_pid), due = now_ns();
    struct timespec until;
    unsigned i;

    latencies_size = base + opt.count;
    latencies_ns = calloc(latencies_size, sizeof(*latencies_ns));
    for (i = 0; i < opt.count; i++) {
        due += 1000000000 / opt.rate;
        until.tv_sec = (time_t)(due / 1000000000);
        until.tv_nsec = (long)(due % 1000000000);
        clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, NULL);
        send_count(s, 1);
    }
    wait_received(base + opt.count);
    qsort(latencies_ns + base, opt.count, sizeof(*latencies_ns), by_value);
    printf("{\"cpu_us\": %.3f, \"p50_ms\": %.3f, \"p99_ms\": %.3f}\n",
           (double)(cpu_ns(opt.server_pid) - cpu) / 1000 / opt.count,
           (double)latencies_ns[base + opt.count / 2] / 1e6,
           (double)latencies_ns[base + opt.count * 99 / 100] / 1e6);
}

/* Streams that are verified and say nothing more; each comes from an own domain nN.FROM. */
static void idle(void)
{
    uint64_t before = rss_kib(opt.server_pid);
    char domain[300];
    unsigned i;

    for (i = 0; i < opt.streams; i++) {
        snprintf(domain, sizeof(domain), "n%u.%s", i, opt.from);
        sender_connect(domain, opt.to, opt.server, opt.listen_from);
    }
    printf("{\"kib_per_stream\": %.1f, \"streams\": %u}\n",
           ((double)rss_kib(opt.server_pid) - (double)before) / opt.streams, opt.streams);
}

/* A set-up's two handshakes: `in`, to the server, and `out`, in which it asks us for a proof. */
static void print_setups(uint64_t cpu, uint64_t ns, struct tls_tally in, struct tls_tally out)
{
    printf("{\"cpu_ms\": %.3f, \"setups_per_second\": %.0f, \"handshakes_per_second\": %.0f, "
           "\"in\": %llu, \"in_resumed\": %llu, \"out\": %llu, \"out_resumed\": %llu}\n",
           (double)cpu / 1e6 / opt.count, opt.count / ((double)ns / 1e9),
           (double)(in.handshakes + out.handshakes) / ((double)ns / 1e9),
           (unsigned long long)in.handshakes, (unsigned long long)in.resumed,
           (unsigned long long)out.handshakes, (unsigned long long)out.resumed);
}

static struct tls_tally gained(int server, struct tls_tally before)
{
    struct tls_tally now = tls_tally(server);

    return (struct tls_tally){now.handshakes - before.handshakes, now.resumed - before.resumed};
}

static void setup(void)
{
    struct tls_tally in, out;
    uint64_t cpu, start;
    unsigned i;

    stream_free(sender_connect(opt.from, opt.to, opt.server, opt.listen_from));
    in = tls_tally(0);
    out = tls_tally(1);
    cpu = cpu_ns(opt.server_pid);
    start = now_ns();
    for (i = 0; i < opt.count; i++)
        stream_free(sender_connect(opt.from, opt.to, opt.server, opt.listen_from));
    print_setups(cpu_ns(opt.server_pid) - cpu, now_ns() - start, gained(0, in), gained(1, out));
}

void scene_run(void)
{
    static const struct {
        const char *name;
        void (*run)(void);
    } scenes[] = {{"relay", relay}, {"rate", rate}, {"idle", idle}, {"setup", setup}};
    size_t i;

    memset(pad, 'x', sizeof(pad));
    for (i = 0; i < sizeof(scenes) / sizeof(scenes[0]); i++) {
        if (strcmp(scenes[i].name, opt.scene) == 0) {
            scenes[i].run();
            return;
        }
    }
    die("no scene %s", opt.scene);
}
