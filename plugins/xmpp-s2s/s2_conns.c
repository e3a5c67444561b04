/* SPDX-License-Identifier: MIT */
/*
 * s2_conns.c - the protocol role: whose is a connection?
 *
 * What a peer opened is an s2_incoming, or an s2_component on the listener of one; what we opened
 * is an s2_link. The host keeps one pointer for each, and its lowest bits say which.
 */
#include "component.h"
#include "incoming.h"
#include "link.h"

enum kind { INCOMING = 0, LINK = 1, COMPONENT = 2 }; /* the lowest bits of `cs` */

static int give(void *state, enum kind kind, void **cs)
{
    *cs = (char *)state + kind;
    return 0;
}

static enum kind kind_of(const void *cs)
{
    return (enum kind)((uintptr_t)cs & 3);
}

static void *plain(void *cs)
{
    return (char *)cs - kind_of(cs);
}

/* A reload gives the listeners their new numbers a moment after it gave us the configuration. */
static int refuse_unknown(struct s2_worker *w, const struct xmb_conn_info *info)
{
    char peer[XMB_ADDR_TEXT_MAX];

    S2_LOG(w->module->module, XMB_LOG_NOTICE, "listener-changed",
           s2_host->conn->addr_text(&info->remote, peer, sizeof(peer)),
           "connection closed: the listeners are just being changed; the peer may try again");
    return XMB_EDENIED;
}

static int open_incoming(struct s2_worker *w, struct xmb_conn *conn,
                         const struct xmb_conn_info *info, void **cs)
{
    const struct s2_listen *listen = s2_conf_listen(w->conf, info->listener, &info->local);
    struct s2_component *component = NULL;
    struct s2_incoming *in = NULL;
    int rc;

    if (!w->conf->enabled)
        return XMB_EDENIED;
    if (listen == NULL)
        return refuse_unknown(w, info);
    if (listen->component >= 0) {
        rc = s2_component_open(w, conn, &component);
        return rc == 0 ? give(component, COMPONENT, cs) : rc;
    }
    rc = s2_in_open(w, conn, &in);
    return rc == 0 ? give(in, INCOMING, cs) : rc;
}

static int on_open(void *wself, struct xmb_conn *conn, void **cs)
{
    struct xmb_conn_info info = {.size = sizeof(info)};
    struct s2_link *link = NULL;
    int rc;

    s2_host->conn->info(conn, &info);
    if (info.direction == XMB_INCOMING)
        return open_incoming(wself, conn, &info, cs);
    rc = s2_link_open(wself, conn, &link);
    return rc == 0 ? give(link, LINK, cs) : rc;
}

static int on_data(void *cs, struct xmb_conn *conn, struct xmb_buf *in)
{
    switch (kind_of(cs)) {
    case LINK:
        return s2_link_data(plain(cs), conn, in);
    case COMPONENT:
        return s2_component_data(plain(cs), conn, in);
    default:
        return s2_in_data(cs, conn, in);
    }
}

/* The same for the callbacks that return nothing. */
#define DISPATCH(cs, what, ...)                                                                    \
    do {                                                                                           \
        if (kind_of(cs) == LINK)                                                                   \
            s2_link_##what(plain(cs), __VA_ARGS__);                                                \
        else if (kind_of(cs) == COMPONENT)                                                         \
            s2_component_##what(plain(cs), __VA_ARGS__);                                           \
        else                                                                                       \
            s2_in_##what(cs, __VA_ARGS__);                                                         \
    } while (0)

static void on_writable(void *cs, struct xmb_conn *conn)
{
    DISPATCH(cs, writable, conn);
}

static void on_secured(void *cs, struct xmb_conn *conn)
{
    DISPATCH(cs, secured, conn);
}

static void on_expired(void *cs, struct xmb_conn *conn, uint32_t which)
{
    DISPATCH(cs, expired, conn, which);
}

static void on_closed(void *cs, struct xmb_conn *conn, const char *why)
{
    DISPATCH(cs, closed, conn, why);
}

static void on_drain(void *cs, struct xmb_conn *conn)
{
    DISPATCH(cs, drain, conn);
}

static void on_dial_failed(void *wself, void *user, const char *why)
{
    s2_link_dial_failed(wself, user, why);
}

const struct xmb_protocol s2_protocol = {
    .size = sizeof(s2_protocol),
    .default_port = 5269,
    .flags = XMB_PROTOCOL_OWN_TLS,
    .scheme = "xmpp-server",
    .open = on_open,
    .data = on_data,
    .writable = on_writable,
    .secured = on_secured,
    .expired = on_expired,
    .closed = on_closed,
    .dial_failed = on_dial_failed,
    .drain = on_drain,
    .policy_changed = s2_recheck,
    .listen_names = "component:5347",
    .tls_changed = s2_tls_changed,
};

