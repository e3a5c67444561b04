/* SPDX-License-Identifier: MIT */
/*
 * rawip.c - raw IP sockets of modules, from open to close.
 *
 *     OPEN --start--> READING --module's end, or the loop's--> ENDED
 *       \--close         \--close--> CLOSED --loop lets go-->    \--close
 *
 * A module that is being configured opens sockets on the control thread and starts them on the
 * routing loop; one that is stopping may close them when the loop is gone. So the descriptor and
 * the loop's watch of it have ends of their own, and the memory goes with the later one.
 */
#include "rawip/rawip_priv.h"

#include "conn/conn.h"
#include "log/log.h"
#include "loop/routing.h"
#include "netif/netif.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static _Atomic uint32_t open_count;
static struct xmb_rawip *started; /* thread: routing */
static int only_check;            /* set before modules prepare */

void rawip_only_check(void)
{
    only_check = 1;
}

/* --- open ------------------------------------------------------------------------------------ */

/* What the kernel speaks itself, what means "with a header of mine", and parts of IPv6's own. */
static int is_free_protocol(uint8_t protocol, uint8_t family)
{
    switch (protocol) {
    case 0:
    case IPPROTO_ICMP:
    case IPPROTO_TCP:
    case IPPROTO_UDP:
    case IPPROTO_ICMPV6:
    case IPPROTO_RAW:
        return 0;
    case IPPROTO_ROUTING:
    case IPPROTO_FRAGMENT:
    case IPPROTO_DSTOPTS:
        return family == 4;
    default:
        return 1;
    }
}

static int is_sound(const struct xmb_rawip_spec *spec, const struct xmb_rawip_ops *ops)
{
    return spec->size >= sizeof(*spec) && (spec->family == 4 || spec->family == 6) &&
           is_free_protocol(spec->protocol, spec->family) && spec->vrf.n < IF_NAMESIZE &&
           ops->size >= sizeof(*ops) && ops->received != NULL;
}

static int open_failed(const struct xmb_rawip *s, int error)
{
    char cause[128];

    switch (error) {
    case EPERM:
    case EACCES:
        return XMB_EDENIED;
    case ENODEV:
        return XMB_ENOENT;
    case EAFNOSUPPORT:
    case EPROTONOSUPPORT:
        return XMB_ENOSYS;
    case ENOMEM:
    case ENOBUFS:
        return XMB_ENOMEM;
    default:
        log_api.write(s->module, XMB_LOG_ERROR, s->vrf,
                      "a raw socket of IP protocol %u cannot be opened: %s", s->protocol,
                      strerror_r(error, cause, sizeof(cause)));
        return XMB_EIO;
    }
}

static int open_descriptor(struct xmb_rawip *s, uint8_t traffic_class)
{
    int rc;

    if (!(s->module->plugin.flags & XMB_PLUGIN_RAW_IP)) {
        log_api.write(s->module, XMB_LOG_ERROR, NULL,
                      "plugin %s opens a raw socket and has no XMB_PLUGIN_RAW_IP in its flags; "
                      "refused",
                      s->module->plugin.name);
        return XMB_EDENIED;
    }
    if (s->vrf[0] != '\0') {
        rc = netif_is_vrf(s->vrf);
        if (rc <= 0)
            return rc < 0 ? rc : XMB_ENOENT;
    }
    if (only_check)
        return 0;
    s->fd = rawip_descriptor(s, traffic_class);
    return s->fd < 0 ? open_failed(s, -s->fd) : 0;
}

static struct xmb_rawip *make(struct xmb_module *module, const struct xmb_rawip_spec *spec,
                              const struct xmb_rawip_ops *ops, void *arg)
{
    struct xmb_rawip *s = calloc(1, sizeof(*s));

    if (s == NULL)
        return NULL;
    s->module = module;
    s->ops = ops;
    s->arg = arg;
    s->state = RAWIP_OPEN;
    s->fd = -1;
    s->family = spec->family;
    s->protocol = spec->protocol;
    if (spec->vrf.n > 0)
        memcpy(s->vrf, spec->vrf.p, spec->vrf.n);
    s->stats.size = sizeof(s->stats);
    return s;
}

static int open_(struct xmb_module *module, const struct xmb_rawip_spec *spec,
                 const struct xmb_rawip_ops *ops, void *arg, struct xmb_rawip **out)
{
    struct xmb_rawip *s = NULL;
    int rc;

    if (!is_sound(spec, ops))
        return XMB_EINVAL;
    if (atomic_fetch_add(&open_count, 1) >= RAWIP_SOCKETS_MAX)
        rc = XMB_ELIMIT;
    else
        rc = (s = make(module, spec, ops, arg)) != NULL ? 0 : XMB_ENOMEM;
    if (rc == 0)
        rc = open_descriptor(s, spec->traffic_class);
    if (rc < 0) {
        atomic_fetch_sub(&open_count, 1);
        free(s);
        return rc;
    }
    *out = s;
    return 0;
}

/* --- start, and the loop's end of it --------------------------------------------------------- */

/* What came since `open`; the first of it perhaps before the socket was bound to its VRF. */
static void throw_away_old(const struct xmb_rawip *s)
{
    unsigned budget = RAWIP_OLD_MAX;
    char octet;

    while (recv(s->fd, &octet, sizeof(octet), MSG_DONTWAIT) >= 0 && --budget > 0)
        ;
}

static int start(struct xmb_rawip *s)
{
    LOOP_ASSERT(loop_routing());
    if (s->state != RAWIP_OPEN || s->fd < 0)
        return s->state == RAWIP_READING ? 0 : XMB_EIO;
    throw_away_old(s);
    if (rawip_room() < 0 || uv_poll_init(&loop_routing()->uv, &s->poll, s->fd) < 0)
        return XMB_EIO;
    s->poll.data = s;
    s->is_polled = 1;
    s->state = RAWIP_READING;
    s->next = started;
    started = s;
    rawip_watch(s);
    return 0;
}

static void release(struct xmb_rawip *s)
{
    if (s->is_polled || s->state != RAWIP_CLOSED)
        return;
    free(s->members);
    free(s);
}

static void on_unpolled(uv_handle_t *handle)
{
    struct xmb_rawip *s = handle->data;

    s->is_polled = 0;
    release(s);
}

/* The loop lets go of it. */
static void end(struct xmb_rawip *s)
{
    struct xmb_rawip **at = &started;

    while (*at != s)
        at = &(*at)->next;
    *at = s->next;
    s->state = RAWIP_ENDED;
    timer_stop(routing_wheel(), &s->backoff);
    uv_close((uv_handle_t *)&s->poll, on_unpolled);
}

void rawip_module_end(const struct xmb_module *m)
{
    struct xmb_rawip *s, *next;

    for (s = started; s != NULL; s = next) {
        next = s->next;
        if (s->module == m)
            end(s);
    }
}

void rawip_routing_end(void)
{
    while (started != NULL)
        end(started);
    rawip_room_free();
}

static void close_(struct xmb_rawip *s)
{
    if (s == NULL)
        return;
    if (s->state == RAWIP_READING) {
        LOOP_ASSERT(loop_routing());
        end(s);
    }
    if (s->fd >= 0)
        close(s->fd);
    s->fd = -1;
    s->state = RAWIP_CLOSED;
    atomic_fetch_sub(&open_count, 1);
    release(s);
}

/* --- the rest of the table ------------------------------------------------------------------- */

static int join(struct xmb_rawip *s, uint32_t iface, const struct xmb_addr *group,
                uint32_t is_member)
{
    LOOP_ASSERT(loop_routing());
    if (group->family != s->family || !rawip_is_group(group) || iface == 0)
        return XMB_EINVAL;
    return is_member ? rawip_join(s, iface, group) : rawip_leave(s, iface, group);
}

static int send_(struct xmb_rawip *s, const struct xmb_rawip_out *out)
{
    LOOP_ASSERT(loop_routing());
    return rawip_send(s, out);
}

static void stats(const struct xmb_rawip *s, struct xmb_rawip_stats *out)
{
    uint32_t size = out->size < sizeof(*out) ? out->size : (uint32_t)sizeof(*out);

    LOOP_ASSERT(loop_routing());
    memcpy(out, &s->stats, size);
    out->size = size;
}

const struct xmb_rawip_api rawip_api = {
    .size = sizeof(struct xmb_rawip_api),
    .rev = 1,
    .open = open_,
    .start = start,
    .join = join,
    .send = send_,
    .stats = stats,
    .close = close_,
};
