/* SPDX-License-Identifier: MIT */
/*
 * router_priv.h - routes as router.c keeps them and lookup.c answers with them.
 */
#ifndef FAKE_ROUTER_PRIV_H
#define FAKE_ROUTER_PRIV_H

#include "fake_priv.h"

/* The routes of a module for a domain, or those of an answer: copies of everything. */
struct fake_set {
    struct fake_set *next;
    struct xmb_module *module;
    size_t count;
    struct xmb_route routes[XMB_ROUTES_MAX];
    struct xmb_tlsa *tlsa; /* of all routes */
    char *text;            /* domain, then targets and data of TLSA records */
    size_t domain_bytes;
};

/* --- router.c --- */

struct fake_set *fake_set_new(struct xmb_module *m, struct xmb_str domain,
                              const struct xmb_route *routes, size_t count);
void fake_set_free(struct fake_set *set); /* NULL is fine */
/* An answer out of `set`; `suffix_only`: of its routes those with XMB_ROUTE_SUFFIX. */
void fake_route_answer(const struct fake_set *set, int suffix_only,
                       struct xmb_route_answer *answer);
/* The longest name of `m` that stands for `domain`. 1: found. */
int fake_route_find(const struct xmb_module *m, struct xmb_str domain,
                    struct xmb_route_answer *answer);

/* --- lookup.c: these members of the table --- */

int fake_lookup(struct xmb_worker *w, struct xmb_str domain, struct xmb_route_answer *answer,
                void (*late)(void *arg, const struct xmb_route_answer *answer), void *arg,
                uint64_t *ask_id);
int fake_addresses(struct xmb_worker *w, struct xmb_str name, struct xmb_route_answer *answer,
                   void (*late)(void *arg, const struct xmb_route_answer *answer), void *arg,
                   uint64_t *ask_id);
void fake_lookup_cancel(struct xmb_worker *w, uint64_t ask_id);
void fake_resolved(struct xmb_ticket *ticket, int status, const struct xmb_route *routes,
                   size_t count);
void fake_resolved_for(struct xmb_ticket *ticket, int status, uint32_t keep_s,
                       const struct xmb_route *routes, size_t count);
void fake_route_forget(struct xmb_str domain);
void fake_lookup_free(void);

#endif
