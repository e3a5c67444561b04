/* SPDX-License-Identifier: MIT */
/*
 * rawip_priv.h - a raw IP socket, for the files of this folder.
 *
 *     rawip.c        the table of functions; from open to close
 *     rawip_open.c   a descriptor with its options; groups
 *     rawip_io.c     packets in and out
 *
 * A socket is its opener's until `start`, and the routing loop's from then on. Only those that
 * were started stand in the list, so the list has one thread.
 */
#ifndef BROKER_RAWIP_PRIV_H
#define BROKER_RAWIP_PRIV_H

#include "loop/timer.h"
#include "rawip/rawip.h"

#include <net/if.h>

#define RAWIP_SOCKETS_MAX 256u
#define RAWIP_MEMBERS_MAX 4096u  /* groups times interfaces of one socket */
#define RAWIP_BATCH 16u          /* packets of one system call */
#define RAWIP_BATCHES_A_TURN 4   /* then others on the routing loop have their turn */
#define RAWIP_OLD_MAX 65536u     /* packets that wait at the start: more than the queue holds */
#define RAWIP_BACKOFF_MS 100u
#define RAWIP_RECEIVE_BYTES (1 << 20) /* of the kernel's queue, as far as it lets us */

/* A group that is listened to on an interface. */
struct rawip_member {
    uint32_t iface;
    uint8_t group[16];
};

enum rawip_state {
    RAWIP_OPEN = 1, /* not read yet */
    RAWIP_READING,
    RAWIP_ENDED,  /* the loop has let go of it, or is about to; the module still has it */
    RAWIP_CLOSED  /* the module has let go of it, the loop not yet */
};

struct xmb_rawip {
    struct xmb_rawip *next; /* of those that were started */
    struct xmb_module *module;
    const struct xmb_rawip_ops *ops;
    void *arg;
    enum rawip_state state;
    int fd; /* -1: a dummy, or closed */
    int is_polled; /* `poll` is not closed yet */
    uint8_t family;
    uint8_t protocol;
    char vrf[IF_NAMESIZE]; /* "": none */
    uint32_t overflowed;   /* what the kernel has dropped for want of room, ever */
    struct xmb_rawip_stats stats;
    struct rawip_member *members; /* a packet to a group is for us only if it is here */
    size_t member_count;
    size_t member_room;
    uv_poll_t poll;
    struct timer_node backoff;
};

/* --- rawip_open.c --- */

/* A descriptor for `s`, which has family, protocol and vrf; -errno. Thread: any. */
int rawip_descriptor(const struct xmb_rawip *s, uint8_t traffic_class);
int rawip_join(struct xmb_rawip *s, uint32_t iface, const struct xmb_addr *group);
int rawip_leave(struct xmb_rawip *s, uint32_t iface, const struct xmb_addr *group);
int rawip_is_member(const struct xmb_rawip *s, uint32_t iface, const uint8_t group[16]);
int rawip_is_group(const struct xmb_addr *a);

/* --- rawip_io.c; thread: routing --- */

/* XMB_ENOMEM: no room for what arrives, which all sockets share. */
int rawip_room(void);
void rawip_room_free(void);
void rawip_watch(struct xmb_rawip *s);
int rawip_send(struct xmb_rawip *s, const struct xmb_rawip_out *out);

#endif
