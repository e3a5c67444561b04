/* SPDX-License-Identifier: MIT */
/*
 * conn_tls.c - TLS on a connection: the handshake, records in and out, and the
 * facts that it proved.
 *
 * OpenSSL works on the descriptor itself; what it waits for is kept in two
 * flags that decide what to poll for. Whether a peer that proved nothing may go on is
 * the plugin's decision: a certificate that does not verify gives no name, and
 * does not end the handshake.
 */
#include "conn/conn_priv.h"

#include <errno.h>
#include <openssl/err.h>
#include <stdio.h>
#include <stdlib.h>

/* Strings live as long as the connection. */
struct conn_facts {
    uint32_t version;
    uint32_t resumed;
    char *alpn;
    char *verified_name;
    int is_proved; /* `verified_name` is; after a recheck it may be so no more */
    struct xmb_tls_peer *peer; /* made when it is first asked for */
};

int conn_tls_new(struct xmb_conn *c, const struct xmb_tls_setup *setup, enum tls_role role)
{
    int rc = tls_session(setup, role, &c->ssl);

    if (rc < 0 || SSL_set_fd(c->ssl, c->fd) == 1)
        return rc;
    SSL_free(c->ssl);
    c->ssl = NULL;
    return XMB_ENOMEM;
}

void conn_tls_begin(struct xmb_conn *c)
{
    c->flags |= CONN_TLS;
    c->plain_bytes = c->sent_bytes;
    tls_resume(c->ssl);
    c->flags |= SSL_is_server(c->ssl) ? CONN_TLS_WANTS_IN : CONN_TLS_WANTS_OUT;
    conn_limit(c, CONN_HANDSHAKE_MS);
    conn_poll(c);
}

/* When nothing was said in plain it is TLS from the first octet, whoever began it. */
static enum tls_role secure_role(const struct xmb_conn *c)
{
    if (c->direction != XMB_INCOMING)
        return TLS_CLIENT;
    return c->received_bytes == 0 && c->sent_bytes == 0 && conn_queued(c) == 0
               ? TLS_SERVER_ASKING
               : TLS_SERVER_UPGRADED;
}

int conn_secure(struct xmb_conn *c, const struct xmb_tls_setup *setup)
{
    struct xmb_tls_setup whole;
    int rc;

    if (c->ssl != NULL)
        return XMB_EEXIST;
    if (c->phase != CONN_OPEN)
        return XMB_ECLOSED;
    tls_setup_copy(&whole, setup);
    rc = conn_tls_new(c, &whole, secure_role(c));
    if (rc < 0)
        return rc;
    /* Plain octets behind the request could have been put there by anybody. */
    buf_drop(&c->in, c->in.bytes);
    c->phase = CONN_SECURING;
    conn_limit(c, CONN_HANDSHAKE_MS);
    conn_flush(c);
    conn_poll(c);
    return c->phase == CONN_DEAD ? XMB_ECLOSED : 0;
}

/* --- what went wrong ------------------------------------------------------------------------ */

/* The cause of the call that just failed, from OpenSSL's queue or from errno. */
static const char *cause(int error, int saved_errno, char *text, size_t cap)
{
    unsigned long code = ERR_peek_error();
    const char *reason = code != 0 ? ERR_reason_error_string(code) : NULL;

    if (code != 0 && ERR_GET_REASON(code) == SSL_R_UNEXPECTED_EOF_WHILE_READING)
        snprintf(text, cap, "closed by peer");
    else if (reason != NULL)
        snprintf(text, cap, "%s", reason);
    else if (error == SSL_ERROR_SYSCALL && saved_errno != 0)
        return strerror_r(saved_errno, text, cap);
    else
        snprintf(text, cap, "closed by peer");
    return text;
}

/* Result of an SSL call as the rest of the core understands it. */
static enum conn_io io_result(struct xmb_conn *c, int r, const char *what)
{
    int saved_errno = errno, error = SSL_get_error(c->ssl, r);
    char text[128], why[192];

    switch (error) {
    case SSL_ERROR_WANT_READ:
        return CONN_IO_AGAIN;
    case SSL_ERROR_WANT_WRITE:
        return CONN_IO_AGAIN;
    case SSL_ERROR_ZERO_RETURN:
        return CONN_IO_EOF;
    default:
        snprintf(why, sizeof(why), "%s: %s", what, cause(error, saved_errno, text, sizeof(text)));
        conn_why(c, why);
        ERR_clear_error();
        return CONN_IO_ERROR;
    }
}

/* --- facts ---------------------------------------------------------------------------------- */

static char *alpn(SSL *ssl)
{
    const unsigned char *p = NULL;
    unsigned int n = 0;
    char *text;

    SSL_get0_alpn_selected(ssl, &p, &n);
    text = n > 0 ? calloc(1, n + 1) : NULL; /* no NUL of its own: strndup might look for it */
    if (text != NULL)
        memcpy(text, p, n);
    return text;
}

static int note_facts(struct xmb_conn *c)
{
    c->facts = calloc(1, sizeof(*c->facts));
    if (c->facts == NULL)
        return XMB_ENOMEM;
    c->facts->version = (uint32_t)SSL_version(c->ssl);
    c->facts->alpn = alpn(c->ssl);
    c->facts->verified_name = tls_verified_name(c->ssl);
    c->facts->is_proved = c->facts->verified_name != NULL;
    c->facts->resumed = SSL_session_reused(c->ssl) == 1;
    ERR_clear_error();
    return 0;
}

void conn_tls_info(const struct xmb_conn *c, struct xmb_conn_info *info)
{
    if (c->facts == NULL)
        return;
    info->tls_version = c->facts->version;
    info->tls_alpn = c->facts->alpn;
    info->tls_verified_name = c->facts->is_proved ? c->facts->verified_name : NULL;
    info->tls_resumed = c->facts->resumed;
}

uint64_t conn_wire_sent(const struct xmb_conn *c)
{
    if (!(c->flags & CONN_TLS))
        return c->sent_bytes;
    return c->plain_bytes + BIO_number_written(SSL_get_wbio(c->ssl)) - c->notify_bytes;
}

int conn_tls_peer(struct xmb_conn *c, struct xmb_tls_peer *out)
{
    uint32_t size = out->size < sizeof(*out) ? out->size : (uint32_t)sizeof(*out);

    if (c->facts == NULL)
        return XMB_ENOENT;
    if (c->facts->peer == NULL)
        c->facts->peer = tls_peer_new(c->ssl);
    if (c->facts->peer == NULL)
        return XMB_ENOMEM;
    c->facts->peer->size = out->size;
    memcpy(out, c->facts->peer, size);
    return 0;
}

/* Whoever asked before still has the old texts, so what stays the same keeps its place. */
int conn_tls_recheck(struct xmb_conn *c, const char *profile)
{
    struct conn_facts *facts = c->facts;
    char *name;
    int rc = facts != NULL ? tls_recheck(c->ssl, profile) : XMB_ENOENT;

    if (rc < 0)
        return rc;
    if (facts->peer != NULL)
        tls_peer_judge(facts->peer, c->ssl);
    name = tls_verified_name(c->ssl);
    facts->is_proved = name != NULL;
    if (facts->verified_name == NULL)
        facts->verified_name = name;
    else
        free(name);
    return 0;
}

/* --- handshake ------------------------------------------------------------------------------ */

static void secured(struct xmb_conn *c)
{
    struct module_mark mark;

    c->phase = CONN_OPEN;
    conn_limit(c, 0);
    conn_todo_add(c, CONN_TODO_OFFER);
    if (c->flags & CONN_STARVED)
        conn_todo_add(c, CONN_TODO_WRITABLE);
    if (c->module->protocol.secured == NULL || !(c->flags & CONN_OPENED))
        return;
    mark = module_enter(c->module);
    c->module->protocol.secured(c->cs, c);
    module_leave(mark);
}

static void handshake_failed(struct xmb_conn *c)
{
    char peer[XMB_ADDR_TEXT_MAX];

    conn_why(c, "TLS handshake: closed by peer");
    log_api.limited(c->module, XMB_LOG_INFO, "tls-handshake", 10,
                    addr_text(&c->remote, peer, sizeof(peer)), "%s; the connection is closed",
                    c->why);
    conn_die(c);
}

void conn_handshake(struct xmb_conn *c)
{
    enum conn_io io;
    int r;

    c->flags &= ~(uint32_t)(CONN_TLS_WANTS_IN | CONN_TLS_WANTS_OUT);
    ERR_clear_error();
    errno = 0;
    r = SSL_do_handshake(c->ssl);
    if (r == 1) {
        if (note_facts(c) < 0)
            conn_reset(c, "out of memory");
        else if (c->phase == CONN_HANDSHAKE)
            conn_open(c);
        else
            secured(c);
        return;
    }
    io = io_result(c, r, "TLS handshake");
    if (io == CONN_IO_AGAIN)
        c->flags |= SSL_want_write(c->ssl) ? CONN_TLS_WANTS_OUT : CONN_TLS_WANTS_IN;
    else
        handshake_failed(c);
}

/* --- records -------------------------------------------------------------------------------- */

enum conn_io conn_tls_read(struct xmb_conn *c, uint8_t *p, size_t n, size_t *got)
{
    enum conn_io io;
    int r;

    ERR_clear_error();
    errno = 0;
    r = SSL_read_ex(c->ssl, p, n, got);
    if (r == 1)
        return CONN_IO_OK;
    io = io_result(c, r, "TLS read");
    if (io == CONN_IO_AGAIN && SSL_want_write(c->ssl))
        c->flags |= CONN_TLS_WANTS_OUT;
    return io;
}

enum conn_io conn_tls_write(struct xmb_conn *c, const uint8_t *p, size_t n, size_t *sent)
{
    enum conn_io io;
    int r;

    ERR_clear_error();
    errno = 0;
    r = SSL_write_ex(c->ssl, p, n, sent);
    if (r == 1)
        return CONN_IO_OK;
    io = io_result(c, r, "TLS write");
    if (io == CONN_IO_AGAIN)
        c->flags |= SSL_want_read(c->ssl) ? CONN_TLS_WANTS_IN : CONN_BLOCKED;
    return io == CONN_IO_EOF ? CONN_IO_ERROR : io;
}

int conn_tls_pending(const struct xmb_conn *c)
{
    return SSL_has_pending(c->ssl);
}

/* close_notify, if the kernel takes it now; FIN says the same to a peer that misses it. */
size_t conn_tls_goodbye(struct xmb_conn *c)
{
    uint64_t before;

    if (!(c->flags & CONN_TLS))
        return 0;
    before = BIO_number_written(SSL_get_wbio(c->ssl));
    ERR_clear_error();
    SSL_shutdown(c->ssl);
    ERR_clear_error();
    return (size_t)(BIO_number_written(SSL_get_wbio(c->ssl)) - before);
}

void conn_tls_free(struct xmb_conn *c)
{
    SSL_free(c->ssl);
    c->ssl = NULL;
    if (c->facts == NULL)
        return;
    free(c->facts->alpn);
    free(c->facts->verified_name);
    tls_peer_free(c->facts->peer);
    free(c->facts);
    c->facts = NULL;
}
