/* SPDX-License-Identifier: MIT */
/*
 * conf_priv.h - the parts of reading the configuration, shared by conf*.c.
 *
 * The schema has said which elements and attributes there are; here are ranges, defaults and what
 * must fit together. Every fault is reported, so no part stops at its first one: `s2_conf_worst`
 * keeps the first error and goes on. XMB_ECONF (reported) or XMB_ENOMEM for all here. Thread:
 * control.
 */
#ifndef S2_CONF_PRIV_H
#define S2_CONF_PRIV_H

#include "gateway.h"

static inline const struct xmb_conf_api *s2_conf_api(void)
{
    return s2_host->conf;
}
static inline void s2_conf_worst(int *rc, int one)
{
    if (*rc == 0)
        *rc = one;
}

/* side= of `node`, or `absent`; the schema has checked the word. */
enum s2_side s2_conf_side(const struct xmb_conf *node, enum s2_side absent);
/* A flag into a plain int. */
int s2_conf_flag(const struct xmb_conf *node, const char *attribute, int *out);

/* conf_locals.c: <listen>, <local-domain> with <server> and <component>. */
int s2_conf_read_locals(const struct xmb_conf *node, struct s2_conf *c);
/* conf_security.c: <security> and <dialback> of both sides; after the listeners. */
int s2_conf_read_security(const struct xmb_conf *node, struct s2_conf *c);
/* conf_limits.c: <limits>, <idle-timeout>, <timeouts>, <delivery>, <backoff>. */
int s2_conf_read_limits(const struct xmb_conf *node, struct s2_conf *c);

#endif
