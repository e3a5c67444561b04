/* SPDX-License-Identifier: MIT */
/*
 * bridge.c - between DUAL and the registry: domain N of the registry is autonomous system N.
 *
 * Out: what is published here is announced by every process of its domain. Its metric is that of a
 * fast link, with no hop: the link by which a neighbour hears of it is added there.
 *
 * In: what a process learned goes into the registry as learned. Two processes can be of one domain
 * (IPv4 and IPv6, or in two VRFs), and both may know a service: the first in the configuration is
 * heard, and when it loses the service the next one. Whether a client had to authenticate to see a
 * service is not on the wire: what was learned is for those who did, unless learned-public is on.
 *
 * A service with more data than fits the smallest packet is not announced, since there is no
 * fragmentation (D12). It stays available here, and the log says so.
 */
#include "process.h"

#include <string.h>

#define LINES_PER_S 5 /* about what any client can cause */

/* --- out -------------------------------------------------------------------------------------- */

static const struct se_metric own_metric = {
    .delay_ps = 10000000,      /* 10 us */
    .bandwidth_kbps = 1000000, /* 1 Gbit/s */
    .mtu_bytes = 1500,
    .reliability = 255,
    .load = 1,
};

static int same_content(const struct xmb_service *a, const struct xmb_service *b)
{
    return a->ip_protocol == b->ip_protocol && memcmp(&a->addr, &b->addr, sizeof(a->addr)) == 0 &&
           xmb_str_eq(a->data, b->data);
}

/* What is announced of `id` as ours now, with its record, or NULL. */
static const struct se_content *announced(const struct se_process *p,
                                          const struct xmb_service_id *id)
{
    const struct se_dual_entry *e = se_dual_find(p->dual, id);
    const struct se_path *path = e != NULL ? se_dual_path(e, SE_DUAL_LOCAL) : NULL;
    const struct se_content *c = path != NULL ? path->origin->content : NULL;

    return c != NULL && c->record != NULL ? c : NULL;
}

static void withdraw(struct se_process *p, const struct xmb_service_id *id)
{
    if (announced(p, id) != NULL)
        se_dual_withdraw(p->dual, id, se_wall_ms(), se_process_now(p).ms);
}

static void too_large(struct se_process *p, const struct xmb_service *s)
{
    const struct se_forwarder *f = p->forwarder;
    struct se_event event = {.kind = SE_EVENT_REFUSED, .id = s->id};
    char text[SE_SERVICE_TEXT_MAX];

    p->oversize_count++;
    se_events_add(&p->events, &event);
    f->host->log->limited(f->module, XMB_LOG_WARN, "saf-oversize", LINES_PER_S, p->object,
                          "service %s has %zu octets of data and at most %zu fit a packet: it is "
                          "not announced to other routers, and stays available here",
                          se_service_text(&s->id, text, sizeof(text)), s->data.n,
                          p->data_max_bytes);
    withdraw(p, &s->id);
}

/* `is_news`: it was not looked at before. */
static void publish(struct se_process *p, const struct xmb_service *s, int is_news)
{
    const struct se_forwarder *f = p->forwarder;
    const struct se_content *was = announced(p, &s->id);
    struct se_source source = {.record = s, .tag = p->family->default_tag};
    struct se_dual_advert a = {.id = s->id, .metric = own_metric, .content = &source};
    int is_same = was != NULL && was->tag == source.tag && same_content(was->record, s);
    char text[SE_SERVICE_TEXT_MAX];
    int rc;

    if (s->data.n > p->data_max_bytes) {
        if (is_news || was != NULL)
            too_large(p, s);
        return;
    }
    if (is_same && was->record == s)
        return;
    rc = se_dual_publish(p->dual, &a, s->sequence, is_same, se_wall_ms(), se_process_now(p).ms);
    if (rc < 0)
        f->host->log->limited(f->module, XMB_LOG_ERROR, "saf-publish", LINES_PER_S, p->object,
                              "service %s cannot be announced (error %d): the topology table is "
                              "full, or memory is short; it stays available here",
                              se_service_text(&s->id, text, sizeof(text)), rc);
}

void se_bridge_local(struct se_forwarder *f, const struct xmb_service *now,
                     const struct xmb_service *was)
{
    uint32_t domain = now != NULL ? now->domain : was->domain;
    struct se_process *p;

    for (p = f->processes; p != NULL; p = p->next) {
        if (p->family->as_number != domain || p->state != SE_RUNNING)
            continue;
        if (now != NULL)
            publish(p, now, 1);
        else
            withdraw(p, &was->id);
        se_process_settle(p);
    }
}

static int publish_first(void *arg, const struct xmb_service *s)
{
    if (!(s->flags & XMB_SERVICE_LEARNED))
        publish(arg, s, 1);
    return 0;
}

static int publish_again(void *arg, const struct xmb_service *s)
{
    if (!(s->flags & XMB_SERVICE_LEARNED))
        publish(arg, s, 0);
    return 0;
}

void se_bridge_publish_all(struct se_process *p, int is_begin)
{
    p->forwarder->host->service->walk(p->family->as_number,
                                      is_begin ? publish_first : publish_again, p);
}

void se_bridge_withdraw_all(struct se_process *p)
{
    struct se_dual_entry *e = se_dual_next(p->dual, NULL);
    struct se_dual_entry *next;

    for (; e != NULL; e = next) {
        se_dual_hold(e);
        withdraw(p, &e->id);
        next = se_dual_next(p->dual, e);
        se_dual_release(e);
    }
}

/* --- in --------------------------------------------------------------------------------------- */

/*
 * The content that the registry has of `e`, or NULL. While it is active, it may already report
 * another originator, of which there is none yet.
 */
static const struct se_content *content_of(const struct se_dual_entry *e)
{
    const struct se_origin *o = e->is_shown ? e->origins : NULL;

    while (o != NULL && o->router_id != e->shown_origin)
        o = o->next;
    return o != NULL ? o->content : NULL;
}

static int is_shown(const struct se_process *p, const struct xmb_service_id *id)
{
    const struct se_dual_entry *e = p->dual != NULL ? se_dual_find(p->dual, id) : NULL;

    return e != NULL && content_of(e) != NULL;
}

/* The first process of the domain that has the service to show, but for `except`; or NULL. */
static struct se_process *first_with(const struct se_process *except,
                                     const struct xmb_service_id *id)
{
    struct se_process *p = except->forwarder->processes;

    while (p != NULL && (p == except || p->family->as_number != except->family->as_number ||
                         !is_shown(p, id)))
        p = p->next;
    return p;
}

static int stands_before(const struct se_process *a, const struct se_process *b)
{
    const struct se_process *p = a->forwarder->processes;

    while (p != NULL && p != a && p != b)
        p = p->next;
    return p == a;
}

static void learn(struct se_process *p, const struct se_dual_entry *e)
{
    const struct se_forwarder *f = p->forwarder;
    const struct se_content *c = content_of(e);
    struct xmb_publish what = {
        .size = sizeof(what),
        .domain = p->family->as_number,
        .id = e->id,
        .sequence = e->shown_sequence,
        .flags = p->family->is_learned_public ? XMB_SERVICE_PUBLIC : 0,
        .ip_protocol = c->service.protocol,
        .data = c->service.data,
    };
    char text[SE_SERVICE_TEXT_MAX];
    int rc;

    se_content_reach(c, &what.addr);
    rc = f->host->service->learn(f->module, &what);
    if (rc < 0)
        f->host->log->limited(f->module, XMB_LOG_ERROR, "saf-learn", 1, p->object,
                              "service %s was learned and cannot be shown to clients (error %d): "
                              "the registry is full, or memory is short; other routers get it",
                              se_service_text(&e->id, text, sizeof(text)), rc);
}

static int is_domain(const struct xmb_service_id *id)
{
    return id->service == SE_SERVICE_XMPP_DOMAIN && id->subservice == SE_SUBSERVICE_XMPP_DOMAIN;
}

static void gone(struct se_process *p, const struct xmb_service_id *id, uint32_t reason)
{
    const struct se_forwarder *f = p->forwarder;
    struct se_process *other = first_with(p, id);

    if (p->family->is_learning_domains && is_domain(id))
        se_domains_learned(f->domains, p, id, NULL);
    if (other == NULL)
        f->host->service->unlearn(f->module, p->family->as_number, id, reason);
    else if (stands_before(p, other))
        learn(other, se_dual_find(other->dual, id));
}

static void appeared(struct se_process *p, const struct se_dual_entry *e)
{
    const struct se_process *other = first_with(p, &e->id);
    const struct se_content *c = content_of(e);

    if (c == NULL)
        return;
    if (p->family->is_learning_domains && is_domain(&e->id))
        se_domains_learned(p->forwarder->domains, p, &e->id, c);
    if (other == NULL || stands_before(p, other))
        learn(p, e);
}

void se_bridge_learned(struct se_process *p, struct se_dual_entry *e, enum se_dual_route what)
{
    if (what == SE_DUAL_ROUTE_INSTALLED || what == SE_DUAL_ROUTE_CHANGED)
        appeared(p, e);
    else
        gone(p, &e->id,
             what == SE_DUAL_ROUTE_GONE_SOURCE ? XMB_GONE_SOURCE : XMB_GONE_NETWORK);
}

void se_bridge_changed(struct se_process *p, const struct se_family_conf *was)
{
    int is_domains = was->is_learning_domains != p->family->is_learning_domains;
    struct se_dual_entry *e = NULL;

    if (is_domains && !p->family->is_learning_domains)
        se_domains_forget(p->forwarder->domains, p);
    if (!is_domains && was->is_learned_public == p->family->is_learned_public)
        return;
    while (p->dual != NULL && (e = se_dual_next(p->dual, e)) != NULL)
        if (e->is_shown)
            appeared(p, e);
}

void se_bridge_forget(struct se_process *p)
{
    struct se_dual_entry *e = NULL;

    if (p->dual == NULL)
        return;
    while ((e = se_dual_next(p->dual, e)) != NULL)
        if (e->is_shown)
            gone(p, &e->id, XMB_GONE_NETWORK);
    if (p->forwarder->domains != NULL)
        se_domains_forget(p->forwarder->domains, p);
}
