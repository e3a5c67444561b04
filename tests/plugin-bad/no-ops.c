/* SPDX-License-Identifier: MIT */
/*
 * no-ops.c - a broken plugin: it has no ops
 *
 * Everything else about it is right, so that this is what the loader must stumble over.
 */
#include "bad.h"

XMB_PLUGIN_NAMED(no_ops, "no-ops", .version = "1.0");
