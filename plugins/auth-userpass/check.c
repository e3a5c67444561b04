/* SPDX-License-Identifier: MIT */
/*
 * check.c - who is it? The answer to one question at AUTHENTICATE.
 *
 * Each mechanism is one function. A principal is made once for each user and
 * realm on each worker and shared by the sessions after that. Never looks at
 * anything but the request and its own tables, so it never waits.
 */
#include "auth.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <stdlib.h>

#define policy auth_host->policy
#define MD5_BYTES 16

struct auth_digest {
    EVP_MD *md5;
    EVP_MD_CTX *ctx;
};

struct auth_digest *auth_digest_new(void)
{
    struct auth_digest *d = calloc(1, sizeof(*d));

    if (d == NULL)
        return NULL;
    d->md5 = EVP_MD_fetch(NULL, "MD5", NULL);
    d->ctx = EVP_MD_CTX_new();
    if (d->md5 == NULL || d->ctx == NULL) {
        auth_digest_free(d);
        return NULL;
    }
    return d;
}

void auth_digest_free(struct auth_digest *d)
{
    if (d == NULL)
        return;
    EVP_MD_CTX_free(d->ctx);
    EVP_MD_free(d->md5);
    free(d);
}

/* MD5(username ":" realm ":" password), as RFC 8489, 9.2.2 has it. */
static int long_term_key(struct auth_digest *d, const struct user *u, struct xmb_str realm,
                         unsigned char key[MD5_BYTES])
{
    int ok = EVP_DigestInit_ex2(d->ctx, d->md5, NULL) == 1 &&
             EVP_DigestUpdate(d->ctx, u->name, u->name_bytes) == 1 &&
             EVP_DigestUpdate(d->ctx, ":", 1) == 1 &&
             EVP_DigestUpdate(d->ctx, realm.p, realm.n) == 1 &&
             EVP_DigestUpdate(d->ctx, ":", 1) == 1 &&
             EVP_DigestUpdate(d->ctx, u->password, u->password_bytes) == 1 &&
             EVP_DigestFinal_ex(d->ctx, key, NULL) == 1;

    EVP_MD_CTX_reset(d->ctx); /* the password was in it */
    return ok ? 0 : XMB_EIO;
}

/* --- principals ------------------------------------------------------------------------------ */

static struct xmb_principal *make(const struct user *u, struct xmb_str key)
{
    struct xmb_principal *p =
        policy->principal_new((struct xmb_str){u->name, u->name_bytes}, key);

    if (p == NULL)
        return NULL;
    if (u->domain != 0) {
        policy->principal_set(p, XMB_SETTING_DOMAIN, u->domain);
        policy->principal_set(p, XMB_SETTING_DOMAIN_ONLY, u->domain_only);
    }
    policy->principal_set(p, XMB_SETTING_NONCE, u->nonce);
    policy->principal_set(p, XMB_SETTING_NONCE_LIFETIME_MS, u->nonce_lifetime_ms);
    policy->principal_set(p, XMB_SETTING_KEEPALIVE_MS, u->keepalive_ms);
    return p;
}

/* A reference to the principal without a key. */
static struct xmb_principal *plain(struct auth_worker *aw, const struct user *u)
{
    struct made *made = aw->made != NULL ? &aw->made[u->index] : NULL;
    struct xmb_principal *p;

    if (made != NULL && made->plain != NULL)
        return policy->principal_hold(made->plain);
    p = make(u, (struct xmb_str){NULL, 0});
    if (p != NULL && made != NULL)
        made->plain = policy->principal_hold(p);
    return p;
}

static int is_for(const struct made *made, struct xmb_str realm)
{
    return made->keyed != NULL && made->realm_bytes == realm.n &&
           memcmp(made->realm, realm.p, realm.n) == 0;
}

/* A reference to the principal with the key for `realm`; one realm of each user is remembered. */
static struct xmb_principal *keyed(struct auth_worker *aw, const struct user *u,
                                   struct xmb_str realm)
{
    struct made *made = aw->made != NULL ? &aw->made[u->index] : NULL;
    unsigned char key[MD5_BYTES];
    struct xmb_principal *p = NULL;

    if (made != NULL && is_for(made, realm))
        return policy->principal_hold(made->keyed);
    if (long_term_key(aw->digest, u, realm, key) == 0)
        p = make(u, (struct xmb_str){(const char *)key, sizeof(key)});
    OPENSSL_cleanse(key, sizeof(key));
    if (p != NULL && made != NULL) {
        policy->principal_release(made->keyed);
        made->keyed = policy->principal_hold(p);
        made->realm_bytes = (uint8_t)realm.n;
        memcpy(made->realm, realm.p, realm.n);
    }
    return p;
}

void auth_forget(struct auth_worker *aw)
{
    uint32_t i;

    if (aw->made == NULL)
        return;
    for (i = 0; i < aw->users->count; i++) {
        policy->principal_release(aw->made[i].keyed);
        policy->principal_release(aw->made[i].plain);
    }
    free(aw->made);
    aw->made = NULL;
}

/* --- mechanisms ------------------------------------------------------------------------------ */

static int deny(struct auth_worker *aw, struct xmb_answer *answer, enum auth_metric metric,
                uint32_t reason, const char *text)
{
    aw->cells[metric]++;
    answer->reason = reason;
    answer->text = text;
    return XMB_DENY;
}

static int allow(struct auth_worker *aw, struct xmb_answer *answer, enum auth_metric metric,
                 struct xmb_principal *p)
{
    if (p == NULL) {
        answer->text = "out of memory, or libcrypto refuses MD5";
        return XMB_ENOMEM;
    }
    aw->cells[metric]++;
    answer->principal = p;
    return XMB_ALLOW;
}

static int anonymous(struct auth_worker *aw, struct xmb_answer *answer)
{
    const struct user *u = aw->users->anonymous;

    if (u == NULL)
        return deny(aw, answer, METRIC_REQUIRED, XMB_DENY_REQUIRED,
                    "there is no unauthenticated client in the configuration");
    return allow(aw, answer, METRIC_ANONYMOUS, plain(aw, u));
}

/* Takes the same time whatever differs, and wherever. */
static int is_password(const struct user *u, struct xmb_str offered)
{
    char padded[AUTH_PASSWORD_BYTES] = {0};
    size_t n = offered.n < sizeof(padded) ? offered.n : sizeof(padded) - 1;
    int differs;

    if (n > 0)
        memcpy(padded, offered.p, n);
    differs = CRYPTO_memcmp(padded, u->password, sizeof(padded));
    differs |= offered.n != u->password_bytes;
    OPENSSL_cleanse(padded, sizeof(padded));
    return !differs;
}

static int named(struct auth_worker *aw, const struct xmb_request *request,
                 struct xmb_answer *answer)
{
    const struct user *u = users_find(aw->users, request->username);

    if (u == NULL)
        return deny(aw, answer, METRIC_UNKNOWN, XMB_DENY_UNKNOWN_USER,
                    "it is not in the configuration");
    if (request->mechanism == XMB_MECH_PLAIN) {
        if (!is_password(u, request->password))
            return deny(aw, answer, METRIC_WRONG, XMB_DENY_CREDENTIALS, "wrong password");
        return allow(aw, answer, METRIC_KNOWN, plain(aw, u));
    }
    if (request->realm.n == 0 || request->realm.n > AUTH_REALM_MAX) {
        answer->text = "the realm is empty or longer than 255 octets";
        return XMB_EINVAL;
    }
    return allow(aw, answer, METRIC_KNOWN, keyed(aw, u, request->realm));
}

int auth_check(void *wself, const struct xmb_request *request, struct xmb_answer *answer,
               struct xmb_ticket *ticket)
{
    struct auth_worker *aw = wself;

    (void)ticket; /* never needed: the answer is always at hand */
    switch (request->mechanism) {
    case XMB_MECH_ANONYMOUS:
        return anonymous(aw, answer);
    case XMB_MECH_LONG_TERM_KEY:
    case XMB_MECH_PLAIN:
        return named(aw, request, answer);
    default:
        return XMB_ABSTAIN; /* not a mechanism of ours */
    }
}
