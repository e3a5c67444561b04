/* SPDX-License-Identifier: MIT */
/*
 * users_conf.c - from the <client> elements to a table of users.
 *
 * The schema has looked at the structure; here are lengths, ranges and what
 * one element cannot know of another. Every fault is reported with its line
 * before the whole is refused. No message ever holds a password.
 */
#include "auth.h"

#include "type7.h"

#include <stdlib.h>
#include <string.h>

#define conf_api auth_host->conf

/* --- one client: name and password ----------------------------------------------------------- */

/* The second octet matters for U+0080 to U+009F, which are control characters too. */
static int has_control(const char *s)
{
    const unsigned char *p;

    for (p = (const unsigned char *)s; *p != '\0'; p++)
        if (*p < 0x20 || *p == 0x7f || (p[0] == 0xc2 && p[1] >= 0x80 && p[1] <= 0x9f))
            return 1;
    return 0;
}

static int read_name(const struct xmb_conf *node, struct user *u)
{
    const char *name = conf_api->text(node, "username", "");
    size_t n = strlen(name);

    if (n == 0 || n > AUTH_NAME_MAX)
        return conf_api->fault(node, "username has %zu octets; 1 to %d are allowed", n,
                               AUTH_NAME_MAX);
    if (has_control(name))
        return conf_api->fault(node, "username has a control character in it");
    memcpy(u->name, name, n + 1);
    u->name_bytes = (uint32_t)n;
    return 0;
}

/* Characters, not octets, of UTF-8 text. */
static size_t characters(const char *s)
{
    size_t n = 0;

    for (; *s != '\0'; s++)
        n += ((unsigned char)*s & 0xc0) != 0x80;
    return n;
}

static int decode_password(const struct xmb_conf *node, const char *secret, struct user *u)
{
    const char *type = conf_api->text(node, "encryption-type", "0");
    size_t n = strlen(secret);

    if (strcmp(type, "7") == 0) {
        if (type7_decode(secret, u->password, sizeof(u->password)) < 0)
            return conf_api->fault(node, "the password of user \"%s\" is not a password of "
                                         "encryption type 7",
                                   u->name);
        return 0;
    }
    if (n >= sizeof(u->password))
        return conf_api->fault(node, "the password of user \"%s\" is too long; %d to %d characters "
                                     "are allowed",
                               u->name, AUTH_PASSWORD_MIN, AUTH_PASSWORD_MAX);
    memcpy(u->password, secret, n + 1);
    return 0;
}

static int read_password(const struct xmb_conf *node, struct user *u)
{
    const char *secret = NULL;
    size_t n;
    int rc = conf_api->secret(node, "password", &secret);

    if (rc == XMB_ENOENT)
        return conf_api->fault(node, "user \"%s\" has no password", u->name);
    if (rc < 0 || (rc = decode_password(node, secret, u)) < 0)
        return rc;
    n = characters(u->password);
    if (n < AUTH_PASSWORD_MIN || n > AUTH_PASSWORD_MAX)
        return conf_api->fault(node,
                               "the password of user \"%s\" has %zu characters; %d to %d are "
                               "allowed",
                               u->name, n, AUTH_PASSWORD_MIN, AUTH_PASSWORD_MAX);
    u->password_bytes = (uint32_t)strlen(u->password);
    return 0;
}

/* --- one client: its children ---------------------------------------------------------------- */

static int read_domain(const struct xmb_conf *client, struct user *u)
{
    const struct xmb_conf *node = conf_api->child(client, "domain");
    uint64_t number = 0;

    if (node == NULL)
        return 0;
    u->domain_only = strcmp(conf_api->text(node, "mode", "default"), "only") == 0;
    if (conf_api->number(node, "number", 1, 65535, &number) < 0)
        return XMB_ECONF;
    u->domain = (uint32_t)number;
    return 0;
}

static int read_nonce(const struct xmb_conf *client, int unauthenticated, struct user *u)
{
    const struct xmb_conf *node = conf_api->child(client, "nonce");
    int32_t none = 0;
    int32_t required = 0;

    u->nonce_lifetime_ms = 800000;
    if (node == NULL)
        return 0;
    if (unauthenticated)
        return conf_api->fault(node, "a nonce does not go with the unauthenticated client, whose "
                                     "messages nothing protects; leave <nonce> out");
    if (conf_api->flag(node, "none", &none) < 0 || conf_api->flag(node, "required", &required) < 0)
        return XMB_ECONF;
    u->nonce = none ? XMB_NONCE_NONE : required ? XMB_NONCE_REQUIRED : XMB_NONCE_AUTO;
    return conf_api->duration(node, "lifetime", 5000, 3600000, &u->nonce_lifetime_ms);
}

static int read_keepalive(const struct xmb_conf *client, struct user *u)
{
    const struct xmb_conf *node = conf_api->child(client, "keepalive");

    u->keepalive_ms = 30000;
    if (node == NULL)
        return 0;
    return conf_api->duration(node, "seconds", 5000, 3600000, &u->keepalive_ms);
}

/* Reads all of it, so that all of its faults are told. The name in `u` holds after XMB_ECONF. */
static int read_client(const struct xmb_conf *node, struct user *u)
{
    int32_t unauthenticated = 0;
    int rc;

    u->line = conf_api->line(node);
    rc = conf_api->flag(node, "unauthenticated", &unauthenticated);
    if (rc == 0 && !unauthenticated) {
        rc = read_name(node, u);
        if (rc == 0) /* or it would be told of a user without a name */
            rc = read_password(node, u);
    }
    if (read_domain(node, u) < 0)
        rc = XMB_ECONF;
    if (read_nonce(node, unauthenticated, u) < 0)
        rc = XMB_ECONF;
    if (read_keepalive(node, u) < 0)
        rc = XMB_ECONF;
    return rc;
}

/* --- all of them ----------------------------------------------------------------------------- */

static int by_name(const void *a, const void *b)
{
    const struct user *x = *(struct user *const *)a;
    const struct user *y = *(struct user *const *)b;
    int order = strcmp(x->name, y->name);

    return order != 0 ? order : (x->line > y->line) - (x->line < y->line);
}

/* The node of a <client> by its place, to give a fault its line. */
static const struct xmb_conf *client_at(const struct xmb_conf *conf, uint32_t index)
{
    const struct xmb_conf *node = conf_api->child(conf, "client");

    while (node != NULL && index-- > 0)
        node = conf_api->next(node, "client");
    return node;
}

static int tell_duplicate(const struct xmb_conf *conf, const struct user *first,
                          const struct user *second)
{
    const struct xmb_conf *node = client_at(conf, second->place);

    if (second->name_bytes == 0)
        return conf_api->fault(node, "a second unauthenticated client; the first is in line %u",
                               first->line);
    return conf_api->fault(node, "user \"%s\" is here a second time; the first is in line %u",
                           second->name, first->line);
}

static int check_duplicates(const struct xmb_conf *conf, const struct users *users)
{
    struct user **sorted;
    uint32_t i;
    int rc = 0;

    if (users->count < 2)
        return 0;
    sorted = malloc(users->count * sizeof(*sorted));
    if (sorted == NULL)
        return XMB_ENOMEM;
    memcpy(sorted, users->list, users->count * sizeof(*sorted));
    qsort(sorted, users->count, sizeof(*sorted), by_name);
    for (i = 1; i < users->count; i++)
        if (strcmp(sorted[i - 1]->name, sorted[i]->name) == 0)
            rc = tell_duplicate(conf, sorted[i - 1], sorted[i]);
    free(sorted);
    return rc;
}

/*
 * A client with a fault elsewhere still takes part in the comparison of names; one whose name
 * could not be read must not pass for the unauthenticated client.
 */
static int is_nameless(const struct xmb_conf *node, const struct user *u)
{
    return u->name_bytes == 0 && conf_api->text(node, "unauthenticated", NULL) == NULL;
}

static int read_all(const struct xmb_conf *conf, struct users *users)
{
    const struct xmb_conf *node;
    uint32_t place = 0;
    int result = 0;

    for (node = conf_api->child(conf, "client"); node != NULL;
         node = conf_api->next(node, "client")) {
        struct user *u;
        int rc;

        if (users->count == AUTH_USERS_MAX)
            return conf_api->fault(node, "more than %d clients", AUTH_USERS_MAX);
        u = calloc(1, sizeof(*u));
        if (u == NULL)
            return XMB_ENOMEM;
        u->place = place++;
        rc = read_client(node, u);
        if (rc < 0)
            result = rc;
        if (is_nameless(node, u)) {
            user_free(u);
        } else if (users_add(users, u) < 0) {
            user_free(u);
            return XMB_ENOMEM;
        }
    }
    return result;
}

int users_read(const struct xmb_conf *conf, struct users **out)
{
    struct users *users = users_new();
    int rc;
    int twice;

    if (users == NULL)
        return XMB_ENOMEM;
    rc = read_all(conf, users);
    if (rc == 0 && users->count == 0)
        rc = conf_api->fault(conf, "there is no <client>, so nobody could ever register; add one");
    twice = rc == 0 || rc == XMB_ECONF ? check_duplicates(conf, users) : 0;
    rc = rc < 0 ? rc : twice;
    if (rc == 0)
        rc = users_index(users);
    if (rc < 0)
        users_free(users);
    else
        *out = users;
    return rc;
}
