/* SPDX-License-Identifier: MIT */
/*
 * probe_run.c - `test federation domain`: the command, and the life of one test.
 *
 * The link is one like others but for `probe`: it is not shared, asks for no second direction, and
 * is let go when its pair is verified. Whether policy would let a stanza through is asked first and
 * told as a step; the rest is tried in any case, since that is what an operator wants to know
 * before he allows a domain.
 */
#include <stdio.h>
#include <stdlib.h>

#include "admit.h"
#include "link_priv.h"
#include "show.h"

#define PROBES_MAX 8 /* of one worker */
#define PROBE_MS 90000
#define ANSWER_MS (PROBE_MS + 5000)

static const struct xmb_control_api *api(void)
{
    return s2_host->control;
}

/* --- life ------------------------------------------------------------------------------------ */

static void unlink_probe(struct s2_probe *p)
{
    struct s2_probe **at = &p->w->probes;

    while (*at != p)
        at = &(*at)->next;
    *at = p->next;
}

/* The link goes on without us, and ends when nobody else wants it. */
static void end(struct s2_probe *p, const char *result, const char *reason)
{
    api()->list_end(p->out);
    s2_show_text(p->out, "result", result);
    s2_show_text(p->out, "reason", reason);
    api()->number(p->out, "ms", (int64_t)(s2_now_ms(p->w) - p->began_ms));
    api()->finish(p->out);
    if (p->is_asking)
        s2_admit_cancel(p->w, p->ask_id);
    if (p->link != NULL)
        p->link->probe = NULL;
    if (p->lease != NULL)
        s2_lease_close(p->lease);
    s2_host->timer->destroy(p->timer);
    unlink_probe(p);
    free(p);
}

/*
 * Behind address translation only the answer tells: no common server refuses its own name so. The
 * condition, not what the peer writes behind it (link_close.c).
 */
static int leads_here(const struct s2_probe *p, const struct s2_failure *f)
{
    return (p->link != NULL && p->link->own && f->kind == S2_FAIL_NO_DOMAIN) ||
           strstr(f->text, "ended the stream with invalid-from") != NULL;
}

static void end_ours(struct s2_probe *p, const struct s2_failure *f)
{
    char text[LINK_TEXT + 64];

    if (leads_here(p, f)) {
        end(p, "ok", "what the world is told of the domain leads here");
        return;
    }
    snprintf(text, sizeof(text), "what the world is told of the domain does not lead here: %s",
             f->text);
    end(p, "failed", text);
}

static void ready(void *arg, struct s2_lease *e)
{
    struct s2_probe *p = arg;

    if (p->is_ours) {
        end(p, "failed", "another server answers for the domain: its federation must be off");
        return;
    }
    if (!e->external)
        s2_probe_row(p, "dialback", "ok", "the peer has verified our domain");
    end(p, "ok", NULL);
}

static void failed(void *arg, const struct s2_failure *f)
{
    struct s2_probe *p = arg;

    p->lease = NULL;
    if (p->is_ours) {
        end_ours(p, f);
        return;
    }
    if (!p->has_failed && (f->kind == S2_FAIL_REFUSED || f->kind == S2_FAIL_DIALBACK))
        s2_probe_row(p, "dialback", "failed", f->text);
    end(p, "failed", f->text);
}

static void ended(void *arg, const struct s2_failure *f, uint64_t left, uint64_t acked)
{
    (void)left;
    (void)acked;
    failed(arg, f);
}

static void nothing(void *arg, struct s2_lease *e)
{
    (void)arg;
    (void)e;
}

static const struct s2_lease_events events = {
    .ready = ready, .writable = nothing, .failed = failed, .ended = ended};

static void connect_it(struct s2_probe *p)
{
    int rc = s2_lease_probe(p->w, &p->local, &p->remote, &events, p, &p->lease);

    if (rc != 0) {
        end(p, "failed", "too many streams are open, or there is no memory");
        return;
    }
    p->link = p->lease->link;
    p->link->probe = p;
}

static void judged(void *arg, enum s2_admission a)
{
    struct s2_probe *p = arg;

    p->is_asking = 0;
    s2_probe_row(p, "policy", a == S2_ADMIT_OK ? "ok" : "denied",
            a == S2_ADMIT_OK ? "stanzas to the domain are let through" : s2_admission_text(a));
    connect_it(p);
}

static void late(struct xmb_worker *worker, void *arg)
{
    (void)worker;
    end(arg, "failed", "it took longer than 90 s");
}

void s2_probes_end(struct s2_worker *w)
{
    while (w->probes != NULL)
        end(w->probes, "failed", "the broker stops");
}

/* --- the command ----------------------------------------------------------------------------- */

static struct s2_probe *probe_new(struct s2_worker *w, const struct s2_domain *local,
                                  const struct s2_domain *remote, struct xmb_out *out)
{
    struct s2_probe *p = calloc(1, sizeof(*p));

    if (p == NULL)
        return NULL;
    p->timer = s2_host->timer->create(w->worker, w->module->module, late, p);
    if (p->timer == NULL) {
        free(p);
        return NULL;
    }
    p->w = w;
    p->out = out;
    p->local = *local;
    p->remote = *remote;
    p->began_ms = s2_now_ms(w);
    p->next = w->probes;
    w->probes = p;
    s2_host->timer->start(p->timer, PROBE_MS);
    return p;
}

static int begin(struct s2_worker *w, const struct s2_domain *local,
                 const struct s2_domain *remote, struct xmb_out *out)
{
    struct s2_probe *p = w->probes;
    enum s2_admission a;
    unsigned n = 0;

    for (; p != NULL; p = p->next)
        n++;
    if (n >= PROBES_MAX || (p = probe_new(w, local, remote, out)) == NULL)
        return api()->error(out, "too many tests are under way, or there is no memory");
    (void)api()->later(out, ANSWER_MS);
    s2_show_domain(out, "domain", remote);
    s2_show_domain(out, "local_domain", local);
    api()->list_begin(out, "steps");
    if (s2_conf_local(w->conf, remote) != NULL) {
        p->is_ours = 1;
        connect_it(p);
        return 0;
    }
    a = s2_admit(w, S2_INSIDE, local, remote, NULL, judged, p, &p->ask_id);
    p->is_asking = a == S2_ADMIT_LATER;
    if (!p->is_asking)
        judged(p, a);
    return 0;
}

/* The one that is named, else the first. */
static const struct s2_local *local_of(const struct s2_conf *c, const char *name)
{
    struct s2_domain d;

    if (name == NULL)
        return c->local_count > 0 ? &c->locals[0] : NULL;
    return s2_domain_read(xmb_str(name), &d) == 0 ? s2_conf_local(c, &d) : NULL;
}

int s2_probe_run(void *state, const struct xmb_call *call, struct xmb_out *out)
{
    struct s2_worker *w = state;
    const char *name = call->arg_count > 1 ? call->args[1] : NULL;
    const struct s2_local *local = local_of(w->conf, name);
    struct s2_domain remote;

    if (call->arg_count < 1 || s2_domain_read(xmb_str(call->args[0]), &remote) < 0)
        return api()->error(out, "which foreign domain: %s is none",
                            call->arg_count > 0 ? call->args[0] : "");
    if (s2_conf_local(w->conf, &remote) != NULL && name == NULL)
        local = s2_conf_local(w->conf, &remote);
    else if (s2_conf_local(w->conf, &remote) != NULL)
        return api()->error(out, "%s is a local domain: test it alone", remote.text);
    if (local == NULL)
        return api()->error(out, "%s is no local domain", name != NULL ? name : "there");
    if (w->is_draining)
        return api()->error(out, "the broker stops");
    if (s2_flow_owner(w, &remote) != w->index)
        return 0; /* another worker does it */
    return begin(w, &local->name, &remote, out);
}
