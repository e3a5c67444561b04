/* SPDX-License-Identifier: MIT */
/*
 * conf.h - what the configuration says: read once by `prepare`, never changed after.
 *
 * One forwarder is some *service families*, each a process of its own: an address family, in an
 * autonomous system, in a VRF or none. What an interface has is found by its name with
 * se_conf_iface; one that is not named has what <sf-interface name="default"> says. One that is
 * named begins with the default's values, but is not shut down unless it says so itself.
 *
 * The names are those of Cisco's knobs where there is one (saf-eigrp reference 6.2).
 *
 * A configuration is counted: the control thread made it, and each thread that uses it holds it.
 */
#ifndef SE_CONF_H
#define SE_CONF_H

#include <xmb/conf.h>
#include <xmb/host.h>
#include <xmb/netif.h>

#include "eigrp_wire.h"
#include "neighbour.h"

#define SE_FAMILIES_MAX 64      /* service families of one forwarder */
#define SE_LISTS_MAX 256        /* service lists */
#define SE_RULES_MAX 4096       /* rules of all service lists */
#define SE_ADDRESS_RULES_MAX 1024 /* of one list of addresses */
#define SE_CHAINS_MAX 256       /* key chains */
#define SE_KEYS_MAX 1024        /* keys of all */
#define SE_ANNOUNCED_MAX 1024   /* XMPP domains of one service family */
#define SE_REMOTES_MAX 64       /* <remote-neighbors> of one service family */
#define SE_DATA_BYTES_MAX 1300  /* default of data-max (D12) */
#define SE_DATA_BYTES_LIMIT 65000 /* no packet holds more */
#define SE_ENTRIES_MAX 1000000  /* default of entries-max: that of the registry */
#define SE_NAME_MAX 64          /* octets of a list's or chain's name, NUL included */

/* --- lists ------------------------------------------------------------------------------------ */

/* One line of a service list. What is not said matches everything. */
struct se_service_rule {
    struct xmb_service_id pattern; /* with XMB_ANY_* */
    uint32_t tag, origin;
    uint8_t has_tag, has_origin;
    uint8_t is_allowed;
};

/* The first rule that matches decides; none does: denied. */
struct se_service_list {
    char name[SE_NAME_MAX];
    struct se_service_rule *rules;
    size_t count;
};

/* Whom a passive hub lets in (remote-neighbors allow-list). Likewise. */
struct se_address_rule {
    struct xmb_addr addr;
    uint8_t bits;
    uint8_t is_allowed;
};

struct se_address_list {
    char name[SE_NAME_MAX];
    struct se_address_rule *rules;
    size_t count;
};

/* A key chain, or the one key of an interface (name ""). Passwords belong to the configuration. */
struct se_chain {
    char name[SE_NAME_MAX];
    struct se_key *keys;
    size_t count;
};

/* --- interfaces ------------------------------------------------------------------------------- */

struct se_iface_conf {
    char name[XMB_NETIF_NAME_MAX]; /* "default": for those without an entry of their own */
    uint8_t is_shutdown;
    uint8_t is_split;       /* split-horizon */
    uint8_t ttl_min;        /* 0: any */
    uint8_t has_dampening;
    uint32_t hello_ms;
    uint32_t hold_s;
    uint32_t bandwidth_percent;
    uint64_t bandwidth_kbps; /* 0: the kernel's word, else 1 Gbit/s (D22) */
    uint64_t delay_ps;       /* 0: by the bandwidth */
    uint32_t mtu_bytes;      /* 0: the kernel's */
    struct xmb_addr source;  /* to remote neighbours; family 0: the first that fits */
    uint32_t pending_max;
    uint32_t neighbours_max;
    uint32_t new_per_s;
    uint32_t dampening_percent;    /* a metric that moves less is not told; 0: any is */
    uint32_t dampening_interval_s; /* nor sooner than that; 0: at once */
    struct se_auth_policy auth;    /* borrows from a chain */
    const struct se_chain *chain;  /* NULL: no authentication */
    const struct se_service_list *inbound, *outbound; /* NULL: everything */
};

/* <neighbor>: a static neighbour, on the link or several hops away. */
struct se_neighbor_conf {
    struct xmb_addr addr;
    char iface[XMB_NETIF_NAME_MAX];
    uint8_t hops; /* 0: on the link */
};

/* <remote-neighbors>: others come to us, or find each other by a group (D19). */
struct se_remote_conf {
    char source[XMB_NETIF_NAME_MAX]; /* the interface whose address is used */
    uint8_t mode;                    /* SE_NBR_LISTEN or SE_NBR_GROUP */
    uint8_t hops;                    /* of what is sent; 100 */
    struct xmb_addr group;
    const struct se_address_list *allowed; /* NULL: all */
    uint32_t neighbours_max; /* 1 to SE_NBR_NEIGHBOURS_MAX; 1024 */
};

/* --- a service family ------------------------------------------------------------------------- */

/* maximum-services (D13). */
struct se_limit_conf {
    uint32_t services_max;  /* that one neighbour may bring; 0: no limit but entries_max */
    uint32_t threshold_percent; /* a warning from here on; 75 */
    uint8_t is_warning_only;
    uint32_t restart_s;     /* a neighbour that brought too many is let in again after; 300 */
    uint32_t reset_s;       /* how long it must be quiet for its restarts to be forgotten; 900 */
    uint32_t restart_count; /* after so many it stays out until cleared; 3; 0: never */
};

/* <announce>: an XMPP domain that this site serves, as a service (doc: XMPP domains). */
struct se_announce_conf {
    char *domain; /* lower case, ASCII form */
    struct xmb_addr addr; /* with port: where its border gateway answers */
    uint16_t priority, weight;
    uint8_t is_tls; /* TLS from the first octet */
};

struct se_family_conf {
    struct xmb_str vrf;    /* none: none; else terminated, and the configuration's */
    uint32_t line;         /* in the file, for the log */
    uint16_t as_number;
    uint8_t family;        /* 4 or 6 */
    uint8_t is_shutdown;
    uint8_t has_router_id; /* else the highest address, loopback first */
    uint8_t is_logging_changes, is_tolerant;
    uint8_t tlv_version;   /* 0: as the peer has it; 2 or 3: always so (D01) */
    uint8_t hops_max;
    uint8_t rib_scale;
    uint8_t is_learned_public; /* clients that did not authenticate see learned services too */
    uint8_t is_learning_domains; /* routes from announced XMPP domains */
    uint16_t stub_flags;
    uint32_t router_id;
    struct se_kvalues k;
    uint32_t warn_s;       /* between two warnings about one thing */
    uint32_t event_log_size;
    uint32_t default_tag;  /* of what is published here; 0: none */
    uint64_t active_ms;    /* 0: never stuck */
    uint32_t purge_s;      /* graceful restart */
    uint32_t data_max_bytes;
    uint32_t entries_max;  /* of the topology table; a memory limit, see the documentation */
    struct se_limit_conf limit;
    const struct se_service_list *inbound, *outbound;

    struct se_iface_conf *ifaces;   /* those that are named; not "default" */
    size_t iface_count;
    struct se_iface_conf otherwise; /* "default" */
    struct se_neighbor_conf *neighbors;
    size_t neighbor_count;
    struct se_remote_conf *remotes;
    size_t remote_count;
    struct se_announce_conf *announced;
    size_t announced_count;
};

struct se_advice;

struct se_conf {
    struct se_family_conf *families;
    size_t family_count;
    struct se_service_list *service_lists;
    size_t service_list_count;
    struct se_address_list *address_lists;
    size_t address_list_count;
    struct se_chain *chains; /* also those without name, of one interface each */
    size_t chain_count;
    /* --- the owner's */
    struct se_advice *advice;
    uint32_t advice_count;
    _Atomic unsigned references;
};

/*
 * Reads the module's element. Every fault is reported with its line; advice is kept for
 * se_conf_advise. 0 with one reference in `*out`; XMB_ECONF, XMB_ENOMEM. Thread: control.
 */
int se_conf_read(const struct xmb_host *host, struct xmb_module *module,
                 const struct xmb_conf *element, struct se_conf **out);
/*
 * Writes warnings about what is allowed but unwise to the log. For `commit`, so that a check, or a
 * configuration that another module refuses, says nothing. Thread: control.
 */
void se_conf_advise(const struct xmb_host *host, struct xmb_module *module,
                    const struct se_conf *c);
struct se_conf *se_conf_hold(struct se_conf *c);
void se_conf_release(struct se_conf *c); /* NULL is fine; passwords are wiped */

/* What interface `name` has: its own entry, or the default's. Never NULL. Pure. */
const struct se_iface_conf *se_conf_iface(const struct se_family_conf *f, const char *name);

/* The same process: family, autonomous system and VRF are equal. Pure. */
int se_conf_same_process(const struct se_family_conf *a, const struct se_family_conf *b);

/* The inbound lists of both say the same, for the process and for each interface. Pure. */
int se_conf_same_inbound(const struct se_family_conf *a, const struct se_family_conf *b);

/* What the list says about a service; NULL allows all. Pure. */
int se_service_list_allows(const struct se_service_list *list, const struct xmb_service_id *id,
                           uint32_t tag, uint32_t origin);
int se_address_list_allows(const struct se_address_list *list, const struct xmb_addr *addr);
int se_same_addr(const struct xmb_addr *a, const struct xmb_addr *b); /* whatever their ports */
/* The first `bits` of `addr` and `prefix` are the same, and so is the family. Pure. */
int se_in_prefix(const struct xmb_addr *addr, const struct xmb_addr *prefix, unsigned bits);

#endif
