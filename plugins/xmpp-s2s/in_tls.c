/* SPDX-License-Identifier: MIT */
/*
 * in_tls.c - STARTTLS on an incoming stream, and what the peer's certificate is good for
 * (RFC 6120, 5; xmpp-s2s.md 5.1 to 5.3).
 *
 * Nothing that came in plain outlives the handshake: pairs, questions and the reader go, and an
 * octet behind <starttls/> ends the stream, since it can only be meant to be taken for an
 * encrypted one.
 */
#include "in_priv.h"

int s2_in_starttls(struct s2_incoming *s, const struct in_input *in)
{
    if (s2_conf_tls(s->w->conf, (enum s2_side)s->side, &s->to) == NULL)
        return s2_in_starttls_refused(s, in);
    s->state = IN_SECURING; /* s2_in_secure follows as soon as the reader has returned */
    return IN_STOP;
}

/* There is no certificate, TLS is on already, or a pair was verified without it. */
int s2_in_starttls_refused(struct s2_incoming *s, const struct in_input *in)
{
    struct s2_text t;

    (void)in;
    IN_LOG(s, XMB_LOG_INFO, "starttls-refused", "starttls (%s) is refused; the stream is closed",
           s->secure ? "a second one" : "not on offer");
    s2_text_begin(&t);
    s2_write_tls_failure(&t);
    if (s2_in_send(s, &t)) {
        s->state = IN_ENDING; /* the failure carries our end tag */
        s2_in_over(s, in);
    }
    return IN_STOP;
}

/* `proceed` leaves in plain, then the handshake begins. */
static int proceed(struct s2_incoming *s)
{
    struct xmb_tls_setup setup = {.size = sizeof(setup), .name = s->to.text};
    struct s2_text t;
    int rc;

    setup.profile = s2_conf_tls(s->w->conf, (enum s2_side)s->side, &s->to);
    s2_text_begin(&t);
    s2_write_proceed(&t);
    rc = s2_host->conn->write(s->conn, s2_text_str(&t));
    return rc < 0 ? rc : s2_host->conn->secure(s->conn, &setup);
}

void s2_in_secure(struct s2_incoming *s, size_t rest)
{
    if (rest > 0) {
        s->state = IN_PLAIN;
        s2_in_fail(s, S2_E_POLICY_VIOLATION, "octets in plain behind starttls");
        return;
    }
    s2_in_pairs_drop(s);
    s2_in_question_drop(s);
    s->header_sent = 0;
    if (proceed(s) < 0)
        s2_in_cut(s, "TLS cannot be started");
}

int s2_in_restart(struct s2_incoming *s, const struct in_input *in)
{
    struct xmb_conn_info info = {.size = sizeof(info)};

    (void)in;
    s2_host->conn->info(s->conn, &info);
    S2_COUNT(s->w, S2_M_TLS_RESUMED, info.tls_resumed != 0);
    s->secure = 1;
    s2_in_judge(s); /* a reload may have come between */
    s->state = IN_RESTARTED;
    s->external = 0;
    s->bidi = 0;
    s->half_ms = 0;
    return IN_GO_ON;
}

/* --- the certificate -------------------------------------------------------------------------- */

int s2_in_too_plain(const struct s2_incoming *s)
{
    return !s->secure && in_security(s)->mode == S2_TLS_REQUIRED;
}

int s2_in_certificate(const struct s2_incoming *s, const struct s2_domain *d, const char **why)
{
    const struct s2_security *security = in_security(s);
    struct xmb_tls_peer peer = {.size = sizeof(peer)};
    struct s2_cert_rule rule = {.names = s2_names_matter(s->side, security)};

    if (!s->secure)
        return 0;
    rule.chain = security->require_certificates;
    rule.must_show = !security->accept_no_certificate;
    if (s2_host->conn->tls_peer(s->conn, &peer) < 0) {
        *why = "what the handshake proved is not known";
        return XMB_EDENIED;
    }
    return s2_cert_check(&peer, &rule, d, why);
}

/* With TLS from the first octet the listener's profile stands, and not that of a domain. */
void s2_in_judge(struct s2_incoming *s)
{
    const char *profile =
        s->direct ? NULL : s2_conf_tls(s->w->conf, (enum s2_side)s->side, &s->to);

    if (s->secure)
        (void)s2_host->conn->tls_recheck(s->conn, profile);
}

int s2_in_proves(const struct s2_incoming *s, const struct s2_domain *d)
{
    struct xmb_tls_peer peer = {.size = sizeof(peer)};

    return s->secure && s2_host->conn->tls_peer(s->conn, &peer) == 0 && s2_cert_proves(&peer, d);
}
