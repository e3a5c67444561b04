/* SPDX-License-Identifier: MIT */
/*
 * socket.c - the raw socket of a process, and the VRF device that it is bound to.
 *
 * A socket stays with the device that it was opened in. When the operator makes a VRF anew, another
 * device has its name, and the socket would hear nothing any more; so it remembers which one it
 * was.
 */
#include "process.h"

#include <stdlib.h>

static const struct xmb_rawip_ops rawip_ops = {
    .size = sizeof(rawip_ops),
    .received = se_process_received,
};

/* The kernel's number of the device `name`; 0: there is none. */
static uint32_t device_index(const struct xmb_host *host, struct xmb_str name)
{
    struct xmb_netif device = {.size = sizeof(device)};

    return name.n > 0 && host->netif->find(name.p, &device) == 0 ? device.index : 0;
}

int se_socket_open(const struct xmb_host *host, struct xmb_module *module,
                   const struct se_family_conf *family, struct se_socket **out)
{
    struct xmb_rawip_spec spec = {
        .size = sizeof(spec),
        .family = family->family,
        .protocol = SE_IP_PROTOCOL,
        .traffic_class = SE_TRAFFIC_CLASS,
        .vrf = family->vrf,
    };
    struct se_socket *s = calloc(1, sizeof(*s));
    int rc = XMB_ENOMEM;

    if (s != NULL) {
        /* Before it is opened: should the device change in between, it is opened once more. */
        s->vrf_index = device_index(host, family->vrf);
        rc = host->rawip->open(module, &spec, &rawip_ops, s, &s->raw);
    }
    if (rc < 0)
        free(s);
    else
        *out = s;
    return rc;
}

void se_socket_close(const struct xmb_host *host, struct se_socket *s)
{
    if (s == NULL)
        return;
    host->rawip->close(s->raw);
    free(s);
}

int se_socket_is_stale(const struct se_socket *s, const struct se_host_iface *hosts)
{
    struct xmb_str vrf = s->process->family->vrf;

    while (hosts != NULL && !xmb_str_eq(xmb_str(hosts->now.name), vrf))
        hosts = hosts->next;
    return hosts != NULL && hosts->now.index != s->vrf_index;
}
