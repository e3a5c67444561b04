/* SPDX-License-Identifier: MIT */
/*
 * bad-major.c - a broken plugin: it was built for a later major of the ABI
 *
 * Everything else about it is right, so that this is what the loader must stumble over.
 */
#include "bad.h"

XMB_EXPORT extern const struct xmb_plugin bad_major_LTX_xmb_plugin;
const struct xmb_plugin bad_major_LTX_xmb_plugin = {
    .magic = XMB_PLUGIN_MAGIC,
    .abi_major = XMB_ABI_MAJOR + 1,
    .abi_minor = XMB_ABI_MINOR,
    .size = sizeof(struct xmb_plugin),
    .abi_need = 0,
    .name = "bad-major",
    .version = "1.0",
    .ops = &bad_good_ops,
};
