/* SPDX-License-Identifier: MIT */
/*
 * wire_redis.c - the work as Redis pub/sub, in RESP 2: a publish is answered with the number of
 * receivers, a message is not acknowledged, nothing is retained.
 *
 * Topic t is "s.<t modulo clients>.<t>". What comes is flat: an array of bulk strings and numbers,
 * or one number or word (https://redis.io/docs/latest/develop/reference/protocol-spec/).
 */
#include "load.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PARTS_MAX 4 /* pmessage, pattern, channel, data */

static void hello(struct client *c)
{
    client_send(c, "PING\r\n", 6);
}

static void subscribe(struct client *c, int topic)
{
    char text[48];
    int n = topic < 0 ? snprintf(text, sizeof text, "PSUBSCRIBE s.*\r\n")
                      : snprintf(text, sizeof text, "PSUBSCRIBE s.%d.*\r\n", topic);

    client_send(c, text, (size_t)n);
}

static void publish(struct client *c, unsigned topic, uint32_t version, const void *data, size_t n)
{
    char channel[32];
    char text[96];
    int cn = snprintf(channel, sizeof channel, "s.%u.%u", topic % opt.clients, topic);
    int tn = snprintf(text, sizeof text, "*3\r\n$7\r\nPUBLISH\r\n$%d\r\n%s\r\n$%zu\r\n", cn,
                      channel, n);

    (void)version;
    client_send(c, text, (size_t)tn);
    client_send(c, data, n);
    client_send(c, "\r\n", 2);
}

/* One line at `p`: octets with its end, and the number behind its type; 0 while incomplete. */
static size_t line(const uint8_t *p, size_t n, long *number)
{
    const uint8_t *end = memchr(p, '\n', n);

    if (end == NULL)
        return 0;
    *number = strtol((const char *)p + 1, NULL, 10);
    return (size_t)(end - p) + 1;
}

struct part {
    const uint8_t *data;
    size_t bytes;
};

/* One element of an array: octets taken, 0 while it is not all there. */
static size_t element(const uint8_t *p, size_t n, struct part *part)
{
    long bytes = 0;
    size_t head = line(p, n, &bytes);

    part->data = p + head;
    part->bytes = 0;
    if (head == 0 || p[0] != '$')
        return head;
    if (bytes < 0 || n - head < (size_t)bytes + 2)
        return 0;
    part->bytes = (size_t)bytes;
    return head + (size_t)bytes + 2;
}

static void array(struct client *c, const struct part *parts, long count)
{
    if (count == 4 && parts[0].bytes == 8 && memcmp(parts[0].data, "pmessage", 8) == 0)
        event_notify(c, parts[3].data, parts[3].bytes);
    else if (count == 3 && parts[0].bytes == 10 && memcmp(parts[0].data, "psubscribe", 10) == 0)
        event_subscribed(c);
    else
        die("redis sent an array that is neither a message nor a subscription");
}

/* One reply at the front: octets taken, 0 while it is not all there. */
static size_t reply(struct client *c, const uint8_t *p, size_t n)
{
    struct part parts[PARTS_MAX];
    long count = 0;
    size_t used = line(p, n, &count);
    size_t one;
    long i;

    if (used == 0)
        return 0;
    if (p[0] == '+')
        event_ready(c);
    else if (p[0] == ':')
        event_published(c);
    else if (p[0] != '*' || count < 1 || count > PARTS_MAX)
        die("redis: %.*s", (int)used, (const char *)p);
    for (i = 0; p[0] == '*' && i < count; i++) {
        one = element(p + used, n - used, &parts[i]);
        if (one == 0)
            return 0;
        used += one;
    }
    if (p[0] == '*')
        array(c, parts, count);
    return used;
}

static void input(struct client *c)
{
    size_t used = 0;
    size_t n;

    while ((n = reply(c, c->in.data + used, c->in.used - used)) > 0)
        used += n;
    bytes_drop(&c->in, used);
}

const struct wire wire_redis = {"redis", 0, 1, hello, subscribe, publish, input, NULL, NULL};
