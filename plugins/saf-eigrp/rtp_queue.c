/* SPDX-License-Identifier: MIT */
/*
 * rtp_queue.c - messages that wait: the queues of peers and the flows of links.
 *
 * A queue is sorted by the order of posting. One hash table over all queues finds the message that
 * is the same, so that a service which changes a hundred times while a peer is slow waits once.
 * Nodes come from a free list, which keeps a bounded number of them.
 */
#include "rtp_priv.h"

#define FIRST_BUCKETS 256u

int se_rtp__queues_init(struct se_rtp *r)
{
    r->buckets = calloc(FIRST_BUCKETS, sizeof(struct se_rtp_node *));
    if (r->buckets == NULL)
        return XMB_ENOMEM;
    r->bucket_count = FIRST_BUCKETS;
    return 0;
}

void se_rtp__queues_free(struct se_rtp *r)
{
    struct se_rtp_node *node;

    assert(r->node_count == 0);
    while ((node = r->free_nodes) != NULL) {
        r->free_nodes = node->next;
        free(node);
    }
    free(r->buckets);
}

/* --- the hash table --------------------------------------------------------------------------- */

static uint32_t hash(const struct se_rtp_queue *q, const struct se_rtp_message *m)
{
    uint64_t x = (uintptr_t)m->item;

    x ^= (uint64_t)(uintptr_t)q * UINT64_C(0x9e3779b97f4a7c15);
    x ^= ((uint64_t)m->opcode << 8 | m->tag) << 48;
    x ^= x >> 31;
    x *= UINT64_C(0xbf58476d1ce4e5b9);
    return (uint32_t)(x >> 32);
}

static struct se_rtp_node **bucket(const struct se_rtp *r, const struct se_rtp_queue *q,
                                   const struct se_rtp_message *m)
{
    return &r->buckets[hash(q, m) & (r->bucket_count - 1)];
}

/* More buckets; without memory for them, chains grow instead. Younger nodes stay in front. */
static void grow(struct se_rtp *r)
{
    struct se_rtp_node **old = r->buckets;
    uint32_t old_count = r->bucket_count;
    struct se_rtp_node **buckets = calloc((size_t)old_count * 2, sizeof(struct se_rtp_node *));
    struct se_rtp_node **at;
    struct se_rtp_node *node;
    struct se_rtp_node *next;
    uint32_t i;

    if (buckets == NULL)
        return;
    r->buckets = buckets;
    r->bucket_count = old_count * 2;
    for (i = 0; i < old_count; i++) {
        for (node = old[i]; node != NULL; node = next) {
            next = node->hash_next;
            for (at = bucket(r, node->queue, &node->m); *at != NULL; at = &(*at)->hash_next)
                continue;
            node->hash_next = NULL;
            *at = node;
        }
    }
    free(old);
}

static void hash_in(struct se_rtp *r, struct se_rtp_node *node)
{
    struct se_rtp_node **at;

    if (r->hashed_count >= r->bucket_count)
        grow(r);
    at = bucket(r, node->queue, &node->m);
    node->hash_next = *at;
    *at = node;
    r->hashed_count++;
}

static void hash_out(struct se_rtp *r, struct se_rtp_node *node)
{
    struct se_rtp_node **at = bucket(r, node->queue, &node->m);

    while (*at != node)
        at = &(*at)->hash_next;
    *at = node->hash_next;
    r->hashed_count--;
}

struct se_rtp_node *se_rtp__find(const struct se_rtp *r, const struct se_rtp_queue *q,
                                 const struct se_rtp_message *m)
{
    struct se_rtp_node *node;

    for (node = *bucket(r, q, m); node != NULL; node = node->hash_next)
        if (node->queue == q && node->m.item == m->item && node->m.opcode == m->opcode &&
            node->m.tag == m->tag)
            return node;
    return NULL;
}

/* --- nodes ------------------------------------------------------------------------------------ */

static struct se_rtp_node *node_new(struct se_rtp *r, const struct se_rtp_message *m)
{
    struct se_rtp_node *node = r->free_nodes;

    if (node != NULL) {
        r->free_nodes = node->next;
        r->free_node_count--;
    } else if ((node = malloc(sizeof(*node))) == NULL) {
        return NULL;
    }
    memset(node, 0, sizeof(*node));
    node->m = *m;
    r->node_count++;
    r->ops->hold(r->arg, m->item);
    return node;
}

void se_rtp__node_free(struct se_rtp *r, struct se_rtp_node *node)
{
    r->ops->release(r->arg, node->m.item);
    r->node_count--;
    if (r->free_node_count >= FREE_NODES_MAX) {
        free(node);
        return;
    }
    node->next = r->free_nodes;
    r->free_nodes = node;
    r->free_node_count++;
}

/* --- queues ----------------------------------------------------------------------------------- */

static void unlink_node(struct se_rtp_queue *q, struct se_rtp_node *node)
{
    if (node->prev != NULL)
        node->prev->next = node->next;
    else
        q->first = node->next;
    if (node->next != NULL)
        node->next->prev = node->prev;
    else
        q->last = node->prev;
    q->count--;
}

/* Most often its place is at the end. */
static void link_node(struct se_rtp_queue *q, struct se_rtp_node *node)
{
    struct se_rtp_node *before = q->last;

    while (before != NULL && before->order > node->order)
        before = before->prev;
    node->prev = before;
    node->next = before != NULL ? before->next : q->first;
    if (node->next != NULL)
        node->next->prev = node;
    else
        q->last = node;
    if (before != NULL)
        before->next = node;
    else
        q->first = node;
    q->count++;
}

int se_rtp__push(struct se_rtp *r, struct se_rtp_link *l, struct se_rtp_queue *q,
                 const struct se_rtp_message *m, uint64_t order, uint64_t not_before)
{
    struct se_rtp_node *node = se_rtp__find(r, q, m);

    l->stats.messages++;
    if (node != NULL && node->order >= not_before) {
        l->stats.coalesced++;
        if (node->order <= order)
            return 0;
        unlink_node(q, node);
        node->order = order;
        link_node(q, node);
        return 0;
    }
    if (q->count >= r->messages_max)
        return XMB_ELIMIT;
    node = node_new(r, m);
    if (node == NULL)
        return XMB_ENOMEM;
    node->order = order;
    node->queue = q;
    hash_in(r, node);
    link_node(q, node);
    return 0;
}

struct se_rtp_node *se_rtp__pop(struct se_rtp *r, struct se_rtp_queue *q)
{
    struct se_rtp_node *node = q->first;

    hash_out(r, node);
    unlink_node(q, node);
    node->queue = NULL;
    node->prev = node->next = NULL;
    return node;
}

void se_rtp__clear(struct se_rtp *r, struct se_rtp_queue *q)
{
    while (q->first != NULL)
        se_rtp__node_free(r, se_rtp__pop(r, q));
}
