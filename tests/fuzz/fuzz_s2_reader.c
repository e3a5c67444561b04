/* SPDX-License-Identifier: MIT */
/*
 * fuzz_s2_reader.c - octets of a stranger through the XMPP reader: in one piece, in pieces, and
 * with a rest wherever one is possible.
 *
 * Beyond "no crash" it holds the reader to promises: how the input is cut makes no difference to
 * its events; stanzas are slices of the input, in order, and UTF-8; the start tag read by hand
 * says what libxml2 said; and a stanza with its insert can stand in a stream of our own, where it
 * means the same.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "domain.h"
#include "fuzz_input.h"
#include "reader.h"
#include "writer.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct s2_read_limits limits = {20000, 16, 200, 32, 100, 4000};
static const struct s2_read_limits wider = {40000, 16, 200, 80, 1200, 8000}; /* with an insert */

struct run {
    const char *data; /* the whole input when it is fed in one piece, else NULL */
    size_t size;
    size_t behind; /* in data: the end of the last stanza */
    uint64_t hash; /* of all events */
    size_t events;
    int component;
    int ends;
};

static void mix(struct run *u, const char *p, size_t n)
{
    size_t i;

    u->hash = (u->hash ^ n) * UINT64_C(0x100000001b3);
    for (i = 0; i < n; i++)
        u->hash = (u->hash ^ (uint8_t)p[i]) * UINT64_C(0x100000001b3);
}

static void mix_text(struct run *u, struct xmb_str s)
{
    REQUIRE(s.p != NULL || s.n == 0);
    mix(u, s.p != NULL ? s.p : "\x01none", s.p != NULL ? s.n : 5);
    REQUIRE(s2_is_utf8(s));
}

static void mix_number(struct run *u, uint64_t number)
{
    mix(u, (const char *)&number, sizeof(number));
}

/* --- a stanza in a stream of ours ------------------------------------------------------------ */

struct again {
    const struct s2_stanza *first;
    int seen;
};

static int header_again(void *arg, const struct s2_header *h)
{
    (void)arg;
    (void)h;
    return 0;
}

static int stanza_again(void *arg, const struct s2_stanza *s)
{
    struct again *a = arg;

    REQUIRE(a->seen++ == 0);
    REQUIRE(s->kind == a->first->kind && s->type == a->first->type);
    REQUIRE(xmb_str_eq(s->from, a->first->from) && xmb_str_eq(s->to, a->first->to));
    REQUIRE(xmb_str_eq(s->id, a->first->id));
    REQUIRE(s->insert.n == 0);
    REQUIRE(s->raw.n == a->first->raw.n + a->first->insert.n);
    return 0;
}

static void in_our_stream(const struct s2_stanza *s, int component)
{
    const struct s2_reader_events events = {header_again, stanza_again, NULL, NULL};
    const struct s2_header_out h = {XMB_STR("a"), XMB_STR("b"), {NULL, 0}, {NULL, 0}, 1, component};
    struct again a = {s, 0};
    struct s2_reader *r = s2_reader_new(&events, &a, &wider);
    struct s2_text t;
    size_t used;

    REQUIRE(r != NULL);
    s2_text_begin(&t);
    s2_write_header(&t, &h);
    REQUIRE(s2_reader_feed(r, s2_text_str(&t), &used) == 0);
    REQUIRE(s2_reader_feed(r, xmb_sub(s->raw, 0, s->insert_at), &used) == 0);
    REQUIRE(s2_reader_feed(r, s->insert, &used) == 0);
    REQUIRE(s2_reader_feed(r, xmb_sub(s->raw, s->insert_at, s->raw.n), &used) == 0);
    REQUIRE(a.seen == 1);
    s2_reader_free(r);
}

/* By hand: the same, or refused because scratch is too small. */
static void by_hand(const struct s2_stanza *s)
{
    char scratch[S2_SCRATCH];
    struct s2_stanza h;

    if (s2_stanza_reread(s->raw, scratch, &h) != 0) {
        REQUIRE(s->raw.n > S2_SCRATCH);
        return;
    }
    REQUIRE(h.kind == s->kind && h.type == s->type && h.insert_at == s->insert_at);
    REQUIRE(xmb_str_eq(h.from, s->from) && (h.from.p == NULL) == (s->from.p == NULL));
    REQUIRE(xmb_str_eq(h.to, s->to) && (h.to.p == NULL) == (s->to.p == NULL));
    REQUIRE(xmb_str_eq(h.id, s->id) && (h.id.p == NULL) == (s->id.p == NULL));
}

/* --- events ---------------------------------------------------------------------------------- */

static int on_header(void *arg, const struct s2_header *h)
{
    struct run *u = arg;

    REQUIRE(u->events++ == 0);
    u->component = h->component;
    mix_text(u, h->from);
    mix_text(u, h->to);
    mix_text(u, h->id);
    mix_text(u, h->version);
    mix_text(u, h->lang);
    mix_number(u, (uint64_t)h->major << 32 | h->minor);
    mix_number(u, (uint64_t)h->has_dialback << 1 | (uint64_t)h->component);
    return 0;
}

/* A view of the input, behind the one before; a copy only where the default namespace was cut. */
static void is_slice(struct run *u, struct xmb_str raw)
{
    size_t at;

    if (raw.p < u->data || raw.p >= u->data + u->size)
        return;
    at = (size_t)(raw.p - u->data);
    REQUIRE(at >= u->behind && at + raw.n <= u->size);
    u->behind = at + raw.n;
}

static int on_stanza(void *arg, const struct s2_stanza *s)
{
    struct run *u = arg;

    u->events++;
    REQUIRE(s->raw.n >= 4 && s->raw.p[0] == '<' && s->raw.p[s->raw.n - 1] == '>');
    REQUIRE(s->raw.n <= limits.stanza_bytes && s->insert_at < s->raw.n);
    mix_text(u, s->raw);
    mix_text(u, s->insert);
    mix_text(u, s->from);
    mix_text(u, s->to);
    mix_text(u, s->id);
    mix_number(u, (uint64_t)s->kind << 32 | s->type);
    if (u->data != NULL) {
        is_slice(u, s->raw);
        by_hand(s);
        in_our_stream(s, u->component);
    }
    return 0;
}

static int on_element(void *arg, const struct s2_element *e)
{
    struct run *u = arg;

    u->events++;
    mix_number(u, (uint64_t)e->kind << 32 | e->features);
    mix_text(u, e->from);
    mix_text(u, e->to);
    mix_text(u, e->id);
    mix_text(u, e->type);
    mix_text(u, e->mechanism);
    mix_text(u, e->text);
    mix_text(u, e->error_text);
    mix(u, e->condition.p, e->condition.n); /* names are cut at 64 octets */
    mix(u, e->name.p, e->name.n);
    mix_number(u, e->h);
    mix_number(u, e->max_bytes);
    return 0;
}

static int on_end(void *arg)
{
    struct run *u = arg;

    u->events++;
    REQUIRE(u->ends++ == 0);
    return 0;
}

static const struct s2_reader_events events = {on_header, on_stanza, on_element, on_end};

/* --- runs ------------------------------------------------------------------------------------ */

static int run_whole(struct run *u, const uint8_t *data, size_t size)
{
    struct s2_reader *r = s2_reader_new(&events, u, &limits);
    size_t used = 0;
    int rc;

    REQUIRE(r != NULL);
    u->data = (const char *)data;
    u->size = size;
    rc = s2_reader_feed(r, xmb_str_n((const char *)data, size), &used);
    REQUIRE(rc == 0 ? used == size : used <= size);
    REQUIRE(rc == 0 || s2_reader_feed(r, XMB_STR(" "), &used) == rc);
    s2_reader_free(r);
    return rc;
}

/* Pieces of 1 to `most` octets, by a generator that starts from the input. */
static int run_pieces(struct run *u, const uint8_t *data, size_t size, size_t most, int rests)
{
    struct s2_reader *r = s2_reader_new(&events, u, &limits);
    uint32_t random = (uint32_t)size * 2654435761u + 1;
    size_t at = 0;
    size_t used = 0;
    int rc = 0;

    REQUIRE(r != NULL);
    while (at < size && rc == 0) {
        size_t n;
        char *piece;

        random = random * 1664525u + 1013904223u;
        n = 1 + (random >> 8) % most;
        n = n < size - at ? n : size - at;
        piece = malloc(n);
        REQUIRE(piece != NULL);
        memcpy(piece, data + at, n);
        rc = s2_reader_feed(r, xmb_str_n(piece, n), &used);
        REQUIRE(rc == 0 ? used == n : used <= n);
        free(piece);
        at += used;
        if (rests)
            s2_reader_rest(r);
    }
    s2_reader_free(r);
    return rc;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct run whole = {0};
    int rc = run_whole(&whole, data, size);
    size_t most;

    for (most = 1; most <= 64; most *= 4) {
        struct run pieces = {0};

        REQUIRE((run_pieces(&pieces, data, size, most, most == 4) == 0) == (rc == 0));
        REQUIRE(pieces.events == whole.events && pieces.hash == whole.hash);
    }
    return 0;
}
