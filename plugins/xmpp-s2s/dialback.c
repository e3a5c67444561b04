/* SPDX-License-Identifier: MIT */
/*
 * dialback.c - the keys of XEP-0185 and stream ids, with OpenSSL's digests and the system's
 * random source.
 */
#include "dialback.h"

#include <errno.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <sys/random.h>

#define SECRET_MAX 4096
#define ID_MAX 1024
#define DIGEST_BYTES 32

_Static_assert(S2_KEY_HEX == 2 * DIGEST_BYTES, "a key is the hex of one digest");

static void to_hex(const unsigned char *p, size_t n, char *hex)
{
    static const char digits[] = "0123456789abcdef";
    size_t i;

    for (i = 0; i < n; i++) {
        hex[2 * i] = digits[p[i] >> 4];
        hex[2 * i + 1] = digits[p[i] & 15];
    }
}

static int random_octets(unsigned char *p, size_t n)
{
    while (n > 0) {
        ssize_t got = getrandom(p, n, 0);

        if (got < 0 && errno != EINTR)
            return XMB_EIO;
        if (got > 0) {
            p += got;
            n -= (size_t)got;
        }
    }
    return 0;
}

int s2_secret_set(struct xmb_str secret, struct s2_secret *out)
{
    unsigned char digest[DIGEST_BYTES];
    unsigned int n = 0;

    if (secret.n == 0 || secret.n > SECRET_MAX)
        return XMB_EINVAL;
    if (EVP_Digest(secret.p, secret.n, digest, &n, EVP_sha256(), NULL) != 1)
        return XMB_EIO;
    to_hex(digest, sizeof(digest), out->hex);
    OPENSSL_cleanse(digest, sizeof(digest));
    return 0;
}

int s2_secret_random(struct s2_secret *out)
{
    unsigned char octets[DIGEST_BYTES];
    int rc = random_octets(octets, sizeof(octets));

    if (rc == 0)
        rc = s2_secret_set(xmb_str_n((const char *)octets, sizeof(octets)), out);
    OPENSSL_cleanse(octets, sizeof(octets));
    return rc;
}

static int is_id(struct xmb_str id)
{
    return id.n > 0 && id.n <= ID_MAX && memchr(id.p, ' ', id.n) == NULL;
}

static size_t put(char *to, size_t at, struct xmb_str s)
{
    memcpy(to + at, s.p, s.n);
    return at + s.n;
}

int s2_dialback_key(const struct s2_secret *secret, const struct s2_domain *target,
                    const struct s2_domain *sender, struct xmb_str id, char key[S2_KEY_HEX])
{
    char text[2 * (S2_DOMAIN_MAX + 1) + ID_MAX];
    unsigned char digest[DIGEST_BYTES];
    unsigned int digest_bytes = 0;
    size_t n = 0;

    if (target->n == 0 || sender->n == 0 || !is_id(id))
        return XMB_EINVAL;
    n = put(text, n, s2_domain_str(target));
    text[n++] = ' ';
    n = put(text, n, s2_domain_str(sender));
    text[n++] = ' ';
    n = put(text, n, id);
    if (HMAC(EVP_sha256(), secret->hex, S2_KEY_HEX, (const unsigned char *)text, n, digest,
             &digest_bytes) == NULL)
        return XMB_EIO;
    to_hex(digest, sizeof(digest), key);
    return 0;
}

static struct xmb_str trim(struct xmb_str s)
{
    while (s.n > 0 && strchr(" \t\r\n", s.p[0]) != NULL && s.p[0] != '\0')
        s = xmb_sub(s, 1, s.n);
    while (s.n > 0 && strchr(" \t\r\n", s.p[s.n - 1]) != NULL && s.p[s.n - 1] != '\0')
        s.n--;
    return s;
}

int s2_dialback_check(const struct s2_secret *secret, const struct s2_domain *target,
                      const struct s2_domain *sender, struct xmb_str id, struct xmb_str key)
{
    char right[S2_KEY_HEX];
    int ok;

    key = trim(key);
    if (key.n != S2_KEY_HEX || s2_dialback_key(secret, target, sender, id, right) != 0)
        return 0;
    ok = CRYPTO_memcmp(right, key.p, S2_KEY_HEX) == 0;
    OPENSSL_cleanse(right, sizeof(right));
    return ok;
}

int s2_stream_id(char id[S2_ID + 1])
{
    unsigned char octets[S2_ID / 2];
    int rc = random_octets(octets, sizeof(octets));

    if (rc != 0)
        return rc;
    to_hex(octets, sizeof(octets), id);
    id[S2_ID] = '\0';
    return 0;
}
