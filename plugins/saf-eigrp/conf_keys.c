/* SPDX-License-Identifier: MIT */
/*
 * conf_keys.c - <key-chain>, and the <authentication> of an interface: by a chain, or with one key
 * of its own, which becomes a chain without a name.
 *
 * Passwords are copied, because the forwarder holds a configuration longer than the host does, and
 * wiped when it lets go. No message ever holds one.
 */
#include "conf_priv.h"

#include <stdlib.h>

/* --- passwords -------------------------------------------------------------------------------- */

static int keep(const char *text, size_t n, struct xmb_str *out)
{
    char *copy = malloc(n + 1);

    if (copy == NULL)
        return XMB_ENOMEM;
    memcpy(copy, text, n);
    copy[n] = '\0';
    *out = xmb_str_n(copy, n);
    return 0;
}

/* What `attribute`, or the file of `attribute`-file, holds. It must be there. */
static int read_password(const struct se_reader *r, const struct xmb_conf *node,
                         const char *attribute, struct xmb_str *out)
{
    char plain[SE_PASSWORD_BYTES_MAX + 1];
    const char *text = NULL;
    size_t n;
    int rc = r->api->secret(node, attribute, &text);

    if (rc == XMB_ENOENT)
        return r->api->fault(node, "<%s> needs %s or %s-file", r->api->name(node), attribute,
                             attribute);
    if (rc < 0)
        return rc;
    if (se_conf_is(r, node, "encryption", "7")) {
        rc = se_type7_decode(text, plain, sizeof(plain));
        if (rc < 0)
            return r->api->fault(node, "the %s of <%s> is not a password of encryption 7 with 1 to "
                                       "%d octets",
                                 attribute, r->api->name(node), SE_PASSWORD_BYTES_MAX);
        rc = keep(plain, (size_t)rc, out);
        explicit_bzero(plain, sizeof(plain));
        return rc;
    }
    n = strlen(text);
    if (n == 0 || n > SE_PASSWORD_BYTES_MAX)
        return r->api->fault(node, "the %s of <%s> has %zu octets; 1 to %d are allowed", attribute,
                             r->api->name(node), n, SE_PASSWORD_BYTES_MAX);
    return keep(text, n, out);
}

void se_conf_free_chain(struct se_chain *chain)
{
    size_t i;

    for (i = 0; i < chain->count; i++) {
        char *password = (char *)(uintptr_t)chain->keys[i].password.p;

        if (password != NULL)
            explicit_bzero(password, chain->keys[i].password.n);
        free(password);
    }
    free(chain->keys);
}

/* --- key chains ------------------------------------------------------------------------------- */

static int read_lifetime(const struct se_reader *r, const struct xmb_conf *node, const char *from,
                         const char *until, int64_t *from_s, int64_t *until_s)
{
    int rc;

    *from_s = 0;
    *until_s = SE_TIME_FOREVER;
    rc = se_conf_time(r, node, from, from_s);
    se_conf_worst(&rc, se_conf_time(r, node, until, until_s));
    if (rc == 0 && *until_s <= *from_s)
        rc = r->api->fault(node, "%s is not later than %s: the key would never be used", until,
                           from);
    return rc;
}

static int check_id(const struct se_reader *r, const struct xmb_conf *node,
                    const struct se_chain *chain)
{
    size_t i;

    for (i = 0; i + 1 < chain->count; i++)
        if (chain->keys[i].id == chain->keys[chain->count - 1].id)
            return r->api->fault(node, "key chain \"%s\" has two keys with the id %u", chain->name,
                                 chain->keys[i].id);
    return 0;
}

static int read_key(const struct se_reader *r, const struct xmb_conf *node, struct se_chain *chain)
{
    struct se_key *key = &chain->keys[chain->count++];
    uint64_t id = 0;
    int rc = r->api->number(node, "id", 0, SE_KEY_ID_MAX, &id);

    key->id = (uint32_t)id;
    if (rc == 0)
        rc = check_id(r, node, chain);
    se_conf_worst(&rc, read_password(r, node, "string", &key->password));
    se_conf_worst(&rc, read_lifetime(r, node, "send-from", "send-until", &key->send_from_s,
                                     &key->send_until_s));
    se_conf_worst(&rc, read_lifetime(r, node, "accept-from", "accept-until", &key->accept_from_s,
                                     &key->accept_until_s));
    return rc;
}

static const struct se_chain *chain_of(const struct se_conf *c, const char *name)
{
    size_t i;

    for (i = 0; i < c->chain_count; i++)
        if (c->chains[i].name[0] != '\0' && strcmp(c->chains[i].name, name) == 0)
            return &c->chains[i];
    return NULL;
}

static int read_chain(const struct se_reader *r, const struct xmb_conf *node, size_t *total)
{
    const char *name = r->api->text(node, "name", "");
    int is_twice = chain_of(r->conf, name) != NULL;
    struct se_chain *chain = &r->conf->chains[r->conf->chain_count++];
    size_t n = se_conf_count(r, node, "key");
    const struct xmb_conf *e;
    int rc = se_conf_name(r, node, "name", chain->name, sizeof(chain->name));

    if (is_twice)
        se_conf_worst(&rc, r->api->fault(node, "key chain \"%s\" is here a second time", name));
    *total += n;
    if (*total > SE_KEYS_MAX)
        return r->api->fault(node, "the key chains have more than %d keys up to here",
                             SE_KEYS_MAX);
    chain->keys = calloc(n + 1, sizeof(*chain->keys));
    if (chain->keys == NULL)
        return XMB_ENOMEM;
    for (e = r->api->child(node, "key"); e != NULL; e = r->api->next(e, "key"))
        se_conf_worst(&rc, read_key(r, e, chain));
    return rc;
}

/* <authentication> elements, of which each may need a chain. */
static size_t own_chains(const struct se_reader *r)
{
    const struct xmb_conf *family, *iface;
    size_t n = 0;

    for (family = r->api->child(r->root, "service-family"); family != NULL;
         family = r->api->next(family, "service-family"))
        for (iface = r->api->child(family, "sf-interface"); iface != NULL;
             iface = r->api->next(iface, "sf-interface"))
            n += se_conf_count(r, iface, "authentication");
    return n;
}

int se_conf_read_chains(const struct se_reader *r)
{
    size_t total = 0, n = se_conf_count(r, r->root, "key-chain");
    const struct xmb_conf *e;
    int rc = 0;

    if (n > SE_CHAINS_MAX)
        return r->api->fault(r->root, "there are %zu key chains; %d are the most", n,
                             SE_CHAINS_MAX);
    r->conf->chains = calloc(n + own_chains(r) + 1, sizeof(*r->conf->chains));
    if (r->conf->chains == NULL)
        return XMB_ENOMEM;
    for (e = r->api->child(r->root, "key-chain"); e != NULL; e = r->api->next(e, "key-chain"))
        se_conf_worst(&rc, read_chain(r, e, &total));
    return rc;
}

/* --- the authentication of an interface ------------------------------------------------------- */

static enum se_auth_mode mode_of(const struct se_reader *r, const struct xmb_conf *node)
{
    if (se_conf_is(r, node, "mode", "md5"))
        return SE_AUTH_MD5;
    return se_conf_is(r, node, "mode", "none") ? SE_AUTH_NONE : SE_AUTH_SHA256;
}

static int has(const struct se_reader *r, const struct xmb_conf *node, const char *attribute)
{
    return r->api->text(node, attribute, NULL) != NULL;
}

/* A chain of one key that is always valid. */
static int read_own_key(const struct se_reader *r, const struct xmb_conf *node,
                        const struct se_chain **out)
{
    struct se_chain *chain = &r->conf->chains[r->conf->chain_count++];
    uint64_t id = SE_KEY_ID_DEFAULT;
    int rc;

    chain->keys = calloc(1, sizeof(*chain->keys));
    if (chain->keys == NULL)
        return XMB_ENOMEM;
    chain->count = 1;
    chain->keys[0].send_until_s = chain->keys[0].accept_until_s = SE_TIME_FOREVER;
    rc = r->api->number(node, "key-id", 0, SE_KEY_ID_MAX, &id);
    chain->keys[0].id = (uint32_t)id;
    se_conf_worst(&rc, read_password(r, node, "key", &chain->keys[0].password));
    *out = chain;
    return rc;
}

static int use_chain(const struct se_reader *r, const struct xmb_conf *node,
                     const struct se_chain **out)
{
    const char *name = r->api->text(node, "key-chain", "");

    if (has(r, node, "key") || has(r, node, "key-file") || has(r, node, "key-id") ||
        has(r, node, "encryption"))
        return r->api->fault(node, "<authentication> has key-chain and a key; leave one out");
    *out = chain_of(r->conf, name);
    if (*out == NULL)
        return r->api->fault(node, "attribute 'key-chain' of <authentication> is '%s', but there "
                                   "is no <key-chain> of that name",
                             name);
    return 0;
}

static int check_lengths(const struct se_reader *r, const struct xmb_conf *node,
                         const struct se_chain *chain)
{
    size_t i;
    int rc = 0;

    for (i = 0; i < chain->count; i++)
        if (chain->keys[i].password.n > SE_PASSWORD_SHA256_BYTES_MAX)
            se_conf_worst(&rc, r->api->fault(
                                   node, "key %u has %zu octets; with hmac-sha-256 1 to %d are "
                                         "allowed",
                                   chain->keys[i].id, chain->keys[i].password.n,
                                   SE_PASSWORD_SHA256_BYTES_MAX));
    return rc;
}

static int check_none(const struct se_reader *r, const struct xmb_conf *node)
{
    if (has(r, node, "key") || has(r, node, "key-file") || has(r, node, "key-chain") ||
        has(r, node, "key-id") || has(r, node, "encryption"))
        return r->api->fault(node, "mode none has no key; leave the key or the mode out");
    return 0;
}

int se_conf_read_authentication(const struct se_reader *r, const struct xmb_conf *node,
                                struct se_iface_conf *out)
{
    enum se_auth_mode mode = mode_of(r, node);
    const struct se_chain *chain = NULL;
    int rc;

    if (mode == SE_AUTH_NONE)
        rc = check_none(r, node);
    else if (has(r, node, "key-chain"))
        rc = use_chain(r, node, &chain);
    else
        rc = read_own_key(r, node, &chain);
    if (rc == 0 && mode == SE_AUTH_SHA256)
        rc = check_lengths(r, node, chain);
    if (rc < 0)
        return rc;
    out->chain = chain;
    out->auth = (struct se_auth_policy){mode, chain != NULL ? chain->keys : NULL,
                                        chain != NULL ? chain->count : 0};
    return 0;
}
