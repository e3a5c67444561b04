/* SPDX-License-Identifier: MIT */
/*
 * bell.c - rings when something may have changed about the interfaces.
 *
 * The kernel sends a message for each change. They are thrown away unread: that one came is all
 * that is asked of them, and so it does not matter when some were lost because they came too fast.
 * Changes come in swarms (an interface, its link, its addresses), so the ring waits a little for
 * the rest; on a host with so many interfaces that a look takes long, it waits longer.
 */
#include "netif/netif_priv.h"

#include "log/log.h"
#include "loop/routing.h"

#include <errno.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <sys/socket.h>
#include <unistd.h>

#define MESSAGES_A_TURN 256

static struct { /* thread: routing */
    int fd;
    int is_on;
    uint64_t took_ms;
    void (*rung)(void);
    uv_poll_t poll;
    struct timer_node pause;
} bell;

static void on_pause_over(struct timer_node *node)
{
    (void)node;
    bell.rung();
}

void bell_ring(uint64_t delay_ms)
{
    uint64_t rest_ms = bell.took_ms * NETIF_PAUSE_SHARE;

    if (rest_ms > NETIF_PAUSE_MAX_MS)
        rest_ms = NETIF_PAUSE_MAX_MS;
    if (delay_ms < rest_ms)
        delay_ms = rest_ms;
    bell.pause.fn = on_pause_over;
    if (bell.is_on && bell.pause.prev == NULL)
        timer_start(routing_wheel(), &bell.pause, delay_ms);
}

void bell_looked(uint64_t took_ms)
{
    bell.took_ms = took_ms;
}

static void on_message(uv_poll_t *poll, int status, int events)
{
    unsigned budget = MESSAGES_A_TURN;
    char octet;

    (void)events;
    while (budget-- > 0 && recv(bell.fd, &octet, sizeof(octet), MSG_DONTWAIT) >= 0)
        ;
    if (status < 0) /* messages were lost; reading took the error away, and libuv has stopped */
        uv_poll_start(poll, UV_READABLE, on_message);
    bell_ring(NETIF_PAUSE_MS);
}

/* A descriptor, or -errno. */
static int listen_to_kernel(void)
{
    const struct sockaddr_nl groups = {
        .nl_family = AF_NETLINK,
        .nl_groups = RTMGRP_LINK | RTMGRP_IPV4_IFADDR | RTMGRP_IPV6_IFADDR,
    };
    int error, fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_ROUTE);

    if (fd < 0)
        return -errno;
    if (bind(fd, (const struct sockaddr *)&groups, sizeof(groups)) < 0) {
        error = errno;
        close(fd);
        return -error;
    }
    return fd;
}

int bell_start(void (*rung)(void))
{
    int fd, rc;

    if (bell.is_on)
        return 0;
    fd = listen_to_kernel();
    rc = fd < 0 ? fd : uv_poll_init(&loop_routing()->uv, &bell.poll, fd);
    if (rc < 0) {
        LOG(ERROR, NULL, "changes of network interfaces cannot be watched: %s", uv_strerror(rc));
        if (fd >= 0)
            close(fd);
        return XMB_EIO;
    }
    bell.fd = fd;
    bell.is_on = 1;
    bell.rung = rung;
    uv_poll_start(&bell.poll, UV_READABLE, on_message);
    return 0;
}

void bell_end(void)
{
    if (!bell.is_on)
        return;
    bell.is_on = 0;
    timer_stop(routing_wheel(), &bell.pause);
    uv_close((uv_handle_t *)&bell.poll, NULL);
    close(bell.fd);
}
