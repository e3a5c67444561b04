/* SPDX-License-Identifier: MIT */
/*
 * bad-minor.c - a broken plugin: it was built for a minor that a later one broke
 *
 * Everything else about it is right, so that this is what the loader must stumble over.
 */
#include "bad.h"

XMB_EXPORT extern const struct xmb_plugin bad_minor_LTX_xmb_plugin;
const struct xmb_plugin bad_minor_LTX_xmb_plugin = {
    .magic = XMB_PLUGIN_MAGIC,
    .abi_major = XMB_ABI_MAJOR,
    .abi_minor = 0,
    .size = sizeof(struct xmb_plugin),
    .abi_need = 0,
    .name = "bad-minor",
    .version = "1.0",
    .ops = &bad_good_ops,
};
