/* SPDX-License-Identifier: MIT */
/*
 * out_header.c - the beginning of a stream that we open (W1 and W2 of xmpp-s2s.md 2.1; RFC
 * 6120, 4.7), and how the octets of the peer become events of the link.
 *
 * W1 is one write. Header and features of the peer often come together, so the reader goes on
 * after the header.
 */
#include "link_priv.h"

#define CHUNK_BYTES 16384

/* --- from the reader ------------------------------------------------------------------------- */

static const uint8_t events[S2_EL_KINDS] = {
    [S2_EL_FEATURES] = LEV_FEATURES,
    [S2_EL_STREAM_ERROR] = LEV_STREAM_ERROR,
    [S2_EL_PROCEED] = LEV_PROCEED,
    [S2_EL_TLS_FAILURE] = LEV_TLS_FAILURE,
    [S2_EL_SASL_SUCCESS] = LEV_SASL_SUCCESS,
    [S2_EL_SASL_FAILURE] = LEV_SASL_FAILURE,
    [S2_EL_SASL_CHALLENGE] = LEV_SASL_CHALLENGE,
    [S2_EL_DB_RESULT] = LEV_DB_RESULT,
    [S2_EL_DB_VERIFY] = LEV_DB_VERIFY,
    [S2_EL_SM_ENABLED] = LEV_SM_ENABLED,
    [S2_EL_SM_FAILED] = LEV_SM_FAILED,
    [S2_EL_SM_R] = LEV_SM_R,
    [S2_EL_SM_A] = LEV_SM_A,
};

/*
 * The reader stops behind an element when it is to go, when reading is to stop, and when its limits
 * are other ones now: they may only be changed between two feeds.
 */
static int stops(const struct s2_link *l)
{
    return l->drop_reader || l->paused || (s2_link_is_trusted(l) && !l->wide);
}

static int on_header(void *arg, const struct s2_header *h)
{
    struct s2_link *l = arg;

    s2_link_event(l, LEV_HEADER, h);
    return l->drop_reader;
}

static int on_stanza(void *arg, const struct s2_stanza *s)
{
    struct s2_link *l = arg;

    l->elements++;
    l->stanza_ms = s2_now_ms(l->w);
    s2_link_event(l, LEV_STANZA, s);
    return stops(l);
}

static int on_element(void *arg, const struct s2_element *e)
{
    struct s2_link *l = arg;
    unsigned ev = e->kind < S2_EL_KINDS ? events[e->kind] : 0;

    l->elements++;
    s2_link_event(l, ev != 0 ? (enum link_event)ev : LEV_UNKNOWN, e);
    return stops(l);
}

static int on_end(void *arg)
{
    struct s2_link *l = arg;

    s2_link_event(l, LEV_END, NULL);
    return l->drop_reader;
}

static const struct s2_reader_events reader_events = {on_header, on_stanza, on_element, on_end};

/* --- octets ---------------------------------------------------------------------------------- */

void s2_out_drop_reader(struct s2_link *l)
{
    if (l->feeding) {
        l->drop_reader = 1;
        return;
    }
    s2_reader_free(l->reader);
    l->reader = NULL;
}

static int reader_ready(struct s2_link *l)
{
    if (l->reader == NULL) {
        l->wide = 0;
        l->limits = l->w->conf->unverified;
        l->reader = s2_reader_new(&reader_events, l, &l->limits);
    }
    if (l->reader != NULL && s2_link_is_trusted(l) && !l->wide) {
        l->wide = 1;
        l->limits = l->w->conf->limits;
        s2_reader_limits(l->reader, &l->limits);
    }
    return l->reader != NULL;
}

/* Returns how many octets were used. */
static size_t feed(struct s2_link *l, struct xmb_str octets)
{
    size_t used = octets.n;
    int rc = XMB_ENOMEM;

    if (reader_ready(l)) {
        l->feeding = 1;
        rc = s2_reader_feed(l->reader, octets, &used);
        l->feeding = 0;
    }
    if (l->drop_reader) {
        l->drop_reader = 0;
        s2_out_drop_reader(l);
    } else if (rc < 0) {
        s2_link_event(l, LEV_BROKEN, &rc);
        s2_out_drop_reader(l);
    }
    return used <= octets.n ? used : octets.n;
}

/* Nobody listens any more. */
static int is_over(const struct s2_link *l)
{
    return l->state >= LINK_CLOSING && l->state != LINK_ENDING;
}

/* Since when is an element half read? One that ended in between sets the clock back. */
static void note_half(struct s2_link *l, uint64_t elements_before)
{
    if (!l->bidi || l->reader == NULL || s2_reader_at_rest(l->reader))
        l->half_ms = 0;
    else if (l->half_ms == 0 || l->elements != elements_before)
        l->half_ms = s2_now_ms(l->w);
}

static void read_all(struct s2_link *l, struct xmb_conn *conn, struct xmb_buf *in)
{
    struct xmb_str octets;
    size_t n;

    while (l->conn == conn && !is_over(l) && !l->paused && (n = s2_host->buf->length(in)) > 0) {
        if (s2_host->buf->peek(in, n < CHUNK_BYTES ? n : CHUNK_BYTES, &octets) < 0) {
            s2_host->conn->reset(conn, "out of memory");
            return;
        }
        n = feed(l, octets);
        s2_host->buf->drop(in, n);
        if (l->conn == conn && l->state == LINK_SECURING) {
            if (s2_host->buf->length(in) > 0)
                s2_link_attempt_failed(l, S2_FAIL_TLS, S2_E_NONE,
                                       "plain octets came behind <proceed/>");
            else
                s2_out_secure(l);
        }
    }
    if (l->conn != conn || is_over(l))
        s2_host->buf->drop(in, s2_host->buf->length(in));
}

int s2_link_data(struct s2_link *l, struct xmb_conn *conn, struct xmb_buf *in)
{
    uint64_t before = l->elements;

    s2_link_enter(l);
    if (l->was_verified && conn == l->conn)
        s2_position_sample(l, 0);
    read_all(l, conn, in);
    note_half(l, before);
    if (l->put)
        s2_path_flush(l->w);
    l->put = 0;
    s2_link_leave(l);
    return 0;
}

/* --- W1 and W2 ------------------------------------------------------------------------------- */

void s2_out_begin(struct s2_link *l)
{
    char from[S2_UDOMAIN_MAX + 1], to[S2_UDOMAIN_MAX + 1];
    struct s2_header_out h = {
        .from = s2_domain_wire(&l->local, from),
        .to = s2_domain_wire(&l->remote, to),
        .lang = XMB_STR("en"),
        .version = 1,
    };
    struct s2_text t;

    s2_out_drop_reader(l);
    l->state = LINK_HEADER;
    l->id_n = 0;
    l->has_dialback = 0;
    l->features = 0;
    l->max_bytes = 0;
    s2_text_begin(&t);
    s2_write_header(&t, &h);
    s2_link_write(l, s2_text_str(&t));
}

/* A peer older than RFC 6120: it has no features to offer. */
static void old_peer(struct s2_link *l)
{
    if (!l->secured && s2_link_security(l)->mode == S2_TLS_REQUIRED)
        s2_link_attempt_failed(l, S2_FAIL_TLS, S2_E_POLICY_VIOLATION,
                               "the peer's stream has no version, so no TLS, which is required");
    else if (!l->has_dialback)
        s2_link_attempt_failed(l, S2_FAIL_STREAM, S2_E_UNDEFINED_CONDITION,
                               "the peer's stream has neither a version nor dialback");
    else
        s2_out_ready(l);
}

void s2_out_header(struct s2_link *l, const void *what)
{
    const struct s2_header *h = what;

    if (h->component) {
        s2_link_attempt_failed(l, S2_FAIL_STREAM, S2_E_INVALID_NAMESPACE,
                               "the peer speaks the component protocol");
        return;
    }
    if (h->major > 1) {
        s2_link_attempt_failed(l, S2_FAIL_STREAM, S2_E_UNSUPPORTED_VERSION,
                               "the peer speaks version %u of XMPP", h->major);
        return;
    }
    if (h->id.n == 0 || h->id.n > sizeof(l->id) || memchr(h->id.p, ' ', h->id.n) != NULL) {
        s2_link_attempt_failed(l, S2_FAIL_STREAM, S2_E_UNDEFINED_CONDITION,
                               "the peer's stream has no usable id");
        return;
    }
    memcpy(l->id, h->id.p, h->id.n);
    l->id_n = (uint16_t)h->id.n;
    l->has_dialback = h->has_dialback != 0;
    if (h->major < 1)
        old_peer(l);
    else
        l->state = LINK_FEATURES;
}
