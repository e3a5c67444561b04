/* SPDX-License-Identifier: MIT */
/*
 * long-list.c - a broken plugin: it declares more commands than any plugin can have
 *
 * Everything else about it is right, so that this is what the loader must stumble over.
 */
#include "bad.h"

static int long_list_run(void *state, const struct xmb_call *call, struct xmb_out *out)
{
    (void)state;
    (void)call;
    (void)out;
    return 0;
}

static const struct xmb_command commands[] = {
    {.size = XMB_COMMAND_INIT,
     .scope = XMB_SCOPE_CONTROL,
     .words = "show nothing",
     .run = long_list_run},
};

XMB_PLUGIN_NAMED(long_list, "long-list", .version = "1.0", .ops = &bad_good_ops,
                 .commands = commands, .commands_count = 1025);
