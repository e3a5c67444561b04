/* SPDX-License-Identifier: MIT */
/*
 * s2_flow_rig.h - the flows of the federation gateway between a fake host and fake links.
 *
 * A test has up to RIG_WORKERS workers on one thread, whose posts wait for rig_run; the clock moves
 * with rig_advance. Leases are faked: a test says when one is ready, fails or ends, how much of
 * what was written left this host, and what the peer has read. What a peer reads is handed to
 * rig_on_read. A use of a lease that is gone fails the test.
 *
 * Streams that put are faked too: rig_put notes when it is told to stop, and s2_in_resume clears
 * that.
 */
#ifndef TEST_S2_FLOW_RIG_H
#define TEST_S2_FLOW_RIG_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <xmb/fakehost.h>

#include "flow_priv.h"

#define RIG_WORKERS 3
#define RIG_LEASES 4096
#define RIG_STREAMS 64
#define RIG_TEXT 512

enum lease_state { LEASE_FREE, LEASE_OPENING, LEASE_READY, LEASE_GONE };

/* Something that was written on a lease. */
struct rig_sent {
    uint64_t end;
    uint32_t bytes;
    int is_ping;
    char text[RIG_TEXT]; /* its beginning */
};

struct s2_lease {
    enum lease_state state;
    struct s2_worker *w;
    struct s2_domain local, remote;
    enum s2_side side;
    const struct s2_lease_events *events;
    void *arg;
    struct rig_sent *sent;
    size_t sent_count, sent_capacity;
    size_t read; /* how many of them the peer has read */
    uint64_t written, left, acked;
    uint64_t room_bytes; /* between left and written */
    uint64_t heard_ms, handled;
    uint64_t read_end; /* what somebody else's answer on the link proved */
    uint64_t proved_ms; /* when a ping or request was answered last */
    uint64_t held_ms; /* what s2_lease_held_ms says */
    int has_sm, sm_asked, request_error;
    int wants_room; /* XMB_EAGAIN was said */
    int has_dialback; /* s2_lease_question is sent */
    unsigned questions;
    uint64_t question_end; /* of the one that is not answered; 0: none */
    int killed;
    int is_retired; /* for a test to note */
    size_t too_big; /* octets from which on XMB_ETOOBIG is said; 0: none */
};

/* A stream that puts. */
struct rig_stream {
    struct s2_path path;
    int stopped;
    int resumed; /* how often */
};

extern struct s2_worker rig_worker[RIG_WORKERS];
extern struct s2_conf rig_conf;
extern struct s2_lease *rig_lease[RIG_LEASES];
extern size_t rig_lease_count;
extern struct rig_stream rig_stream[RIG_STREAMS];
extern size_t rig_slabs;          /* made so far */
extern size_t rig_slab_bytes;
extern int rig_open_error;        /* of s2_lease_open */
extern uint64_t rig_random;       /* where jitter and the marks of pings come from */
extern uint32_t rig_full_mailbox; /* bits of workers whose mailbox answers XMB_EAGAIN */
extern uint32_t rig_dead;         /* bits of workers whose streams of a dead peer were to end */
extern int rig_stopped;           /* posts answer XMB_ECANCELED */
extern enum s2_admission rig_admission; /* what s2_admit says; S2_ADMIT_LATER: see rig_admit_late */
extern void (*rig_on_write)(const struct s2_lease *l, const struct rig_sent *sent);
extern void (*rig_on_read)(const struct s2_lease *l, const struct rig_sent *sent);

/* Opens with that many workers and the usual configuration; a.test and a2.test are local. */
void rig_open(uint32_t workers);
void rig_close(void);
size_t rig_run(void);
void rig_advance(uint64_t ms);
uint64_t rig_metric(enum s2_metric m); /* over all workers; gauges too */

struct s2_domain rig_domain(const char *text);
/* Stream number `i` on worker `w` for stanzas from one domain to another. */
void rig_stream_open(size_t i, uint32_t w, enum s2_side to_side, const char *from, const char *to);
/*
 * One more stanza: <message from='u@FROM/r' to='v@TO' id='ID' ...>, padded to `bytes` when that is
 * more.
 */
int rig_put(size_t i, const char *element, const char *type, const char *id, size_t bytes);
int rig_put_insert(size_t i, const char *id, const char *insert);
void rig_flush(void); /* every worker's */

/* The newest lease from one domain to another that is not gone, or NULL. */
struct s2_lease *rig_lease_of(const char *from, const char *to);
void rig_ready(struct s2_lease *l);
void rig_fail(struct s2_lease *l, enum s2_failure_kind kind, enum s2_condition c);
/* All that was written leaves, or up to a position; `writable` follows when it was waited for. */
void rig_leave(struct s2_lease *l, uint64_t position);
/* The peer reads the next; 0: nothing has left. Pings are answered when `pong`. */
int rig_read(struct s2_lease *l, int pong);
void rig_read_all(struct s2_lease *l, int pong);
/* The peer has read up to s2_lease_question, and answers it there; 0: it has not. */
int rig_answer(struct s2_lease *l);
/* It ends the stream instead. */
void rig_shun(struct s2_lease *l, enum s2_failure_kind kind);
void rig_end(struct s2_lease *l, enum s2_failure_kind kind);
void rig_retire(struct s2_lease *l); /* its link is retired */
/* Ends those that were killed. */
void rig_bury(void);
/* The answer to a ping comes in on worker `w`. */
int rig_pong(uint32_t w, const char *from, const char *to, const char *id);
/* Late answers of s2_admit. */
void rig_admit_late(enum s2_admission a);

/* Attribute `name` of a start tag, "" when there is none. */
const char *rig_attribute(const char *text, const char *name);
/*
 * How many stanzas with that id, and that type unless NULL, were written from one domain to
 * another, over all leases.
 */
size_t rig_written(const char *from, const char *to, const char *id, const char *type);
/* What rig_close does with the leases; all of them are gone. */
void rig_leases_free(void);

#endif
