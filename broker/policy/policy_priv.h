/* SPDX-License-Identifier: MIT */
/*
 * policy_priv.h - the parts of the policy chain, for its own files.
 *
 *     ask.c        questions: asked, waiting, answered, cancelled
 *     chain.c      one question through the modules: decides, knows no waiting
 *     request.c    a request that outlives the call that asked it
 *     principal.c  principals
 */
#ifndef BROKER_POLICY_PRIV_H
#define BROKER_POLICY_PRIV_H

#include "loop/timer.h"
#include "policy/policy.h"
#include "policy/ticket.h"

/*
 * Tickets that one module may hold on one worker. Above it the module is not
 * asked and has denied: a module that never answers must not fill the memory.
 */
#define POLICY_TICKETS_MAX 4096u
#define POLICY_BUCKETS 1024u /* power of two */

/* How far a question has come. */
struct chain {
    uint32_t next;         /* index of the module to ask next */
    uint32_t asked;        /* modules asked so far */
    uint32_t allowed;      /* of them, those that said ALLOW */
    uint32_t decided_by;   /* index of the module whose DENY ended it; 0: the chain itself */
    struct xmb_answer answer; /* holds a principal until the chain ends in DENY */
};

/* Given to one module for one question; becomes the message that brings its verdict back. */
struct policy_ticket {
    struct xmb_ticket base; /* first */
    struct xmb_worker *w;   /* only to be touched on its own loop */
    uint64_t ask_id;
    uint32_t module;
    uint32_t counted; /* in policy_worker.held */
    uint32_t verdict;
    struct xmb_answer answer;
};

/* A question that waits for a module. */
struct policy_ask {
    struct policy_ask *next; /* in its bucket */
    struct xmb_worker *w;
    uint64_t id;
    struct timer_node deadline;
    struct xmb_request *request; /* our copy */
    struct chain chain;
    void (*late)(void *arg, const struct xmb_answer *answer);
    void *arg;
    uint8_t busy;      /* a module is being asked: do not free */
    uint8_t cancelled; /* while busy */
};

struct policy_worker {
    struct ticket_box *box;
    struct policy_ticket *spare; /* ready for the next question, so that asking allocates nothing */
    uint64_t last_id;
    uint32_t ask_count;
    uint32_t held[MODULES_MAX]; /* tickets that each module has */
    struct policy_ask *bucket[POLICY_BUCKETS];
};

/* chain.c */

void chain_begin(struct chain *chain);
/*
 * Asks modules from chain->next on. XMB_ALLOW or XMB_DENY: ended, chain->answer filled.
 * XMB_PENDING: a module has a ticket for `ask_id` (0: nobody may wait) and
 * chain->next is behind it.
 */
int chain_run(struct chain *chain, struct xmb_worker *w, const struct xmb_request *request,
              uint64_t ask_id);
/*
 * Takes the verdict of module `index` into the chain; consumes the reference
 * in `answer`. XMB_DENY: it ended there. XMB_ABSTAIN: go on.
 */
int chain_take(struct chain *chain, const struct xmb_request *request, uint32_t index,
               int verdict, const struct xmb_answer *answer);
/* Ends the chain in DENY. `index`: who decided. Returns XMB_DENY. */
int chain_deny(struct chain *chain, uint32_t index, uint32_t reason, const char *text);
/* Counts and logs a DENY. */
void chain_tell(const struct chain *chain, struct xmb_worker *w,
                const struct xmb_request *request);
void policy_ticket_free(struct policy_ticket *t);

/* request.c */

/* A copy with everything that `r` points to; NULL when out of memory. */
struct xmb_request *request_copy(const struct xmb_request *r);
/* Frees a copy; the password in it is wiped. NULL is fine. */
void request_free(struct xmb_request *copy);

/* principal.c; as in <xmb/policy.h> */

struct xmb_principal *principal_new(struct xmb_str name, struct xmb_str key);
void principal_set(struct xmb_principal *p, uint32_t setting, uint64_t value);
uint64_t principal_get(const struct xmb_principal *p, uint32_t setting, uint64_t absent);
struct xmb_str principal_name(const struct xmb_principal *p);
struct xmb_str principal_key(const struct xmb_principal *p);
struct xmb_principal *principal_hold(struct xmb_principal *p);
void principal_release(struct xmb_principal *p);

#endif
