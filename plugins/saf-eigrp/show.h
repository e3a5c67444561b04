/* SPDX-License-Identifier: MIT */
/*
 * show.h - the operator's commands about the SAF forwarder: what was asked, and who answers.
 *
 *     words --commands.c--> handler --show_ask.c--> struct se_show --show_*.c--> rows
 *
 * Rows of several processes stand in one flat list, and each says which process it is of:
 * `autonomous_system` and `vrf`, and `family` where both were asked for. Lists without a bound of
 * their own end after `limit` rows, and `left_out` says how many more there are: a row costs some
 * microseconds of the routing loop, which has hellos to send meanwhile.
 *
 * Services are written as everywhere in answers: "101:2:00000001.00000002.00000003.00000004". No
 * key, and nothing of a service's data, is ever shown.
 *
 * Thread: routing. Nothing here changes anything, but clear.c.
 */
#ifndef SE_SHOW_H
#define SE_SHOW_H

#include <xmb/control.h>

#include "process.h"

#define SE_COMMANDS 5
extern const struct xmb_command se_commands[SE_COMMANDS]; /* commands.c */

/* The forwarder of a module, whose `self` is given. Defined where the module is. */
struct se_forwarder *se_forwarder_of(void *self);

#define SE_SHOW_ROWS 10000 /* of a list, unless `limit` says otherwise */

/* Which services of the topology table. */
enum se_show_filter {
    SE_SHOW_REACHABLE, /* and those that are active */
    SE_SHOW_ALL,       /* also what is gone and remembered, and paths that are not feasible */
    SE_SHOW_ACTIVE,
    SE_SHOW_PENDING,   /* something about it waits to be sent */
    SE_SHOW_SUMMARY,   /* counts alone */
    SE_SHOW_ZERO       /* no successor */
};

struct se_show_pattern {
    uint16_t service, subservice;
    uint32_t instance[4];
    uint8_t any; /* bits of what matches everything, SE_SHOW_ANY_* */
};
#define SE_SHOW_ANY_SERVICE 1u
#define SE_SHOW_ANY_SUBSERVICE 2u
#define SE_SHOW_ANY_INSTANCE 4u

/* What was asked. Borrows the call. */
struct se_show {
    const struct xmb_control_api *api;
    struct xmb_out *out;
    const struct se_forwarder *forwarder;
    const struct se_view *view;
    struct xmb_str vrf;           /* none: all */
    const char *which;            /* ADDRESS|IFACE of neighbours, or NULL */
    struct se_show_pattern pattern; /* of services; matches all unless said otherwise */
    struct xmb_addr addr;         /* `which`, if it is one; else family 0 */
    uint32_t limit, left_out;     /* rows that may still come, rows that did not */
    uint16_t as_number;           /* 0: all */
    uint8_t family;               /* 0: both */
    uint8_t filter;               /* enum se_show_filter */
    uint8_t is_detail, is_soft;
};

/* One thing to look at: the word behind the service family. */
struct se_view {
    const char *word;
    void (*show)(struct se_show *s);
    unsigned takes; /* SE_TAKES_* */
};
#define SE_TAKES_DETAIL 0x1u
#define SE_TAKES_NEIGHBOURS 0x2u /* ADDRESS|IFACE */
#define SE_TAKES_IFACE 0x4u      /* an interface alone */
#define SE_TAKES_SERVICE 0x8u    /* a service, and a filter */
#define SE_TAKES_WHICH (SE_TAKES_NEIGHBOURS | SE_TAKES_IFACE | SE_TAKES_SERVICE)
#define SE_TAKES_LIMIT 0x10u
#define SE_TAKES_SOFT 0x20u

/* --- show_id.c: services as operators write them ---------------------------------------------- */

/* "101:2:00000001.00000002.00000003.00000004", of at most SE_SERVICE_TEXT_MAX octets. */
char *se_show_id_text(const struct xmb_service_id *id, char *out, size_t out_bytes);
/*
 * "101", "101:2", "101:2:1.2.3.4": parts left out, and "*", match everything; the instance is four
 * hexadecimal numbers. 0; XMB_EINVAL: it is no service.
 */
int se_show_pattern_read(const char *text, struct se_show_pattern *out);
int se_show_pattern_fits(const struct se_show_pattern *pattern, const struct xmb_service_id *id);

/* --- show_ask.c ------------------------------------------------------------------------------- */

/*
 * Reads "ipv4|ipv6 [vrf NAME] [AS] VIEW ..." of `call`, VIEW being one of `views`. 0; XMB_EINVAL,
 * and the operator was told.
 */
int se_show_ask(struct se_show *s, void *self, const struct xmb_call *call, struct xmb_out *out,
                const struct se_view *views, size_t count);
/* Everything of everybody. */
void se_show_everything(struct se_show *s, void *self, struct xmb_out *out);
/* The next process that was asked for; NULL begins, and ends. */
struct se_process *se_show_next(const struct se_show *s, const struct se_process *p);
/* 1 when the interface, or the neighbour at `addr` on it, was asked for. */
int se_show_wants_iface(const struct se_show *s, const struct se_iface *iface);
int se_show_wants_nbr(const struct se_show *s, const struct se_iface *iface,
                      const struct xmb_addr *addr);
/* The same of one that maximum-services remembers, whether its interface is there or not. */
int se_show_wants_penalty(const struct se_show *s, const struct se_penalty *penalty);
/* 1 when one more row may come; else it is counted. */
int se_show_may_row(struct se_show *s);

/* --- show_say.c ------------------------------------------------------------------------------- */

void se_say(const struct se_show *s, const char *key, const char *text); /* NULL: null */
void se_say_number(const struct se_show *s, const char *key, uint64_t value); /* saturates */
/* `unknown` becomes null. */
void se_say_known(const struct se_show *s, const char *key, uint64_t value, uint64_t unknown);
void se_say_flag(const struct se_show *s, const char *key, int value);
void se_say_addr(const struct se_show *s, const char *key, const struct xmb_addr *addr);
void se_say_router(const struct se_show *s, const char *key, uint32_t router_id); /* 0: null */
void se_say_service(const struct se_show *s, const char *key, const struct xmb_service_id *id);
/* A wide distance under `key`, and as `key_rib` divided by the rib scale; infinity: null. */
void se_say_distance(const struct se_show *s, const struct se_process *p, const char *key,
                     const char *key_rib, uint64_t composite);
/* "2026-11-26T08:15:00.123Z" */
void se_say_time(const struct se_show *s, const char *key, uint64_t wall_ms);
/* Whole seconds since `ms` of the process's clock. */
void se_say_since(const struct se_show *s, const struct se_process *p, const char *key,
                  uint64_t ms);
void se_list(const struct se_show *s, const char *key);
void se_list_end(const struct se_show *s);
/* A row that says which process it is of. */
void se_row(const struct se_show *s, const struct se_process *p);
void se_row_end(const struct se_show *s);

/* --- the process: show_process.c -------------------------------------------------------------- */

void se_show_processes(struct se_show *s); /* processes[]: the head of every answer */
void se_show_protocols(struct se_show *s); /* the same with all that is set */
const char *se_show_iface_name(const struct se_process *p, unsigned iface); /* "-": it went */

/* --- views; each opens and closes lists of its own -------------------------------------------- */

void se_show_neighbors(struct se_show *s);      /* neighbors[], pending[] */
void se_show_accounting(struct se_show *s);     /* accounting[] */
void se_show_interfaces(struct se_show *s);     /* interfaces[] */
void se_show_topology(struct se_show *s);       /* topology[], left_out; or summary[] */
void se_show_summary(struct se_show *s);        /* summary[] */
void se_show_traffic(struct se_show *s);        /* traffic[] */
void se_show_events(struct se_show *s);         /* events[], left_out */
void se_show_sia_events(struct se_show *s);     /* the same of what was stuck */
void se_show_sia_statistics(struct se_show *s); /* sia_statistics[] */
void se_show_timers(struct se_show *s);         /* timers[], left_out */
void se_show_plugins(struct se_show *s);        /* plugins[]; commands.c */

/* What all interfaces of a process counted together. */
void se_show_sum_stats(const struct se_process *p, struct se_rtp_stats *sum);
/* How often something was not used for `reason`, by the engine or inside of a packet. */
uint64_t se_show_reason_count(const struct se_process *p, unsigned reason);

/* One path of a service; show_path.c. */
int se_show_path_is_feasible(const struct se_dual_entry *e, const struct se_path *path);
void se_show_path(const struct se_show *s, const struct se_process *p,
                  const struct se_dual_entry *e, const struct se_path *path);
void se_show_metric(const struct se_show *s, const struct se_metric *m);

/* --- clear.c ---------------------------------------------------------------------------------- */

/* "clear eigrp service-family": a handler. */
int se_clear(void *self, const struct xmb_call *call, struct xmb_out *out);

#endif
