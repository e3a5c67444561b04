/* SPDX-License-Identifier: MIT */
/*
 * show_domains.c - show federation domains: one row for each flow.
 */
#include "show.h"

#include "flow.h"

struct listing {
    struct s2_worker *w;
    struct xmb_out *out;
};

static const struct xmb_control_api *api(void)
{
    return s2_host->control;
}

/* Seconds since, or until, `ms`; null for 0, which says never. */
static void show_when(const struct listing *l, const char *key, uint64_t ms, int ahead)
{
    uint64_t now = s2_now_ms(l->w);
    uint64_t later = ahead ? ms : now, sooner = ahead ? now : ms;

    if (ms == 0)
        api()->null(l->out, key);
    else
        api()->number(l->out, key, later > sooner ? (int64_t)((later - sooner + 999) / 1000) : 0);
}

static void show_flow(void *arg, const struct s2_flow_facts *f)
{
    const struct listing *l = arg;

    api()->row_begin(l->out);
    s2_show_domain(l->out, "from", f->from);
    s2_show_domain(l->out, "to", f->to);
    s2_show_text(l->out, "to_side", s2_side_name(f->to_side));
    s2_show_text(l->out, "state", f->state);
    api()->number(l->out, "waiting", f->waiting);
    api()->number(l->out, "waiting_bytes", (int64_t)f->waiting_bytes);
    api()->number(l->out, "unconfirmed", f->unconfirmed);
    api()->number(l->out, "delivered", (int64_t)f->delivered);
    api()->number(l->out, "bounced", (int64_t)f->bounced);
    api()->number(l->out, "resent", (int64_t)f->resent);
    s2_show_text(l->out, "last_error", f->last_error);
    show_when(l, "last_error_seconds", f->last_error != NULL ? f->last_error_ms : 0, 0);
    show_when(l, "next_try_seconds", f->next_try_ms, 1);
    api()->row_end(l->out);
}

int s2_show_domains(void *state, const struct xmb_call *call, struct xmb_out *out)
{
    struct listing l = {state, out};

    (void)call;
    api()->list_begin(out, "domains");
    s2_flow_walk(l.w, show_flow, &l);
    api()->list_end(out);
    return 0;
}
