/* SPDX-License-Identifier: MIT */
/*
 * in_header.c - the peer's stream header, and our answer to it: header and features in one write
 * (RFC 6120, 4.7 and 4.3.2; xmpp-s2s.md 2.4, states I0 and I2).
 *
 * A header proves nothing: what it names only decides whether a stream is worth having, which
 * certificate is shown, and whether EXTERNAL is offered. Pairs are proved elsewhere.
 */
#include "in_priv.h"

/* What is wrong with a header; `error` 0: nothing. */
struct fault {
    enum s2_stream_error error;
    const char *text;
};

static const struct fault no_fault = {S2_E_NONE, NULL};

/* --- what it says ----------------------------------------------------------------------------- */

static struct fault read_names(struct s2_incoming *s, const struct s2_header *h)
{
    static const char *const no_address = "a stream header needs a domain in 'to'";

    s->version = h->major >= 1;
    s->has_from = h->from.p != NULL && s2_domain_read(h->from, &s->from) == 0;
    s->has_to = h->to.p != NULL && s2_domain_read(h->to, &s->to) == 0;
    if (h->component)
        return (struct fault){S2_E_INVALID_NAMESPACE, "this listener is for servers"};
    if (!s->has_to)
        return (struct fault){S2_E_IMPROPER_ADDRESSING, no_address};
    if (h->from.p != NULL && !s->has_from)
        return (struct fault){S2_E_IMPROPER_ADDRESSING, "'from' of the header is no domain"};
    return no_fault;
}

static struct fault check_to(const struct s2_incoming *s)
{
    int is_local = s2_conf_local(s->w->conf, &s->to) != NULL;

    if (!s->w->conf->enabled)
        return (struct fault){S2_E_POLICY_VIOLATION, "federation is switched off"};
    if (s->side == S2_OUTSIDE && is_local)
        return no_fault;
    if (s->side == S2_INSIDE && !is_local)
        return no_fault;
    if (s->side == S2_INSIDE)
        return (struct fault){S2_E_HOST_UNKNOWN, "a local domain is not behind this border"};
    if (s2_in_was_served(s->w->incomings, &s->to))
        return (struct fault){S2_E_HOST_GONE, "the domain is no longer served here"};
    return (struct fault){S2_E_HOST_UNKNOWN, "the domain is not served here"};
}

static struct fault check_from(struct s2_incoming *s)
{
    enum s2_admission a;

    if (!s->has_from)
        return no_fault;
    a = s2_admit_sides(s->w->conf, (enum s2_side)s->side, &s->from, NULL);
    if (a == S2_ADMIT_OK)
        return no_fault;
    S2_COUNT(s->w, S2_M_SPOOFED, 1);
    return (struct fault){S2_E_INVALID_FROM, s2_admission_text(a)};
}

/* --- policy, outside only: inside, a denied pair lives and its stanzas go back ---------------- */

void s2_in_question_drop(struct s2_incoming *s)
{
    if (s->has_question)
        s2_admit_cancel(s->w, s->question);
    s->has_question = 0;
}

static const struct fault denied = {S2_E_POLICY_VIOLATION, "policy does not permit this domain"};

static void verdict_late(void *arg, enum s2_admission a)
{
    struct s2_incoming *s = arg;

    s->has_question = 0;
    if (a == S2_ADMIT_OK || s->verified_count > 0) /* what is verified was admitted by itself */
        return;
    s2_in_fail(s, denied.error, denied.text);
}

static struct fault check_policy(struct s2_incoming *s)
{
    enum s2_admission a;
    struct xmb_addr remote;

    s2_in_question_drop(s); /* that of the header before */
    if (s->side != S2_OUTSIDE || !s->has_from)
        return no_fault;
    s2_in_remote(s, &remote);
    a = s2_admit(s->w, S2_OUTSIDE, &s->from, &s->to, &remote, verdict_late, s, &s->question);
    s->has_question = a == S2_ADMIT_LATER;
    return a == S2_ADMIT_OK || a == S2_ADMIT_LATER ? no_fault : denied;
}

/* --- our answer ------------------------------------------------------------------------------- */

void s2_in_write_header(struct s2_incoming *s, struct s2_text *t)
{
    char from[S2_UDOMAIN_MAX + 1], to[S2_UDOMAIN_MAX + 1];
    struct s2_header_out h = {.lang = XMB_STR("en"), .version = s->version};

    if (s->elements == 0)
        h.version = 1; /* no header was heard yet */
    if (s2_stream_id(s->id) < 0)
        s->id[0] = '\0';
    if (s->has_to)
        h.from = s2_domain_wire(&s->to, from);
    if (s->has_from)
        h.to = s2_domain_wire(&s->from, to);
    h.id = xmb_str(s->id);
    s2_write_header(t, &h);
    s->header_sent = 1;
}

static int tls_on_offer(const struct s2_incoming *s)
{
    return !s->secure && s->offers_tls && in_security(s)->mode != S2_NO_TLS;
}

static uint32_t features_of(struct s2_incoming *s)
{
    uint32_t f = 0;

    if (tls_on_offer(s))
        f |= S2_F_STARTTLS;
    if (tls_on_offer(s) && in_security(s)->mode == S2_TLS_REQUIRED)
        f |= S2_F_STARTTLS_REQUIRED;
    if (!s2_in_too_plain(s))
        f |= S2_F_DIALBACK | S2_F_DIALBACK_ERRORS | S2_F_LIMITS;
    if (s2_in_bidi_is_on_offer(s))
        f |= S2_F_BIDI;
    if (s->external)
        f |= S2_F_SASL | S2_F_EXTERNAL;
    if (s->authenticated)
        f |= S2_F_SM;
    return f;
}

static enum in_state state_behind_header(const struct s2_incoming *s)
{
    if (s->verified_count > 0)
        return IN_VERIFIED;
    return tls_on_offer(s) ? IN_PLAIN : IN_OPEN;
}

static int answer(struct s2_incoming *s)
{
    const struct s2_conf *c = s->w->conf;
    struct s2_text t;
    uint32_t f;

    s2_text_begin(&t);
    s2_in_write_header(s, &t);
    if (s->id[0] == '\0')
        return s2_in_fail_behind(s, &t, S2_E_INTERNAL_SERVER_ERROR, "no random octets for an id");
    s->external = s->has_from && !s->authenticated && in_security(s)->external &&
                  s2_in_proves(s, &s->from);
    f = features_of(s);
    if (s->version)
        s2_write_features(&t, f, (f & S2_F_LIMITS) != 0 ? c->limits.stanza_bytes : 0,
                          c->idle_ms / 1000);
    if (!s2_in_send(s, &t))
        return IN_STOP;
    s->state = (uint8_t)state_behind_header(s);
    if (s->state == IN_VERIFIED) {
        s2_host->conn->deadline(s->conn, XMB_DEADLINE_ONCE, 0);
        s2_in_bidi_offer_all(s);
    }
    return IN_GO_ON;
}

static int judge(struct s2_incoming *s, struct fault f)
{
    if (f.error == S2_E_NONE)
        f = check_to(s);
    if (f.error == S2_E_NONE)
        f = check_from(s);
    if (f.error == S2_E_NONE)
        f = check_policy(s);
    if (f.error != S2_E_NONE)
        return s2_in_fail(s, f.error, f.text);
    return answer(s);
}

int s2_in_header(struct s2_incoming *s, const struct in_input *in)
{
    return judge(s, read_names(s, in->header));
}

/* After TLS and after SASL it must name the same two, except that `from` may be new. */
int s2_in_header_again(struct s2_incoming *s, const struct in_input *in)
{
    int had_from = s->has_from, had_to = s->has_to;
    struct s2_domain from = s->from, to = s->to;
    struct fault f = read_names(s, in->header);

    if (f.error == S2_E_NONE && had_to && !s2_domain_eq(&to, &s->to))
        f = (struct fault){S2_E_IMPROPER_ADDRESSING, "'to' is not that of the stream before"};
    if (f.error == S2_E_NONE && had_from && (!s->has_from || !s2_domain_eq(&from, &s->from)))
        f = (struct fault){S2_E_IMPROPER_ADDRESSING, "'from' is not that of the stream before"};
    return judge(s, f);
}
