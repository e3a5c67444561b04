/* SPDX-License-Identifier: MIT */
/*
 * sim_link.c - queues and packets of the simulated links: see sim.h.
 */
#include "sim.h"

#include <stdlib.h>
#include <string.h>

#include "die.h"

#define HEADER_BYTES 20u  /* of a packet */
#define ROUTE_BYTES 40u   /* head of a service TLV, wide metric, IPv4 next hop */
#define SERVICE_BYTES 50u /* of a service, without its data */

/* A packet while it is filled. */
struct packet {
    unsigned opcode, count, bytes;
    const struct sim_message *last; /* written, or NULL; valid until the next is */
};

/* --- queues ----------------------------------------------------------------------------------- */

static unsigned bit_of(const struct sim_item *item)
{
    switch (item->kind) {
    case SE_DUAL_UPDATE:
        return 1u << 0;
    case SE_DUAL_REQUEST:
        return 1u << 1;
    case SE_DUAL_QUERY:
        return 1u << 2;
    case SE_DUAL_REPLY:
        return 1u << 3;
    case SE_DUAL_SIA_QUERY:
        return 1u << 4;
    case SE_DUAL_SIA_REPLY:
        return item->is_active ? 1u << 5 : 1u << 6;
    default:
        return 0;
    }
}

static void grow(struct sim_end *x)
{
    unsigned room = x->room != 0 ? 2 * x->room : 8, i;
    struct sim_item *queue = must_alloc(room, sizeof(*queue));

    for (i = 0; i < x->count; i++)
        queue[i] = x->queue[(x->first + i) & (x->room - 1)];
    free(x->queue);
    x->queue = queue;
    x->first = 0;
    x->room = room;
}

void sim_list(struct sim *s, struct sim_end *x)
{
    if (x->is_listed)
        return;
    x->is_listed = 1;
    s->busy[s->busy_count++] = (unsigned)(x - s->ends);
}

void sim_post(struct sim *s, struct sim_end *x, const struct sim_item *item)
{
    unsigned bit = bit_of(item);

    if (bit != 0 && (x->pending[item->service] & bit) != 0)
        return;
    x->pending[item->service] |= (uint8_t)bit;
    if (x->count == x->room)
        grow(x);
    x->queue[(x->first + x->count++) & (x->room - 1)] = *item;
    if (item->entry != NULL)
        se_dual_hold(item->entry);
    sim_list(s, x);
}

static void pop(struct sim_end *x)
{
    struct sim_item *item = &x->queue[x->first];

    x->pending[item->service] &= (uint8_t)~bit_of(item);
    if (item->entry != NULL)
        se_dual_release(item->entry);
    x->first = (x->first + 1) & (x->room - 1);
    x->count--;
}

void sim_clear_end(struct sim *s, struct sim_end *x)
{
    (void)s;
    while (x->count > 0)
        pop(x);
    x->is_walking = 0;
    x->busy_until = 0;
    x->generation++;
}

/* --- packets ---------------------------------------------------------------------------------- */

/* The first that waits, or the next of the table. NULL: nothing. */
static const struct sim_item *peek(struct sim *s, struct sim_end *x)
{
    struct sim_item item = {.kind = SE_DUAL_UPDATE};

    if (x->count == 0 && x->is_walking) {
        item.entry = se_dual_table_next(s->nodes[x->node].engine, x->slot);
        if (item.entry == NULL) {
            item.kind = SIM_EOT;
            x->is_walking = 0;
        } else {
            item.service = sim_number(&item.entry->id);
        }
        sim_post(s, x, &item);
    }
    return x->count > 0 ? &x->queue[x->first] : NULL;
}

static void make(const struct sim *s, const struct sim_end *x, const struct sim_item *item,
                 struct sim_message *m)
{
    struct se_dual_offer offer;

    memset(m, 0, sizeof(*m));
    m->kind = item->kind;
    m->end = (uint32_t)(x - s->ends);
    m->generation = x->generation;
    m->advert.id = sim_id(item->service);
    m->advert.is_active = item->is_active;
    if (item->entry == NULL) {
        se_metric_set_unreachable(&m->advert.metric);
        return;
    }
    se_dual_offer(s->nodes[x->node].engine, item->entry, (enum se_dual_message)item->kind, x->slot,
                  x->slot, &offer);
    m->payload = (uint32_t)(uintptr_t)offer.content;
    m->advert.metric = offer.metric;
    m->advert.origin = offer.origin;
    m->advert.sequence = offer.sequence;
    m->advert.is_complete = offer.content != NULL;
    m->advert.is_withdrawn = offer.is_withdrawn;
}

static int shares_route(const struct sim_message *a, const struct sim_message *b)
{
    return a->advert.origin == b->advert.origin &&
           a->advert.metric.delay_ps == b->advert.metric.delay_ps &&
           a->advert.metric.hop_count == b->advert.metric.hop_count;
}

static unsigned bytes_of(const struct sim *s, const struct packet *p, const struct sim_message *m)
{
    unsigned bytes = SERVICE_BYTES;

    if (m->kind == SIM_EOT)
        return 0;
    if (m->advert.is_complete)
        bytes += s->options.data_bytes;
    if (p->last == NULL || !shares_route(p->last, m))
        bytes += ROUTE_BYTES;
    return bytes;
}

static void add(struct sim *s, struct packet *p, const struct sim_message *m, unsigned bytes)
{
    struct sim_flight *f = &s->written;
    unsigned service = sim_number(&m->advert.id);

    if (f->count == f->room) {
        f->room = f->room != 0 ? 2 * f->room : 1024;
        f->messages = realloc(f->messages, f->room * sizeof(*f->messages));
        if (f->messages == NULL)
            die("no memory for %zu messages on their way", f->room);
    }
    f->messages[f->count] = *m;
    p->last = &f->messages[f->count++];
    p->count++;
    p->bytes += bytes;
    if (m->kind == SIM_EOT)
        return;
    s->counts.messages[m->kind]++;
    s->counts.touched += !s->is_touched[service];
    s->is_touched[service] = 1;
}

static void write_packet(struct sim *s, struct sim_end *x)
{
    struct packet p = {.bytes = HEADER_BYTES};
    const struct sim_item *item;
    struct sim_message m;
    unsigned opcode, bytes;

    while ((item = peek(s, x)) != NULL) {
        opcode = item->kind != SIM_EOT ? item->kind : SE_DUAL_UPDATE;
        if (p.count > 0 && opcode != p.opcode)
            break;
        make(s, x, item, &m);
        bytes = bytes_of(s, &p, &m);
        if (p.count > 0 && p.bytes + bytes > SIM_PACKET_BYTES)
            break;
        p.opcode = opcode;
        add(s, &p, &m, bytes);
        pop(x);
    }
    s->counts.packets++;
    s->counts.bytes += p.bytes;
    x->busy_until = s->step + 2;
}

static int has_more(const struct sim_end *x)
{
    return x->count > 0 || x->is_walking;
}

static void write_end(struct sim *s, struct sim_end *x)
{
    if (!s->options.has_window)
        while (has_more(x))
            write_packet(s, x);
    else if (has_more(x) && s->step >= x->busy_until)
        write_packet(s, x);
}

void sim_write(struct sim *s)
{
    unsigned i, kept = 0, end;

    for (i = 0; i < s->busy_count; i++) {
        end = s->busy[i];
        write_end(s, &s->ends[end]);
        s->ends[end].is_listed = (uint8_t)has_more(&s->ends[end]);
        if (s->ends[end].is_listed)
            s->busy[kept++] = end;
    }
    s->busy_count = kept;
}
