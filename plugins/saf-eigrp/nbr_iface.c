/* SPDX-License-Identifier: MIT */
/*
 * nbr_iface.c - interfaces: how they come, change, say hello, leave and go; and static neighbours.
 *
 * A change applies at once. Neighbours are reset only where what they know of us would be wrong. An
 * interface that leaves keeps its neighbours as mere addresses until the last goodbye has gone.
 */
#include "nbr_priv.h"

#define HELLO_MS_MIN 1000u
#define PACKET_BYTES_MIN 256u

struct nbr_iface *se_nbr__iface(const struct se_nbrs *n, unsigned iface)
{
    return iface < SE_NBR_IFACES_MAX ? n->ifaces[iface] : NULL;
}

static int is_valid(const struct se_nbrs *n, const struct se_nbr_iface_conf *conf)
{
    uint32_t i;

    for (i = 0; i < conf->prefix_count && i < SE_NBR_PREFIXES_MAX; i++)
        if (conf->prefixes[i].bits > (conf->prefixes[i].addr.family == 4 ? 32 : 128))
            return 0;
    return conf->prefix_count <= SE_NBR_PREFIXES_MAX && conf->source.family == n->conf.family &&
           conf->mode < SE_NBR_MODES && conf->hello_ms >= HELLO_MS_MIN && conf->hold_s > 0 &&
           conf->packet_bytes >= PACKET_BYTES_MIN &&
           conf->packet_bytes <= SE_PACKET_BYTES_MAX && conf->bandwidth_percent > 0 &&
           conf->auth != NULL;
}

static void apply(struct nbr_iface *iface, const struct se_nbr_iface_conf *conf)
{
    uint64_t kbps = conf->bandwidth_kbps < UINT64_MAX / 1000000
                        ? conf->bandwidth_kbps * conf->bandwidth_percent / 100
                        : UINT64_MAX / 1000000;

    iface->conf = *conf;
    if (iface->conf.new_per_s > 1000000)
        iface->conf.new_per_s = 1000000;
    iface->auth_mode = (uint8_t)conf->auth->mode;
    iface->link.source = conf->source;
    iface->link.auth = conf->auth;
    iface->link.packet_bytes = conf->packet_bytes;
    iface->link.list_max = se_nbr__list_max(conf);
    iface->link.pace_kbps = kbps > 0 ? kbps : 1;
    iface->link.is_group = conf->mode == SE_NBR_LAN;
}

static uint64_t next_hello(struct se_nbrs *n, const struct nbr_iface *iface)
{
    return n->now.ms + iface->conf.hello_ms - se_nbr__random(n) % (iface->conf.hello_ms / 10);
}

static void say_hello(struct se_nbrs *n, struct nbr_iface *iface)
{
    se_nbr__hello_all(n, iface);
    se_timer_arm(&n->timers, &iface->timer, next_hello(n, iface));
}

static int create(struct se_nbrs *n, unsigned number, const struct se_nbr_iface_conf *conf)
{
    struct nbr_iface *iface;

    if (se_timers_reserve(&n->timers, 1) != 0)
        return XMB_ENOMEM;
    iface = calloc(1, sizeof(*iface));
    if (iface == NULL || se_rtp_link_open(n->rtp, &iface->link, number) != 0) {
        free(iface);
        se_timers_unreserve(&n->timers, 1);
        return XMB_ENOMEM;
    }
    iface->timer.kind = NBR_TIMER_IFACE;
    iface->timer.owner = iface;
    apply(iface, conf);
    iface->new_tokens_x1000 = iface->conf.new_per_s * 1000;
    iface->new_tokens_ms = n->now.ms;
    n->ifaces[number] = iface;
    if (n->iface_end <= number)
        n->iface_end = number + 1;
    say_hello(n, iface);
    return 0;
}

static void doom_all(struct se_nbrs *n, struct nbr_iface *iface, enum se_nbr_reason reason)
{
    struct nbr *b;

    for (b = nbr_first(iface); b != NULL; b = nbr_after(b))
        se_nbr__doom(n, b, reason);
}

/* What neighbours know of us would be wrong. */
static int is_other(const struct nbr_iface *iface, const struct se_nbr_iface_conf *conf)
{
    return iface->conf.mode != conf->mode || iface->auth_mode != conf->auth->mode ||
           !se_nbr__same_addr(&iface->conf.source, &conf->source);
}

int se_nbr_iface_set(struct se_nbrs *n, unsigned number, const struct se_nbr_iface_conf *conf,
                     struct se_now now)
{
    struct nbr_iface *iface = se_nbr__iface(n, number);
    int rc = 0;

    if (number >= SE_NBR_IFACES_MAX || !is_valid(n, conf))
        return XMB_EINVAL;
    se_nbr__enter(n, now);
    if (iface != NULL && iface->goodbyes_left > 0) {
        se_nbr__iface_free(n, iface);
        iface = NULL;
    }
    if (iface == NULL) {
        rc = create(n, number, conf);
    } else {
        if (is_other(iface, conf)) {
            doom_all(n, iface, SE_NBR_CONFIG);
            se_nbr__settle(n);
        }
        apply(iface, conf);
        say_hello(n, iface);
        se_nbr__dirty(n, iface);
    }
    se_nbr__settle(n);
    return rc;
}

/* --- going ------------------------------------------------------------------------------------ */

static void undirty(struct se_nbrs *n, struct nbr_iface *iface)
{
    struct nbr_iface **at = &n->dirty;

    if (!iface->is_dirty)
        return;
    while (*at != iface)
        at = &(*at)->dirty_next;
    *at = iface->dirty_next;
}

/* Its neighbours are down already. */
void se_nbr__iface_free(struct se_nbrs *n, struct nbr_iface *iface)
{
    if (iface->goodbyes_left > 0)
        n->leaving_count--;
    while (nbr_first(iface) != NULL)
        se_nbr__unmake(n, nbr_first(iface));
    undirty(n, iface);
    se_timer_disarm(&n->timers, &iface->timer);
    se_timers_unreserve(&n->timers, 1);
    se_rtp_link_close(n->rtp, &iface->link);
    n->ifaces[iface->link.number] = NULL;
    free(iface->statics);
    free(iface);
}

void se_nbr_iface_down(struct se_nbrs *n, unsigned number, struct se_now now)
{
    struct nbr_iface *iface = se_nbr__iface(n, number);

    if (iface == NULL)
        return;
    se_nbr__enter(n, now);
    doom_all(n, iface, SE_NBR_IFACE_DOWN);
    se_nbr__settle(n);
    se_nbr__iface_free(n, iface);
    se_nbr__settle(n);
}

/* One goodbye; with the last one the interface goes. */
static void say_goodbye(struct se_nbrs *n, struct nbr_iface *iface)
{
    se_nbr__goodbye_all(n, iface);
    if (iface->goodbyes_left > 1) {
        iface->goodbyes_left--;
        se_timer_arm(&n->timers, &iface->timer, n->now.ms + GOODBYE_GAP_MS);
    } else {
        se_nbr__iface_free(n, iface);
    }
}

static void leave(struct se_nbrs *n, struct nbr_iface *iface)
{
    if (iface->goodbyes_left > 0)
        return;
    iface->goodbyes_left = GOODBYES;
    n->leaving_count++;
    doom_all(n, iface, SE_NBR_LEAVING);
    se_nbr__settle(n);
    say_goodbye(n, iface);
}

void se_nbr_leave(struct se_nbrs *n, unsigned number, struct se_now now)
{
    uint32_t i;

    se_nbr__enter(n, now);
    for (i = 0; i < n->iface_end; i++)
        if (n->ifaces[i] != NULL && (number == SE_NBR_ALL || number == i))
            leave(n, n->ifaces[i]);
    se_nbr__settle(n);
}

int se_nbr_is_leaving(const struct se_nbrs *n)
{
    return n->leaving_count > 0;
}

void se_nbr__iface_expired(struct se_nbrs *n, struct nbr_iface *iface)
{
    if (iface->goodbyes_left > 0)
        say_goodbye(n, iface);
    else
        say_hello(n, iface);
}

/* --- static neighbours ------------------------------------------------------------------------ */

static int add_static(struct nbr_iface *iface, const struct xmb_addr *addr)
{
    struct xmb_addr *statics;
    uint32_t room = iface->static_room != 0 ? iface->static_room * 2 : 8;

    if (iface->static_count >= SE_NBR_STATICS_MAX)
        return XMB_ELIMIT;
    if (iface->static_count == iface->static_room) {
        statics = realloc(iface->statics, room * sizeof(*statics));
        if (statics == NULL)
            return XMB_ENOMEM;
        iface->statics = statics;
        iface->static_room = room;
    }
    iface->statics[iface->static_count++] = *addr;
    return 0;
}

int se_nbr_static_add(struct se_nbrs *n, unsigned number, const struct xmb_addr *addr,
                      struct se_now now)
{
    struct nbr_iface *iface = se_nbr__iface(n, number);
    struct nbr *b;
    int rc;

    if (iface == NULL)
        return XMB_ENOENT;
    if (se_nbr__is_static(iface, addr))
        return XMB_EEXIST;
    rc = add_static(iface, addr);
    if (rc != 0)
        return rc;
    se_nbr__enter(n, now);
    b = se_nbr__find(n, iface, addr);
    if (b != NULL)
        b->is_static = 1;
    if (iface->conf.mode != SE_NBR_LAN && iface->conf.mode != SE_NBR_GROUP)
        se_nbr__hello_soon(n, iface, addr, 0);
    se_nbr__settle(n);
    return 0;
}

int se_nbr_static_remove(struct se_nbrs *n, unsigned number, const struct xmb_addr *addr,
                         struct se_now now)
{
    struct nbr_iface *iface = se_nbr__iface(n, number);
    struct nbr *b;
    uint32_t i;

    if (iface == NULL)
        return XMB_ENOENT;
    for (i = 0; i < iface->static_count; i++)
        if (se_nbr__same_addr(&iface->statics[i], addr))
            break;
    if (i == iface->static_count)
        return XMB_ENOENT;
    iface->statics[i] = iface->statics[--iface->static_count];
    se_nbr__enter(n, now);
    b = se_nbr__find(n, iface, addr);
    if (b != NULL) {
        b->is_static = 0;
        if (!se_nbr__allowed(n, iface, addr))
            se_nbr__doom(n, b, SE_NBR_CONFIG);
    }
    se_nbr__settle(n);
    return 0;
}

void se_nbr_recheck(struct se_nbrs *n, struct se_now now)
{
    struct nbr *b;
    uint32_t i;

    se_nbr__enter(n, now);
    for (i = 0; i < n->conf.neighbours_max; i++) {
        b = n->slots[i];
        if (b != NULL && !se_nbr__allowed(n, b->iface, &b->rtp.addr))
            se_nbr__doom(n, b, SE_NBR_CONFIG);
    }
    se_nbr__settle(n);
}
