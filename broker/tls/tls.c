/* SPDX-License-Identifier: MIT */
/*
 * tls.c - the table of TLS profiles.
 *
 * A profile whose settings and files are as they were is taken over with its contexts.
 * The table of the committed configuration is replaced as a whole under a
 * lock; a session takes what it needs from it under the same lock, which is
 * once a connection. Old contexts live as long as a connection uses them, by
 * OpenSSL's own counts.
 */
#include "conf/conf.h"
#include "tls/tls_priv.h"

#include <openssl/err.h>
#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

struct tls_next {
    size_t count;
    size_t taken_over; /* of them, profiles that are as they were */
    struct tls_profile list[];
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct tls_next *current; /* under `lock` */
/* Between prepare and commit or abort. Of the control thread alone, so that others see none. */
static _Thread_local const struct tls_next *preparing;
static _Thread_local int faulty;

static void table_free(struct tls_next *t)
{
    size_t i;

    if (t == NULL)
        return;
    for (i = 0; i < t->count; i++)
        tls_profile_fini(&t->list[i]);
    free(t);
}

static const struct tls_profile *find(const struct tls_next *t, const char *name)
{
    size_t i;

    if (t == NULL || name == NULL)
        return NULL;
    for (i = 0; i < t->count; i++)
        if (strcmp(t->list[i].name, name) == 0)
            return &t->list[i];
    return NULL;
}

/* 1: the running profile says the same, and its contexts are `p`'s too now. */
static int take_over(struct tls_profile *p)
{
    const struct tls_profile *old = find(current, p->name); /* only this thread replaces it */

    if (old == NULL || memcmp(old->digest, p->digest, sizeof(p->digest)) != 0)
        return 0;
    p->client = old->client;
    p->server = old->server;
    SSL_CTX_up_ref(p->client);
    if (p->server != NULL)
        SSL_CTX_up_ref(p->server);
    return 1;
}

static int add(struct tls_next *t, const struct xmb_conf *node)
{
    const char *name = conf_api.text(node, "name", NULL);
    struct tls_profile *p = &t->list[t->count];
    int rc;

    if (name == NULL || name[0] == '\0')
        return conf_api.fault(node, "<tls> needs a name");
    if (find(t, name) != NULL)
        return conf_api.fault(node, "there is another <tls name=\"%s\"/>", name);
    p->name = strdup(name);
    if (p->name == NULL)
        return XMB_ENOMEM;
    t->count++;
    if (tls_profile_digest(node, p->digest) == 0 && take_over(p)) {
        t->taken_over++;
        return 0;
    }
    rc = tls_profile_init(p, node);
    ERR_clear_error();
    return rc;
}

int tls_prepare(const struct xmb_conf *broker, struct tls_next **next)
{
    const struct xmb_conf *node;
    struct tls_next *t;
    size_t room = 0;
    int one, rc = 0;

    for (node = conf_api.child(broker, "tls"); node != NULL; node = conf_api.next(node, "tls"))
        room++;
    t = calloc(1, sizeof(*t) + room * sizeof(t->list[0]));
    if (t == NULL)
        return XMB_ENOMEM;
    for (node = conf_api.child(broker, "tls"); node != NULL; node = conf_api.next(node, "tls")) {
        one = add(t, node);
        rc = one < 0 ? one : rc;
    }
    faulty = rc < 0;
    preparing = rc < 0 ? NULL : t;
    if (rc < 0)
        table_free(t);
    else
        *next = t;
    return rc;
}

void tls_abort(struct tls_next *next)
{
    preparing = NULL;
    faulty = 0;
    table_free(next);
}

void tls_commit(struct tls_next *next)
{
    struct tls_next *old;

    preparing = NULL;
    pthread_mutex_lock(&lock);
    old = current;
    current = next;
    pthread_mutex_unlock(&lock);
    table_free(old);
}

void tls_fini(void)
{
    tls_commit(NULL);
    tls_cache_clear();
}

int tls_known(const struct tls_next *next, const char *profile)
{
    return find(next, profile) != NULL;
}

int tls_serves(const struct tls_next *next, const char *profile)
{
    const struct tls_profile *p = find(next, profile);

    return p != NULL && p->server != NULL;
}

int tls_changes(const struct tls_next *next)
{
    return next->taken_over != next->count || (current != NULL && current->count != next->count);
}

int tls_context_get(const char *profile, int is_client, int next, SSL_CTX **out)
{
    const struct tls_profile *p;

    *out = NULL;
    if (next && faulty)
        return XMB_ECONF;
    pthread_mutex_lock(&lock);
    p = find(next && preparing != NULL ? preparing : current, profile);
    if (p != NULL)
        *out = is_client ? p->client : p->server;
    if (*out != NULL)
        SSL_CTX_up_ref(*out);
    pthread_mutex_unlock(&lock);
    return *out != NULL ? 0 : XMB_ENOENT;
}

int tls_session(const struct xmb_tls_setup *setup, enum tls_role role, SSL **out)
{
    SSL_CTX *ctx;
    int rc = tls_context_get(setup->profile, role == TLS_CLIENT, 0, &ctx);

    if (rc == 0)
        rc = tls_session_of(ctx, setup, role, out);
    SSL_CTX_free(ctx);
    return rc;
}

/* Both contexts of a profile trust the same, and that of the client is always there. */
int tls_recheck(SSL *ssl, const char *profile)
{
    struct tls_note *note = tls_note_of(ssl);
    const char *name = profile != NULL ? profile : note->profile;
    SSL_CTX *ctx;
    int rc = tls_context_get(name, !SSL_is_server(ssl), 0, &ctx);

    if (rc == XMB_ENOENT)
        rc = tls_context_get(name, 1, 0, &ctx);
    if (rc == 0 && tls_context_of(ctx)->generation != note->judged) {
        tls_trust_again(ssl, ctx);
        note->judged = tls_context_of(ctx)->generation;
    }
    SSL_CTX_free(ctx);
    return rc;
}
