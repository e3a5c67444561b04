/* SPDX-License-Identifier: MIT */
/*
 * tls_note.c - what the core hangs on OpenSSL's objects.
 *
 * A context outlives its profile when a reload comes between accept and handshake, so what
 * its callbacks need belongs to it; an SSL carries what was asked of it. OpenSSL frees both.
 */
#include "tls/tls_priv.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

static int context_index, note_index;
static pthread_once_t once = PTHREAD_ONCE_INIT;

static void context_free(void *parent, void *p, CRYPTO_EX_DATA *data, int index, long argl,
                         void *argp)
{
    struct tls_context *context = p;

    (void)parent;
    (void)data;
    (void)index;
    (void)argl;
    (void)argp;
    if (context == NULL)
        return;
    free(context->alpn);
    tls_identities_free(context);
    free(context);
}

static void note_free(void *parent, void *p, CRYPTO_EX_DATA *data, int index, long argl, void *argp)
{
    struct tls_note *note = p;

    (void)parent;
    (void)data;
    (void)index;
    (void)argl;
    (void)argp;
    if (note == NULL)
        return;
    free(note->profile);
    free(note->name);
    free(note->own);
    free(note->alpn);
    free(note);
}

static void init(void)
{
    context_index = SSL_CTX_get_ex_new_index(0, NULL, NULL, NULL, context_free);
    note_index = SSL_get_ex_new_index(0, NULL, NULL, NULL, note_free);
}

struct tls_context *tls_context_of(const SSL_CTX *ctx)
{
    return SSL_CTX_get_ex_data(ctx, context_index);
}

int tls_context_attach(SSL_CTX *ctx)
{
    static _Atomic uint64_t last;
    struct tls_context *context = calloc(1, sizeof(*context));

    pthread_once(&once, init);
    if (context == NULL)
        return XMB_ENOMEM;
    context->generation = atomic_fetch_add_explicit(&last, 1, memory_order_relaxed) + 1;
    if (context_index >= 0 && SSL_CTX_set_ex_data(ctx, context_index, context) == 1)
        return 0;
    free(context);
    return XMB_ENOMEM;
}

struct tls_note *tls_note_of(const SSL *ssl)
{
    return SSL_get_ex_data(ssl, note_index);
}

struct tls_note *tls_note_attach(SSL *ssl)
{
    struct tls_note *note = calloc(1, sizeof(*note));

    pthread_once(&once, init);
    if (note == NULL)
        return NULL;
    if (note_index >= 0 && SSL_set_ex_data(ssl, note_index, note) == 1)
        return note;
    free(note);
    return NULL;
}
