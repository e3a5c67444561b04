/* SPDX-License-Identifier: MIT */
/*
 * request.c - a request that outlives the call that asked it.
 *
 * Only made when a module answers PENDING; the structure and all that its
 * views point to lie in one block, which is wiped as a whole because a password
 * may be in it.
 */
#include "policy/policy_priv.h"

#include <stdlib.h>

struct copied {
    struct xmb_request request; /* first */
    size_t bytes;
    char octets[];
};

static struct xmb_str put(char **at, struct xmb_str s)
{
    struct xmb_str out = {NULL, 0};

    if (s.p == NULL)
        return out;
    out.p = *at;
    out.n = s.n;
    if (s.n > 0)
        memcpy(*at, s.p, s.n);
    *at += s.n;
    return out;
}

struct xmb_request *request_copy(const struct xmb_request *r)
{
    size_t list_bytes = r->list != NULL ? strlen(r->list) + 1 : 0;
    size_t bytes = r->username.n + r->realm.n + r->password.n + r->from.n + r->to.n +
                   r->foreign.n + list_bytes;
    struct copied *c = malloc(sizeof(*c) + bytes);
    char *at;

    if (c == NULL)
        return NULL;
    c->bytes = bytes;
    c->request = *r;
    c->request.size = sizeof(c->request); /* a newer asker's is longer than what is copied */
    at = c->octets;
    if (r->list != NULL)
        c->request.list = put(&at, (struct xmb_str){r->list, list_bytes}).p;
    c->request.username = put(&at, r->username);
    c->request.realm = put(&at, r->realm);
    c->request.password = put(&at, r->password);
    c->request.from = put(&at, r->from);
    c->request.to = put(&at, r->to);
    c->request.foreign = put(&at, r->foreign);
    if (r->principal != NULL) {
        /* Counting does not change what others see of it. */
        union {
            const struct xmb_principal *in;
            struct xmb_principal *out;
        } p = {r->principal};

        principal_hold(p.out);
    }
    return &c->request;
}

void request_free(struct xmb_request *copy)
{
    struct copied *c = (struct copied *)copy;
    union {
        const struct xmb_principal *in;
        struct xmb_principal *out;
    } p;

    if (copy == NULL)
        return;
    p.in = copy->principal;
    principal_release(p.out);
    explicit_bzero(c->octets, c->bytes);
    free(c);
}
