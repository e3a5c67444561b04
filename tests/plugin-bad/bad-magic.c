/* SPDX-License-Identifier: MIT */
/*
 * bad-magic.c - a broken plugin: its descriptor does not begin with the magic
 *
 * Everything else about it is right, so that this is what the loader must stumble over.
 */
#include "bad.h"

XMB_EXPORT extern const struct xmb_plugin bad_magic_LTX_xmb_plugin;
const struct xmb_plugin bad_magic_LTX_xmb_plugin = {
    .magic = UINT32_C(0x12345678),
    .abi_major = XMB_ABI_MAJOR,
    .abi_minor = XMB_ABI_MINOR,
    .size = sizeof(struct xmb_plugin),
    .abi_need = 0,
    .name = "bad-magic",
    .version = "1.0",
    .ops = &bad_good_ops,
};
