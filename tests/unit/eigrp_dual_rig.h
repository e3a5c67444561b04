/* SPDX-License-Identifier: MIT */
/*
 * eigrp_dual_rig.h - one decision engine with four neighbours, each behind a link of 1 us of its
 * own, for tests of what it does with one input. What it sends, traces and says to the registry is
 * noted as text: "query 1", "multicast update 5", "reply 0 unreachable".
 *
 * Distances are in microseconds; the one service is 101:1, originated by router 77.
 */
#ifndef EIGRP_DUAL_RIG_H
#define EIGRP_DUAL_RIG_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "dual.h"

#define RIG_OWN_ID 1
#define RIG_ORIGIN 77
#define RIG_LOST 0 /* as a distance: unreachable */
#define RIG_LAN 9  /* an interface that tests may put neighbours on */

struct rig {
    struct se_dual *d;
    struct se_dual_conf conf;
    uint64_t now_ms, wall_ms, timer_ms;
    uint32_t sequence; /* of the next advertisement */
    uint32_t origin;
    int is_trimmed, is_withdrawn, is_active; /* of the next advertisement */
    int is_of_originator; /* what is heard comes from the originator itself */
    int contents, keep_fails;
    int may_offer_none; /* the filter denies all */
    char sent[2048];    /* since rig_clear, in order, "; " between */
    char traced[512];   /* "2 4" */
    char routed[256];   /* "installed", "changed", ... */
    char noted[256];
};

extern const struct xmb_service_id rig_id;

/* `conf` changes the default one before the engine is made; may be NULL. */
struct rig *rig_new(void (*conf)(struct se_dual_conf *conf));
void rig_free(struct rig *r);
void rig_clear(struct rig *r);
void rig_up(struct rig *r, unsigned peer, unsigned iface);
void rig_link(struct rig *r, unsigned iface, unsigned cost_us, enum se_dual_split split);
/* A message about the service comes. Returns what se_dual_input said. */
int rig_hear(struct rig *r, enum se_dual_message kind, unsigned peer, unsigned distance_us);
int rig_hear_of(struct rig *r, enum se_dual_message kind, unsigned peer, unsigned distance_us,
                const struct xmb_service_id *id);
int rig_publish(struct rig *r, uint32_t version, int is_same);
void rig_at(struct rig *r, uint64_t now_ms);
struct se_dual_entry *rig_entry(struct rig *r);
void rig_offer(struct rig *r, unsigned peer, struct se_dual_offer *out);

#define assert_sent(r, text) assert_string_equal((r)->sent, text)

#endif
