/* SPDX-License-Identifier: MIT */
/*
 * forwarder.c - which processes there are, and what they hear of the host's interfaces.
 *
 * A new configuration is compared with the processes that run: the same family, autonomous system
 * and VRF is the same process, which goes on with its neighbours. What is no longer configured says
 * goodbye in its own time, and is reaped when it rests.
 */
#include "process.h"

#include <stdlib.h>
#include <string.h>

/* --- interfaces of the host ------------------------------------------------------------------- */

static void drive_all(struct se_forwarder *f)
{
    struct se_process *p;
    struct se_process *next;

    for (p = f->processes; p != NULL; p = next) {
        next = p->next;
        se_process_drive(p); /* may free it, and it alone */
    }
}

static struct se_host_iface **host_iface(struct se_forwarder *f, uint32_t index)
{
    struct se_host_iface **at = &f->host_ifaces;

    while (*at != NULL && (*at)->now.index != index)
        at = &(*at)->next;
    return at;
}

static void host_iface_free(struct se_host_iface *h)
{
    free((void *)(uintptr_t)h->now.addrs);
    free(h);
}

/* A copy of our own, addresses included. NULL: out of memory. */
static struct se_host_iface *host_iface_new(const struct xmb_netif *now)
{
    struct se_host_iface *h = calloc(1, sizeof(*h));
    struct xmb_netif_addr *addrs = calloc(now->addr_count + 1, sizeof(*addrs));
    uint32_t i;

    if (h == NULL || addrs == NULL) {
        free(h);
        free(addrs);
        return NULL;
    }
    memcpy(&h->now, now, now->size < sizeof(h->now) ? now->size : sizeof(h->now));
    for (i = 0; i < now->addr_count; i++)
        addrs[i] = *xmb_netif_addr_at(now, i);
    h->now.addrs = addrs;
    h->now.addr_bytes = sizeof(*addrs);
    return h;
}

static void on_changed(void *arg, const struct xmb_netif *now)
{
    struct se_forwarder *f = arg;
    struct se_host_iface **at = host_iface(f, now->index);
    struct se_host_iface *h = host_iface_new(now);

    if (h == NULL) {
        f->host->log->write(f->module, XMB_LOG_ERROR, now->name,
                            "out of memory; this interface stays as it was until it changes again");
        return;
    }
    if (*at != NULL) {
        h->next = (*at)->next;
        host_iface_free(*at);
    }
    *at = h;
    drive_all(f);
}

static void on_gone(void *arg, uint32_t index, const char *name)
{
    struct se_forwarder *f = arg;
    struct se_host_iface **at = host_iface(f, index);
    struct se_host_iface *h = *at;

    (void)name;
    if (h == NULL)
        return;
    *at = h->next;
    host_iface_free(h);
    drive_all(f);
}

int se_forwarder_begin(struct se_forwarder *f)
{
    f->domains = se_domains_new(f->host, f->module);
    if (f->domains == NULL)
        return XMB_ENOMEM;
    return f->host->netif->watch(f->module, on_changed, on_gone, f, &f->watch);
}

/* --- processes -------------------------------------------------------------------------------- */

static struct se_process *same_process(const struct se_forwarder *f,
                                       const struct se_family_conf *family)
{
    struct se_process *p = f->processes;

    while (p != NULL && !se_conf_same_process(p->family, family))
        p = p->next;
    return p;
}

/* Behind the last one: the order of the configuration decides where two processes say the same. */
static void append(struct se_forwarder *f, struct se_process *p)
{
    struct se_process **at = &f->processes;

    while (*at != NULL)
        at = &(*at)->next;
    *at = p;
}

static void apply_family(struct se_forwarder *f, struct se_conf *conf,
                         const struct se_family_conf *family, struct se_socket *socket)
{
    struct se_process *p = same_process(f, family);

    if (p != NULL) {
        se_process_configure(p, conf, family);
    } else {
        p = se_process_new(f, conf, family);
        if (p == NULL) {
            se_socket_close(f->host, socket);
            f->host->log->write(f->module, XMB_LOG_ERROR, NULL,
                                "out of memory; the service family of autonomous system %u is "
                                "missing until the next reload", (unsigned)family->as_number);
            return;
        }
        append(f, p);
    }
    se_process_give_socket(p, socket);
}

static int is_configured(const struct se_conf *conf, const struct se_process *p)
{
    size_t i;

    for (i = 0; i < conf->family_count; i++)
        if (se_conf_same_process(&conf->families[i], p->family))
            return 1;
    return 0;
}

void se_forwarder_apply(struct se_forwarder *f, struct se_next *next)
{
    struct se_conf *conf = next->conf;
    struct se_process *p;
    size_t i;

    for (p = f->processes; p != NULL; p = p->next)
        p->is_going = !is_configured(conf, p);
    for (i = 0; i < conf->family_count; i++) {
        apply_family(f, conf, &conf->families[i], next->sockets[i]);
        next->sockets[i] = NULL;
    }
    se_conf_release(f->conf);
    f->conf = se_conf_hold(conf);
    se_next_free(f->host, next);
    drive_all(f);
}

void se_next_free(const struct xmb_host *host, struct se_next *next)
{
    size_t i;

    if (next == NULL)
        return;
    for (i = 0; next->sockets != NULL && i < next->conf->family_count; i++)
        se_socket_close(host, next->sockets[i]);
    free(next->sockets);
    se_conf_release(next->conf);
    free(next);
}

struct se_process *se_forwarder_find(const struct se_forwarder *f, unsigned family,
                                     unsigned as_number, struct xmb_str vrf)
{
    struct se_process *p = f->processes;

    while (p != NULL && (p->family->family != family || p->family->as_number != as_number ||
                         !xmb_str_eq(p->family->vrf, vrf)))
        p = p->next;
    return p;
}

void se_forwarder_reap(struct se_forwarder *f, struct se_process *p)
{
    struct se_process **at = &f->processes;

    while (*at != p)
        at = &(*at)->next;
    *at = p->next;
    se_process_free(p);
}

/* --- the end ---------------------------------------------------------------------------------- */

void se_forwarder_drain(struct se_forwarder *f)
{
    f->is_draining = 1;
    drive_all(f);
}

int se_forwarder_is_drained(const struct se_forwarder *f)
{
    const struct se_process *p = f->processes;

    while (p != NULL && p->state == SE_IDLE)
        p = p->next;
    return p == NULL;
}

void se_forwarder_end(struct se_forwarder *f)
{
    struct se_process *p;
    struct se_host_iface *h;

    while ((p = f->processes) != NULL) {
        f->processes = p->next;
        se_process_free(p);
    }
    f->host->netif->unwatch(f->watch);
    f->watch = NULL;
    while ((h = f->host_ifaces) != NULL) {
        f->host_ifaces = h->next;
        host_iface_free(h);
    }
    se_domains_free(f->domains);
    f->domains = NULL;
    se_conf_release(f->conf);
    f->conf = NULL;
}
