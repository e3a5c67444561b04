/* SPDX-License-Identifier: MIT */
/*
 * conf_locals.c - the two sides' listeners, and the local domains with the servers behind them.
 *
 * A <component> is a listener too, and the core counts listeners in the order of the document
 * (protocol.h, listen_names), so both are read in one walk over the children: an index into
 * c->listens is the core's ordinal.
 */
#include "conf_priv.h"

#include <arpa/inet.h>
#include <stdlib.h>

#define S2_PORT 5269
#define COMPONENT_PORT 5347

static int is_address(const char *text, struct xmb_addr *out)
{
    memset(out, 0, sizeof(*out));
    if (inet_pton(AF_INET, text, out->ip) == 1)
        out->family = 4;
    else if (inet_pton(AF_INET6, text, out->ip) == 1)
        out->family = 6;
    return out->family != 0;
}

/* --- listeners ------------------------------------------------------------------------------- */

static int read_port(const struct xmb_conf *node, uint16_t min, uint16_t usual, uint16_t *out)
{
    uint64_t port = usual;
    int rc = s2_conf_api()->number(node, "port", min, 65535, &port);

    *out = (uint16_t)port;
    return rc;
}

static int read_listen(const struct xmb_conf *node, struct s2_conf *c)
{
    struct s2_listen *l = &c->listens[c->listen_count++];
    int rc;

    l->side = s2_conf_side(node, S2_OUTSIDE);
    l->tls = s2_conf_api()->text(node, "tls", NULL);
    l->address = s2_conf_api()->text(node, "address", NULL);
    (void)is_address(l->address != NULL ? l->address : "", &l->at);
    l->component = -1;
    rc = s2_conf_flag(node, "direct-tls", &l->direct);
    s2_conf_worst(&rc, read_port(node, 0, S2_PORT, &l->port));
    if (l->direct && l->tls == NULL)
        s2_conf_worst(&rc, s2_conf_api()->fault(node, "direct-tls needs a profile in tls"));
    return rc;
}

/* --- local domains --------------------------------------------------------------------------- */

/* XEP-0114 knows no STARTTLS, so a profile here means TLS from the first octet. */
static int read_component(const struct xmb_conf *node, struct s2_conf *c, struct s2_local *local)
{
    struct s2_listen *l = &c->listens[c->listen_count++];
    int rc;

    l->side = S2_INSIDE;
    l->tls = s2_conf_api()->text(node, "tls", NULL);
    l->address = s2_conf_api()->text(node, "address", NULL);
    (void)is_address(l->address != NULL ? l->address : "", &l->at);
    l->direct = l->tls != NULL;
    l->component = (int)(local - c->locals);
    local->component = 1;
    rc = read_port(node, 0, COMPONENT_PORT, &l->port);
    switch (s2_conf_api()->secret(node, "secret", &local->component_secret)) {
    case 0:
        break;
    case XMB_ENOENT:
        s2_conf_worst(&rc, s2_conf_api()->fault(node, "a component needs a secret or secret-file"));
        break;
    default:
        s2_conf_worst(&rc, XMB_ECONF);
    }
    return rc;
}

static int read_server(const struct xmb_conf *node, struct s2_server *s)
{
    const char *text = s2_conf_api()->text(node, "address", "");
    struct s2_domain name;
    int rc = read_port(node, 1, S2_PORT, &s->port);

    if (is_address(text, &s->addr))
        s->addr.port = s->port;
    else if (s2_domain_read(xmb_str(text), &name) == 0)
        s->host = text;
    else
        s2_conf_worst(&rc, s2_conf_api()->fault(
                               node, "'%s' is neither an IP address nor a host name", text));
    return rc;
}

static size_t count(const struct xmb_conf *node, const char *name)
{
    const struct xmb_conf *e;
    size_t n = 0;

    for (e = s2_conf_api()->child(node, name); e != NULL; e = s2_conf_api()->next(e, name))
        n++;
    return n;
}

static int read_servers(const struct xmb_conf *node, struct s2_local *local)
{
    const struct xmb_conf *e;
    struct s2_server *list;
    size_t n = count(node, "server"), i = 0;
    int rc = 0;

    if (n == 0)
        return 0;
    list = calloc(n, sizeof(*list));
    if (list == NULL)
        return XMB_ENOMEM;
    for (e = s2_conf_api()->child(node, "server"); e != NULL;
         e = s2_conf_api()->next(e, "server"))
        s2_conf_worst(&rc, read_server(e, &list[i++]));
    local->servers = list;
    local->server_count = n;
    return rc;
}

/* A copy would do, but then which of them counts would be a matter of luck. */
static int check_twice(const struct xmb_conf *node, const struct s2_conf *c,
                       const struct s2_local *local)
{
    const struct s2_local *l;

    for (l = c->locals; l < local; l++) {
        if (s2_domain_eq(&l->name, &local->name))
            return s2_conf_api()->fault(node, "local domain %s is there twice", local->name.text);
    }
    return 0;
}

static int check_way(const struct xmb_conf *node, const struct s2_local *local)
{
    if (local->server_count == 0 && !local->component)
        return s2_conf_api()->fault(node, "a local domain needs a <server> or a <component>");
    if (local->server_count > 0 && local->component)
        return s2_conf_api()->fault(node, "a local domain has servers or a component, not both");
    return 0;
}

static int read_local(const struct xmb_conf *node, struct s2_conf *c)
{
    struct s2_local *local = &c->locals[c->local_count++];
    const char *name = s2_conf_api()->text(node, "name", "");
    const struct xmb_conf *e = s2_conf_api()->child(node, "component");
    int rc = 0;

    local->tls = s2_conf_api()->text(node, "tls", NULL);
    if (s2_domain_read(xmb_str(name), &local->name) < 0)
        rc = s2_conf_api()->fault(node, "'%s' is not a domain name", name);
    else
        rc = check_twice(node, c, local);
    s2_conf_worst(&rc, read_servers(node, local));
    if (e != NULL)
        s2_conf_worst(&rc, read_component(e, c, local));
    s2_conf_worst(&rc, check_way(node, local));
    return rc;
}

/* --- the index ------------------------------------------------------------------------------- */

static int make_index(struct s2_conf *c)
{
    uint32_t at, mask, size = 8;
    size_t i;

    while (size < c->local_count * 2)
        size *= 2;
    c->local_index = calloc(size, sizeof(*c->local_index));
    if (c->local_index == NULL)
        return XMB_ENOMEM;
    c->local_index_size = size;
    mask = size - 1;
    for (i = 0; i < c->local_count; i++) {
        for (at = c->locals[i].name.hash & mask; c->local_index[at] != 0; at = (at + 1) & mask)
            ;
        c->local_index[at] = (uint32_t)i + 1;
    }
    return 0;
}

/* --- a <server> that is ourselves would be a loop (rule G2) ---------------------------------- */

static int is_listener(const struct s2_conf *c, const struct s2_server *s)
{
    size_t i;

    for (i = 0; i < c->listen_count && s->addr.family != 0; i++) {
        const struct s2_listen *l = &c->listens[i];

        if (l->port == s->port && l->at.family == s->addr.family &&
            memcmp(l->at.ip, s->addr.ip, sizeof(l->at.ip)) == 0)
            return 1;
    }
    return 0;
}

static int check_loops(const struct xmb_conf *node, const struct s2_conf *c)
{
    const struct xmb_conf *local, *e;
    size_t i = 0, k;
    int rc = 0;

    for (local = s2_conf_api()->child(node, "local-domain"); local != NULL;
         local = s2_conf_api()->next(local, "local-domain"), i++) {
        k = 0;
        for (e = s2_conf_api()->child(local, "server"); e != NULL;
             e = s2_conf_api()->next(e, "server"), k++) {
            if (is_listener(c, &c->locals[i].servers[k]))
                s2_conf_worst(&rc, s2_conf_api()->fault(
                                       e, "this server is a <listen> of the gateway itself"));
        }
    }
    return rc;
}

int s2_conf_read_locals(const struct xmb_conf *node, struct s2_conf *c)
{
    size_t locals = count(node, "local-domain");
    size_t listens = count(node, "listen") + locals; /* at most one component each */
    const struct xmb_conf *e;
    int rc = 0;

    c->locals = calloc(locals + 1, sizeof(*c->locals));
    c->listens = calloc(listens + 1, sizeof(*c->listens));
    if (c->locals == NULL || c->listens == NULL)
        return XMB_ENOMEM;
    for (e = s2_conf_api()->child(node, NULL); e != NULL; e = s2_conf_api()->next(e, NULL)) {
        if (strcmp(s2_conf_api()->name(e), "listen") == 0)
            s2_conf_worst(&rc, read_listen(e, c));
        else if (strcmp(s2_conf_api()->name(e), "local-domain") == 0)
            s2_conf_worst(&rc, read_local(e, c));
    }
    if (rc == 0)
        rc = check_loops(node, c);
    return rc != 0 ? rc : make_index(c);
}
