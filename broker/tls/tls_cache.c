/* SPDX-License-Identifier: MIT */
/*
 * tls_cache.c - sessions that we, as client, may resume.
 *
 * One table for the process, under a lock that is taken once a dial and once a ticket. It is a
 * few places for each of a fixed number of rows, and a new session takes the oldest place of its
 * row: the memory is bounded, and nothing is searched for.
 *
 * A key is a digest of the context (so a reload that changes a profile forgets), the plugin's
 * text, the name and the TLSA records. A ticket of TLS 1.3 is used once (RFC 8446, C.4).
 */
#include "tls/tls_priv.h"

#include <openssl/err.h>
#include <openssl/evp.h>
#include <pthread.h>
#include <string.h>
#include <time.h>
#include <xmb/routing.h>

#define ROWS 256 /* picked by one octet of the digest */
#define PLACES 4
#define LIFETIME_MAX_S 86400

struct place {
    SSL_SESSION *session; /* a reference; NULL: free */
    enum xmb_dane dane;
    uint32_t usage;
    uint64_t age; /* the larger, the younger */
    unsigned char key[TLS_DIGEST_BYTES];
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct place table[ROWS][PLACES]; /* under `lock`, with `born` */
static uint64_t born;

/* --- keys ----------------------------------------------------------------------------------- */

static int digest_octets(EVP_MD_CTX *md, const void *p, size_t n)
{
    uint64_t length = n;

    return EVP_DigestUpdate(md, &length, sizeof(length)) == 1 &&
           (n == 0 || EVP_DigestUpdate(md, p, n) == 1);
}

static int digest_text(EVP_MD_CTX *md, const char *text)
{
    return text != NULL ? digest_octets(md, text, strlen(text)) : digest_octets(md, NULL, 0);
}

static int digest_tlsa(EVP_MD_CTX *md, const struct xmb_tls_setup *setup)
{
    uint32_t i;

    for (i = 0; setup->tlsa != NULL && i < setup->tlsa_count && i < TLS_TLSA_MAX; i++) {
        const struct xmb_tlsa *r = xmb_tlsa_at(setup->tlsa, i);
        const unsigned char head[] = {r->usage, r->selector, r->matching};

        if (!digest_octets(md, head, sizeof(head)) || !digest_octets(md, r->data.p, r->data.n))
            return 0;
    }
    return 1;
}

static int make_key(uint64_t generation, const struct xmb_tls_setup *setup,
                    unsigned char key[TLS_DIGEST_BYTES])
{
    EVP_MD_CTX *md = EVP_MD_CTX_new();
    int ok = md != NULL && EVP_DigestInit_ex(md, EVP_sha256(), NULL) == 1 &&
             digest_octets(md, &generation, sizeof(generation)) &&
             digest_text(md, setup->session) && digest_text(md, setup->name) &&
             digest_tlsa(md, setup) && EVP_DigestFinal_ex(md, key, NULL) == 1;

    EVP_MD_CTX_free(md);
    return ok ? 0 : XMB_ENOMEM;
}

/* --- the table ------------------------------------------------------------------------------ */

/* The place that has `key`; else the one to fill, which is free or the oldest. Under the lock. */
static struct place *place_of(const unsigned char *key)
{
    struct place *row = table[key[0]], *best = &row[0];
    size_t i;

    for (i = 0; i < PLACES; i++) {
        if (row[i].session != NULL && memcmp(row[i].key, key, TLS_DIGEST_BYTES) == 0)
            return &row[i];
        if (row[i].session == NULL ? best->session != NULL
                                   : best->session != NULL && row[i].age < best->age)
            best = &row[i];
    }
    return best;
}

/* Takes `new->session` over. */
static void put(const struct place *new)
{
    struct place *p;
    SSL_SESSION *old;

    pthread_mutex_lock(&lock);
    p = place_of(new->key);
    old = p->session;
    *p = *new;
    p->age = ++born;
    pthread_mutex_unlock(&lock);
    SSL_SESSION_free(old);
}

static int is_fresh(const SSL_SESSION *session)
{
    long lived_s = (long)time(NULL) - SSL_SESSION_get_time(session);
    unsigned long hint_s = SSL_SESSION_get_ticket_lifetime_hint(session);

    return lived_s >= 0 && lived_s < LIFETIME_MAX_S &&
           lived_s < SSL_SESSION_get_timeout(session) &&
           (hint_s == 0 || (unsigned long)lived_s < hint_s) && SSL_SESSION_is_resumable(session);
}

/* A reference of the caller's, or NULL. What records said of it goes into `note`. */
static SSL_SESSION *take(struct tls_note *note)
{
    SSL_SESSION *session = NULL;
    struct place *p;

    pthread_mutex_lock(&lock);
    p = place_of(note->key);
    if (p->session != NULL && memcmp(p->key, note->key, TLS_DIGEST_BYTES) == 0) {
        session = p->session;
        note->was_dane = p->dane;
        note->was_usage = p->usage;
        if (SSL_SESSION_get_protocol_version(session) >= TLS1_3_VERSION || !is_fresh(session))
            p->session = NULL;
        else
            SSL_SESSION_up_ref(session);
    }
    pthread_mutex_unlock(&lock);
    if (session == NULL || is_fresh(session))
        return session;
    SSL_SESSION_free(session);
    return NULL;
}

void tls_cache_clear(void)
{
    size_t row, i;

    pthread_mutex_lock(&lock);
    for (row = 0; row < ROWS; row++)
        for (i = 0; i < PLACES; i++) {
            SSL_SESSION_free(table[row][i].session);
            table[row][i].session = NULL;
        }
    pthread_mutex_unlock(&lock);
}

/* --- with OpenSSL --------------------------------------------------------------------------- */

/* 1: the session was taken over. */
static int on_new_session(SSL *ssl, SSL_SESSION *session)
{
    const struct tls_note *note = tls_note_of(ssl);
    int good = tls_fault(ssl) == XMB_CERT_GOOD || !tls_context_of(SSL_get_SSL_CTX(ssl))->has_ca;
    struct place new = {.session = session};

    if (note == NULL || !note->keeps || !good || tls_dane(ssl) == XMB_DANE_MISMATCH)
        return 0;
    new.dane = tls_dane(ssl);
    new.usage = tls_dane_usage(ssl);
    memcpy(new.key, note->key, TLS_DIGEST_BYTES);
    put(&new);
    return 1;
}

void tls_cache_serve(SSL_CTX *client)
{
    SSL_CTX_set_session_cache_mode(client, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
    SSL_CTX_sess_set_new_cb(client, on_new_session);
}

int tls_cache_key(SSL *ssl, const struct xmb_tls_setup *setup)
{
    struct tls_note *note = tls_note_of(ssl);
    int rc;

    if (setup->session == NULL)
        return 0;
    rc = make_key(tls_context_of(SSL_get_SSL_CTX(ssl))->generation, setup, note->key);
    note->keeps = rc == 0;
    return rc;
}

void tls_resume(SSL *ssl)
{
    struct tls_note *note = tls_note_of(ssl);
    SSL_SESSION *session = note->keeps ? take(note) : NULL;

    if (session != NULL)
        SSL_set_session(ssl, session);
    SSL_SESSION_free(session);
    ERR_clear_error();
}
