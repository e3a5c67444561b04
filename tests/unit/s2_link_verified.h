/* SPDX-License-Identifier: MIT */
/*
 * s2_link_verified.h - a link that stands: the pair a.test -> b.test of `u` is verified over the
 * connection `c`. `v` is for whoever comes second.
 */
#ifndef TEST_S2_LINK_VERIFIED_H
#define TEST_S2_LINK_VERIFIED_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "s2_link_rig.h"

extern struct rig_user u, v;
extern struct xmb_conn *c;

/* Set-up without a link yet, and with it. */
int open_rig(void **state);
int open_verified(void **state);
int close_rig(void **state);

#define TEST(name) cmocka_unit_test_setup_teardown(name, open_rig, close_rig)
#define VERIFIED(name) cmocka_unit_test_setup_teardown(name, open_verified, close_rig)

/* What we said on `c` has this in it. */
void heard(const char *part);
/* Without a link yet: `u` gets one as far as these features, which come behind SASL EXTERNAL. */
void authenticated(const char *features);
void say_result(const char *from, const char *to, const char *type);
void ended_with(enum s2_failure_kind kind); /* `u` */

#endif
