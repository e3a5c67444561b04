/* SPDX-License-Identifier: MIT */
/*
 * s2s.h - a load generator for servers of XMPP federation: both ends of a relay in one program.
 *
 * A sender speaks for one domain, a receiver for another; the server under test stands between.
 * Streams are blocking and have a thread each, because what is measured is the server's CPU time,
 * not ours. Dialback is answered "valid" without a key: that is the server's duty to ask, and not
 * what this measures.
 */
#ifndef BENCH_S2S_H
#define BENCH_S2S_H

#include <openssl/ssl.h>
#include <stdint.h>

struct options {
    const char *scene;      /* relay, rate, idle, setup */
    const char *wire;       /* xmpp: STARTTLS and dialback; tls: the bytes alone, over TLS (HAProxy) */
    const char *from, *to;  /* domains */
    const char *listen_from, *listen_to; /* our addresses for their servers; port 5269 */
    const char *server, *server_out; /* where the sender connects; where our receiver's answers go */
    const char *component;  /* ADDRESS: the receiver is an XEP-0114 component there, secret "bench" */
    const char *certificate, *key;
    int server_pid;
    unsigned count, bytes, rate, streams;
    int one_record; /* each stanza in a TLS record of its own */
    int resume; /* TLS sessions, in both roles; else no session is given or taken */
};
extern struct options opt;

struct stream {
    int fd;
    SSL *ssl; /* NULL: plain */
    size_t n;
    char id[128]; /* of the other side's header */
    char buf[65536 + 1];
};

/* stream.c: all end the program with words when the other side does something else. */
void tls_init(void);
struct stream *stream_dial(const char *address, uint16_t port, const char *source);
struct stream *stream_new(int fd);
void stream_free(struct stream *s);
void stream_send(struct stream *s, const char *text, size_t n);
void stream_say(struct stream *s, const char *format, ...) __attribute__((format(printf, 2, 3)));
int stream_more(struct stream *s);                         /* 0: the end */
char *stream_until(struct stream *s, const char *needle);  /* its start; NULL: the end came first */
void stream_drop(struct stream *s, const char *through);   /* what is before `through` goes */
void stream_tls(struct stream *s, int server);
/* Of all streams until now; `resumed`: those whose session was an earlier one's. */
struct tls_tally {
    uint64_t handshakes, resumed;
};
struct tls_tally tls_tally(int server);
void attribute(const char *tag, const char *name, char *out, size_t room);
int listen_at(const char *address);

/* roles.c */
struct stream *sender_connect(const char *own, const char *other, const char *server,
                              const char *source); /* verified, ready for stanzas */
void receiver_start(const char *address); /* accepts in threads of its own */
void component_start(const char *domain);
void answer_through(struct stream *s); /* pings of the server are answered on this stream */
extern _Atomic uint64_t received;      /* stanzas */
extern uint64_t *latencies_ns;         /* of those with a time, when not NULL */
extern size_t latencies_size;

/* measure.c */
uint64_t now_ns(void);
uint64_t cpu_ns(int pid);   /* of all threads, ended ones too */
uint64_t rss_kib(int pid);
void die(const char *format, ...) __attribute__((noreturn, format(printf, 1, 2)));

/* scenes.c: prints one JSON object */
void scene_run(void);

#endif
