/* SPDX-License-Identifier: MIT */
/*
 * conn_priv.h - a connection from the inside. For this folder only.
 *
 *                accept                        dial
 *                   |                            |
 *                   |                       CONNECTING --fails--> DEAD, dial_failed
 *                   +---- without TLS ----+      |
 *                   v                     v      v
 *               HANDSHAKE ---------------> OPEN <------> SECURING (secure)
 *                   |                       | close, EOF, protocol error
 *                   |                       v
 *                   |                    FLUSHING --queue empty--> LINGERING
 *                   |                       |                          | FIN, or 5 s
 *                   +----------> DEAD <-----+--------------------------+   (reset: at once)
 *
 * DEAD has no socket any more; `closed` is called from the end of the turn and
 * the memory goes when the last list and libuv have let go of it.
 *
 * A plugin is called from four places only: a poll event, a timer, the end of
 * the turn (conn_worker.c) and conn_worker_drain. Functions that a plugin calls
 * never call a plugin, so no callback is entered twice for one connection.
 */
#ifndef BROKER_CONN_PRIV_H
#define BROKER_CONN_PRIV_H

#include "buf/buf.h"
#include "conn/conn.h"
#include "log/log.h"
#include "loop/timer.h"
#include "loop/worker.h"
#include "metrics/metrics.h"
#include "tls/tls.h"

#include <net/if.h>

#define CONN_SLOTS_MAX (UINT32_C(1) << 20) /* connections a worker */
#define CONN_INPUT_MAX 131072              /* octets that a plugin may leave unread */
#define CONN_READ_BYTES 65536              /* one read of a socket at most */
#define CONN_READS_A_TURN 4                /* then the others have their turn */
#define CONN_HIGH_BYTES 1048576            /* high mark of the output, unless queue= says other */
#define CONN_LOW_DIVISOR 4                 /* low mark: high / this */
#define CONN_COPY_BELOW 512                /* slices shorter than this are copied, not shared */
#define CONN_RESERVE_MAX 65552
#define CONN_TLS_RECORD 16384
#define CONN_PARTS_MAX 16
#define CONN_IOV_MAX 64
#define CONN_CLOSE_MS 5000
#define CONN_HANDSHAKE_MS 10000
#define CONN_CONNECT_MS 10000
#define CONN_USER_TIMEOUT_MS 30000 /* what was sent is not acknowledged, or the window stays shut */
#define CONN_PROBE_IDLE_S 10       /* the kernel asks a silent peer's kernel after this... */
#define CONN_PROBE_GAP_S 5         /* ...and then so often */
#define CONN_PROBES 3
/*
 * No acknowledgement for so long: conn_watch.c. Retransmissions double from 0.2 s on, and the one
 * after about 26 s tries once more a path that is back.
 */
#define CONN_GONE_MS 27000
#define CONN_RTO_MAX_MS 4000       /* nor are they further apart, where the kernel can be told */
#define CONN_QUIET_MS 15000        /* since octets came: before this it is not asked */
#define CONN_WATCH_MS 1000
#define LISTEN_ACCEPTS_A_TURN 64
#define LISTEN_BACKOFF_MS 100
#define LISTEN_BACKLOG 1024

enum conn_phase {
    CONN_CONNECTING,
    CONN_HANDSHAKE,
    CONN_OPEN,
    CONN_SECURING,
    CONN_FLUSHING,
    CONN_LINGERING,
    CONN_DEAD,
    CONN_PHASES
};

enum conn_flag {
    CONN_OPENED = 1 << 0,       /* the plugin's open said yes: `closed` is owed */
    CONN_REFUSED = 1 << 1,      /* it said no: nothing more is owed */
    CONN_IN_DATA = 1 << 2,      /* inside protocol.data */
    CONN_BLOCKED = 1 << 3,      /* the kernel takes no more output now */
    CONN_STARVED = 1 << 4,      /* XMB_EAGAIN was answered: `writable` is owed */
    CONN_STOPPED = 1 << 5,      /* paused, and input came: no longer polled for it */
    CONN_PEER_FIN = 1 << 6,     /* end of input was read */
    CONN_HUNG_UP = 1 << 7,      /* the peer ended its side while we were paused */
    CONN_WHY_OWNED = 1 << 8,    /* `why` is to be freed */
    CONN_DRAINED = 1 << 9,      /* protocol.drain was called */
    CONN_IS_DIRTY = 1 << 10,    /* on the worker's list of output to flush */
    CONN_HAS_TODO = 1 << 11,    /* on the worker's list of calls to make */
    CONN_TLS = 1 << 12,         /* the wire speaks TLS from here on */
    CONN_TLS_WANTS_IN = 1 << 13,  /* the handshake or SSL_write waits for input */
    CONN_TLS_WANTS_OUT = 1 << 14, /* the handshake or SSL_read waits for room */
    CONN_ABORT = 1 << 15,         /* close with RST */
    CONN_RESUMED = 1 << 16        /* resumed inside protocol.data */
};

/* What the end of the turn owes to a connection. */
enum conn_todo { CONN_TODO_WRITABLE = 1, CONN_TODO_OFFER = 2, CONN_TODO_BURY = 4 };

/* A <listen> as configured; immutable and counted, because connections outlive it. */
struct listen_spec {
    _Atomic uint32_t refs;
    struct xmb_module *module;
    uint32_t ordinal;
    uint32_t backlog;
    size_t high_bytes;
    char *tls; /* or NULL */
    char *vrf; /* or NULL */
};

#define conn_of(node, member)                                                                      \
    ((struct xmb_conn *)((char *)(node)-offsetof(struct xmb_conn, member)))

struct conn_facts; /* conn_tls.c: what the handshake proved */

struct xmb_conn {
    uv_poll_t poll;
    struct xmb_worker *worker;
    struct xmb_module *module;
    void *cs;
    void *user;
    struct listen_spec *spec; /* a reference; NULL when dialled */
    char *vrf;                /* dialled in, or NULL */
    SSL *ssl;
    struct conn_facts *facts;
    const char *why;
    struct xmb_conn *dirty_next;
    struct xmb_conn *todo_next;

    struct xmb_buf in;
    struct xmb_buf out;   /* output that is shared or overflowed `tail`; leaves first */
    struct xmb_slab *tail; /* small output is copied here; none while the queue is empty */
    uint32_t tail_from;   /* its octets from here... */
    uint32_t tail_used;   /* ...to here are not in `out` yet */

    struct timer_node idle;
    struct timer_node once;
    struct timer_node limit; /* the core's own: connect, handshake, close */
    uint64_t idle_ms;        /* 0: no idle deadline */

    uint64_t since_ms;
    uint64_t received_ms;
    uint64_t there_ms; /* before this the peer's host cannot be gone: conn_watch.c */
    uint64_t received_bytes;
    uint64_t sent_bytes;
    uint64_t plain_bytes; /* sent before TLS began */
    struct xmb_addr local;
    struct xmb_addr remote;

    uint32_t slot;
    uint32_t reserved_bytes; /* handed out by reserve, not yet committed */
    uint32_t unacked_bytes;  /* DEAD: what the kernel still had */
    size_t left_bytes;       /* DEAD: what we still had */
    int fd;                  /* -1 when DEAD */
    uint32_t flags;          /* enum conn_flag */
    uint16_t pauses;
    uint16_t notify_bytes;  /* close_notify: among the last that the kernel has... */
    uint16_t fin_bytes;     /* ...as our FIN is, and none of the plugin's */
    uint8_t phase;     /* enum conn_phase */
    uint8_t todo;      /* enum conn_todo */
    uint8_t direction; /* enum xmb_direction */
    uint8_t armed;     /* events that libuv watches for */
    uint8_t refs;      /* libuv, burial, the two lists */
};

struct conn_slot {
    struct xmb_conn *conn; /* NULL: free */
    uint32_t generation;   /* never 0 */
    uint32_t next_free;
};

/* A worker's connections. Freed when its last handle is closed. */
struct conn_worker {
    struct xmb_worker *worker;
    struct conn_slot *slots;
    uint32_t slots_size;
    uint32_t slots_free; /* UINT32_MAX: none */
    size_t count;
    struct xmb_conn *dirty, **dirty_end;
    struct xmb_conn *todo, **todo_end;
    struct loop_hook hook;
    struct timer_node watch; /* conn_watch.c; runs while there is a connection */
    uint32_t handles; /* what libuv or the loop still has of this worker, and one */
    int ending;
    struct listener *listeners;
    int spare_fd; /* given up for a moment to refuse a connection when no descriptor is left */
    struct xmb_slab *read_slab;
    uint32_t read_at; /* where the next read goes */
    struct xmb_conn *scratch_owner;
    uint8_t record[CONN_TLS_RECORD];
    uint8_t scratch[CONN_RESERVE_MAX];
};

/* conn_worker.c: slots and the end of the turn */
int conn_slot_take(struct conn_worker *cw, struct xmb_conn *c); /* XMB_ELIMIT, XMB_ENOMEM */
void conn_slot_free(struct conn_worker *cw, uint32_t slot);
xmb_ref conn_ref(const struct xmb_conn *c);
struct xmb_conn *conn_by_ref(struct xmb_worker *w, xmb_ref ref);
void conn_todo_add(struct xmb_conn *c, enum conn_todo what);
void conn_dirty_add(struct xmb_conn *c);
void conn_handle_closed(struct conn_worker *cw); /* from a uv close callback */

/* conn_watch.c: peers whose host is gone. */
void conn_watch_start(struct conn_worker *cw);
void conn_watch_stop(struct conn_worker *cw);

/* conn.c: the object. conn_new owns `fd` after success only. */
int conn_new(struct xmb_worker *w, struct xmb_module *m, int fd, enum xmb_direction direction,
             struct xmb_conn **out);
/* A connection that was accepted: TLS or open(). Owns `fd` in any case. */
void conn_accept(struct xmb_worker *w, struct listen_spec *spec, int fd,
                 const struct sockaddr *peer);
void conn_open(struct xmb_conn *c); /* calls protocol.open */
void conn_poll(struct xmb_conn *c); /* watches for what the phase wants */
void conn_limit(struct xmb_conn *c, uint64_t ms);          /* the core's own deadline */
void conn_deadline(struct xmb_conn *c, uint32_t which, uint64_t ms);

/* conn_end.c */
void conn_why(struct xmb_conn *c, const char *why);        /* copies; the first one stays */
void conn_why_errno(struct xmb_conn *c, const char *what, int error);
void conn_close(struct xmb_conn *c, const char *why);      /* flush, FIN, wait */
void conn_reset(struct xmb_conn *c, const char *why);
void conn_die(struct xmb_conn *c);                         /* no socket from here on */
void conn_bury(struct xmb_conn *c);                        /* `closed`; from the end of the turn */
void conn_unref(struct xmb_conn *c);

/* conn_read.c */
void conn_read(struct xmb_conn *c);        /* input is there */
void conn_offer(struct xmb_conn *c);       /* after resume, or when TLS holds octets back */
void conn_input_clear(struct xmb_conn *c);
void conn_discard(struct xmb_conn *c);     /* LINGERING: until the peer's FIN */
void conn_pause(struct xmb_conn *c);
void conn_resume(struct xmb_conn *c);

/* conn_write.c */
/* DEAD: what had not left. */
static inline size_t conn_queued(const struct xmb_conn *c)
{
    return c->phase == CONN_DEAD ? c->left_bytes : c->out.bytes + c->tail_used - c->tail_from;
}
size_t conn_room(const struct xmb_conn *c);
int conn_write(struct xmb_conn *c, struct xmb_str bytes);
int conn_write_parts(struct xmb_conn *c, const struct xmb_part *parts, size_t count);
uint8_t *conn_reserve(struct xmb_conn *c, size_t n);
void conn_commit(struct xmb_conn *c, size_t used_bytes);
void conn_output_clear(struct xmb_conn *c);
size_t conn_low(const struct xmb_conn *c);

/* conn_flush.c */
void conn_flush(struct xmb_conn *c);
size_t conn_unacked(const struct xmb_conn *c); /* DEAD: as it was at the end */
void conn_note_rest(struct xmb_conn *c); /* before it is DEAD, for those who ask in `closed` */

/* conn_dial.c */
int conn_dial(struct xmb_worker *w, struct xmb_module *module, const struct xmb_target *target,
              void *user);
void conn_dial_cancel(struct xmb_worker *w, uint64_t dial_id);
void conn_dialled(struct xmb_conn *c); /* CONNECTING: the kernel knows how it ended */

/* conn_tls.c */
enum conn_io { CONN_IO_OK, CONN_IO_AGAIN, CONN_IO_EOF, CONN_IO_ERROR }; /* ERROR: why is set */
/* `setup` is whole (tls_setup_copy). Errors of tls_session. */
int conn_tls_new(struct xmb_conn *c, const struct xmb_tls_setup *setup, enum tls_role role);
void conn_tls_begin(struct xmb_conn *c); /* the next octet is TLS */
int conn_secure(struct xmb_conn *c, const struct xmb_tls_setup *setup);
void conn_handshake(struct xmb_conn *c);
enum conn_io conn_tls_read(struct xmb_conn *c, uint8_t *p, size_t n, size_t *got);
enum conn_io conn_tls_write(struct xmb_conn *c, const uint8_t *p, size_t n, size_t *sent);
int conn_tls_pending(const struct xmb_conn *c);
size_t conn_tls_goodbye(struct xmb_conn *c); /* octets that the kernel took for it */
void conn_tls_free(struct xmb_conn *c);
void conn_tls_info(const struct xmb_conn *c, struct xmb_conn_info *info);
int conn_tls_peer(struct xmb_conn *c, struct xmb_tls_peer *out);
int conn_tls_recheck(struct xmb_conn *c, const char *profile);
uint64_t conn_wire_sent(const struct xmb_conn *c); /* TLS framing included, our goodbye not */

/* listener_bind.c */
void socket_tune(int fd); /* TCP_NODELAY, keepalive probes, user timeout */

/* listener_accept.c: a listening socket on one worker. */
struct listener {
    uv_poll_t poll;
    struct listener *next;
    struct xmb_worker *worker; /* NULL until listener_attach */
    struct listen_spec *spec;  /* a reference */
    struct timer_node backoff;
    int fd;
};
/* Owns fd after success. Thread: control. */
struct listener *listener_new(int fd, struct listen_spec *spec);
void listener_drop(struct listener *l);                          /* one that was never attached */
int listener_attach(struct listener *l, struct xmb_worker *w);   /* its worker, from here on */
void listener_open(struct listener *l);
void listener_respec(struct listener *l, struct listen_spec *spec);
void listener_close(struct listener *l);

struct listen_spec *listen_spec_hold(struct listen_spec *s);
void listen_spec_release(struct listen_spec *s);

#endif
