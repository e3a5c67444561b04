/* SPDX-License-Identifier: MIT */
/*
 * out.c - an answer under construction: fields and rows as a JSON value.
 *
 * Handlers emit on their own thread into an xmb_out of their own; nothing here
 * is shared until the control thread joins the pieces. A failed allocation is
 * remembered and turns the whole command into an error, so handlers need no
 * checks of their own.
 */
#include "control/control_priv.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "conn/conn.h"

int out_init(struct xmb_out *out)
{
    memset(out, 0, sizeof *out);
    out->stack[0] = json_object();
    return out->stack[0] != NULL ? 0 : XMB_ENOMEM;
}

void out_clear(struct xmb_out *out)
{
    json_decref(out->stack[0]);
    free(out->error);
    memset(out, 0, sizeof *out);
}

/* Puts `value` under `key` in the open object; consumes the reference. */
static void put(struct xmb_out *out, const char *key, json_t *value)
{
    json_t *top = out->stack[out->depth];

    if (value == NULL || !json_is_object(top)) {
        out->failed = 1;
        json_decref(value);
        return;
    }
    if (json_object_set_new(top, key, value) < 0)
        out->failed = 1;
}

/* A JSON text of any octets: what is not UTF-8 is shown as \xNN. */
static json_t *text_value(struct xmb_str s)
{
    json_t *value = s.n == 0 ? json_string("") : json_stringn(s.p, s.n);
    char *escaped;
    size_t i;
    size_t used = 0;

    if (value != NULL)
        return value;
    escaped = malloc(s.n * 4 + 1);
    if (escaped == NULL)
        return NULL;
    for (i = 0; i < s.n; i++) {
        unsigned char c = (unsigned char)s.p[i];

        if (c < 0x80)
            escaped[used++] = (char)c;
        else
            used += (size_t)sprintf(escaped + used, "\\x%02x", c);
    }
    value = json_stringn(escaped, used);
    free(escaped);
    return value;
}

static void out_text(struct xmb_out *out, const char *key, struct xmb_str value)
{
    put(out, key, text_value(value));
}

static void out_number(struct xmb_out *out, const char *key, int64_t value)
{
    put(out, key, json_integer(value));
}

static void out_sum(struct xmb_out *out, const char *key, int64_t value)
{
    if (out->depth == 0) {
        if (out->sum_count == OUT_SUMS_MAX) {
            out->failed = 1;
            return;
        }
        out->sums[out->sum_count++] = key;
    }
    put(out, key, json_integer(value));
}

static void out_flag(struct xmb_out *out, const char *key, int32_t value)
{
    put(out, key, json_boolean(value));
}

static void out_null(struct xmb_out *out, const char *key)
{
    put(out, key, json_null());
}

static void out_address(struct xmb_out *out, const char *key, const struct xmb_addr *a)
{
    struct xmb_addr plain = *a;
    char text[XMB_ADDR_TEXT_MAX];

    plain.port = 0;
    if (a->family == 0)
        put(out, key, json_null());
    else
        put(out, key, json_string(addr_text(&plain, text, sizeof text)));
}

/* Opens `value` (already owned by the one below) as the new top. */
static void push(struct xmb_out *out, json_t *value)
{
    if (value == NULL || out->depth + 1 == OUT_DEPTH_MAX) {
        out->failed = 1;
        return;
    }
    out->stack[++out->depth] = value;
}

static void pop(struct xmb_out *out)
{
    if (out->depth > 0)
        out->depth--;
}

static void out_list_begin(struct xmb_out *out, const char *key)
{
    put(out, key, json_array());
    push(out, json_object_get(out->stack[out->depth], key));
}

static void out_row_begin(struct xmb_out *out)
{
    json_t *row = json_object();

    if (json_array_append_new(out->stack[out->depth], row) < 0) {
        out->failed = 1;
        row = NULL;
    }
    push(out, row);
}

static void out_item(struct xmb_out *out, struct xmb_str value)
{
    if (json_array_append_new(out->stack[out->depth], text_value(value)) < 0)
        out->failed = 1;
}

static int out_error(struct xmb_out *out, const char *format, ...)
{
    char text[512];
    va_list ap;

    va_start(ap, format);
    vsnprintf(text, sizeof text, format, ap);
    va_end(ap);
    free(out->error);
    out->error = strdup(text);
    return XMB_EINVAL;
}

const struct xmb_control_api control_api = {
    .size = sizeof control_api,
    .rev = 1,
    .text = out_text,
    .number = out_number,
    .sum = out_sum,
    .flag = out_flag,
    .null = out_null,
    .address = out_address,
    .list_begin = out_list_begin,
    .list_end = pop,
    .row_begin = out_row_begin,
    .row_end = pop,
    .item = out_item,
    .error = out_error,
    .later = run_later,
    .finish = run_finish,
};

static int is_sum(const struct xmb_out *out, const char *key)
{
    size_t i;

    for (i = 0; i < out->sum_count; i++)
        if (strcmp(out->sums[i], key) == 0)
            return 1;
    return 0;
}

/* One field of another thread's answer comes into ours. */
static void merge_field(struct xmb_out *out, const struct xmb_out *other, const char *key,
                        json_t *value)
{
    json_t *mine = json_object_get(out->stack[0], key);

    if (mine == NULL) {
        if (json_object_set(out->stack[0], key, value) < 0)
            out->failed = 1;
        if (is_sum(other, key) && out->sum_count < OUT_SUMS_MAX)
            out->sums[out->sum_count++] = key; /* the key text of a command is static */
    } else if (json_is_array(mine) && json_is_array(value)) {
        if (json_array_extend(mine, value) < 0)
            out->failed = 1;
    } else if (json_is_integer(mine) && json_is_integer(value) && is_sum(other, key)) {
        json_integer_set(mine, json_integer_value(mine) + json_integer_value(value));
    }
}

/* The static text under which `other` knows `key`, so that it outlives other's object. */
static const char *stable_key(const struct xmb_out *other, const char *key)
{
    size_t i;

    for (i = 0; i < other->sum_count; i++)
        if (strcmp(other->sums[i], key) == 0)
            return other->sums[i];
    return key;
}

void out_merge(struct xmb_out *out, const struct xmb_out *other)
{
    const char *key;
    json_t *value;

    json_object_foreach(other->stack[0], key, value)
        merge_field(out, other, stable_key(other, key), value);
    if (out->error == NULL && other->error != NULL)
        out->error = strdup(other->error);
    out->failed |= other->failed;
    out->plain_keys |= other->plain_keys;
}
