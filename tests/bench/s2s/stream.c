/* SPDX-License-Identifier: MIT */
/*
 * stream.c - one stream of the load generator: a socket, TLS, and just enough of a look at the
 * octets to go through a handshake that the other side does right.
 */
#include "s2s.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static SSL_CTX *client_context, *server_context;
static SSL_SESSION *session; /* the last one that a server gave us */
static _Atomic uint64_t handshakes[2], resumptions[2]; /* [1]: where we are the server */

static int keep_session(SSL *ssl, SSL_SESSION *given)
{
    (void)ssl;
    SSL_SESSION_free(session);
    session = given;
    return 1;
}

static SSL_CTX *context(const SSL_METHOD *method)
{
    SSL_CTX *c = SSL_CTX_new(method);

    if (c == NULL || SSL_CTX_use_certificate_chain_file(c, opt.certificate) != 1 ||
        SSL_CTX_use_PrivateKey_file(c, opt.key, SSL_FILETYPE_PEM) != 1)
        die("TLS: the certificate cannot be used");
    SSL_CTX_set_verify(c, SSL_VERIFY_NONE, NULL);
    return c;
}

void tls_init(void)
{
    client_context = context(TLS_client_method());
    server_context = context(TLS_server_method());
    SSL_CTX_set_session_cache_mode(client_context,
                                   SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL_STORE);
    SSL_CTX_sess_set_new_cb(client_context, keep_session);
    if (!opt.resume) { /* nor may the server under test resume what it had with us */
        SSL_CTX_set_options(server_context, SSL_OP_NO_TICKET);
        SSL_CTX_set_num_tickets(server_context, 0);
        SSL_CTX_set_session_cache_mode(server_context, SSL_SESS_CACHE_OFF);
    }
}

static struct sockaddr_in address_of(const char *text, uint16_t port)
{
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_port = htons(port)};

    if (inet_pton(AF_INET, text, &a.sin_addr) != 1)
        die("%s is no IPv4 address", text);
    return a;
}

struct stream *stream_new(int fd)
{
    struct stream *s = calloc(1, sizeof(*s));
    int one = 1;

    if (s == NULL)
        die("out of memory");
    s->fd = fd;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
    return s;
}

struct stream *stream_dial(const char *address, uint16_t port, const char *source)
{
    struct sockaddr_in to = address_of(address, port);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    if (source != NULL) {
        struct sockaddr_in from = address_of(source, 0);

        bind(fd, (struct sockaddr *)&from, sizeof(from));
    }
    if (fd < 0 || connect(fd, (struct sockaddr *)&to, sizeof(to)) < 0)
        die("cannot connect to %s:%u", address, port);
    return stream_new(fd);
}

void stream_free(struct stream *s)
{
    if (s->ssl != NULL) {
        SSL_set_shutdown(s->ssl, SSL_SENT_SHUTDOWN); /* or its session could not be resumed */
        SSL_free(s->ssl);
    }
    close(s->fd);
    free(s);
}

int listen_at(const char *address)
{
    struct sockaddr_in a = address_of(address, 5269);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), one = 1;

    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
    if (fd < 0 || bind(fd, (struct sockaddr *)&a, sizeof(a)) < 0 || listen(fd, 1024) < 0)
        die("cannot listen at %s:5269", address);
    return fd;
}

void stream_send(struct stream *s, const char *text, size_t n)
{
    ssize_t sent;

    while (n > 0) {
        sent = s->ssl != NULL ? SSL_write(s->ssl, text, (int)n) : send(s->fd, text, n, MSG_NOSIGNAL);
        if (sent <= 0)
            die("the server closed a stream that was written to");
        text += sent;
        n -= (size_t)sent;
    }
}

void stream_say(struct stream *s, const char *format, ...)
{
    char text[4096];
    va_list args;
    int n;

    va_start(args, format);
    n = vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    stream_send(s, text, (size_t)n);
}

int stream_more(struct stream *s)
{
    size_t room = sizeof(s->buf) - 1 - s->n;
    ssize_t got;

    if (room == 0)
        die("an element is too long for the load generator");
    got = s->ssl != NULL ? SSL_read(s->ssl, s->buf + s->n, (int)room)
                         : recv(s->fd, s->buf + s->n, room, 0);
    if (got <= 0)
        return 0;
    s->n += (size_t)got;
    s->buf[s->n] = '\0';
    return 1;
}

char *stream_until(struct stream *s, const char *needle)
{
    char *at;

    s->buf[s->n] = '\0';
    while ((at = strstr(s->buf, needle)) == NULL)
        if (!stream_more(s))
            return NULL;
    return at;
}

void stream_drop(struct stream *s, const char *through)
{
    size_t n = (size_t)(through - s->buf);

    memmove(s->buf, through, s->n - n);
    s->n -= n;
    s->buf[s->n] = '\0';
}

void stream_tls(struct stream *s, int server)
{
    s->ssl = SSL_new(server ? server_context : client_context);
    s->n = 0;
    SSL_set_fd(s->ssl, s->fd);
    if (!server && opt.resume && session != NULL)
        SSL_set_session(s->ssl, session);
    if ((server ? SSL_accept(s->ssl) : SSL_connect(s->ssl)) != 1)
        die("the TLS handshake failed");
    atomic_fetch_add(&resumptions[server], (uint64_t)SSL_session_reused(s->ssl));
    atomic_fetch_add(&handshakes[server], 1);
}

struct tls_tally tls_tally(int server)
{
    return (struct tls_tally){atomic_load(&handshakes[server]), atomic_load(&resumptions[server])};
}

/* Value of attribute `name` in the start tag at `tag`; empty when it is not there. */
void attribute(const char *tag, const char *name, char *out, size_t room)
{
    char wanted[32];
    const char *end = strchr(tag, '>'), *at;
    size_t n;

    out[0] = '\0';
    snprintf(wanted, sizeof(wanted), " %s=", name);
    at = strstr(tag, wanted);
    if (at == NULL || end == NULL || at > end)
        return;
    at += strlen(wanted);
    n = strcspn(at + 1, at[0] == '"' ? "\"" : "'");
    snprintf(out, room, "%.*s", (int)n, at + 1);
}
