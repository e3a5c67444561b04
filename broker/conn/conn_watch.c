/* SPDX-License-Identifier: MIT */
/*
 * conn_watch.c - a peer whose host is gone, or that the network does not reach any more.
 *
 * A host that is there acknowledges: what is sent to it, or when nothing is, the probes that
 * socket_tune asks for every few seconds. It does so while its process reads nothing, so an
 * acknowledgement that is CONN_GONE_MS old means that the host is gone. The kernel's own limits
 * start anew with what is sent meanwhile: a peer that vanishes, and is written to shortly before
 * they are over, would be there for twice as long.
 *
 * Costs no octet, and system calls for a connection that has brought nothing for CONN_QUIET_MS.
 * Each tells also until when the host cannot be gone, so one that answers a probe each
 * CONN_PROBE_IDLE_S is looked at once in about 20 s.
 */
#include "conn/conn_priv.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <sys/socket.h>

/* Since the peer's system was heard, with octets or without; 0: not known. */
static uint64_t silent_ms(const struct xmb_conn *c)
{
    struct tcp_info info = {0};
    socklen_t size = sizeof(info);

    if (getsockopt(c->fd, IPPROTO_TCP, TCP_INFO, &info, &size) < 0 ||
        size < offsetof(struct tcp_info, tcpi_last_ack_recv) + sizeof(info.tcpi_last_ack_recv))
        return 0;
    return info.tcpi_last_ack_recv < info.tcpi_last_data_recv ? info.tcpi_last_ack_recv
                                                              : info.tcpi_last_data_recv;
}

static int is_gone(struct xmb_conn *c, uint64_t now_ms)
{
    uint64_t silent;

    if (c->phase == CONN_CONNECTING || c->phase == CONN_DEAD || c->there_ms > now_ms)
        return 0;
    if (c->received_ms + CONN_QUIET_MS > now_ms || c->since_ms + CONN_GONE_MS > now_ms)
        return 0;
    silent = silent_ms(c);
    if (silent >= CONN_GONE_MS)
        return 1;
    c->there_ms = now_ms + CONN_GONE_MS - silent;
    return 0;
}

static void look(struct conn_worker *cw)
{
    uint64_t now_ms = loop_now_ms(&cw->worker->loop);
    char why[96];
    uint32_t i;

    snprintf(why, sizeof(why), "the peer's system has acknowledged nothing for %u s",
             CONN_GONE_MS / 1000u);
    for (i = 0; i < cw->slots_size; i++)
        if (cw->slots[i].conn != NULL && is_gone(cw->slots[i].conn, now_ms))
            conn_reset(cw->slots[i].conn, why);
}

static void on_watch(struct timer_node *node)
{
    struct conn_worker *cw = (struct conn_worker *)((char *)node -
                                                    offsetof(struct conn_worker, watch));

    look(cw);
    if (cw->count > 0)
        conn_watch_start(cw);
}

void conn_watch_start(struct conn_worker *cw)
{
    if (cw->watch.prev != NULL)
        return;
    cw->watch.fn = on_watch;
    timer_start(cw->worker->timers, &cw->watch, CONN_WATCH_MS);
}

void conn_watch_stop(struct conn_worker *cw)
{
    timer_stop(cw->worker->timers, &cw->watch);
}
