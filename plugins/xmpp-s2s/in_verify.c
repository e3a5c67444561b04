/* SPDX-License-Identifier: MIT */
/*
 * in_verify.c - the authoritative server of dialback: is this key ours? (XEP-0220, 2.3;
 * xmpp-s2s.md 2.6.)
 *
 * The key is computed again from the secret of the side, so that any node of a site can answer
 * for any other. It is answered in every state: the asker need not be verified, and some ask on
 * a stream that never will be (rules G7, G8).
 */
#include "in_priv.h"

/* Names of an answer; they were read into `buf`, which lives with them. */
struct question {
    struct s2_domain target; /* the asker: receiving server of the stream in question */
    struct s2_domain sender; /* ours: who is said to have sent the key */
    struct s2_db_names names;
    char from[S2_UDOMAIN_MAX + 1], to[S2_UDOMAIN_MAX + 1];
};

static int read_question(const struct s2_element *e, struct question *q)
{
    int rc = s2_in_db_names(e, &q->target, &q->sender);

    if (rc < 0 || e->id.n == 0)
        return XMB_EINVAL;
    q->names.from = s2_domain_wire(&q->sender, q->from);
    q->names.to = s2_domain_wire(&q->target, q->to);
    q->names.id = e->id;
    return 0;
}

/* Outside we stand for local domains, inside for all others. */
static int is_ours(const struct s2_incoming *s, const struct s2_domain *d)
{
    int is_local = s2_conf_local(s->w->conf, d) != NULL;

    return s->side == S2_OUTSIDE ? is_local : !is_local;
}

static int answer_error(struct s2_incoming *s, const struct question *q, enum s2_condition c,
                        const char *text)
{
    struct s2_text t;

    IN_LOG(s, XMB_LOG_NOTICE, "verify-refused", "db:verify of %s about %s is refused with %s: %s",
           q->target.text, q->sender.text, s2_condition_name(c), text);
    s2_text_begin(&t);
    s2_write_db_verify_error(&t, &q->names, c, text);
    if (c == S2_C_POLICY_VIOLATION)
        return s2_in_fail_behind(s, &t, S2_E_POLICY_VIOLATION, text);
    return s2_in_send(s, &t) ? IN_GO_ON : IN_STOP;
}

static void note_right(struct s2_incoming *s, const struct question *q)
{
    S2_COUNT(s->w, S2_M_KEYS_RIGHT, 1);
    IN_LOG(s, XMB_LOG_DEBUG, NULL, "%s asked about our key for %s: it is ours", q->target.text,
           q->sender.text);
    s->has_asked = 1;
    if (s->verified_count == 0)
        s2_in_negotiate(s); /* a stream that is for asking lives as long again behind each answer */
}

static void note_wrong(struct s2_incoming *s, const struct question *q)
{
    S2_COUNT(s->w, S2_M_KEYS_WRONG, 1);
    IN_LOG(s, XMB_LOG_WARN, "key-wrong",
           "%s asked about a key for %s that is not ours: somebody uses our name, and is refused",
           q->target.text, q->sender.text);
}

int s2_in_verify(struct s2_incoming *s, const struct in_input *in)
{
    const struct s2_element *e = in->element;
    struct question q;
    struct s2_text t;
    int valid;

    if (read_question(e, &q) < 0)
        return s2_in_fail(s, S2_E_IMPROPER_ADDRESSING,
                          "db:verify needs an id, and a domain in from and to");
    if (s2_in_too_plain(s))
        return answer_error(s, &q, S2_C_POLICY_VIOLATION, "TLS is required");
    if (!is_ours(s, &q.sender))
        return answer_error(s, &q, S2_C_ITEM_NOT_FOUND, "the domain is not served here");
    valid = s2_dialback_check(&in_security(s)->secret, &q.target, &q.sender, e->id, e->text);
    if (valid)
        note_right(s, &q);
    else
        note_wrong(s, &q);
    s2_text_begin(&t);
    s2_write_db_verify(&t, &q.names, valid);
    return s2_in_send(s, &t) ? IN_GO_ON : IN_STOP;
}
