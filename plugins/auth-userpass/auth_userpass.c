/* SPDX-License-Identifier: MIT */
/*
 * auth_userpass.c - the policy plugin that knows users and their passwords: the
 * descriptor and the life of the module.
 *
 * Answers at AUTHENTICATE with a principal that carries the user's key and
 * settings. It knows no protocol: what a protocol does with a domain, a nonce
 * policy or a keepalive is its own. A reload changes what new sessions are
 * told; sessions that live keep the principal that they have.
 */
#include "auth.h"

#include <stdlib.h>

#include "auth-userpass.rng.h"

const struct xmb_host *auth_host;

static int init(const struct xmb_host *host, struct xmb_module *module, void **self)
{
    struct auth *auth = calloc(1, sizeof(*auth));

    if (auth == NULL)
        return XMB_ENOMEM;
    auth_host = host;
    auth->host = host;
    auth->module = module;
    *self = auth;
    return 0;
}

static int prepare(void *self, const struct xmb_conf *conf, void **next)
{
    struct users *users;
    int rc = users_read(conf, &users);

    (void)self;
    if (rc == 0)
        *next = users;
    return rc;
}

static void drop(void *self, void *users)
{
    struct auth *auth = self;

    if (auth->users == users)
        auth->users = NULL;
    users_free(users);
}

static void commit(void *self, void *next)
{
    struct auth *auth = self;
    const struct users *users = next;

    auth->users = users;
    auth_host->log->write(auth->module, XMB_LOG_NOTICE, NULL,
                          "%u users, unauthenticated clients are %s",
                          users->count - (users->anonymous != NULL),
                          users->anonymous != NULL ? "allowed" : "refused");
}

static int worker_init(void *self, struct xmb_worker *worker, void **wself)
{
    const struct auth *auth = self;
    struct auth_worker *aw = calloc(1, sizeof(*aw));

    if (aw == NULL)
        return XMB_ENOMEM;
    aw->digest = auth_digest_new();
    if (aw->digest == NULL) {
        auth_host->log->write(auth->module, XMB_LOG_ERROR, NULL,
                              "libcrypto offers no MD5, which the long-term key needs; "
                              "the broker cannot start with this module");
        free(aw);
        return XMB_ENOSYS;
    }
    aw->cells = auth_host->metrics->cells(worker, auth->module);
    *wself = aw;
    return 0;
}

static void worker_conf(void *wself, void *next)
{
    struct auth_worker *aw = wself;

    auth_forget(aw);
    aw->users = next;
    /* Without memory nothing is remembered, and each question makes a principal of its own. */
    aw->made = calloc(aw->users->count, sizeof(*aw->made));
}

static void worker_fini(void *wself)
{
    struct auth_worker *aw = wself;

    auth_forget(aw);
    auth_digest_free(aw->digest);
    free(aw);
}

static const struct xmb_metric metrics[METRIC_COUNT] = {
    [METRIC_KNOWN] = {XMB_METRIC_INIT, XMB_COUNTER, "known", "questions",
                      "Users that were known; with a keyed digest the proof is still to come."},
    [METRIC_ANONYMOUS] = {XMB_METRIC_INIT, XMB_COUNTER, "anonymous", "questions",
                          "Unauthenticated clients that were let in."},
    [METRIC_UNKNOWN] = {XMB_METRIC_INIT, XMB_COUNTER, "unknown", "questions",
                        "Usernames that are not in the configuration."},
    [METRIC_WRONG] = {XMB_METRIC_INIT, XMB_COUNTER, "wrong", "questions",
                      "Passwords that were wrong."},
    [METRIC_REQUIRED] = {XMB_METRIC_INIT, XMB_COUNTER, "required", "questions",
                         "Clients without credentials that were refused."},
};

static const struct xmb_command commands[] = {
    {.size = XMB_COMMAND_INIT,
     .scope = XMB_SCOPE_CONTROL,
     .words = "show users",
     .arguments = "[USERNAME]",
     .help = "users, and what each is told: domain, nonces, keepalive",
     .run = auth_show_users},
};

static const struct xmb_module_ops ops = {
    .size = sizeof(ops),
    .init = init,
    .prepare = prepare,
    .abort = drop,
    .commit = commit,
    .worker_init = worker_init,
    .worker_fini = worker_fini,
    .worker_conf = worker_conf,
    .retire = drop,
    .stop = free,
};

static const struct xmb_policy role = {
    .size = sizeof(role),
    .points = XMB_POINT_AUTHENTICATE,
    .check = auth_check,
};

XMB_PLUGIN_NAMED(auth_userpass, "auth-userpass",
                 .version = "1.0",
                 .summary = "users and passwords from the configuration",
                 .license = "MIT",
                 .origin = "XMB",
                 .schema = auth_userpass_rng,
                 .schema_bytes = sizeof(auth_userpass_rng) - 1,
                 .XMB_LIST(metrics, metrics),
                 .XMB_LIST(commands, commands),
                 .ops = &ops,
                 .policy = &role);
