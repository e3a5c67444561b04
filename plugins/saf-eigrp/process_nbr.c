/* SPDX-License-Identifier: MIT */
/*
 * process_nbr.c - between the neighbours' engine and the rest: packets in and out of the socket,
 * neighbours that come and go to DUAL, and services out of packets into DUAL.
 *
 * Hops. On the link a multicast has one, so that it stays there; a unicast has 64, and is never
 * routed. IPv6 has 255 on the link, which shows that nobody passed it on (D15).
 */
#include "process.h"

#include <string.h>

#define HOPS_LINK_IPV4 64
#define HOPS_LINK_IPV6 255

static int is_on_link(const struct se_iface *i)
{
    return i->mode == SE_NBR_LAN || i->mode == SE_NBR_STATIC;
}

/* --- out -------------------------------------------------------------------------------------- */

/* A remote neighbour may be configured with a distance of its own. */
static uint32_t hops_to(const struct se_process *p, const struct se_iface *i,
                        const struct xmb_addr *to)
{
    const struct se_neighbor_conf *n;
    size_t k;

    for (k = 0; i->mode == SE_NBR_REMOTE && to != NULL && k < p->family->neighbor_count; k++) {
        n = &p->family->neighbors[k];
        if (n->hops > 0 && memcmp(n->addr.ip, to->ip, sizeof(to->ip)) == 0)
            return n->hops;
    }
    return i->hops;
}

static void transmit(void *arg, unsigned iface, const struct xmb_addr *to, const void *octets,
                     size_t bytes)
{
    struct se_process *p = arg;
    const struct se_iface *i = p->ifaces[iface];
    struct xmb_rawip_out out = {
        .size = sizeof(out),
        .remote = to != NULL ? *to : i->group,
        .local = i->source,
        .bytes = {octets, bytes},
    };

    if (is_on_link(i) || to == NULL)
        out.iface = i->index;
    if (!is_on_link(i))
        out.hops = hops_to(p, i, to);
    else if (p->family->family == 6)
        out.hops = HOPS_LINK_IPV6;
    else
        out.hops = to != NULL ? HOPS_LINK_IPV4 : 1;
    if (is_on_link(i) && to != NULL)
        out.flags = XMB_RAWIP_ON_LINK;
    if (is_on_link(i) && p->family->family == 6)
        out.remote.scope = i->index;
    if (p->forwarder->host->rawip->send(p->socket->raw, &out) < 0)
        p->unsent_packets++;
}

/* --- in --------------------------------------------------------------------------------------- */

static int is_group(const struct xmb_addr *a)
{
    return a->family == 4 ? (a->ip[0] & 0xf0) == 0xe0 : a->ip[0] == 0xff;
}

void se_process_received(void *arg, const struct xmb_rawip_in *in)
{
    const struct se_socket *socket = arg;
    struct se_process *p = socket->process;
    const struct se_iface *i;
    struct se_nbr_rx rx;

    if (p == NULL || p->nbrs == NULL)
        return;
    i = se_ifaces_of_packet(p, in);
    if (i == NULL) {
        p->strange_packets++;
        return;
    }
    rx = (struct se_nbr_rx){
        .octets = in->bytes.p,
        .bytes = in->bytes.n,
        .source = in->remote,
        .iface = i->number,
        .ttl = (uint8_t)in->hops,
        .is_multicast = (uint8_t)is_group(&in->local),
    };
    rx.source.port = 0;
    rx.source.scope = 0;
    se_nbr_input(p->nbrs, &rx, se_process_now(p));
}

/*
 * As good as unreachable, for it may be a reply. Nothing else of it counts: neither may it take away
 * in its originator's name what others bring, nor make anybody ask for a newer version.
 */
static void refuse(struct se_dual_advert *a)
{
    se_metric_set_unreachable(&a->metric);
    a->sequence = 0;
    a->is_complete = a->is_withdrawn = 0;
}

/* Which lists say yes. */
static int is_allowed_in(const struct se_process *p, const struct se_iface *i,
                         const struct se_dual_advert *a, uint32_t tag)
{
    return !xmb_service_id_is_wild(&a->id) &&
           se_service_list_allows(p->family->inbound, &a->id, tag, a->origin) &&
           se_service_list_allows(i->conf->inbound, &a->id, tag, a->origin);
}

/* 1 when the service is of our family and topology; else it is counted. */
static int is_ours(struct se_process *p, const struct se_route *route)
{
    unsigned afi = p->family->family == 4 ? SE_AFI_IPV4 : SE_AFI_IPV6;

    if (route->topology_id != 0) {
        se_count(&p->counters, SE_SKIP_TOPOLOGY);
        return 0;
    }
    if (route->afi != afi && route->afi != SE_AFI_COMMON) {
        se_count(&p->counters, SE_SKIP_FAMILY);
        return 0;
    }
    return 1;
}

static void take_service(struct se_process *p, unsigned nbr, const struct se_iface *i,
                         unsigned opcode, const struct se_services *walk,
                         const struct se_service *s)
{
    const struct se_route *route = &walk->route;
    struct se_source source = {.service = s, .route = route};
    struct se_dual_advert a = {
        .id = s->id,
        .metric = route->metric,
        .content = &source,
        .origin = route->router_id,
        .sequence = s->sequence,
        .is_complete = s->data_type == SE_DATA_COMPLETE,
        .is_withdrawn = (route->opaque_flags & SE_OPAQUE_SOURCE_WITHDRAW) != 0,
        .is_active = (route->opaque_flags & SE_OPAQUE_ACTIVE) != 0,
    };

    if (!is_ours(p, route))
        return;
    if (!is_allowed_in(p, i, &a, route->tag)) {
        se_count(&p->counters, SE_SKIP_FILTER);
        refuse(&a);
    }
    se_dual_input(p->dual, (enum se_dual_message)opcode, nbr, &a, se_process_now(p).ms);
}

static void deliver(void *arg, unsigned nbr, const struct se_packet *packet)
{
    struct se_process *p = arg;
    struct se_nbr_info info;
    struct se_services walk;
    struct se_service s;

    if (se_nbr_info(p->nbrs, nbr, se_process_now(p).ms, &info) < 0)
        return;
    se_services_begin(&walk, packet, p->family->is_tolerant ? SE_TOLERANT : 0, &p->counters);
    while (se_services_next(&walk, &s) == 1)
        take_service(p, nbr, p->ifaces[info.iface], packet->header.opcode, &walk, &s);
    se_limit_check(p, nbr);
}

/* --- neighbours ------------------------------------------------------------------------------- */

static int may_peer(void *arg, unsigned iface, const struct xmb_addr *addr)
{
    const struct se_process *p = arg;
    const struct se_iface *i = p->ifaces[iface];

    if (i->remote != NULL && !se_address_list_allows(i->remote->allowed, addr))
        return 0;
    return se_limit_may_peer(p, iface, addr);
}

static void up(void *arg, unsigned nbr, unsigned iface)
{
    struct se_process *p = arg;
    struct se_nbr_info info;
    unsigned flags = 0;

    if (se_nbr_info(p->nbrs, nbr, se_process_now(p).ms, &info) == 0 && info.is_stub)
        flags = SE_DUAL_PEER_STUB;
    if (se_dual_peer_up(p->dual, nbr, iface, flags, se_process_now(p).ms) < 0)
        se_nbr_reset(p->nbrs, nbr, SE_NBR_NO_MEMORY);
}

static void down(void *arg, unsigned nbr, enum se_nbr_reason reason)
{
    struct se_process *p = arg;
    const struct se_dual_peer *peer = se_dual_peer(p->dual, nbr);

    (void)reason;
    if (peer == NULL || !peer->is_up)
        return;
    se_dual_peer_down(p->dual, nbr, se_process_now(p).ms);
}

static void resync(void *arg, unsigned nbr)
{
    struct se_process *p = arg;

    se_dual_peer_restart(p->dual, nbr);
}

static void complete(void *arg, unsigned nbr, enum se_nbr_complete why)
{
    struct se_process *p = arg;

    if (why == SE_NBR_COMPLETE_SILENT)
        se_process_log(p, XMB_LOG_INFO, "a neighbour never said that its table is complete; it has "
                       "been silent, so it is taken as complete");
    se_dual_peer_complete(p->dual, nbr, se_process_now(p).ms);
}

static void *table_next(void *arg, unsigned nbr)
{
    struct se_process *p = arg;

    return se_dual_table_next(p->dual, nbr);
}

/* --- the log ---------------------------------------------------------------------------------- */

static void log_drop(const struct se_process *p, const char *where, const char *addr,
                     const struct se_nbr_note *note)
{
    const uint8_t *k = note->k.k;
    const uint8_t *own = p->family->k.k;

    if (note->drop == SE_DROP_K_VALUES)
        se_process_log(p, XMB_LOG_WARN,
                       "%s on %s has K values %u %u %u %u %u %u, ours are %u %u %u %u %u %u; it is "
                       "no neighbour until they are equal", addr, where, k[0], k[1], k[2], k[3],
                       k[4], k[5], own[0], own[1], own[2], own[3], own[4], own[5]);
    else if (note->drop >= SE_DROP_AUTH_MISSING && note->drop <= SE_DROP_AUTH_REPLAY)
        se_process_log(p, XMB_LOG_WARN, "%s on %s: a packet is dropped, authentication: %s; see "
                       "`show eigrp service-family ... traffic`", addr, where,
                       se_reason_name(note->drop));
    else
        se_process_log(p, XMB_LOG_DEBUG, "%s on %s: a packet is dropped: %s", addr, where,
                       se_reason_name(note->drop));
}

/* A neighbour can say that as often as it likes. */
static void log_resync(const struct se_process *p, const char *where, const char *addr)
{
    const struct se_forwarder *f = p->forwarder;

    f->host->log->limited(f->module, XMB_LOG_INFO, "saf-resync", 1, p->object,
                          "neighbour %s on %s restarts; what it said is kept meanwhile", addr,
                          where);
}

static void log_neighbour(const struct se_process *p, const char *where, const char *addr,
                          const struct se_nbr_note *note)
{
    int is_shown = p->family->is_logging_changes;

    switch (note->kind) {
    case SE_NBR_NOTE_UP:
        se_process_log(p, is_shown ? XMB_LOG_NOTICE : XMB_LOG_DEBUG, "neighbour %s on %s is up",
                       addr, where);
        break;
    case SE_NBR_NOTE_DOWN:
        se_process_log(p, is_shown ? XMB_LOG_NOTICE : XMB_LOG_DEBUG, "neighbour %s on %s is down: "
                       "%s", addr, where, se_nbr_reason_name(note->reason));
        break;
    case SE_NBR_NOTE_RESYNC:
        log_resync(p, where, addr);
        break;
    case SE_NBR_NOTE_NO_KEY:
        se_process_log(p, XMB_LOG_ERROR, "interface %s: no key of its key chain may be used to "
                       "send now: nothing is sent there until one may", where);
        break;
    case SE_NBR_NOTE_NEW:
    case SE_NBR_NOTE_GIVEN_UP:
        se_process_log(p, XMB_LOG_DEBUG, "neighbour %s on %s: %s", addr, where,
                       note->kind == SE_NBR_NOTE_NEW ? "is new"
                                                     : se_nbr_reason_name(note->reason));
        break;
    default:
        log_drop(p, where, addr, note);
    }
}

static int is_event(enum se_nbr_note_kind kind)
{
    return kind == SE_NBR_NOTE_UP || kind == SE_NBR_NOTE_DOWN || kind == SE_NBR_NOTE_RESYNC;
}

static void note(void *arg, const struct se_nbr_note *note)
{
    struct se_process *p = arg;
    const struct se_iface *i = note->iface < p->iface_end ? p->ifaces[note->iface] : NULL;
    char addr[SE_ADDR_TEXT_MAX];
    struct se_event event = {
        .addr = note->addr,
        .kind = SE_EVENT_NEIGHBOUR,
        .note = (uint8_t)note->kind,
        .reason = (uint8_t)note->reason,
    };

    if (is_event(note->kind))
        se_events_add(&p->events, &event);
    log_neighbour(p, i != NULL ? i->name : "?",
                  se_addr_text(&note->addr, addr, sizeof(addr)), note);
}

static void timer(void *arg, uint64_t at_ms)
{
    struct se_process *p = arg;
    uint64_t now_ms = se_process_now(p).ms;

    if (at_ms == 0)
        p->forwarder->host->timer->stop(p->nbr_timer);
    else
        p->forwarder->host->timer->start(p->nbr_timer, at_ms > now_ms ? at_ms - now_ms : 0);
}

const struct se_nbr_ops se_process_nbr_ops = {
    .transmit = transmit,
    .may_peer = may_peer,
    .up = up,
    .down = down,
    .resync = resync,
    .complete = complete,
    .deliver = deliver,
    .write = se_process_write,
    .hold = se_process_hold,
    .release = se_process_release,
    .table_next = table_next,
    .timer = timer,
    .note = note,
};
