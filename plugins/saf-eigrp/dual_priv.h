/* SPDX-License-Identifier: MIT */
/*
 * dual_priv.h - what the files of the decision engine share and nobody else sees. The public side,
 * with the structures, is dual.h.
 *
 *     dual_input.c    adverts, publish, withdraw     \
 *     dual_peer.c     neighbours and interfaces       >  dual_fsm.c   states and events
 *     dual_query.c    timer: SIA, lists of the due   /       |
 *                                                            +-- dual_select.c   whom to believe
 *                     dual_table.c  entries, paths           +-- dual_query.c    whom to ask
 *                     dual_data.c   originators, contents    +-- dual_horizon.c  whom to tell
 *                     dual_seq.c    sequence numbers
 */
#ifndef SE_DUAL_PRIV_H
#define SE_DUAL_PRIV_H

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "dual.h"

/* Entries in the order in which they are due: all that go in have waited the same time. */
struct due_list {
    struct se_dual_entry *first, *last;
};

struct se_dual {
    struct se_dual_conf conf;
    const struct se_dual_ops *ops;
    void *arg;
    struct se_dual_counts counts;
    uint64_t now_ms;   /* of the call that runs */
    uint64_t timer_ms; /* what ops->timer was told last */
    uint32_t serial;   /* of the last change of any entry */
    struct se_dual_entry *first, *last;
    struct se_dual_entry **buckets;
    uint32_t bucket_count; /* a power of two */
    struct due_list active, lingering, hidden;
    struct se_dual_peer *peers;
    uint32_t peer_count; /* numbers that have room */
    struct se_dual_iface *ifaces;
    uint32_t iface_count;
    uint16_t set_words; /* enough for all numbers up to peer_count */
};

static inline int se_dual_is_peer(unsigned number)
{
    return number < SE_DUAL_ALL;
}

/* --- dual_table.c --- */

/* The entry of `id`, made when there is none. NULL: full or out of memory, counted and noted. */
struct se_dual_entry *se_dual_make(struct se_dual *d, const struct xmb_service_id *id);
/* The sets of all entries have room for `words` words. XMB_ENOMEM. */
int se_dual_grow_sets(struct se_dual *d, unsigned words);
struct se_path *se_dual_path_mutable(struct se_dual_entry *e, unsigned peer);
/* The path by way of `peer`, made when there is none. NULL: out of memory. */
struct se_path *se_dual_path_make(struct se_dual *d, struct se_dual_entry *e, unsigned peer,
                                  struct se_origin *origin);
void se_dual_path_drop(struct se_dual *d, struct se_dual_entry *e, unsigned peer);
void se_dual_set_add(struct se_dual_entry *e, enum se_dual_set set, unsigned peer);
/* 1 when it was in. */
int se_dual_set_remove(struct se_dual_entry *e, enum se_dual_set set, unsigned peer);
/* Puts the entry at the end of the list, out of the one where it is; NULL: in none. */
void se_dual_due(struct se_dual *d, struct se_dual_entry *e, struct due_list *list,
                 uint64_t due_ms);
/* Lets an unreachable entry linger, and one that has a way and nothing to show be hidden. */
void se_dual_settle(struct se_dual *d, struct se_dual_entry *e);
/* Frees lingering entries that are due, or one that is not when `force`. */
void se_dual_expire(struct se_dual *d, int force);
/* Believes the ways of hidden entries that are due. */
void se_dual_reveal(struct se_dual *d);

/* --- dual_data.c --- */

/*
 * Notes what an advertisement says about its originator, and takes its content when that is newest.
 * `is_finite` says whether it offers a path. NULL: too many originators, out of memory, or our own
 * service: then there is no path. *news becomes a combination of the bits below.
 */
struct se_origin *se_dual_data_in(struct se_dual *d, struct se_dual_entry *e,
                                  const struct se_dual_advert *a, int is_finite, unsigned *news);
#define NEWS_CONTENT 1u   /* newer content was taken */
#define NEWS_GONE 2u      /* the originator withdrew */
#define NEWS_MENTIONED 4u /* there is something newer that we do not have */
#define NEWS_WAYS 8u      /* of a withdrawal, or its end: ways count that did not, or the reverse */
#define NEWS_NO_MEMORY 16u /* newer content was there, and could not be kept */
/* The originator's record, made when there is none. NULL as above. */
struct se_origin *se_dual_origin(struct se_dual *d, struct se_dual_entry *e, uint32_t router_id);
/* Replaces its content by that of `a`. XMB_ENOMEM, nothing changed. */
int se_dual_content(struct se_dual *d, struct se_origin *o, const struct se_dual_advert *a);
/* Tells the registry. `is_changed`: something that it shows is another now. */
void se_dual_show(struct se_dual *d, struct se_dual_entry *e, int is_changed);
/*
 * Requests of `peer` the newest that we heard of. Once, for what it says: should it have no better
 * answer than that, the two of us would go on for ever. It is asked again when it answered and
 * there was no memory for it.
 */
void se_dual_request(struct se_dual *d, struct se_dual_entry *e, unsigned peer);
/* 1 when the originator is the neighbour itself, and says less than we know: it has begun anew. */
int se_dual_is_below_held(const struct se_path *p);
/*
 * Requests content of the successor: when its own never came, or is older than what there is. The
 * request has the newest number that we heard of, so the successor, who may not have, chases too.
 */
void se_dual_chase(struct se_dual *d, struct se_dual_entry *e);
/*
 * Requests from who offers what `o` took back and was not asked, which says the same: it learns of
 * the number, or its originator does. `but`: was seen to already, or SE_DUAL_NONE.
 */
void se_dual_correct(struct se_dual *d, struct se_dual_entry *e, const struct se_origin *o,
                     unsigned but);
/* Its withdrawals are forgotten; the ways of before count again. For entries that lingered. */
void se_dual_forget(struct se_dual *d, struct se_dual_entry *e);
/* 1 when a neighbour's way is used, and what we know of a former life hides what it offers. */
int se_dual_is_hiding(const struct se_dual_entry *e);
/*
 * What is known of the originator of a hidden entry is forgotten, but for numbers of ways that are
 * lower; the ways count again, and may be asked again.
 */
void se_dual_forget_hidden(struct se_dual *d, struct se_dual_entry *e);
/* After a computation: marks originators that no path leads to. */
void se_dual_data_settle(struct se_dual_entry *e);

/* --- dual_select.c --- */

int se_distance_less(const struct se_distance *a, const struct se_distance *b);
int se_distance_equal(const struct se_distance *a, const struct se_distance *b);
void se_distance_set_infinite(struct se_distance *x);
void se_dual_distance(const struct se_dual *d, const struct se_metric *m, struct se_distance *out);
/* What `p` costs from here, as a vector. */
void se_dual_path_metric(const struct se_dual *d, const struct se_path *p, struct se_metric *out);
/* Sets p->computed again: unreachable when its originator took it back since. */
void se_dual_path_compute(const struct se_dual *d, struct se_path *p);

struct se_choice {
    const struct se_path *path; /* NULL: none is feasible */
    int has_any;                /* there is a finite one, feasible or not */
};
/* The best path: of all with the least distance one that is nearer than `limit`. */
void se_dual_choose(const struct se_dual_entry *e, const struct se_distance *limit,
                    struct se_choice *out);

/* --- dual_fsm.c --- */

/* What happened to an entry, after the table has it. */
enum se_dual_cause {
    CAUSE_CHANGE, /* `peer`'s path, or everything (SE_DUAL_NONE) */
    CAUSE_QUERY,
    CAUSE_SIA_QUERY, /* a query whose answer is an SIA reply */
    CAUSE_REPLY,
    CAUSE_DOWN /* the neighbour is gone, or the own service */
};
void se_dual_event(struct se_dual *d, struct se_dual_entry *e, enum se_dual_cause cause,
                   unsigned peer);

/* --- dual_query.c --- */

/* Asks everyone who has to be asked. The number of replies to wait for is in e->reply_count. */
void se_dual_ask(struct se_dual *d, struct se_dual_entry *e);
/* A reply of `peer` came, or none will. 1 when one was awaited. */
int se_dual_replied(struct se_dual *d, struct se_dual_entry *e, unsigned peer, int is_reply);
/* The computation is over: SIA replies that are still to come are late. */
void se_dual_ask_over(struct se_dual_entry *e);
/*
 * An SIA query or reply came. 1 when that was all; 0 when it has the meaning of a query, or of a
 * reply, and is to be treated as one.
 */
int se_dual_sia_input(struct se_dual *d, struct se_dual_entry *e, enum se_dual_message kind,
                      unsigned peer, int is_active);
/* Tells ops->timer when that changed. The last thing of each call from outside. */
void se_dual_rearm(struct se_dual *d);

/* --- dual_peer.c --- */

/* All distances, after K values or the limit of hops changed. */
void se_dual_recompute(struct se_dual *d);

/* --- dual_horizon.c --- */

/* 1 when split horizon keeps `e` from `peer` on `iface`. */
int se_dual_is_split(const struct se_dual *d, const struct se_dual_entry *e, unsigned iface,
                     unsigned peer);
/* 1 when `peer` would be told a finite distance. */
int se_dual_is_offered(const struct se_dual *d, const struct se_dual_entry *e, unsigned iface,
                       unsigned peer);
/* One message to one neighbour; notes what it was told. */
void se_dual_send(struct se_dual *d, struct se_dual_entry *e, enum se_dual_message kind,
                  unsigned peer);
void se_dual_send_sia_reply(struct se_dual *d, struct se_dual_entry *e, unsigned peer,
                            int is_active);
/* `kind` to all in SE_SET_WANT, by multicast where that is everyone on an interface. Empties it. */
void se_dual_send_wanted(struct se_dual *d, struct se_dual_entry *e, enum se_dual_message kind);
/*
 * Updates to all who do not know: everyone when `is_changed`, otherwise those who were told
 * nothing or what is no longer offered. Not to `except`.
 */
void se_dual_spread(struct se_dual *d, struct se_dual_entry *e, int is_changed, unsigned except);

#endif
