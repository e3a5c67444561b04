/* SPDX-License-Identifier: MIT */
/*
 * eigrp_dual_rig.c - see eigrp_dual_rig.h.
 */
#include "eigrp_dual_rig.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const struct xmb_service_id rig_id = {.service = 101, .subservice = 1};

static const char *kind_name(enum se_dual_message kind)
{
    switch (kind) {
    case SE_DUAL_UPDATE:
        return "update";
    case SE_DUAL_REQUEST:
        return "request";
    case SE_DUAL_QUERY:
        return "query";
    case SE_DUAL_REPLY:
        return "reply";
    case SE_DUAL_SIA_QUERY:
        return "sia-query";
    default:
        return "sia-reply";
    }
}

static void add(char *text, size_t bytes, const char *word)
{
    size_t n = strlen(text);

    assert_true(n + strlen(word) + 3 < bytes);
    snprintf(text + n, bytes - n, "%s%s", n > 0 ? "; " : "", word);
}

static void on_send(void *arg, struct se_dual_entry *e, enum se_dual_message kind,
                    const struct se_dual_to *to)
{
    struct rig *r = arg;
    struct se_dual_offer offer;
    char word[64], tail[24] = "";

    se_dual_offer(r->d, e, kind, to->iface, to->peer, &offer);
    if (kind == SE_DUAL_REQUEST)
        ;
    else if (offer.metric.delay_ps == SE_DELAY_UNREACHABLE)
        snprintf(tail, sizeof(tail), " unreachable");
    else
        snprintf(tail, sizeof(tail), " %u", (unsigned)(offer.metric.delay_ps / 1000000));
    if (to->peer == SE_DUAL_ALL)
        snprintf(word, sizeof(word), "%s all%s", kind_name(kind), tail);
    else
        snprintf(word, sizeof(word), "%s %u%s%s", kind_name(kind), to->peer, tail,
                 to->is_active ? " active" : "");
    add(r->sent, sizeof(r->sent), word);
}

static void on_refuse(void *arg, unsigned peer, enum se_dual_message kind,
                      const struct se_dual_advert *a)
{
    struct rig *r = arg;
    char word[64];

    assert_int_equal(a->id.service, 101);
    snprintf(word, sizeof(word), "refuse %s %u", kind_name(kind), peer);
    add(r->sent, sizeof(r->sent), word);
}

static void on_route(void *arg, struct se_dual_entry *e, enum se_dual_route what)
{
    static const char *const names[] = {"installed", "changed", "withdrawn", "lost"};
    struct rig *r = arg;

    (void)e;
    add(r->routed, sizeof(r->routed), names[what]);
}

static void *on_keep(void *arg, const struct se_dual_advert *a)
{
    struct rig *r = arg;
    uint32_t *c;

    if (r->keep_fails)
        return NULL;
    c = malloc(sizeof(*c));
    assert_non_null(c);
    *c = a->sequence;
    r->contents++;
    return c;
}

static void on_drop(void *arg, void *content)
{
    struct rig *r = arg;

    r->contents--;
    free(content);
}

static void on_timer(void *arg, uint64_t at_ms)
{
    struct rig *r = arg;

    r->timer_ms = at_ms;
}

static void on_note(void *arg, enum se_dual_note note, const struct se_dual_entry *e, unsigned peer)
{
    static const char *const names[] = {"stuck", "conflict", "twin", "full", "origins"};
    struct rig *r = arg;
    char word[32];

    (void)e;
    if (peer == SE_DUAL_NONE)
        snprintf(word, sizeof(word), "%s", names[note]);
    else
        snprintf(word, sizeof(word), "%s %u", names[note], peer);
    add(r->noted, sizeof(r->noted), word);
}

static void on_trace(void *arg, const struct se_dual_entry *e, enum se_dual_event event,
                     enum se_dual_state from, unsigned peer)
{
    struct rig *r = arg;
    size_t n = strlen(r->traced);

    (void)e;
    (void)from;
    (void)peer;
    snprintf(r->traced + n, sizeof(r->traced) - n, "%s%d", n > 0 ? " " : "", (int)event);
}

static int on_may_offer(void *arg, const struct se_dual_entry *e, unsigned iface)
{
    struct rig *r = arg;

    (void)e;
    (void)iface;
    return !r->may_offer_none;
}

static const struct se_dual_ops ops = {
    .send = on_send,
    .refuse = on_refuse,
    .route = on_route,
    .keep = on_keep,
    .drop = on_drop,
    .timer = on_timer,
    .note = on_note,
    .trace = on_trace,
    .may_offer = on_may_offer,
};

struct rig *rig_new(void (*conf)(struct se_dual_conf *conf))
{
    struct rig *r = calloc(1, sizeof(*r));
    unsigned i;

    assert_non_null(r);
    r->conf = (struct se_dual_conf){
        .k = SE_KVALUES_DEFAULT,
        .active_ms = 180000,
        .linger_ms = 360000,
        .router_id = RIG_OWN_ID,
        .entries_max = 8,
        .hops_max = 100,
    };
    if (conf != NULL)
        conf(&r->conf);
    r->now_ms = 1000;
    r->wall_ms = UINT64_C(1700000000000);
    r->sequence = 100;
    r->origin = RIG_ORIGIN;
    assert_int_equal(se_dual_new(&r->conf, &ops, r, &r->d), 0);
    for (i = 0; i < 4; i++) {
        rig_link(r, i, 1, SE_DUAL_SPLIT_IFACE);
        rig_up(r, i, i);
        se_dual_peer_complete(r->d, i, r->now_ms);
    }
    return r;
}

void rig_free(struct rig *r)
{
    se_dual_free(r->d);
    assert_int_equal(r->contents, 0);
    free(r);
}

void rig_clear(struct rig *r)
{
    r->sent[0] = r->traced[0] = r->routed[0] = r->noted[0] = '\0';
}

void rig_up(struct rig *r, unsigned peer, unsigned iface)
{
    assert_int_equal(se_dual_peer_up(r->d, peer, iface, 0, r->now_ms), 0);
}

void rig_link(struct rig *r, unsigned iface, unsigned cost_us, enum se_dual_split split)
{
    struct se_link link = {
        .delay_ps = (uint64_t)cost_us * 1000000,
        .bandwidth_kbps = 1000000,
        .mtu_bytes = 1500,
        .reliability = 255,
        .load = 1,
    };

    assert_int_equal(se_dual_iface_set(r->d, iface, &link, split, r->now_ms), 0);
}

static void fill(const struct rig *r, struct se_dual_advert *a, unsigned distance_us)
{
    memset(a, 0, sizeof(*a));
    a->id = rig_id;
    a->metric.delay_ps = (uint64_t)distance_us * 1000000;
    a->metric.bandwidth_kbps = 1000000;
    a->metric.mtu_bytes = 1500;
    a->metric.reliability = 255;
    a->metric.load = 1;
    a->metric.hop_count = r->is_of_originator ? 0 : 1;
    if (distance_us == RIG_LOST)
        se_metric_set_unreachable(&a->metric);
    a->origin = r->origin;
    a->sequence = r->sequence;
    a->is_complete = distance_us != RIG_LOST && !r->is_trimmed;
    a->is_withdrawn = (uint8_t)r->is_withdrawn;
    a->is_active = (uint8_t)r->is_active;
}

int rig_hear_of(struct rig *r, enum se_dual_message kind, unsigned peer, unsigned distance_us,
                const struct xmb_service_id *id)
{
    struct se_dual_advert a;

    fill(r, &a, distance_us);
    a.id = *id;
    return se_dual_input(r->d, kind, peer, &a, r->now_ms);
}

int rig_hear(struct rig *r, enum se_dual_message kind, unsigned peer, unsigned distance_us)
{
    return rig_hear_of(r, kind, peer, distance_us, &rig_id);
}

int rig_publish(struct rig *r, uint32_t version, int is_same)
{
    struct se_dual_advert a;

    fill(r, &a, 10);
    a.metric.hop_count = 0;
    return se_dual_publish(r->d, &a, version, is_same, r->wall_ms, r->now_ms);
}

void rig_at(struct rig *r, uint64_t now_ms)
{
    r->now_ms = now_ms;
    se_dual_tick(r->d, now_ms);
}

struct se_dual_entry *rig_entry(struct rig *r)
{
    struct se_dual_entry *e = se_dual_find(r->d, &rig_id);

    assert_non_null(e);
    return e;
}

void rig_offer(struct rig *r, unsigned peer, struct se_dual_offer *out)
{
    se_dual_offer(r->d, rig_entry(r), SE_DUAL_UPDATE, se_dual_peer(r->d, peer)->iface, peer, out);
}
