/* SPDX-License-Identifier: MIT */
/*
 * wire_mqtt.c - the work as MQTT 3.1.1: QoS 1 both ways, retained.
 *
 * Topic t is "s/<t modulo clients>/<t>". Packet layouts: OASIS MQTT 3.1.1, chapter 3.
 */
#include "load.h"

#include <stdio.h>
#include <string.h>

/* Sends a packet: type octet, remaining length, then the two parts. */
static void packet(struct client *c, uint8_t type, const void *a, size_t an, const void *b,
                   size_t bn)
{
    uint8_t head[5] = {type};
    size_t length = an + bn;
    size_t n = 1;

    do {
        head[n] = (uint8_t)(length % 128);
        length /= 128;
        if (length > 0)
            head[n] |= 0x80;
        n++;
    } while (length > 0);
    client_send(c, head, n);
    client_send(c, a, an);
    client_send(c, b, bn);
}

static void hello(struct client *c)
{
    static const uint8_t fixed[] = {0, 4, 'M', 'Q', 'T', 'T', 4, 0x02, 0, 0};
    char id[26];
    int n = snprintf(id + 2, sizeof id - 2, "load-%u", c->index);

    id[0] = 0;
    id[1] = (char)n;
    packet(c, 0x10, fixed, sizeof fixed, id, (size_t)n + 2);
}

static void subscribe(struct client *c, int topic)
{
    static const uint8_t packet_id[] = {0, 1};
    char filter[40];
    int n = topic < 0 ? snprintf(filter + 2, 30, "s/#") : snprintf(filter + 2, 30, "s/%d/#", topic);

    filter[0] = 0;
    filter[1] = (char)n;
    filter[2 + n] = 1;
    packet(c, 0x82, packet_id, 2, filter, (size_t)n + 3);
}

static void publish(struct client *c, unsigned topic, uint32_t version, const void *data, size_t n)
{
    char head[48];
    int t = snprintf(head + 2, 40, "s/%u/%u", topic % opt.clients, topic);
    uint16_t id = (uint16_t)(version % 65535 + 1);

    head[0] = 0;
    head[1] = (char)t;
    head[2 + t] = (char)(id >> 8);
    head[3 + t] = (char)id;
    packet(c, 0x33, head, (size_t)t + 4, data, n);
}

/* Length of the whole packet at `p`, 0 while it is not all there; *at is where its body begins. */
static size_t whole(const uint8_t *p, size_t n, size_t *at)
{
    size_t length = 0;
    size_t i;

    for (i = 1; i < n && i < 5; i++) {
        length |= (size_t)(p[i] & 0x7f) << (7 * (i - 1));
        if (!(p[i] & 0x80)) {
            *at = i + 1;
            return i + 1 + length <= n ? i + 1 + length : 0;
        }
    }
    return 0;
}

static void on_publish(struct client *c, const uint8_t *p, size_t at, size_t end)
{
    size_t topic_bytes = (size_t)(p[at] << 8 | p[at + 1]);
    size_t body = at + 2 + topic_bytes;

    if (p[0] & 0x06) {
        packet(c, 0x40, p + body, 2, NULL, 0);
        body += 2;
    }
    event_notify(c, p + body, end - body);
}

static void input(struct client *c)
{
    size_t used = 0;
    size_t at;
    size_t n;

    while ((n = whole(c->in.data + used, c->in.used - used, &at)) > 0) {
        const uint8_t *p = c->in.data + used;

        switch (p[0] >> 4) {
        case 2:
            event_ready(c);
            break;
        case 3:
            on_publish(c, p, at, n);
            break;
        case 4:
            event_published(c);
            break;
        case 9:
            event_subscribed(c);
            break;
        }
        used += n;
    }
    bytes_drop(&c->in, used);
}

const struct wire wire_mqtt = {"mqtt", 1, 1, hello, subscribe, publish, input, NULL, NULL};
