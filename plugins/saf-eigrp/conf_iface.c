/* SPDX-License-Identifier: MIT */
/*
 * conf_iface.c - <sf-interface>: the default first, wherever it stands, then those with a name,
 * which begin with what the default has.
 *
 * One thing they do not begin with is its shutdown: a default that is shut and entries for some
 * interfaces is how one says "on these only".
 */
#include "conf_priv.h"

#include <stdlib.h>

#define MTU_MIN_IPV4 576
#define MTU_MIN_IPV6 1280

static int is_default(const struct se_reader *r, const struct xmb_conf *node)
{
    return se_conf_is(r, node, "name", "default");
}

static void set_defaults(struct se_iface_conf *i)
{
    *i = (struct se_iface_conf){
        .name = "default",
        .is_split = 1,
        .hello_ms = SE_NBR_HELLO_MS,
        .hold_s = SE_NBR_HOLD_S,
        .bandwidth_percent = 50,
        .pending_max = SE_NBR_PENDING_MAX,
        .neighbours_max = 1024,
        .new_per_s = SE_NBR_NEW_PER_S,
    };
}

/* --- one interface ---------------------------------------------------------------------------- */

/* "yes" is `usual`, "no" is 0. */
static int read_dampening(const struct se_reader *r, const struct xmb_conf *node,
                          const char *attribute, uint64_t max, uint32_t usual, uint32_t *out)
{
    uint64_t value = *out;
    int rc = 0;

    if (se_conf_is(r, node, attribute, "yes"))
        value = usual;
    else if (se_conf_is(r, node, attribute, "no"))
        value = 0;
    else if (max == 100)
        rc = r->api->number(node, attribute, 1, max, &value);
    else
        rc = se_conf_seconds(r, node, attribute, 1, max, &value);
    *out = (uint32_t)value;
    return rc;
}

/* D14: the values for slow links stand before what the element itself says. */
static int read_nbma(const struct se_reader *r, const struct xmb_conf *node,
                     struct se_iface_conf *i)
{
    int32_t flag = -1;
    int rc = r->api->flag(node, "nbma", &flag);

    if (flag >= 0) {
        i->hello_ms = flag ? SE_NBMA_HELLO_MS : SE_NBR_HELLO_MS;
        i->hold_s = flag ? SE_NBMA_HOLD_S : SE_NBR_HOLD_S;
    }
    return rc;
}

static int read_numbers(const struct se_reader *r, const struct xmb_conf *node, unsigned family,
                        struct se_iface_conf *i)
{
    const struct se_setting settings[] = {
#define ROW(member, attribute, kind, min, max)                                                     \
    SE_SETTING(struct se_iface_conf, member, attribute, kind, min, max)
        ROW(is_shutdown, "shutdown", SE_IS_FLAG, 0, 1),
        ROW(is_split, "split-horizon", SE_IS_FLAG, 0, 1),
        ROW(hello_ms, "hello-interval", SE_IS_MS, 1000, 65535000),
        ROW(hold_s, "hold-time", SE_IS_SECONDS, 1, 65535),
        ROW(bandwidth_percent, "bandwidth-percent", SE_IS_COUNT, 1, 999999),
        ROW(bandwidth_kbps, "bandwidth", SE_IS_COUNT, 1, SE_BANDWIDTH_UNREACHABLE - 1),
        ROW(mtu_bytes, "mtu", SE_IS_COUNT, family == 6 ? MTU_MIN_IPV6 : MTU_MIN_IPV4, 65535),
        ROW(ttl_min, "ttl-min", SE_IS_COUNT, 0, 255),
        ROW(pending_max, "pending-neighbors", SE_IS_COUNT, 1, SE_NBR_NEIGHBOURS_MAX),
        ROW(neighbours_max, "max-neighbors", SE_IS_COUNT, 1, SE_NBR_NEIGHBOURS_MAX),
        ROW(new_per_s, "new-neighbors-per-second", SE_IS_COUNT, 1, 10000),
#undef ROW
    };

    return se_conf_settings(r, node, i, settings, sizeof(settings) / sizeof(settings[0]));
}

static int read_source(const struct se_reader *r, const struct xmb_conf *node, unsigned family,
                       struct se_iface_conf *i)
{
    if (r->api->text(node, "source", NULL) == NULL)
        return 0;
    if (is_default(r, node))
        return r->api->fault(node, "source is an address of one interface, and 'default' stands "
                                   "for all that are not named");
    return se_conf_address(r, node, "source", family, &i->source);
}

static int read_iface(const struct se_reader *r, const struct xmb_conf *node, unsigned family,
                      struct se_iface_conf *i)
{
    const struct xmb_conf *authentication = r->api->child(node, "authentication");
    int rc = se_conf_name(r, node, "name", i->name, sizeof(i->name));

    se_conf_worst(&rc, read_nbma(r, node, i));
    se_conf_worst(&rc, read_numbers(r, node, family, i));
    se_conf_worst(&rc, se_conf_delay(r, node, "delay", &i->delay_ps));
    se_conf_worst(&rc, read_source(r, node, family, i));
    se_conf_worst(&rc, read_dampening(r, node, "dampening-change", 100, 50,
                                      &i->dampening_percent));
    se_conf_worst(&rc, read_dampening(r, node, "dampening-interval", 65535, 30,
                                      &i->dampening_interval_s));
    i->has_dampening = i->dampening_percent > 0 || i->dampening_interval_s > 0;
    se_conf_worst(&rc, se_conf_find_services(r, node, "inbound", &i->inbound));
    se_conf_worst(&rc, se_conf_find_services(r, node, "outbound", &i->outbound));
    if (authentication != NULL)
        se_conf_worst(&rc, se_conf_read_authentication(r, authentication, i));
    return rc;
}

/* --- all of a family -------------------------------------------------------------------------- */

static int read_default(const struct se_reader *r, const struct xmb_conf *family,
                        struct se_family_conf *f)
{
    const struct xmb_conf *e;
    int seen = 0, rc = 0;

    set_defaults(&f->otherwise);
    for (e = r->api->child(family, "sf-interface"); e != NULL;
         e = r->api->next(e, "sf-interface")) {
        if (!is_default(r, e))
            continue;
        if (seen++)
            se_conf_worst(&rc, r->api->fault(e, "a second <sf-interface name=\"default\">"));
        else
            se_conf_worst(&rc, read_iface(r, e, f->family, &f->otherwise));
    }
    return rc;
}

static int read_named(const struct se_reader *r, const struct xmb_conf *node,
                      struct se_family_conf *f)
{
    struct se_iface_conf *i = &f->ifaces[f->iface_count];
    size_t k;
    int rc;

    *i = f->otherwise;
    i->is_shutdown = 0;
    rc = read_iface(r, node, f->family, i);
    for (k = 0; k < f->iface_count; k++)
        if (strcmp(f->ifaces[k].name, i->name) == 0)
            se_conf_worst(&rc, r->api->fault(node, "a second <sf-interface name=\"%s\">",
                                             i->name));
    f->iface_count++;
    return rc;
}

int se_conf_read_ifaces(const struct se_reader *r, const struct xmb_conf *family,
                        struct se_family_conf *f)
{
    const struct xmb_conf *e;
    size_t n = se_conf_count(r, family, "sf-interface");
    int rc = read_default(r, family, f);

    if (n > SE_NBR_IFACES_MAX)
        return r->api->fault(family, "there are %zu <sf-interface>; %d are the most", n,
                             SE_NBR_IFACES_MAX);
    f->ifaces = calloc(n + 1, sizeof(*f->ifaces));
    if (f->ifaces == NULL)
        return XMB_ENOMEM;
    for (e = r->api->child(family, "sf-interface"); e != NULL;
         e = r->api->next(e, "sf-interface"))
        if (!is_default(r, e))
            se_conf_worst(&rc, read_named(r, e, f));
    return rc;
}
