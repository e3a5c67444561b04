/* SPDX-License-Identifier: MIT */
/*
 * conn_worker.c - the connections of one worker: the slot table behind
 * xmb_ref, and what happens at the end of a loop turn.
 *
 * The end of the turn first makes the calls that are owed (writable, input
 * offered again after resume, closed) and then flushes every connection that has
 * output, each with one system call. Calls that come up meanwhile are made when the
 * hook runs again, and the loop sees to it that hooks do not starve the sockets.
 */
#include "conn/conn_priv.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

/* --- slots ------------------------------------------------------------------------------ */

static int slots_grow(struct conn_worker *cw)
{
    uint32_t i, size = cw->slots_size == 0 ? 64 : cw->slots_size * 2;
    struct conn_slot *slots;

    if (cw->slots_size >= CONN_SLOTS_MAX)
        return XMB_ELIMIT;
    slots = realloc(cw->slots, size * sizeof(*slots));
    if (slots == NULL)
        return XMB_ENOMEM;
    for (i = size; i-- > cw->slots_size;) {
        slots[i] = (struct conn_slot){.generation = 1, .next_free = cw->slots_free};
        cw->slots_free = i;
    }
    cw->slots = slots;
    cw->slots_size = size;
    return 0;
}

int conn_slot_take(struct conn_worker *cw, struct xmb_conn *c)
{
    struct conn_slot *slot;
    int rc;

    if (cw->slots_free == UINT32_MAX && (rc = slots_grow(cw)) < 0)
        return rc;
    c->slot = cw->slots_free;
    slot = &cw->slots[c->slot];
    cw->slots_free = slot->next_free;
    slot->conn = c;
    cw->count++;
    conn_watch_start(cw);
    return 0;
}

void conn_slot_free(struct conn_worker *cw, uint32_t index)
{
    struct conn_slot *slot = &cw->slots[index];

    slot->conn = NULL;
    if (++slot->generation == 0)
        slot->generation = 1;
    slot->next_free = cw->slots_free;
    cw->slots_free = index;
    cw->count--;
}

xmb_ref conn_ref(const struct xmb_conn *c)
{
    const struct conn_worker *cw = c->worker->conns;

    return (uint64_t)c->worker->index << 56 | (uint64_t)c->slot << 32 |
           cw->slots[c->slot].generation;
}

struct xmb_conn *conn_by_ref(struct xmb_worker *w, xmb_ref ref)
{
    const struct conn_worker *cw = w->conns;
    uint32_t index = ref >> 32 & 0xffffff;

    if (cw == NULL || ref >> 56 != w->index || index >= cw->slots_size ||
        cw->slots[index].generation != (uint32_t)ref)
        return NULL;
    return cw->slots[index].conn;
}

/* --- the end of the turn ------------------------------------------------------------------ */

void conn_todo_add(struct xmb_conn *c, enum conn_todo what)
{
    struct conn_worker *cw = c->worker->conns;

    c->todo |= what;
    if (c->flags & CONN_HAS_TODO)
        return;
    c->flags |= CONN_HAS_TODO;
    c->refs++;
    c->todo_next = NULL;
    *cw->todo_end = c;
    cw->todo_end = &c->todo_next;
    if (!cw->ending)
        loop_at_turn_end(&cw->worker->loop, &cw->hook);
}

void conn_dirty_add(struct xmb_conn *c)
{
    struct conn_worker *cw = c->worker->conns;

    if (c->flags & CONN_IS_DIRTY)
        return;
    c->flags |= CONN_IS_DIRTY;
    c->refs++;
    c->dirty_next = NULL;
    *cw->dirty_end = c;
    cw->dirty_end = &c->dirty_next;
    if (!cw->ending)
        loop_at_turn_end(&cw->worker->loop, &cw->hook);
}

static void call_writable(struct xmb_conn *c)
{
    struct module_mark mark;

    if (c->phase != CONN_OPEN || !(c->flags & CONN_STARVED) || !(c->flags & CONN_OPENED))
        return;
    c->flags &= ~(uint32_t)CONN_STARVED;
    if (c->module->protocol.writable == NULL)
        return;
    mark = module_enter(c->module);
    c->module->protocol.writable(c->cs, c);
    module_leave(mark);
}

static void run_todo(struct xmb_conn *c)
{
    uint8_t todo = c->todo;

    c->todo = 0;
    c->flags &= ~(uint32_t)CONN_HAS_TODO;
    if (todo & CONN_TODO_BURY) {
        conn_bury(c);
        return;
    }
    if (todo & CONN_TODO_WRITABLE)
        call_writable(c);
    if (todo & CONN_TODO_OFFER)
        conn_offer(c);
}

static void run_todos(struct conn_worker *cw)
{
    struct xmb_conn *c = cw->todo;

    cw->todo = NULL;
    cw->todo_end = &cw->todo;
    while (c != NULL) {
        struct xmb_conn *next = c->todo_next;

        run_todo(c);
        conn_unref(c);
        c = next;
    }
}

static void flush_dirty(struct conn_worker *cw)
{
    struct xmb_conn *c;

    while ((c = cw->dirty) != NULL) {
        cw->dirty = c->dirty_next;
        if (cw->dirty == NULL)
            cw->dirty_end = &cw->dirty;
        c->flags &= ~(uint32_t)CONN_IS_DIRTY;
        conn_flush(c);
        conn_unref(c);
    }
}

static void run_turn_end(struct conn_worker *cw)
{
    run_todos(cw);
    flush_dirty(cw);
}

static void turn_end(struct loop_hook *hook)
{
    struct conn_worker *cw = (struct conn_worker *)((char *)hook -
                                                    offsetof(struct conn_worker, hook));

    if (cw->ending)
        conn_handle_closed(cw); /* conn_worker_fini found it armed */
    else
        run_turn_end(cw);
}

/* --- life ----------------------------------------------------------------------------------- */

static pthread_once_t process_once = PTHREAD_ONCE_INIT;

/* OpenSSL writes with write(2), which signals a broken pipe; descriptors are what we live on. */
static void process_init(void)
{
    struct rlimit limit;

    signal(SIGPIPE, SIG_IGN);
    if (getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur < limit.rlim_max) {
        limit.rlim_cur = limit.rlim_max;
        setrlimit(RLIMIT_NOFILE, &limit);
    }
}

int conn_worker_init(struct xmb_worker *w)
{
    struct conn_worker *cw;

    pthread_once(&process_once, process_init);
    cw = calloc(1, sizeof(*cw));
    if (cw == NULL)
        return XMB_ENOMEM;
    cw->handles = 1; /* until conn_worker_fini */
    cw->worker = w;
    cw->slots_free = UINT32_MAX;
    cw->dirty_end = &cw->dirty;
    cw->todo_end = &cw->todo;
    cw->hook.fn = turn_end;
    cw->spare_fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
    w->conns = cw;
    return 0;
}

void conn_handle_closed(struct conn_worker *cw)
{
    if (--cw->handles > 0 || !cw->ending)
        return;
    free(cw->slots);
    free(cw);
}

/*
 * Handles close in the loop's last rounds, and an armed hook runs there; `cw` goes
 * with the last of them.
 */
void conn_worker_fini(struct xmb_worker *w)
{
    struct conn_worker *cw = w->conns;
    uint32_t i;

    if (cw == NULL)
        return;
    cw->ending = 1;
    conn_watch_stop(cw);
    if (cw->hook.armed)
        cw->handles++;
    while (cw->listeners != NULL)
        listener_close(cw->listeners);
    for (i = 0; i < cw->slots_size; i++)
        if (cw->slots[i].conn != NULL)
            conn_reset(cw->slots[i].conn, "the broker stops");
    while (cw->todo != NULL || cw->dirty != NULL)
        run_turn_end(cw);
    slab_release(cw->read_slab);
    if (cw->spare_fd >= 0)
        close(cw->spare_fd);
    w->conns = NULL;
    conn_handle_closed(cw);
}

static void drain_one(struct xmb_conn *c)
{
    const struct xmb_protocol *p = &c->module->protocol;
    struct module_mark mark;

    if (c->flags & CONN_DRAINED || c->phase >= CONN_FLUSHING)
        return;
    c->flags |= CONN_DRAINED;
    if (!(c->flags & CONN_OPENED)) {
        conn_reset(c, "the broker stops");
    } else if (p->drain == NULL) {
        conn_close(c, "the broker stops");
    } else {
        mark = module_enter(c->module);
        p->drain(c->cs, c);
        module_leave(mark);
    }
}

void conn_worker_drain(struct xmb_worker *w)
{
    struct conn_worker *cw = w->conns;
    uint32_t i;

    for (i = 0; cw != NULL && i < cw->slots_size; i++)
        if (cw->slots[i].conn != NULL)
            drain_one(cw->slots[i].conn);
}

size_t conn_worker_count(const struct xmb_worker *w)
{
    return w->conns != NULL ? w->conns->count : 0;
}
