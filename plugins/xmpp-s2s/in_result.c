/* SPDX-License-Identifier: MIT */
/*
 * in_result.c - the receiving server of dialback: db:result asks, another server answers
 * (XEP-0220, 2.1 and 2.2; xmpp-s2s.md 2.5).
 *
 *   db:result --sides, TLS, policy, certificate--> ask the authoritative server
 *             <--------------- valid, invalid, error -------------/
 *
 * Every refusal that concerns one pair is an answer for that pair: the others on the stream go
 * on. The question never goes out on the connection that the key came on. There is an answer in
 * every case: a peer whose key cannot be checked is told so at once, and does not wait for its
 * own limit.
 */
#include "authority.h"
#include "in_priv.h"

#include <stdlib.h>

/*
 * Names of an answer: `from` is ours, `to` the peer's. Both buffers have S2_UDOMAIN_MAX + 1
 * octets.
 */
static struct s2_db_names answer_names(const struct s2_domain *theirs, const struct s2_domain *ours,
                                       char *from, char *to)
{
    struct s2_db_names n = {.from = s2_domain_wire(ours, from), .to = s2_domain_wire(theirs, to)};

    return n;
}

static void write_result(struct s2_text *t, const struct in_pair *p, int valid)
{
    char from[S2_UDOMAIN_MAX + 1], to[S2_UDOMAIN_MAX + 1];
    struct s2_db_names n = answer_names(&p->from, &p->to, from, to);

    s2_write_db_result(t, &n, valid);
}

static int say_valid(const struct in_pair *p)
{
    struct s2_text t;

    s2_text_begin(&t);
    write_result(&t, p, 1);
    return s2_in_send(p->stream, &t) ? IN_GO_ON : IN_STOP;
}

static void write_refusal(struct s2_text *t, const struct s2_domain *from,
                          const struct s2_domain *to, enum s2_condition c, const char *text)
{
    char ours[S2_UDOMAIN_MAX + 1], theirs[S2_UDOMAIN_MAX + 1];
    struct s2_db_names n = answer_names(from, to, ours, theirs);

    s2_write_db_result_error(t, &n, c, text);
}

void s2_in_refuse(struct s2_incoming *s, const struct s2_domain *from, const struct s2_domain *to,
                  enum s2_condition c, const char *text)
{
    struct s2_text t;

    IN_LOG(s, XMB_LOG_NOTICE, "pair-refused", "pair %s to %s is refused with %s: %s", from->text,
           to->text, s2_condition_name(c), text != NULL ? text : "no more is known");
    s2_text_begin(&t);
    write_refusal(&t, from, to, c, text);
    if (++s->refusals > s->w->conf->pairs && s->verified_count == 0)
        s2_in_fail_behind(s, &t, S2_E_POLICY_VIOLATION, "too many refused pairs");
    else
        s2_in_send(s, &t);
}

/* Refuses the pair, which is gone then. */
static void refuse_pair(struct in_pair *p, enum s2_condition c, const char *text)
{
    struct s2_incoming *s = p->stream;
    struct s2_domain from = p->from, to = p->to;

    s2_in_pair_drop(p);
    s2_in_refuse(s, &from, &to, c, text);
}

/* --- step 3: the authoritative server has answered -------------------------------------------- */

static void on_valid(struct in_pair *p)
{
    struct s2_incoming *s = p->stream;
    struct s2_domain from = p->from, to = p->to;

    S2_COUNT(s->w, S2_M_DIALBACK_VALID, 1);
    if (s2_in_pair_verified(p) < 0) {
        s2_in_refuse(s, &from, &to, S2_C_RESOURCE_CONSTRAINT, "out of memory");
        return;
    }
    IN_LOG(s, XMB_LOG_INFO, NULL, "pair %s to %s is verified by dialback%s", from.text, to.text,
           p->denied ? "; policy denies it, its stanzas go back" : "");
    say_valid(p);
}

static void on_invalid(struct in_pair *p)
{
    struct s2_incoming *s = p->stream;
    struct s2_text t;

    S2_COUNT(s->w, S2_M_DIALBACK_INVALID, 1);
    IN_LOG(s, XMB_LOG_WARN, "key-invalid",
           "the server of %s says that the key is not its own: somebody may use its name",
           p->from.text);
    if (s->pair_count > 1) { /* `invalid` would end the stream under the others */
        refuse_pair(p, S2_C_FORBIDDEN, "the dialback key is not valid");
        return;
    }
    s2_text_begin(&t);
    write_result(&t, p, 0);
    if (s2_in_send(s, &t))
        s2_in_end(s, "its dialback key is not valid");
}

static void on_error(struct in_pair *p, enum s2_condition c, const char *text)
{
    S2_COUNT(p->stream->w, S2_M_DIALBACK_FAILED, 1);
    if (c == S2_C_NONE || c >= S2_C_COUNT)
        c = S2_C_REMOTE_SERVER_TIMEOUT;
    refuse_pair(p, c, text);
}

static void asked(void *arg, enum s2_ask_result r, enum s2_condition c, const char *text)
{
    struct in_pair *p = arg;
    struct s2_incoming *s = p->stream;

    p->ask = NULL;
    s->asks--;
    if (r == S2_ASK_VALID)
        on_valid(p);
    else if (r == S2_ASK_INVALID)
        on_invalid(p);
    else
        on_error(p, c, text);
    s2_in_ask_next(s);
}

/* --- step 2 ----------------------------------------------------------------------------------- */

static void ask(struct in_pair *p)
{
    struct s2_incoming *s = p->stream;
    int rc = s2_ask_open(s->w, (enum s2_side)s->side, &p->to, &p->from, xmb_str(s->id),
                         xmb_str(p->key), asked, p, &p->ask);

    if (rc == XMB_EINVAL) {
        refuse_pair(p, S2_C_BAD_REQUEST, "no dialback key");
    } else if (rc < 0) {
        refuse_pair(p, S2_C_RESOURCE_CONSTRAINT, "too many verifications at a time");
    } else {
        s->asks++;
        p->state = IN_PAIR_ASKING;
        free(p->key);
        p->key = NULL;
    }
}

static struct in_pair *first_waiting(const struct s2_incoming *s)
{
    struct in_pair *p = s->pairs;

    while (p != NULL && p->state != IN_PAIR_WAITING)
        p = p->next;
    return p;
}

void s2_in_ask_next(struct s2_incoming *s)
{
    struct in_pair *p;

    while (s->state != IN_CLOSED && s->asks < IN_ASKS_MAX && (p = first_waiting(s)) != NULL)
        ask(p);
}

/* --- policy, and what the certificate says of the domain -------------------------------------- */

static enum s2_condition condition_of(enum s2_admission a)
{
    switch (a) {
    case S2_ADMIT_NOT_SERVED:
        return S2_C_ITEM_NOT_FOUND;
    case S2_ADMIT_LOCAL_FROM:
    case S2_ADMIT_FOREIGN_FROM:
    case S2_ADMIT_LOCAL_TO:
        return S2_C_NOT_ALLOWED;
    case S2_ADMIT_OFF:
        return S2_C_SERVICE_UNAVAILABLE;
    default:
        return S2_C_FORBIDDEN;
    }
}

void s2_in_result_verdict(struct in_pair *p, enum s2_admission a)
{
    struct s2_incoming *s = p->stream;
    const char *why = NULL;

    p->denied = a == S2_ADMIT_DENIED && s->side == S2_INSIDE;
    if (a != S2_ADMIT_OK && !p->denied) {
        refuse_pair(p, condition_of(a), s2_admission_text(a));
    } else if (s2_in_certificate(s, &p->from, &why) < 0) {
        refuse_pair(p, S2_C_NOT_AUTHORIZED, why);
    } else {
        p->state = IN_PAIR_WAITING;
        s2_in_ask_next(s);
    }
}

/* --- W8 --------------------------------------------------------------------------------------- */

static int refuse_plain(struct s2_incoming *s, const struct s2_domain *from,
                        const struct s2_domain *to)
{
    static const char *const why = "TLS is required";
    struct s2_text t;

    s2_text_begin(&t);
    write_refusal(&t, from, to, S2_C_POLICY_VIOLATION, why);
    return s2_in_fail_behind(s, &t, S2_E_POLICY_VIOLATION, why);
}

static int go(const struct s2_incoming *s)
{
    return s->state == IN_CLOSED ? IN_STOP : IN_GO_ON;
}

static int refuse(struct s2_incoming *s, const struct s2_domain *from, const struct s2_domain *to,
                  enum s2_condition c, const char *text)
{
    s2_in_refuse(s, from, to, c, text);
    return go(s);
}

/* strndup may look for the NUL that a view has not. */
static char *copy_key(struct xmb_str key)
{
    char *copy = malloc(key.n + 1);

    if (copy == NULL)
        return NULL;
    memcpy(copy, key.p, key.n);
    copy[key.n] = '\0';
    return copy;
}

static int begin(struct s2_incoming *s, const struct s2_domain *from, const struct s2_domain *to,
                 struct xmb_str key)
{
    char *copy;
    struct in_pair *p;

    if (key.n == 0 || key.n > IN_KEY_MAX || memchr(key.p, '\0', key.n) != NULL)
        return refuse(s, from, to, S2_C_BAD_REQUEST, "the dialback key is empty or too long");
    if (s->pair_count >= s->w->conf->pairs)
        return refuse(s, from, to, S2_C_RESOURCE_CONSTRAINT,
                      "too many pairs on this stream: open another");
    copy = copy_key(key);
    p = copy != NULL ? s2_in_pair_new(s, from, to, IN_BY_DIALBACK) : NULL;
    if (p == NULL) {
        free(copy);
        return refuse(s, from, to, S2_C_RESOURCE_CONSTRAINT, "out of memory");
    }
    p->key = copy;
    s2_in_pair_admit(p); /* p may be gone */
    return go(s);
}

int s2_in_result(struct s2_incoming *s, const struct in_input *in)
{
    struct s2_domain from, to;
    enum s2_admission a;
    struct in_pair *p;

    if (s2_db_domains(in->element, &from, &to) < 0)
        return s2_in_fail(s, S2_E_IMPROPER_ADDRESSING, "db:result needs a domain in from and to");
    if (s2_in_too_plain(s))
        return refuse_plain(s, &from, &to);
    a = s2_admit_sides(s->w->conf, (enum s2_side)s->side, &from, &to);
    S2_COUNT(s->w, S2_M_SPOOFED, a == S2_ADMIT_LOCAL_FROM || a == S2_ADMIT_FOREIGN_FROM);
    if (a != S2_ADMIT_OK)
        return refuse(s, &from, &to, condition_of(a), s2_admission_text(a));
    p = s2_in_pair_find(s, &from, &to);
    if (p != NULL && p->state == IN_PAIR_VERIFIED)
        return say_valid(p);
    if (p != NULL && p->state != IN_PAIR_REVOKED)
        return IN_GO_ON; /* the answer to the first one is the answer to this */
    if (p != NULL)
        s2_in_pair_drop(p);
    return begin(s, &from, &to, in->element->text);
}

/* W10 to W12: nothing was asked on a stream that the peer opened. Never changes anything. */
int s2_in_answer(struct s2_incoming *s, const struct in_input *in)
{
    const struct s2_element *e = in->element;

    IN_LOG(s, XMB_LOG_NOTICE, "unsolicited",
           "unsolicited db:%s of type %.*s is dropped: nothing was asked on this stream",
           e->kind == S2_EL_DB_VERIFY ? "verify" : "result", (int)e->type.n, e->type.p);
    return IN_GO_ON;
}
