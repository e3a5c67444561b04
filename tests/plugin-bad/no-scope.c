/* SPDX-License-Identifier: MIT */
/*
 * no-scope.c - a broken plugin: a command of it does not say on which thread it runs
 *
 * Everything else about it is right, so that this is what the loader must stumble over.
 */
#include "bad.h"

static int no_scope_run(void *state, const struct xmb_call *call, struct xmb_out *out)
{
    (void)state;
    (void)call;
    (void)out;
    return 0;
}

static const struct xmb_command commands[] = {
    {.size = XMB_COMMAND_INIT, .words = "show nobody", .run = no_scope_run},
};

XMB_PLUGIN_NAMED(no_scope, "no-scope", .version = "1.0", .ops = &bad_good_ops,
                 .XMB_LIST(commands, commands));
