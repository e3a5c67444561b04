/* SPDX-License-Identifier: MIT */
/*
 * load.h - a load generator that makes the same work in four protocols.
 *
 * One thread, one epoll loop. A *wire* turns subscribe and publish into the octets of XMCP, MQTT,
 * NATS or Redis; a *scene* is what is measured, written against wires only, so that every peer is
 * given exactly the same work. What counts is the server's CPU time as the kernel accounts it.
 */
#ifndef LOAD_H
#define LOAD_H

#include <stddef.h>
#include <stdint.h>

struct bytes {
    uint8_t *data;
    size_t used;
    size_t size;
};

struct client {
    int fd;
    uint32_t index;
    int dirty;   /* has output; is in the list to be flushed */
    int blocked; /* the socket took no more; epoll tells when */
    int closed;
    void *state; /* the wire's own */
    struct bytes in;
    struct bytes out;
    struct client *next_dirty;
};

struct wire {
    const char *name;
    int retains; /* a new subscriber is told what was published before */
    int acks;    /* a publish is answered */
    void (*hello)(struct client *c);
    void (*subscribe)(struct client *c, int topic); /* -1: all */
    void (*publish)(struct client *c, unsigned topic, uint32_t version, const void *data, size_t n);
    void (*input)(struct client *c);
    void (*tick)(struct client *c, uint64_t now_ms); /* may be NULL */
    void (*bye)(struct client *c);                   /* frees state; may be NULL */
};

extern const struct wire wire_xmcp;
extern const struct wire wire_mqtt;
extern const struct wire wire_nats;
extern const struct wire wire_redis;

struct options {
    const struct wire *wire;
    const char *scene;
    const char *host;
    uint16_t port;
    int server_pid;
    unsigned clients;
    unsigned window;
    unsigned count;
    unsigned bytes;
    unsigned rate;
    const char *user; /* XMCP with integrity when set */
    const char *password;
};
extern struct options opt;

/* What wires report; scenes.c has them. */
void event_ready(struct client *c);
void event_subscribed(struct client *c);
void event_published(struct client *c);
void event_notify(struct client *c, const uint8_t *data, size_t n);

/* loop.c */
struct client *client_open(uint32_t index);
void load_close(struct client *c);
void client_send(struct client *c, const void *data, size_t n);
void client_dirty(struct client *c);
/*
 * Runs until `*counter` reaches `target`; ends the program with words after 300 s without an event.
 */
void run_until(const uint64_t *counter, uint64_t target, const char *what);
void run_for(uint64_t ns); /* one turn that waits at most that long */
uint64_t now_ns(void);
void die(const char *format, ...) __attribute__((format(printf, 1, 2), noreturn));
void bytes_add(struct bytes *b, const void *data, size_t n);
void bytes_drop(struct bytes *b, size_t n);

/* measure.c */
uint64_t server_cpu_ns(int pid);
uint64_t server_rss_kib(int pid);
void latency_add(uint64_t ns);
uint64_t latency_percentile(double p); /* in ns; 0 when there is none */

/* scenes.c */
int scene_run(void);

#endif
