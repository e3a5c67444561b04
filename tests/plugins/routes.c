/* SPDX-License-Identifier: MIT */
/*
 * routes.c - a routing plugin with one route, from its configuration:
 *
 *     <module name="routes" domain="example.net" target="xmpp.example.net" port="5269"/>
 *
 * Routes belong to the routing loop, configuration to the control thread. Here the prepared
 * configuration itself travels: the first one waits for `begin`, later ones are posted.
 */
#include <stdlib.h>
#include <xmb/xmb.h>

static const struct xmb_host *host;
static struct xmb_module *module;

struct route {
    char domain[XMB_DOMAIN_NAME_MAX + 1];
    char target[XMB_DOMAIN_NAME_MAX + 1];
    uint16_t port;
};

struct routes {
    struct route *first; /* from the first commit until begin */
    int began;
};

/* On the routing loop. Takes `arg` over. */
static void put(void *arg)
{
    struct route *r = arg;
    const struct xmb_route route = {
        .size = sizeof route,
        .domain = xmb_str(r->domain),
        .target = xmb_str(r->target),
        .port = r->port,
        .priority = 10,
    };
    int rc;

    host->router->clear(module);
    rc = host->router->update(module, route.domain, &route, 1);
    if (rc < 0)
        host->log->write(module, XMB_LOG_ERROR, r->domain, "error %d; there is no route to it", rc);
    free(r);
}

static int begin(void *self)
{
    struct routes *routes = self;

    routes->began = 1;
    put(routes->first);
    routes->first = NULL;
    return 0;
}

static int init(const struct xmb_host *h, struct xmb_module *m, void **self)
{
    host = h;
    module = m;
    *self = calloc(1, sizeof(struct routes));
    return *self != NULL ? 0 : XMB_ENOMEM;
}

static int copy_name(const struct xmb_conf *conf, const char *attribute, char *out)
{
    const char *text = host->conf->text(conf, attribute, "");
    size_t n = strlen(text);

    if (n == 0 || n > XMB_DOMAIN_NAME_MAX)
        return host->conf->fault(conf, "'%s' has %zu octets; 1 to %d are allowed", attribute, n,
                                 XMB_DOMAIN_NAME_MAX);
    memcpy(out, text, n + 1);
    return 0;
}

static int prepare(void *self, const struct xmb_conf *conf, void **next)
{
    struct route *r = calloc(1, sizeof *r);
    uint64_t port = 5269;
    int rc = r != NULL ? copy_name(conf, "domain", r->domain) : XMB_ENOMEM;

    (void)self;
    if (rc == 0)
        rc = copy_name(conf, "target", r->target);
    if (rc == 0)
        rc = host->conf->number(conf, "port", 1, 65535, &port);
    if (rc < 0) {
        free(r);
        return rc;
    }
    r->port = (uint16_t)port;
    *next = r;
    return 0;
}

static void drop(void *self, void *next)
{
    (void)self;
    free(next);
}

/* From here on `next` is the routing loop's, so there is no retire. */
static void commit(void *self, void *next)
{
    struct routes *routes = self;

    if (!routes->began) {
        routes->first = next;
    } else if (host->router->post(module, put, free, next, sizeof(struct route)) < 0) {
        free(next);
        host->log->write(module, XMB_LOG_ERROR, NULL, "the routing loop is full; the old route "
                                                      "stays until the next change");
    }
}

static void stop(void *self)
{
    struct routes *routes = self;

    free(routes->first);
    free(routes);
}

static const char schema[] =
    "<grammar xmlns='http://relaxng.org/ns/structure/1.0' ns='urn:xmb:config:1'><start><group>"
    "<attribute name='domain'/><attribute name='target'/>"
    "<optional><attribute name='port'/></optional></group></start></grammar>";

static const struct xmb_module_ops ops = {
    .size = sizeof ops,
    .init = init,
    .prepare = prepare,
    .abort = drop,
    .commit = commit,
    .stop = stop,
};

static const struct xmb_routing role = {.size = sizeof role, .begin = begin};

XMB_PLUGIN(routes, .version = "1.0", .summary = "one route, for tests", .license = "MIT",
           .origin = "XMB", .schema = schema, .schema_bytes = sizeof schema - 1, .ops = &ops,
           .routing = &role);
