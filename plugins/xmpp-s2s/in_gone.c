/* SPDX-License-Identifier: MIT */
/*
 * in_gone.c - what incoming streams keep of a configuration beyond one callback: the limits that
 * readers borrow, and the names of the local domains, so that one that a reload took away is
 * answered with host-gone and not with host-unknown (RFC 6120, 4.9.3.4).
 *
 * Out of memory here costs only that distinction.
 */
#include "in_priv.h"

#include <stdlib.h>

static int contains(const struct s2_domain *list, size_t count, const struct s2_domain *d)
{
    size_t i;

    for (i = 0; i < count; i++) {
        if (s2_domain_eq(&list[i], d))
            return 1;
    }
    return 0;
}

/* The oldest makes place when there are too many. */
static void remember_gone(struct s2_incomings *in, const struct s2_domain *d)
{
    if (contains(in->gone, in->gone_count, d))
        return;
    if (in->gone == NULL)
        in->gone = calloc(IN_GONE_MAX, sizeof(*in->gone));
    if (in->gone == NULL)
        return;
    if (in->gone_count == IN_GONE_MAX) {
        in->gone_count--;
        memmove(in->gone, in->gone + 1, in->gone_count * sizeof(*in->gone));
    }
    in->gone[in->gone_count++] = *d;
}

static void take_served(struct s2_incomings *in, const struct s2_conf *c)
{
    struct s2_domain *now;
    size_t i;

    for (i = 0; i < in->served_count; i++) {
        if (s2_conf_local(c, &in->served[i]) == NULL)
            remember_gone(in, &in->served[i]);
    }
    now = calloc(c->local_count > 0 ? c->local_count : 1, sizeof(*now));
    for (i = 0; now != NULL && i < c->local_count; i++)
        now[i] = c->locals[i].name;
    free(in->served);
    in->served = now;
    in->served_count = now != NULL ? c->local_count : 0;
}

void s2_in_configure(struct s2_worker *w)
{
    struct s2_incomings *in = w->incomings;

    if (in->generation == w->conf->generation)
        return;
    in->generation = w->conf->generation;
    in->limits = w->conf->limits;
    in->limits_unverified = w->conf->unverified;
    take_served(in, w->conf);
}

int s2_in_was_served(const struct s2_incomings *in, const struct s2_domain *d)
{
    return contains(in->gone, in->gone_count, d);
}
