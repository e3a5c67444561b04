/* SPDX-License-Identifier: MIT */
/*
 * conf.c - the module's element to a struct conf.
 *
 *     <listen address="10.0.0.1" port="53"/>
 *     <gateway address="10.0.0.1" port="5269" tls-port="5270" name="gw.example.com"/>
 *     <ttl seconds="60"/>
 *
 * <gateway> stands once for each address; what else it says holds for all of them, so two that
 * say different things are a fault.
 */
#include "server.h"

#include <stdlib.h>
#include <string.h>

#define TTL_MAX_S 86400

static int read_port(const struct xmb_conf *node, const char *attribute, uint16_t *port)
{
    uint64_t value = 0;

    if (idns_host->conf->text(node, attribute, NULL) == NULL)
        return 0;
    if (idns_host->conf->number(node, attribute, 1, 65535, &value) < 0)
        return XMB_ECONF;
    if (*port != 0 && *port != value)
        return idns_host->conf->fault(node, "another <gateway> has %s=\"%u\"; it is the same for "
                                      "all of them", attribute, *port);
    *port = (uint16_t)value;
    return 0;
}

static int is_host_name(const char *name)
{
    static const char allowed[] =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-.";

    return name[0] != '\0' && name[0] != '.' && name[strspn(name, allowed)] == '\0';
}

static int read_name(const struct xmb_conf *node, struct conf *c)
{
    const char *name = idns_host->conf->text(node, "name", NULL);
    ldns_rdf *target;

    if (name == NULL)
        return 0;
    target = is_host_name(name) ? ldns_dname_new_frm_str(name) : NULL;
    if (target == NULL)
        return idns_host->conf->fault(node, "\"%s\" is not the name of a host", name);
    ldns_dname2canonical(target);
    if (c->target != NULL && ldns_dname_compare(c->target, target) != 0) {
        ldns_rdf_deep_free(target);
        return idns_host->conf->fault(node, "another <gateway> has a different name; it is the "
                                      "same for all of them");
    }
    ldns_rdf_deep_free(c->target);
    c->target = target;
    return 0;
}

static int read_address(const struct xmb_conf *node, struct conf *c)
{
    struct xmb_addr a = {0};
    uint32_t same = 0;
    uint32_t i;

    if (idns_host->conf->address(node, "address", &a) < 0)
        return XMB_ECONF;
    for (i = 0; i < c->gateway_count; i++) {
        if (c->gateway[i].family != a.family)
            continue;
        same++;
        if (memcmp(c->gateway[i].ip, a.ip, sizeof(a.ip)) == 0)
            return idns_host->conf->fault(node, "this address is there twice");
    }
    if (same == IDNS_GATEWAYS_MAX)
        return idns_host->conf->fault(node, "%d addresses of a family are the most",
                                      IDNS_GATEWAYS_MAX);
    c->gateway[c->gateway_count++] = a;
    return 0;
}

/* Reads all of it, so that all of its faults are told. */
static int read_gateway(const struct xmb_conf *node, struct conf *c)
{
    int rc = read_address(node, c);

    if (read_port(node, "port", &c->port) < 0)
        rc = XMB_ECONF;
    if (read_port(node, "tls-port", &c->tls_port) < 0)
        rc = XMB_ECONF;
    if (read_name(node, c) < 0)
        rc = XMB_ECONF;
    return rc;
}

static int read_gateways(const struct xmb_conf *node, struct conf *c)
{
    const struct xmb_conf *g = idns_host->conf->child(node, "gateway");
    int rc = 0;

    for (; g != NULL; g = idns_host->conf->next(g, "gateway"))
        if (read_gateway(g, c) < 0)
            rc = XMB_ECONF;
    if (c->port == 0)
        c->port = IDNS_XMPP_PORT;
    return rc;
}

static int read_ttl(const struct xmb_conf *node, struct conf *c)
{
    const struct xmb_conf *e = idns_host->conf->child(node, "ttl");
    uint64_t seconds = IDNS_TTL_S;
    int rc = 0;

    if (e != NULL)
        rc = idns_host->conf->number(e, "seconds", 0, TTL_MAX_S, &seconds);
    c->ttl_s = (uint32_t)seconds;
    return rc;
}

static void count_listens(const struct xmb_conf *node, struct conf *c)
{
    const struct xmb_conf *l = idns_host->conf->child(node, "listen");

    for (; l != NULL; l = idns_host->conf->next(l, "listen"))
        c->listen_count++;
}

int idns_conf_read(const struct xmb_conf *node, struct conf **out)
{
    struct conf *c = calloc(1, sizeof(*c));
    int rc;

    if (c == NULL)
        return XMB_ENOMEM;
    c->nobody = ldns_dname_new_frm_str("nobody.invalid.");
    rc = read_gateways(node, c);
    if (read_ttl(node, c) < 0)
        rc = XMB_ECONF;
    count_listens(node, c);
    if (rc == 0 && c->nobody == NULL)
        rc = XMB_ENOMEM;
    if (rc < 0)
        idns_conf_free(c);
    else
        *out = c;
    return rc;
}

void idns_conf_free(struct conf *c)
{
    if (c == NULL)
        return;
    ldns_rdf_deep_free(c->target);
    ldns_rdf_deep_free(c->nobody);
    free(c);
}
