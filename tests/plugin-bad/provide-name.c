/* SPDX-License-Identifier: MIT */
/*
 * provide-name.c - a broken plugin: it provides something and does not say what
 *
 * Everything else about it is right, so that this is what the loader must stumble over.
 */
#include "bad.h"

static const struct xmb_need offers[] = {{XMB_NEED_INIT, 1, NULL}};

XMB_PLUGIN_NAMED(provide_name, "provide-name", .version = "1.0", .ops = &bad_good_ops,
                 .XMB_LIST(provides, offers));
