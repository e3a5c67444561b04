/* SPDX-License-Identifier: MIT */
/*
 * authority.c - see authority.h.
 */
#include "authority.h"
#include "flow.h"

int s2_db_domains(const struct s2_element *e, struct s2_domain *from, struct s2_domain *to)
{
    if (e->from.p == NULL || e->to.p == NULL)
        return XMB_EINVAL;
    if (s2_domain_read(e->from, from) < 0 || s2_domain_read(e->to, to) < 0)
        return XMB_EINVAL;
    return 0;
}

int s2_question_read(const struct s2_element *e, struct s2_question *q)
{
    int rc = s2_db_domains(e, &q->target, &q->sender);

    if (rc < 0 || e->id.n == 0)
        return XMB_EINVAL;
    q->names.from = s2_domain_wire(&q->sender, q->from);
    q->names.to = s2_domain_wire(&q->target, q->to);
    q->names.id = e->id;
    return 0;
}

int s2_question_is_ours(const struct s2_worker *w, enum s2_side side, const struct s2_question *q)
{
    int is_local = s2_conf_local(w->conf, &q->sender) != NULL;

    return side == S2_OUTSIDE ? is_local : !is_local;
}

/*
 * That its id is its key is not enough: an impostor knows the id, the asker's, before he sends his
 * key. But an asker makes no stream id that looks like a barrier's.
 */
int s2_question_is_idle(const struct s2_element *e)
{
    return xmb_str_eq(e->id, e->text) && s2_barrier_id_is_idle(e->id);
}

int s2_question_answer(struct s2_worker *w, enum s2_side side, const struct s2_question *q,
                       const struct s2_element *e, struct s2_text *t)
{
    int valid = s2_dialback_check(&w->conf->security[side].secret, &q->target, &q->sender, e->id,
                                  e->text);

    if (!s2_question_is_idle(e))
        S2_COUNT(w, valid ? S2_M_KEYS_RIGHT : S2_M_KEYS_WRONG, 1);
    s2_write_db_verify(t, &q->names, valid);
    return valid;
}
