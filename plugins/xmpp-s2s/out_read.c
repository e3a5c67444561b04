/* SPDX-License-Identifier: MIT */
/*
 * out_read.c - how far the peer has read a link, asked on the link itself.
 *
 * Dialback is answered on the stream on which it is asked, and in its turn: a db:verify (XEP-0220,
 * 2.3) behind stanzas, about a key that nobody has used, is answered with "invalid", or an error,
 * when the peer has read them. So it proves what a ping proves, and needs no stream of the peer to
 * us. Its id is its key, by which another gateway knows what it is for.
 *
 * It is asked between the domains that the link was opened for, and holds for all who use it. There
 * is one at a time; one that is never answered is the last. A peer that does not know what to make
 * of it may end the stream: whoever asked is told, so that it is not asked again.
 */
#include "link_priv.h"

int s2_lease_can_answer(const struct s2_lease *e)
{
    const struct s2_link *l = e->link;

    return l->kind == LINK_OURS && !l->bidi && !l->sm &&
           (!e->external || (l->features & S2_F_DIALBACK) != 0);
}

static void write_question(const struct s2_link *l, struct xmb_str id, struct s2_text *t)
{
    char from[S2_UDOMAIN_MAX + 1], to[S2_UDOMAIN_MAX + 1];
    struct s2_db_names names = {s2_domain_wire(&l->local, from), s2_domain_wire(&l->remote, to),
                                id};

    s2_text_begin(t);
    s2_write_db_verify_key(t, &names, id);
}

int s2_lease_question(struct s2_lease *e, struct xmb_str id)
{
    struct s2_link *l = e->link;
    uint64_t at = l->position.written - l->position.base;
    struct s2_text t;
    int rc;

    if (e->state != LEASE_READY || l->state != LINK_VERIFIED || l->conn == NULL)
        return XMB_ECLOSED;
    if (id.n == 0 || id.n > LINK_QUESTION_MAX)
        return XMB_EINVAL;
    if (!s2_lease_can_answer(e))
        return XMB_ENOSYS;
    if (l->question_n > 0)
        return XMB_EAGAIN;
    write_question(l, id, &t);
    rc = s2_link_write(l, s2_text_str(&t));
    if (rc < 0)
        return rc;
    memcpy(l->question, id.p, id.n);
    l->question_n = (uint8_t)id.n;
    l->question_at = at;
    l->question_end = l->position.written - l->position.base;
    l->question_ms = s2_now_ms(l->w);
    return 0;
}

static int is_asked(const struct s2_link *l, const struct s2_element *e)
{
    struct s2_domain from, to;

    return l->question_n > 0 && xmb_str_eq(e->id, xmb_str_n(l->question, l->question_n)) &&
           s2_domain_read(e->from, &from) == 0 && s2_domain_eq(&from, &l->remote) &&
           s2_domain_read(e->to, &to) == 0 && s2_domain_eq(&to, &l->local);
}

int s2_out_answered(struct s2_link *l, const struct s2_element *e)
{
    if (!is_asked(l, e))
        return 0;
    l->question_n = 0;
    l->proved_ms = s2_now_ms(l->w);
    if (l->question_end > l->read_end)
        l->read_end = l->question_end;
    s2_leases_tell_answer(l, 1);
    return 1;
}

void s2_out_unanswered(struct s2_link *l)
{
    if (l->question_n == 0 || s2_now_ms(l->w) - l->question_ms > LINK_DISLIKE_MS ||
        !s2_position_arrived(l, l->question_at))
        return;
    l->question_n = 0;
    s2_leases_tell_answer(l, 0);
}
