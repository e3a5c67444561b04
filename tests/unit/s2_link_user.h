/* SPDX-License-Identifier: MIT */
/*
 * s2_link_user.h - one user of a link a.test -> b.test that is being made: what tests of
 * negotiation begin with, and what they ask about its end.
 */
#ifndef TEST_S2_LINK_USER_H
#define TEST_S2_LINK_USER_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "s2_link_rig.h"

extern struct rig_user u;

int open_rig(void **state);
int close_rig(void **state);

#define TEST(name) cmocka_unit_test_setup_teardown(name, open_rig, close_rig)

/* Of the outside. */
void mode(enum s2_mode m);

/* A lease a.test -> b.test whose only target has been connected. */
struct xmb_conn *connected(void);
/* The same with a second target behind it. */
struct xmb_conn *connected_of_two(void);
/* Of two, and TLS stands. */
struct xmb_conn *secured(void);

void next_target_follows(void);
void failed_with(enum s2_failure_kind kind, enum s2_condition condition);

/* What we said has this in it. */
void heard(struct xmb_conn *c, const char *part);
void say_result(struct xmb_conn *c, const char *from, const char *to, const char *type);
void stream_error(struct xmb_conn *c, const char *condition);

#endif
