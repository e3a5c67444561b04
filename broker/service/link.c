/* SPDX-License-Identifier: MIT */
/*
 * link.c - changes and answers on their way from the routing loop to one worker.
 *
 * A replica with something to send stands in the link's queue and keeps its
 * changes itself: at most one for each identity, the newest. At the end of the
 * loop turn the queue is emptied into a batch, which is one message and one wake-up.
 * At most LINK_WINDOW batches are on their way; the worker counts those it is
 * done with, and only a routing loop that waits for one is told by a message.
 * Meanwhile changes keep overtaking each other here, so a slow worker costs no
 * more memory than the services its subscribers match, and loses nothing.
 *
 * The full set of a new replica is collected when it is its turn, not when it
 * is asked for: a client that subscribes and unsubscribes in a row makes no work.
 */
#include "service/service_priv.h"

#include <stdlib.h>

#define BATCH_ITEMS 4096 /* a batch with more is sent before the next replica's turn */
#define BATCH_KEEP 16384 /* a batch with room for more gives its memory back */
#define SPARE_MAX 4096   /* nodes kept for later */

struct pending {
    struct table_node node;
    struct list of_replica;
    struct record *record;
    uint32_t kind;
    uint32_t reason;
    int appeared; /* the worker does not have it, whatever is pending */
};

static struct table_node *spare;
static uint32_t spare_count;
static struct list dirty = {&dirty, &dirty};

static void flush_all(struct loop_hook *hook);
static struct loop_hook flush_hook = {.fn = flush_all};

struct link *link_new(struct xmb_worker *w, struct service_mirror *mirror)
{
    struct link *link = calloc(1, sizeof(*link));
    int i;

    if (link == NULL)
        return NULL;
    link->worker = w;
    link->mirror = mirror;
    list_init(&link->all);
    list_init(&link->queue);
    list_init(&link->dirty);
    for (i = 0; i < LINK_WINDOW; i++)
        link->batches[i].link = link;
    return link;
}

static void touch(struct link *link)
{
    if (!list_empty(&link->dirty))
        return;
    list_append(&dirty, &link->dirty);
    loop_at_turn_end(loop_routing(), &flush_hook);
}

/* --- pending changes ------------------------------------------------------------------------- */

static struct pending *find_pending(struct replica *r, const struct record *record)
{
    struct table_node *n;
    struct pending *p;

    for (n = *table_bucket(&r->pending_by_id, record->hash); n != NULL; n = n->next) {
        p = (struct pending *)(void *)n;
        if (n->hash == record->hash && service_id_equal(&p->record->pub.id, &record->pub.id))
            return p;
    }
    return NULL;
}

static struct pending *add_pending(struct replica *r, struct record *record)
{
    struct pending *p = (struct pending *)(void *)spare;

    if (p != NULL) {
        spare = spare->next;
        spare_count--;
    } else {
        p = service_must(malloc(sizeof(*p)));
        stat_add(STAT_ALLOCATIONS, 1);
    }
    p->record = NULL;
    table_add(&r->pending_by_id, &p->node, record->hash);
    list_append(&r->pending, &p->of_replica);
    return p;
}

/* Its record is the caller's now. */
static void drop_pending(struct replica *r, struct pending *p)
{
    table_remove(&r->pending_by_id, &p->node);
    list_remove(&p->of_replica);
    if (spare_count >= SPARE_MAX) {
        free(p);
        return;
    }
    p->node.next = spare;
    spare = &p->node;
    spare_count++;
}

static void enqueue(struct replica *to)
{
    if (list_empty(&to->queued))
        list_append(&to->link->queue, &to->queued);
    touch(to->link);
}

void link_offer(struct replica *to, struct record *record, uint32_t kind, uint32_t reason,
                int appeared)
{
    struct pending *p;

    if (to->link->dead || to->fresh)
        return;
    p = find_pending(to, record);
    if (p != NULL) {
        stat_add(STAT_COALESCED, 1);
        record_release(p->record);
        if (kind == XMB_EVENT_WITHDRAW && p->appeared) {
            drop_pending(to, p); /* it came and went before the worker heard of it */
            return;
        }
    } else {
        p = add_pending(to, record);
        p->appeared = appeared;
    }
    p->record = record_hold(record);
    p->kind = kind;
    p->reason = reason;
    enqueue(to);
}

void link_forget(struct replica *to)
{
    struct pending *p;

    while (!list_empty(&to->pending)) {
        p = LIST_OF(to->pending.next, struct pending, of_replica);
        record_release(p->record);
        drop_pending(to, p);
    }
    table_clear(&to->pending_by_id);
    list_remove(&to->queued);
}

void link_queue_snapshot(struct replica *to)
{
    link_forget(to);
    to->fresh = 1;
    enqueue(to);
}

struct notice *link_notice(struct link *link, enum notice_kind kind)
{
    struct batch *b = &link->next;
    struct notice *n;

    if (b->notice_count == b->notice_size) {
        b->notice_size = b->notice_size > 0 ? b->notice_size * 2 : 16;
        b->notices = service_must(reallocarray(b->notices, b->notice_size, sizeof(*n)));
        stat_add(STAT_ALLOCATIONS, 1);
    }
    n = &b->notices[b->notice_count++];
    memset(n, 0, sizeof(*n));
    n->kind = kind;
    touch(link);
    return n;
}

/* --- batches --------------------------------------------------------------------------------- */

void batch_add(struct batch *b, struct replica *to, struct record *record, uint32_t kind,
               uint32_t reason)
{
    struct item *item;

    if (b->item_count == b->item_size) {
        b->item_size = b->item_size > 0 ? b->item_size * 2 : 16;
        b->items = service_must(reallocarray(b->items, b->item_size, sizeof(*item)));
        stat_add(STAT_ALLOCATIONS, 1);
    }
    item = &b->items[b->item_count++];
    item->to = to;
    item->record = record;
    item->kind = kind;
    item->reason = reason;
}

struct collect {
    struct batch *batch;
    struct replica *to;
};

static int collect_one(void *arg, struct record *r)
{
    struct collect *c = arg;

    if (record_visible(r, c->to->view) && xmb_service_match(&c->to->pattern, &r->pub.id))
        batch_add(c->batch, c->to, record_hold(r), XMB_EVENT_NOTIFY, 0);
    return 0;
}

static void fill(struct batch *b, struct replica *to)
{
    struct collect c = {b, to};
    struct pending *p;

    list_remove(&to->queued);
    if (to->fresh) {
        to->fresh = 0;
        entry_scan(to->domain, &to->pattern, collect_one, &c);
        return;
    }
    while (!list_empty(&to->pending)) {
        p = LIST_OF(to->pending.next, struct pending, of_replica);
        batch_add(b, to, p->record, p->kind, p->reason);
        drop_pending(to, p);
    }
}

/* Its content was taken over by the worker. */
static void batch_reset(struct batch *b)
{
    b->item_count = 0;
    b->notice_count = 0;
    if (b->item_size > BATCH_KEEP) {
        free(b->items);
        b->items = NULL;
        b->item_size = 0;
    }
    if (b->notice_size > BATCH_KEEP) {
        free(b->notices);
        b->notices = NULL;
        b->notice_size = 0;
    }
}

static void batch_discard(struct batch *b)
{
    uint32_t i;

    for (i = 0; i < b->item_count; i++)
        record_release(b->items[i].record);
    for (i = 0; i < b->notice_count; i++)
        record_release(b->notices[i].record);
    b->item_count = 0;
    b->notice_count = 0;
}

/* --- the way across -------------------------------------------------------------------------- */

static void flush(struct link *link);

/* Runs on the routing loop: the worker is done with a batch that was waited for. */
static void resume(struct loop *loop, void *arg)
{
    if (loop != NULL)
        flush(arg);
}

/* Runs on the worker. */
static void deliver(struct loop *loop, void *arg)
{
    struct batch *b = arg;
    struct link *link = b->link;
    struct service_mirror *m = link->mirror;

    if (loop == NULL || m == NULL) {
        batch_discard(b);
        return;
    }
    mirror_apply(m, b);
    /* Sequentially consistent against flush(): one of the two sees the other's word. */
    atomic_fetch_add(&link->applied, 1);
    if (atomic_exchange(&link->wanted, 0) != 0)
        (void)loop_post_must(loop_routing(), resume, link, sizeof(*link));
    mirror_ring(m);
}

static int has_room(struct link *link)
{
    if (link->sent - atomic_load(&link->applied) < LINK_WINDOW)
        return 1;
    atomic_store(&link->wanted, 1);
    return link->sent - atomic_load(&link->applied) < LINK_WINDOW;
}

static void swap_notices(struct batch *a, struct batch *b)
{
    struct batch was = *a;

    a->notices = b->notices;
    a->notice_count = b->notice_count;
    a->notice_size = b->notice_size;
    b->notices = was.notices;
    b->notice_count = was.notice_count;
    b->notice_size = was.notice_size;
}

static void give_up(struct link *link)
{
    link->dead = 1;
    while (!list_empty(&link->queue))
        link_forget(LIST_OF(link->queue.next, struct replica, queued));
    batch_discard(&link->next);
}

static void send_batch(struct link *link)
{
    struct batch *b = &link->batches[link->sent % LINK_WINDOW];
    size_t cost = b->item_count * sizeof(*b->items) + b->notice_count * sizeof(*b->notices);

    stat_add(STAT_ITEMS, b->item_count);
    stat_add(STAT_BATCHES, 1);
    if (loop_post_must(&link->worker->loop, deliver, b, cost) < 0) {
        batch_discard(b);
        give_up(link);
        return;
    }
    link->sent++;
}

static int has_more(const struct link *link)
{
    return !link->dead && (link->next.notice_count > 0 || !list_empty(&link->queue));
}

static void flush(struct link *link)
{
    struct batch *b;

    while (has_more(link) && has_room(link)) {
        b = &link->batches[link->sent % LINK_WINDOW];
        batch_reset(b);
        swap_notices(b, &link->next);
        while (!list_empty(&link->queue) && b->item_count < BATCH_ITEMS)
            fill(b, LIST_OF(link->queue.next, struct replica, queued));
        if (b->item_count > 0 || b->notice_count > 0)
            send_batch(link);
    }
    if (link->dead)
        batch_discard(&link->next);
}

static void flush_all(struct loop_hook *hook)
{
    struct link *link;

    (void)hook;
    while (!list_empty(&dirty)) {
        link = LIST_OF(dirty.next, struct link, dirty);
        list_remove(&link->dirty);
        flush(link);
    }
}

struct farewell {
    struct link *link;
    uv_sem_t heard;
};

static void hear_farewell(struct loop *loop, void *arg)
{
    struct farewell *f = arg;

    if (loop != NULL)
        give_up(f->link);
    uv_sem_post(&f->heard);
}

void link_end(struct link *link)
{
    struct farewell f = {.link = link};

    link->mirror = NULL;
    if (uv_sem_init(&f.heard, 0) != 0)
        abort();
    if (loop_post_must(loop_routing(), hear_farewell, &f, sizeof(f)) == 0)
        uv_sem_wait(&f.heard);
    uv_sem_destroy(&f.heard);
}

/* After all threads have ended. */
void link_free(struct link *link)
{
    int i;

    list_remove(&link->dirty);
    list_remove(&link->all);
    for (i = 0; i < LINK_WINDOW; i++) {
        free(link->batches[i].items);
        free(link->batches[i].notices);
    }
    batch_discard(&link->next);
    free(link->next.notices);
    free(link);
}

void link_fini(void)
{
    struct table_node *n;

    while ((n = spare) != NULL) {
        spare = n->next;
        free(n);
    }
    spare_count = 0;
}
