/* SPDX-License-Identifier: MIT */
/*
 * bad-need.c - a broken plugin: it needs a later minor of the ABI than there is
 *
 * Everything else about it is right, so that this is what the loader must stumble over.
 */
#include "bad.h"

XMB_EXPORT extern const struct xmb_plugin bad_need_LTX_xmb_plugin;
const struct xmb_plugin bad_need_LTX_xmb_plugin = {
    .magic = XMB_PLUGIN_MAGIC,
    .abi_major = XMB_ABI_MAJOR,
    .abi_minor = XMB_ABI_MINOR + 1,
    .size = sizeof(struct xmb_plugin),
    .abi_need = XMB_ABI_MINOR + 1,
    .name = "bad-need",
    .version = "1.0",
    .ops = &bad_good_ops,
};
