/* SPDX-License-Identifier: MIT */
/*
 * show_status.c - show federation status: is it active, how is it set, and the list of what has to
 * be in order (R60, R65).
 *
 * What is the same everywhere is said by worker 0 alone; numbers of streams are added over all.
 */
#include "show.h"

#include <inttypes.h>
#include <stdio.h>
#include <sys/timex.h>

#include "health.h"
#include "own.h"
#include "privacy.h"

static const struct xmb_control_api *api(void)
{
    return s2_host->control;
}

static size_t listens_on(const struct s2_conf *c, enum s2_side side)
{
    size_t i, n = 0;

    for (i = 0; i < c->listen_count; i++)
        n += c->listens[i].side == side;
    return n;
}

/* --- active, or not -------------------------------------------------------------------------- */

/* How many local domains were found unreachable; the first reason is left in `why`. */
static size_t count_down(const struct s2_worker *w, char *why, size_t cap)
{
    const struct s2_conf *c = w->conf;
    char text[S2_HEALTH_WHY];
    size_t i, n = 0;

    for (i = 0; i < c->local_count; i++) {
        if (s2_health_read(w->module->health, &c->locals[i].name, text) != S2_REACH_DOWN)
            continue;
        if (n++ == 0)
            snprintf(why, cap, "%s: %s", c->locals[i].name.text, text);
    }
    return n;
}

/* 1 when active; `why` may be filled in either case. */
static int judge(const struct s2_worker *w, char *why, size_t cap)
{
    const struct s2_conf *c = w->conf;

    why[0] = '\0';
    if (!c->enabled)
        snprintf(why, cap, "it is switched off (<federation use=\"no\">)");
    else if (c->local_count == 0)
        snprintf(why, cap, "there is no local domain");
    else if (listens_on(c, S2_OUTSIDE) == 0)
        snprintf(why, cap, "there is no listener outside");
    else if (listens_on(c, S2_INSIDE) == 0)
        snprintf(why, cap, "there is no listener inside");
    else
        return count_down(w, why, cap) < c->local_count;
    return 0;
}

static void show_judgement(const struct s2_worker *w, struct xmb_out *out)
{
    char why[S2_HEALTH_WHY + S2_DOMAIN_MAX + 8];
    int active = judge(w, why, sizeof(why));

    s2_show_text(out, "status", active ? "active" : "inactive");
    s2_show_text(out, "reason", why[0] != '\0' ? why : NULL);
}

/* --- how it is set --------------------------------------------------------------------------- */

static void show_side(const struct s2_conf *c, enum s2_side side, struct xmb_out *out)
{
    const struct s2_security *s = &c->security[side];

    api()->row_begin(out);
    s2_show_text(out, "side", s2_side_name(side));
    s2_show_text(out, "mode", s2_mode_name(s->mode));
    api()->flag(out, "require_client_certificates", s->require_certificates);
    api()->flag(out, "accept_no_certificate", s->accept_no_certificate);
    s2_show_text(out, "authentication", s->external ? "both" : "dialback");
    api()->flag(out, "direct_tls", s->direct_tls);
    api()->flag(out, "bidi", s->bidi);
    s2_show_text(out, "tls_profile", s->tls);
    api()->flag(out, "dialback_secret", (c->secrets_given & (UINT32_C(1) << side)) != 0);
    api()->row_end(out);
}

/* The port of listener `i`: what a configured 0 became, where the broker can tell. */
static uint16_t port_of(const struct s2_worker *w, size_t i)
{
    struct xmb_addr bound;

    if (XMB_HAS(s2_host->conn, listener) &&
        s2_host->conn->listener(w->module->module, (uint32_t)i, 0, &bound) == 0)
        return bound.port;
    return w->conf->listens[i].port;
}

static void show_listens(const struct s2_worker *w, struct xmb_out *out)
{
    const struct s2_conf *c = w->conf;
    const struct s2_listen *l;
    size_t i;

    api()->list_begin(out, "listening");
    for (i = 0; i < c->listen_count; i++) {
        l = &c->listens[i];
        api()->row_begin(out);
        s2_show_text(out, "side", s2_side_name(l->side));
        s2_show_text(out, "kind", l->component >= 0 ? "component" : "server");
        s2_show_text(out, "address", l->address != NULL ? l->address : "*");
        api()->number(out, "port", port_of(w, i));
        s2_show_text(out, "tls_profile", l->tls);
        api()->flag(out, "direct_tls", l->direct);
        api()->row_end(out);
    }
    api()->list_end(out);
}

static void show_locals(const struct s2_worker *w, struct xmb_out *out)
{
    static const char *const words[] = {"untried", "reachable", "unreachable"};
    const struct s2_conf *c = w->conf;
    char why[S2_HEALTH_WHY];
    enum s2_reach reach;
    size_t i;

    api()->list_begin(out, "local_domains");
    for (i = 0; i < c->local_count; i++)
        api()->item(out, s2_domain_str(&c->locals[i].name));
    api()->list_end(out);
    api()->list_begin(out, "inside");
    for (i = 0; i < c->local_count; i++) {
        reach = s2_health_read(w->module->health, &c->locals[i].name, why);
        api()->row_begin(out);
        s2_show_domain(out, "domain", &c->locals[i].name);
        api()->number(out, "servers", (int64_t)c->locals[i].server_count);
        api()->flag(out, "component", c->locals[i].component);
        s2_show_text(out, "state", words[reach]);
        s2_show_text(out, "reason", why[0] != '\0' ? why : NULL);
        api()->row_end(out);
    }
    api()->list_end(out);
}

static void show_privacy(const struct s2_privacy *p, struct xmb_out *out)
{
    s2_show_text(out, "privacy_mode", p != NULL ? p->mode() : NULL);
    if (p != NULL)
        api()->number(out, "domains_listed", p->listed());
    else
        api()->null(out, "domains_listed");
}

/* --- what has to be in order (R65) ----------------------------------------------------------- */

static void check(struct xmb_out *out, const char *name, int ok, const char *what)
{
    api()->row_begin(out);
    s2_show_text(out, "check", name);
    s2_show_text(out, "result", ok ? "ok" : "missing");
    s2_show_text(out, "what", what);
    api()->row_end(out);
}

static int on_port(const struct s2_conf *c, enum s2_side side, uint16_t port)
{
    size_t i;

    for (i = 0; i < c->listen_count; i++) {
        if (c->listens[i].side == side && c->listens[i].port == port)
            return 1;
    }
    return 0;
}

/* R46: certificates and dialback need no common clock, but logs of several servers do. */
static int clock_is_set(void)
{
    struct timex t = {.modes = 0};
    int state = ntp_adjtime(&t); /* negative where it may not be asked */

    return state >= 0 && state != TIME_ERROR;
}

/* R30: an allow list with nobody in it lets only domains with static routes through. */
static void check_lists(const struct s2_privacy *p, struct xmb_out *out)
{
    const char *mode = p != NULL ? p->mode() : NULL;

    if (mode == NULL)
        check(out, "lists", 0, "allow-deny is not loaded: another module must allow domains");
    else if (strcmp(mode, "allow-list") == 0 && p->listed() == 0)
        check(out, "lists", 0, "the allow list is empty: only static routes let a domain through");
    else
        check(out, "lists", 1, mode);
}

static void check_certificates(const struct s2_conf *c, struct xmb_out *out)
{
    char why[512] = "";
    size_t n = s2_own_count(c, why, sizeof(why));

    check(out, "certificates", n == 0,
          n > 0 ? why : "each local domain stands in the one that is shown for it outside");
}

static void show_checks(const struct s2_worker *w, struct xmb_out *out)
{
    const struct s2_conf *c = w->conf;
    char why[S2_HEALTH_WHY + S2_DOMAIN_MAX + 8] = "";
    size_t down = count_down(w, why, sizeof(why));

    api()->list_begin(out, "checks");
    check(out, "federation", c->enabled, "<federation use=>");
    check(out, "local domains", c->local_count > 0, "at least one <local-domain>");
    check(out, "port outside", on_port(c, S2_OUTSIDE, 5269),
          "a listener on 5269, where other servers look");
    check(out, "port inside", on_port(c, S2_INSIDE, 5269),
          "a listener on 5269, where servers inside are sent by inside-dns");
    check(out, "servers inside", down == 0, down > 0 ? why : "none was found unreachable");
    check(out, "dialback secret", (c->secrets_given & 1) != 0,
          "one secret for all nodes of the site, outside");
    check_certificates(c, out);
    check_lists(w->module->privacy, out);
    check(out, "clock", clock_is_set(), "kept by NTP");
    api()->list_end(out);
}

int s2_show_status(void *state, const struct xmb_call *call, struct xmb_out *out)
{
    const struct s2_worker *w = state;

    (void)call;
    if (w->index == 0) {
        show_judgement(w, out);
        show_locals(w, out);
        s2_show_text(out, "security_mode", s2_mode_name(w->conf->security[S2_OUTSIDE].mode));
        show_privacy(w->module->privacy, out);
        api()->list_begin(out, "security");
        show_side(w->conf, S2_OUTSIDE, out);
        show_side(w->conf, S2_INSIDE, out);
        api()->list_end(out);
        show_listens(w, out);
        show_checks(w, out);
    }
    api()->sum(out, "streams_incoming", (int64_t)w->cells[S2_M_STREAMS_IN]);
    api()->sum(out, "streams_outgoing", (int64_t)w->cells[S2_M_STREAMS_OUT]);
    api()->sum(out, "queued", (int64_t)w->cells[S2_M_QUEUED]);
    api()->sum(out, "unconfirmed", (int64_t)w->cells[S2_M_UNCONFIRMED]);
    return 0;
}
