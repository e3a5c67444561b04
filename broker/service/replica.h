/* SPDX-License-Identifier: MIT */
/*
 * replica.h - what the subscribers of one key on one worker can see, and how far each has come.
 *
 * A *replica* holds the services that match one (domain, view, pattern):
 *
 *     log     0    1    2    3    4    5        numbers of idents; a hole (-) is an ident
 *            [A]  [-]  [C]  [-]  [B]  [D gone]  that moved to the end when it changed
 *                   ^cursor of s1       ^cursor of s2
 *
 *     ident   record (the newest), place in the log, gone or there, holders
 *
 * A change moves the service's ident to the end of the log. A subscriber is a
 * cursor, and one bit for each ident: "was notified and not yet withdrawn". It
 * takes what stands behind its cursor and skips holes, so it sees the
 * newest content once, however many changes it slept through.
 *
 * The bit is needed: with the cursor alone one cannot tell whether a subscriber
 * passed a place before or after it became a hole, thus whether a withdrawal is
 * news to it. `holders` counts the bits. A service that goes and has no
 * holder vanishes at once; with holders it stays as "gone" until the last has
 * taken the withdrawal. So the log never keeps what nobody needs, even when a subscriber
 * never pulls again.
 *
 * Gone and published again before it was pulled: a subscriber that had
 * seen the old one gets one notify with the new content, without the withdraw;
 * unless the new life began with a lower sequence: an older version must not
 * follow a newer one, so the old ident stays, "outlived", to give its withdraw
 * first, and the new life is an ident of its own behind it.
 *
 * All of this is the worker's; the last part of the structure is the routing
 * loop's (index.c, link.c), which knows replicas by pointer. A replica is freed
 * only after the routing loop has said that it forgot it.
 */
#ifndef BROKER_SERVICE_REPLICA_H
#define BROKER_SERVICE_REPLICA_H

#include "service/list.h"
#include "service/record.h"
#include "service/table.h"

struct link;
struct group;

struct ident {
    struct record *record; /* NULL: this entry is free */
    uint64_t hash;
    uint32_t next;    /* in its hash chain, or in the free list */
    uint32_t place;   /* in the log */
    uint32_t holders; /* subscribers whose bit is set */
    uint32_t gone;    /* enum xmb_gone once it went, else 0 */
    uint32_t outlived; /* gone, and its service began again with a lower sequence */
};

struct replica {
    /* Written before the routing loop hears of it, constant since. */
    uint32_t domain;
    uint32_t view;
    struct xmb_service_id pattern;
    uint64_t hash; /* of all three */
    struct link *link;

    /* The worker's. */
    struct table_node by_key;
    struct list all;    /* of the mirror, until freed */
    struct list subs;
    struct list hungry; /* those that want `ready` at the next change */
    struct list touched;
    uint32_t sub_count;
    int closed; /* no subscribers; waits for the routing loop to forget it */

    struct ident *idents;
    uint32_t *heads; /* hash chains over idents; as many as ident_size */
    uint32_t ident_size; /* power of two, or 0 */
    uint32_t ident_used; /* entries ever used: the rest was never touched */
    uint32_t ident_free; /* free list */
    uint32_t ident_count; /* with a record: there or gone */

    uint32_t *log;
    uint32_t log_size;
    uint32_t log_count;
    uint32_t passed;     /* no cursor is beyond this place */
    uint32_t compact_at; /* when the log is this long, holes are squeezed out */

    /* The routing loop's. */
    struct group *group; /* NULL: not attached */
    struct list of_group;
    struct list queued;     /* of the link: has something to send */
    struct list pending;    /* changes to send, one for each identity */
    struct table pending_by_id;
    int fresh; /* its full set is still to be collected */
};

struct xmb_sub {
    struct replica *replica;
    struct xmb_module *module;
    void (*ready)(void *arg);
    void *arg;
    struct list of_replica;
    struct list waiting; /* in `hungry`, or among those about to be called */
    struct record *taken; /* what `next` gave last */
    uint64_t *bits;       /* &few until that is too small */
    uint64_t few;
    uint32_t bit_words;
    uint32_t cursor;
};

struct replica *replica_new(uint32_t domain, uint32_t view, const struct xmb_service_id *pattern);
/* Drops all content; what is left is good for nothing but replica_free. */
void replica_clear(struct replica *r);
void replica_free(struct replica *r);

/* A new version, or a service that was not there. Takes the reference. */
void replica_notify(struct replica *r, struct record *record);
/* It went; `record` is its last version. Takes the reference. 1 when that is news to anybody. */
int replica_withdraw(struct replica *r, struct record *record, uint32_t reason);

/* At the start of the log, in no waiting list. NULL: out of memory. */
struct xmb_sub *sub_new(struct replica *r);
/* Takes the next event as api->next does: 1 or 0. */
int sub_next(struct xmb_sub *s, struct xmb_event *event);
/* Leaves its replica and is freed. */
void sub_free(struct xmb_sub *s);
/* 1 when there is something behind its cursor. Holes count. */
static inline int sub_behind(const struct xmb_sub *s)
{
    return s->cursor < s->replica->log_count;
}

#endif
