/* SPDX-License-Identifier: MIT */
/*
 * component_stream.c - a component's stream: header, handshake, stanzas, end (XEP-0114).
 *
 * The secret is that of its <component>; the handshake is the SHA-1 of our stream id and the
 * secret, which is what the protocol has. A component that connects again takes the place of the
 * one before: that one is most often dead without knowing it, and both knew the secret.
 */
#include "component_priv.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <stdlib.h>

#include "health.h"

/* --- out ------------------------------------------------------------------------------------- */

static int say(struct s2_component *c, const struct s2_text *t)
{
    if (t->overflow)
        return XMB_ETOOBIG;
    if (c->link != NULL)
        return s2_link_adopted_write(c->link, s2_text_str(t));
    return s2_host->conn->write(c->conn, s2_text_str(t));
}

static void write_header(struct s2_component *c, struct s2_text *t)
{
    char from[S2_UDOMAIN_MAX + 1];
    struct s2_header_out h = {.from = s2_domain_wire(&c->name, from), .component = 1};

    if (s2_stream_id(c->id) < 0)
        c->id[0] = '\0';
    h.id = xmb_str(c->id);
    s2_write_header(t, &h);
    c->header_sent = 1;
}

/* What the leases of its link are told: is it worth while to look for another at once? */
static enum s2_failure_kind kind_of(enum s2_stream_error e)
{
    if (e == S2_E_NONE || e == S2_E_CONFLICT)
        return S2_FAIL_GOODBYE;
    return e == S2_E_HOST_GONE || e == S2_E_SYSTEM_SHUTDOWN || e == S2_E_RESET ? S2_FAIL_IDLE
                                                                               : S2_FAIL_LOST;
}

/* The last words, and the connection closes. */
static void leave(struct s2_component *c, enum s2_stream_error e, const char *why)
{
    enum co_state was = (enum co_state)c->state;
    struct s2_text t;

    c->state = CO_CLOSED;
    if (c->link != NULL) {
        s2_link_adopted_goodbye(c->link, kind_of(e), e, why);
        return;
    }
    s2_text_begin(&t);
    if (!c->header_sent)
        write_header(c, &t);
    if (e != S2_E_NONE)
        s2_write_stream_error(&t, e, why);
    else
        s2_write_end(&t);
    if (was != CO_SECURING)
        (void)say(c, &t);
    s2_host->conn->deadline(c->conn, XMB_DEADLINE_ONCE, 0);
    s2_host->conn->close(c->conn, why);
}

int s2_component_fail(struct s2_component *c, enum s2_stream_error e, const char *text)
{
    if (c->state == CO_CLOSED)
        return 1;
    S2_COUNT(c->w, S2_M_STREAMS_REFUSED, 1);
    CO_LOG(c, XMB_LOG_NOTICE, "component-error",
           "the component's stream (%s) ends with the error %s: %s", s2_component_state_name(c),
           s2_stream_error_name(e), text);
    leave(c, e, text);
    return 1;
}

/* --- header and handshake -------------------------------------------------------------------- */

static int on_header(void *arg, const struct s2_header *h)
{
    struct s2_component *c = arg;
    struct s2_domain to;
    struct s2_text t;

    if (!h->component)
        return s2_component_fail(c, S2_E_INVALID_NAMESPACE, "this listener is for a component");
    if (h->to.n == 0 || s2_domain_read(h->to, &to) < 0 || !s2_domain_eq(&to, &c->name))
        return s2_component_fail(c, S2_E_HOST_UNKNOWN,
                                 "the domain is not that of this component's listener");
    s2_text_begin(&t);
    write_header(c, &t);
    if (c->id[0] == '\0')
        return s2_component_fail(c, S2_E_INTERNAL_SERVER_ERROR, "no random octets for an id");
    c->state = CO_SHAKING;
    return say(c, &t) == 0 ? 0 : s2_component_fail(c, S2_E_RESOURCE_CONSTRAINT, "cannot write");
}

#define SHA1_HEX 40

/* Hex of SHA-1(id secret). 0, or XMB_EIO. */
static int digest(const char *id, const char *secret, char hex[SHA1_HEX])
{
    static const char digits[] = "0123456789abcdef";
    unsigned char sum[EVP_MAX_MD_SIZE];
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    unsigned i, n = 0;
    int ok;

    ok = ctx != NULL && EVP_DigestInit_ex(ctx, EVP_sha1(), NULL) == 1 &&
         EVP_DigestUpdate(ctx, id, strlen(id)) == 1 &&
         EVP_DigestUpdate(ctx, secret, strlen(secret)) == 1 &&
         EVP_DigestFinal_ex(ctx, sum, &n) == 1;
    EVP_MD_CTX_free(ctx);
    if (!ok || n * 2 != SHA1_HEX)
        return XMB_EIO;
    for (i = 0; i < n; i++) {
        hex[2 * i] = digits[sum[i] >> 4];
        hex[2 * i + 1] = digits[sum[i] & 15];
    }
    return 0;
}

static int knows_secret(const struct s2_component *c, struct xmb_str text)
{
    const struct s2_local *local = s2_conf_local(c->w->conf, &c->name);
    char hex[SHA1_HEX];

    if (local == NULL || local->component_secret == NULL || text.n != SHA1_HEX ||
        digest(c->id, local->component_secret, hex) < 0)
        return 0;
    return CRYPTO_memcmp(text.p, hex, SHA1_HEX) == 0;
}

struct replaced {
    struct xmb_module *module;
    xmb_ref ref;
};

static void replace_here(struct s2_worker *w, xmb_ref ref)
{
    struct s2_component *c = s2_component_find(w, ref);

    if (c != NULL)
        s2_component_fail(c, S2_E_CONFLICT, "the component has connected again");
}

static void replace_there(struct xmb_worker *worker, void *arg)
{
    struct replaced *r = arg;
    struct s2_worker *w = worker != NULL ? s2_host->worker->state(worker, r->module) : NULL;

    if (w != NULL)
        replace_here(w, r->ref);
    free(r);
}

/*
 * A full mailbox leaves the old one connected: it gets nothing more, and its stanzas still count.
 */
static void replace(struct s2_component *c, uint32_t index, xmb_ref ref)
{
    struct replaced *r;

    if (index == c->w->index) {
        replace_here(c->w, ref);
        return;
    }
    r = malloc(sizeof(*r));
    if (r == NULL)
        return;
    *r = (struct replaced){c->w->module->module, ref};
    if (s2_host->worker->post(s2_host->worker->at(index), r->module, replace_there, r,
                              sizeof(*r)) != 0)
        free(r);
}

static int connected(struct s2_component *c)
{
    uint32_t old_index = 0;
    xmb_ref old_ref = 0;
    int rc;

    c->link = s2_link_adopt(c->w, &c->name, c->conn);
    if (c->link == NULL)
        return s2_component_fail(c, S2_E_RESOURCE_CONSTRAINT, "out of memory");
    c->state = CO_OPEN;
    c->limits = c->w->conf->limits;
    rc = s2_components_take(c->w->module, &c->name, c->w->index, c->ref, &old_index, &old_ref);
    if (rc < 0)
        return s2_component_fail(c, S2_E_RESOURCE_CONSTRAINT, "out of memory");
    if (rc > 0)
        replace(c, old_index, old_ref);
    s2_health_note(c->w->module->health, &c->name, NULL);
    CO_LOG(c, XMB_LOG_NOTICE, NULL, "the component is connected");
    s2_flow_reachable(c->w, &c->name);
    return 0;
}

static int shake(struct s2_component *c, const struct s2_element *e)
{
    struct s2_text t;

    if (!knows_secret(c, e->text))
        return s2_component_fail(c, S2_E_NOT_AUTHORIZED, "the handshake is not of our secret");
    s2_text_begin(&t);
    s2_text_add(&t, "<handshake/>");
    if (say(c, &t) != 0)
        return s2_component_fail(c, S2_E_RESOURCE_CONSTRAINT, "cannot write");
    s2_host->conn->deadline(c->conn, XMB_DEADLINE_ONCE, 0);
    return connected(c);
}

/* --- octets to events ------------------------------------------------------------------------ */

static int on_stanza(void *arg, const struct s2_stanza *s)
{
    struct s2_component *c = arg;

    if (c->state != CO_OPEN)
        return s2_component_fail(c, S2_E_NOT_AUTHORIZED, "a stanza before the handshake");
    s2_component_stanza(c, s);
    return c->state == CO_CLOSED;
}

static int on_end(void *arg)
{
    struct s2_component *c = arg;

    CO_LOG(c, XMB_LOG_INFO, NULL, "the component ends its stream (%s)", s2_component_state_name(c));
    leave(c, S2_E_NONE, "the component ended the stream");
    return 1;
}

static int on_element(void *arg, const struct s2_element *e)
{
    struct s2_component *c = arg;

    if (e->kind == S2_EL_HANDSHAKE && c->state == CO_SHAKING)
        return shake(c, e);
    if (e->kind == S2_EL_STREAM_ERROR)
        return on_end(c);
    return s2_component_fail(c, S2_E_UNSUPPORTED_STANZA_TYPE,
                             "this is no element of a component's stream");
}

int s2_component_reader(struct s2_component *c)
{
    static const struct s2_reader_events events = {on_header, on_stanza, on_element, on_end};

    c->reader = s2_reader_new(&events, c, &c->limits);
    return c->reader != NULL ? 0 : XMB_ENOMEM;
}

/* Returns how many octets are done with. */
static size_t feed(struct s2_component *c, struct xmb_str octets)
{
    size_t used = 0;
    int rc = s2_reader_feed(c->reader, octets, &used);

    if (rc < 0 && c->state != CO_CLOSED)
        s2_component_fail(c, rc == XMB_ENOMEM ? S2_E_RESOURCE_CONSTRAINT
                                              : s2_stream_error_of_read(rc),
                          s2_reader_why(c->reader));
    if (c->state == CO_OPEN && !c->wide) {
        c->wide = 1;
        s2_reader_limits(c->reader, &c->limits);
    }
    return used;
}

static int ended(const struct s2_component *c)
{
    return c->state == CO_CLOSED || (c->link != NULL && s2_link_adopted_ends(c->link));
}

int s2_component_data(struct s2_component *c, struct xmb_conn *conn, struct xmb_buf *in)
{
    struct xmb_str octets;
    size_t left;

    (void)conn;
    while (!ended(c) && c->state != CO_SECURING && !c->paused &&
           (left = s2_host->buf->length(in)) > 0) {
        if (s2_host->buf->peek(in, left < CO_CHUNK_BYTES ? left : CO_CHUNK_BYTES, &octets) < 0) {
            s2_component_fail(c, S2_E_RESOURCE_CONSTRAINT, "out of memory");
            break;
        }
        s2_host->buf->drop(in, feed(c, octets));
    }
    if (c->put)
        s2_path_flush(c->w);
    c->put = 0;
    return 0;
}
