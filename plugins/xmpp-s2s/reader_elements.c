/* SPDX-License-Identifier: MIT */
/*
 * reader_elements.c - first-level elements that are no stanzas: negotiation, dialback, errors,
 * stream management. What they are and what is looked at inside them stands in two tables.
 *
 * Of an element's children three levels count; deeper ones are checked and forgotten.
 */
#include "reader_priv.h"

#include <stddef.h>
#include <stdlib.h>

#define NS_TLS "urn:ietf:params:xml:ns:xmpp-tls"
#define NS_SASL "urn:ietf:params:xml:ns:xmpp-sasl"
#define NS_STREAMS "urn:ietf:params:xml:ns:xmpp-streams"
#define NS_STANZAS "urn:ietf:params:xml:ns:xmpp-stanzas"
#define NS_DIALBACK_FEATURE "urn:xmpp:features:dialback"
#define NS_BIDI "urn:xmpp:bidi"
#define NS_BIDI_FEATURE "urn:xmpp:features:bidi"
#define NS_SM "urn:xmpp:sm:3"
#define NS_LIMITS "urn:xmpp:stream-limits:0"

#define NOTE_MAX 512
#define LEVELS 4 /* the element itself is level 1 */

/* What an open element is to us. */
enum role {
    R_OTHER,
    R_PLAIN,       /* a first-level element without children that matter */
    R_FEATURES,
    R_STREAM_ERROR,
    R_SASL_FAILURE,
    R_DIALBACK,
    R_BIDI,
    R_SM_FAILED,
    R_F_STARTTLS,
    R_F_MECHANISMS,
    R_F_MECHANISM, /* text */
    R_F_DIALBACK,
    R_F_LIMITS,
    R_MAX_BYTES,   /* text */
    R_DB_ERROR,
    R_CONDITION,
    R_TEXT         /* text */
};

struct s2_collect {
    enum s2_element_kind kind;
    uint8_t role[LEVELS];
    uint32_t features;
    uint32_t max_bytes;
    struct s2_slice from, to, id, type, version, lang, mechanism, h;
    uint32_t name_n, condition_n, text_n, error_text_n, note_n;
    char name[64];
    char condition[64];
    char text[S2_TEXT_MAX];
    char error_text[NOTE_MAX];
    char note[NOTE_MAX]; /* text of the child that is being read */
};

size_t s2_collect_bytes(void)
{
    return sizeof(struct s2_collect);
}

/* --- the tables ------------------------------------------------------------------------------ */

struct known {
    const char *uri;
    const char *local;
    enum s2_element_kind kind;
    enum role role;
};

static const struct known known[] = {
    {NS_DIALBACK, "result", S2_EL_DB_RESULT, R_DIALBACK},
    {NS_DIALBACK, "verify", S2_EL_DB_VERIFY, R_DIALBACK},
    {NS_SM, "r", S2_EL_SM_R, R_PLAIN},
    {NS_SM, "a", S2_EL_SM_A, R_PLAIN},
    {NS_STREAM, "features", S2_EL_FEATURES, R_FEATURES},
    {NS_STREAM, "error", S2_EL_STREAM_ERROR, R_STREAM_ERROR},
    {NS_TLS, "starttls", S2_EL_STARTTLS, R_PLAIN},
    {NS_TLS, "proceed", S2_EL_PROCEED, R_PLAIN},
    {NS_TLS, "failure", S2_EL_TLS_FAILURE, R_PLAIN},
    {NS_SASL, "auth", S2_EL_AUTH, R_PLAIN},
    {NS_SASL, "success", S2_EL_SASL_SUCCESS, R_PLAIN},
    {NS_SASL, "failure", S2_EL_SASL_FAILURE, R_SASL_FAILURE},
    {NS_SASL, "challenge", S2_EL_SASL_CHALLENGE, R_PLAIN},
    {NS_SASL, "response", S2_EL_SASL_RESPONSE, R_PLAIN},
    {NS_SASL, "abort", S2_EL_SASL_ABORT, R_PLAIN},
    {NS_BIDI, "bidi", S2_EL_BIDI, R_BIDI},
    {NS_BIDI_FEATURE, "bidi", S2_EL_BIDI, R_BIDI},
    {NS_SM, "enable", S2_EL_SM_ENABLE, R_PLAIN},
    {NS_SM, "enabled", S2_EL_SM_ENABLED, R_PLAIN},
    {NS_SM, "failed", S2_EL_SM_FAILED, R_SM_FAILED},
    {NS_COMPONENT, "handshake", S2_EL_HANDSHAKE, R_PLAIN},
};

struct child {
    enum role parent;
    const char *uri;   /* NULL: any */
    const char *local; /* NULL: any */
    enum role role;
    uint32_t features;
};

static const struct child children[] = {
    {R_FEATURES, NS_TLS, "starttls", R_F_STARTTLS, S2_F_STARTTLS},
    {R_F_STARTTLS, NS_TLS, "required", R_OTHER, S2_F_STARTTLS_REQUIRED},
    {R_FEATURES, NS_SASL, "mechanisms", R_F_MECHANISMS, S2_F_SASL},
    {R_F_MECHANISMS, NS_SASL, "mechanism", R_F_MECHANISM, 0},
    {R_FEATURES, NS_DIALBACK_FEATURE, "dialback", R_F_DIALBACK, S2_F_DIALBACK},
    {R_F_DIALBACK, NS_DIALBACK_FEATURE, "errors", R_OTHER, S2_F_DIALBACK_ERRORS},
    {R_FEATURES, NS_BIDI_FEATURE, "bidi", R_OTHER, S2_F_BIDI},
    {R_FEATURES, NS_BIDI, "bidi", R_OTHER, S2_F_BIDI},
    {R_FEATURES, NS_SM, "sm", R_OTHER, S2_F_SM},
    {R_FEATURES, NS_LIMITS, "limits", R_F_LIMITS, S2_F_LIMITS},
    {R_BIDI, NS_LIMITS, "limits", R_F_LIMITS, S2_F_LIMITS},
    {R_F_LIMITS, NS_LIMITS, "max-bytes", R_MAX_BYTES, 0},
    {R_STREAM_ERROR, NS_STREAMS, "text", R_TEXT, 0},
    {R_STREAM_ERROR, NS_STREAMS, NULL, R_CONDITION, 0},
    {R_SASL_FAILURE, NS_SASL, "text", R_TEXT, 0},
    {R_SASL_FAILURE, NS_SASL, NULL, R_CONDITION, 0},
    {R_DIALBACK, NULL, "error", R_DB_ERROR, 0},
    {R_DB_ERROR, NS_STANZAS, "text", R_TEXT, 0},
    {R_DB_ERROR, NS_STANZAS, NULL, R_CONDITION, 0},
    {R_SM_FAILED, NS_STANZAS, NULL, R_CONDITION, 0},
};

/* --- start tags ------------------------------------------------------------------------------ */

/*
 * A collector without findings, made when the first is needed; NULL: out of memory, which is the
 * fault then.
 */
static struct s2_collect *collector(struct s2_reader *r)
{
    struct s2_collect *c = r->collect;

    if (c == NULL)
        c = r->collect = malloc(sizeof(*c));
    if (c == NULL)
        s2_reader_fault(r, XMB_ENOMEM, "out of memory");
    else
        memset(c, 0, offsetof(struct s2_collect, name));
    return c;
}

static uint32_t copy_name(char *to, size_t room, const xmlChar *name)
{
    size_t n = strlen((const char *)name);

    if (n > room)
        n = room;
    memcpy(to, name, n);
    return (uint32_t)n;
}

static void keep_attribute(struct s2_reader *r, const struct s2_attribute *a)
{
    static const struct {
        const char *prefix, *local;
        size_t at;
    } wanted[] = {
        {NULL, "from", offsetof(struct s2_collect, from)},
        {NULL, "to", offsetof(struct s2_collect, to)},
        {NULL, "id", offsetof(struct s2_collect, id)},
        {NULL, "type", offsetof(struct s2_collect, type)},
        {NULL, "version", offsetof(struct s2_collect, version)},
        {NULL, "mechanism", offsetof(struct s2_collect, mechanism)},
        {NULL, "h", offsetof(struct s2_collect, h)},
        {"xml", "lang", offsetof(struct s2_collect, lang)},
    };
    size_t i;

    for (i = 0; i < sizeof(wanted) / sizeof(wanted[0]); i++) {
        int fits = wanted[i].prefix == NULL ? a->prefix == NULL : s2_is(a->prefix, "xml");

        if (fits && s2_is(a->local, wanted[i].local)) {
            s2_sax_keep(r, a, (struct s2_slice *)(void *)((char *)r->collect + wanted[i].at));
            return;
        }
    }
}

void s2_element_attributes(struct s2_reader *r, const struct s2_attribute *attributes, int count)
{
    int i;

    if (r->fault != 0 || collector(r) == NULL)
        return;
    for (i = 0; i < count && r->fault == 0; i++)
        keep_attribute(r, &attributes[i]);
}

void s2_element_start(struct s2_reader *r, const xmlChar *local, const xmlChar *uri,
                      const struct s2_attribute *attributes, int attribute_count)
{
    struct s2_collect *c;
    size_t i;

    if (s2_is(uri, NS_STREAM) && s2_is(local, "stream")) {
        s2_reader_fault(r, S2_READ_BAD_FORMAT, "a stream inside the stream");
        return;
    }
    s2_element_attributes(r, attributes, attribute_count);
    if (r->fault != 0)
        return;
    c = r->collect;
    c->role[1] = R_PLAIN;
    c->name_n = copy_name(c->name, sizeof(c->name), local);
    for (i = 0; i < sizeof(known) / sizeof(known[0]); i++)
        if (s2_is(local, known[i].local) && s2_is(uri, known[i].uri)) {
            c->kind = known[i].kind;
            c->role[1] = (uint8_t)known[i].role;
            break;
        }
}

/* The element's own level; 1 for itself. */
static uint32_t level_of(const struct s2_reader *r)
{
    return r->depth - 1;
}

void s2_element_child(struct s2_reader *r, const xmlChar *local, const xmlChar *uri)
{
    struct s2_collect *c = r->collect;
    uint32_t level = level_of(r);
    size_t i;

    if (level >= LEVELS)
        return;
    c->role[level] = R_OTHER;
    c->note_n = 0;
    for (i = 0; i < sizeof(children) / sizeof(children[0]); i++) {
        const struct child *k = &children[i];

        if (k->parent != c->role[level - 1] || (k->uri != NULL && !s2_is(uri, k->uri)) ||
            (k->local != NULL && !s2_is(local, k->local)))
            continue;
        c->role[level] = (uint8_t)k->role;
        c->features |= k->features;
        if (k->role == R_CONDITION && c->condition_n == 0)
            c->condition_n = copy_name(c->condition, sizeof(c->condition), local);
        return;
    }
}

/* --- text and ends --------------------------------------------------------------------------- */

/* As much of it as there is room for, without half a character at the end. */
static void add_note(struct s2_collect *c, const char *p, size_t n)
{
    size_t room = NOTE_MAX - c->note_n;

    if (n > room) {
        n = room;
        while (n > 0 && ((unsigned char)p[n] & 0xc0) == 0x80)
            n--;
    }
    memcpy(c->note + c->note_n, p, n);
    c->note_n += (uint32_t)n;
}

void s2_element_text(struct s2_reader *r, const char *p, size_t n)
{
    struct s2_collect *c = r->collect;
    uint32_t level = level_of(r);
    uint8_t role;

    if (level >= LEVELS)
        return;
    role = c->role[level];
    if (role == R_F_MECHANISM || role == R_MAX_BYTES || role == R_TEXT || role == R_CONDITION) {
        add_note(c, p, n);
    } else if (level == 1) {
        if (n > S2_TEXT_MAX - c->text_n) {
            s2_reader_fault(r, S2_READ_TOO_BIG, "more text than an element may have");
            return;
        }
        memcpy(c->text + c->text_n, p, n);
        c->text_n += (uint32_t)n;
    }
}

static struct xmb_str trim(struct xmb_str s)
{
    while (s.n > 0 && (unsigned char)s.p[0] <= ' ')
        s = xmb_sub(s, 1, s.n);
    while (s.n > 0 && (unsigned char)s.p[s.n - 1] <= ' ')
        s.n--;
    return s;
}

/* Decimal digits up to `most`; 0 when it is no such number. */
static int read_number(struct xmb_str s, uint64_t most, uint64_t *out)
{
    uint64_t v = 0;
    size_t i;

    if (s.n == 0 || s.n > 19)
        return 0;
    for (i = 0; i < s.n; i++) {
        if (s.p[i] < '0' || s.p[i] > '9')
            return 0;
        v = v * 10 + (uint64_t)(s.p[i] - '0');
    }
    if (v > most)
        return 0;
    *out = v;
    return 1;
}

void s2_element_child_end(struct s2_reader *r)
{
    struct s2_collect *c = r->collect;
    uint32_t level = level_of(r);
    struct xmb_str note;
    uint64_t number = 0;

    if (level >= LEVELS)
        return;
    note = trim(xmb_str_n(c->note, c->note_n));
    switch (c->role[level]) {
    case R_F_MECHANISM:
        if (xmb_str_eq(note, XMB_STR("EXTERNAL")))
            c->features |= S2_F_EXTERNAL;
        break;
    case R_MAX_BYTES:
        if (read_number(note, UINT32_MAX, &number))
            c->max_bytes = (uint32_t)number;
        break;
    case R_CONDITION: /* see-other-host says there where (RFC 6120, 4.9.3.19) */
        memcpy(c->text, note.p, note.n);
        c->text_n = (uint32_t)note.n;
        break;
    case R_TEXT:
        memcpy(c->error_text, note.p, note.n);
        c->error_text_n = (uint32_t)note.n;
        break;
    default:
        break;
    }
    c->note_n = 0;
}

/* --- delivery -------------------------------------------------------------------------------- */

static struct xmb_str found(const char *p, uint32_t n)
{
    return n > 0 ? trim(xmb_str_n(p, n)) : xmb_str_n(NULL, 0);
}

void s2_element_header(const struct s2_reader *r, struct s2_header *h)
{
    const struct s2_collect *c = r->collect;

    h->from = s2_kept(r, &c->from);
    h->to = s2_kept(r, &c->to);
    h->id = s2_kept(r, &c->id);
    h->version = s2_kept(r, &c->version);
    h->lang = s2_kept(r, &c->lang);
}

int s2_element_deliver(struct s2_reader *r)
{
    const struct s2_collect *c = r->collect;
    struct s2_element e = {0};

    e.kind = c->kind;
    e.features = c->features;
    e.name = found(c->name, c->name_n);
    e.from = s2_kept(r, &c->from);
    e.to = s2_kept(r, &c->to);
    e.id = s2_kept(r, &c->id);
    e.type = s2_kept(r, &c->type);
    e.mechanism = s2_kept(r, &c->mechanism);
    e.text = found(c->text, c->text_n);
    e.condition = found(c->condition, c->condition_n);
    e.error_text = found(c->error_text, c->error_text_n);
    e.max_bytes = c->max_bytes;
    if (e.kind == S2_EL_SM_A && !read_number(s2_kept(r, &c->h), UINT32_MAX, &e.h)) {
        s2_reader_fault(r, S2_READ_BAD_FORMAT, "an acknowledgement without a number");
        return r->failed = r->fault;
    }
    return r->events->element(r->arg, &e);
}
