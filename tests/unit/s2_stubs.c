/* SPDX-License-Identifier: MIT */
/*
 * s2_stubs.c - see s2_stubs.h.
 */
#include "s2_stubs.h"

struct s2_stubs s2_stubs;

static char something; /* what the handles point to: nobody looks */
static uint64_t a_stream[2], a_link[2];

/* --- incoming.h --- */

int s2_incomings_init(struct s2_worker *w)
{
    w->incomings = (void *)&something;
    return 0;
}

void s2_incomings_fini(struct s2_worker *w)
{
    w->incomings = NULL;
}

int s2_in_open(struct s2_worker *w, struct xmb_conn *conn, struct s2_incoming **out)
{
    (void)w;
    (void)conn;
    s2_stubs.opened_in++;
    *out = (void *)a_stream;
    return 0;
}

int s2_in_data(struct s2_incoming *s, struct xmb_conn *conn, struct xmb_buf *in)
{
    (void)conn;
    (void)in;
    s2_stubs.data_in += s == (void *)a_stream;
    return 0;
}

void s2_in_writable(struct s2_incoming *s, struct xmb_conn *conn)
{
    (void)s;
    (void)conn;
}

void s2_in_secured(struct s2_incoming *s, struct xmb_conn *conn)
{
    (void)s;
    (void)conn;
}

void s2_in_expired(struct s2_incoming *s, struct xmb_conn *conn, uint32_t which)
{
    (void)s;
    (void)conn;
    (void)which;
}

void s2_in_closed(struct s2_incoming *s, struct xmb_conn *conn, const char *why)
{
    (void)conn;
    (void)why;
    s2_stubs.closed_in += s == (void *)a_stream;
}

void s2_in_drain(struct s2_incoming *s, struct xmb_conn *conn)
{
    (void)s;
    (void)conn;
    s2_stubs.drained_conns++;
}

void s2_in_recheck(struct s2_worker *w)
{
    (void)w;
    s2_stubs.rechecks++;
}

void s2_in_tls_changed(struct s2_worker *w)
{
    (void)w;
}

void s2_in_walk(struct s2_worker *w, void (*fn)(void *arg, const struct s2_connection *c),
                void *arg)
{
    size_t i;

    (void)w;
    for (i = 0; i < s2_stubs.in_count; i++)
        fn(arg, &s2_stubs.in[i]);
}

static int cleared(const struct s2_connection *list, size_t count, uint64_t id)
{
    size_t i;

    for (i = 0; i < count; i++) {
        if (list[i].id == id) {
            s2_stubs.cleared[s2_stubs.cleared_count++] = id;
            return 1;
        }
    }
    return 0;
}

int s2_in_clear(struct s2_worker *w, uint64_t id)
{
    (void)w;
    return cleared(s2_stubs.in, s2_stubs.in_count, id);
}

/* --- link.h --- */

int s2_links_init(struct s2_worker *w)
{
    w->links = (void *)&something;
    return 0;
}

void s2_links_fini(struct s2_worker *w)
{
    w->links = NULL;
}

int s2_link_open(struct s2_worker *w, struct xmb_conn *conn, struct s2_link **out)
{
    (void)w;
    (void)conn;
    s2_stubs.opened_out++;
    *out = (void *)a_link;
    return 0;
}

int s2_link_data(struct s2_link *l, struct xmb_conn *conn, struct xmb_buf *in)
{
    (void)conn;
    (void)in;
    s2_stubs.data_out += l == (void *)a_link;
    return 0;
}

void s2_link_writable(struct s2_link *l, struct xmb_conn *conn)
{
    (void)l;
    (void)conn;
}

void s2_link_secured(struct s2_link *l, struct xmb_conn *conn)
{
    (void)l;
    (void)conn;
}

void s2_link_expired(struct s2_link *l, struct xmb_conn *conn, uint32_t which)
{
    (void)l;
    (void)conn;
    (void)which;
}

void s2_link_closed(struct s2_link *l, struct xmb_conn *conn, const char *why)
{
    (void)conn;
    (void)why;
    s2_stubs.closed_out += l == (void *)a_link;
}

void s2_link_drain(struct s2_link *l, struct xmb_conn *conn)
{
    (void)l;
    (void)conn;
    s2_stubs.drained_conns++;
}

void s2_link_dial_failed(struct s2_worker *w, void *user, const char *why)
{
    (void)w;
    (void)user;
    (void)why;
}

void s2_link_recheck(struct s2_worker *w)
{
    (void)w;
}

void s2_link_tls_changed(struct s2_worker *w)
{
    (void)w;
}

void s2_link_walk(struct s2_worker *w, void (*fn)(void *arg, const struct s2_connection *c),
                  void *arg)
{
    size_t i;

    (void)w;
    for (i = 0; i < s2_stubs.out_count; i++)
        fn(arg, &s2_stubs.out[i]);
}

int s2_link_clear(struct s2_worker *w, uint64_t id)
{
    (void)w;
    return cleared(s2_stubs.out, s2_stubs.out_count, id);
}

/* --- flow.h --- */

int s2_flows_init(struct s2_worker *w)
{
    w->flows = (void *)&something;
    return 0;
}

void s2_flows_fini(struct s2_worker *w)
{
    w->flows = NULL;
}

void s2_flow_recheck(struct s2_worker *w)
{
    (void)w;
}

void s2_flow_drain(struct s2_worker *w, uint64_t deadline_ms)
{
    (void)w;
    s2_stubs.drained_ms = deadline_ms;
}

void s2_flow_walk(struct s2_worker *w, void (*fn)(void *arg, const struct s2_flow_facts *f),
                  void *arg)
{
    size_t i;

    (void)w;
    for (i = 0; i < s2_stubs.flow_count; i++)
        fn(arg, &s2_stubs.flows[i]);
}
