/* SPDX-License-Identifier: MIT */
/*
 * bad-name.c - a broken plugin: it calls itself otherwise than its file
 *
 * Everything else about it is right, so that this is what the loader must stumble over.
 */
#include "bad.h"

XMB_PLUGIN_NAMED(bad_name, "good-name", .version = "1.0", .ops = &bad_good_ops);
