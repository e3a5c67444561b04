/* SPDX-License-Identifier: MIT */
/*
 * mac.c - keys and MESSAGE-INTEGRITY.
 *
 * HMAC hashes a key block in front of the text, and one more around the result. Both blocks are
 * the same for every message of a session, so the hash states behind them are kept (26 words for
 * both digests) and each message starts from a copy. That takes OpenSSL's SHA1_Update and
 * SHA256_Update, marked deprecated in OpenSSL 3 but the only ones whose state can be held without
 * an allocation: an EVP_MAC_CTX is kilobytes a session, and copying or fetching one costs more
 * than hashing a message does. The assembler behind both interfaces is the same.
 *
 * Cisco's padding: the covered text is followed by zeros, as many as bring it to the next multiple
 * of 64 at or above the size of the finished message. The header says how long that message is,
 * and the HMAC covers the header: no text has a padded and an unpadded reading.
 */
#define OPENSSL_SUPPRESS_DEPRECATED
#include <assert.h>
#include <string.h>

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/sha.h>

#include "wire.h"
#include "xmcp.h"

#define BLOCK_BYTES 64
#define MAC_MAGIC 0x786d6163u
#define USER_AND_PASSWORD_BYTES_MAX 1000

/* What struct xmcp_mac holds behind its opaque words. */
struct keyed {
    uint32_t magic;
    uint32_t sha1_inner[5];
    uint32_t sha1_outer[5];
    uint32_t sha256_inner[8];
    uint32_t sha256_outer[8];
    uint32_t spare;
};

_Static_assert(sizeof(struct keyed) == sizeof(struct xmcp_mac), "struct xmcp_mac changed size");

static const uint8_t zeros[2 * BLOCK_BYTES];

/* A hash in progress, of either digest. */
struct hash {
    uint8_t digest; /* XMCP_DIGEST_* */
    union {
        SHA_CTX sha1;
        SHA256_CTX sha256;
    } u;
};

static void sha1_save(const SHA_CTX *ctx, uint32_t state[5])
{
    state[0] = ctx->h0;
    state[1] = ctx->h1;
    state[2] = ctx->h2;
    state[3] = ctx->h3;
    state[4] = ctx->h4;
}

/* The state behind one whole block. */
static void sha1_resume(SHA_CTX *ctx, const uint32_t state[5])
{
    ctx->h0 = state[0];
    ctx->h1 = state[1];
    ctx->h2 = state[2];
    ctx->h3 = state[3];
    ctx->h4 = state[4];
    ctx->Nl = BLOCK_BYTES * 8;
    ctx->Nh = 0;
    ctx->num = 0;
}

static void sha256_resume(SHA256_CTX *ctx, const uint32_t state[8])
{
    int i;

    for (i = 0; i < 8; i++)
        ctx->h[i] = state[i];
    ctx->Nl = BLOCK_BYTES * 8;
    ctx->Nh = 0;
    ctx->num = 0;
    ctx->md_len = SHA256_DIGEST_LENGTH;
}

static void hash_update(struct hash *hash, const void *data, size_t bytes)
{
    if (bytes == 0)
        return;
    if (hash->digest == XMCP_DIGEST_SHA1)
        SHA1_Update(&hash->u.sha1, data, bytes);
    else
        SHA256_Update(&hash->u.sha256, data, bytes);
}

static size_t hash_final(struct hash *hash, uint8_t out[32])
{
    if (hash->digest == XMCP_DIGEST_SHA1) {
        SHA1_Final(out, &hash->u.sha1);
        return SHA_DIGEST_LENGTH;
    }
    SHA256_Final(out, &hash->u.sha256);
    return SHA256_DIGEST_LENGTH;
}

static const struct keyed *keyed_of(const struct xmcp_mac *mac)
{
    const struct keyed *keyed = (const struct keyed *)(const void *)mac->opaque_;

    assert(keyed->magic == MAC_MAGIC);
    return keyed;
}

static void inner_begin(struct hash *hash, const struct keyed *keyed, uint8_t digest)
{
    hash->digest = digest;
    if (digest == XMCP_DIGEST_SHA1)
        sha1_resume(&hash->u.sha1, keyed->sha1_inner);
    else
        sha256_resume(&hash->u.sha256, keyed->sha256_inner);
}

/* Ends the inner hash and runs the outer one over it. */
static size_t outer_finish(struct hash *hash, const struct keyed *keyed, uint8_t out[32])
{
    size_t bytes = hash_final(hash, out);

    if (hash->digest == XMCP_DIGEST_SHA1)
        sha1_resume(&hash->u.sha1, keyed->sha1_outer);
    else
        sha256_resume(&hash->u.sha256, keyed->sha256_outer);
    hash_update(hash, out, bytes);
    return hash_final(hash, out);
}

/* Zeros that Cisco's form puts behind `covered` octets of text. At most 99. */
static size_t padding_bytes(size_t covered, uint8_t digest)
{
    struct xmcp_form form = {digest, XMCP_PADDING_64};
    size_t whole = covered + xmcp_integrity_bytes(form);

    return (whole + BLOCK_BYTES - 1) / BLOCK_BYTES * BLOCK_BYTES - covered;
}

int xmcp_key_derive(const char *user, const char *password, uint8_t key[XMCP_KEY_BYTES])
{
    char text[USER_AND_PASSWORD_BYTES_MAX + 8];
    size_t user_bytes;
    size_t password_bytes;
    int ok;

    if (user == NULL || password == NULL)
        return XMCP_EINVAL;
    user_bytes = strlen(user);
    password_bytes = strlen(password);
    if (user_bytes > USER_AND_PASSWORD_BYTES_MAX ||
        password_bytes > USER_AND_PASSWORD_BYTES_MAX - user_bytes)
        return XMCP_EINVAL;
    memcpy(text, user, user_bytes);
    memcpy(text + user_bytes, ":SAF:", 5);
    memcpy(text + user_bytes + 5, password, password_bytes);
    ok = EVP_Digest(text, user_bytes + 5 + password_bytes, key, NULL, EVP_md5(), NULL);
    OPENSSL_cleanse(text, sizeof(text));
    return ok == 1 ? 0 : XMCP_ENOMEM;
}

/* Hashes the key block, the key mixed with `mix`, and keeps the two states. */
static void key_states(const uint8_t key[XMCP_KEY_BYTES], uint8_t mix, uint32_t sha1_state[5],
                       uint32_t sha256_state[8])
{
    uint8_t block[BLOCK_BYTES];
    SHA_CTX sha1;
    SHA256_CTX sha256;
    int i;

    memset(block, mix, sizeof(block));
    for (i = 0; i < XMCP_KEY_BYTES; i++)
        block[i] ^= key[i];
    SHA1_Init(&sha1);
    SHA1_Update(&sha1, block, sizeof(block));
    sha1_save(&sha1, sha1_state);
    SHA256_Init(&sha256);
    SHA256_Update(&sha256, block, sizeof(block));
    for (i = 0; i < 8; i++)
        sha256_state[i] = sha256.h[i];
    OPENSSL_cleanse(block, sizeof(block));
    OPENSSL_cleanse(&sha1, sizeof(sha1));
    OPENSSL_cleanse(&sha256, sizeof(sha256));
}

void xmcp_mac_init(struct xmcp_mac *mac, const uint8_t key[XMCP_KEY_BYTES])
{
    struct keyed *keyed = (struct keyed *)(void *)mac->opaque_;

    memset(keyed, 0, sizeof(*keyed));
    key_states(key, 0x36, keyed->sha1_inner, keyed->sha256_inner);
    key_states(key, 0x5c, keyed->sha1_outer, keyed->sha256_outer);
    keyed->magic = MAC_MAGIC;
}

void xmcp_mac_clear(struct xmcp_mac *mac)
{
    OPENSSL_cleanse(mac, sizeof(*mac));
}

int xmcp_mac_sign(const struct xmcp_mac *mac, struct xmcp_form form,
                  const struct xmcp_view *pieces, size_t piece_count, uint8_t digest[32])
{
    const struct keyed *keyed = keyed_of(mac);
    struct hash hash;
    size_t covered = 0;
    size_t i;

    if (xmcp_integrity_bytes(form) == 0 || form.padding > XMCP_PADDING_64)
        return XMCP_EINVAL;
    inner_begin(&hash, keyed, form.digest);
    for (i = 0; i < piece_count; i++) {
        hash_update(&hash, pieces[i].data, pieces[i].bytes);
        covered += pieces[i].bytes;
    }
    if (form.padding == XMCP_PADDING_64)
        hash_update(&hash, zeros, padding_bytes(covered, form.digest));
    return (int)outer_finish(&hash, keyed, digest);
}

int xmcp_mac_verify(const struct xmcp_mac *mac, const void *data, const struct xmcp_msg *msg,
                    struct xmcp_form *matched)
{
    const struct keyed *keyed = keyed_of(mac);
    struct xmcp_form form = {XMCP_DIGEST_SHA1, XMCP_PADDING_NONE};
    struct hash hash;
    struct hash unpadded;
    uint8_t expected[32];

    if (!(msg->have & XMCP_HAVE_INTEGRITY))
        return XMCP_EAUTH;
    if (msg->integrity.bytes == SHA256_DIGEST_LENGTH)
        form.digest = XMCP_DIGEST_SHA256;
    inner_begin(&hash, keyed, form.digest);
    hash_update(&hash, data, msg->integrity_offset);
    unpadded = hash; /* the padded text only goes on from here */
    outer_finish(&unpadded, keyed, expected);
    if (CRYPTO_memcmp(expected, msg->integrity.data, msg->integrity.bytes) != 0) {
        form.padding = XMCP_PADDING_64;
        hash_update(&hash, zeros, padding_bytes(msg->integrity_offset, form.digest));
        outer_finish(&hash, keyed, expected);
        if (CRYPTO_memcmp(expected, msg->integrity.data, msg->integrity.bytes) != 0)
            return XMCP_EAUTH;
    }
    if (matched != NULL)
        *matched = form;
    return 0;
}
