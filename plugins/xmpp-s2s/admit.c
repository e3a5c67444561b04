/* SPDX-License-Identifier: MIT */
/*
 * admit.c - sides first, then the policy chain.
 *
 * The sides are the border itself (rules G1 and G2): they are looked up in the configuration and no
 * policy module can change them. The chain is asked about the foreign domain. A question that waits
 * is kept in a list of the worker, since the host's answer brings back one pointer only, and the
 * asker may go away meanwhile.
 */
#include "admit.h"

#include <stdlib.h>

struct s2_asking {
    struct s2_asking *next;
    struct s2_worker *w;
    uint64_t id;      /* ours */
    uint64_t host_id; /* the chain's */
    void (*late)(void *arg, enum s2_admission result);
    void *arg;
};

const char *s2_admission_text(enum s2_admission a)
{
    static const char *const texts[] = {
        "allowed",
        "policy has not answered yet",
        "it claims a local domain, and comes from outside",
        "it claims a domain that is not local, and comes from inside",
        "the domain that it is for is not served here",
        "both domains are local, so it does not belong on the border",
        "policy does not allow the foreign domain",
        "federation is switched off",
    };

    return texts[a];
}

enum s2_admission s2_admit_sides(const struct s2_conf *c, enum s2_side side,
                                 const struct s2_domain *from, const struct s2_domain *to)
{
    if (!c->enabled)
        return S2_ADMIT_OFF;
    if (side == S2_OUTSIDE) {
        if (s2_conf_local(c, from) != NULL)
            return S2_ADMIT_LOCAL_FROM;
        return to != NULL && s2_conf_local(c, to) == NULL ? S2_ADMIT_NOT_SERVED : S2_ADMIT_OK;
    }
    if (s2_conf_local(c, from) == NULL)
        return S2_ADMIT_FOREIGN_FROM;
    return to != NULL && s2_conf_local(c, to) != NULL ? S2_ADMIT_LOCAL_TO : S2_ADMIT_OK;
}

/* --- the chain ------------------------------------------------------------------------------- */

static enum s2_admission judge(struct s2_worker *w, uint32_t verdict,
                               const struct xmb_answer *answer)
{
    s2_host->policy->principal_release(answer->principal);
    if (verdict == XMB_ALLOW)
        return S2_ADMIT_OK;
    S2_COUNT(w, S2_M_DENIED, 1);
    return S2_ADMIT_DENIED;
}

/* Takes the question of that id out of the list; NULL when it is not there any more. */
static struct s2_asking *take(struct s2_worker *w, uint64_t id)
{
    struct s2_asking **at = &w->admits;
    struct s2_asking *a;

    while (*at != NULL && (*at)->id != id)
        at = &(*at)->next;
    a = *at;
    if (a != NULL)
        *at = a->next;
    return a;
}

static void on_late(void *arg, const struct xmb_answer *answer)
{
    struct s2_asking *a = take(((struct s2_asking *)arg)->w, ((struct s2_asking *)arg)->id);
    enum s2_admission result = judge(a->w, answer->verdict, answer);

    a->late(a->arg, result);
    free(a);
}

static struct xmb_request question(const struct s2_worker *w, enum s2_side side,
                                   const struct s2_domain *from, const struct s2_domain *to,
                                   const struct xmb_addr *remote)
{
    struct xmb_request r = {
        .size = sizeof(r),
        .point = XMB_POINT_ROUTE,
        .asker = w->module->module,
        .from = s2_domain_str(from),
        .to = s2_domain_str(to),
        .foreign = s2_domain_str(side == S2_OUTSIDE ? from : to),
    };

    if (remote != NULL)
        r.remote = *remote;
    return r;
}

enum s2_admission s2_admit(struct s2_worker *w, enum s2_side side, const struct s2_domain *from,
                           const struct s2_domain *to, const struct xmb_addr *remote,
                           void (*late)(void *arg, enum s2_admission result), void *arg,
                           uint64_t *ask_id)
{
    enum s2_admission sides = s2_admit_sides(w->conf, side, from, to);
    struct xmb_request request = question(w, side, from, to, remote);
    struct xmb_answer answer = {.size = sizeof(answer)};
    struct s2_asking *a;
    int verdict;

    if (sides != S2_ADMIT_OK)
        return sides;
    a = calloc(1, sizeof(*a));
    if (a == NULL)
        return S2_ADMIT_DENIED; /* nobody passes because memory is short */
    a->w = w;
    a->id = ++w->admit_count;
    a->late = late;
    a->arg = arg;
    verdict = s2_host->policy->ask(w->worker, &request, &answer, on_late, a, &a->host_id);
    if (verdict != XMB_PENDING) {
        free(a);
        return judge(w, (uint32_t)verdict, &answer);
    }
    a->next = w->admits;
    w->admits = a;
    *ask_id = a->id;
    return S2_ADMIT_LATER;
}

void s2_admit_cancel(struct s2_worker *w, uint64_t ask_id)
{
    struct s2_asking *a = take(w, ask_id);

    if (a == NULL)
        return;
    s2_host->policy->cancel(w->worker, a->host_id);
    free(a);
}

void s2_admit_fini(struct s2_worker *w)
{
    while (w->admits != NULL)
        s2_admit_cancel(w, w->admits->id);
}
