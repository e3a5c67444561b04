/* SPDX-License-Identifier: MIT */
/*
 * conf_family.c - <service-family>: who the process is, and its small elements <stub>,
 * <metric-weights>, <timers> and <log>. The larger ones have files of their own.
 */
#include "conf_priv.h"

#include <stdlib.h>

#define MINUTE_MS UINT64_C(60000)
#define EVENTS_MAX 10000

static void set_defaults(struct se_family_conf *f)
{
    static const struct se_kvalues k = SE_KVALUES_DEFAULT;

    f->k = k;
    f->is_logging_changes = 1;
    f->warn_s = SE_NBR_WARN_MS / 1000;
    f->event_log_size = 500;
    f->active_ms = 3 * MINUTE_MS;
    f->purge_s = SE_NBR_PURGE_MS / 1000;
}

/* --- its own attributes ----------------------------------------------------------------------- */

static int read_vrf(const struct se_reader *r, const struct xmb_conf *node,
                    struct se_family_conf *f)
{
    char name[XMB_NETIF_NAME_MAX];
    int rc;

    if (r->api->text(node, "vrf", NULL) == NULL)
        return 0;
    rc = se_conf_name(r, node, "vrf", name, sizeof(name));
    if (rc < 0)
        return rc;
    f->vrf = xmb_str(strdup(name));
    return f->vrf.p != NULL ? 0 : XMB_ENOMEM;
}

static int read_self(const struct se_reader *r, const struct xmb_conf *node,
                     struct se_family_conf *f)
{
    static const struct se_setting settings[] = {
        SE_SETTING(struct se_family_conf, as_number, "autonomous-system", SE_IS_COUNT, 1, 65535),
        SE_SETTING(struct se_family_conf, is_shutdown, "shutdown", SE_IS_FLAG, 0, 1),
    };
    int rc;

    f->line = r->api->line(node);
    f->family = se_conf_is(r, node, "address-family", "ipv6") ? 6 : 4;
    rc = se_conf_settings(r, node, f, settings, 2);
    se_conf_worst(&rc, read_vrf(r, node, f));
    if (r->api->text(node, "router-id", NULL) == NULL)
        return rc;
    f->has_router_id = 1;
    se_conf_worst(&rc, se_conf_router_id(r, node, "router-id", &f->router_id));
    return rc;
}

/* --- small elements --------------------------------------------------------------------------- */

/* <stub/> alone is connected, as with routers. */
static int read_stub(const struct se_reader *r, const struct xmb_conf *family,
                     struct se_family_conf *f)
{
    const struct xmb_conf *node = r->api->child(family, "stub");
    int32_t connected = -1, receive_only = 0;
    int rc;

    if (node == NULL)
        return 0;
    rc = r->api->flag(node, "connected", &connected);
    se_conf_worst(&rc, r->api->flag(node, "receive-only", &receive_only));
    if (rc < 0)
        return rc;
    if (receive_only && connected == 1)
        return r->api->fault(node, "a stub that only receives announces nothing, and a connected "
                                   "one its own services; leave one out");
    if (!receive_only && connected == 0)
        return r->api->fault(node, "a stub is connected or receive-only; leave <stub> out for no "
                                   "stub");
    f->stub_flags = receive_only ? SE_STUB_RECEIVE_ONLY : SE_STUB_CONNECTED;
    return 0;
}

static int read_weights(const struct se_reader *r, const struct xmb_conf *family,
                        struct se_family_conf *f)
{
    static const struct se_setting settings[] = {
#define ROW(i, attribute)                                                                          \
    SE_SETTING(struct se_family_conf, k.k[i], attribute, SE_IS_COUNT, 0, SE_K_MAX)
        ROW(0, "k1"), ROW(1, "k2"), ROW(2, "k3"), ROW(3, "k4"), ROW(4, "k5"), ROW(5, "k6"),
#undef ROW
    };
    const struct xmb_conf *node = r->api->child(family, "metric-weights");

    return node != NULL ? se_conf_settings(r, node, f, settings, 6) : 0;
}

/* Of a forwarder that helps others to restart, and does not do so itself (D24). */
static int check_nsf(const struct se_reader *r, const struct xmb_conf *node)
{
    uint64_t converge_s = 0, signal_s = 0;
    int rc = se_conf_seconds(r, node, "nsf-converge", 60, 180, &converge_s);

    se_conf_worst(&rc, se_conf_seconds(r, node, "nsf-signal", 10, 30, &signal_s));
    return rc;
}

static int read_timers(const struct se_reader *r, const struct xmb_conf *family,
                       struct se_family_conf *f)
{
    static const struct se_setting settings[] = {
        SE_SETTING(struct se_family_conf, purge_s, "graceful-restart-purge-time", SE_IS_SECONDS, 20,
                   300),
    };
    const struct xmb_conf *node = r->api->child(family, "timers");
    int rc;

    if (node == NULL)
        return 0;
    rc = se_conf_settings(r, node, f, settings, 1);
    if (se_conf_is(r, node, "active-time", "disabled"))
        f->active_ms = 0;
    else
        se_conf_worst(&rc, r->api->duration(node, "active-time", MINUTE_MS, 65535 * MINUTE_MS,
                                            &f->active_ms));
    se_conf_worst(&rc, check_nsf(r, node));
    return rc;
}

static int read_log(const struct se_reader *r, const struct xmb_conf *family,
                    struct se_family_conf *f)
{
    static const struct se_setting settings[] = {
        SE_SETTING(struct se_family_conf, is_logging_changes, "neighbor-changes", SE_IS_FLAG, 0, 1),
        SE_SETTING(struct se_family_conf, warn_s, "neighbor-warnings", SE_IS_SECONDS, 1, 65535),
        SE_SETTING(struct se_family_conf, event_log_size, "event-log-size", SE_IS_COUNT, 0,
                   EVENTS_MAX),
    };
    const struct xmb_conf *node = r->api->child(family, "log");

    return node != NULL ? se_conf_settings(r, node, f, settings, 3) : 0;
}

/* --- all of them ------------------------------------------------------------------------------ */

static int check_twice(const struct se_reader *r, const struct xmb_conf *node,
                       const struct se_family_conf *f)
{
    const struct se_family_conf *o;
    char object[SE_OBJECT_MAX];

    for (o = r->conf->families; o < f; o++)
        if (se_conf_same_process(o, f))
            return r->api->fault(node, "service family %s is here a second time; the first is in "
                                       "line %u",
                                 se_conf_object(f, NULL, object), o->line);
    return 0;
}

static int read_family(const struct se_reader *r, const struct xmb_conf *node)
{
    struct se_family_conf *f = &r->conf->families[r->conf->family_count++];
    int rc;

    set_defaults(f);
    rc = read_self(r, node, f);
    if (rc == 0)
        rc = check_twice(r, node, f);
    se_conf_worst(&rc, read_stub(r, node, f));
    se_conf_worst(&rc, read_weights(r, node, f));
    se_conf_worst(&rc, read_timers(r, node, f));
    se_conf_worst(&rc, read_log(r, node, f));
    se_conf_worst(&rc, se_conf_read_topology(r, node, f));
    se_conf_worst(&rc, se_conf_read_ifaces(r, node, f));
    se_conf_worst(&rc, se_conf_read_neighbors(r, node, f));
    se_conf_worst(&rc, se_conf_read_domains(r, node, f));
    return rc;
}

int se_conf_read_families(const struct se_reader *r)
{
    size_t n = se_conf_count(r, r->root, "service-family");
    const struct xmb_conf *e;
    int rc = 0;

    if (n > SE_FAMILIES_MAX)
        return r->api->fault(r->root, "there are %zu service families; %d are the most", n,
                             SE_FAMILIES_MAX);
    r->conf->families = calloc(n + 1, sizeof(*r->conf->families));
    if (r->conf->families == NULL)
        return XMB_ENOMEM;
    for (e = r->api->child(r->root, "service-family"); e != NULL;
         e = r->api->next(e, "service-family"))
        se_conf_worst(&rc, read_family(r, e));
    return rc;
}
