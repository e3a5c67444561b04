/* SPDX-License-Identifier: MIT */
/*
 * eigrp_conf_rig.h - a plugin that does nothing but read a configuration of the SAF forwarder, in a
 * fake host.
 */
#ifndef EIGRP_CONF_RIG_H
#define EIGRP_CONF_RIG_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <xmb/fakehost.h>

#include "conf.h"

/* Setup and teardown of each test. */
int eigrp_conf_begin(void **state);
int eigrp_conf_end(void **state);

/* What is made of `inner`, which must be accepted; valid until the next call. */
const struct se_conf *eigrp_conf(const char *inner);
/* The same of a service family "ipv4 1228" with `inner` in it, on line 3; its first family. */
const struct se_family_conf *eigrp_family(const char *inner);
/* `inner` must be refused with `fault` among the faults. */
void eigrp_refused(const char *inner, const char *fault);
/* The same in a service family, on line 3. */
void eigrp_family_refused(const char *inner, const char *fault);
/* The text of `path` below the source tree; the caller frees it. */
char *eigrp_source_file(const char *path);
/* The module's inner text of a file: behind its start tag, before its end. In place. */
char *eigrp_module_of(char *text, const char *name);

#endif
