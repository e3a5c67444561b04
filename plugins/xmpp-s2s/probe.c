/* SPDX-License-Identifier: MIT */
/*
 * probe.c - `test federation domain`: the steps of a link that is probed, as rows of the answer.
 */
#include "probe.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "link_priv.h"

static const struct xmb_control_api *api(void)
{
    return s2_host->control;
}

static void put(struct xmb_out *out, const char *key, const char *text)
{
    if (text != NULL)
        api()->text(out, key, xmb_str(text));
    else
        api()->null(out, key);
}

static void begin_row(struct s2_probe *p, const char *step, const char *result)
{
    p->has_failed = strcmp(result, "failed") == 0;
    api()->row_begin(p->out);
    put(p->out, "step", step);
    put(p->out, "result", result);
    api()->number(p->out, "ms", (int64_t)(s2_now_ms(p->w) - p->began_ms));
}

void s2_probe_row(struct s2_probe *p, const char *step, const char *result, const char *text)
{
    begin_row(p, step, result);
    put(p->out, "what", text);
    api()->row_end(p->out);
}

void s2_probe_step(const struct s2_link *l, const char *step, const char *result,
                   const char *format, ...)
{
    char text[LINK_TEXT];
    va_list args;

    if (l->probe == NULL)
        return;
    va_start(args, format);
    vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    s2_probe_row(l->probe, step, result, text);
}

static void add_names(const struct s2_probe *p, const struct xmb_tls_peer *peer)
{
    const char *at = (const char *)peer->names;
    size_t i;

    api()->list_begin(p->out, "names");
    for (i = 0; i < peer->name_count && i < 32; i++) {
        const struct xmb_cert_name *name = (const void *)at;

        api()->item(p->out, name->text);
        at += name->size;
    }
    api()->list_end(p->out);
}

/* 0: it shows no certificate, or one whose end cannot be read. */
static void add_end(const struct s2_probe *p, int64_t not_after_s)
{
    if (not_after_s != 0)
        api()->number(p->out, "expires_days", (not_after_s - (int64_t)time(NULL)) / 86400);
    else
        api()->null(p->out, "expires_days");
}

static void add_tls(struct s2_link *l, const char *result, const char *text)
{
    static const char *const dane[] = {NULL, "match", "mismatch"};
    struct xmb_tls_peer peer = {.size = sizeof(peer)};
    struct xmb_conn_info info = {.size = sizeof(info)};
    struct s2_probe *p = l->probe;

    s2_host->conn->info(l->conn, &info);
    begin_row(p, "tls", result);
    put(p->out, "what", text);
    put(p->out, "version", info.tls_version == 0x0304 ? "1.3" : "1.2");
    api()->flag(p->out, "resumed", info.tls_resumed != 0);
    if (s2_host->conn->tls_peer(l->conn, &peer) == 0) {
        put(p->out, "certificate", peer.fault == XMB_CERT_GOOD ? "good" : peer.why);
        api()->flag(p->out, "names_the_domain", s2_cert_names(&peer, &l->remote));
        put(p->out, "subject", peer.subject);
        add_end(p, peer.not_after_s);
        put(p->out, "dane", peer.dane < 3 ? dane[peer.dane] : NULL);
        add_names(p, &peer);
    }
    api()->row_end(p->out);
}

static const char *step_of(const struct s2_link *l)
{
    static const char *const names[LINK_STATES] = {
        [LINK_RESOLVE] = "route",    [LINK_CONNECT] = "connect", [LINK_HEADER] = "stream",
        [LINK_FEATURES] = "features", [LINK_STARTTLS] = "tls",   [LINK_SECURING] = "tls",
        [LINK_AUTH] = "external",    [LINK_READY] = "dialback",
    };

    return names[l->state] != NULL ? names[l->state] : "stream";
}

void s2_probe_failed(struct s2_link *l, const char *why)
{
    if (l->probe == NULL)
        return;
    if (l->state == LINK_SECURING && l->secured && l->conn != NULL)
        add_tls(l, "failed", why);
    else if (l->probe->is_ours && l->own)
        s2_probe_row(l->probe, step_of(l), "ok", "it is an address of this gateway");
    else
        s2_probe_row(l->probe, step_of(l), "failed", why);
}

void s2_probe_over(struct s2_link *l)
{
    if (l->probe != NULL && !l->probe->has_failed && l->end.kind != S2_FAIL_IDLE)
        s2_probe_failed(l, l->end.text);
}

static void features(const struct s2_link *l)
{
    static const struct {
        uint32_t bit;
        const char *name;
    } all[] = {{S2_F_STARTTLS, "STARTTLS"}, {S2_F_EXTERNAL, "EXTERNAL"},
               {S2_F_DIALBACK, "dialback"}, {S2_F_BIDI, "bidi"},
               {S2_F_SM, "acknowledgements"}, {S2_F_LIMITS, "limits"}};
    char text[128] = "";
    size_t i, n = 0;

    for (i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
        if (l->features & all[i].bit)
            n += (size_t)snprintf(text + n, sizeof(text) - n, "%s%s", n > 0 ? ", " : "",
                                  all[i].name);
    }
    s2_probe_step(l, "features", "ok", "%s", n > 0 ? text : "none that we know");
}

void s2_probe_moved(struct s2_link *l, unsigned before)
{
    if (l->state == LINK_CONNECT || l->state >= LINK_CLOSING)
        return; /* it failed: that was told */
    if (before == LINK_HEADER)
        s2_probe_step(l, "stream", "ok", "%s answers", l->peer);
    else if (before == LINK_FEATURES)
        features(l);
    else if (before == LINK_SECURING)
        add_tls(l, "ok", "the certificate is accepted for the domain");
    else if (before == LINK_AUTH && l->authenticated)
        s2_probe_step(l, "external", "ok", "our certificate proves %s there", l->local.text);
    else if (before == LINK_AUTH)
        s2_probe_step(l, "external", "refused", "dialback follows");
}
