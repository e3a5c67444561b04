/* SPDX-License-Identifier: MIT */
/*
 * ask.c - step 2 of dialback (W9, W10; XEP-0220, 2.3): a question to the authoritative server
 * of a sender, on a stream that is there or on one of its own that ends with the answer.
 *
 * An answer counts only on the stream where it was asked, for the same from, to and id. A
 * stream that was shared and broke before it answered gets the ask one of its own, once.
 */
#include "link_priv.h"

#include <stdio.h>
#include <stdlib.h>

static void join(struct s2_link *l, struct s2_ask *a)
{
    struct s2_ask **at = &l->asks;

    while (*at != NULL)
        at = &(*at)->next;
    a->next = NULL;
    a->link = l;
    a->asked = 0;
    *at = a;
    l->ask_count++;
    s2_link_kick(l);
}

static void leave(struct s2_ask *a)
{
    struct s2_ask **at = &a->link->asks;

    while (*at != a)
        at = &(*at)->next;
    *at = a->next;
    a->link->ask_count--;
}

/* --- which stream ---------------------------------------------------------------------------- */

/* Another domain of ours may have opened the stream only when the peer keeps errors apart (2.7). */
static int is_usable(const struct s2_link *l, const struct s2_ask *a)
{
    if (l->side != a->side || !s2_domain_eq(&l->remote, &a->sender) || s2_link_is_leaving(l) ||
        l->kind != LINK_OURS || l->ask_count >= LINK_ASKS_MAX || l->probe != NULL)
        return 0;
    if (s2_domain_eq(&l->local, &a->target))
        return 1;
    return (l->state == LINK_READY || l->state == LINK_VERIFIED) &&
           (l->features & S2_F_DIALBACK_ERRORS) != 0;
}

static struct s2_link *shared(struct s2_worker *w, const struct s2_ask *a)
{
    struct s2_link *l;

    for (l = s2_links_bucket(w, &a->sender); l != NULL; l = l->next)
        if (is_usable(l, a))
            return l;
    return NULL;
}

static int place(struct s2_worker *w, struct s2_ask *a, int share)
{
    struct s2_link *l = share ? shared(w, a) : NULL;

    a->guest = l != NULL && l->state >= LINK_READY;
    if (l == NULL)
        l = s2_link_new(w, a->side, &a->target, &a->sender);
    if (l == NULL)
        return w->links->count >= LINK_MAX ? XMB_ELIMIT : XMB_ENOMEM;
    join(l, a);
    return 0;
}

int s2_ask_open(struct s2_worker *w, enum s2_side side, const struct s2_domain *target,
                const struct s2_domain *sender, struct xmb_str id, struct xmb_str key,
                s2_ask_fn *done, void *arg, struct s2_ask **out)
{
    struct s2_ask *a;
    int rc;

    if (id.n == 0 || id.n > S2_ASK_ID_MAX || key.n > LINK_KEY_MAX || target->n == 0 ||
        sender->n == 0)
        return XMB_EINVAL;
    a = calloc(1, sizeof(*a));
    if (a == NULL)
        return XMB_ENOMEM;
    a->side = side;
    a->target = *target;
    a->sender = *sender;
    a->done = done;
    a->arg = arg;
    a->id_n = (uint8_t)id.n;
    a->key_n = (uint16_t)key.n;
    memcpy(a->id, id.p, id.n);
    if (key.n > 0)
        memcpy(a->key, key.p, key.n);
    rc = place(w, a, 1);
    if (rc < 0)
        free(a);
    else
        *out = a;
    return rc;
}

void s2_ask_cancel(struct s2_ask *a)
{
    struct s2_link *l = a->link;

    leave(a);
    free(a);
    s2_link_kick(l);
}

/* --- question and answer --------------------------------------------------------------------- */

void s2_asks_send(struct s2_link *l)
{
    char from[S2_UDOMAIN_MAX + 1], to[S2_UDOMAIN_MAX + 1];
    struct s2_db_names names;
    struct s2_text t;
    struct s2_ask *a;

    for (a = l->asks; a != NULL; a = a->next) {
        if (a->asked)
            continue;
        names = (struct s2_db_names){s2_domain_wire(&a->target, from),
                                     s2_domain_wire(&a->sender, to), xmb_str_n(a->id, a->id_n)};
        s2_text_begin(&t);
        s2_write_db_verify_key(&t, &names, xmb_str_n(a->key, a->key_n));
        if (s2_link_write(l, s2_text_str(&t)) < 0)
            return;
        a->asked = 1;
        a->due_ms = s2_now_ms(l->w) + l->w->conf->dialback_ms;
    }
}

/* Answered: its user is told, and it is gone. */
static void finish(struct s2_ask *a, enum s2_ask_result r, enum s2_condition c, const char *text)
{
    s2_ask_fn *done = a->done;
    void *arg = a->arg;

    leave(a);
    free(a);
    done(arg, r, c, text);
}

static struct s2_ask *asked_for(const struct s2_link *l, const struct s2_element *e)
{
    struct s2_domain from, to;
    struct s2_ask *a = l->asks;

    if (s2_domain_read(e->from, &from) < 0 || s2_domain_read(e->to, &to) < 0)
        return NULL;
    while (a != NULL && !(a->asked && s2_domain_eq(&a->sender, &from) &&
                          s2_domain_eq(&a->target, &to) &&
                          xmb_str_eq(e->id, xmb_str_n(a->id, a->id_n))))
        a = a->next;
    return a;
}

static void answered(struct s2_ask *a, const struct s2_element *e)
{
    char text[LINK_TEXT];

    if (xmb_str_eq(e->type, XMB_STR("valid"))) {
        finish(a, S2_ASK_VALID, S2_C_NONE, "valid");
    } else if (xmb_str_eq(e->type, XMB_STR("invalid"))) {
        finish(a, S2_ASK_INVALID, S2_C_NONE, "invalid");
    } else {
        snprintf(text, sizeof(text), "the authoritative server answers with the error %.*s",
                 e->condition.n < 64 ? (int)e->condition.n : 64, e->condition.p);
        finish(a, S2_ASK_ERROR, S2_C_REMOTE_SERVER_NOT_FOUND, text); /* 2.5 */
    }
}

static int is_answer(struct xmb_str type)
{
    return xmb_str_eq(type, XMB_STR("valid")) || xmb_str_eq(type, XMB_STR("invalid")) ||
           xmb_str_eq(type, XMB_STR("error"));
}

void s2_asks_answer(struct s2_link *l, const void *what)
{
    const struct s2_element *e = what;
    struct s2_ask *a;

    if (is_answer(e->type) && s2_out_answered(l, e))
        return;
    a = is_answer(e->type) ? asked_for(l, e) : NULL;
    if (l->bidi && e->type.p == NULL) {
        s2_out_verify(l, e);
        return;
    }
    if (a == NULL) {
        LINK_LOG(l, XMB_LOG_WARN,
                 "a db:verify that was not asked for here, or a question on a stream that is for "
                 "answers only; it is ignored");
        return;
    }
    answered(a, e);
    s2_link_if_idle(l);
    s2_link_rearm(l);
}

/* --- no answer ------------------------------------------------------------------------------- */

void s2_asks_late(struct s2_link *l)
{
    uint64_t now = s2_now_ms(l->w);
    struct s2_ask *a = l->asks;

    while (a != NULL && (!a->asked || a->due_ms > now))
        a = a->next;
    if (a == NULL)
        return;
    finish(a, S2_ASK_ERROR, S2_C_REMOTE_SERVER_TIMEOUT,
           "the authoritative server did not answer in time");
    s2_asks_late(l);
}

void s2_asks_fail(struct s2_link *l, const struct s2_failure *f)
{
    struct s2_ask *a;

    while ((a = l->asks) != NULL) {
        if (a->guest && f->kind != S2_FAIL_IDLE) {
            leave(a);
            if (place(l->w, a, 0) == 0)
                continue;
            join(l, a);
        }
        finish(a, S2_ASK_ERROR, f->condition, f->text);
    }
}
