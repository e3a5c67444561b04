/* SPDX-License-Identifier: MIT */
/*
 * bad-schema.c - a broken plugin: its schema is not XML
 *
 * Everything else about it is right, so that this is what the loader must stumble over.
 */
#include "bad.h"

static const char schema[] = "<grammar";

XMB_PLUGIN_NAMED(bad_schema, "bad-schema", .version = "1.0", .ops = &bad_good_ops,
                 .schema = schema, .schema_bytes = sizeof schema - 1);
