/* SPDX-License-Identifier: MIT */
/*
 * conf_topology.c - <topology>: limits, filters and forms of what a service family says and hears.
 */
#include "conf_priv.h"

#define MINUTE_S 60u

static void set_defaults(struct se_family_conf *f)
{
    f->limit = (struct se_limit_conf){
        .threshold_percent = 75,
        .restart_s = 5 * MINUTE_S,
        .reset_s = 15 * MINUTE_S,
        .restart_count = 3,
    };
    f->hops_max = SE_HOPS_MAX_DEFAULT;
    f->rib_scale = SE_RIB_SCALE_DEFAULT;
    f->data_max_bytes = SE_DATA_BYTES_MAX;
    f->entries_max = SE_ENTRIES_MAX;
}

static int read_numbers(const struct se_reader *r, const struct xmb_conf *node,
                        struct se_family_conf *f)
{
    static const struct se_setting settings[] = {
#define ROW(member, attribute, kind, min, max)                                                     \
    SE_SETTING(struct se_family_conf, member, attribute, kind, min, max)
        ROW(limit.services_max, "maximum-services", SE_IS_COUNT, 1, UINT32_MAX),
        ROW(limit.threshold_percent, "threshold", SE_IS_COUNT, 1, 100),
        ROW(limit.is_warning_only, "warning-only", SE_IS_FLAG, 0, 1),
        ROW(limit.restart_s, "restart", SE_IS_SECONDS, 1, 65535 * MINUTE_S),
        ROW(limit.restart_count, "restart-count", SE_IS_COUNT, 0, 65535),
        ROW(limit.reset_s, "reset-time", SE_IS_SECONDS, 1, 65535 * MINUTE_S),
        ROW(hops_max, "maximum-hops", SE_IS_COUNT, 1, 255),
        ROW(data_max_bytes, "data-max", SE_IS_COUNT, 1, SE_DATA_BYTES_LIMIT),
        ROW(default_tag, "default-route-tag", SE_IS_COUNT, 0, UINT32_MAX),
        ROW(entries_max, "entries-max", SE_IS_COUNT, 1, UINT32_MAX),
        ROW(is_tolerant, "tolerant", SE_IS_FLAG, 0, 1),
        ROW(is_learned_public, "learned-public", SE_IS_FLAG, 0, 1),
        ROW(rib_scale, "rib-scale", SE_IS_COUNT, 1, 255),
#undef ROW
    };

    return se_conf_settings(r, node, f, settings, sizeof(settings) / sizeof(settings[0]));
}

/* What routes have and services do not: nothing is ever forwarded along the path of a service. */
static int refuse(const struct se_reader *r, const struct xmb_conf *node, const char *attribute)
{
    if (r->api->text(node, attribute, NULL) == NULL)
        return 0;
    return r->api->fault(node, "%s has no meaning for services: each is learned by one path; leave "
                               "it out",
                         attribute);
}

static uint8_t version_of(const struct se_reader *r, const struct xmb_conf *node)
{
    if (se_conf_is(r, node, "tlv-version", "2"))
        return 2;
    return se_conf_is(r, node, "tlv-version", "3") ? 3 : 0;
}

int se_conf_read_topology(const struct se_reader *r, const struct xmb_conf *family,
                          struct se_family_conf *f)
{
    const struct xmb_conf *node = r->api->child(family, "topology");
    int rc;

    set_defaults(f);
    if (node == NULL)
        return 0;
    f->tlv_version = version_of(r, node);
    rc = read_numbers(r, node, f);
    se_conf_worst(&rc, se_conf_find_services(r, node, "inbound", &f->inbound));
    se_conf_worst(&rc, se_conf_find_services(r, node, "outbound", &f->outbound));
    se_conf_worst(&rc, refuse(r, node, "variance"));
    se_conf_worst(&rc, refuse(r, node, "maximum-paths"));
    return rc;
}
