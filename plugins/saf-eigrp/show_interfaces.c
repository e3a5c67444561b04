/* SPDX-License-Identifier: MIT */
/*
 * show_interfaces.c - show eigrp service-family ... interfaces: what each carries, how fast, and
 * how it is set.
 *
 * Pacing is the time that a full packet of reliable data takes of the interface's share. What is
 * unreliable, hellos and acks, is neither paced nor queued: it goes at once, and both are 0.
 */
#include "show.h"

static const char *split_name(unsigned split)
{
    switch (split) {
    case SE_DUAL_SPLIT_OFF:
        return "off";
    case SE_DUAL_SPLIT_IFACE:
        return "interface";
    default:
        return "neighbor";
    }
}

static void show_authentication(const struct se_show *s, const struct se_iface_conf *conf)
{
    const char *chain = conf->chain != NULL && conf->chain->name[0] != '\0' ? conf->chain->name
                                                                            : NULL;

    se_say(s, "authentication", se_auth_mode_name(conf->auth.mode));
    se_say(s, "key_chain", chain);
}

static void show_settings(const struct se_show *s, const struct se_process *p,
                          const struct se_iface *iface, const struct se_nbr_iface_info *info)
{
    const struct se_dual_iface *dual = p->dual != NULL ? se_dual_iface(p->dual, iface->number)
                                                       : NULL;

    se_say_addr(s, "source", &iface->source);
    se_say_number(s, "hello_ms", info->conf.hello_ms);
    se_say_number(s, "hold", info->conf.hold_s);
    se_say(s, "topology_ids", "0"); /* the base topology: there is no other */
    se_say(s, "split_horizon", dual != NULL ? split_name(dual->split) : NULL);
    se_say_number(s, "bandwidth_kbps", iface->link.bandwidth_kbps);
    se_say_number(s, "delay_ps", iface->link.delay_ps);
    se_say_number(s, "bandwidth_percent", info->conf.bandwidth_percent);
    se_say_number(s, "mtu_bytes", iface->link.mtu_bytes);
    se_say_number(s, "packet_bytes", info->conf.packet_bytes);
    se_say_known(s, "ttl_minimum", info->conf.ttl_min, 0);
    se_say_number(s, "pending_max", info->conf.pending_max);
    se_say_number(s, "neighbors_max", info->conf.neighbours_max);
    se_say_number(s, "neighbors_new_per_second", info->conf.new_per_s);
    if (iface->conf != NULL)
        show_authentication(s, iface->conf);
}

static void show_counters(const struct se_show *s, const struct se_rtp_stats *stats)
{
    uint64_t unicast_hellos = stats->sent[SE_HELLO] - stats->hello_multicasts;

    se_say_number(s, "packetized_sent", stats->services_sent);
    se_say_number(s, "packetized_expedited", stats->packed);
    se_say_number(s, "bytes_sent", stats->bytes_sent);
    se_say_number(s, "multicasts_unreliable", stats->hello_multicasts);
    se_say_number(s, "multicasts_reliable", stats->multicasts);
    se_say_number(s, "unicasts_unreliable", unicast_hellos + stats->acks_sent);
    se_say_number(s, "unicasts_reliable", stats->unicasts);
    se_say_number(s, "multicast_exceptions", stats->exceptions);
    se_say_number(s, "cr_packets", stats->cr_packets);
    se_say_number(s, "acks_suppressed", stats->acks_suppressed);
    se_say_number(s, "retransmissions", stats->retransmissions);
    se_say_number(s, "out_of_sequence", stats->out_of_sequence);
    se_say_number(s, "duplicates", stats->duplicates);
    se_say_number(s, "messages", stats->messages);
    se_say_number(s, "messages_joined", stats->coalesced);
    se_say_number(s, "services_unwritable", stats->unwritable);
    se_say_number(s, "unsigned_drops", stats->unsigned_drops);
}

/* What waits, in messages of one service each, and what did not arrive yet. */
static void show_queues(const struct se_show *s, const struct se_nbr_iface_info *info)
{
    se_say_number(s, "queue_unreliable", 0);
    se_say_number(s, "queue_reliable", (uint64_t)info->flow_count + info->queue_count);
    se_say_number(s, "queue_multicast", info->flow_count);
    se_say_number(s, "queue_peers", info->queue_count);
    se_say_number(s, "pending_services", (uint64_t)info->flow_count + info->queue_count +
                                             info->unacknowledged_count);
}

/* Of the service that is next: where the interface is in the changes of the table. */
static void show_next(const struct se_show *s, const struct se_nbr_iface_info *info)
{
    const struct se_dual_entry *e = info->next_item != NULL ? se_process_entry_of(info->next_item)
                                                            : NULL;

    se_say_known(s, "next_transmit_serial", e != NULL ? e->serial : 0, 0);
}

static void show_iface(const struct se_show *s, const struct se_process *p,
                       const struct se_iface *iface)
{
    struct se_nbr_iface_info info;

    if (p->nbrs == NULL || se_nbr_iface_info(p->nbrs, iface->number, &info) < 0)
        return;
    se_row(s, p);
    se_say(s, "interface", iface->name);
    se_say(s, "mode", se_nbr_mode_name((enum se_nbr_mode)info.conf.mode));
    se_say_number(s, "peers", info.up_count);
    se_say_number(s, "pending_peers", info.pending_count);
    show_queues(s, &info);
    se_say_number(s, "srtt_mean_ms", info.srtt_mean_ms);
    se_say_number(s, "pacing_unreliable_us", 0);
    se_say_number(s, "pacing_reliable_us", info.pacing_us);
    se_say_number(s, "multicast_flow_ms", info.flow_ms);
    se_say_flag(s, "leaving", info.is_leaving);
    if (s->is_detail) {
        show_settings(s, p, iface, &info);
        show_next(s, &info);
        show_counters(s, &info.stats);
    }
    se_row_end(s);
}

void se_show_interfaces(struct se_show *s)
{
    const struct se_process *p;
    uint32_t i;

    se_list(s, "interfaces");
    for (p = se_show_next(s, NULL); p != NULL; p = se_show_next(s, p))
        for (i = 0; i < p->iface_end; i++)
            if (p->ifaces[i] != NULL && se_show_wants_iface(s, p->ifaces[i]))
                show_iface(s, p, p->ifaces[i]);
    se_list_end(s);
}
