/* SPDX-License-Identifier: MIT */
/*
 * recheck.c - users that were removed, or given another password, lose their sessions.
 *
 * Policy is another module's. After a reload that touched it, or this module, every session is
 * asked about once more. The question is put without waiting: a policy module that would have to
 * answer later, fails, or does not know for now, changes nothing. A Register for which policy is
 * being asked is asked about again, or the answer of a former configuration could let it in.
 */
#include "session.h"

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

    if (s->state == ASKING || s->verdict.there)
        s->ask_again = 1;
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

/* Revoking takes no session off the list: that happens when its connection has closed. */
void xs_recheck(void *wself)
{
    const struct worker *w = wself;
    struct session *s;

    for (s = w->first; s != NULL; s = s->next)
        recheck(s);
}
