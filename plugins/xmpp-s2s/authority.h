/* SPDX-License-Identifier: MIT */
/*
 * authority.h - the authoritative server of dialback: is this key ours? (XEP-0220, 2.3;
 * xmpp-s2s.md 2.6.)
 *
 * The key is computed again from the secret of the side, so that any node of a site can answer for
 * any other. For streams of either direction: a peer asks on one that it opened, or on ours where
 * it is bidirectional. Counts; the caller logs. Thread: worker.
 */
#ifndef S2_AUTHORITY_H
#define S2_AUTHORITY_H

#include "gateway.h"
#include "writer.h"

/* A db:verify without type. Views of `names` are into itself and into the element. */
struct s2_question {
    struct s2_domain target; /* the asker: receiving server of the stream in question */
    struct s2_domain sender; /* ours: who is said to have sent the key */
    struct s2_db_names names; /* of the answer */
    char from[S2_UDOMAIN_MAX + 1], to[S2_UDOMAIN_MAX + 1];
};

/* The two names of a db: element. XMB_EINVAL: they are not both domains. */
int s2_db_domains(const struct s2_element *e, struct s2_domain *from, struct s2_domain *to);
/* XMB_EINVAL: it needs an id, and a domain in from and to. */
int s2_question_read(const struct s2_element *e, struct s2_question *q);
/* 1: outside we stand for local domains, inside for all others; `sender` is one of these. */
int s2_question_is_ours(const struct s2_worker *w, enum s2_side side, const struct s2_question *q);
/* Writes the answer. 1: the key is ours; 0: somebody uses our name. */
int s2_question_answer(struct s2_worker *w, enum s2_side side, const struct s2_question *q,
                       const struct s2_element *e, struct s2_text *t);

/*
 * 1: nobody uses the key: it was asked only to see how far we have read, as out_read.c does. No
 * more than that is to be made of it.
 */
int s2_question_is_idle(const struct s2_element *e);

#endif
