/* SPDX-License-Identifier: MIT */
/*
 * short-head.c - a broken plugin: its descriptor says that it ends before the ABI that it needs
 *
 * Everything else about it is right, so that this is what the loader must stumble over.
 */
#include "bad.h"

XMB_EXPORT extern const struct xmb_plugin short_head_LTX_xmb_plugin;
const struct xmb_plugin short_head_LTX_xmb_plugin = {
    .magic = XMB_PLUGIN_MAGIC,
    .abi_major = XMB_ABI_MAJOR,
    .abi_minor = XMB_ABI_MINOR,
    .size = 13,
    .abi_need = 0,
    .name = "short-head",
    .version = "1.0",
    .ops = &bad_good_ops,
};
