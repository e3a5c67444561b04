/* SPDX-License-Identifier: MIT */
/*
 * show.c - show users: who may come, and what each is told.
 *
 * What a protocol shows of itself has no users in it, because it asks policy anew for each session.
 * Here they are, in the order of the configuration that is in force. Never a password, nor whether
 * two are the same, nor how long one is.
 */
#include "auth.h"

#define api auth_host->control

static const char *nonce_policy(const struct user *u)
{
    switch (u->nonce) {
    case XMB_NONCE_NONE:
        return "none";
    case XMB_NONCE_REQUIRED:
        return "required";
    default:
        return "auto";
    }
}

/* Nothing protects the messages of the unauthenticated client: it has no nonce. */
static void show_nonce(const struct user *u, struct xmb_out *out)
{
    if (u->name_bytes == 0)
        api->null(out, "nonce");
    else
        api->text(out, "nonce", xmb_str(nonce_policy(u)));
    if (u->name_bytes == 0 || u->nonce == XMB_NONCE_NONE)
        api->null(out, "nonce_lifetime_seconds");
    else
        api->number(out, "nonce_lifetime_seconds", (int64_t)(u->nonce_lifetime_ms / 1000));
}

static void show_domain(const struct user *u, struct xmb_out *out)
{
    if (u->domain == 0) { /* the protocol's own, which is not known here */
        api->null(out, "domain");
        api->null(out, "domain_mode");
        return;
    }
    api->number(out, "domain", u->domain);
    api->text(out, "domain_mode", xmb_str(u->domain_only ? "only" : "default"));
}

static void show_user(const struct user *u, struct xmb_out *out)
{
    api->row_begin(out);
    if (u->name_bytes == 0)
        api->null(out, "username");
    else
        api->text(out, "username", (struct xmb_str){u->name, u->name_bytes});
    api->flag(out, "unauthenticated", u->name_bytes == 0);
    show_domain(u, out);
    show_nonce(u, out);
    api->number(out, "keepalive_seconds", (int64_t)(u->keepalive_ms / 1000));
    api->row_end(out);
}

int auth_show_users(void *state, const struct xmb_call *call, struct xmb_out *out)
{
    const struct users *users = ((const struct auth *)state)->users;
    const struct user *only = NULL;
    uint32_t i;

    if (users == NULL)
        return api->error(out, "no configuration is in force yet");
    if (call->arg_count > 0) {
        only = users_find(users, xmb_str(call->args[0]));
        if (only == NULL)
            return api->error(out, "there is no user \"%s\" in the configuration", call->args[0]);
    }
    api->list_begin(out, "users");
    for (i = 0; i < users->count; i++)
        if (only == NULL || users->list[i] == only)
            show_user(users->list[i], out);
    api->list_end(out);
    return 0;
}
