/* SPDX-License-Identifier: MIT */
/*
 * announce_priv.h - what announce.c (talks to the registry) and announce_plan.c (what shall be
 * published) share.
 *
 *     configuration --se_plan_make--> plan, sorted by identity --announce.c--> registry
 *
 * An item is wanted or not, and the registry has it or not. At most one request about it is on its
 * way; what changes meanwhile is told when the answer is there.
 */
#ifndef SE_ANNOUNCE_PRIV_H
#define SE_ANNOUNCE_PRIV_H

#include "announce.h"
#include "xmpp_domain.h"

/* One announced domain. */
struct se_item {
    struct se_item *next_due;
    uint32_t as_number; /* the domain of the registry */
    struct xmb_service_id id;
    struct xmb_addr addr;
    uint32_t sequence;  /* the last that was sent; 0: none */
    uint16_t data_bytes;
    uint8_t is_wanted;
    uint8_t is_held;    /* the registry has it, by its last answer */
    uint8_t is_stale;   /* what was sent is not what is wanted */
    uint8_t is_due;     /* in the queue */
    uint8_t is_waiting; /* for an answer */
    uint8_t is_leaving; /* that answer is to an unpublish */
    uint8_t is_refused; /* by the last answer; tried again later */
    char name[XMB_DOMAIN_NAME_MAX + 1];
    char data[SE_XMPP_DOMAIN_TEXT_MAX];
};

/* Items by as_number and id, each pair once. Owns the array; the items as its user says. */
struct se_plan {
    struct se_item **items;
    size_t count;
};

/*
 * What `conf` wants. Of two announcements of one identity the first counts; that they differ is
 * logged. XMB_ENOMEM. `host_name`: see se_xmpp_domain_id.
 */
int se_plan_make(const struct xmb_host *host, struct xmb_module *module,
                 const struct se_conf *conf, struct xmb_str host_name, struct se_plan *out);
void se_plan_free(struct se_plan *plan); /* with its items */

/* By as_number and id: below, at or above 0. Pure. */
int se_item_compare(const struct se_item *a, const struct se_item *b);
/* 1: the same is to be published. Pure. */
int se_item_same(const struct se_item *a, const struct se_item *b);

#endif
