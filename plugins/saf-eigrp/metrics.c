/* SPDX-License-Identifier: MIT */
/*
 * metrics.c - the table of metrics in the order of enum se_cell, and how they are gathered.
 */
#include "metrics.h"

#include "show.h"

#define COUNTER(name, unit, help) {XMB_METRIC_INIT, XMB_COUNTER, name, unit, help}
#define GAUGE(name, unit, help) {XMB_METRIC_INIT, XMB_GAUGE, name, unit, help}
#define PACKETS(cell, name)                                                                        \
    [SE_M_##cell##_SENT] = COUNTER(name "_sent", "packets", "Packets of that kind sent first."),   \
    [SE_M_##cell##_RECEIVED] =                                                                     \
        COUNTER(name "_received", "packets", "Packets of that kind from known neighbours.")
#define REASON(reason, name, unit, help)                                                           \
    [SE_M_REASONS + (reason) - 1] = COUNTER(name, unit, help)
#define DROP(reason, name, help) REASON(SE_DROP_##reason, "dropped_" name, "packets", help)
#define SKIP(reason, name, help) REASON(SE_SKIP_##reason, "skipped_" name, "TLVs", help)

const struct xmb_metric se_metrics[SE_M_COUNT] = {
    [SE_M_PROCESSES] = GAUGE("processes", "processes", "Service families that run."),
    [SE_M_INTERFACES] = GAUGE("interfaces", "interfaces", "Interfaces in use."),
    [SE_M_NEIGHBOURS] = GAUGE("neighbors", "neighbors", "Neighbours that are up."),
    [SE_M_PENDING] = GAUGE("neighbors_pending", "neighbors", "Neighbours that are about to be."),
    [SE_M_SERVICES] = GAUGE("services", "services",
                            "Services in the topology tables, also those gone of late."),
    [SE_M_ACTIVE] = GAUGE("services_active", "services", "Services that are asked about."),
    [SE_M_QUEUED] = GAUGE("messages_queued", "messages", "Messages that wait to be sent."),
    [SE_M_KEPT_OUT] = GAUGE("limits_remembered", "neighbors",
                            "Addresses that brought too many services of late."),
    PACKETS(HELLOS, "hellos"),
    PACKETS(UPDATES, "updates"),
    PACKETS(QUERIES, "queries"),
    PACKETS(REPLIES, "replies"),
    PACKETS(REQUESTS, "requests"),
    PACKETS(SIA_QUERIES, "sia_queries"),
    PACKETS(SIA_REPLIES, "sia_replies"),
    [SE_M_RETRANSMISSIONS] = COUNTER("retransmissions", "packets", "Packets sent once more."),
    [SE_M_SERVICES_SENT] = COUNTER("services_sent", "services", "Services written into packets."),
    [SE_M_BYTES_SENT] = COUNTER("reliable_bytes_sent", "bytes",
                                "Octets of reliable packets, with retransmissions."),
    [SE_M_UNSENT] = COUNTER("packets_unsent", "packets", "Packets that the kernel did not take."),
    [SE_M_STRANGE] = COUNTER("packets_strange", "packets",
                             "Packets that came in by an interface that is not used."),
    [SE_M_OVERSIZE] = COUNTER("publications_too_large", "publications",
                              "Publications that were too large to announce."),
    [SE_M_REFUSED] = COUNTER("services_refused", "services",
                             "Services not taken: table full, or out of memory."),
    [SE_M_COMPUTATIONS] = COUNTER("diffusing_computations", "computations",
                                  "Times that neighbours were asked about a service."),
    [SE_M_STUCK] = COUNTER("stuck_in_active", "computations",
                           "Neighbours that never answered and were reset."),

    DROP(SHORT, "short_packet", "Packets too short or too long."),
    DROP(VERSION, "version", "Packets of another protocol version."),
    DROP(CHECKSUM, "bad_checksum", "Packets with a wrong checksum."),
    DROP(VRID, "other_vrid", "Packets of another virtual router, as those of EIGRP proper."),
    DROP(AS, "other_as", "Packets of another autonomous system."),
    DROP(OWN, "own_packet", "Own packets that came back."),
    DROP(OFF_LINK, "off_link", "Packets whose source is not on the link."),
    DROP(TTL, "ttl", "Packets that came from too far."),
    DROP(AUTH_MISSING, "auth_missing", "Packets without authentication."),
    DROP(AUTH_UNEXPECTED, "auth_unexpected", "Packets with authentication where none is set."),
    DROP(AUTH_TYPE, "auth_type", "Packets with another authentication than is set."),
    DROP(AUTH_LENGTH, "auth_length", "Packets whose authentication has a wrong length."),
    DROP(AUTH_PLACE, "auth_place", "Packets whose authentication does not stand first."),
    DROP(AUTH_KEY, "auth_key", "Packets with a key that is not valid now."),
    DROP(AUTH_DIGEST, "auth_digest", "Packets with a wrong digest."),
    DROP(AUTH_REPLAY, "auth_replay", "Packets whose key sequence went back."),
    DROP(TLV_LENGTH, "tlv_length", "Packets with a TLV shorter than its head."),
    DROP(TLV_TRUNCATED, "tlv_truncated", "Packets with a TLV that ends behind them."),
    DROP(TLV_BODY, "tlv_body", "Packets with a TLV whose length does not fit its type."),
    DROP(ADDRESS_LENGTH, "address_length", "Packets with an address of an odd length."),
    DROP(OPCODE, "opcode", "Packets with an opcode that is not used."),
    DROP(NO_PARAMETER, "no_parameter", "Hellos without parameters."),
    DROP(K_VALUES, "k_values", "Hellos with other K values."),
    DROP(HOLD, "hold_time", "Hellos with a hold time of 0."),
    DROP(DENIED, "denied", "Packets of neighbours that are not allowed."),
    DROP(LIMIT, "neighbor_limit", "Hellos that would have made too many neighbours."),
    DROP(UNKNOWN_NEIGHBOUR, "unknown_neighbor", "Packets of nobody we know."),
    DROP(STATE, "state", "Packets of neighbours that are not up."),
    DROP(OUT_OF_ORDER, "out_of_order", "Packets that were overtaken."),
    DROP(DUPLICATE, "duplicate", "Packets that came twice."),
    DROP(NOT_CR, "not_conditional", "Multicasts that were not for us."),
    SKIP(TYPE, "type_unknown", "TLVs of an unknown type."),
    SKIP(TYPE_05, "type_05", "TLVs of the types 0x05xx."),
    SKIP(DUPLICATE, "duplicate", "TLVs that came twice in a packet."),
    SKIP(AFI, "afi_unknown", "TLVs that are of no service family."),
    SKIP(SHORT, "short", "TLVs that end inside a section."),
    SKIP(ATTRIBUTES, "attributes", "TLVs whose attributes do not add up."),
    SKIP(DATA_OVERRUN, "data_overrun", "TLVs with data that ends behind them."),
    SKIP(PADDING, "padding", "TLVs with octets behind the last service."),
    SKIP(TOPOLOGY, "other_topology", "TLVs of another topology."),
    SKIP(FAMILY, "other_family", "TLVs of another service family."),
    REASON(SE_SKIP_FILTER, "skipped_filtered", "services", "Services that a filter kept out."),
    REASON(SE_TOLERATED_AFI_FIRST, "tolerated_afi_first", "TLVs",
           "TLVs read with the address family first."),
    REASON(SE_TOLERATED_NO_NEXT_HOP, "tolerated_no_next_hop", "TLVs",
           "TLVs read without a next hop."),
};

/* --- gathering -------------------------------------------------------------------------------- */

static void add_packets(const struct se_rtp_stats *stats, uint64_t *now)
{
    static const uint8_t opcodes[] = {SE_HELLO,   SE_UPDATE,    SE_QUERY,    SE_REPLY,
                                      SE_REQUEST, SE_SIA_QUERY, SE_SIA_REPLY};
    unsigned i;

    for (i = 0; i < sizeof(opcodes); i++) {
        now[SE_M_HELLOS_SENT + 2 * i] += stats->sent[opcodes[i]];
        now[SE_M_HELLOS_RECEIVED + 2 * i] += stats->received[opcodes[i]];
    }
    now[SE_M_RETRANSMISSIONS] += stats->retransmissions;
    now[SE_M_SERVICES_SENT] += stats->services_sent;
    now[SE_M_BYTES_SENT] += stats->bytes_sent;
}

static void add_neighbours(const struct se_process *p, uint64_t *now)
{
    struct se_nbr_iface_info info;
    uint32_t i;

    for (i = 0; i < p->iface_end; i++) {
        if (se_nbr_iface_info(p->nbrs, i, &info) < 0)
            continue;
        now[SE_M_INTERFACES]++;
        now[SE_M_NEIGHBOURS] += info.up_count;
        now[SE_M_PENDING] += info.pending_count;
        add_packets(&info.stats, now);
    }
    now[SE_M_QUEUED] += se_rtp_message_count(se_nbr_transport(p->nbrs));
}

static void add_process(const struct se_process *p, uint64_t *now)
{
    const struct se_dual_counts *counts;
    unsigned reason;

    now[SE_M_KEPT_OUT] += p->penalty_count;
    now[SE_M_UNSENT] += p->unsent_packets;
    now[SE_M_STRANGE] += p->strange_packets;
    now[SE_M_OVERSIZE] += p->oversize_count;
    for (reason = SE_REASON_NONE + 1; reason < SE_REASON_COUNT; reason++)
        now[SE_M_REASONS + reason - 1] += se_show_reason_count(p, reason);
    if (p->nbrs != NULL)
        add_neighbours(p, now);
    if (p->dual == NULL)
        return;
    counts = se_dual_counts(p->dual);
    now[SE_M_PROCESSES]++;
    now[SE_M_SERVICES] += counts->entries;
    now[SE_M_ACTIVE] += counts->active;
    now[SE_M_REFUSED] += counts->refused;
    now[SE_M_COMPUTATIONS] += counts->diffusing_computations;
    now[SE_M_STUCK] += counts->stuck;
}

void se_metrics_collect(struct se_metrics_seen *seen, const struct se_forwarder *f,
                        uint64_t *cells)
{
    uint64_t now[SE_M_COUNT] = {0};
    const struct se_process *p;
    unsigned i;

    for (p = f->processes; p != NULL; p = p->next)
        add_process(p, now);
    for (i = 0; i < SE_M_COUNT; i++) {
        if (i < SE_M_COUNTERS)
            cells[i] = now[i];
        else if (now[i] > seen->now[i])
            cells[i] += now[i] - seen->now[i];
        seen->now[i] = now[i];
    }
}
