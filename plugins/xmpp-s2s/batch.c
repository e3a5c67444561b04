/* SPDX-License-Identifier: MIT */
/*
 * batch.c - stanzas on their way to a flow of another worker.
 *
 * The near end of a path is a *port*, the message a *batch*: up to S2_BATCH_ITEMS stanzas of one
 * callback for one flow. A port may have S2_PORT_WINDOW octets on the way; half of that on, a batch
 * asks to be told when it was taken, and the answer comes when the flow is not full: so a flow that
 * cannot send holds up sources on every worker, and no message is answered one by one.
 *
 * Answers name a port by slot and generation, so that one that comes late for a closed path finds
 * nothing. An answer is the very batch that asked for it, emptied and sent back: whatever memory
 * there is, no source stays stopped.
 */
#include "flow_priv.h"
#include "incoming.h"

#include <stdlib.h>

#define OWN_BYTES_MAX (4u << 20) /* bounces that wait for one worker's mailbox */

/* --- ports ----------------------------------------------------------------------------------- */

static int free_slot(struct s2_flows *fl, uint32_t *out)
{
    uint32_t i, count = fl->slot_count == 0 ? 16 : fl->slot_count * 2;
    struct s2_slot *slots;

    for (i = fl->slot_hint; i < fl->slot_count; i++) {
        if (fl->slots[i].port == NULL) {
            fl->slot_hint = i + 1;
            *out = i;
            return 0;
        }
    }
    slots = realloc(fl->slots, count * sizeof(*slots));
    if (slots == NULL)
        return XMB_ENOMEM;
    memset(slots + fl->slot_count, 0, (count - fl->slot_count) * sizeof(*slots));
    *out = fl->slot_count;
    fl->slot_hint = fl->slot_count + 1;
    fl->slots = slots;
    fl->slot_count = count;
    return 0;
}

struct s2_port *s2_port_open(struct s2_worker *w, uint32_t owner, const struct s2_path *p)
{
    struct s2_port *port = calloc(1, sizeof(*port));
    uint32_t slot = 0;

    if (port == NULL || free_slot(w->flows, &slot) != 0) {
        free(port);
        return NULL;
    }
    port->w = w;
    port->slot = slot;
    port->generation = ++w->flows->slots[slot].generation;
    port->owner = owner;
    port->source = p->source;
    port->to_side = p->to_side;
    port->from = p->from;
    port->to = p->to;
    w->flows->slots[slot].port = port;
    return port;
}

void s2_port_close(struct s2_port *port)
{
    struct s2_flows *fl = port->w->flows;

    if (port->batch != NULL)
        port->batch->post.leaves = NULL;
    fl->slots[port->slot].port = NULL;
    if (port->slot < fl->slot_hint)
        fl->slot_hint = port->slot;
    free(port);
}

int s2_port_leaves(struct s2_port *port)
{
    port->leaving = 1;
    return port->acked == port->sent;
}

static void look_again(struct s2_port *port)
{
    if (!port->blocked || port->sent - port->acked > S2_PORT_WINDOW / 2 ||
        port->w->flows->out[port->owner].stuck)
        return;
    port->blocked = 0;
    s2_in_resume(port->w, port->source);
}

void s2_ports_unstuck(struct s2_flows *fl, uint32_t owner)
{
    uint32_t i;

    for (i = 0; i < fl->slot_count; i++) {
        if (fl->slots[i].port != NULL && fl->slots[i].port->owner == owner)
            look_again(fl->slots[i].port);
    }
}

/* --- the answer ------------------------------------------------------------------------------ */

static void reply_arrived(struct xmb_worker *xw, void *arg)
{
    struct s2_batch *b = arg;
    struct s2_worker *w = xw != NULL ? s2_host->worker->state(xw, b->post.module) : NULL;
    const struct s2_slot *slot;

    if (w != NULL && b->reply.slot < w->flows->slot_count) {
        slot = &w->flows->slots[b->reply.slot];
        if (slot->port != NULL && slot->generation == b->reply.generation) {
            slot->port->acked = b->reply.value;
            look_again(slot->port);
        }
    }
    free(b);
}

void s2_batch_reply(struct s2_worker *w, const struct s2_waiter *waiter)
{
    struct s2_batch *b = waiter->carrier;

    b->post = (struct s2_post){.fn = reply_arrived,
                               .module = w->module->module,
                               .to = waiter->worker,
                               .bytes = sizeof(*b)};
    b->count = 0;
    s2_outbox_send(w->flows, &b->post);
}

/* --- the far end ----------------------------------------------------------------------------- */

/* The worker ended, or the broker stops: on any thread, so only the log is told. */
static void lost(struct s2_batch *b)
{
    uint32_t i;

    S2_LOG(b->post.module, XMB_LOG_WARN, "batch", b->to.text,
           "%u stanzas from %s were dropped: the broker stops", b->count, b->from.text);
    for (i = 0; i < b->count; i++)
        s2_host->buf->slab_release(b->items[i].slab);
}

static void take_item(struct s2_worker *w, struct s2_flow *f, const struct s2_route *route,
                      struct s2_item *it)
{
    enum s2_condition c = s2_flow_refuses(f, it->n, it->flags);

    if (c != S2_C_NONE)
        s2_flow_return(f, it, c, s2_flow_refusal_text(f, c));
    else if (s2_flow_take(f, it) != 0)
        s2_return(w, route, it, S2_C_RESOURCE_CONSTRAINT, "out of memory");
}

/* Takes over the batch. */
static void take_all(struct s2_worker *w, struct s2_batch *b)
{
    struct s2_waiter waiter = b->reply;
    struct s2_route route = {b->to_side, &b->from, &b->to};
    struct s2_flow *f;
    uint32_t i;
    int rc = s2_flow_get(w, &route, &f);

    for (i = 0; i < b->count; i++) {
        if (rc != 0)
            s2_return(w, &route, &b->items[i], S2_C_RESOURCE_CONSTRAINT, "too many domains");
        else
            take_item(w, f, &route, &b->items[i]);
    }
    waiter.carrier = b;
    if (!b->wants)
        free(b);
    else if (!(rc == 0 && s2_flow_is_full(f) && s2_flow_block(f, &waiter)) &&
             !s2_flow_block_cause(w, &route, &waiter))
        s2_batch_reply(w, &waiter);
}

static void arrived(struct xmb_worker *xw, void *arg)
{
    struct s2_batch *b = arg;
    struct s2_worker *w = xw != NULL ? s2_host->worker->state(xw, b->post.module) : NULL;

    if (w == NULL) {
        lost(b);
        free(b);
        return;
    }
    take_all(w, b);
    s2_path_flush(w);
}

/* --- the near end ---------------------------------------------------------------------------- */

static struct s2_batch *new_batch(struct s2_worker *w, uint32_t owner, const struct s2_route *r)
{
    struct s2_batch *b = calloc(1, sizeof(*b));

    if (b == NULL)
        return NULL;
    b->post.fn = arrived;
    b->post.module = w->module->module;
    b->post.to = owner;
    b->post.bytes = sizeof(*b);
    b->to_side = r->to_side;
    b->from = *r->from;
    b->to = *r->to;
    s2_outbox_add(w->flows, &b->post);
    return b;
}

static void fill(struct s2_flows *fl, struct s2_batch *b, const struct s2_item *it)
{
    b->items[b->count++] = *it;
    b->post.bytes += it->n;
    fl->out[b->post.to].bytes += it->n;
}

static struct s2_batch *open_batch(struct s2_port *port)
{
    struct s2_route route = {port->to_side, &port->from, &port->to};

    if (port->batch != NULL && port->batch->count < S2_BATCH_ITEMS)
        return port->batch;
    if (port->batch != NULL)
        port->batch->post.leaves = NULL;
    port->batch = new_batch(port->w, port->owner, &route);
    if (port->batch != NULL)
        port->batch->post.leaves = &port->batch;
    return port->batch;
}

/* Asks to be told when all that was put so far is taken. */
static void want(struct s2_port *port)
{
    struct s2_waiter *reply = &port->batch->reply;

    port->batch->wants = 1;
    port->asked = port->sent;
    reply->value = port->sent;
    reply->worker = port->w->index;
    reply->slot = port->slot;
    reply->generation = port->generation;
}

int s2_port_put(struct s2_port *port, const struct s2_stanza *s)
{
    struct s2_flows *fl = port->w->flows;
    struct s2_batch *b = open_batch(port);
    struct s2_item it;
    int full, rc = b != NULL ? s2_pack_stanza(port->w, port, s, &it) : XMB_ENOMEM;

    if (rc != 0)
        return rc;
    fill(fl, b, &it);
    s2_tally_add(&s2_tally(port->w)->taken, 1);
    port->sent += it.n;
    full = port->sent - port->acked > S2_PORT_WINDOW;
    if (full || b->wants || port->leaving || port->sent - port->asked >= S2_PORT_WINDOW / 2)
        want(port);
    if (!full && !fl->out[port->owner].stuck)
        return 0;
    port->blocked = port->source != 0;
    return port->source != 0;
}

int s2_batch_own(struct s2_worker *w, uint32_t owner, const struct s2_route *r,
                 const struct s2_item *it)
{
    struct s2_queue *q = &w->flows->out[owner];
    struct s2_batch *b;

    if (q->bytes > OWN_BYTES_MAX)
        return XMB_ELIMIT;
    b = new_batch(w, owner, r);
    if (b == NULL)
        return XMB_ENOMEM;
    fill(w->flows, b, it);
    s2_outbox_soon(w->flows);
    return 0;
}
