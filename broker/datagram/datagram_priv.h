/* SPDX-License-Identifier: MIT */
/*
 * datagram_priv.h - a datagram socket, for the files of this folder.
 *
 *     datagram.c   the set of sockets: what runs, what a new configuration wants
 *     bind.c       from an address to a bound descriptor
 *     socket.c     a socket on its worker: reading, sending, the end
 *
 * A socket is the control thread's until it is attached, and its worker's from then on; what
 * both read (module, asked, bound, vrf) does not change. Only socket.c knows the thread that a
 * socket lives on, and only bind.c what kind of socket it is.
 */
#ifndef BROKER_DATAGRAM_PRIV_H
#define BROKER_DATAGRAM_PRIV_H

#include "datagram/datagram.h"
#include "loop/timer.h"

#include <net/if.h>

#define DATAGRAM_BATCH 16u        /* datagrams of one system call */
#define DATAGRAM_BATCHES_A_TURN 4 /* then others on this worker have their turn */
#define DATAGRAM_BACKOFF_MS 100u

struct xmb_socket {
    struct xmb_socket *next; /* on its worker */
    struct xmb_module *module;
    struct xmb_worker *worker; /* NULL: not attached */
    uint32_t worker_index;     /* that it goes to */
    uint32_t ordinal;          /* thread: its worker */
    int fd;
    int is_open;               /* its module may know of it */
    uint32_t overflowed;       /* what the kernel has dropped for want of room, ever */
    struct xmb_addr asked;     /* as configured; port 0: any */
    struct xmb_addr bound;
    char vrf[IF_NAMESIZE];     /* "": none */
    uv_poll_t poll;
    struct timer_node backoff;
};

/* --- bind.c; thread: control --- */

/*
 * A bound descriptor for `asked` in `*fd`, `*bound` with its port; -errno. `vrf` "": none. A port
 * that is new to this process (`is_ours` 0) must be free, else it is shared with our own sockets.
 */
int datagram_bind(const struct xmb_addr *asked, const char *vrf, int is_ours, int *fd,
                  struct xmb_addr *bound);

/* --- socket.c --- */

struct datagram_worker; /* sockets of a worker, and room for what arrives */

/* Not attached: closed and freed. NULL is fine. Thread: control. */
void socket_drop(struct xmb_socket *s);
/* Gives it to its worker, not reading yet. XMB_EIO, XMB_ENOMEM. Thread: that worker, as below. */
int socket_attach(struct xmb_socket *s, struct xmb_worker *w);
void socket_open(struct xmb_socket *s);
/* Its module is told that it is gone; the memory is freed when the loop has let go of it. */
void socket_close(struct xmb_socket *s);

#endif
