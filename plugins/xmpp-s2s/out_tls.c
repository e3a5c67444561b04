/* SPDX-License-Identifier: MIT */
/*
 * out_tls.c - TLS on a stream that we open: STARTTLS, TLS from the first octet (XEP-0368), and
 * whether the certificate is that of the remote domain (xmpp-s2s.md 5; RFC 7590).
 *
 * Where the mode is tls-required, <starttls/> is sent even when it is not offered: the offer
 * stands in plain text, and whoever removes it must not win (RFC 7590, 3.1). In tls-optional a
 * failed handshake is followed by one plain connection to the same address; a certificate that
 * is wrong never is.
 */
#include "link_priv.h"

#include <stdio.h>
#include <time.h>

int s2_out_tls_wanted(const struct s2_link *l)
{
    enum s2_mode mode = s2_link_security(l)->mode;

    if (mode == S2_NO_TLS || l->current.plain ||
        s2_conf_tls(l->w->conf, l->side, &l->local) == NULL)
        return 0;
    return mode == S2_TLS_REQUIRED || (l->features & S2_F_STARTTLS) != 0;
}

void s2_out_starttls(struct s2_link *l)
{
    struct s2_text t;

    l->state = LINK_STARTTLS;
    s2_text_begin(&t);
    s2_write_starttls(&t);
    s2_link_write(l, s2_text_str(&t));
}

/* The handshake begins when the octets of <proceed/> have been taken: see read_all. */
void s2_out_proceed(struct s2_link *l, const void *what)
{
    (void)what;
    l->state = LINK_SECURING;
    s2_out_drop_reader(l);
}

void s2_out_secure(struct s2_link *l)
{
    struct s2_target *t = l->current.target;
    char session[2 * S2_DOMAIN_MAX + 16];
    struct xmb_addr ip;
    struct xmb_tls_setup setup = {
        .size = sizeof(setup),
        .profile = s2_conf_tls(l->w->conf, l->side, &l->local),
        .name = s2_domain_is_ip(&l->remote, &ip) ? NULL : l->remote.text,
        .session = session,
        .own = l->local.text,
        .alpn = t->direct ? "xmpp-server" : NULL,
        .tlsa = t->tlsa,
        .tlsa_count = t->tlsa_count,
    };
    int rc = XMB_ENOENT;

    l->state = LINK_SECURING;
    snprintf(session, sizeof(session), "%s %s %s", s2_side_name(l->side), l->local.text,
             l->remote.text);
    if (setup.profile != NULL)
        rc = s2_host->conn->secure(l->conn, &setup);
    if (rc < 0)
        s2_link_attempt_failed(l, S2_FAIL_TLS, S2_E_NONE, "no TLS session could be made (error %d)",
                               rc);
}

/* --- it did not come up ---------------------------------------------------------------------- */

static void plain_instead(struct s2_link *l, const char *why)
{
    struct s2_candidate again = l->current;

    s2_probe_failed(l, why);
    LINK_LOG(l, XMB_LOG_WARN,
             "TLS failed: %s; one connection without TLS follows, as mode tls-optional allows",
             why);
    s2_link_note(l, S2_FAIL_TLS, "TLS failed: %s", why);
    s2_link_abandon(l, S2_E_NONE, "TLS failed");
    again.plain = 1;
    l->state = LINK_CONNECT;
    s2_dialler_again(l, &again);
    s2_dialler_start(l);
}

static void failed(struct s2_link *l, const char *why)
{
    if (s2_link_security(l)->mode == S2_TLS_OPTIONAL && !l->current.target->direct)
        plain_instead(l, why);
    else
        s2_link_attempt_failed(l, S2_FAIL_TLS, S2_E_NONE, "TLS failed: %s", why);
}

void s2_out_tls_refused(struct s2_link *l, const void *what)
{
    (void)what;
    failed(l, "the peer refused to start it");
}

void s2_out_tls_lost(struct s2_link *l, const void *what)
{
    failed(l, what);
}

void s2_out_tls_late(struct s2_link *l, const void *what)
{
    (void)what;
    failed(l, "the handshake took too long");
}

/* --- it is up -------------------------------------------------------------------------------- */

static int names_text(const struct xmb_tls_peer *peer, char *text, size_t cap)
{
    const char *at = (const char *)peer->names;
    size_t i, n = 0;

    text[0] = '\0';
    for (i = 0; i < peer->name_count && i < 8 && n + 1 < cap; i++) {
        const struct xmb_cert_name *name = (const void *)at;

        n += (size_t)snprintf(text + n, cap - n, "%s%.*s", i > 0 ? ", " : "",
                              name->text.n < 64 ? (int)name->text.n : 64, name->text.p);
        at += name->size;
    }
    return n > 0;
}

/* 0: it stands for the remote domain as far as this side demands it. */
static int check_certificate(struct s2_link *l, const struct xmb_tls_peer *peer, const char **why)
{
    struct s2_cert_rule rule = {
        .chain = s2_link_security(l)->require_certificates,
        .names = s2_names_matter(l->side, s2_link_security(l)),
        .must_show = 1,
    };

    return s2_cert_check(peer, &rule, &l->remote, why);
}

/* By what is trusted and revoked now. */
static void judge(struct s2_link *l)
{
    (void)s2_host->conn->tls_recheck(l->conn, s2_conf_tls(l->w->conf, l->side, &l->local));
}

/*
 * What is demanded may have changed with the configuration, what is trusted with a TLS profile,
 * and certificates end (RFC 6120, 13.7.2.3).
 */
int s2_out_tls_holds(struct s2_link *l, const char **why)
{
    const struct s2_security *s = s2_link_security(l);
    struct xmb_tls_peer peer = {.size = sizeof(peer)};

    *why = "TLS is required now";
    if (!l->secured)
        return s->mode == S2_TLS_REQUIRED ? XMB_EDENIED : 0;
    judge(l);
    *why = "the peer's certificate has expired";
    if (s->require_certificates && l->not_after_s != 0 && l->not_after_s < (int64_t)time(NULL))
        return XMB_EDENIED;
    return s2_host->conn->tls_peer(l->conn, &peer) == 0 ? check_certificate(l, &peer, why) : 0;
}

void s2_out_secured(struct s2_link *l, const void *what)
{
    struct xmb_conn_info info = {.size = sizeof(info)};
    struct xmb_tls_peer peer = {.size = sizeof(peer)};
    const char *why = "its certificate cannot be read";
    char names[256] = "";
    int rc;

    (void)what;
    judge(l); /* a reload may have come between */
    rc = s2_host->conn->tls_peer(l->conn, &peer);
    l->secured = 1;
    s2_host->conn->info(l->conn, &info);
    if (info.tls_resumed)
        S2_COUNT(l->w, S2_M_TLS_RESUMED, 1);
    if (rc == 0)
        rc = check_certificate(l, &peer, &why);
    l->not_after_s = peer.not_after_s;
    if (rc == 0) {
        s2_out_begin(l);
        return;
    }
    names_text(&peer, names, sizeof(names));
    s2_link_attempt_failed(l, S2_FAIL_TLS, S2_E_NOT_AUTHORIZED,
                           "the peer's certificate is not accepted for %s: %s (names: %s)",
                           l->remote.text, why != NULL ? why : "refused",
                           names[0] != '\0' ? names : "none");
}
