/* SPDX-License-Identifier: MIT */
/*
 * netif_priv.h - the picture of all interfaces, and the bell.
 *
 *     kernel.c    asks the kernel for links and addresses
 *     picture.c   all interfaces at one moment; what differs between two moments
 *     bell.c      rings when something may have changed
 *     netif.c     watches: who is told what
 */
#ifndef BROKER_NETIF_PRIV_H
#define BROKER_NETIF_PRIV_H

#include "loop/loop.h"
#include "netif/netif.h"

#define NETIF_MAX 4096u        /* interfaces */
#define NETIF_ADDRESSES_MAX 64u /* of one interface */
#define NETIF_PAUSE_MS 10u     /* from the first ring to the look: changes come in swarms */
#define NETIF_PAUSE_SHARE 4u   /* and at least so many times as long as the last look took */
#define NETIF_PAUSE_MAX_MS 2000u /* but not longer: one look may have been held up */
#define NETIF_AGAIN_MS 1000u   /* after a look that failed */
#define NETIF_UNSTEADY_MS 100u /* after one in the middle of changes */

struct iface {
    struct xmb_netif now; /* `addrs` is ours */
    uint32_t addr_room;
    uint32_t master; /* index of the device that it belongs to; 0: none */
    int is_vrf;      /* it is such a device */
    int keeps_speed; /* while `carrier_changes` stays */
    uint32_t carrier_changes; /* how often the link came and went */
};

/* Interfaces by index. */
struct picture {
    struct iface *list;
    size_t count;
    size_t room;
};

/* --- picture.c --- */

void picture_free(struct picture *p);
/* A new one at the end, zeroed but for its index. NULL: out of memory. */
struct iface *picture_add(struct picture *p, uint32_t index);
void picture_sort(struct picture *p); /* by index; once all have been added */
struct iface *picture_find(const struct picture *p, uint32_t index); /* NULL: not there */
struct iface *picture_find_name(const struct picture *p, const char *name);
/* XMB_ELIMIT, XMB_ENOMEM. */
int iface_add_address(struct iface *i, const struct xmb_netif_addr *a);
int iface_same(const struct iface *a, const struct iface *b);

/* --- kernel.c; thread: any --- */

/*
 * Fills `*out`, which is empty. `was` is the last look's, whose speeds may still hold, or an empty
 * one; NULL: links only, without addresses and speeds. 1: while it was told, something changed,
 * so that it may lack some. XMB_EIO, XMB_ENOMEM.
 */
int kernel_look(struct picture *out, const struct picture *was);
/* Reads it from its file. 0: not known, or no such interface. */
uint64_t kernel_speed_kbps(const char *name);

/* --- bell.c; thread: routing --- */

/* Calls `rung` a little after each change, until the loop ends; on already: 0. XMB_EIO. */
int bell_start(void (*rung)(void));
/* Rings it by hand, in `delay_ms`, or later when the last look took long. */
void bell_ring(uint64_t delay_ms);
/* How long the last look took decides how soon the next one may come. */
void bell_looked(uint64_t took_ms);
void bell_end(void);

#endif
