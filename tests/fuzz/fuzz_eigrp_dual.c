/* SPDX-License-Identifier: MIT */
/*
 * fuzz_eigrp_dual.c - neighbours that say anything about services, in any order: octets become a
 * sequence of events for one decision engine.
 *
 * Each command is an octet and what it needs: adverts of all kinds from six neighbours on three
 * interfaces, with metrics, hop counts, originators (also ourselves) and sequences that fit or
 * nearly fit; publications and withdrawals; neighbours that come, restart, finish and go; links,
 * filters and settings that change; queues that move, and time. The table has less room than there
 * are services.
 *
 * Whatever comes, after each command the laws of eigrp_dual_laws.h hold, and after a tick the timer
 * is the earliest of what is due.
 * At the end all neighbours go, and nothing is left in time.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "eigrp_dual_laws.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define COMMANDS_MAX 400u
#define QUEUE_MAX 256u
#define WALL_MS UINT64_C(1700000000000)

const unsigned laws_numbers[LAWS_PEERS] = {0, 1, 5, 62, 63, 64};

struct message {
    struct se_dual_entry *e;
    enum se_dual_message kind;
    struct se_dual_to to;
};

struct fuzz {
    struct laws laws;
    const uint8_t *p;
    size_t left;
    struct se_dual_conf conf;
    struct message queue[QUEUE_MAX];
    unsigned queue_count;
    unsigned denied;              /* bits of interfaces that a filter closes */
    uint8_t is_stuck[LAWS_PEERS]; /* to be reset after the call */
    uint32_t version;
};

static unsigned take(struct fuzz *f)
{
    if (f->left == 0)
        return 0;
    f->left--;
    return *f->p++;
}

static int is_up(const struct fuzz *f, unsigned number)
{
    return laws_is_up(&f->laws, number);
}

static unsigned place_of(unsigned number)
{
    unsigned i = 0;

    while (i < LAWS_PEERS && laws_numbers[i] != number)
        i++;
    law(i < LAWS_PEERS, "a neighbour that there is not");
    return i;
}

/* --- what the engine wants -------------------------------------------------------------------- */

static void answered(struct fuzz *f, const struct xmb_service_id *id, unsigned number,
                     enum se_dual_message kind)
{
    if (kind == SE_DUAL_REPLY)
        f->laws.is_asked[id->subservice][place_of(number)] = 0;
}

/* The same message waits once; when the queue is full its neighbour is reset, as it would be. */
static void on_send(void *arg, struct se_dual_entry *e, enum se_dual_message kind,
                    const struct se_dual_to *to)
{
    struct message m = {e, kind, *to};
    struct fuzz *f = arg;
    unsigned i;

    law(to->iface < LAWS_IFACES, "a message on an interface that there is not");
    law(to->peer == SE_DUAL_ALL || is_up(f, to->peer), "a message to who is not up");
    if (to->peer != SE_DUAL_ALL)
        answered(f, &e->id, to->peer, kind);
    for (i = 0; i < f->queue_count; i++)
        if (f->queue[i].e == e && f->queue[i].kind == kind && f->queue[i].to.peer == to->peer &&
            f->queue[i].to.iface == to->iface && f->queue[i].to.is_active == to->is_active)
            return;
    law(f->queue_count < QUEUE_MAX, "more messages than there are kinds of them");
    se_dual_hold(e);
    f->queue[f->queue_count++] = m;
}

static void on_refuse(void *arg, unsigned number, enum se_dual_message kind,
                      const struct se_dual_advert *a)
{
    law(is_up(arg, number), "a refusal to who is not up");
    answered(arg, &a->id, number, kind);
}

static void on_route(void *arg, struct se_dual_entry *e, enum se_dual_route what)
{
    struct fuzz *f = arg;
    uint8_t *is_shown = &f->laws.is_shown[e->id.subservice];
    int is_there = what == SE_DUAL_ROUTE_INSTALLED || what == SE_DUAL_ROUTE_CHANGED;

    law(*is_shown == (what != SE_DUAL_ROUTE_INSTALLED), "two installed, or one gone twice");
    law(!is_there || (e->origin != NULL && e->origin->content != NULL), "shown without data");
    *is_shown = (uint8_t)is_there;
}

static void *on_keep(void *arg, const struct se_dual_advert *a)
{
    struct fuzz *f = arg;
    void *content = a->sequence % 16 != 15 ? malloc(1) : NULL; /* or memory is short */

    f->laws.contents += content != NULL;
    return content;
}

static void on_drop(void *arg, void *content)
{
    ((struct fuzz *)arg)->laws.contents--;
    free(content);
}

static void on_timer(void *arg, uint64_t at_ms)
{
    ((struct fuzz *)arg)->laws.timer_ms = at_ms;
}

static void on_note(void *arg, enum se_dual_note note, const struct se_dual_entry *e,
                    unsigned number)
{
    (void)e;
    if (note == SE_DUAL_NOTE_STUCK)
        ((struct fuzz *)arg)->is_stuck[place_of(number)] = 1;
}

static int on_may_offer(void *arg, const struct se_dual_entry *e, unsigned iface)
{
    (void)e;
    return (((struct fuzz *)arg)->denied >> iface & 1) == 0;
}

static const struct se_dual_ops ops = {
    .send = on_send, .refuse = on_refuse, .route = on_route, .keep = on_keep, .drop = on_drop,
    .timer = on_timer, .note = on_note, .may_offer = on_may_offer,
};

/* --- commands --------------------------------------------------------------------------------- */

/* The front of the queue is written: what is offered has to make sense. */
static void deliver(struct fuzz *f, unsigned count)
{
    struct se_dual_offer offer;
    struct message m;

    for (; count > 0 && f->queue_count > 0; count--) {
        m = f->queue[0];
        memmove(f->queue, f->queue + 1, --f->queue_count * sizeof(m));
        se_dual_offer(f->laws.d, m.e, m.kind, m.to.iface, m.to.peer, &offer);
        law(offer.content == NULL || offer.metric.delay_ps != SE_DELAY_UNREACHABLE,
            "data of what is unreachable");
        law(!offer.is_withdrawn || offer.content == NULL, "data of what was withdrawn");
        se_dual_release(m.e);
    }
}

static void go(struct fuzz *f, unsigned i)
{
    unsigned k, kept = 0;

    se_dual_peer_down(f->laws.d, laws_numbers[i], f->laws.now_ms);
    for (k = 0; k < f->queue_count; k++) {
        if (f->queue[k].to.peer == laws_numbers[i])
            se_dual_release(f->queue[k].e);
        else
            f->queue[kept++] = f->queue[k];
    }
    f->queue_count = kept;
    for (k = 0; k < LAWS_SERVICES; k++)
        f->laws.is_asked[k][i] = 0;
    f->is_stuck[i] = 0;
}

static void metric_of(struct fuzz *f, struct se_metric *m, struct se_external *x)
{
    unsigned what = take(f), hops = take(f);

    *m = (struct se_metric){
        .delay_ps = (uint64_t)(what & 31) * 1000000 + 1, .mtu_bytes = 1500, .reliability = 255,
        .bandwidth_kbps = what & 32 ? 1000000 : 100000, .load = 1, .hop_count = (uint8_t)hops,
    };
    if (what & 64)
        m->external = x;
    if (what >= 192)
        se_metric_set_unreachable(m);
}

static struct xmb_service_id id_of(unsigned service)
{
    struct xmb_service_id id = {.service = 101, .subservice = (uint16_t)service};

    return id;
}

/* 0 to 31 near the others, or near our own, or half the numbers away. */
static uint32_t sequence_of(unsigned octet)
{
    uint32_t base = 100;

    if (octet & 32)
        base = se_seq_clock(WALL_MS, WALL_MS) - 8;
    if (octet & 64)
        base += UINT32_C(0x80000000) - 8;
    return octet & 128 ? 0 : base + (octet & 31);
}

static void advert(struct fuzz *f, enum se_dual_message kind, unsigned i)
{
    unsigned what = take(f), service = take(f) % LAWS_SERVICES;
    struct se_external x = {.origin_router_id = what};
    struct se_dual_advert a = {
        .id = id_of(service),
        .origin = what & 8 ? LAWS_OWN_ID : 20 + (what >> 4),
        .is_complete = what & 1, .is_withdrawn = (what >> 1) & 1, .is_active = (what >> 2) & 1,
    };
    int rc;

    metric_of(f, &a.metric, &x);
    a.sequence = sequence_of(take(f));
    if (!is_up(f, laws_numbers[i])) {
        rc = se_dual_input(f->laws.d, kind, laws_numbers[i], &a, f->laws.now_ms);
        law(rc == XMB_EINVAL, "not up, and taken");
        return;
    }
    if (kind == SE_DUAL_QUERY)
        f->laws.is_asked[service][i] = 1;
    se_dual_input(f->laws.d, kind, laws_numbers[i], &a, f->laws.now_ms);
}

static void publish(struct fuzz *f, unsigned what)
{
    struct se_dual_advert a = {.id = id_of(what % LAWS_SERVICES)};
    struct se_external x = {.origin_router_id = 1};
    uint64_t wall_ms = WALL_MS + f->laws.now_ms - (what & 128 ? 2000 : 0);

    if (what & 64) {
        se_dual_withdraw(f->laws.d, &a.id, wall_ms, f->laws.now_ms);
        return;
    }
    metric_of(f, &a.metric, &x);
    a.metric.hop_count = 0;
    if (a.metric.delay_ps != SE_DELAY_UNREACHABLE)
        se_dual_publish(f->laws.d, &a, ++f->version, (what >> 5) & 1, wall_ms, f->laws.now_ms);
}

static void link_set(struct fuzz *f, unsigned iface, unsigned what)
{
    struct se_link link = {(uint64_t)(1 + what % 8) * 1000000, 1000000, 1500, 255, 1};

    law(se_dual_iface_set(f->laws.d, iface, &link, (enum se_dual_split)(what / 8 % 3),
                          f->laws.now_ms) == 0, "no interface");
}

static void configure(struct fuzz *f, unsigned what)
{
    f->conf.is_stub = what & 1;
    f->conf.is_receive_only = (what >> 1) & (what >> 2) & 1;
    f->conf.hops_max = what & 8 ? 3 : 100;
    f->conf.active_ms = what & 16 ? 0 : LAWS_ACTIVE_MS;
    f->laws.is_never_stuck = f->conf.active_ms == 0;
    f->conf.is_startup_poison = (what >> 5) & 1;
    se_dual_configure(f->laws.d, &f->conf, f->laws.now_ms);
    f->denied = what >> 6 ? what >> 5 & 7 : 0;
    se_dual_reoffer(f->laws.d, f->laws.now_ms);
}

static void pass(struct fuzz *f, uint64_t ms)
{
    unsigned i;

    f->laws.now_ms += ms;
    se_dual_tick(f->laws.d, f->laws.now_ms);
    law(f->laws.timer_ms == 0 || f->laws.timer_ms > f->laws.now_ms, "still due after a tick");
    law(f->laws.timer_ms == laws_check_clocks(&f->laws), "the timer is not what is due first");
    for (i = 0; i < LAWS_PEERS; i++)
        if (f->is_stuck[i])
            go(f, i);
}

static void peer(struct fuzz *f, unsigned i, unsigned what)
{
    unsigned flags = what & 64 ? SE_DUAL_PEER_STUB : 0;

    switch (what % 4) {
    case 0:
        if (is_up(f, laws_numbers[i]))
            go(f, i);
        else
            law(se_dual_peer_up(f->laws.d, laws_numbers[i], i / 2, flags, f->laws.now_ms) == 0,
                "a neighbour cannot come");
        break;
    case 1:
        se_dual_peer_complete(f->laws.d, laws_numbers[i], f->laws.now_ms);
        break;
    case 2:
        se_dual_peer_restart(f->laws.d, laws_numbers[i]);
        break;
    default:
        se_dual_table_next(f->laws.d, laws_numbers[i]);
    }
}

static void command(struct fuzz *f)
{
    static const enum se_dual_message kinds[8] = {
        SE_DUAL_UPDATE, SE_DUAL_UPDATE, SE_DUAL_QUERY,     SE_DUAL_REPLY,
        SE_DUAL_REPLY,  SE_DUAL_REQUEST, SE_DUAL_SIA_QUERY, SE_DUAL_SIA_REPLY,
    };
    unsigned op = take(f), which = (op >> 4) % LAWS_PEERS;

    switch (op & 15) {
    case 8:
    case 9:
        publish(f, take(f));
        break;
    case 10:
        peer(f, which, take(f));
        break;
    case 11:
        link_set(f, which % LAWS_IFACES, take(f));
        break;
    case 12:
        configure(f, take(f));
        break;
    case 13:
        deliver(f, 1 + (op >> 4));
        break;
    case 14:
        pass(f, op >> 4);
        break;
    case 15:
        pass(f, take(f) * UINT64_C(1500));
        break;
    default:
        advert(f, kinds[op & 7], which);
    }
}

/* --- from the first to the last --------------------------------------------------------------- */

static void begin(struct fuzz *f)
{
    unsigned i;

    f->conf = (struct se_dual_conf){
        .k = SE_KVALUES_DEFAULT, .active_ms = LAWS_ACTIVE_MS, .linger_ms = 2 * LAWS_ACTIVE_MS,
        .start_wall_ms = WALL_MS, .router_id = LAWS_OWN_ID,
        .entries_max = LAWS_ENTRIES_MAX, .hops_max = 100,
    };
    f->laws.now_ms = 1000;
    law(se_dual_new(&f->conf, &ops, f, &f->laws.d) == 0, "no engine");
    for (i = 0; i < LAWS_IFACES; i++)
        link_set(f, i, 8 * SE_DUAL_SPLIT_IFACE);
    for (i = 0; i + 1 < LAWS_PEERS; i++)
        peer(f, i, 0);
}

static void end(struct fuzz *f)
{
    struct xmb_service_id id;
    unsigned i;

    for (i = 0; i < LAWS_PEERS; i++)
        if (is_up(f, laws_numbers[i]))
            go(f, i);
    for (i = 0; i < LAWS_SERVICES; i++) {
        id = id_of(i);
        se_dual_withdraw(f->laws.d, &id, WALL_MS + f->laws.now_ms, f->laws.now_ms);
    }
    deliver(f, QUEUE_MAX);
    laws_check(&f->laws);
    pass(f, 4 * LAWS_ACTIVE_MS);
    law(se_dual_counts(f->laws.d)->entries == 0 && f->laws.contents == 0, "something is left");
    law(f->laws.timer_ms == 0, "the timer waits for nothing");
    se_dual_free(f->laws.d);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz *f = calloc(1, sizeof(*f));
    unsigned commands = 0;

    law(f != NULL, "no memory");
    f->p = data;
    f->left = size;
    begin(f);
    laws_check(&f->laws);
    while (f->left > 0 && commands++ < COMMANDS_MAX) {
        command(f);
        laws_check(&f->laws);
    }
    end(f);
    free(f);
    return 0;
}
