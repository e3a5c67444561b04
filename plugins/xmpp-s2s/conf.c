/* SPDX-License-Identifier: MIT */
/*
 * conf.c - the module's element to a struct s2_conf: its parts in order, and how it is asked
 * afterwards.
 *
 * Strings are the host's and live as long as the configuration; the arrays are ours.
 */
#include "conf_priv.h"

#include <stdlib.h>

const char *s2_side_name(enum s2_side s)
{
    return s == S2_INSIDE ? "inside" : "outside";
}

const char *s2_mode_name(enum s2_mode m)
{
    static const char *const names[] = {"tls-required", "tls-optional", "no-tls"};

    return names[m];
}

enum s2_side s2_conf_side(const struct xmb_conf *node, enum s2_side absent)
{
    const char *side = s2_conf_api()->text(node, "side", NULL);

    if (side == NULL)
        return absent;
    return strcmp(side, "inside") == 0 ? S2_INSIDE : S2_OUTSIDE;
}

int s2_conf_flag(const struct xmb_conf *node, const char *attribute, int *out)
{
    int32_t flag = *out;
    int rc = s2_conf_api()->flag(node, attribute, &flag);

    *out = flag;
    return rc;
}

/* R21: on, unless it is said to be off. */
static int read_switch(const struct xmb_conf *node, struct s2_conf *c)
{
    const struct xmb_conf *e = s2_conf_api()->child(node, "federation");

    c->enabled = 1;
    return e != NULL ? s2_conf_flag(e, "use", &c->enabled) : 0;
}

int s2_conf_read(const struct xmb_conf *node, struct s2_conf **out)
{
    struct s2_conf *c = calloc(1, sizeof(*c));
    int rc;

    if (c == NULL)
        return XMB_ENOMEM;
    rc = read_switch(node, c);
    s2_conf_worst(&rc, s2_conf_read_limits(node, c));
    s2_conf_worst(&rc, s2_conf_read_locals(node, c));
    s2_conf_worst(&rc, s2_conf_read_security(node, c));
    if (rc != 0) {
        s2_conf_free(c);
        return rc;
    }
    *out = c;
    return 0;
}

void s2_conf_free(struct s2_conf *c)
{
    size_t i;

    if (c == NULL)
        return;
    for (i = 0; i < c->local_count; i++)
        free((void *)(uintptr_t)c->locals[i].servers);
    free(c->locals);
    free(c->listens);
    free(c->local_index);
    free(c);
}

const struct s2_local *s2_conf_local(const struct s2_conf *c, const struct s2_domain *d)
{
    uint32_t mask = c->local_index_size - 1;
    uint32_t at, entry;

    if (c->local_index_size == 0)
        return NULL;
    for (at = d->hash & mask; (entry = c->local_index[at]) != 0; at = (at + 1) & mask) {
        if (s2_domain_eq(&c->locals[entry - 1].name, d))
            return &c->locals[entry - 1];
    }
    return NULL;
}

static int has_address(const struct s2_listen *l, const struct xmb_addr *local)
{
    static const uint8_t zeros[sizeof(local->ip)];

    return l->at.family == 0 || memcmp(l->at.ip, zeros, sizeof(zeros)) == 0 ||
           (l->at.family == local->family && memcmp(l->at.ip, local->ip, sizeof(zeros)) == 0);
}

static int fits(const struct s2_listen *l, const struct xmb_addr *local)
{
    return has_address(l, local) && l->port == local->port;
}

/* A port may be another than the one that was written (0), so it only counts where one fits. */
const struct s2_listen *s2_conf_listen(const struct s2_conf *c, uint32_t ordinal,
                                       const struct xmb_addr *local)
{
    size_t i;

    if (ordinal >= c->listen_count || !has_address(&c->listens[ordinal], local))
        return NULL;
    for (i = 0; i < c->listen_count && !fits(&c->listens[ordinal], local); i++) {
        if (fits(&c->listens[i], local))
            return NULL;
    }
    return &c->listens[ordinal];
}

const char *s2_conf_tls(const struct s2_conf *c, enum s2_side side, const struct s2_domain *d)
{
    const struct s2_local *l = side == S2_OUTSIDE && d != NULL ? s2_conf_local(c, d) : NULL;

    return l != NULL && l->tls != NULL ? l->tls : c->security[side].tls;
}
