/* SPDX-License-Identifier: MIT */
/*
 * tlv_auth.c - the authentication TLV: MD5 and HMAC-SHA-256, signed and verified.
 *
 * Byte for byte what Cisco does, proven with published digests; RFC 7868 leaves it open. A packet
 * is hashed in pieces, with zeros for the checksum and the key or zeros for the digest, so that a
 * received one need not be copied or changed.
 *
 *   MD5       all but the packet's last 20 octets; the digest's slot holds the key, filled up to 16
 *             with zeros; a longer key shifts what follows
 *   SHA-256   HMAC over all octets; the slot holds zeros; the key is a line feed, the password and
 *             the sender's address as text, without zone (D20)
 *
 * The hash functions are OpenSSL's old ones, because the new ones allocate for each packet.
 */
#define OPENSSL_SUPPRESS_DEPRECATED
#include <arpa/inet.h>

#include <openssl/crypto.h>
#include <openssl/md5.h>
#include <openssl/sha.h>

#include "wire_priv.h"

#define MD5_TAIL_BYTES 20 /* octets at the end that MD5 does not cover */
#define BLOCK_BYTES 64

static const uint8_t zeros[SE_DIGEST_BYTES_MAX];

size_t se_auth_bytes(enum se_auth_mode mode)
{
    if (mode == SE_AUTH_MD5)
        return SE_AUTH_MD5_BYTES;
    return mode == SE_AUTH_SHA256 ? SE_AUTH_SHA256_BYTES : 0;
}

static size_t digest_bytes(enum se_auth_mode mode)
{
    return mode == SE_AUTH_MD5 ? MD5_DIGEST_LENGTH : SHA256_DIGEST_LENGTH;
}

int se__auth_usable(enum se_auth_mode mode, const struct se_key *key)
{
    if (mode == SE_AUTH_NONE)
        return 1;
    if (key == NULL || key->password.n == 0)
        return 0;
    if (mode == SE_AUTH_MD5)
        return key->password.n <= SE_PASSWORD_BYTES_MAX;
    return mode == SE_AUTH_SHA256 && key->password.n <= SE_PASSWORD_SHA256_BYTES_MAX;
}

int se_auth_read(const struct se_packet *packet, struct se_auth *out, enum se_reason *reason)
{
    const uint8_t *p;
    struct se_tlv tlv;
    size_t cursor = 0;
    unsigned type;
    int rc = se_tlv_next(packet, &cursor, &tlv, reason);

    if (rc != 1 || tlv.type != SE_TLV_AUTHENTICATION)
        return rc < 0 ? rc : 0;
    p = se__octets(tlv.value);
    if (tlv.value.n < 4)
        return se__fault(reason, SE_DROP_AUTH_LENGTH, XMB_EPROTO);
    type = get16(p);
    if (type != SE_AUTH_MD5 && type != SE_AUTH_SHA256)
        return se__fault(reason, SE_DROP_AUTH_TYPE, XMB_EPROTO);
    if (tlv.value.n + SE_TLV_HEAD_BYTES != se_auth_bytes(type) ||
        get16(p + 2) != digest_bytes(type))
        return se__fault(reason, SE_DROP_AUTH_LENGTH, XMB_EPROTO);
    out->mode = type;
    out->key_id = get32(p + 4);
    out->key_sequence = get32(p + 8);
    out->digest = se__view(packet->data + SE_DIGEST_AT, digest_bytes(type));
    return 1;
}

void se__auth_put(uint8_t *p, const struct se_signer *signer)
{
    memset(p, 0, se_auth_bytes(signer->mode));
    put16(p, SE_TLV_AUTHENTICATION);
    put16(p + 2, (unsigned)se_auth_bytes(signer->mode));
    put16(p + 4, signer->mode);
    put16(p + 6, (unsigned)digest_bytes(signer->mode));
    if (signer->mode == SE_AUTH_MD5)
        put32(p + 8, signer->key->id);
    put32(p + 12, signer->key->sequence);
}

/* Header and authentication TLV up to the digest, with a checksum of zero. */
static void front(const uint8_t *packet, uint8_t out[SE_DIGEST_AT])
{
    memcpy(out, packet, SE_DIGEST_AT);
    put16(out + 2, 0);
}

static void md5_digest(const uint8_t *packet, size_t bytes, struct xmb_str password,
                       uint8_t digest[SE_DIGEST_BYTES_MAX])
{
    uint8_t slot[SE_PASSWORD_BYTES_MAX] = {0};
    uint8_t head[SE_DIGEST_AT];
    size_t slot_bytes = password.n > MD5_DIGEST_LENGTH ? password.n : MD5_DIGEST_LENGTH;
    size_t covered = bytes - MD5_TAIL_BYTES;
    size_t behind = SE_DIGEST_AT + MD5_DIGEST_LENGTH;
    MD5_CTX ctx;

    front(packet, head);
    memcpy(slot, password.p, password.n);
    MD5_Init(&ctx);
    MD5_Update(&ctx, head, covered < SE_DIGEST_AT ? covered : SE_DIGEST_AT);
    if (covered >= behind) {
        MD5_Update(&ctx, slot, slot_bytes);
        MD5_Update(&ctx, packet + behind, covered - behind);
    } else if (covered > SE_DIGEST_AT) {
        MD5_Update(&ctx, slot, covered - SE_DIGEST_AT);
    }
    MD5_Final(digest, &ctx);
    OPENSSL_cleanse(slot, sizeof(slot));
    OPENSSL_cleanse(&ctx, sizeof(ctx));
}

/* The HMAC key as a block: line feed, password, address; hashed when it is longer than that. */
static void hmac_block(struct xmb_str password, const struct xmb_addr *source,
                       uint8_t block[BLOCK_BYTES])
{
    uint8_t key[1 + SE_PASSWORD_SHA256_BYTES_MAX + INET6_ADDRSTRLEN] = {0};
    char *text = (char *)key + 1 + password.n;
    size_t bytes;

    key[0] = '\n';
    memcpy(key + 1, password.p, password.n);
    inet_ntop(source->family == 4 ? AF_INET : AF_INET6, source->ip, text, INET6_ADDRSTRLEN);
    bytes = 1 + password.n + strlen(text);
    memset(block, 0, BLOCK_BYTES);
    if (bytes > BLOCK_BYTES)
        SHA256(key, bytes, block);
    else
        memcpy(block, key, bytes);
    OPENSSL_cleanse(key, sizeof(key));
}

/* Begins a hash with the block, mixed with `mix` as HMAC has it. */
static void hmac_start(SHA256_CTX *ctx, const uint8_t block[BLOCK_BYTES], uint8_t mix)
{
    uint8_t mixed[BLOCK_BYTES];
    size_t i;

    for (i = 0; i < BLOCK_BYTES; i++)
        mixed[i] = block[i] ^ mix;
    SHA256_Init(ctx);
    SHA256_Update(ctx, mixed, sizeof(mixed));
    OPENSSL_cleanse(mixed, sizeof(mixed));
}

static void sha256_digest(const uint8_t *packet, size_t bytes, struct xmb_str password,
                          const struct xmb_addr *source, uint8_t digest[SE_DIGEST_BYTES_MAX])
{
    size_t behind = SE_DIGEST_AT + SHA256_DIGEST_LENGTH;
    uint8_t block[BLOCK_BYTES];
    uint8_t head[SE_DIGEST_AT];
    SHA256_CTX ctx;

    front(packet, head);
    hmac_block(password, source, block);
    hmac_start(&ctx, block, 0x36);
    SHA256_Update(&ctx, head, sizeof(head));
    SHA256_Update(&ctx, zeros, SHA256_DIGEST_LENGTH);
    SHA256_Update(&ctx, packet + behind, bytes - behind);
    SHA256_Final(digest, &ctx);
    hmac_start(&ctx, block, 0x5c);
    SHA256_Update(&ctx, digest, SHA256_DIGEST_LENGTH);
    SHA256_Final(digest, &ctx);
    OPENSSL_cleanse(block, sizeof(block));
    OPENSSL_cleanse(&ctx, sizeof(ctx));
}

static void digest_of(const uint8_t *packet, size_t bytes, enum se_auth_mode mode,
                      struct xmb_str password, const struct xmb_addr *source,
                      uint8_t digest[SE_DIGEST_BYTES_MAX])
{
    if (mode == SE_AUTH_MD5)
        md5_digest(packet, bytes, password, digest);
    else
        sha256_digest(packet, bytes, password, source, digest);
}

void se__auth_seal(uint8_t *packet, size_t bytes, const struct se_signer *signer,
                   const struct xmb_addr *source)
{
    uint8_t digest[SE_DIGEST_BYTES_MAX];

    digest_of(packet, bytes, signer->mode, signer->key->password, source, digest);
    memcpy(packet + SE_DIGEST_AT, digest, digest_bytes(signer->mode));
}

int se_auth_verify(const struct se_packet *packet, const struct se_auth *auth,
                   const struct se_key *key, const struct xmb_addr *source)
{
    uint8_t digest[SE_DIGEST_BYTES_MAX];

    if (auth->mode == SE_AUTH_NONE || !se__auth_usable(auth->mode, key))
        return XMB_EDENIED;
    if (auth->mode == SE_AUTH_SHA256 && source->family != 4 && source->family != 6)
        return XMB_EDENIED;
    digest_of(packet->data, packet->bytes, auth->mode, key->password, source, digest);
    if (CRYPTO_memcmp(digest, auth->digest.p, auth->digest.n) != 0)
        return XMB_EDENIED;
    return 0;
}
