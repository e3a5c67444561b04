/* SPDX-License-Identifier: MIT */
/*
 * ifaces_source.c - tells the operator when an interface has not the address that `source` says.
 * Its remote neighbours are not spoken to then, which nothing else would show; that they are again,
 * their coming up does.
 *
 * Interfaces are looked at whenever anything of the host's changes; so what was said is remembered,
 * and said once.
 */
#include "process.h"

#include <stdlib.h>
#include <string.h>

static const struct xmb_netif *host_of(const struct se_process *p, const char *name)
{
    const struct se_host_iface *h = p->forwarder->host_ifaces;

    while (h != NULL && strcmp(h->now.name, name) != 0)
        h = h->next;
    return h != NULL ? &h->now : NULL;
}

/* What was missing is there, or is not looked for any more: 1. */
static int is_over(const struct se_process *p, const struct se_missing *m)
{
    const struct xmb_netif *host = host_of(p, m->iface);
    const struct xmb_addr *source = host != NULL ? se_wanted_missing(p->family, host) : NULL;

    return source == NULL || !se_same_addr(source, &m->source);
}

static void miss(struct se_process *p, const char *iface, const struct xmb_addr *source)
{
    char text[SE_ADDR_TEXT_MAX];
    struct se_missing *m;

    for (m = p->missing; m != NULL; m = m->next)
        if (strcmp(m->iface, iface) == 0)
            return;
    se_process_log(p, XMB_LOG_WARN,
                   "interface %s does not have the address %s that its source says: its remote "
                   "neighbours are not spoken to until it has, or source says another", iface,
                   se_addr_text(source, text, sizeof(text)));
    m = calloc(1, sizeof(*m));
    if (m == NULL)
        return; /* it is said again */
    memcpy(m->iface, iface, sizeof(m->iface));
    m->source = *source;
    m->next = p->missing;
    p->missing = m;
}

void se_sources_check(struct se_process *p)
{
    struct se_missing **at = &p->missing;
    const struct se_host_iface *h;
    const struct xmb_addr *source;
    struct se_missing *m;

    while ((m = *at) != NULL) {
        if (!is_over(p, m)) {
            at = &m->next;
            continue;
        }
        *at = m->next;
        free(m);
    }
    for (h = p->forwarder->host_ifaces; h != NULL; h = h->next) {
        source = se_wanted_missing(p->family, &h->now);
        if (source != NULL)
            miss(p, h->now.name, source);
    }
}

void se_sources_clear(struct se_process *p)
{
    struct se_missing *m;

    while ((m = p->missing) != NULL) {
        p->missing = m->next;
        free(m);
    }
}
