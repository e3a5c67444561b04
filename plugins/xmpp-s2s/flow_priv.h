/* SPDX-License-Identifier: MIT */
/*
 * flow_priv.h - a flow from the inside, for flow*.c, confirm.c, barrier*.c, path.c, batch.c,
 * outbox.c, pack.c and bounce.c.
 *
 * Ownership: the worker's table owns flows; a path that put a stanza holds its flow by a count; a
 * ring owns a reference to the slab of each stanza. Whoever takes an item out of a ring must
 * confirm, give back or drop it, and nothing else does any of these: that is the promise of flow.h
 * in one sentence.
 *
 * Giving a stanza back puts its error into the flow that leads the other way, whose lease may fail
 * on the spot and give back its own stanzas as errors into this one. It ends there, as errors are
 * never answered; but every loop over a ring takes out one item at a time and counts at its start
 * how many it will take.
 */
#ifndef S2_FLOW_PRIV_H
#define S2_FLOW_PRIV_H

#include "flow.h"
#include "link.h"

#define S2_FLOWS_MAX 65536          /* of one worker */
#define S2_TICK_MS 100              /* granularity of everything timed here */
#define S2_RESERVE_BYTES (64u << 10) /* of a queue, for errors that we made */
#define S2_SOON_MS 5000             /* a stanza waits for a next try that is this near */
#define S2_STEADY_MS 60000          /* a lease that lived so long starts backoff afresh */
#define S2_GAP_MS 50                /* between two barriers when time presses */
#define S2_POLL_MS 250              /* between two looks at what TCP acknowledged */
#define S2_WAITERS_MAX 64           /* streams that one flow holds up */
#define S2_PORT_WINDOW (128u << 10) /* octets on the way to another worker, of one path */
#define S2_UNKNOWN_HOLD_MS 5000     /* for a peer of which it is not known that it answers */

enum flow_state {
    FLOW_QUIET = 0,
    FLOW_OPENING,
    FLOW_FLOWING,
    FLOW_LEAVING, /* its link is retired: nothing is sent until all is confirmed */
    FLOW_BACKOFF,
    FLOW_STATES
};

enum flow_event {
    FLOW_PUT = 0, /* a stanza was put into the ring */
    FLOW_READY,   /* the four of a lease */
    FLOW_FAILED,
    FLOW_ENDED,
    FLOW_TRY,     /* backoff is over, or the lease is let go, and something waits */
    FLOW_REST,    /* the same, and nothing does */
    FLOW_CLOSE,   /* idle, denied or draining: the ring is empty */
    FLOW_RETIRE,  /* the lease's link is retired */
    FLOW_STAY,    /* the broker stops: it is used to the end all the same */
    FLOW_EVENTS
};

/* What a lease says with FAILED and ENDED. */
struct s2_cause {
    const struct s2_failure *failure;
    uint64_t left, acked;
};

enum s2_item_flags {
    S2_ITEM_OWN = 1,     /* an error that we made: never answered */
    S2_ITEM_WRITTEN = 2, /* was given to a lease before */
    S2_ITEM_OWED = 4,    /* an error for a stanza that we had taken: room for it is found */
    S2_ITEM_PROBE = 8,   /* another gateway's barrier, or its answer: needs no barrier of ours */
    S2_ITEM_IDLE = 16    /* the same, sent though nothing was to be confirmed: no activity */
};

/* A stanza. */
struct s2_item {
    struct xmb_slab *slab; /* a reference */
    const char *p;
    uint64_t put_ms;
    uint64_t end; /* sent: the link's position behind it */
    uint32_t n;
    uint32_t seq; /* sent: its number on the lease, from 1 */
    uint8_t kind, type, flags, reserved;
};

struct s2_ring {
    struct s2_item *items;
    uint32_t capacity; /* a power of two, or 0 */
    uint32_t head;     /* the oldest */
    uint32_t sent;     /* not confirmed: the first so many */
    uint32_t count;
    uint64_t sent_bytes, wait_bytes;
};

struct s2_batch;

struct s2_node {
    struct s2_node *prev, *next; /* NULL: in no list */
};

/*
 * A stream that reads on when there is room: `value` is its connection, or for one of another
 * worker what it may count as taken. `carrier`: the batch that brought the wish and takes the
 * answer back, so that none has to be allocated; owned. NULL: a stream of this worker.
 */
struct s2_waiter {
    uint64_t value;
    struct s2_batch *carrier;
    uint32_t worker, slot, generation;
    uint32_t for_errors; /* it caused errors that pile up in this flow; else it fills this flow */
};

/* Which flow. */
struct s2_route {
    enum s2_side to_side;
    const struct s2_domain *from, *to;
};

struct s2_flow {
    struct s2_node node; /* first: in `busy` or `calm` of its worker */
    struct s2_worker *w;
    struct s2_flow *table_next;
    struct s2_flow *all_next, **all_at;
    uint32_t refs; /* paths */
    uint8_t state; /* enum flow_state */
    uint8_t to_side;
    uint8_t is_busy;
    uint8_t held_up;  /* XMB_EAGAIN: `writable` follows */
    uint8_t closing;  /* the lease is as good as gone: `ended` follows */
    uint8_t denied;   /* by a changed configuration */
    uint8_t tcp_only; /* this lease is confirmed by TCP, see confirm.c */
    uint8_t was_killed; /* we gave a lease up, and nothing was confirmed since */
    uint8_t last_condition;
    struct s2_lease *lease;
    struct s2_ring ring;
    uint32_t lease_seq; /* stanzas sent on this lease, pings included */
    uint32_t failures;  /* in a row */
    uint64_t ready_ms;
    uint64_t ready_delivered; /* `delivered` at that time */
    uint64_t verified_ms; /* when it flowed last; 0: never */
    uint64_t next_try_ms;
    uint64_t put_ms; /* of the last stanza */
    uint64_t calm_ms;
    uint64_t full_ms; /* when it last stopped somebody */
    uint64_t alive_ms; /* the peer showed itself, see s2_flow_alive */
    uint64_t told_full_ms, far_full_ms; /* flow_far.c */

    /* barrier.c: one is outstanding when `barrier` is not 0 */
    uint64_t barrier, barrier_end;
    uint64_t barrier_last_ms; /* when the last one was sent */
    uint64_t barrier_ms;      /* its time runs from here */
    uint64_t asked_ms;        /* when it was sent once more, or first */
    uint64_t stuck_ms; /* since when one cannot be sent, as the link's queue is full; 0: it can */
    uint8_t barrier_is_sm;
    uint8_t was_used;   /* a stanza was put that is activity, since it was calm last */
    uint8_t was_blamed; /* its time began anew, as we did not read */
    uint8_t asked_here; /* it was asked on the lease itself too */
    uint8_t answers_here; /* there, and there alone, the peer answers */
    uint8_t has_sm; /* this lease, when it was looked at last */
    /* confirm.c */
    uint64_t acked, polled_ms, progress_ms;

    struct s2_waiter *waiters;
    uint32_t waiter_count, waiter_capacity;
    uint64_t ask_id; /* admission that is asked again */
    uint8_t is_asking;
    uint32_t drain_sent;

    char last_error[96];
    uint64_t last_error_ms;
    uint64_t delivered, bounced, resent;
    struct s2_domain from, to;
};

struct s2_port;

/* What goes to another worker; embedded first in what is sent. */
struct s2_post {
    struct s2_post *next;
    void (*fn)(struct xmb_worker *xw, void *arg); /* arg is the post; xw NULL: free it */
    struct s2_batch **leaves; /* where it is known as the batch to be filled; or NULL */
    struct xmb_module *module;
    uint32_t to;
    uint32_t bytes;
};

#define S2_BATCH_ITEMS 16
struct s2_batch {
    struct s2_post post;
    enum s2_side to_side;
    struct s2_domain from, to;
    uint32_t count;
    uint32_t wants;  /* the sender asks to be told when these are taken */
    struct s2_waiter reply;
    struct s2_item items[S2_BATCH_ITEMS];
};

/* The near end of a path to another worker. */
struct s2_port {
    struct s2_worker *w;
    uint32_t slot, generation;
    uint32_t owner;
    uint32_t blocked;
    uint32_t leaving; /* each batch asks to be told */
    xmb_ref source;
    uint64_t sent, asked, acked; /* octets since it was opened */
    struct s2_batch *batch;      /* being filled */
    enum s2_side to_side;
    struct s2_domain from, to;
};

struct s2_slot {
    struct s2_port *port;
    uint32_t generation;
};

struct s2_queue {
    struct s2_post *first, *last;
    uint64_t bytes;
    int stuck; /* the mailbox was full */
};

#define S2_PEERS 4096
struct s2_peer {
    uint64_t key;      /* 0: none */
    uint64_t since_ms; /* when that was found */
    uint16_t pings;    /* enum s2_pings */
    uint16_t here;     /* enum s2_here */
};
enum s2_pings {
    S2_PINGS_UNKNOWN = 0,
    S2_PINGS_ANSWERED,
    S2_PINGS_DOUBTED, /* was taken for dead when it did not answer its first */
    S2_PINGS_SILENT   /* lives, and answers none */
};
/* What it does when it is asked on the lease itself; says nothing of leases where it cannot be. */
enum s2_here {
    S2_HERE_UNKNOWN = 0,
    S2_HERE_ANSWERED,
    S2_HERE_DOUBTED, /* ended its stream, once */
    S2_HERE_ENDED    /* ends its stream */
};

enum s2_drain { S2_DRAIN_NOT = 0, S2_DRAIN_FINISH, S2_DRAIN_RETURN, S2_DRAIN_CLOSED };

#define S2_SEEN 64
struct s2_flows {
    struct s2_worker *w;
    struct s2_flow **table; /* by foreign domain, see flow.c */
    uint32_t size, count;
    uint32_t most;       /* S2_FLOWS_MAX */
    struct s2_node busy; /* something may time out */
    struct s2_node calm; /* empty; oldest first: for idle_ms */
    struct xmb_timer *tick;
    uint64_t tick_due_ms; /* 0: not running */
    int in_tick;
    struct s2_flow *all;
    uint64_t random;

    struct xmb_slab *slab; /* pack.c: being filled */
    uint8_t *slab_p;
    const void *slab_way; /* whose stanzas are in it */
    uint32_t slab_left;
    uint64_t slab_packed; /* octets of that way in this turn */

    struct s2_queue *out; /* outbox.c: one for each worker */
    struct xmb_timer *retry;
    int retry_runs;
    int out_waits; /* something is in one of them */
    struct s2_slot *slots; /* batch.c */
    uint32_t slot_count, slot_hint; /* none before the hint is free */

    uint64_t barriers; /* numbers them */
    uint64_t nonce;
    uint64_t peer_seed;
    struct s2_peer *peers;
    struct {
        uint32_t hash;
        uint64_t ms;
    } seen[S2_SEEN]; /* s2_flow_alive */

    enum s2_drain drain;
    uint64_t drain_return_ms, drain_close_ms;
    uint64_t drain_calm_ms; /* since when nothing is left anywhere; 0: something is */
};

static inline const struct s2_domain *s2_route_foreign(const struct s2_route *r)
{
    return r->to_side == S2_OUTSIDE ? r->to : r->from;
}
static inline struct s2_route s2_route_back(const struct s2_route *r)
{
    struct s2_route back = {s2_other(r->to_side), r->to, r->from};

    return back;
}
static inline struct s2_route s2_flow_route(const struct s2_flow *f)
{
    struct s2_route r = {(enum s2_side)f->to_side, &f->from, &f->to};

    return r;
}
static inline uint32_t s2_ring_waiting(const struct s2_flow *f)
{
    return f->ring.count - f->ring.sent;
}
/* Of the part `n` of a whole, for "never longer than". */
static inline uint64_t s2_least(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

/* It has a lease that is ready. */
static inline int s2_flow_has_stream(const struct s2_flow *f)
{
    return f->state == FLOW_FLOWING || f->state == FLOW_LEAVING;
}

/* An item leaves the flows of this worker for good. */
static inline void s2_settled(const struct s2_worker *w, const struct s2_item *it)
{
    if ((it->flags & S2_ITEM_OWN) == 0)
        s2_tally_add(&s2_tally(w)->settled, 1);
}

/* --- flow.c --- */
/*
 * Which worker has it: that of a component, that of a stream which is used in reverse, else by the
 * foreign domain. Thread: any.
 */
uint32_t s2_route_owner(const struct s2_worker *w, const struct s2_route *r);
struct s2_flow *s2_flow_find(const struct s2_worker *w, const struct s2_route *r);
/* Finds or makes. XMB_ENOMEM, XMB_ELIMIT. */
int s2_flow_get(struct s2_worker *w, const struct s2_route *r, struct s2_flow **out);
/* Frees `f` when it is quiet, empty and held by nobody: 1. */
int s2_flow_spare(struct s2_flow *f);
/* 1: there are nearly too many, and those that have nothing to send go before their time. */
static inline int s2_flow_crowd(const struct s2_flows *fl)
{
    return fl->count > fl->most - fl->most / 8;
}
/* The first in the row of `foreign`; more with table_next, among others. */
struct s2_flow *s2_flow_row(const struct s2_worker *w, const struct s2_domain *foreign);
/* Calls fn for each flow; fn may put into others but not free any. */
void s2_flow_each(struct s2_worker *w, void (*fn)(struct s2_flow *f));

/* --- flow_time.c --- */
int s2_flow_time_init(struct s2_flows *fl); /* XMB_ENOMEM */
/* Something of `f` has changed that may have to be timed. */
void s2_flow_attend(struct s2_flow *f);
void s2_flow_hold(struct s2_flow *f);
void s2_flow_release(struct s2_flow *f);
void s2_flow_unlist(struct s2_flow *f);
/* The next tick comes as soon as it may. */
void s2_flow_wake(struct s2_flows *fl);
/* 0 to max_ms, at random. */
uint64_t s2_flow_jitter(struct s2_flows *fl, uint64_t max_ms);

/* --- flow_far.c --- */
/*
 * For a flow without a lease that is about to want one: takes a stream of the peer that may be used
 * in reverse, where there is one. 1: another worker owns the flow; what waited here went there.
 */
int s2_flow_follow(struct s2_flow *f);
/* 1: a stream of the peer may be used in reverse, on whatever worker: it is taken. */
int s2_flow_claim(const struct s2_flow *f);
/* 1: new stanzas go to the flow of another worker. */
int s2_flow_is_elsewhere(const struct s2_flow *f);
/* With each tick: the flow of the other way, on another worker, is told that this one is full. */
void s2_flow_tell_full(struct s2_flow *f, uint64_t now_ms);
/* 1: it was told so just now. */
int s2_flow_far_is_full(const struct s2_flow *f);

/* --- flow_dead.c --- */
/*
 * `remote`, on `side`, answers nothing and was given up: its streams, on every worker, that brought
 * nothing since `since_ms` are ended.
 */
void s2_flow_dead(struct s2_worker *w, enum s2_side side, const struct s2_domain *remote,
                  uint64_t since_ms);

/* --- flow_fsm.c --- */
const char *s2_flow_state_name(const struct s2_flow *f);
void s2_flow_event(struct s2_flow *f, enum flow_event ev, const struct s2_cause *cause);

/* --- flow_ring.c. Indices count from the oldest. --- */
struct s2_item *s2_ring_at(const struct s2_flow *f, uint32_t i);
/* The last; the slab's reference goes over. XMB_ENOMEM. */
int s2_ring_push(struct s2_flow *f, const struct s2_item *it);
/* The first that waits was sent. */
void s2_ring_advance(struct s2_flow *f);
/* Those sent from index `i` on wait again. */
void s2_ring_rewind(struct s2_flow *f, uint32_t i);
/* Takes out the oldest of all, or of those that wait. There must be one. */
void s2_ring_pop(struct s2_flow *f, struct s2_item *out);
void s2_ring_pull(struct s2_flow *f, struct s2_item *out);
void s2_ring_free(struct s2_flow *f);

/* --- flow_send.c --- */
/*
 * Why a stanza of `n` octets is not taken now; S2_C_NONE: it is. `flags`: S2_ITEM_OWN,
 * S2_ITEM_OWED.
 */
enum s2_condition s2_flow_refuses(const struct s2_flow *f, size_t n, unsigned flags);
const char *s2_flow_refusal_text(const struct s2_flow *f, enum s2_condition c);
/* Puts an item that is not refused; its reference goes over. XMB_ENOMEM: it stays the caller's. */
int s2_flow_take(struct s2_flow *f, struct s2_item *it);
/* 1: whoever put should stop. */
int s2_flow_is_full(const struct s2_flow *f);
void s2_flow_pump(struct s2_flow *f);
/* Notes one that stops. 1: it is noted, and its carrier taken over; 0: no place, it goes on. */
int s2_flow_block(struct s2_flow *f, const struct s2_waiter *waiter);
/*
 * The same for a stream whose stanza, on way `r`, is answered with an error, when such errors pile
 * up on the way back. A flow of another worker stops nobody: its mailbox is the bound.
 */
int s2_flow_block_cause(struct s2_worker *w, const struct s2_route *r, struct s2_waiter *waiter);
void s2_flow_forget_waiters(struct s2_flow *f);
/* Lets go on those that stopped, when there is room. */
void s2_flow_relieve(struct s2_flow *f);

/* --- flow_leave.c --- */
void s2_flow_retired(struct s2_flow *f); /* its link is */
/* LEAVING: asks whether all is confirmed, and if so lets the lease go. */
void s2_flow_leave(struct s2_flow *f);

/* --- flow_loss.c --- */
void s2_flow_failed(struct s2_flow *f, const struct s2_cause *cause);
void s2_flow_ended(struct s2_flow *f, const struct s2_cause *cause);
/* What waits for longer than queue_ms goes back. */
void s2_flow_age(struct s2_flow *f, uint64_t now_ms);
/* Gives back what waits, `also_own` or not; returns how many. */
uint32_t s2_flow_return_waiting(struct s2_flow *f, int also_own, enum s2_condition c,
                                const char *text);
/* Gives back the oldest `n` that are not confirmed. */
uint32_t s2_flow_return_sent(struct s2_flow *f, uint32_t n, const char *text);

/* --- confirm.c --- */
void s2_confirm_begin(struct s2_flow *f);
/* A stanza was sent. */
void s2_confirm_sent(struct s2_flow *f);
/* The link's queue has room: a barrier that could not be sent goes first. */
void s2_confirm_first(struct s2_flow *f);
/* With each tick: asks, looks, and finds out that nobody answers. */
void s2_confirm_tick(struct s2_flow *f, uint64_t now_ms);
/* 1: the answer to a barrier is overdue, and nothing more is written before it comes. */
int s2_confirm_holds(const struct s2_flow *f);
/* The broker stops and no answer can come: errors at the front that the peer's system has. */
void s2_confirm_errors(struct s2_flow *f);
/* Everything up to that position, or that number on the lease, is confirmed. */
void s2_confirm_end(struct s2_flow *f, uint64_t end);
void s2_confirm_handled(struct s2_flow *f, uint64_t h);
/* The lease is dead: it is reset and `ended` follows. */
void s2_confirm_kill(struct s2_flow *f, const char *why);
/* 1: TCP's acknowledgement is what counts for this flow. */
int s2_confirm_by_tcp(const struct s2_flow *f);

/* --- barrier*.c --- */
int s2_barrier_init(struct s2_flows *fl); /* XMB_EIO */
void s2_barrier_send(struct s2_flow *f, uint64_t now_ms);
/*
 * Nobody has shown for a while that the peer reads: it is asked by a barrier though nothing is
 * unconfirmed. 1: an answer is awaited; 0: it is not known to answer.
 */
int s2_barrier_nudge(struct s2_flow *f);
/* S2_ITEM_PROBE and S2_ITEM_IDLE of a stanza that comes in. */
uint8_t s2_barrier_flags(const struct s2_stanza *s);
/* With each tick while one is outstanding: is it overdue? */
void s2_barrier_watch(struct s2_flow *f, uint64_t now_ms);
/* The peer has answered on the lease itself; `is_answer` 0: ended it when it was asked there. */
void s2_barrier_here(struct s2_flow *f, int is_answer);
/* 1: its answer may lie behind what we do not read, as a flow stops streams of the peer. */
int s2_barrier_is_blocked(const struct s2_flow *f);
/* 1: the peer is known to answer, in a way that is open to it with this lease. */
int s2_barrier_answers(const struct s2_flow *f);
/* 1: it is known to live and to answer nothing on such a lease. */
int s2_barrier_is_silent(const struct s2_flow *f);

/* --- pack.c --- */
/*
 * Copies the stanza and fills `it`, which gets a reference to the slab. `way` tells stanzas apart
 * that go elsewhere: those of one way share slabs. XMB_ENOMEM, XMB_ETOOBIG.
 */
int s2_pack_stanza(struct s2_worker *w, const void *way, const struct s2_stanza *s,
                   struct s2_item *it);
void s2_pack_flush(struct s2_flows *fl);

/* --- outbox.c --- */
int s2_outbox_init(struct s2_flows *fl); /* XMB_ENOMEM */
void s2_outbox_fini(struct s2_flows *fl);
/* To be posted with the next flush, in order. Takes over `p`, as do all here. */
void s2_outbox_add(struct s2_flows *fl, struct s2_post *p);
/* At once when nothing is before it, else in its turn; needs no flush. */
void s2_outbox_send(struct s2_flows *fl, struct s2_post *p);
void s2_outbox_flush(struct s2_flows *fl);
/* A flush will come, soon. */
void s2_outbox_soon(struct s2_flows *fl);

/* --- batch.c --- */
struct s2_port *s2_port_open(struct s2_worker *w, uint32_t owner, const struct s2_path *p);
void s2_port_close(struct s2_port *port);
int s2_port_put(struct s2_port *port, const struct s2_stanza *s);
/* There is another owner. 1: all that was put here has arrived at the old one; else soon. */
int s2_port_leaves(struct s2_port *port);
/* Ports that wait for that worker's mailbox look again. */
void s2_ports_unstuck(struct s2_flows *fl, uint32_t owner);
/* A bounce to a flow of another worker; the item goes over. XMB_ENOMEM, XMB_ELIMIT. */
int s2_batch_own(struct s2_worker *w, uint32_t owner, const struct s2_route *r,
                 const struct s2_item *it);
/* A stream of another worker is told that there is room; takes over its carrier. */
void s2_batch_reply(struct s2_worker *w, const struct s2_waiter *waiter);

/* --- bounce.c --- */
/* The item goes back to its sender, or is dropped and counted. Takes it over. */
void s2_return(struct s2_worker *w, const struct s2_route *r, struct s2_item *it,
               enum s2_condition c, const char *text);
/* An item of flow `f`: counted there too. */
void s2_flow_return(struct s2_flow *f, struct s2_item *it, enum s2_condition c, const char *text);
/* A stanza on way `r` that its flow does not take goes back. */
void s2_refuse(struct s2_worker *w, const struct s2_route *r, const struct s2_stanza *s,
               enum s2_condition c, const char *text);
/* Neither delivered nor answered. Takes it over. */
void s2_lose(struct s2_worker *w, const struct s2_route *r, struct s2_item *it, const char *why);

/* --- flow_drain.c --- */
void s2_drain_tick(struct s2_flows *fl, uint64_t now_ms);
void s2_drain_cancel(struct s2_flow *f); /* admission that is asked */

#endif
