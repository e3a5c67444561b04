/* SPDX-License-Identifier: MIT */
/*
 * process.h - the forwarder at work: one process for each service family, made of the two engines,
 * a raw socket, the interfaces and the registry.
 *
 *      configuration --forwarder.c--> processes        (which there are; live changes)
 *      interfaces of the host --ifaces.c--> engines    (which interfaces a process uses, and how)
 *      packets --process_nbr.c--> neighbours, transport (neighbour.h)
 *                    ^  |                |
 *                    |  v                v
 *                  socket         process_dual.c <--> decisions (dual.h)
 *                                        ^
 *      registry <------bridge.c----------+              (local services out, learned ones in)
 *                  `---domains.c                        (routes to XMPP domains)
 *
 * All of it lives on the routing loop. From the outside an engine is only entered by the functions
 * here, so that each entry ends with se_process_settle: what was posted goes out, neighbours that
 * were given up go.
 */
#ifndef SE_PROCESS_H
#define SE_PROCESS_H

#include <xmb/host.h>

#include "conf.h"
#include "content.h"
#include "dual.h"
#include "events.h"
#include "neighbour.h"

struct se_forwarder;
struct se_process;
struct se_wanted;

/* An interface as a process uses it. Its number in both engines is its place in process->ifaces. */
struct se_iface {
    char name[XMB_NETIF_NAME_MAX];
    uint32_t index;       /* the kernel's number */
    uint16_t number;      /* of the engines */
    uint8_t mode;         /* enum se_nbr_mode */
    uint8_t hops;         /* of packets that are not for the link */
    uint8_t is_leaving;   /* goodbyes are going out; then it is freed */
    uint8_t is_wanted;    /* while configuration and host are compared with what there is */
    uint8_t is_joined;    /* to `group` */
    struct xmb_addr source, group;
    const struct se_iface_conf *conf;    /* of process->conf */
    const struct se_remote_conf *remote; /* LISTEN, GROUP; else NULL */
    struct se_link link;                 /* as DUAL has it */
    uint32_t packet_bytes;
    uint64_t link_changed_ms; /* dampening */
};

/* What maximum-services remembers of a neighbour, by interface and address (D13). */
struct se_penalty {
    struct se_penalty *next;
    struct xmb_addr addr;
    char iface[XMB_NETIF_NAME_MAX]; /* its number may be another one's meanwhile */
    uint64_t until_ms;  /* it is kept out so long; UINT64_MAX: until cleared */
    uint64_t forget_ms; /* when its restarts are forgotten */
    uint32_t restart_count;
};
#define SE_PENALTIES_MAX 1024

/*
 * The life of a process.
 *
 *     idle ---wanted, and a router id is there---> running
 *      ^                                             | shut down, no longer configured,
 *      |                                             v another router id, the broker stops
 *      +--all goodbyes are out-- leaving <--told-- withdrawing
 */
enum se_process_state { SE_IDLE, SE_RUNNING, SE_WITHDRAWING, SE_LEAVING };

struct se_process {
    struct se_process *next;
    struct se_forwarder *forwarder;
    struct se_conf *conf; /* held */
    const struct se_family_conf *family; /* of it */
    struct se_conf *leaving_conf; /* held as long as an interface that leaves borrows from it */
    char object[32];      /* for log lines: "ipv4 1228" or "ipv4 1228 vrf red" */
    uint8_t state;        /* enum se_process_state */
    uint8_t is_going;     /* no longer configured: freed when it is idle */
    uint8_t is_restarting; /* goes down to come up again */
    uint8_t is_waiting_told; /* the log says that it waits for a router id */
    uint8_t is_reoffer_due; /* a packet of some interface holds more, or less, than before */
    uint32_t router_id;   /* 0: not known yet, the process waits for an address */
    struct se_dual *dual; /* NULL while idle */
    struct se_nbrs *nbrs; /* likewise */
    struct se_socket *socket;
    struct xmb_timer *dual_timer, *nbr_timer;
    struct xmb_timer *life_timer; /* while withdrawing and leaving; and dampening */
    uint64_t drive_at_ms;         /* it is due then; 0: it does not run */
    uint64_t leave_by_ms;         /* withdrawals have time until then */
    struct se_iface **ifaces; /* NULL where a number is free */
    uint32_t iface_end;
    size_t data_max_bytes; /* that a local service may have, when it was looked at last */
    struct se_events events;
    struct se_missing *missing; /* sources of interfaces that were missed in the log */
    struct se_penalty *penalties;
    uint32_t penalty_count;
    uint64_t start_wall_ms;
    struct se_counters counters; /* what was skipped inside of packets; the engine has the others */
    uint64_t strange_packets; /* came in by an interface that is not used */
    uint64_t unsent_packets;  /* the kernel did not take them */
    uint64_t oversize_count;  /* publications that were too large to announce */
};

/* A network interface of the host, as it was told last. */
struct se_host_iface {
    struct se_host_iface *next;
    struct xmb_netif now; /* addrs is ours */
};

struct se_domains; /* domains.c */

struct se_forwarder {
    const struct xmb_host *host;
    struct xmb_module *module;
    struct se_conf *conf; /* held; what is in force */
    struct se_process *processes;
    struct se_host_iface *host_ifaces;
    struct xmb_netif_watch *watch;
    struct se_domains *domains; /* what was learned about XMPP domains */
    uint64_t start_wall_ms; /* when the broker began: later processes begin later */
    uint8_t is_draining;
};

/* --- socket.c ---------------------------------------------------------------------------------- */

/* A raw socket, opened when it is not known yet which process will have it. */
struct se_socket {
    struct xmb_rawip *raw;
    struct se_process *process; /* NULL: none yet */
    uint32_t vrf_index;         /* the kernel's number of its VRF device; 0: in none */
};
/* Errors and thread as rawip->open. */
int se_socket_open(const struct xmb_host *host, struct xmb_module *module,
                   const struct se_family_conf *family, struct se_socket **out);
void se_socket_close(const struct xmb_host *host, struct se_socket *s); /* NULL is fine */
/* Among `hosts` is its process's VRF, and it is another device than the one it was opened in. */
int se_socket_is_stale(const struct se_socket *s, const struct se_host_iface *hosts);

/* --- forwarder.c: which processes there are --------------------------------------------------- */

/* What `prepare` made: a configuration, and a socket for each of its families that is not shut. */
struct se_next {
    struct se_conf *conf;
    struct se_socket **sockets; /* conf->family_count of them; NULL: none */
};

/* Begins to watch interfaces. Errors as netif->watch. */
int se_forwarder_begin(struct se_forwarder *f);
/* Takes `next` over, and frees it: keeps, makes, changes and ends processes. */
void se_forwarder_apply(struct se_forwarder *f, struct se_next *next);
/* Of something that was not applied; NULL is fine. Thread: as rawip->close. */
void se_next_free(const struct xmb_host *host, struct se_next *next);
void se_forwarder_drain(struct se_forwarder *f); /* withdraws and says goodbye everywhere */
int se_forwarder_is_drained(const struct se_forwarder *f);
void se_forwarder_end(struct se_forwarder *f);
/* `p` rests and is no longer configured: frees it. */
void se_forwarder_reap(struct se_forwarder *f, struct se_process *p);
/* The process of a family and autonomous system (and VRF, none when empty), or NULL. */
struct se_process *se_forwarder_find(const struct se_forwarder *f, unsigned family,
                                     unsigned as_number, struct xmb_str vrf);

/* --- process.c: one of them ------------------------------------------------------------------- */

/* Holds `conf`. NULL: out of memory. */
struct se_process *se_process_new(struct se_forwarder *f, struct se_conf *conf,
                                  const struct se_family_conf *family);
/* Takes `socket` (may be NULL), of which a process needs one to run. */
void se_process_give_socket(struct se_process *p, struct se_socket *socket);
/* Live: another configuration of the same process. */
void se_process_configure(struct se_process *p, struct se_conf *conf,
                          const struct se_family_conf *family);
/* Something changed: goes on to where the process should be. May free `p` when that is going. */
void se_process_drive(struct se_process *p);
void se_process_free(struct se_process *p); /* at once, and takes back what the registry learned */
/* Sends what is due. At the end of every entry into the engines from outside. */
void se_process_settle(struct se_process *p);
/* Calls se_process_drive in `delay_ms` at the latest. */
void se_process_drive_later(struct se_process *p, uint64_t delay_ms);
struct se_now se_process_now(const struct se_process *p);
uint64_t se_wall_ms(void);
/* A line for the operator about this process. */
void se_process_log(const struct se_process *p, uint32_t level, const char *format, ...)
    XMB_PRINTF(3, 4);

/* --- ifaces.c: which interfaces it uses ------------------------------------------------------- */

/* Everything anew from configuration and host: what did not change is not touched. */
void se_ifaces_apply(struct se_process *p);
/* Static neighbours that `was` had and p->family has not are neighbours no longer. */
void se_ifaces_drop_statics(struct se_process *p, const struct se_family_conf *was);
/* Frees what has left, or with `at_once` whatever is about to. */
void se_ifaces_sweep(struct se_process *p, int at_once);
/* Takes every interface away, without a word; the engines end, or have ended. */
void se_ifaces_clear(struct se_process *p);
/* For a packet: the interface it belongs to, or NULL. */
struct se_iface *se_ifaces_of_packet(const struct se_process *p, const struct xmb_rawip_in *in);
/* An interface that is in use, by its name, the one on the link first; NULL: none. */
struct se_iface *se_ifaces_by_name(const struct se_process *p, const char *name);
/* Octets of data that a service of ours may have on every interface that is in use. */
size_t se_ifaces_data_max(const struct se_process *p);

/* --- ifaces_set.c ------------------------------------------------------------------------------ */

/* Tells the engines that `i` is as `w` has it. Negative: it cannot be used. */
int se_iface_set(struct se_process *p, struct se_iface *i, const struct se_wanted *w);

/* --- ifaces_source.c -------------------------------------------------------------------------- */

/* An interface that lacks the `source` of its configuration, and the log says so. */
struct se_missing {
    struct se_missing *next;
    struct xmb_addr source;
    char iface[XMB_NETIF_NAME_MAX];
};

/* Says in the log which sources are missing that were not when it was looked last. */
void se_sources_check(struct se_process *p);
/* Forgets what was said. */
void se_sources_clear(struct se_process *p);

/* --- wanted.c: what configuration and host together ask for; pure ----------------------------- */

/* An interface that should be used. Borrows from the host's interface and the configuration. */
struct se_wanted {
    const struct xmb_netif *host;
    const struct se_iface_conf *conf;
    const struct se_remote_conf *remote;
    struct xmb_addr source;
    uint8_t mode; /* enum se_nbr_mode */
};

/* What is wanted on `host`: at most `max`, returns how many. */
size_t se_wanted(const struct se_family_conf *family, const struct xmb_netif *host,
                 struct se_wanted *out, size_t max);
/*
 * The `source` that `host`, which is up, should have for remote neighbours and has not: these are
 * not spoken to. NULL: none is missing. Borrowed from the configuration.
 */
const struct xmb_addr *se_wanted_missing(const struct se_family_conf *family,
                                         const struct xmb_netif *host);
/* The router id that the host's addresses give: the highest, loopback first. 0: none. */
uint32_t se_wanted_router_id(const struct se_family_conf *family,
                             const struct se_host_iface *hosts);
/* For both engines. */
void se_wanted_link(const struct se_wanted *w, struct se_link *out);
void se_wanted_neighbours(const struct se_wanted *w, struct se_nbr_iface_conf *out);

/* --- process_nbr.c, process_dual.c: the engines' operations ----------------------------------- */

extern const struct se_nbr_ops se_process_nbr_ops;
extern const struct se_dual_ops se_process_dual_ops;
/* Of se_nbr_ops: items are entries of DUAL, or refusals about none. */
int se_process_write(void *arg, unsigned iface, unsigned nbr, const struct se_rtp_message *m,
                     struct se_route *route, struct se_service *service);
void se_process_hold(void *arg, void *item);
void se_process_release(void *arg, void *item);
/* The entry that an item is; NULL: it is a refusal. */
const struct se_dual_entry *se_process_entry_of(const void *item);
/* Of xmb_rawip_ops; `arg` is a struct se_socket. */
void se_process_received(void *arg, const struct xmb_rawip_in *in);

/* --- limit.c: maximum-services (D13) ---------------------------------------------------------- */

/* `nbr` brought a service; resets it when these are too many. */
void se_limit_check(struct se_process *p, unsigned nbr);
/* The limit may be another one: all neighbours. From outside of the engines. */
void se_limit_check_all(struct se_process *p);
/* 0: the neighbour is kept out now; nobody is without a limit. */
int se_limit_may_peer(const struct se_process *p, unsigned iface, const struct xmb_addr *addr);
/* The operator cleared it, or (NULL) all. */
void se_limit_clear(struct se_process *p, const struct xmb_addr *addr);
void se_limit_free(struct se_process *p);

/* --- bridge.c: the registry ------------------------------------------------------------------- */

/* A local service changed (as xmb_routing.service_changed): to every process of its domain. */
void se_bridge_local(struct se_forwarder *f, const struct xmb_service *now,
                     const struct xmb_service *was);
/*
 * The process begins (`is_begin`), or what fits its interfaces, or the configuration, changed:
 * announces what is published here, or does no longer. What stays too large is said at the begin.
 */
void se_bridge_publish_all(struct se_process *p, int is_begin);
void se_bridge_withdraw_all(struct se_process *p);
/* DUAL's word about a learned service, for the registry and for domains.c. */
void se_bridge_learned(struct se_process *p, struct se_dual_entry *e, enum se_dual_route what);
/* The process ends: what it taught the registry goes, or comes from another process now. */
void se_bridge_forget(struct se_process *p);
/* The configuration was another one: tells again what looks different now. */
void se_bridge_changed(struct se_process *p, const struct se_family_conf *was);

/* --- domains.c: routes to XMPP domains -------------------------------------------------------- */

/* The service number of an announced XMPP domain; see the documentation. */
#define SE_SERVICE_XMPP_DOMAIN 5269
#define SE_SUBSERVICE_XMPP_DOMAIN 1

struct se_domains *se_domains_new(const struct xmb_host *host, struct xmb_module *module);
void se_domains_free(struct se_domains *d); /* withdraws all routes */
/* A learned service of that number is there or changed; `c` NULL: it is gone. */
void se_domains_learned(struct se_domains *d, const struct se_process *p,
                        const struct xmb_service_id *id, const struct se_content *c);
/* All that `p` taught goes. */
void se_domains_forget(struct se_domains *d, const struct se_process *p);

#endif
