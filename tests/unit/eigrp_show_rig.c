/* SPDX-License-Identifier: MIT */
/*
 * eigrp_show_rig.c - see eigrp_show_rig.h.
 */
#include "eigrp_show_rig.h"

#include <stdlib.h>
#include <string.h>

struct rig *rig;

/* --- in the place of process.c, limit.c, content.c -------------------------------------------- */

struct se_forwarder *se_forwarder_of(void *self)
{
    return self;
}

uint64_t se_wall_ms(void)
{
    return UINT64_C(1700000000123);
}

struct se_now se_process_now(const struct se_process *p)
{
    struct se_now now = {rig->now_ms, 1700000000};

    (void)p;
    return now;
}

void se_process_settle(struct se_process *p)
{
    rig->settled++;
    se_nbr_run(p->nbrs, se_process_now(p));
}

void se_limit_clear(struct se_process *p, const struct xmb_addr *addr)
{
    struct se_penalty **at = &p->penalties, *x;

    rig->limits_cleared++;
    while ((x = *at) != NULL) {
        if (addr != NULL && memcmp(addr->ip, x->addr.ip, sizeof(addr->ip)) != 0) {
            at = &x->next;
            continue;
        }
        *at = x->next;
        p->penalty_count--;
        free(x);
    }
}

const struct se_dual_entry *se_process_entry_of(const void *item)
{
    return item;
}

void se_content_reach(const struct se_content *c, struct xmb_addr *out)
{
    se_service_reach(&c->service, out);
}

static void socket_stats(const struct xmb_rawip *s, struct xmb_rawip_stats *out)
{
    (void)s;
    out->received = 11;
    out->sent = 12;
    out->receive_drops = 13;
    out->send_fails = 14;
}

static const struct xmb_rawip_api rawip = {.size = sizeof(rawip), .rev = 1, .stats = socket_stats};

/* --- the plugin ------------------------------------------------------------------------------- */

static int init(const struct xmb_host *host, struct xmb_module *module, void **self)
{
    (void)module;
    rig->host = *host;
    rig->host.size = sizeof(rig->host);
    rig->host.rawip = &rawip;
    rig->forwarder.host = &rig->host;
    *self = &rig->forwarder;
    return 0;
}

static const struct xmb_module_ops ops = {.size = sizeof(ops), .init = init};

XMB_PLUGIN_NAMED(eigrp_show, "eigrp-show", .version = "1", .summary = "", .license = "MIT",
                 .origin = "", .XMB_LIST(metrics, se_metrics), .XMB_LIST(commands, se_commands),
                 .ops = &ops);

/* --- making it -------------------------------------------------------------------------------- */

void rig_penalty(unsigned last, uint64_t until_ms, uint32_t restarts)
{
    struct se_penalty *x = calloc(1, sizeof(*x));

    assert_non_null(x);
    *x = (struct se_penalty){
        .next = rig->v4.penalties, .addr = rig_addr(last), .iface = "eth0", .until_ms = until_ms,
        .forget_ms = rig->now_ms + 9000, .restart_count = restarts,
    };
    rig->v4.penalties = x;
    rig->v4.penalty_count++;
}

static void make_family(struct se_process *p, struct se_family_conf *conf, uint8_t family,
                        uint16_t as_number)
{
    *conf = (struct se_family_conf){
        .as_number = as_number, .family = family, .hops_max = 100, .rib_scale = 128,
        .k = SE_KVALUES_DEFAULT, .active_ms = 180000, .purge_s = 240, .data_max_bytes = 1300,
        .entries_max = 200000, .event_log_size = 500,
        .limit = {.threshold_percent = 75, .restart_s = 300, .reset_s = 900},
    };
    p->forwarder = &rig->forwarder;
    p->family = conf;
}

static void make_ifaces(void)
{
    const struct se_link link = {10000000, 1000000, 1500, 255, 1};

    rig->key.password = XMB_STR("not-to-be-shown");
    rig->chain = (struct se_chain){.name = "keys", .keys = &rig->key, .count = 1};
    rig->iface_conf.auth.mode = SE_AUTH_SHA256;
    rig->iface_conf.auth.keys = &rig->key;
    rig->iface_conf.chain = &rig->chain;
    rig->eth0 = (struct se_iface){.name = "eth0", .source = rig_addr(1), .link = link,
                                  .conf = &rig->iface_conf};
    rig->tap0 = rig->eth0;
    strcpy(rig->tap0.name, "tap0");
    rig->tap0.number = 2;
    rig->ifaces[0] = &rig->eth0; /* 1 is free */
    rig->ifaces[2] = &rig->tap0;
    rig->v4.ifaces = rig->ifaces;
    rig->v4.iface_end = 3;
}

static void make_processes(void)
{
    make_family(&rig->v4, &rig->conf_v4, 4, 4453);
    make_family(&rig->red, &rig->conf_red, 4, 4454);
    make_family(&rig->v6, &rig->conf_v6, 6, 4453);
    rig->conf_red.vrf = XMB_STR("red");
    rig->conf_v6.is_shutdown = 1;
    rig->forwarder.processes = &rig->v4;
    rig->v4.next = &rig->red;
    rig->red.next = &rig->v6;
    rig->v4.state = SE_RUNNING;
    rig->v4.router_id = 0x0a000001;
    rig->v4.socket = &rig->socket;
    assert_int_equal(se_events_resize(&rig->v4.events, 100), 0);
    make_ifaces();
}

int rig_begin(void **state)
{
    (void)state;
    rig = calloc(1, sizeof(*rig));
    assert_non_null(rig);
    rig->now_ms = RIG_NOW_MS;
    xmb_fakehost_open();
    rig->module = xmb_fakehost_load(&eigrp_show_LTX_xmb_plugin);
    assert_non_null(rig->module);
    make_processes();
    rig_make_engines();
    return 0;
}

int rig_end(void **state)
{
    (void)state;
    rig_free_engines();
    se_events_free(&rig->v4.events);
    se_limit_clear(&rig->v4, NULL);
    xmb_fakehost_close();
    free(rig);
    return 0;
}

/* --- asking ----------------------------------------------------------------------------------- */

const char *rig_run(const char *words, const char *args, int expected)
{
    const char *list[XMB_COMMAND_ARGS_MAX], *text = NULL;
    char copy[256];
    uint32_t count = 0;
    char *save = NULL, *word;

    assert_true(strlen(args) < sizeof(copy));
    strcpy(copy, args);
    for (word = strtok_r(copy, " ", &save); word != NULL; word = strtok_r(NULL, " ", &save)) {
        assert_true(count < XMB_COMMAND_ARGS_MAX);
        list[count++] = word;
    }
    assert_int_equal(xmb_fakehost_command(rig->module, words, list, count, &text), expected);
    return text;
}

void has(const char *text, const char *part)
{
    if (strstr(text, part) == NULL)
        fail_msg("no \"%s\" in:\n%.4000s", part, text);
}

void has_not(const char *text, const char *part)
{
    if (strstr(text, part) != NULL)
        fail_msg("\"%s\" in:\n%.4000s", part, text);
}
