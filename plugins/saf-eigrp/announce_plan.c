/* SPDX-License-Identifier: MIT */
/*
 * announce_plan.c - which services the configuration wants announced.
 *
 * The registry knows a service by autonomous system and identity; families of one autonomous
 * system (IPv4 and IPv6, VRFs) all spread it. So what two of them announce alike is one service.
 */
#include <stdlib.h>
#include <string.h>

#include "announce_priv.h"

int se_item_compare(const struct se_item *a, const struct se_item *b)
{
    if (a->as_number != b->as_number)
        return a->as_number < b->as_number ? -1 : 1;
    return memcmp(&a->id, &b->id, sizeof(a->id));
}

int se_item_same(const struct se_item *a, const struct se_item *b)
{
    return a->data_bytes == b->data_bytes && memcmp(a->data, b->data, a->data_bytes) == 0 &&
           memcmp(&a->addr, &b->addr, sizeof(a->addr)) == 0;
}

/* For qsort: of one identity the one that stands first in the file comes first. */
static int compare(const void *a, const void *b)
{
    const struct se_item *x = *(struct se_item *const *)a, *y = *(struct se_item *const *)b;
    int c = se_item_compare(x, y);

    return c != 0 ? c : (x->sequence > y->sequence) - (x->sequence < y->sequence);
}

static int fill(struct se_item *it, const struct se_family_conf *f,
                const struct se_announce_conf *a, struct xmb_str host_name)
{
    struct se_xmpp_domain d = {
        .priority = a->priority, .weight = a->weight, .is_tls = a->is_tls};
    struct xmb_str name = xmb_str(a->domain);
    int n;

    if (name.n > XMB_DOMAIN_NAME_MAX)
        return XMB_EINVAL;
    memcpy(d.name, name.p, name.n);
    memcpy(it->name, name.p, name.n);
    n = se_xmpp_domain_write(&d, it->data);
    if (n < 0)
        return n;
    it->data_bytes = (uint16_t)n;
    it->as_number = f->as_number;
    it->addr = a->addr;
    it->is_wanted = 1;
    it->is_stale = 1;
    return se_xmpp_domain_id(name, &a->addr, host_name, f->has_router_id ? f->router_id : 0,
                             &it->id);
}

/* `sequence` is the place in the file, until the plan is sorted. */
static int add(struct se_plan *plan, const struct se_family_conf *f,
               const struct se_announce_conf *a, struct xmb_str host_name)
{
    struct se_item *it = calloc(1, sizeof(*it));
    int rc;

    if (it == NULL)
        return XMB_ENOMEM;
    rc = fill(it, f, a, host_name);
    if (rc < 0) {
        free(it);
        return rc;
    }
    it->sequence = (uint32_t)plan->count;
    plan->items[plan->count++] = it;
    return 0;
}

/* Sorts, and takes repeated ones out. */
static void arrange(const struct xmb_host *host, struct xmb_module *module, struct se_plan *plan)
{
    size_t i, kept = 0;

    if (plan->count > 1)
        qsort(plan->items, plan->count, sizeof(struct se_item *), compare);
    for (i = 0; i < plan->count; i++) {
        struct se_item *it = plan->items[i], *last = kept > 0 ? plan->items[kept - 1] : NULL;

        it->sequence = 0;
        if (last == NULL || se_item_compare(last, it) != 0) {
            plan->items[kept++] = it;
            continue;
        }
        if (!se_item_same(last, it))
            host->log->write(module, XMB_LOG_WARN, it->name,
                             "it is announced twice in autonomous system %u, at one address and "
                             "with different settings; the first <announce> counts",
                             it->as_number);
        free(it);
    }
    plan->count = kept;
}

static size_t announced_in(const struct se_conf *conf)
{
    size_t i, n = 0;

    for (i = 0; i < conf->family_count; i++)
        n += conf->families[i].announced_count;
    return n;
}

int se_plan_make(const struct xmb_host *host, struct xmb_module *module,
                 const struct se_conf *conf, struct xmb_str host_name, struct se_plan *out)
{
    struct se_plan plan = {.count = 0};
    size_t i, k;
    int rc;

    plan.items = calloc(announced_in(conf) + 1, sizeof(struct se_item *));
    if (plan.items == NULL)
        return XMB_ENOMEM;
    for (i = 0; i < conf->family_count; i++) {
        const struct se_family_conf *f = &conf->families[i];

        for (k = 0; !f->is_shutdown && k < f->announced_count; k++) {
            rc = add(&plan, f, &f->announced[k], host_name);
            if (rc == XMB_ENOMEM) {
                se_plan_free(&plan);
                return rc;
            }
            if (rc < 0)
                host->log->write(module, XMB_LOG_ERROR, f->announced[k].domain,
                                 "it is no domain name in ASCII; it is not announced");
        }
    }
    arrange(host, module, &plan);
    *out = plan;
    return 0;
}

void se_plan_free(struct se_plan *plan)
{
    size_t i;

    for (i = 0; i < plan->count; i++)
        free(plan->items[i]);
    free(plan->items);
    memset(plan, 0, sizeof(*plan));
}
