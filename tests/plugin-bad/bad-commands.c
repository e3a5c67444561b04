/* SPDX-License-Identifier: MIT */
/*
 * bad-commands.c - a broken plugin: a command of it has no run
 *
 * Everything else about it is right, so that this is what the loader must stumble over.
 */
#include "bad.h"

static const struct xmb_command commands[] = {
    {.size = XMB_COMMAND_INIT, .scope = XMB_SCOPE_CONTROL, .words = "show nothing"},
};

XMB_PLUGIN_NAMED(bad_commands, "bad-commands", .version = "1.0", .ops = &bad_good_ops,
                 .XMB_LIST(commands, commands));
