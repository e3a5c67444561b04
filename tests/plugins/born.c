/* SPDX-License-Identifier: MIT */
/*
 * born.c - a plugin for tests of the drop of privileges: it shows who the process was when the
 * first of its code ran, which is before the broker has looked at it, and when init did.
 */
#include <unistd.h>
#include <xmb/xmb.h>

static const struct xmb_host *host;
static uid_t at_load;
static uid_t at_init;

__attribute__((constructor)) static void born(void)
{
    at_load = geteuid();
}

static int init(const struct xmb_host *h, struct xmb_module *module, void **self)
{
    host = h;
    *self = module;
    at_init = geteuid();
    return 0;
}

static int show(void *state, const struct xmb_call *call, struct xmb_out *out)
{
    (void)state;
    (void)call;
    host->control->number(out, "at_load", at_load);
    host->control->number(out, "at_init", at_init);
    return 0;
}

static const struct xmb_command commands[] = {
    {XMB_COMMAND_INIT, XMB_SCOPE_CONTROL, 0, 0, "show born", "", "who the process was", show},
};

static const struct xmb_module_ops ops = {.size = sizeof ops, .init = init};

XMB_PLUGIN(born, .version = "1.0", .summary = "for tests", .XMB_LIST(commands, commands),
           .ops = &ops);
