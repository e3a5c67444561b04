/* SPDX-License-Identifier: MIT */
/*
 * tls_rig.c - see tls_rig.h.
 */
#include "tls_rig.h"

#include <dirent.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* --- certificates ------------------------------------------------------------------------- */

static FILE *opened(const char *file, const char *mode)
{
    FILE *f = fopen(rig_path(file), mode);

    assert_non_null(f);
    return f;
}

X509 *tls_rig_cert(const char *file)
{
    FILE *f = opened(file, "r");
    X509 *cert = PEM_read_X509(f, NULL, NULL, NULL);

    fclose(f);
    assert_non_null(cert);
    return cert;
}

static EVP_PKEY *key_of(const char *file)
{
    FILE *f = opened(file, "r");
    EVP_PKEY *key = PEM_read_PrivateKey(f, NULL, NULL, NULL);

    fclose(f);
    assert_non_null(key);
    return key;
}

static void extend(X509 *cert, int nid, const char *value)
{
    X509_EXTENSION *e = X509V3_EXT_conf_nid(NULL, NULL, nid, value);

    assert_non_null(e);
    assert_int_equal(X509_add_ext(cert, e, -1), 1);
    X509_EXTENSION_free(e);
}

/* A dNSName that no configuration text can say. */
static void extend_octets(X509 *cert, const struct cert_spec *spec)
{
    GENERAL_NAMES *names = GENERAL_NAMES_new();
    GENERAL_NAME *name = GENERAL_NAME_new();
    ASN1_IA5STRING *text = ASN1_IA5STRING_new();

    assert_int_equal(ASN1_STRING_set(text, spec->octets, (int)spec->octets_n), 1);
    GENERAL_NAME_set0_value(name, GEN_DNS, text);
    sk_GENERAL_NAME_push(names, name);
    assert_int_equal(X509_add1_ext_i2d(cert, NID_subject_alt_name, names, 0, 0), 1);
    GENERAL_NAMES_free(names);
}

static X509 *blank(const struct cert_spec *spec, EVP_PKEY *key)
{
    int is_usual = spec->from_s == 0 && spec->to_s == 0;
    X509 *cert = X509_new();

    X509_set_version(cert, 2);
    ASN1_INTEGER_set(X509_get_serialNumber(cert), spec->serial);
    X509_gmtime_adj(X509_getm_notBefore(cert), is_usual ? -3600 : spec->from_s);
    X509_gmtime_adj(X509_getm_notAfter(cert), is_usual ? 86400 : spec->to_s);
    X509_set_pubkey(cert, key);
    if (spec->cn != NULL)
        X509_NAME_add_entry_by_txt(X509_get_subject_name(cert), "CN", MBSTRING_UTF8,
                                   (const unsigned char *)spec->cn, -1, -1, 0);
    if (spec->is_ca)
        extend(cert, NID_basic_constraints, "critical,CA:TRUE");
    if (spec->san != NULL)
        extend(cert, NID_subject_alt_name, spec->san);
    if (spec->eku != NULL)
        extend(cert, NID_ext_key_usage, spec->eku);
    if (spec->octets_n > 0)
        extend_octets(cert, spec);
    return cert;
}

static void sign(X509 *cert, const struct cert_spec *spec, EVP_PKEY *own)
{
    const char *issuer = spec->issuer != NULL ? spec->issuer : "ca.pem";
    X509 *by = spec->self ? NULL : tls_rig_cert(issuer);
    EVP_PKEY *key = spec->self               ? NULL
                    : spec->false_key != NULL ? key_of(spec->false_key)
                                              : key_of(issuer);

    X509_set_issuer_name(cert, X509_get_subject_name(by != NULL ? by : cert));
    assert_true(X509_sign(cert, key != NULL ? key : own, EVP_sha256()) > 0);
    X509_free(by);
    EVP_PKEY_free(key);
}

void tls_rig_issue(const struct cert_spec *spec)
{
    EVP_PKEY *key = spec->rsa ? EVP_RSA_gen(2048) : EVP_EC_gen("P-256");
    X509 *cert = blank(spec, key);
    FILE *f = opened(spec->file, "w");

    sign(cert, spec, key);
    assert_int_equal(PEM_write_X509(f, cert), 1);
    assert_int_equal(PEM_write_PrivateKey(f, key, NULL, NULL, 0, NULL, NULL), 1);
    fclose(f);
    X509_free(cert);
    EVP_PKEY_free(key);
}

void tls_rig_crl(const char *file, const char *issuer, long serial, long next_s)
{
    X509_CRL *crl = X509_CRL_new();
    X509_REVOKED *entry = X509_REVOKED_new();
    ASN1_INTEGER *number = ASN1_INTEGER_new();
    ASN1_TIME *before = X509_gmtime_adj(NULL, -86400), *next = X509_gmtime_adj(NULL, next_s);
    X509 *by = tls_rig_cert(issuer);
    EVP_PKEY *key = key_of(issuer);
    FILE *f = opened(file, "w");

    ASN1_INTEGER_set(number, serial);
    X509_REVOKED_set_serialNumber(entry, number);
    X509_REVOKED_set_revocationDate(entry, before);
    X509_CRL_set_version(crl, 1);
    X509_CRL_set_issuer_name(crl, X509_get_subject_name(by));
    X509_CRL_set1_lastUpdate(crl, before);
    X509_CRL_set1_nextUpdate(crl, next);
    X509_CRL_add0_revoked(crl, entry);
    X509_CRL_sort(crl);
    assert_true(X509_CRL_sign(crl, key, EVP_sha256()) > 0);
    assert_int_equal(PEM_write_X509_CRL(f, crl), 1);
    fclose(f);
    ASN1_INTEGER_free(number);
    ASN1_TIME_free(before);
    ASN1_TIME_free(next);
    X509_CRL_free(crl);
    X509_free(by);
    EVP_PKEY_free(key);
}

void tls_rig_sha256(const char *file, uint8_t out[32])
{
    X509 *cert = tls_rig_cert(file);

    assert_int_equal(X509_digest(cert, EVP_sha256(), out, NULL), 1);
    X509_free(cert);
}

void tls_rig_join(const char *file, const char *const *names)
{
    FILE *out = opened(file, "w");
    char piece[4096];
    size_t n;

    for (; *names != NULL; names++) {
        FILE *in = opened(*names, "r");

        while ((n = fread(piece, 1, sizeof(piece), in)) > 0)
            assert_int_equal(fwrite(piece, 1, n, out), n);
        fclose(in);
    }
    fclose(out);
}

void tls_rig_remove_files(void)
{
    DIR *d = opendir(rig_folder());
    struct dirent *e;

    assert_non_null(d);
    while ((e = readdir(d)) != NULL)
        if (e->d_name[0] != '.')
            unlink(rig_path(e->d_name));
    closedir(d);
}

/* --- an end ----------------------------------------------------------------------------------- */

static struct tls_end end_new(int fd, const char *certificate, const SSL_METHOD *method)
{
    struct tls_end e = {.fd = fd, .ctx = SSL_CTX_new(method)};

    if (certificate != NULL) {
        assert_int_equal(SSL_CTX_use_certificate_chain_file(e.ctx, rig_path(certificate)), 1);
        assert_int_equal(
            SSL_CTX_use_PrivateKey_file(e.ctx, rig_path(certificate), SSL_FILETYPE_PEM), 1);
    }
    e.ssl = SSL_new(e.ctx);
    SSL_set_fd(e.ssl, fd);
    return e;
}

struct tls_end tls_end_client(int fd, const char *certificate)
{
    struct tls_end e = end_new(fd, certificate, TLS_client_method());

    SSL_set_connect_state(e.ssl);
    return e;
}

struct tls_end tls_end_server(int fd, const char *certificate)
{
    struct tls_end e = end_new(fd, certificate, TLS_server_method());

    SSL_set_accept_state(e.ssl);
    return e;
}

void tls_end_free(struct tls_end *e)
{
    SSL_shutdown(e->ssl);
    SSL_free(e->ssl);
    SSL_CTX_free(e->ctx);
    close(e->fd);
    ERR_clear_error();
}

void tls_end_handshake(struct tls_end *e)
{
    if (SSL_do_handshake(e->ssl) != 1) {
        ERR_print_errors_fp(stderr);
        fail_msg("the handshake failed");
    }
}

const char *tls_end_shown(struct tls_end *e)
{
    static char text[80];
    X509 *cert = SSL_get0_peer_certificate(e->ssl);

    assert_non_null(cert);
    X509_NAME_get_text_by_NID(X509_get_subject_name(cert), NID_commonName, text, sizeof(text));
    return text;
}

void tls_end_echo(struct tls_end *e, const char *text)
{
    char got[64];
    int n = (int)strlen(text);

    assert_int_equal(SSL_write(e->ssl, text, n), n);
    assert_int_equal(SSL_read(e->ssl, got, n), n);
    assert_memory_equal(got, text, (size_t)n);
}
