/* SPDX-License-Identifier: MIT */
/*
 * process.c - one service family at work: how it starts, changes, goes and rests.
 *
 * A process goes in order: it withdraws what is published here, so that others know it was meant,
 * and gives these packets a moment to arrive; then it says goodbye, three times (D17). Only a broker
 * that crashes leaves its neighbours to find out by the hold time.
 */
#include "process.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>

#define WITHDRAW_MS 1000  /* withdrawals have so long to arrive */
#define LIFE_STEP_MS 10

/* --- small things ----------------------------------------------------------------------------- */

uint64_t se_wall_ms(void)
{
    struct timespec t;

    clock_gettime(CLOCK_REALTIME, &t);
    return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

struct se_now se_process_now(const struct se_process *p)
{
    struct se_now now = {
        .ms = p->forwarder->host->router->now_ms() + 1, /* never 0 */
        .wall_s = (int64_t)time(NULL),
    };

    return now;
}

void se_process_log(const struct se_process *p, uint32_t level, const char *format, ...)
{
    const struct se_forwarder *f = p->forwarder;
    char text[512];
    va_list args;

    if (f->host->log->level(f->module) < level)
        return;
    va_start(args, format);
    vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    f->host->log->write(f->module, level, p->object, "%s", text);
}

static uint64_t random_64(void)
{
    uint64_t value = 0;

    if (getrandom(&value, sizeof(value), 0) != (ssize_t)sizeof(value))
        value = se_wall_ms() * UINT64_C(0x9e3779b97f4a7c15);
    return value;
}

void se_process_settle(struct se_process *p)
{
    if (p->nbrs != NULL)
        se_nbr_run(p->nbrs, se_process_now(p));
}

/* --- timers ----------------------------------------------------------------------------------- */

static void on_dual_timer(void *arg)
{
    struct se_process *p = arg;

    if (p->dual != NULL)
        se_dual_tick(p->dual, se_process_now(p).ms);
    se_process_settle(p);
}

static void on_nbr_timer(void *arg)
{
    struct se_process *p = arg;

    if (p->nbrs != NULL)
        se_nbr_tick(p->nbrs, se_process_now(p));
}

static void on_life_timer(void *arg)
{
    struct se_process *p = arg;

    p->drive_at_ms = 0;
    se_process_drive(p);
}

/* Several may wait for it, each for another time: the first counts, and then they ask again. */
void se_process_drive_later(struct se_process *p, uint64_t delay_ms)
{
    uint64_t at_ms = se_process_now(p).ms + delay_ms;

    if (p->drive_at_ms != 0 && p->drive_at_ms <= at_ms)
        return;
    p->drive_at_ms = at_ms;
    p->forwarder->host->timer->start(p->life_timer, delay_ms);
}

/* --- what the engines are told of the configuration ------------------------------------------- */

static void dual_conf(const struct se_process *p, uint64_t seed, struct se_dual_conf *out)
{
    const struct se_family_conf *family = p->family;

    *out = (struct se_dual_conf){
        .k = family->k,
        .active_ms = family->active_ms,
        .linger_ms = family->active_ms > 0 ? 2 * family->active_ms : 360000,
        .start_wall_ms = p->start_wall_ms,
        .hash_seed = seed,
        .router_id = p->router_id,
        .entries_max = family->entries_max,
        .hops_max = family->hops_max,
        .is_stub = family->stub_flags != 0,
        .is_receive_only = (family->stub_flags & SE_STUB_RECEIVE_ONLY) != 0,
        .is_startup_poison = 1,
    };
}

static void nbr_conf(const struct se_process *p, uint64_t seed, struct se_nbr_conf *out)
{
    const struct se_family_conf *family = p->family;

    *out = (struct se_nbr_conf){
        .k = family->k,
        .software = {.release_major = 1, .tlv_major = family->tlv_version == 3 ? 3 : 2},
        .seed = seed,
        .purge_ms = (uint64_t)family->purge_s * 1000,
        /* Later than any of an earlier life: there are fewer packets than milliseconds. */
        .first_sequence = (uint32_t)p->start_wall_ms | 1,
        .neighbours_max = SE_NBR_NEIGHBOURS_MAX,
        .messages_max = SE_RTP_MESSAGES_MAX,
        .hold_max_s = SE_NBR_HOLD_MAX_S,
        .warn_ms = family->warn_s * 1000,
        .as_number = family->as_number,
        .stub_flags = family->stub_flags,
        .family = family->family,
    };
}

/* Both engines, or none. */
static int make_engines(struct se_process *p)
{
    uint64_t seed = random_64();
    struct se_dual_conf decisions;
    struct se_nbr_conf neighbours;
    int rc;

    dual_conf(p, seed, &decisions);
    nbr_conf(p, seed, &neighbours);
    rc = se_dual_new(&decisions, &se_process_dual_ops, p, &p->dual);
    if (rc == 0)
        rc = se_nbr_new(&neighbours, &se_process_nbr_ops, p, &p->nbrs);
    if (rc < 0) {
        se_dual_free(p->dual);
        p->dual = NULL;
    }
    return rc;
}

/* --- down and up ------------------------------------------------------------------------------ */

/* The engines end, without a word. */
static void stop(struct se_process *p)
{
    se_bridge_forget(p);
    se_nbr_free(p->nbrs); /* first: its queues hold entries */
    p->nbrs = NULL;
    se_ifaces_clear(p);
    se_sources_clear(p);
    se_dual_free(p->dual);
    p->dual = NULL;
    p->forwarder->host->timer->stop(p->dual_timer);
    p->forwarder->host->timer->stop(p->nbr_timer);
    p->state = SE_IDLE;
    p->is_restarting = 0;
}

/* The interfaces anew, and after them what they have room for. */
static void apply_ifaces(struct se_process *p, int is_begin)
{
    size_t was = p->data_max_bytes;

    se_ifaces_apply(p);
    se_sources_check(p);
    p->data_max_bytes = se_ifaces_data_max(p);
    if (is_begin || p->data_max_bytes != was)
        se_bridge_publish_all(p, is_begin);
    if (p->is_reoffer_due)
        se_dual_reoffer(p->dual, se_process_now(p).ms);
    p->is_reoffer_due = 0;
}

static void start(struct se_process *p)
{
    char id[SE_ADDR_TEXT_MAX];
    int rc;

    p->start_wall_ms = se_wall_ms();
    rc = make_engines(p);
    if (rc == 0)
        rc = p->forwarder->host->rawip->start(p->socket->raw);
    if (rc < 0) {
        se_process_log(p, XMB_LOG_ERROR,
                       "cannot start (error %d); the service family stays down until the next "
                       "change of configuration", rc);
        stop(p);
        return;
    }
    p->state = SE_RUNNING;
    p->is_waiting_told = 0;
    se_process_log(p, XMB_LOG_NOTICE, "forwards services as router %s",
                   se_router_id_text(p->router_id, id, sizeof(id)));
    apply_ifaces(p, 1);
    se_process_settle(p);
}

/* --- the life --------------------------------------------------------------------------------- */

static int is_wanted(const struct se_process *p)
{
    return !p->is_going && !p->is_restarting && !p->family->is_shutdown &&
           !p->forwarder->is_draining && p->socket != NULL;
}

/* The configured router id, or that of the host as long as there is none yet: it does not move. */
static void find_router_id(struct se_process *p)
{
    uint32_t wanted = p->family->has_router_id ? p->family->router_id : p->router_id;

    if (wanted == 0)
        wanted = se_wanted_router_id(p->family, p->forwarder->host_ifaces);
    if (p->state == SE_RUNNING && wanted != p->router_id)
        p->is_restarting = 1;
    else if (p->state == SE_IDLE)
        p->router_id = wanted;
}

static int has_told(const struct se_process *p)
{
    const struct se_rtp *transport = se_nbr_transport(p->nbrs);

    return (se_rtp_message_count(transport) == 0 && se_rtp_packet_count(transport) == 0) ||
           se_process_now(p).ms >= p->leave_by_ms;
}

static void tell_waiting(struct se_process *p)
{
    if (!p->is_waiting_told)
        se_process_log(p, XMB_LOG_WARN, "waits for a router id: no interface that is up has an "
                       "IPv4 address; router-id sets one");
    p->is_waiting_told = 1;
}

/* One step of the life; 1: there may be another. */
static int step(struct se_process *p)
{
    switch (p->state) {
    case SE_IDLE:
        if (is_wanted(p) && p->router_id == 0)
            tell_waiting(p);
        else if (is_wanted(p))
            start(p);
        return 0;
    case SE_RUNNING:
        if (is_wanted(p))
            return 0;
        p->state = SE_WITHDRAWING;
        p->leave_by_ms = se_process_now(p).ms + WITHDRAW_MS;
        se_bridge_withdraw_all(p);
        se_process_settle(p);
        return 1;
    case SE_WITHDRAWING:
        if (!has_told(p))
            return 0;
        p->state = SE_LEAVING;
        se_nbr_leave(p->nbrs, SE_NBR_ALL, se_process_now(p));
        return 1;
    default:
        if (se_nbr_is_leaving(p->nbrs))
            return 0;
        stop(p);
        return 1;
    }
}

/* Its VRF was made anew: what it knew of neighbours went with the old one. */
static void renew_socket(struct se_process *p)
{
    struct se_forwarder *f = p->forwarder;
    struct se_socket *fresh;
    int rc;

    if (p->socket == NULL || (p->state == SE_IDLE ? !is_wanted(p) : p->state != SE_RUNNING) ||
        !se_socket_is_stale(p->socket, f->host_ifaces))
        return;
    rc = se_socket_open(f->host, f->module, p->family, &fresh);
    if (rc < 0) {
        f->host->log->limited(f->module, XMB_LOG_ERROR, "saf-vrf", 1, p->object,
                              "its VRF is a new device, in which no socket could be opened "
                              "(error %d); tries again when an interface changes", rc);
        return;
    }
    if (fresh->vrf_index == p->socket->vrf_index) { /* we had not been told yet of the device */
        se_socket_close(f->host, fresh);
        return;
    }
    se_process_log(p, XMB_LOG_NOTICE, "its VRF is a new device: begins anew in that");
    if (p->state != SE_IDLE)
        stop(p);
    se_process_give_socket(p, fresh);
}

void se_process_drive(struct se_process *p)
{
    renew_socket(p);
    do
        find_router_id(p);
    while (step(p));
    if (p->state == SE_WITHDRAWING || p->state == SE_LEAVING) {
        se_process_drive_later(p, LIFE_STEP_MS);
    } else if (p->state == SE_RUNNING) {
        se_ifaces_sweep(p, 0);
        apply_ifaces(p, 0);
        se_process_settle(p);
    } else if (p->is_going) {
        se_forwarder_reap(p->forwarder, p);
    } else if (p->family->is_shutdown) {
        se_process_give_socket(p, NULL); /* it has said goodbye, and hears nobody any more */
    }
}

/* --- made, changed, freed --------------------------------------------------------------------- */

static void name_it(struct se_process *p)
{
    snprintf(p->object, sizeof(p->object), "ipv%u %u%s%.*s", (unsigned)p->family->family,
             (unsigned)p->family->as_number, p->family->vrf.n > 0 ? " vrf " : "",
             (int)p->family->vrf.n, p->family->vrf.n > 0 ? p->family->vrf.p : "");
}

struct se_process *se_process_new(struct se_forwarder *f, struct se_conf *conf,
                                  const struct se_family_conf *family)
{
    struct se_process *p = calloc(1, sizeof(*p));

    if (p == NULL)
        return NULL;
    p->forwarder = f;
    p->conf = se_conf_hold(conf);
    p->family = family;
    p->dual_timer = f->host->router->timer(f->module, on_dual_timer, p);
    p->nbr_timer = f->host->router->timer(f->module, on_nbr_timer, p);
    p->life_timer = f->host->router->timer(f->module, on_life_timer, p);
    name_it(p);
    if (p->dual_timer == NULL || p->nbr_timer == NULL || p->life_timer == NULL ||
        se_events_resize(&p->events, family->event_log_size) < 0) {
        se_process_free(p);
        return NULL;
    }
    return p;
}

/* One at work keeps the socket that it has. The new one may be of a VRF that was made anew. */
void se_process_give_socket(struct se_process *p, struct se_socket *socket)
{
    if (p->socket != NULL && p->state != SE_IDLE) {
        se_socket_close(p->forwarder->host, socket);
        return;
    }
    se_socket_close(p->forwarder->host, p->socket);
    p->socket = socket;
    if (socket != NULL)
        socket->process = p;
}

static void configure_engines(struct se_process *p)
{
    struct se_dual_conf decisions;
    struct se_nbr_conf neighbours;
    struct se_now now = se_process_now(p);

    dual_conf(p, 0, &decisions);
    nbr_conf(p, 0, &neighbours);
    se_nbr_configure(p->nbrs, &neighbours, now);
    se_dual_configure(p->dual, &decisions, now.ms);
}

/* What a filter refused is not kept: neighbours send their tables again, and stay. */
static void resync_all(struct se_process *p)
{
    unsigned nbr = se_nbr_next(p->nbrs, SE_NBR_NONE);
    const struct se_dual_peer *peer;

    for (; nbr != SE_NBR_NONE; nbr = se_nbr_next(p->nbrs, nbr)) {
        peer = se_dual_peer(p->dual, nbr);
        if (peer == NULL || !peer->is_up)
            continue;
        se_dual_table_rewind(p->dual, nbr);
        se_nbr_resync(p->nbrs, nbr);
    }
}

void se_process_configure(struct se_process *p, struct se_conf *conf,
                          const struct se_family_conf *family)
{
    const struct se_family_conf *was = p->family;
    struct se_conf *old = p->conf;

    /* Interfaces that leave now borrow from `old` until they have left. */
    if (p->state == SE_WITHDRAWING || p->state == SE_LEAVING)
        stop(p); /* its engines borrow from the old configuration; what was to say is said */
    if (p->state == SE_RUNNING)
        se_ifaces_sweep(p, 1);
    p->conf = se_conf_hold(conf);
    p->family = family;
    p->is_going = 0;
    name_it(p);
    se_bridge_changed(p, was);
    if (se_events_resize(&p->events, family->event_log_size) < 0)
        se_process_log(p, XMB_LOG_WARN, "out of memory; the event log keeps its old size");
    if (p->state == SE_RUNNING) {
        configure_engines(p);
        apply_ifaces(p, 0); /* from here on nothing borrows from the old configuration */
        se_ifaces_drop_statics(p, was);
        se_nbr_recheck(p->nbrs, se_process_now(p));
        se_limit_check_all(p);
        if (!se_conf_same_inbound(was, family))
            resync_all(p);
        se_bridge_publish_all(p, 0); /* the tag may be another one */
        se_dual_reoffer(p->dual, se_process_now(p).ms);
        se_process_settle(p);
    }
    se_conf_release(p->leaving_conf);
    p->leaving_conf = old;
}

void se_process_free(struct se_process *p)
{
    const struct xmb_host *host = p->forwarder->host;

    if (p->state != SE_IDLE)
        stop(p);
    se_socket_close(host, p->socket);
    host->timer->destroy(p->dual_timer);
    host->timer->destroy(p->nbr_timer);
    host->timer->destroy(p->life_timer);
    se_limit_free(p);
    se_events_free(&p->events);
    free(p->ifaces);
    se_conf_release(p->leaving_conf);
    se_conf_release(p->conf);
    free(p);
}
