/* SPDX-License-Identifier: MIT */
/*
 * router_rig.h - the domain router on real loops with two modules: what they push, what they
 * answer when they are asked, and questions of workers.
 */
#ifndef ROUTER_RIG_H
#define ROUTER_RIG_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "chain_rig.h"
#include "router/router.h"
#include "router/router_priv.h"

#define HELD_MAX 64

/* What a module does when it is asked. */
struct script {
    int rc;                    /* what resolve returns */
    _Atomic int asked;
    int hold;                  /* keep the tickets in `held`; else answer at once */
    struct xmb_ticket *held[HELD_MAX];
    int status;
    uint32_t count;
    struct xmb_route routes[2];
};

extern struct script script[2];
extern struct xmb_module *module[2];

int open_router(void **state);
int close_router(void **state);

#define TEST(f) cmocka_unit_test_setup_teardown(f, open_router, close_router)

/* Module `i` is asked from now on. */
void offer_resolve(int i);

struct xmb_route route(const char *target, uint16_t priority, uint16_t weight);
/* Until every worker has what was pushed. */
void settle(void);
/* Module `m` pushes; what update returned, with the new snapshot on all workers. */
int push(int m, const char *domain, const struct xmb_route *routes, size_t count);
int push_one(int m, const char *domain, uint32_t flags, const char *target);

/* A question and its answer. */
struct ask {
    const char *domain;
    int can_wait;
    int rc;
    uint64_t id;
    int32_t status;
    const struct xmb_module *module;
    size_t count;
    char target[XMB_ROUTES_MAX][64]; /* of each route */
    _Atomic int late;
};

void ask_there(struct xmb_worker *w, void *arg); /* of a worker itself; `arg` is an ask */
void ask_on(struct ask *a, uint32_t worker, const char *domain);
void ask(struct ask *a, const char *domain);
/* The one target that is answered at once, or NULL. */
void answers(const char *domain, const char *target);
/* The answer is to come later. */
void waits(struct ask *a, const char *domain);

#endif
