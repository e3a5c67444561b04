/* SPDX-License-Identifier: MIT */
/*
 * in_auth.c - SASL EXTERNAL on an incoming stream (RFC 6120, 6; XEP-0178).
 *
 * It proves one pair: the domain that the certificate stands for and the peer claims, with the
 * `to` of the header. A refusal leaves the stream as it was: dialback may follow on it
 * (XEP-0178, 2020). Policy may answer late; nothing is read until it has.
 */
#include "in_priv.h"

#include <openssl/evp.h>

static int refuse_auth(struct s2_incoming *s, const char *condition, const char *text)
{
    struct s2_text t;

    IN_LOG(s, XMB_LOG_INFO, "external-refused",
           "SASL is refused with %s (%s); the stream stays, dialback may follow", condition,
           text != NULL ? text : "no more to say");
    s2_text_begin(&t);
    s2_write_sasl_failure(&t, condition, text);
    if (++s->sasl_failures > IN_SASL_FAILURES_MAX)
        return s2_in_fail_behind(s, &t, S2_E_POLICY_VIOLATION, "too many SASL failures");
    return s2_in_send(s, &t) ? IN_GO_ON : IN_STOP;
}

/* --- who it says it is ------------------------------------------------------------------------ */

/* Decodes base64 into `out` of `cap` octets. The length, or negative. */
static int base64_decode(struct xmb_str text, unsigned char *out, size_t cap)
{
    size_t padding = 0;
    int n;

    if (text.n % 4 != 0 || text.n / 4 * 3 > cap)
        return XMB_EINVAL;
    while (padding < 2 && padding < text.n && text.p[text.n - 1 - padding] == '=')
        padding++;
    n = EVP_DecodeBlock(out, (const unsigned char *)text.p, (int)text.n);
    return n < (int)padding ? XMB_EINVAL : n - (int)padding;
}

/*
 * The identity asked for, else that of the header. NULL: it is in `*out`; else the SASL
 * condition.
 */
static const char *read_authzid(const struct s2_incoming *s, struct xmb_str text,
                                struct s2_domain *out)
{
    unsigned char octets[S2_UDOMAIN_MAX + 2];
    int n;

    if (text.n == 0 || xmb_str_eq(text, XMB_STR("="))) {
        *out = s->from;
        return s->has_from ? NULL : "invalid-authzid";
    }
    n = base64_decode(text, octets, sizeof(octets));
    if (n < 0)
        return "incorrect-encoding";
    return s2_domain_read(xmb_str_n((const char *)octets, (size_t)n), out) == 0
               ? NULL
               : "invalid-authzid";
}

/* --- may it? ---------------------------------------------------------------------------------- */

/* The pair stands; the peer opens its stream once more. */
static void succeed(struct in_pair *p)
{
    struct s2_incoming *s = p->stream;
    struct s2_text t;

    s2_text_begin(&t);
    s2_write_sasl_success(&t);
    if (!s2_in_send(s, &t))
        return;
    IN_LOG(s, XMB_LOG_INFO, NULL, "pair %s to %s is verified by its certificate (EXTERNAL)",
           p->from.text, p->to.text);
    S2_COUNT(s->w, S2_M_EXTERNAL, 1);
    s->authenticated = 1;
    s->header_sent = 0;
    s->state = IN_RESTARTED;
    s2_in_negotiate(s); /* the header is due; dialback may have verified a pair while policy was asked */
    if (s2_in_pair_verified(p) < 0) {
        s2_in_fail(s, S2_E_RESOURCE_CONSTRAINT, "out of memory");
        return;
    }
    s2_in_pairs_drop_pending(s); /* their keys are for the id that goes */
    s2_in_reader_drop(s);
    s->half_ms = 0;
}

void s2_in_auth_verdict(struct in_pair *p, enum s2_admission a)
{
    struct s2_incoming *s = p->stream;

    s->authenticating = 0;
    p->denied = a == S2_ADMIT_DENIED && s->side == S2_INSIDE;
    if (a == S2_ADMIT_OK || p->denied) {
        succeed(p);
    } else {
        s2_in_pair_drop(p);
        refuse_auth(s, "not-authorized", s2_admission_text(a));
    }
    s2_in_unpause(s);
}

static int begin(struct s2_incoming *s, const struct s2_domain *who)
{
    struct in_pair *p = s2_in_pair_find(s, who, &s->to);

    if (p != NULL)
        s2_in_pair_drop(p); /* a dialback that had begun */
    p = s2_in_pair_new(s, who, &s->to, IN_BY_EXTERNAL);
    if (p == NULL)
        return s2_in_fail(s, S2_E_RESOURCE_CONSTRAINT, "out of memory");
    s->authenticating = 1;
    s2_in_pair_admit(p); /* p may be gone */
    if (s->authenticating)
        s2_in_pause(s);
    return s->state == IN_RESTARTED || s->state == IN_CLOSED ? IN_STOP : IN_GO_ON;
}

/* What is wrong before policy is asked: the SASL condition, or NULL. */
static const char *check(struct s2_incoming *s, const struct s2_element *e, struct s2_domain *who,
                         const char **text)
{
    const char *condition;

    if (!s->secure)
        return "encryption-required";
    if (!in_security(s)->external || !xmb_str_eq(e->mechanism, XMB_STR("EXTERNAL")))
        return "invalid-mechanism";
    condition = read_authzid(s, e->text, who);
    if (condition != NULL)
        return condition;
    *text = "the certificate does not prove this domain";
    return s2_in_proves(s, who) ? NULL : "not-authorized";
}

int s2_in_auth(struct s2_incoming *s, const struct in_input *in)
{
    const char *text = NULL, *condition;
    enum s2_admission a;
    struct s2_domain who;

    if (s->authenticated || s->authenticating || s->verified_count > 0)
        return s2_in_fail(s, S2_E_POLICY_VIOLATION, "SASL on a stream that is verified");
    condition = check(s, in->element, &who, &text);
    if (condition != NULL)
        return refuse_auth(s, condition, text);
    a = s2_admit_sides(s->w->conf, (enum s2_side)s->side, &who, &s->to);
    if (a == S2_ADMIT_OK)
        return begin(s, &who);
    S2_COUNT(s->w, S2_M_SPOOFED, a == S2_ADMIT_LOCAL_FROM || a == S2_ADMIT_FOREIGN_FROM);
    return refuse_auth(s, "invalid-authzid", s2_admission_text(a));
}

/* EXTERNAL takes one step, so there is nothing to respond to and mostly nothing to abort. */
int s2_in_sasl(struct s2_incoming *s, const struct in_input *in)
{
    if (in->element->kind == S2_EL_SASL_ABORT)
        return refuse_auth(s, "aborted", NULL);
    return refuse_auth(s, "malformed-request", NULL);
}
