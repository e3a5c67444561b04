/* SPDX-License-Identifier: MIT */
/*
 * eigrp_process_rig.c - see eigrp_process_rig.h.
 */
#include "eigrp_process_rig.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "show.h"

#define PEERS_MAX 8
#define STEP_MS 10
#define DATA_ROOM_BYTES 1400

struct xmb_module *rig_module;
struct se_forwarder *rig_forwarder;
uint32_t rig_multicasts[16], rig_packets;

static struct rig_peer *peers[PEERS_MAX];
static unsigned peer_count;
static struct xmb_owner *owner;
static const struct se_auth_policy no_auth = {SE_AUTH_NONE, NULL, 0};
static char data[DATA_ROOM_BYTES];

/* A packet of a peer on its way to the forwarder. */
struct packet {
    struct packet *next;
    struct rig_peer *from;
    struct xmb_addr to;
    size_t bytes;
    char octets[];
};
static struct packet *first, **end = &first;

static void need(int ok, const char *what)
{
    if (ok)
        return;
    fprintf(stderr, "rig: %s\nfaults: %s\nlog:\n%s", what, xmb_fakehost_faults(),
            xmb_fakehost_log());
    abort();
}

static struct se_now now(void)
{
    struct se_now t = {xmb_fakehost_now_ms() + 1, 1700000000};

    return t;
}

static struct xmb_addr group_of(unsigned family)
{
    static const struct xmb_addr ipv4 = {.family = 4, .ip = {224, 0, 0, 10}};
    static const struct xmb_addr ipv6 = {.family = 6, .ip = {0xff, 0x02, [15] = 0x0a}};

    return family == 4 ? ipv4 : ipv6;
}

static struct xmb_addr addr_of(uint32_t number, unsigned family, unsigned last)
{
    struct xmb_addr a = {.family = (uint8_t)family, .ip = {10, 0, (uint8_t)number, (uint8_t)last}};

    if (family == 6) {
        memset(a.ip, 0, sizeof(a.ip));
        a.ip[0] = 0xfe;
        a.ip[1] = 0x80;
        a.ip[14] = last == 1 ? 0 : (uint8_t)number;
        a.ip[15] = (uint8_t)last;
    }
    return a;
}

static int same_ip(const struct xmb_addr *a, const struct xmb_addr *b)
{
    return a->family == b->family && memcmp(a->ip, b->ip, sizeof(a->ip)) == 0;
}

/* --- what a peer hears ------------------------------------------------------------------------ */

static struct rig_heard *heard_of(struct rig_peer *peer, const struct xmb_service_id *id)
{
    unsigned i = 0;

    while (i < RIG_HEARD_MAX && peer->heard[i].opcode != 0 &&
           memcmp(&peer->heard[i].id, id, sizeof(*id)) != 0)
        i++;
    need(i < RIG_HEARD_MAX, "too many services");
    peer->heard[i].id = *id;
    return &peer->heard[i];
}

static void on_deliver(void *arg, unsigned nbr, const struct se_packet *packet)
{
    struct rig_said no = {.sequence = 0};
    struct rig_peer *peer = arg;
    struct se_services walk;
    struct se_service s;

    (void)nbr;
    se_services_begin(&walk, packet, 0, NULL);
    while (se_services_next(&walk, &s) == 1) {
        struct rig_heard *h = heard_of(peer, &s.id);

        h->opcode = packet->header.opcode;
        h->is_finite = !se_metric_is_unreachable(&walk.route.metric, 100);
        h->is_complete = s.data_type == SE_DATA_COMPLETE;
        h->is_withdrawn = (walk.route.opaque_flags & SE_OPAQUE_SOURCE_WITHDRAW) != 0;
        h->sequence = s.sequence;
        h->tag = walk.route.tag;
        h->data_bytes = s.data.n;
        h->count++;
        no.id = s.id;
        if (packet->header.opcode == SE_QUERY && !peer->is_mute)
            rig_say(peer, SE_REPLY, &no);
    }
}

static void on_up(void *arg, unsigned nbr, unsigned iface)
{
    struct rig_peer *peer = arg;

    (void)iface;
    peer->nbr = nbr;
    peer->is_up = 1;
    peer->ups++;
}

static void on_down(void *arg, unsigned nbr, enum se_nbr_reason reason)
{
    struct rig_peer *peer = arg;

    (void)nbr;
    peer->is_up = peer->is_complete = 0;
    peer->downs++;
    peer->down_reason = (uint8_t)reason;
}

static void on_resync(void *arg, unsigned nbr)
{
    (void)arg;
    (void)nbr;
}

static void on_complete(void *arg, unsigned nbr, enum se_nbr_complete why)
{
    struct rig_peer *peer = arg;

    (void)nbr;
    (void)why;
    peer->is_complete = 1;
}

/* --- what it says ----------------------------------------------------------------------------- */

static int on_write(void *arg, unsigned iface, unsigned nbr, const struct se_rtp_message *m,
                    struct se_route *route, struct se_service *service)
{
    const struct rig_peer *peer = arg;
    const struct rig_said *what = m->item;
    static char tag[16];
    size_t used = 0;

    (void)iface;
    (void)nbr;
    memset(route, 0, sizeof(*route));
    memset(service, 0, sizeof(*service));
    route->afi = peer->family == 4 ? SE_AFI_IPV4 : SE_AFI_IPV6;
    route->form = SE_FORM_MULTIPROTOCOL;
    route->kind = SE_ROUTE_INTERNAL;
    route->router_id = what->origin;
    route->metric = (struct se_metric){.delay_ps = what->delay_ps, .bandwidth_kbps = 1000000,
                                       .mtu_bytes = 1500, .reliability = 255, .load = 1};
    if (what->delay_ps == 0)
        se_metric_set_unreachable(&route->metric);
    if (what->tag != 0) {
        se_attribute_put_tag(tag, sizeof(tag), &used, what->tag);
        se_attribute_align(tag, sizeof(tag), &used);
        route->attributes = xmb_str_n(tag, used);
    }
    service->id = what->id;
    service->sequence = what->sequence;
    if (what->is_withdrawn)
        route->opaque_flags = SE_OPAQUE_SOURCE_WITHDRAW;
    service->data_type = what->is_complete ? SE_DATA_COMPLETE : SE_DATA_TRIMMED;
    service->data = xmb_str_n(data, what->is_complete ? what->data_bytes : 0);
    service->protocol = 6;
    return 1;
}

static void on_hold(void *arg, void *item)
{
    (void)arg;
    (void)item;
}

static void *on_table_next(void *arg, unsigned nbr)
{
    (void)arg;
    (void)nbr;
    return NULL;
}

static void on_timer(void *arg, uint64_t at_ms)
{
    struct rig_peer *peer = arg;

    peer->timer_ms = at_ms;
}

static void on_transmit(void *arg, unsigned iface, const struct xmb_addr *to, const void *octets,
                        size_t bytes)
{
    struct rig_peer *peer = arg;
    struct packet *p = malloc(sizeof(*p) + bytes);

    (void)iface;
    need(p != NULL, "no memory");
    p->next = NULL;
    p->from = peer;
    p->to = to != NULL ? *to : group_of(peer->family);
    p->bytes = bytes;
    memcpy(p->octets, octets, bytes);
    *end = p;
    end = &p->next;
}

static const struct se_nbr_ops peer_ops = {
    .transmit = on_transmit,
    .up = on_up,
    .down = on_down,
    .resync = on_resync,
    .complete = on_complete,
    .deliver = on_deliver,
    .write = on_write,
    .hold = on_hold,
    .release = on_hold,
    .table_next = on_table_next,
    .timer = on_timer,
};

void rig_say(struct rig_peer *peer, unsigned opcode, const struct rig_said *what)
{
    struct rig_said *said = &peer->said[peer->said_count % RIG_SAID_MAX];
    struct se_rtp_message m = {.item = said, .opcode = (uint8_t)opcode};

    peer->said_count++;
    *said = *what;
    se_nbr_post(peer->nbrs, 0, peer->nbr, &m);
}

struct rig_said rig_service(unsigned subservice, uint32_t origin, uint32_t sequence)
{
    struct rig_said said = {
        .id = rig_id(subservice), .origin = origin, .sequence = sequence, .data_bytes = 100,
        .delay_ps = RIG_FAST_PS, .is_complete = 1};

    return said;
}

void rig_update(struct rig_peer *peer, const struct rig_said *what)
{
    rig_say(peer, SE_UPDATE, what);
    rig_run(200);
}

struct rig_peer *rig_peer(uint32_t number, unsigned family)
{
    struct rig_peer *peer = calloc(1, sizeof(*peer));
    struct se_nbr_conf conf = {
        .k = SE_KVALUES_DEFAULT, .software = {1, 0, 2, 0}, .seed = number, .purge_ms = 240000,
        .first_sequence = 100 * number, .neighbours_max = 64, .messages_max = 1000,
        .hold_max_s = 3600, .warn_ms = 10000, .as_number = RIG_AS, .family = (uint8_t)family};
    struct se_nbr_iface_conf iface = {
        .source = addr_of(number, family, 2), .prefix_count = 1, .mode = SE_NBR_LAN,
        .hello_ms = 1000, .hold_s = 15, .packet_bytes = 1460, .bandwidth_kbps = 1000000,
        .bandwidth_percent = 50, .pending_max = 64, .neighbours_max = 64, .new_per_s = 20,
        .auth = &no_auth};

    need(peer != NULL && peer_count < PEERS_MAX, "too many peers");
    peer->iface = number;
    peer->family = (uint8_t)family;
    peer->addr = iface.source;
    peer->ours = addr_of(number, family, 1);
    iface.prefixes[0].addr = iface.source;
    iface.prefixes[0].bits = family == 4 ? 24 : 64;
    need(se_nbr_new(&conf, &peer_ops, peer, &peer->nbrs) == 0 &&
         se_nbr_iface_set(peer->nbrs, 0, &iface, now()) == 0, "no peer");
    peers[peer_count++] = peer;
    return peer;
}

void rig_hello(uint32_t number, unsigned last)
{
    static const struct se_parameter parameter = {SE_KVALUES_DEFAULT, 15};
    char octets[128];
    struct xmb_rawip_in in = {.iface = number, .remote = addr_of(number, 4, last),
                              .local = group_of(4), .hops = 1};
    struct se_header header;
    struct se_writer w;
    size_t bytes = 0;

    se_header_init(&header, SE_HELLO, RIG_AS);
    need(se_write_begin(&w, octets, sizeof(octets), &header, NULL) == 0 &&
         se_write_parameter(&w, &parameter) == 0 && se_write_finish(&w, NULL, &bytes) == 0,
         "no hello");
    in.bytes = xmb_str_n(octets, bytes);
    xmb_fakehost_rawip(rig_module, SE_IP_PROTOCOL, &in);
}

/* --- the wire --------------------------------------------------------------------------------- */

static int is_for(const struct rig_peer *peer, const struct xmb_rawip_out *out)
{
    struct xmb_addr group = group_of(peer->family);

    return out->remote.family == peer->family &&
           (out->iface == 0 || out->iface == peer->iface) &&
           (same_ip(&out->remote, &peer->addr) || same_ip(&out->remote, &group));
}

static void to_peers(const struct xmb_rawip_out *out)
{
    struct se_nbr_rx rx = {.octets = out->bytes.p, .bytes = out->bytes.n, .source = out->local,
                           .ttl = (uint8_t)out->hops};
    struct xmb_addr group = group_of(out->remote.family);
    unsigned i;

    rig_packets++;
    rx.source.scope = 0;
    rx.is_multicast = (uint8_t)same_ip(&out->remote, &group);
    if (rx.is_multicast && out->iface < 16)
        rig_multicasts[out->iface]++;
    for (i = 0; i < peer_count; i++)
        if (is_for(peers[i], out))
            se_nbr_input(peers[i]->nbrs, &rx, now());
}

static void to_forwarder(const struct packet *p)
{
    struct xmb_rawip_in in = {.iface = p->from->iface, .remote = p->from->addr, .local = p->to,
                              .hops = p->from->family == 4 ? 64 : 255,
                              .bytes = {p->octets, p->bytes}};

    if (p->from->family == 6)
        in.remote.scope = p->from->iface;
    xmb_fakehost_rawip(rig_module, SE_IP_PROTOCOL, &in);
}

/* All packets that are on their way, until there are none. */
static void carry(void)
{
    struct xmb_fakehost_raw sent;
    struct packet *p;
    int any;

    do {
        any = 0;
        while (xmb_fakehost_rawip_sent(rig_module, &sent)) {
            to_peers(&sent.out);
            any = 1;
        }
        while ((p = first) != NULL) {
            first = p->next;
            if (first == NULL)
                end = &first;
            to_forwarder(p);
            free(p);
            any = 1;
        }
    } while (any);
}

void rig_run(uint64_t ms)
{
    uint64_t until_ms = xmb_fakehost_now_ms() + ms;
    unsigned i;

    xmb_fakehost_run();
    while (xmb_fakehost_now_ms() < until_ms) {
        for (i = 0; i < peer_count; i++) {
            se_nbr_run(peers[i]->nbrs, now());
            if (peers[i]->timer_ms != 0 && peers[i]->timer_ms <= now().ms)
                se_nbr_tick(peers[i]->nbrs, now());
        }
        carry();
        xmb_fakehost_advance(STEP_MS);
    }
    carry();
}

void rig_converge(void)
{
    unsigned turns = 0, up, i;

    do {
        rig_run(100);
        for (up = i = 0; i < peer_count; i++)
            up += peers[i]->is_up && peers[i]->is_complete;
        need(turns++ < 600, "the peers do not come up");
    } while (up < peer_count);
    rig_run(500);
}

/* --- the host --------------------------------------------------------------------------------- */

static void on_done(void *arg, uint64_t tag, const struct xmb_publish_result *result)
{
    (void)arg;
    (void)tag;
    need(result->status == 0, "the registry refused a publication");
}

static const struct xmb_owner_ops owner_ops = {.size = sizeof(owner_ops), .done = on_done};

static int init(const struct xmb_host *host, struct xmb_module *module, void **self)
{
    int rc = saf_eigrp_LTX_xmb_plugin.ops->init(host, module, self);

    if (rc == 0)
        rig_forwarder = se_forwarder_of(*self);
    return rc;
}

void rig_open(void)
{
    static struct xmb_module_ops ops;
    static struct xmb_plugin plugin; /* as it is, but we see what its init makes */

    plugin = saf_eigrp_LTX_xmb_plugin;
    ops = *plugin.ops;
    ops.init = init;
    plugin.ops = &ops;
    memset(rig_multicasts, 0, sizeof(rig_multicasts));
    rig_packets = 0;
    memset(data, 'x', sizeof(data));
    xmb_fakehost_open();
    rig_module = xmb_fakehost_load(&plugin);
    need(rig_module != NULL, "the plugin cannot be loaded");
    need(xmb_fakehost_host()->service->owner_open(xmb_fakehost_worker(), rig_module,
                                                  XMB_STR("client"), 0, &owner_ops, NULL,
                                                  &owner) == 0, "no owner");
}

void rig_close(void)
{
    struct packet *p;

    xmb_fakehost_host()->service->owner_close(owner, XMB_GONE_SOURCE);
    xmb_fakehost_run();
    xmb_fakehost_close();
    while (peer_count > 0) {
        se_nbr_free(peers[--peer_count]->nbrs);
        free(peers[peer_count]);
    }
    while ((p = first) != NULL) {
        first = p->next;
        free(p);
    }
    end = &first;
}

void rig_configure(const char *inner)
{
    need(xmb_fakehost_configure(rig_module, inner) == 0, "the configuration is refused");
    xmb_fakehost_run();
}

void rig_iface(uint32_t number, uint32_t mtu_bytes, int is_up)
{
    struct xmb_netif_addr addrs[2] = {
        {.addr = addr_of(number, 4, 1), .prefix_bits = 24},
        {.addr = addr_of(number, 6, 1), .prefix_bits = 64},
    };
    struct xmb_netif n = {
        .size = sizeof(n), .index = number, .mtu_bytes = mtu_bytes, .speed_kbps = 1000000,
        .flags = XMB_NETIF_MULTICAST | (is_up ? XMB_NETIF_UP : 0), .addrs = addrs,
        .addr_count = 2, .addr_bytes = sizeof(addrs[0])};

    addrs[1].addr.scope = number;
    snprintf(n.name, sizeof(n.name), "eth%u", number - 2);
    xmb_fakehost_netif(&n);
}

void rig_iface_gone(uint32_t number)
{
    char name[XMB_NETIF_NAME_MAX];

    snprintf(name, sizeof(name), "eth%u", number - 2);
    xmb_fakehost_netif_gone(name);
}

/* --- services --------------------------------------------------------------------------------- */

struct xmb_service_id rig_id(unsigned subservice)
{
    struct xmb_service_id id = {101, (uint16_t)subservice, {1, 2, 3, 4}};

    return id;
}

const struct rig_heard *rig_heard(const struct rig_peer *peer, unsigned subservice)
{
    struct xmb_service_id id = rig_id(subservice);

    return rig_heard_id(peer, &id);
}

const struct rig_heard *rig_heard_id(const struct rig_peer *peer, const struct xmb_service_id *id)
{
    return heard_of((struct rig_peer *)(uintptr_t)peer, id);
}

void rig_publish(unsigned subservice, uint32_t version, size_t data_bytes)
{
    struct xmb_publish p = {
        .size = sizeof(p), .domain = RIG_AS, .id = rig_id(subservice), .sequence = version,
        .ip_protocol = 6, .addr = {.family = 4, .port = 5060, .ip = {192, 0, 2, 10}},
        .data = {data, data_bytes}};

    need(xmb_fakehost_host()->service->publish(owner, &p, 0) == 0, "publish");
    xmb_fakehost_run();
}

void rig_unpublish(unsigned subservice)
{
    struct xmb_service_id id = rig_id(subservice);

    need(xmb_fakehost_host()->service->unpublish(owner, RIG_AS, &id, 0) == 0, "unpublish");
    xmb_fakehost_run();
}

const struct xmb_service *rig_registry(unsigned subservice)
{
    struct xmb_service_id id = rig_id(subservice);

    return xmb_fakehost_service(RIG_AS, &id);
}

const char *rig_show(const char *args)
{
    int is_protocols = strcmp(args, "protocols") == 0;
    const char *list[8], *text = NULL;
    char copy[80], *word, *save = NULL;
    uint32_t count = 0;

    snprintf(copy, sizeof(copy), "%s", is_protocols ? "" : args);
    for (word = strtok_r(copy, " ", &save); word != NULL && count < 8;
         word = strtok_r(NULL, " ", &save))
        list[count++] = word;
    need(xmb_fakehost_command(rig_module, is_protocols ? "show eigrp protocols"
                                                       : "show eigrp service-family",
                              list, count, &text) == 0, "show");
    return text;
}

unsigned rig_logged(const char *text)
{
    const char *at = xmb_fakehost_log();
    unsigned n = 0;

    while ((at = strstr(at, text)) != NULL) {
        at++;
        n++;
    }
    return n;
}
