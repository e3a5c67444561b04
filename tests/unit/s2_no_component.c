/* SPDX-License-Identifier: MIT */
/*
 * s2_no_component.c - components of the gateway (component.h) that never connect, and tests of
 * domains (probe.h) that never begin, for tests that bring links or flows of their own.
 */
#include "component.h"
#include "probe.h"

int s2_component_open(struct s2_worker *w, struct xmb_conn *conn, struct s2_component **out)
{
    (void)w;
    (void)conn;
    (void)out;
    return XMB_EDENIED;
}

int s2_component_data(struct s2_component *c, struct xmb_conn *conn, struct xmb_buf *in)
{
    (void)c;
    (void)conn;
    (void)in;
    return 0;
}

void s2_component_writable(struct s2_component *c, struct xmb_conn *conn)
{
    (void)c;
    (void)conn;
}

void s2_component_secured(struct s2_component *c, struct xmb_conn *conn)
{
    (void)c;
    (void)conn;
}

void s2_component_expired(struct s2_component *c, struct xmb_conn *conn, uint32_t which)
{
    (void)c;
    (void)conn;
    (void)which;
}

void s2_component_closed(struct s2_component *c, struct xmb_conn *conn, const char *why)
{
    (void)c;
    (void)conn;
    (void)why;
}

void s2_component_drain(struct s2_component *c, struct xmb_conn *conn)
{
    (void)c;
    (void)conn;
}

void s2_component_resume(struct s2_worker *w, xmb_ref ref)
{
    (void)w;
    (void)ref;
}

void s2_component_recheck(struct s2_worker *w)
{
    (void)w;
}

void s2_component_walk(struct s2_worker *w, void (*fn)(void *arg, const struct s2_connection *c),
                       void *arg)
{
    (void)w;
    (void)fn;
    (void)arg;
}

int s2_component_clear(struct s2_worker *w, uint64_t id)
{
    (void)w;
    (void)id;
    return 0;
}

/* --- probe.h --- */

int s2_probe_run(void *state, const struct xmb_call *call, struct xmb_out *out)
{
    (void)state;
    (void)call;
    (void)out;
    return XMB_ENOENT;
}

void s2_probes_end(struct s2_worker *w)
{
    (void)w;
}
