/* SPDX-License-Identifier: MIT */
/*
 * out_asked.c - dialback questions of the peer on a link of ours that is bidirectional (XEP-0288,
 * 2.3).
 *
 * db:verify is answered as on an incoming stream, except about this very stream: a key must not be
 * verified on the connection that it came on. db:result, a further pair of the peer, is refused
 * with an error for that pair: it gets a stream of its own, on which it can be verified without
 * depending on this one.
 */
#include "authority.h"
#include "link_priv.h"

/* Answers of which too many wait are lost; the peer asks again, or gives up the pair. */
static void say(struct s2_link *l, const struct s2_text *t)
{
    int rc = s2_link_answer(l, s2_text_str(t));

    if (rc > 0)
        s2_out_pause(l);
    else if (rc < 0)
        LINK_LOG(l, XMB_LOG_INFO, "no room for the answer to a dialback question of the peer");
}

static void verify_error(struct s2_link *l, const struct s2_question *q, enum s2_condition c,
                         const char *text)
{
    struct s2_text t;

    LINK_LOG(l, XMB_LOG_NOTICE, "db:verify of %s about %s is refused with %s: %s", q->target.text,
             q->sender.text, s2_condition_name(c), text);
    s2_text_begin(&t);
    s2_write_db_verify_error(&t, &q->names, c, text);
    say(l, &t);
}

void s2_out_verify(struct s2_link *l, const struct s2_element *e)
{
    struct s2_question q;
    struct s2_text t;

    if (s2_question_read(e, &q) < 0) {
        LINK_LOG(l, XMB_LOG_NOTICE, "a db:verify without id or domains is ignored");
    } else if (!s2_question_is_ours(l->w, l->side, &q)) {
        verify_error(l, &q, S2_C_ITEM_NOT_FOUND, "the domain is not served here");
    } else if (xmb_str_eq(e->id, xmb_str_n(l->id, l->id_n))) {
        verify_error(l, &q, S2_C_NOT_ACCEPTABLE,
                     "a key is not verified on the connection that it came on");
    } else {
        s2_text_begin(&t);
        if (!s2_question_answer(l->w, l->side, &q, e, &t) && !s2_question_is_idle(e))
            LINK_LOG(l, XMB_LOG_WARN,
                     "%s asked about a key for %s that is not ours: somebody uses our name, and "
                     "is refused",
                     q.target.text, q.sender.text);
        say(l, &t);
    }
}

void s2_out_result_refused(struct s2_link *l, const struct s2_element *e)
{
    char ours[S2_UDOMAIN_MAX + 1], theirs[S2_UDOMAIN_MAX + 1];
    struct s2_domain from, to;
    struct s2_db_names n = {.id = {NULL, 0}};
    struct s2_text t;

    if (s2_db_domains(e, &from, &to) < 0) {
        LINK_LOG(l, XMB_LOG_NOTICE, "a db:result without domains is ignored");
        return;
    }
    n.from = s2_domain_wire(&to, ours);
    n.to = s2_domain_wire(&from, theirs);
    s2_text_begin(&t);
    s2_write_db_result_error(&t, &n, S2_C_RESOURCE_CONSTRAINT,
                             "a further pair needs a connection of its own");
    say(l, &t);
}
