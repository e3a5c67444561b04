/* SPDX-License-Identifier: MIT */
/*
 * s2_recorder.c - writes each event of a reader as one line.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "s2_recorder.h"

static void put(struct recorder *c, const char *text)
{
    size_t n = strlen(text);

    assert_true(c->n + n < RECORD_MAX);
    memcpy(c->text + c->n, text, n + 1);
    c->n += n;
}

/* " name=value"; nothing when it is not there. */
static void put_field(struct recorder *c, const char *name, struct xmb_str s)
{
    if (s.p == NULL)
        return;
    put(c, " ");
    put(c, name);
    put(c, "=");
    assert_true(c->n + s.n < RECORD_MAX);
    memcpy(c->text + c->n, s.p, s.n);
    c->n += s.n;
    c->text[c->n] = '\0';
}

static void put_number(struct recorder *c, const char *name, unsigned long number)
{
    char text[24];

    snprintf(text, sizeof(text), "%lu", number);
    if (number != 0)
        put_field(c, name, xmb_str(text));
}

/* Ends the line that began at `from`. */
static int end_line(struct recorder *c, size_t from)
{
    int rc = c->stop_at != NULL && strstr(c->text + from, c->stop_at) != NULL ? 7 : 0;

    put(c, "\n");
    return rc;
}

static int on_header(void *arg, const struct s2_header *h)
{
    struct recorder *c = arg;
    size_t from = c->n;

    c->headers++;
    put(c, "header");
    put_field(c, "from", h->from);
    put_field(c, "to", h->to);
    put_field(c, "id", h->id);
    put_field(c, "version", h->version);
    put_field(c, "lang", h->lang);
    put_number(c, "major", h->major);
    put_number(c, "minor", h->minor);
    put_number(c, "dialback", (unsigned long)h->has_dialback);
    put_number(c, "component", (unsigned long)h->component);
    return end_line(c, from);
}

static int on_stanza(void *arg, const struct s2_stanza *s)
{
    struct recorder *c = arg;
    size_t from = c->n;

    c->stanzas++;
    put(c, "stanza");
    put_number(c, "kind", s->kind);
    put_number(c, "type", s->type);
    put_field(c, "from", s->from);
    put_field(c, "to", s->to);
    put_field(c, "id", s->id);
    put_field(c, "raw", s->raw);
    put_number(c, "insert_at", s->insert_at);
    put_field(c, "insert", s->insert);
    return end_line(c, from);
}

static int on_element(void *arg, const struct s2_element *e)
{
    struct recorder *c = arg;
    size_t from = c->n;

    c->elements++;
    put(c, "element");
    put_number(c, "kind", e->kind);
    put_field(c, "name", e->name);
    put_number(c, "features", e->features);
    put_field(c, "from", e->from);
    put_field(c, "to", e->to);
    put_field(c, "id", e->id);
    put_field(c, "type", e->type);
    put_field(c, "mechanism", e->mechanism);
    put_field(c, "text", e->text);
    put_field(c, "condition", e->condition);
    put_field(c, "error_text", e->error_text);
    put_number(c, "h", e->h);
    put_number(c, "max_bytes", e->max_bytes);
    return end_line(c, from);
}

static int on_end(void *arg)
{
    struct recorder *c = arg;
    size_t from = c->n;

    c->ends++;
    put(c, "end");
    return end_line(c, from);
}

static const struct s2_reader_events events = {on_header, on_stanza, on_element, on_end};

struct recorder *recorder_new(void)
{
    struct recorder *c = calloc(1, sizeof(*c));

    assert_non_null(c);
    c->limits = (struct s2_read_limits){262144, 64, 8192, 64, 1024, 65536};
    c->reader = s2_reader_new(&events, c, &c->limits);
    assert_non_null(c->reader);
    return c;
}

void recorder_free(struct recorder *c)
{
    s2_reader_free(c->reader);
    free(c);
}

int recorder_feed(struct recorder *c, const char *text, size_t n, size_t step)
{
    size_t at = 0;
    size_t used = 0;
    int rc = 0;

    while (at < n && rc == 0) {
        size_t take = n - at < step ? n - at : step;
        char *piece = malloc(take); /* its own block, so that a sanitizer sees its end */

        assert_non_null(piece);
        memcpy(piece, text + at, take);
        rc = s2_reader_feed(c->reader, xmb_str_n(piece, take), &used);
        assert_true(used <= take);
        assert_true(rc != 0 || used == take);
        free(piece);
        at += used;
    }
    return rc;
}

struct recorder *record(const char *header, const char *rest, int *rc)
{
    struct recorder *c = recorder_new();

    *rc = recorder_feed(c, header, strlen(header), SIZE_MAX);
    if (*rc == 0)
        *rc = recorder_feed(c, rest, strlen(rest), SIZE_MAX);
    return c;
}

int verdict_on(const char *header, const char *rest)
{
    int rc;

    recorder_free(record(header, rest, &rc));
    return rc;
}
