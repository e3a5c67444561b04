/* SPDX-License-Identifier: MIT */
/*
 * eigrp_domain_rig.h - a fake host with an empty module in it, processes that are no more than a
 * name and a setting, and announcements as neighbours would bring them. For the tests of XMPP
 * domains and for their fuzz target: nothing here needs cmocka.
 */
#ifndef EIGRP_DOMAIN_RIG_H
#define EIGRP_DOMAIN_RIG_H

#include <xmb/fakehost.h>

#include "domains.h"
#include "xmpp_domain.h"

/* The module that routes and services are of. */
extern struct xmb_module *rig_module;

struct rig_process {
    struct se_process process;
    struct se_family_conf family;
};

/* Open the fake host with rig_module, and close it. Abort when that fails. */
void rig_open(void);
void rig_close(void);

/* A process of that autonomous system. `p` must stay where it is. */
void rig_process(struct rig_process *p, unsigned as_number, int is_learning);

/* "192.0.2.1" or "2001:db8::1", with a port. Aborts when it is no address. */
struct xmb_addr rig_addr(const char *ip, uint16_t port);

/* What a neighbour sent: `data`, reached at `addr` by `protocol`. The caller's to free. */
struct se_content *rig_content(struct xmb_str data, const struct xmb_addr *addr, uint16_t protocol);

/* The identity of `name` at `addr`, announced by the broker `who`. */
struct xmb_service_id rig_id(const char *name, const struct xmb_addr *addr, const char *who);

/* The data of `name`; valid until the next call. */
struct xmb_str rig_data(const char *name, unsigned priority, unsigned weight, int is_tls);

/*
 * The routes of rig_module for `domain`, "IP:PORT PRIORITY/WEIGHT[ tls], " each; valid until the
 * next call. Aborts when one has something else to say.
 */
const char *rig_routes(const char *domain);

#endif
