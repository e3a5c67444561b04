/* SPDX-License-Identifier: MIT */
/*
 * process_dual.c - between the decision engine and the rest: its messages to the neighbours' queues,
 * and, when a packet is built, what to write about a service.
 *
 * An item of a queue is an entry of DUAL's table. There are answers about services that the table
 * does not have: "unreachable". Such an answer is a small object of its own, a *refusal*, told apart
 * from an entry by the lowest bit of its address; it is freed when no queue holds it.
 */
#include "process.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

/* --- items ------------------------------------------------------------------------------------ */

struct refusal {
    struct xmb_service_id id;
    struct se_metric metric;
    uint32_t origin, sequence;
    uint32_t hold_count;
};

static struct refusal *as_refusal(void *item)
{
    uintptr_t bits = (uintptr_t)item;

    return bits & 1 ? (struct refusal *)(bits - 1) : NULL; /* NOLINT: the tag goes off again */
}

void se_process_hold(void *arg, void *item)
{
    struct refusal *r = as_refusal(item);

    (void)arg;
    if (r != NULL)
        r->hold_count++;
    else
        se_dual_hold(item);
}

void se_process_release(void *arg, void *item)
{
    struct refusal *r = as_refusal(item);

    (void)arg;
    if (r == NULL)
        se_dual_release(item);
    else if (--r->hold_count == 0)
        free(r);
}

const struct se_dual_entry *se_process_entry_of(const void *item)
{
    return (uintptr_t)item & 1 ? NULL : item;
}

/* --- messages --------------------------------------------------------------------------------- */

/* The numbers of "everybody" are the same on both sides, and opcodes are kinds. */
_Static_assert((unsigned)SE_DUAL_ALL == (unsigned)SE_NBR_ALL, "numbers differ");

static void send_message(void *arg, struct se_dual_entry *e, enum se_dual_message kind,
                         const struct se_dual_to *to)
{
    struct se_process *p = arg;
    struct se_rtp_message m = {.item = e, .opcode = (uint8_t)kind, .tag = to->is_active};

    se_nbr_post(p->nbrs, to->iface, to->peer, &m);
}

static void refuse(void *arg, unsigned peer, enum se_dual_message kind,
                   const struct se_dual_advert *a)
{
    struct se_process *p = arg;
    const struct se_dual_peer *to = se_dual_peer(p->dual, peer);
    struct refusal *r = calloc(1, sizeof(*r));
    struct se_rtp_message m = {.opcode = (uint8_t)kind};

    if (r == NULL || to == NULL) {
        free(r);
        se_nbr_reset(p->nbrs, peer, SE_NBR_NO_MEMORY); /* it waits for an answer */
        return;
    }
    r->id = a->id;
    r->metric = a->metric;
    r->metric.external = NULL;
    se_metric_set_unreachable(&r->metric);
    r->origin = a->origin;
    r->sequence = a->sequence;
    r->hold_count = 1; /* ours, until it is queued */
    m.item = (char *)r + 1;
    se_nbr_post(p->nbrs, to->iface, peer, &m);
    se_process_release(p, m.item);
}

/* --- what is written -------------------------------------------------------------------------- */

/* Peers of TLV version 3 are spoken to apart, in the multi-topology form (D01). */
static unsigned form_for(const struct se_process *p, unsigned nbr)
{
    struct se_nbr_info info;
    unsigned version = p->family->tlv_version;

    if (version == 0 && nbr != SE_NBR_ALL && se_nbr_info(p->nbrs, nbr, 1, &info) == 0)
        version = info.software.tlv_major;
    return version >= 3 ? SE_FORM_MULTITOPOLOGY : SE_FORM_MULTIPROTOCOL;
}

static void begin(const struct se_process *p, unsigned nbr, const struct se_rtp_message *m,
                  struct se_route *route, struct se_service *service)
{
    memset(route, 0, sizeof(*route));
    memset(service, 0, sizeof(*service));
    route->afi = p->family->family == 4 ? SE_AFI_IPV4 : SE_AFI_IPV6;
    route->form = (uint8_t)form_for(p, nbr);
    route->kind = m->opcode == SE_REQUEST ? SE_ROUTE_REQUEST : SE_ROUTE_INTERNAL;
    if (m->opcode == SE_SIA_REPLY && m->tag != 0)
        route->opaque_flags = SE_OPAQUE_ACTIVE;
    service->data_type = SE_DATA_TRIMMED;
}

static void write_refusal(const struct refusal *r, struct se_route *route,
                          struct se_service *service)
{
    route->metric = r->metric;
    route->router_id = r->origin;
    service->id = r->id;
    service->sequence = r->sequence;
}

/* The tag of services published here goes along as an attribute (D05), in a buffer for the call. */
static struct xmb_str attributes_of(const struct se_content *c, unsigned form)
{
    static char tag[16]; /* the routing loop's alone */
    size_t used = 0;

    if (form == SE_FORM_MULTITOPOLOGY)
        return xmb_str_n(NULL, 0);
    if (c->record == NULL || c->tag == 0)
        return c->attributes;
    se_attribute_put_tag(tag, sizeof(tag), &used, c->tag);
    se_attribute_align(tag, sizeof(tag), &used);
    return xmb_str_n(tag, used);
}

static void write_data(const struct se_content *c, struct se_route *route,
                       struct se_service *service)
{
    service->data = c->service.data;
    service->data_type = SE_DATA_COMPLETE;
    route->attributes = attributes_of(c, route->form);
    route->tag = route->form == SE_FORM_MULTITOPOLOGY ? c->tag : 0;
}

static void write_reach(const struct se_content *c, struct se_service *service)
{
    service->reach_afi = c->service.reach_afi;
    service->port = c->service.port;
    service->protocol = c->service.protocol;
    memcpy(service->address, c->service.address, sizeof(service->address));
}

static void write_offer(const struct se_dual_entry *e, const struct se_dual_offer *offer,
                        struct se_route *route, struct se_service *service)
{
    route->metric = offer->metric;
    route->router_id = offer->origin;
    if (route->kind == SE_ROUTE_REQUEST)
        route->metric.external = NULL;
    else if (offer->metric.external != NULL)
        route->kind = SE_ROUTE_EXTERNAL;
    if (offer->is_withdrawn)
        route->opaque_flags |= SE_OPAQUE_SOURCE_WITHDRAW;
    service->id = e->id;
    service->sequence = offer->sequence;
    if (offer->reach != NULL)
        write_reach(offer->reach, service);
    if (offer->content != NULL)
        write_data(offer->content, route, service);
}

int se_process_write(void *arg, unsigned iface, unsigned nbr, const struct se_rtp_message *m,
                     struct se_route *route, struct se_service *service)
{
    struct se_process *p = arg;
    const struct refusal *r = as_refusal(m->item);
    struct se_dual_offer offer;

    begin(p, nbr, m, route, service);
    if (r != NULL) {
        write_refusal(r, route, service);
        return 1;
    }
    se_dual_offer(p->dual, m->item, (enum se_dual_message)m->opcode, iface, nbr, &offer);
    write_offer(m->item, &offer, route, service);
    return 1;
}

/* --- content, notes, time --------------------------------------------------------------------- */

static void *keep(void *arg, const struct se_dual_advert *a)
{
    struct se_process *p = arg;

    return se_content_new(p->forwarder->host, a->content);
}

static void drop(void *arg, void *content)
{
    (void)arg;
    se_content_free(content);
}

static void route(void *arg, struct se_dual_entry *e, enum se_dual_route what)
{
    se_bridge_learned(arg, e, what);
}

/* One silent neighbour can be the cause for every service of the table. */
static void log_stuck(const struct se_process *p, const char *service, const char *addr)
{
    const struct se_forwarder *f = p->forwarder;

    f->host->log->limited(f->module, XMB_LOG_WARN, "saf-stuck", 1, p->object,
                          "service %s is stuck in active: neighbour %s never answered; it is reset",
                          service, addr);
}

static void note(void *arg, enum se_dual_note note, const struct se_dual_entry *e, unsigned peer)
{
    struct se_process *p = arg;
    const struct se_forwarder *f = p->forwarder;
    struct se_event event = {.kind = SE_EVENT_CONFLICT};
    struct se_nbr_info info = {.state = SE_NBR_DOWN};
    char service[SE_SERVICE_TEXT_MAX] = "?";
    char addr[SE_ADDR_TEXT_MAX];

    if (e != NULL) {
        event.id = e->id;
        se_service_text(&e->id, service, sizeof(service));
    }
    if (peer != SE_DUAL_NONE && se_nbr_info(p->nbrs, peer, 1, &info) == 0)
        event.addr = info.addr;
    se_addr_text(&event.addr, addr, sizeof(addr));
    switch (note) {
    case SE_DUAL_NOTE_STUCK:
        event.kind = SE_EVENT_STUCK;
        log_stuck(p, service, addr);
        se_nbr_reset(p->nbrs, peer, SE_NBR_STUCK); /* takes effect after DUAL's call */
        break;
    case SE_DUAL_NOTE_CONFLICT:
        f->host->log->limited(f->module, XMB_LOG_WARN, "saf-conflict", 1, p->object,
                              "service %s is announced by two routers; the nearer one is believed",
                              service);
        break;
    case SE_DUAL_NOTE_TWIN:
        f->host->log->limited(f->module, XMB_LOG_ERROR, "saf-twin", 1, p->object,
                              "service %s: another router uses our router id; each needs its own",
                              service);
        break;
    case SE_DUAL_NOTE_FULL:
        f->host->log->limited(f->module, XMB_LOG_ERROR, "saf-full", 1, p->object,
                              "the topology table is full (%u services): more are not taken",
                              p->family->entries_max);
        return;
    default:
        f->host->log->limited(f->module, XMB_LOG_WARN, "saf-origins", 1, p->object,
                              "service %s has too many announcing routers: more are not taken",
                              service);
    }
    se_events_add(&p->events, &event);
}

static void trace(void *arg, const struct se_dual_entry *e, enum se_dual_event event,
                  enum se_dual_state from, unsigned peer)
{
    struct se_process *p = arg;
    struct se_event record = {
        .id = e->id,
        .kind = SE_EVENT_DUAL,
        .dual_event = (uint8_t)event,
        .from = (uint8_t)from,
        .to = e->state,
    };

    (void)peer;
    se_events_add(&p->events, &record);
}

/*
 * What is learned by one interface may be too large for the packets of another, and there is no
 * fragmentation (D12). There it is unreachable: what cannot be written must not be promised, or
 * somebody waits for a reply that never comes. The other form is smaller.
 */
static int is_too_large(const struct se_process *p, const struct se_iface *i,
                        const struct se_dual_entry *e, const struct se_content *c)
{
    const struct se_forwarder *f = p->forwarder;
    struct se_route route = {
        .kind = e->metric.external != NULL ? SE_ROUTE_EXTERNAL : SE_ROUTE_INTERNAL,
        .afi = p->family->family == 4 ? SE_AFI_IPV4 : SE_AFI_IPV6,
        .form = SE_FORM_MULTIPROTOCOL,
        .attributes = attributes_of(c, SE_FORM_MULTIPROTOCOL),
    };
    size_t most = se_service_data_max(i->packet_bytes, i->conf->auth.mode, &route);
    char text[SE_SERVICE_TEXT_MAX];

    if (c->service.data.n <= most)
        return 0;
    f->host->log->limited(f->module, XMB_LOG_WARN, "saf-too-large", 1, p->object,
                          "service %s has %zu octets of data and at most %zu fit a packet on %s: "
                          "it is not announced there",
                          se_service_text(&e->id, text, sizeof(text)), c->service.data.n, most,
                          i->name);
    return 1;
}

static int may_offer(void *arg, const struct se_dual_entry *e, unsigned iface)
{
    const struct se_process *p = arg;
    const struct se_iface *i = iface < p->iface_end ? p->ifaces[iface] : NULL;
    const struct se_content *c = e->origin != NULL ? e->origin->content : NULL;
    uint32_t origin = e->origin != NULL ? e->origin->router_id : 0;
    uint32_t tag = c != NULL ? c->tag : 0;

    if (!se_service_list_allows(p->family->outbound, &e->id, tag, origin))
        return 0;
    if (i == NULL)
        return 1;
    return se_service_list_allows(i->conf->outbound, &e->id, tag, origin) &&
           (c == NULL || !is_too_large(p, i, e, c));
}

static void timer(void *arg, uint64_t at_ms)
{
    struct se_process *p = arg;
    uint64_t now_ms = se_process_now(p).ms;

    if (at_ms == 0)
        p->forwarder->host->timer->stop(p->dual_timer);
    else
        p->forwarder->host->timer->start(p->dual_timer, at_ms > now_ms ? at_ms - now_ms : 0);
}

const struct se_dual_ops se_process_dual_ops = {
    .send = send_message,
    .refuse = refuse,
    .route = route,
    .keep = keep,
    .drop = drop,
    .timer = timer,
    .note = note,
    .trace = trace,
    .may_offer = may_offer,
};
