/* SPDX-License-Identifier: MIT */
/*
 * roles.c - who takes part: a sender that opens a stream, the servers that the one under test
 * connects to, a component. Each goes through the handshake as the RFC has it, then sends or
 * counts.
 */
#include "s2s.h"

#include <openssl/evp.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#define HEADER                                                                                     \
    "<?xml version='1.0'?><stream:stream xmlns='jabber:server' "                                   \
    "xmlns:stream='http://etherx.jabber.org/streams' xmlns:db='jabber:server:dialback' "           \
    "from='%s' to='%s' version='1.0'"
#define TLS_NS "urn:ietf:params:xml:ns:xmpp-tls"

_Atomic uint64_t received;
uint64_t *latencies_ns;
size_t latencies_size;
static struct stream *answers;
static pthread_mutex_t answers_lock = PTHREAD_MUTEX_INITIALIZER;

void answer_through(struct stream *s)
{
    answers = s;
}

static char *need(struct stream *s, const char *needle)
{
    char *at = stream_until(s, needle);

    if (at == NULL)
        die("the stream ended, and %s was expected; it said: %.300s", needle, s->buf);
    return at;
}

/* --- the sender ------------------------------------------------------------------------------- */

static void open_header(struct stream *s, const char *own, const char *other)
{
    char *at;

    stream_say(s, HEADER ">", own, other);
    at = need(s, "<stream:stream");
    attribute(at, "id", s->id, sizeof(s->id));
    at = need(s, "</stream:features>");
    stream_drop(s, at + strlen("</stream:features>"));
}

struct stream *sender_connect(const char *own, const char *other, const char *server,
                              const char *source)
{
    struct stream *s = stream_dial(server, 5269, source);

    if (strcmp(opt.wire, "tls") == 0) {
        stream_tls(s, 0);
        return s;
    }
    open_header(s, own, other);
    stream_say(s, "<starttls xmlns='" TLS_NS "'/>");
    need(s, "<proceed");
    stream_tls(s, 0);
    open_header(s, own, other);
    /* The key need not be one: we say "valid" to whoever asks. */
    stream_say(s, "<db:result from='%s' to='%s'>%064d</db:result>", own, other, 1);
    while (strstr(need(s, "<db:result"), "valid") == NULL)
        if (strstr(s->buf, "error") != NULL || !stream_more(s))
            die("dialback failed: %.300s", s->buf);
    s->n = 0;
    return s;
}

/* --- the receiver ----------------------------------------------------------------------------- */

static void note_latency(const char *at, const char *end)
{
    uint64_t n = atomic_load(&received);
    const char *t = memmem(at, (size_t)(end - at), "<body>t=", 8);

    if (latencies_ns != NULL && t != NULL && n < latencies_size)
        latencies_ns[n] = now_ns() - strtoull(t + 8, NULL, 10);
}

/* Counts whole messages, keeps the rest. */
static void count_messages(struct stream *s)
{
    static const char end[] = "</message>";
    char *at = s->buf, *stop = s->buf + s->n, *found;

    while ((found = memmem(at, (size_t)(stop - at), end, sizeof(end) - 1)) != NULL) {
        note_latency(at, found);
        atomic_fetch_add(&received, 1);
        at = found + sizeof(end) - 1;
    }
    stream_drop(s, at);
}

static void answer_ping(const char *tag)
{
    char from[300], to[300], id[200];

    attribute(tag, "from", from, sizeof(from));
    attribute(tag, "to", to, sizeof(to));
    attribute(tag, "id", id, sizeof(id));
    pthread_mutex_lock(&answers_lock);
    if (answers != NULL && strstr(tag, " type='get'") != NULL)
        stream_say(answers, "<iq type='result' from='%s' to='%s' id='%s'/>", to, from, id);
    pthread_mutex_unlock(&answers_lock);
}

static void answer_dialback(struct stream *s, const char *tag, const char *name)
{
    char from[300], to[300], id[200];

    attribute(tag, "from", from, sizeof(from));
    attribute(tag, "to", to, sizeof(to));
    attribute(tag, "id", id, sizeof(id));
    stream_say(s, "<%s from='%s' to='%s' id='%s' type='valid'/>", name, to, from, id);
}

/* Takes the pings out of what came, wherever they stand between messages. */
static void take_pings(struct stream *s)
{
    char *ping, *end;

    while ((ping = strstr(s->buf, "<iq ")) != NULL && (end = strstr(ping, "</iq>")) != NULL) {
        answer_ping(ping);
        end += 5;
        memmove(ping, end, (size_t)(s->buf + s->n - end) + 1);
        s->n -= (size_t)(end - ping);
    }
}

static void receive(struct stream *s)
{
    char *at, *end;

    while (stream_more(s)) {
        if ((at = strstr(s->buf, "<db:verify")) != NULL && (end = strstr(at, "</db:verify>"))) {
            answer_dialback(s, at, "db:verify");
            stream_drop(s, end + 12);
        }
        if ((at = strstr(s->buf, "<db:result")) != NULL && (end = strstr(at, "</db:result>"))) {
            answer_dialback(s, at, "db:result");
            stream_drop(s, end + 12);
        }
        if (s->n >= 16 && strncmp(s->buf, "</stream:stream>", 16) == 0) {
            stream_say(s, "</stream:stream>");
            return;
        }
        take_pings(s);
        count_messages(s);
    }
}

static void accept_header(struct stream *s, const char *features)
{
    char from[300], to[300], *at = need(s, "<stream:stream");

    while (strchr(at, '>') == NULL)
        if (!stream_more(s))
            return;
    attribute(at, "from", from, sizeof(from));
    attribute(at, "to", to, sizeof(to));
    stream_drop(s, strchr(at, '>') + 1);
    stream_say(s, HEADER " id='%016llx'><stream:features>%s</stream:features>", to, from,
               (unsigned long long)now_ns(), features);
}

static void *session(void *arg)
{
    struct stream *s = arg;

    if (strcmp(opt.wire, "tls") == 0) {
        stream_tls(s, 1);
    } else {
        accept_header(s, "<starttls xmlns='" TLS_NS "'><required/></starttls>");
        if (stream_until(s, "<starttls") == NULL) {
            stream_free(s);
            return NULL;
        }
        stream_say(s, "<proceed xmlns='" TLS_NS "'/>");
        stream_tls(s, 1);
        accept_header(s, "<dialback xmlns='urn:xmpp:features:dialback'><errors/></dialback>");
    }
    receive(s);
    stream_free(s);
    return NULL;
}

static void *accept_all(void *arg)
{
    int listener = *(int *)arg, fd;
    pthread_t t;

    while ((fd = accept(listener, NULL, NULL)) >= 0)
        if (pthread_create(&t, NULL, session, stream_new(fd)) == 0)
            pthread_detach(t);
    return NULL;
}

void receiver_start(const char *address)
{
    static int listeners[2];
    static int used;
    pthread_t t;

    listeners[used] = listen_at(address);
    pthread_create(&t, NULL, accept_all, &listeners[used++]);
    pthread_detach(t);
}

/* --- a component (XEP-0114) ------------------------------------------------------------------- */

static void *component(void *arg)
{
    struct stream *s = arg;

    receive(s);
    die("the component's stream ended");
}

void component_start(const char *domain)
{
    struct stream *s = stream_dial(opt.component, 5347, NULL);
    unsigned char digest[20];
    char hex[41], text[256], *at;
    unsigned n, i;
    pthread_t t;

    stream_say(s, "<?xml version='1.0'?><stream:stream xmlns='jabber:component:accept' "
                  "xmlns:stream='http://etherx.jabber.org/streams' to='%s'>", domain);
    at = need(s, "<stream:stream");
    while (strchr(at, '>') == NULL)
        stream_more(s);
    attribute(at, "id", s->id, sizeof(s->id));
    snprintf(text, sizeof(text), "%sbench", s->id);
    EVP_Digest(text, strlen(text), digest, &n, EVP_sha1(), NULL);
    for (i = 0; i < 20; i++)
        snprintf(hex + 2 * i, 3, "%02x", digest[i]);
    s->n = 0;
    stream_say(s, "<handshake>%s</handshake>", hex);
    need(s, "<handshake");
    s->n = 0;
    pthread_create(&t, NULL, component, s);
    pthread_detach(t);
}
