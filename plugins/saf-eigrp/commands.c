/* SPDX-License-Identifier: MIT */
/*
 * commands.c - the table of commands, and those that are made of all the others.
 *
 * "show eigrp service-family" is one command and not one for each view, so that a word that is
 * short for two of them is refused instead of taken for the last.
 */
#include "show.h"

static const struct se_view views[] = {
    {"accounting", se_show_accounting, SE_TAKES_NEIGHBOURS},
    {"events", se_show_events, SE_TAKES_LIMIT},
    {"interfaces", se_show_interfaces, SE_TAKES_IFACE | SE_TAKES_DETAIL},
    {"neighbors", se_show_neighbors, SE_TAKES_NEIGHBOURS | SE_TAKES_DETAIL},
    {"sia-event", se_show_sia_events, SE_TAKES_LIMIT},
    {"sia-statistics", se_show_sia_statistics, 0},
    {"timers", se_show_timers, SE_TAKES_LIMIT},
    {"topology", se_show_topology, SE_TAKES_SERVICE | SE_TAKES_DETAIL | SE_TAKES_LIMIT},
    {"traffic", se_show_traffic, 0},
};

static int show_family(void *self, const struct xmb_call *call, struct xmb_out *out)
{
    struct se_show s;
    int rc = se_show_ask(&s, self, call, out, views, sizeof(views) / sizeof(views[0]));

    if (rc < 0)
        return rc;
    se_show_processes(&s);
    s.view->show(&s);
    return 0;
}

static int show_protocols(void *self, const struct xmb_call *call, struct xmb_out *out)
{
    struct se_show s;

    (void)call;
    se_show_everything(&s, self, out);
    se_show_protocols(&s);
    return 0;
}

/* --- show eigrp plugins ----------------------------------------------------------------------- */

static const struct {
    const char *feature, *words;
} features[] = {
    {"ipv4-sf", "service family over IPv4"},
    {"ipv6-sf", "service family over IPv6; no other implementation of it is known"},
    {"wide-metrics", "64-bit metrics, multiprotocol TLVs (version 2)"},
    {"multi-topology", "classic metrics, TLVs of version 3, for peers that speak nothing else"},
    {"authentication", "MD5 and HMAC-SHA-256, key chains with lifetimes"},
    {"stub", "connected and receive-only"},
    {"remote-neighbors", "static, and dynamic by unicast or by a multicast group"},
    {"graceful-restart", "helper for neighbours that restart"},
    {"maximum-services", "limits for each service family, with restart"},
    {"service-lists", "filters for each family and interface, inbound and outbound"},
    {"domains", "routes to XMPP domains that other sites announce"},
    {"external-client", "XMCP clients, by way of the service registry"},
};

void se_show_plugins(struct se_show *s)
{
    size_t i;

    se_list(s, "plugins");
    for (i = 0; i < sizeof(features) / sizeof(features[0]); i++) {
        s->api->row_begin(s->out);
        se_say(s, "feature", features[i].feature);
        se_say(s, "description", features[i].words);
        s->api->row_end(s->out);
    }
    se_list_end(s);
}

static int show_plugins(void *self, const struct xmb_call *call, struct xmb_out *out)
{
    struct se_show s;

    (void)call;
    se_show_everything(&s, self, out);
    se_show_plugins(&s);
    return 0;
}

/* --- show eigrp tech-support ------------------------------------------------------------------ */

#define TECH_ROWS 500 /* of each list that has no bound of its own */

/* Each says what was left out up to here; the last word of it is the sum. */
static void show_bounded(struct se_show *s, void (*show)(struct se_show *s))
{
    s->limit = TECH_ROWS;
    show(s);
}

static int show_tech_support(void *self, const struct xmb_call *call, struct xmb_out *out)
{
    struct se_show s;

    (void)call;
    se_show_everything(&s, self, out);
    se_say(&s, "build", s.forwarder->host->build);
    se_say_time(&s, "time", se_wall_ms());
    se_show_protocols(&s);
    se_show_interfaces(&s);
    se_show_neighbors(&s);
    se_show_accounting(&s);
    se_show_summary(&s);
    show_bounded(&s, se_show_topology);
    se_show_traffic(&s);
    se_show_sia_statistics(&s);
    show_bounded(&s, se_show_sia_events);
    show_bounded(&s, se_show_events);
    show_bounded(&s, se_show_timers);
    se_show_plugins(&s);
    return 0;
}

const struct xmb_command se_commands[SE_COMMANDS] = {
    {XMB_COMMAND_INIT, XMB_SCOPE_ROUTING, 0, 0, "show eigrp service-family",
     "ipv4|ipv6 [vrf NAME] [AS] "
     "accounting|events|interfaces|neighbors|sia-event|sia-statistics|timers|topology|traffic "
     "[active|all|pending|summary|zero-successors] [ADDRESS|INTERFACE|SERVICE] [detail] [limit N]",
     "Neighbors, services and counters of the SAF forwarder", show_family},
    {XMB_COMMAND_INIT, XMB_SCOPE_ROUTING, 0, 0, "show eigrp protocols", "",
     "How each service family is set", show_protocols},
    {XMB_COMMAND_INIT, XMB_SCOPE_ROUTING, 0, 0, "show eigrp plugins", "",
     "What this forwarder can do", show_plugins},
    {XMB_COMMAND_INIT, XMB_SCOPE_ROUTING, 0, 0, "show eigrp tech-support", "",
     "All of it together, for a report", show_tech_support},
    {XMB_COMMAND_INIT, XMB_SCOPE_ROUTING, XMB_COMMAND_CHANGES, 0, "clear eigrp service-family",
     "ipv4|ipv6 [vrf NAME] [AS] neighbors [ADDRESS|INTERFACE] [soft]",
     "Make adjacencies anew; soft: send the tables again", se_clear},
};
