/* SPDX-License-Identifier: MIT */
/*
 * wire_nats.c - the work as NATS core: no acknowledgement, nothing retained.
 *
 * Topic t is "s.<t modulo clients>.<t>". A PING behind a request tells by its PONG that the
 * request was read.
 */
#include "load.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct state {
    int waits_subscribed;
};

static void hello(struct client *c)
{
    static const char text[] = "CONNECT {\"verbose\":false,\"pedantic\":false}\r\nPING\r\n";

    c->state = calloc(1, sizeof(struct state));
    client_send(c, text, sizeof text - 1);
}

static void subscribe(struct client *c, int topic)
{
    struct state *s = c->state;
    char text[64];
    int n = topic < 0 ? snprintf(text, sizeof text, "SUB s.> 1\r\nPING\r\n")
                      : snprintf(text, sizeof text, "SUB s.%d.> 1\r\nPING\r\n", topic);

    s->waits_subscribed = 1;
    client_send(c, text, (size_t)n);
}

static void publish(struct client *c, unsigned topic, uint32_t version, const void *data, size_t n)
{
    char text[64];
    int t = snprintf(text, sizeof text, "PUB s.%u.%u %zu\r\n", topic % opt.clients, topic, n);

    (void)version;
    client_send(c, text, (size_t)t);
    client_send(c, data, n);
    client_send(c, "\r\n", 2);
}

static void on_pong(struct client *c)
{
    struct state *s = c->state;

    if (s->waits_subscribed)
        event_subscribed(c);
    else
        event_ready(c);
    s->waits_subscribed = 0;
}

/* One operation at the front: octets taken, 0 while it is not all there. */
static size_t operation(struct client *c, const uint8_t *p, size_t n)
{
    const uint8_t *end = memchr(p, '\n', n);
    size_t line;
    const char *space;
    size_t bytes;

    if (end == NULL)
        return 0;
    line = (size_t)(end - p) + 1;
    if (n >= 4 && memcmp(p, "PONG", 4) == 0)
        on_pong(c);
    else if (n >= 4 && memcmp(p, "PING", 4) == 0)
        client_send(c, "PONG\r\n", 6);
    else if (n >= 4 && memcmp(p, "-ERR", 4) == 0)
        die("nats: %.*s", (int)line, (const char *)p);
    if (n < 4 || memcmp(p, "MSG ", 4) != 0)
        return line;
    space = memrchr(p, ' ', line);
    bytes = strtoul(space, NULL, 10);
    if (n < line + bytes + 2)
        return 0;
    event_notify(c, p + line, bytes);
    return line + bytes + 2;
}

static void input(struct client *c)
{
    size_t used = 0;
    size_t n;

    while ((n = operation(c, c->in.data + used, c->in.used - used)) > 0)
        used += n;
    bytes_drop(&c->in, used);
}

static void bye(struct client *c)
{
    free(c->state);
}

const struct wire wire_nats = {"nats", 0, 0, hello, subscribe, publish, input, NULL, bye};
