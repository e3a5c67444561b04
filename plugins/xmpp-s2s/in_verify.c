/* SPDX-License-Identifier: MIT */
/*
 * in_verify.c - a peer asks about a key of ours on a stream that it opened (authority.h).
 *
 * It is answered in every state: the asker need not be verified, and some ask on a stream that
 * never will be (rules G7, G8).
 */
#include "authority.h"
#include "in_priv.h"

static int answer_error(struct s2_incoming *s, const struct s2_question *q, enum s2_condition c,
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

static void note_right(struct s2_incoming *s, const struct s2_question *q)
{
    IN_LOG(s, XMB_LOG_DEBUG, NULL, "%s asked about our key for %s: it is ours", q->target.text,
           q->sender.text);
    s->has_asked = 1;
    if (s->verified_count == 0)
        s2_in_negotiate(s); /* a stream that is for asking lives as long again behind each answer */
}

static void note_wrong(struct s2_incoming *s, const struct s2_question *q)
{
    IN_LOG(s, XMB_LOG_WARN, "key-wrong",
           "%s asked about a key for %s that is not ours: somebody uses our name, and is refused",
           q->target.text, q->sender.text);
}

int s2_in_verify(struct s2_incoming *s, const struct in_input *in)
{
    enum s2_side side = (enum s2_side)s->side;
    struct s2_question q;
    struct s2_text t;

    if (s2_question_read(in->element, &q) < 0)
        return s2_in_fail(s, S2_E_IMPROPER_ADDRESSING,
                          "db:verify needs an id, and a domain in from and to");
    if (s2_in_too_plain(s))
        return answer_error(s, &q, S2_C_POLICY_VIOLATION, "TLS is required");
    if (!s2_question_is_ours(s->w, side, &q))
        return answer_error(s, &q, S2_C_ITEM_NOT_FOUND, "the domain is not served here");
    s2_text_begin(&t);
    if (s2_question_answer(s->w, side, &q, in->element, &t))
        note_right(s, &q);
    else if (!s2_question_is_idle(in->element))
        note_wrong(s, &q);
    return s2_in_send(s, &t) ? IN_GO_ON : IN_STOP;
}
