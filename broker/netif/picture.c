/* SPDX-License-Identifier: MIT */
/*
 * picture.c - all interfaces of this host at one moment.
 *
 * A picture is made anew at each look and never changed after that, so that two of them can be
 * laid side by side; what was missed in between does not matter.
 */
#include "netif/netif_priv.h"

#include <stdlib.h>
#include <string.h>

void picture_free(struct picture *p)
{
    size_t i;

    for (i = 0; i < p->count; i++)
        free((void *)(uintptr_t)p->list[i].now.addrs);
    free(p->list);
    memset(p, 0, sizeof(*p));
}

struct iface *picture_add(struct picture *p, uint32_t index)
{
    size_t room = p->room == 0 ? 16 : p->room * 2;
    struct iface *list = p->list;

    if (p->count == p->room) {
        list = realloc(list, room * sizeof(*list));
        if (list == NULL)
            return NULL;
        p->list = list;
        p->room = room;
    }
    list += p->count++;
    memset(list, 0, sizeof(*list));
    list->now.size = sizeof(list->now);
    list->now.index = index;
    list->now.addr_bytes = sizeof(struct xmb_netif_addr);
    return list;
}

static int by_index(const void *a, const void *b)
{
    uint32_t x = ((const struct iface *)a)->now.index;
    uint32_t y = ((const struct iface *)b)->now.index;

    return (x > y) - (x < y);
}

void picture_sort(struct picture *p)
{
    if (p->count > 0)
        qsort(p->list, p->count, sizeof(p->list[0]), by_index);
}

struct iface *picture_find(const struct picture *p, uint32_t index)
{
    struct iface key = {.now = {.index = index}};

    if (p->count == 0)
        return NULL;
    return bsearch(&key, p->list, p->count, sizeof(p->list[0]), by_index);
}

struct iface *picture_find_name(const struct picture *p, const char *name)
{
    size_t i;

    for (i = 0; i < p->count; i++)
        if (strcmp(p->list[i].now.name, name) == 0)
            return &p->list[i];
    return NULL;
}

int iface_add_address(struct iface *i, const struct xmb_netif_addr *a)
{
    uint32_t room = i->addr_room == 0 ? 4 : i->addr_room * 2;
    struct xmb_netif_addr *list = (struct xmb_netif_addr *)(uintptr_t)i->now.addrs;

    if (i->now.addr_count == NETIF_ADDRESSES_MAX)
        return XMB_ELIMIT;
    if (i->now.addr_count == i->addr_room) {
        list = realloc(list, room * sizeof(*list));
        if (list == NULL)
            return XMB_ENOMEM;
        i->now.addrs = list;
        i->addr_room = room;
    }
    list[i->now.addr_count++] = *a;
    return 0;
}

int iface_same(const struct iface *a, const struct iface *b)
{
    const struct xmb_netif *x = &a->now;
    const struct xmb_netif *y = &b->now;

    return x->index == y->index && x->flags == y->flags && x->mtu_bytes == y->mtu_bytes &&
           x->speed_kbps == y->speed_kbps && strcmp(x->name, y->name) == 0 &&
           strcmp(x->vrf, y->vrf) == 0 && x->addr_count == y->addr_count &&
           (x->addr_count == 0 ||
            memcmp(x->addrs, y->addrs, x->addr_count * sizeof(x->addrs[0])) == 0);
}
