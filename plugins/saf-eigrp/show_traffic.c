/* SPDX-License-Identifier: MIT */
/*
 * show_traffic.c - show eigrp service-family ... traffic: what went, what came, and what of that
 * was not used, by reason.
 *
 * The counters of packets are those of the interfaces in use: one that goes takes its own along.
 */
#include "show.h"

void se_show_sum_stats(const struct se_process *p, struct se_rtp_stats *sum)
{
    struct se_nbr_iface_info info;
    uint32_t i;
    unsigned op;

    memset(sum, 0, sizeof(*sum));
    for (i = 0; i < p->iface_end; i++) {
        if (p->nbrs == NULL || se_nbr_iface_info(p->nbrs, i, &info) < 0)
            continue;
        for (op = 0; op <= SE_SIA_REPLY; op++) {
            sum->sent[op] += info.stats.sent[op];
            sum->received[op] += info.stats.received[op];
        }
        sum->acks_sent += info.stats.acks_sent;
        sum->acks_received += info.stats.acks_received;
        sum->retransmissions += info.stats.retransmissions;
        sum->duplicates += info.stats.duplicates;
        sum->out_of_sequence += info.stats.out_of_sequence;
        sum->services_sent += info.stats.services_sent;
        sum->bytes_sent += info.stats.bytes_sent;
        sum->unwritable += info.stats.unwritable;
        sum->unsigned_drops += info.stats.unsigned_drops;
    }
}

static void show_opcodes(const struct se_show *s, const struct se_rtp_stats *sum)
{
    static const struct {
        uint8_t opcode;
        const char *sent, *received;
    } rows[] = {
        {SE_HELLO, "hellos_sent", "hellos_received"},
        {SE_UPDATE, "updates_sent", "updates_received"},
        {SE_QUERY, "queries_sent", "queries_received"},
        {SE_REPLY, "replies_sent", "replies_received"},
        {SE_REQUEST, "requests_sent", "requests_received"},
        {SE_SIA_QUERY, "sia_queries_sent", "sia_queries_received"},
        {SE_SIA_REPLY, "sia_replies_sent", "sia_replies_received"},
    };
    size_t i;

    for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        se_say_number(s, rows[i].sent, sum->sent[rows[i].opcode]);
        se_say_number(s, rows[i].received, sum->received[rows[i].opcode]);
    }
    se_say_number(s, "acks_sent", sum->acks_sent);
    se_say_number(s, "acks_received", sum->acks_received);
    se_say_number(s, "retransmissions", sum->retransmissions);
    se_say_number(s, "duplicates", sum->duplicates);
    se_say_number(s, "out_of_sequence", sum->out_of_sequence);
    se_say_number(s, "services_sent", sum->services_sent);
    se_say_number(s, "bytes_sent", sum->bytes_sent);
    se_say_number(s, "services_unwritable", sum->unwritable);
    se_say_number(s, "unsigned_drops", sum->unsigned_drops);
}

static void show_socket(const struct se_show *s, const struct se_process *p)
{
    struct xmb_rawip_stats stats = {.size = sizeof(stats)};

    if (p->socket != NULL)
        s->forwarder->host->rawip->stats(p->socket->raw, &stats);
    se_say_number(s, "socket_received", stats.received);
    se_say_number(s, "socket_sent", stats.sent);
    se_say_number(s, "socket_receive_drops", stats.receive_drops);
    se_say_number(s, "socket_send_fails", stats.send_fails);
    se_say_number(s, "strange_packets", p->strange_packets);
    se_say_number(s, "unsent_packets", p->unsent_packets);
}

uint64_t se_show_reason_count(const struct se_process *p, unsigned reason)
{
    uint64_t count = p->counters.count[reason];

    return p->nbrs != NULL ? count + se_nbr_counters(p->nbrs)->count[reason] : count;
}

static void show_reasons(const struct se_show *s, const struct se_process *p)
{
    unsigned reason;

    se_list(s, "reasons");
    for (reason = SE_REASON_NONE + 1; reason < SE_REASON_COUNT; reason++) {
        s->api->row_begin(s->out);
        se_say(s, "reason", se_reason_name((enum se_reason)reason));
        se_say_number(s, "count", se_show_reason_count(p, reason));
        s->api->row_end(s->out);
    }
    se_list_end(s);
}

void se_show_traffic(struct se_show *s)
{
    const struct se_process *p;
    struct se_rtp_stats sum;

    se_list(s, "traffic");
    for (p = se_show_next(s, NULL); p != NULL; p = se_show_next(s, p)) {
        se_show_sum_stats(p, &sum);
        se_row(s, p);
        show_opcodes(s, &sum);
        show_socket(s, p);
        show_reasons(s, p);
        se_row_end(s);
    }
    se_list_end(s);
}
