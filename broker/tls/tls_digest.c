/* SPDX-License-Identifier: MIT */
/*
 * tls_digest.c - has a profile changed? A digest over its settings and over the octets of its
 * files says so. A profile that has not keeps its contexts over a reload, and so its ticket keys:
 * peers go on resuming.
 */
#include "conf/conf.h"
#include "tls/tls_priv.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <string.h>

static const char *const texts[] = {"minimum", "alpn", "ciphers", "ask"};
static const char *const files[] = {"certificate", "key", "ca", "crl"};

static int add_text(EVP_MD_CTX *md, const char *text)
{
    return EVP_DigestUpdate(md, text, strlen(text) + 1) == 1 ? 0 : XMB_ENOMEM;
}

static int add_file(EVP_MD_CTX *md, const char *path)
{
    unsigned char piece[4096];
    FILE *f = fopen(path, "re");
    size_t n;
    int rc = f != NULL ? add_text(md, path) : XMB_EIO;

    while (rc == 0 && (n = fread(piece, 1, sizeof(piece), f)) > 0)
        rc = EVP_DigestUpdate(md, piece, n) == 1 ? 0 : XMB_ENOMEM;
    if (rc == 0 && ferror(f))
        rc = XMB_EIO;
    if (f != NULL)
        fclose(f);
    OPENSSL_cleanse(piece, sizeof(piece)); /* one of them is a private key */
    return rc;
}

static int add_element(EVP_MD_CTX *md, const struct xmb_conf *node)
{
    const char *text;
    size_t i;
    int rc = add_text(md, conf_api.name(node));

    for (i = 0; i < sizeof(texts) / sizeof(texts[0]) && rc == 0; i++) {
        text = conf_api.text(node, texts[i], NULL);
        rc = add_text(md, text != NULL ? "=" : "");
        if (rc == 0 && text != NULL)
            rc = add_text(md, text);
    }
    for (i = 0; i < sizeof(files) / sizeof(files[0]) && rc == 0; i++) {
        text = conf_api.text(node, files[i], NULL);
        rc = text != NULL ? add_file(md, text) : add_text(md, "");
    }
    return rc;
}

int tls_profile_digest(const struct xmb_conf *node, unsigned char out[TLS_DIGEST_BYTES])
{
    EVP_MD_CTX *md = EVP_MD_CTX_new();
    const struct xmb_conf *child;
    int rc = md != NULL && EVP_DigestInit_ex(md, EVP_sha256(), NULL) == 1 ? 0 : XMB_ENOMEM;

    if (rc == 0)
        rc = add_element(md, node);
    for (child = conf_api.child(node, "identity"); child != NULL && rc == 0;
         child = conf_api.next(child, "identity"))
        rc = add_element(md, child);
    if (rc == 0 && EVP_DigestFinal_ex(md, out, NULL) != 1)
        rc = XMB_ENOMEM;
    EVP_MD_CTX_free(md);
    return rc;
}
