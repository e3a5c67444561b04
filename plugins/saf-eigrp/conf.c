/* SPDX-License-Identifier: MIT */
/*
 * conf.c - the module's element to a struct se_conf: its parts in the order in which they name each
 * other, how it is asked afterwards, and how it ends.
 *
 * Nothing in it is the host's: the forwarder holds a configuration until its last process has said
 * goodbye, which may be after the host let go of the file.
 */
#include "conf_priv.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

int se_conf_read(const struct xmb_host *host, struct xmb_module *module,
                 const struct xmb_conf *element, struct se_conf **out)
{
    struct se_conf *c = calloc(1, sizeof(*c));
    const struct se_reader r = {host->conf, element, c};
    int rc;

    (void)module; /* advice waits for se_conf_advise */
    if (c == NULL)
        return XMB_ENOMEM;
    atomic_init(&c->references, 1);
    rc = se_conf_read_lists(&r);
    se_conf_worst(&rc, se_conf_read_chains(&r));
    if (c->chains != NULL)
        se_conf_worst(&rc, se_conf_read_families(&r));
    if (rc < 0) {
        se_conf_release(c);
        return rc;
    }
    se_conf_lint(&r);
    *out = c;
    return 0;
}

/* --- life ------------------------------------------------------------------------------------- */

struct se_conf *se_conf_hold(struct se_conf *c)
{
    atomic_fetch_add_explicit(&c->references, 1, memory_order_relaxed);
    return c;
}

static void free_family(struct se_family_conf *f)
{
    size_t i;

    for (i = 0; i < f->announced_count; i++)
        free(f->announced[i].domain);
    free(f->announced);
    free(f->remotes);
    free(f->neighbors);
    free(f->ifaces);
    free((void *)(uintptr_t)f->vrf.p);
}

void se_conf_release(struct se_conf *c)
{
    size_t i;

    if (c == NULL || atomic_fetch_sub_explicit(&c->references, 1, memory_order_acq_rel) != 1)
        return;
    for (i = 0; i < c->family_count; i++)
        free_family(&c->families[i]);
    for (i = 0; i < c->chain_count; i++)
        se_conf_free_chain(&c->chains[i]);
    for (i = 0; i < c->service_list_count; i++)
        free(c->service_lists[i].rules);
    for (i = 0; i < c->address_list_count; i++)
        free(c->address_lists[i].rules);
    se_conf_free_advice(c);
    free(c->families);
    free(c->chains);
    free(c->service_lists);
    free(c->address_lists);
    free(c);
}

/* --- asking ----------------------------------------------------------------------------------- */

const struct se_iface_conf *se_conf_iface(const struct se_family_conf *f, const char *name)
{
    size_t i;

    for (i = 0; i < f->iface_count; i++)
        if (strcmp(f->ifaces[i].name, name) == 0)
            return &f->ifaces[i];
    return &f->otherwise;
}

int se_conf_same_process(const struct se_family_conf *a, const struct se_family_conf *b)
{
    return a->family == b->family && a->as_number == b->as_number && xmb_str_eq(a->vrf, b->vrf);
}

const char *se_conf_object(const struct se_family_conf *f, const char *iface,
                           char out[SE_OBJECT_MAX])
{
    snprintf(out, SE_OBJECT_MAX, "ipv%u %u%s%.*s%s%s", f->family, f->as_number,
             f->vrf.n > 0 ? " vrf " : "", (int)f->vrf.n, f->vrf.n > 0 ? f->vrf.p : "",
             iface != NULL ? " " : "", iface != NULL ? iface : "");
    return out;
}
