/* SPDX-License-Identifier: MIT */
/*
 * recheck.c - users that were removed, or given another password, lose their sessions.
 *
 * Policy is another module's, and a reload that changes only that module does not tell this one.
 * So each worker asks again for a part of its sessions every second: each session at least every
 * ten seconds. After a reload of this module's own settings all are asked at once.
 *
 * The question is put without waiting: a policy module that would have to answer later, fails, or
 * does not know for now, changes nothing.
 */
#include "answer.h"
#include "session.h"

#define ROUND_MS 1000
#define ROUNDS 10 /* for all sessions */
#define AT_LEAST 64

static int ask(const struct session *s, struct xmb_answer *answer)
{
    struct xmb_request request = {.size = sizeof(request), .point = XMB_POINT_AUTHENTICATE};

    request.asker = s->worker->server->module;
    request.mechanism = s->anonymous ? XMB_MECH_ANONYMOUS : XMB_MECH_LONG_TERM_KEY;
    xs_session_remote(s, &request.remote);
    if (!s->anonymous) {
        request.username = xs_host->policy->principal_name(s->principal);
        request.realm = XMB_STR("SAF");
    }
    return xs_host->policy->ask(s->worker->w, &request, answer, NULL, NULL, NULL);
}

static const char *denied(const struct xmb_answer *answer)
{
    if (answer->reason == XMB_DENY_LATE || answer->reason == XMB_DENY_FAILED)
        return NULL;
    return "the user is no longer allowed";
}

static const char *changed(const struct session *s, const struct xmb_principal *now)
{
    const struct xmb_policy_api *policy = xs_host->policy;

    if (!xmb_str_eq(policy->principal_key(s->principal), policy->principal_key(now)))
        return "the user's password was changed";
    if (policy->principal_get(now, XMB_SETTING_DOMAIN_ONLY, 0) != 0 &&
        policy->principal_get(now, XMB_SETTING_DOMAIN, s->domain) != s->domain)
        return "the user's domain was changed";
    return NULL;
}

static void recheck(struct session *s)
{
    struct xmb_answer answer = {.size = sizeof(answer)};
    const char *why;
    int rc;

    if (s->state != REGISTERED)
        return;
    rc = ask(s, &answer);
    if (rc == XMB_ALLOW && answer.principal != NULL)
        why = changed(s, answer.principal);
    else
        why = rc == XMB_DENY ? denied(&answer) : NULL;
    xs_host->policy->principal_release(answer.principal);
    if (why != NULL)
        xs_revoke(s, why);
}

/* `count` sessions, from where the last round ended. Revoking takes none off the list. */
static void round_of(struct worker *w, uint32_t count)
{
    struct session *s = w->cursor != NULL ? w->cursor : w->first;

    while (s != NULL && count-- > 0) {
        recheck(s);
        s = s->next;
    }
    w->cursor = s;
}

static void on_timer(struct xmb_worker *w, void *arg)
{
    struct worker *worker = arg;

    (void)w;
    round_of(worker, worker->session_count / ROUNDS + AT_LEAST);
    xs_host->timer->start(worker->recheck_timer, ROUND_MS);
}

int xs_recheck_start(struct worker *w)
{
    w->recheck_timer = xs_host->timer->create(w->w, w->server->module, on_timer, w);
    if (w->recheck_timer == NULL)
        return XMB_ENOMEM;
    xs_host->timer->start(w->recheck_timer, ROUND_MS);
    return 0;
}

void xs_recheck_stop(struct worker *w)
{
    xs_host->timer->destroy(w->recheck_timer);
    w->recheck_timer = NULL;
}

void xs_recheck_all(struct worker *w)
{
    struct session *s;

    for (s = w->first; s != NULL; s = s->next)
        recheck(s);
}

void xs_recheck_forget(struct session *s)
{
    if (s->worker->cursor == s)
        s->worker->cursor = s->next;
}
