/* SPDX-License-Identifier: MIT */
/*
 * nbr_announce.c - hellos that go out: the periodic ones, those for a new neighbour, goodbye, peer
 * termination, and the one before a conditional multicast.
 *
 * Parameters first, software version, stub when we are one, then what the hello is for. By
 * multicast where the interface's mode has it, else to each neighbour that is configured or there.
 * (RFC 7868, 5.3.2, 6.7; D17, D19.)
 */
#include "nbr_priv.h"

/* What a hello says beyond the usual. Zeroed: nothing. */
struct extra {
    const struct xmb_addr *addrs; /* Sequence TLV */
    size_t count;
    uint32_t next_sequence;
    const struct xmb_addr *terminated;
    int is_goodbye;
};

#define PARAMETER_BYTES 12u
#define SOFTWARE_BYTES 8u
#define STUB_BYTES 6u
#define NEXT_BYTES 8u

uint32_t se_nbr__list_max(const struct se_nbr_iface_conf *conf)
{
    uint32_t used = SE_HEADER_BYTES + SE_AUTH_SHA256_BYTES + PARAMETER_BYTES + SOFTWARE_BYTES +
                    STUB_BYTES + NEXT_BYTES + SE_TLV_HEAD_BYTES;
    uint32_t each = conf->source.family == 4 ? 5 : 17;

    return conf->packet_bytes > used ? (conf->packet_bytes - used) / each : 0;
}

static int write_extra(struct se_writer *w, const struct extra *x)
{
    int rc = 0;

    if (x->count > 0) {
        rc = se_write_sequence(w, x->addrs, x->count);
        if (rc == 0)
            rc = se_write_next_multicast(w, x->next_sequence);
    }
    if (rc == 0 && x->terminated != NULL)
        rc = se_write_termination(w, x->terminated, 1);
    return rc;
}

static int write_hello(const struct se_nbrs *n, const struct nbr_iface *iface,
                       const struct extra *x, struct se_writer *w)
{
    struct se_parameter parameter = {n->conf.k, iface->conf.hold_s};
    int rc;

    rc = x->is_goodbye ? se_write_goodbye(w, 0, iface->conf.hold_s)
                       : se_write_parameter(w, &parameter);
    if (rc == 0)
        rc = se_write_software(w, &n->conf.software);
    if (rc == 0 && n->conf.stub_flags != 0)
        rc = se_write_stub(w, n->conf.stub_flags);
    return rc == 0 ? write_extra(w, x) : rc;
}

/* 0 with `*bytes` of a finished hello in `octets`. */
static int make_hello(struct se_nbrs *n, struct nbr_iface *iface, const struct extra *x,
                      uint8_t *octets, size_t room, size_t *bytes)
{
    struct se_signer signer;
    struct se_header header;
    struct se_writer w;

    if (se_auth_signer(iface->conf.auth, n->now.wall_s, &signer) != 0) {
        iface->link.stats.unsigned_drops++;
        se_nbr__no_key(n, iface);
        return XMB_ENOENT;
    }
    se_header_init(&header, SE_HELLO, n->conf.as_number);
    if (se_write_begin(&w, octets, room, &header, &signer) != 0 ||
        write_hello(n, iface, x, &w) != 0)
        return XMB_ETOOBIG;
    return se_write_finish(&w, &iface->conf.source, bytes);
}

static void transmit(struct se_nbrs *n, struct nbr_iface *iface, const struct xmb_addr *to,
                     const uint8_t *octets, size_t bytes)
{
    iface->hellos_sent++;
    iface->link.stats.sent[SE_HELLO]++;
    iface->link.stats.hello_multicasts += to == NULL;
    n->ops->transmit(n->arg, iface->link.number, to, octets, bytes);
}

static int is_multicast(const struct nbr_iface *iface)
{
    return iface->conf.mode == SE_NBR_LAN || iface->conf.mode == SE_NBR_GROUP;
}

/* `to` NULL: to all. Signed once, whoever gets it. */
static void send_hello(struct se_nbrs *n, struct nbr_iface *iface, const struct xmb_addr *to,
                       const struct extra *x)
{
    uint8_t octets[2048];
    size_t room = iface->conf.packet_bytes;
    struct nbr *b;
    size_t bytes;
    uint32_t i;

    if (room > sizeof(octets))
        room = sizeof(octets);
    if (make_hello(n, iface, x, octets, room, &bytes) != 0)
        return;
    if (to != NULL || is_multicast(iface)) {
        transmit(n, iface, to, octets, bytes);
        return;
    }
    for (i = 0; i < iface->static_count; i++)
        transmit(n, iface, &iface->statics[i], octets, bytes);
    for (b = nbr_first(iface); b != NULL; b = nbr_after(b))
        if (!b->is_static)
            transmit(n, iface, &b->rtp.addr, octets, bytes);
}

void se_nbr__hello_all(struct se_nbrs *n, struct nbr_iface *iface)
{
    struct extra x = {0};

    iface->hello_ms = n->now.ms;
    send_hello(n, iface, NULL, &x);
}

void se_nbr__hello_soon(struct se_nbrs *n, struct nbr_iface *iface, const struct xmb_addr *to,
                        uint32_t gap_ms)
{
    struct extra x = {0};

    if (is_multicast(iface)) {
        if (iface->hello_ms != 0 && n->now.ms - iface->hello_ms < gap_ms)
            return;
        iface->hello_ms = n->now.ms;
        to = NULL;
    }
    send_hello(n, iface, to, &x);
}

void se_nbr__goodbye_all(struct se_nbrs *n, struct nbr_iface *iface)
{
    struct extra x = {.is_goodbye = 1};

    send_hello(n, iface, NULL, &x);
}

void se_nbr__terminate(struct se_nbrs *n, struct nbr *b)
{
    struct extra x = {.terminated = &b->rtp.addr};

    send_hello(n, b->iface, is_multicast(b->iface) ? NULL : &b->rtp.addr, &x);
}

void se_nbr__announce(struct se_nbrs *n, struct nbr_iface *iface, const struct xmb_addr *addrs,
                      size_t count, uint32_t next_sequence)
{
    struct extra x = {.addrs = addrs, .count = count, .next_sequence = next_sequence};

    send_hello(n, iface, NULL, &x);
}
