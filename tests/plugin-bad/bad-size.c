/* SPDX-License-Identifier: MIT */
/*
 * bad-size.c - a broken plugin: its descriptor says that it is shorter than the first version
 *
 * Everything else about it is right, so that this is what the loader must stumble over.
 */
#include "bad.h"

XMB_EXPORT extern const struct xmb_plugin bad_size_LTX_xmb_plugin;
const struct xmb_plugin bad_size_LTX_xmb_plugin = {
    .magic = XMB_PLUGIN_MAGIC,
    .abi_major = XMB_ABI_MAJOR,
    .abi_minor = XMB_ABI_MINOR,
    .size = 64,
    .abi_need = 0,
    .name = "bad-size",
    .version = "1.0",
    .ops = &bad_good_ops,
};
