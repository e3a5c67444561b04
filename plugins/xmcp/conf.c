/* SPDX-License-Identifier: MIT */
/*
 * conf.c - the module's element to a struct conf.
 *
 * The schema (xmcp.rng) has already said which elements and attributes there are; here are ranges
 * and defaults. <listen> is the core's business: it is read a second time only so that `show
 * service-routing xmcp server` can tell what was asked for. All of it is read, also behind a fault,
 * so that the operator sees every fault at once.
 */
#include <stdlib.h>
#include <string.h>

#include <xmcp.h>

#include "server.h"

#define CLIENTS_DEFAULT 1024
#define CLIENTS_MOST 1000000
#define SERVICES_DEFAULT 4096
#define SERVICES_MOST 100000
#define SUBSCRIPTIONS_DEFAULT 1024
#define SUBSCRIPTIONS_MOST 65536
#define REGISTER_MS_DEFAULT 10000

/* Keeps the worst of what was found so far: no memory before a fault, a fault before 0. */
static void worst(int *rc, int more)
{
    if (more == XMB_ENOMEM || (more < 0 && *rc == 0))
        *rc = more;
}

/* A copy of the attribute; NULL in *out when it is absent. */
static int take_text(const struct xmb_conf *node, const char *attribute, char **out)
{
    const char *text = xs_host->conf->text(node, attribute, NULL);

    if (text == NULL)
        return 0;
    *out = strdup(text);
    return *out != NULL ? 0 : XMB_ENOMEM;
}

static int take_u32(const struct xmb_conf *node, const char *attribute, uint32_t min, uint32_t max,
                    uint32_t *out)
{
    uint64_t value = *out;
    int rc = xs_host->conf->number(node, attribute, min, max, &value);

    if (rc == 0)
        *out = (uint32_t)value;
    return rc;
}

static int read_listen(const struct xmb_conf *node, struct listen_conf *l)
{
    const char *family = xs_host->conf->text(node, "family", NULL);
    uint32_t port = XS_PORT;
    int rc;

    if (family != NULL)
        l->family = strcmp(family, "ipv6") == 0 ? 6 : 4;
    rc = take_u32(node, "port", 0, 65535, &port);
    l->port = (uint16_t)port;
    worst(&rc, take_text(node, "address", &l->address));
    worst(&rc, take_text(node, "vrf", &l->vrf));
    worst(&rc, take_text(node, "tls", &l->tls));
    return rc;
}

static int read_listens(const struct xmb_conf *node, struct conf *c)
{
    const struct xmb_conf *child;
    uint32_t count = 0;
    int rc = 0;

    for (child = xs_host->conf->child(node, "listen"); child != NULL;
         child = xs_host->conf->next(child, "listen"))
        count++;
    if (count == 0)
        return 0;
    c->listens = calloc(count, sizeof(*c->listens));
    if (c->listens == NULL)
        return XMB_ENOMEM;
    for (child = xs_host->conf->child(node, "listen"); child != NULL;
         child = xs_host->conf->next(child, "listen"))
        worst(&rc, read_listen(child, &c->listens[c->listen_count++]));
    return rc;
}

/* A name that no list has would let nobody in: a mistyped one should not wait for the night. */
static int take_list(const struct xmb_conf *node, const char *attribute, char **out)
{
    int rc = take_text(node, attribute, out);

    if (rc == 0 && *out != NULL && xs_lists != NULL && !xs_lists->known(*out))
        return xs_host->conf->fault(node, "%s: allow-deny has no address list \"%s\"", attribute,
                                    *out);
    return rc;
}

static int read_allow_list(const struct xmb_conf *node, struct conf *c)
{
    const struct xmb_conf *e = xs_host->conf->child(node, "allow-list");
    int rc;

    if (e == NULL)
        return 0;
    rc = take_list(e, "ipv4", &c->allow_ipv4);
    worst(&rc, take_list(e, "ipv6", &c->allow_ipv6));
    return rc;
}

static int read_clients(const struct xmb_conf *node, struct conf *c)
{
    const struct xmb_conf *e = xs_host->conf->child(node, "max-clients");
    int rc;

    if (e == NULL)
        return 0;
    rc = take_u32(e, "total", 1, CLIENTS_MOST, &c->clients_max);
    worst(&rc, take_u32(e, "unauthenticated", 0, CLIENTS_MOST, &c->unauthenticated_max));
    return rc;
}

static int read_limits(const struct xmb_conf *node, struct conf *c)
{
    const struct xmb_conf *e = xs_host->conf->child(node, "limits");
    uint64_t data_bytes = c->service_data_bytes_max;
    uint64_t register_ms = c->register_ms;
    int rc;

    if (e == NULL)
        return 0;
    rc = xs_host->conf->bytes(e, "service-data", 0, XMCP_SERVICE_DATA_BYTES_MAX, &data_bytes);
    worst(&rc, take_u32(e, "services", 1, SERVICES_MOST, &c->services_max));
    worst(&rc, take_u32(e, "subscriptions", 1, SUBSCRIPTIONS_MOST, &c->subscriptions_max));
    worst(&rc, xs_host->conf->duration(e, "register-within", 1000, 60000, &register_ms));
    c->service_data_bytes_max = (uint32_t)data_bytes;
    c->register_ms = (uint32_t)register_ms;
    return rc;
}

static int read_unknown_users(const struct xmb_conf *node, struct conf *c)
{
    const struct xmb_conf *e = xs_host->conf->child(node, "unknown-users");

    return e != NULL ? xs_host->conf->flag(e, "hide", &c->hide_users) : 0;
}

static void set_defaults(struct conf *c)
{
    c->clients_max = CLIENTS_DEFAULT;
    c->unauthenticated_max = CLIENTS_DEFAULT;
    c->service_data_bytes_max = XMCP_SERVICE_DATA_BYTES_MAX;
    c->services_max = SERVICES_DEFAULT;
    c->subscriptions_max = SUBSCRIPTIONS_DEFAULT;
    c->register_ms = REGISTER_MS_DEFAULT;
}

int xs_conf_read(const struct xmb_conf *node, struct conf **out)
{
    struct conf *c = calloc(1, sizeof(*c));
    int rc;

    if (c == NULL)
        return XMB_ENOMEM;
    set_defaults(c);
    rc = read_listens(node, c);
    worst(&rc, read_allow_list(node, c));
    worst(&rc, read_clients(node, c));
    worst(&rc, read_limits(node, c));
    worst(&rc, read_unknown_users(node, c));
    if (rc != 0) {
        xs_conf_free(c);
        return rc;
    }
    *out = c;
    return 0;
}

void xs_conf_free(struct conf *conf)
{
    uint32_t i;

    if (conf == NULL)
        return;
    for (i = 0; i < conf->listen_count; i++) {
        free(conf->listens[i].address);
        free(conf->listens[i].vrf);
        free(conf->listens[i].tls);
    }
    free(conf->listens);
    free(conf->allow_ipv4);
    free(conf->allow_ipv6);
    free(conf);
}
