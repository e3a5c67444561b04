/* SPDX-License-Identifier: MIT */
/*
 * job.c - the steps of a question: what is asked in each, and where the answers
 * go. What answers mean is plan.c's business.
 *
 * A callback of libunbound only stores; a job goes on in dsrv_job_turn.
 */
#include "job.h"

#include "wire.h"

#include <stdio.h>
#include <stdlib.h>
#include <unbound.h>

#define NAME_BYTES (XMB_DOMAIN_NAME_MAX + 1)

enum { STARTTLS, DIRECT }; /* in dsrv_job.srv */

#define LATE 1 /* beside the errors of libunbound, which are negative */

/* --- answers --------------------------------------------------------------------------------- */

static const char *type_text(uint8_t type)
{
    switch (type) {
    case DSRV_SRV:
        return "SRV";
    case DSRV_A:
        return "A";
    case DSRV_AAAA:
        return "AAAA";
    default:
        return "TLSA";
    }
}

static void note_trouble(struct dsrv_job *job, const struct dsrv_ask *ask, int error,
                         const struct ub_result *r)
{
    const char *type = type_text(ask->type);

    if (job->why[0] != '\0')
        return;
    if (error == LATE)
        snprintf(job->why, sizeof(job->why), "%s: no answer within %u ms", type,
                 job->resolver->settings.query_ms);
    else if (r == NULL)
        snprintf(job->why, sizeof(job->why), "%s: %s", type, ub_strerror(error));
    else if (r->bogus)
        snprintf(job->why, sizeof(job->why), "%s of %s is bogus: %s", type, r->qname,
                 r->why_bogus != NULL ? r->why_bogus : "validation failed");
    else
        snprintf(job->why, sizeof(job->why), "%s of %s: %s", type, r->qname,
                 r->rcode == 2 ? "SERVFAIL" : r->rcode == 5 ? "REFUSED" : "no usable answer");
}

/* Takes `r` over. NULL: it failed, or is late. */
static void store(struct dsrv_ask *ask, int error, struct ub_result *r)
{
    struct dsrv_job *job = ask->job;
    struct dsrv_addrs *addrs;
    uint8_t outcome;

    switch (ask->type) {
    case DSRV_SRV:
        dsrv_read_srv(error, r, &job->srv[ask->place]);
        outcome = job->srv[ask->place].outcome;
        break;
    case DSRV_TLSA:
        dsrv_read_tlsas(error, r, &job->plan.pin[ask->place].answer);
        outcome = job->plan.pin[ask->place].answer.outcome;
        ask->kept = r;
        break;
    default:
        addrs = &job->plan.host[ask->place].addrs[ask->type == DSRV_A];
        dsrv_read_addrs(error, r, ask->type == DSRV_A ? 4 : 6, addrs);
        outcome = addrs->outcome;
        break;
    }
    if (outcome >= DSRV_FAILED)
        note_trouble(job, ask, error, r);
    if (ask->kept == NULL)
        ub_resolve_free(r);
}

static void answered(void *arg, int error, struct ub_result *r)
{
    struct dsrv_ask *ask = arg;

    ask->open = 0;
    ask->job->open_count--;
    store(ask, error, r);
}

/* --- questions ------------------------------------------------------------------------------- */

static void ask(struct dsrv_job *job, const char *name, uint8_t type, uint8_t place)
{
    struct dsrv_ask *a = &job->ask[job->ask_count++];
    int rc;

    *a = (struct dsrv_ask){.job = job, .type = type, .place = place, .open = 1};
    job->open_count++;
    job->asked_total++;
    rc = ub_resolve_async(job->resolver->ctx, name, type, DSRV_CLASS_IN, a, answered,
                          &a->async_id);
    if (rc != 0)
        answered(a, rc, NULL);
}

static void ask_srv(struct dsrv_job *job, const char *service, uint8_t place)
{
    char name[NAME_BYTES];
    int n = snprintf(name, sizeof(name), "_%s._tcp.%s", service, job->request->name);

    if (n < (int)sizeof(name))
        ask(job, name, DSRV_SRV, place);
    else
        job->srv[place].outcome = DSRV_NONE; /* no name is so long */
}

static void ask_hosts(struct dsrv_job *job)
{
    uint32_t i;

    job->ask_count = 0;
    for (i = 0; i < job->plan.host_count; i++) {
        ask(job, job->plan.host[i].name, DSRV_AAAA, (uint8_t)i);
        ask(job, job->plan.host[i].name, DSRV_A, (uint8_t)i);
    }
}

static void ask_pins(struct dsrv_job *job)
{
    char name[NAME_BYTES];
    uint32_t i;

    job->ask_count = 0; /* this step is the last one: what it keeps stays */
    for (i = 0; i < job->plan.pin_count; i++) {
        struct dsrv_pin *pin = &job->plan.pin[i];
        int n = snprintf(name, sizeof(name), "_%u._tcp.%s", pin->port,
                         job->plan.host[pin->host].name);

        if (n < (int)sizeof(name))
            ask(job, name, DSRV_TLSA, (uint8_t)i);
        else
            pin->answer.outcome = DSRV_NONE;
    }
}

/* Frees what the step has; what is open is cancelled and, when `late`, counts as failed. */
static void close_asks(struct dsrv_job *job, int late)
{
    uint32_t i;

    for (i = 0; i < job->ask_count; i++) {
        struct dsrv_ask *a = &job->ask[i];

        if (a->open) {
            ub_cancel(job->resolver->ctx, a->async_id);
            a->open = 0;
            if (late)
                store(a, LATE, NULL);
        }
        if (!late) {
            ub_resolve_free(a->kept);
            a->kept = NULL;
        }
    }
    job->open_count = 0;
}

/* --- steps ----------------------------------------------------------------------------------- */

static enum dsrv_step to_hosts(struct dsrv_job *job)
{
    if (job->plan.status != 0)
        return DSRV_STEP_DONE;
    ask_hosts(job);
    return DSRV_STEP_ADDRESSES;
}

static enum dsrv_step after_srv(struct dsrv_job *job)
{
    dsrv_plan_srv(&job->plan, job->request->name, &job->srv[STARTTLS], &job->srv[DIRECT],
                  job->resolver->settings.fall_back);
    return to_hosts(job);
}

static enum dsrv_step after_addresses(struct dsrv_job *job)
{
    dsrv_plan_tlsa(&job->plan);
    ask_pins(job);
    return DSRV_STEP_TLSA;
}

static enum dsrv_step after_tlsa(struct dsrv_job *job)
{
    (void)job;
    return DSRV_STEP_DONE;
}

/* What follows when a step is over. */
static enum dsrv_step (*const after[DSRV_STEP_DONE])(struct dsrv_job *job) = {
    [DSRV_STEP_SRV] = after_srv,
    [DSRV_STEP_ADDRESSES] = after_addresses,
    [DSRV_STEP_TLSA] = after_tlsa,
};

int dsrv_job_turn(struct dsrv_job *job, uint64_t now_ms)
{
    if (job->open_count > 0 && now_ms >= job->deadline_ms)
        close_asks(job, 1);
    while (job->open_count == 0 && job->step != DSRV_STEP_DONE) {
        job->deadline_ms = now_ms + job->resolver->settings.query_ms;
        job->step = after[job->step](job);
    }
    return job->step == DSRV_STEP_DONE;
}

/* --- life ------------------------------------------------------------------------------------ */

struct dsrv_job *dsrv_job_new(struct dsrv_request *request)
{
    struct dsrv_job *job = calloc(1, sizeof(*job));

    if (job != NULL)
        job->request = request;
    return job;
}

void dsrv_job_begin(struct dsrv_job *job, struct dsrv_resolver *resolver, uint64_t now_ms)
{
    const struct dsrv_settings *s = &resolver->settings;

    job->resolver = resolver;
    job->ask_count = 0;
    job->why[0] = '\0';
    job->deadline_ms = now_ms + s->query_ms;
    memset(job->srv, 0, sizeof(job->srv));
    if (job->request->kind == DSRV_KIND_ADDRESSES) {
        dsrv_plan_addresses(&job->plan, job->request->name);
        job->step = to_hosts(job);
        return;
    }
    job->step = DSRV_STEP_SRV;
    ask_srv(job, s->starttls, STARTTLS);
    if (s->direct[0] != '\0')
        ask_srv(job, s->direct, DIRECT);
}

void dsrv_job_detach(struct dsrv_job *job)
{
    close_asks(job, 0);
    job->resolver = NULL;
}

void dsrv_job_free(struct dsrv_job *job)
{
    if (job == NULL)
        return;
    close_asks(job, 0);
    free(job->request);
    free(job);
}
