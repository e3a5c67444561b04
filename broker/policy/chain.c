/* SPDX-License-Identifier: MIT */
/*
 * chain.c - one question through the policy modules, in the order of the
 * configuration.
 *
 * The rules of <xmb/policy.h> and nothing else: the first DENY ends it, one
 * ALLOW is needed, silence is DENY, a module that fails has denied. It knows
 * nothing of waiting: when a module takes the ticket it returns PENDING, and
 * ask.c comes back with the verdict.
 *
 * Everything that is not clearly an ALLOW is a DENY here, so a mistake in a
 * module never opens a door.
 */
#include "policy/policy_priv.h"

#include "conn/conn.h"
#include "log/log.h"
#include "metrics/metrics.h"

#include <stdio.h>
#include <stdlib.h>

/* Lines a second for each kind of denial. */
#define DENIED_LINES_PER_SECOND 20

static const char *point_name(uint32_t point)
{
    switch (point) {
    case XMB_POINT_ACCEPT:
        return "accept";
    case XMB_POINT_AUTHENTICATE:
        return "authenticate";
    case XMB_POINT_AUTHORIZE:
        return "authorize";
    case XMB_POINT_PUBLISH:
        return "publish";
    case XMB_POINT_SUBSCRIBE:
        return "subscribe";
    case XMB_POINT_ROUTE:
        return "route";
    case XMB_POINT_CONTROL:
        return "control";
    default:
        return "unknown point";
    }
}

static const char *reason_name(uint32_t reason)
{
    switch (reason) {
    case XMB_DENY_POLICY:
        return "a rule says no";
    case XMB_DENY_UNKNOWN_USER:
        return "unknown user";
    case XMB_DENY_CREDENTIALS:
        return "wrong credentials";
    case XMB_DENY_REQUIRED:
        return "credentials are required";
    case XMB_DENY_LATE:
        return "late";
    case XMB_DENY_FAILED:
        return "the module failed";
    case XMB_DENY_SILENCE:
        return "no module allowed it";
    default:
        return "no reason given";
    }
}

void chain_begin(struct chain *chain)
{
    memset(chain, 0, sizeof(*chain));
    chain->next = 1;
    chain->answer.size = sizeof(chain->answer);
}

int chain_deny(struct chain *chain, uint32_t index, uint32_t reason, const char *text)
{
    principal_release(chain->answer.principal);
    chain->answer.principal = NULL;
    chain->answer.verdict = XMB_DENY;
    chain->answer.reason = reason != 0 ? reason : XMB_DENY_POLICY;
    chain->answer.text = text;
    chain->decided_by = index;
    return XMB_DENY;
}

/* Octets of it that go into a log line. */
static int shown(struct xmb_str s)
{
    return s.n < 255 ? (int)s.n : 255;
}

void chain_tell(const struct chain *chain, struct xmb_worker *w,
                const struct xmb_request *request)
{
    const struct xmb_answer *a = &chain->answer;
    int fault = a->reason == XMB_DENY_LATE || a->reason == XMB_DENY_FAILED;
    char peer[XMB_ADDR_TEXT_MAX];
    char whom[600] = "";

    core_count(w, CORE_POLICY_DENIED, 1);
    if (request->username.n > 0)
        snprintf(whom, sizeof(whom), " of user \"%.*s\"", shown(request->username),
                 request->username.p);
    else if (request->from.n > 0)
        snprintf(whom, sizeof(whom), " from %.*s to %.*s", shown(request->from),
                 request->from.p, shown(request->to), request->to.p);
    log_api.limited(module_at(chain->decided_by), fault ? XMB_LOG_WARN : XMB_LOG_INFO,
                    fault ? "policy-fault" : "policy-denied", DENIED_LINES_PER_SECOND,
                    addr_text(&request->remote, peer, sizeof(peer)),
                    "denied: %s%s, asked by %s: %s%s%s", point_name(request->point), whom,
                    request->asker != NULL ? request->asker->name : "core",
                    reason_name(a->reason), a->text != NULL ? ": " : "",
                    a->text != NULL ? a->text : "");
}

/* --- one module ------------------------------------------------------------------------------ */

/* ALLOW: counted, and the first principal that anybody vouches for is kept. */
static int take_allow(struct chain *chain, const struct xmb_request *request,
                      struct xmb_principal *principal)
{
    chain->allowed++;
    if (request->point == XMB_POINT_AUTHENTICATE && chain->answer.principal == NULL)
        chain->answer.principal = principal;
    else
        principal_release(principal);
    return XMB_ABSTAIN;
}

int chain_take(struct chain *chain, const struct xmb_request *request, uint32_t index,
               int verdict, const struct xmb_answer *answer)
{
    switch (verdict) {
    case XMB_ALLOW:
        return take_allow(chain, request, answer->principal);
    case XMB_ABSTAIN:
        principal_release(answer->principal);
        return XMB_ABSTAIN;
    case XMB_DENY:
        principal_release(answer->principal);
        return chain_deny(chain, index, answer->reason, answer->text);
    default:
        principal_release(answer->principal);
        return chain_deny(chain, index, XMB_DENY_FAILED,
                          verdict == XMB_PENDING ? "it said PENDING where it could not wait"
                                                 : answer->text);
    }
}

void policy_ticket_free(struct policy_ticket *t)
{
    if (t == NULL)
        return;
    principal_release(t->answer.principal);
    ticket_fini(&t->base);
    free(t);
}

/* The spare ticket, made out to `module` for `ask_id`. NULL: out of memory. */
static struct policy_ticket *ticket_for(struct xmb_worker *w, uint32_t module, uint64_t ask_id)
{
    struct policy_worker *pw = w->policy;
    struct policy_ticket *t = pw->spare;

    if (t != NULL && atomic_load(&t->base.given))
        t = NULL; /* given back by a module that no longer had it: not ours to hand out */
    if (t == NULL) {
        t = calloc(1, sizeof(*t));
        if (t == NULL)
            return NULL;
        ticket_init(&t->base, TICKET_POLICY, pw->box);
        t->w = w;
        pw->spare = t;
    }
    t->ask_id = ask_id;
    t->module = module;
    return t;
}

/* A module that completes the ticket and answers at once too has lost its right to either. */
static int used_both_ways(struct policy_worker *pw, struct policy_ticket *t, int verdict)
{
    if (t == NULL || verdict == XMB_PENDING || atomic_load(&t->base.given) == 0)
        return 0;
    pw->spare = NULL; /* it is on its way as a message, and will find no question */
    return 1;
}

/* Returns XMB_PENDING, or as chain_take. */
static int ask_module(struct chain *chain, struct xmb_worker *w, struct xmb_module *m,
                      const struct xmb_request *request, uint64_t ask_id)
{
    struct policy_worker *pw = w->policy;
    struct xmb_answer answer = {.size = sizeof(answer)};
    struct policy_ticket *t = NULL;
    struct module_mark mark;
    int verdict;

    if (ask_id != 0 && pw->held[m->index] >= POLICY_TICKETS_MAX)
        return chain_deny(chain, m->index, XMB_DENY_FAILED,
                          "it has left too many questions unanswered; it is asked again when it "
                          "answers");
    if (ask_id != 0 && (t = ticket_for(w, m->index, ask_id)) == NULL)
        return chain_deny(chain, 0, XMB_DENY_FAILED, "out of memory");
    mark = module_enter(m);
    verdict = m->policy.check(w->wself[m->index], request, &answer, t != NULL ? &t->base : NULL);
    module_leave(mark);
    if (used_both_ways(pw, t, verdict)) {
        principal_release(answer.principal);
        return chain_deny(chain, m->index, XMB_DENY_FAILED,
                          "it completed a ticket and answered at once too");
    }
    if (verdict == XMB_PENDING && t != NULL) {
        principal_release(answer.principal); /* what counts comes with the ticket */
        pw->spare = NULL;
        pw->held[m->index]++;
        t->counted = 1; /* read where it arrives, on this thread */
        return XMB_PENDING;
    }
    return chain_take(chain, request, m->index, verdict, &answer);
}

/* --- all of them ----------------------------------------------------------------------------- */

static int chain_end(struct chain *chain, const struct xmb_request *request)
{
    if (chain->asked == 0 && request->point == XMB_POINT_ACCEPT) {
        if (request->list != NULL)
            return chain_deny(chain, 0, XMB_DENY_POLICY,
                              "an address list must permit it, and no module knows address lists");
        chain->allowed = 1;
    }
    if (chain->allowed == 0)
        return chain_deny(chain, 0, XMB_DENY_SILENCE,
                          chain->asked == 0 ? "no module is asked at this point" : NULL);
    if (request->point == XMB_POINT_AUTHENTICATE && chain->answer.principal == NULL)
        return chain_deny(chain, 0, XMB_DENY_FAILED, "allowed, but by nobody who said who it is");
    chain->answer.verdict = XMB_ALLOW;
    return XMB_ALLOW;
}

int chain_run(struct chain *chain, struct xmb_worker *w, const struct xmb_request *request,
              uint64_t ask_id)
{
    uint32_t count = module_count();

    while (chain->next < count) {
        struct xmb_module *m = module_at(chain->next++);
        int rc;

        if ((m->policy.points & request->point) == 0 || m->policy.check == NULL)
            continue;
        chain->asked++;
        rc = ask_module(chain, w, m, request, ask_id);
        if (rc != XMB_ABSTAIN)
            return rc;
    }
    return chain_end(chain, request);
}
