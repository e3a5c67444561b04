/* SPDX-License-Identifier: MIT */
/*
 * no-words.c - a broken plugin: a command of it has no words
 *
 * Everything else about it is right, so that this is what the loader must stumble over.
 */
#include "bad.h"

static int no_words_run(void *state, const struct xmb_call *call, struct xmb_out *out)
{
    (void)state;
    (void)call;
    (void)out;
    return 0;
}

static const struct xmb_command commands[] = {
    {.size = XMB_COMMAND_INIT, .scope = XMB_SCOPE_CONTROL, .words = "", .run = no_words_run},
};

XMB_PLUGIN_NAMED(no_words, "no-words", .version = "1.0", .ops = &bad_good_ops,
                 .XMB_LIST(commands, commands));
