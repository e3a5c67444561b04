/* SPDX-License-Identifier: MIT */
/*
 * core_fakes.h - the module table for unit tests of loop, timers, log and metrics.
 *
 * A test that links core_fakes.c gets the whole of plugin/module.h from here, so that the
 * real loader is not pulled in. Module 0 is "core"; a test fills in the others. It does
 * not fake the nouns' worker_init: a test that starts workers has its own.
 */
#ifndef TESTS_CORE_FAKES_H
#define TESTS_CORE_FAKES_H

#include "plugin/module.h"

extern struct xmb_module fake_modules[MODULES_MAX];
/* Makes modules 1 to `count` - 1, named "module1" and so on, without metrics or level. */
void fake_modules_make(uint32_t count);

#endif
