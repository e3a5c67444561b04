/* SPDX-License-Identifier: MIT */
/*
 * no-schema.c - a broken plugin: the schema that it declares is not there
 *
 * Everything else about it is right, so that this is what the loader must stumble over.
 */
#include "bad.h"

XMB_PLUGIN_NAMED(no_schema, "no-schema", .version = "1.0", .ops = &bad_good_ops, .schema = NULL,
                 .schema_bytes = 1000);
