/* SPDX-License-Identifier: MIT */
/*
 * tls.c - the table of TLS profiles.
 *
 * The table of the committed configuration is replaced as a whole under a
 * lock; a session takes what it needs from it under the same lock, which is
 * once a connection. Old contexts live as long as a connection uses them, by
 * OpenSSL's own counts.
 */
#include "conf/conf.h"
#include "tls/tls_priv.h"

#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

struct tls_next {
    size_t count;
    struct tls_profile list[];
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct tls_next *current; /* under `lock` */

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
    if (rc < 0)
        table_free(t);
    else
        *next = t;
    return rc;
}

void tls_abort(struct tls_next *next)
{
    table_free(next);
}

void tls_commit(struct tls_next *next)
{
    struct tls_next *old;

    pthread_mutex_lock(&lock);
    old = current;
    current = next;
    pthread_mutex_unlock(&lock);
    table_free(old);
}

void tls_fini(void)
{
    tls_commit(NULL);
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

static SSL *session_of(const char *profile, int server)
{
    const struct tls_profile *p;
    SSL_CTX *ctx = NULL;
    SSL *ssl = NULL;

    pthread_mutex_lock(&lock);
    p = find(current, profile);
    if (p != NULL)
        ctx = server ? p->server : p->client;
    if (ctx != NULL)
        SSL_CTX_up_ref(ctx);
    pthread_mutex_unlock(&lock);
    if (ctx == NULL)
        return NULL;
    ssl = SSL_new(ctx);
    SSL_CTX_free(ctx);
    return ssl;
}

/* SNI carries names only (RFC 6066, section 3); an address is verified but not sent. */
static int client_name(SSL *ssl, const char *name)
{
    X509_VERIFY_PARAM *param = SSL_get0_param(ssl);
    char *sni = (char *)(uintptr_t)name; /* OpenSSL's macro has no const, and copies */

    if (X509_VERIFY_PARAM_set1_ip_asc(param, name) == 1)
        return 1;
    SSL_set_hostflags(ssl, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
    return SSL_set1_host(ssl, name) == 1 && SSL_set_tlsext_host_name(ssl, sni) == 1;
}

SSL *tls_session(const char *profile, int server, const char *name)
{
    SSL *ssl = session_of(profile, server);

    if (ssl == NULL) {
        ERR_clear_error();
        return NULL;
    }
    if (server)
        SSL_set_accept_state(ssl);
    else
        SSL_set_connect_state(ssl);
    if (!server && name != NULL && !client_name(ssl, name)) {
        SSL_free(ssl);
        ssl = NULL;
    }
    ERR_clear_error();
    return ssl;
}
