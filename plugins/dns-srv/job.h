/* SPDX-License-Identifier: MIT */
/*
 * job.h - one question of the router on its way through the resolver.
 *
 *     SRV --> ADDRESSES --> TLSA --> DONE
 *      |          |                   ^
 *      +----------+-- it has ended ---+
 *
 * In each step all questions are asked at once; it is over when all are
 * answered, or when its time has passed: what is missing then counts as failed.
 *
 * Thread: the module's own, for all.
 */
#ifndef DNS_SRV_JOB_H
#define DNS_SRV_JOB_H

#include "plan.h"
#include "resolver.h"

enum dsrv_kind { DSRV_KIND_ROUTES, DSRV_KIND_ADDRESSES };

enum dsrv_step { DSRV_STEP_SRV, DSRV_STEP_ADDRESSES, DSRV_STEP_TLSA, DSRV_STEP_DONE };

/* What was asked, as it waits in the thread's queue. */
struct dsrv_request {
    struct dsrv_request *next;
    struct xmb_ticket *ticket;
    uint64_t born_ms;
    enum dsrv_kind kind;
    char name[XMB_DOMAIN_NAME_MAX + 1];
};

#define DSRV_ASKS_MAX (2 * DSRV_TARGETS_MAX)

struct dsrv_job;
struct ub_result;

/* One DNS question of the step. */
struct dsrv_ask {
    struct dsrv_job *job;
    struct ub_result *kept; /* TLSA: the plan has views of it */
    int async_id;
    uint8_t open;
    uint8_t type;   /* enum dsrv_rrtype */
    uint8_t place;  /* in what `type` fills */
};

struct dsrv_job {
    struct dsrv_job *next; /* the thread's */
    struct dsrv_request *request;
    struct dsrv_resolver *resolver; /* borrowed */
    enum dsrv_step step;
    uint64_t deadline_ms; /* of the step */
    uint32_t open_count;
    uint32_t ask_count;
    uint64_t asked_total;
    struct dsrv_ask ask[DSRV_ASKS_MAX];
    struct dsrv_srv srv[2]; /* STARTTLS, direct */
    struct dsrv_plan plan;
    char why[160]; /* the first trouble, for the log */
};

/* Takes `request` over; NULL: out of memory, and it is still the caller's. */
struct dsrv_job *dsrv_job_new(struct dsrv_request *request);
/* Begins with `resolver`, or begins again: answers that came so far are forgotten. */
void dsrv_job_begin(struct dsrv_job *job, struct dsrv_resolver *resolver, uint64_t now_ms);
/*
 * The resolver that it uses is about to be freed, which ends its questions; nothing may be asked
 * of it until the next begin.
 */
void dsrv_job_detach(struct dsrv_job *job);
/* Goes on when all is answered or `now_ms` is past the deadline. 1: it is done. */
int dsrv_job_turn(struct dsrv_job *job, uint64_t now_ms);
/* Frees it and its request; open questions are cancelled. */
void dsrv_job_free(struct dsrv_job *job);

#endif
