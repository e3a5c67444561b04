/* SPDX-License-Identifier: MIT */
/*
 * format.c - one event as one line of text, or as one JSON object.
 *
 * Whatever stands in an object or a message may come from a stranger: control
 * characters (C0, DEL, C1), the marks that turn the direction of writing, and
 * octets that are no UTF-8 are escaped, so a line is always one line and a
 * terminal shows what is there. Nothing is allocated.
 */
#include "log/log_priv.h"

#include <stdio.h>
#include <string.h>

#define CUT " [cut]"
#define OUT_SLACK 160 /* kept free for the end: the mark of the cut, the count, quotes, the LF */

struct out {
    char *p;
    size_t n;
    size_t max;
    int cut;
};

static const char *const level_names[] = {
    [XMB_LOG_ERROR] = "error", [XMB_LOG_WARN] = "warn",   [XMB_LOG_NOTICE] = "notice",
    [XMB_LOG_INFO] = "info",   [XMB_LOG_DEBUG] = "debug",
};

static const char *const level_colours[] = {
    [XMB_LOG_ERROR] = "\033[31m", [XMB_LOG_WARN] = "\033[33m", [XMB_LOG_NOTICE] = "\033[1m",
    [XMB_LOG_INFO] = "\033[0m",   [XMB_LOG_DEBUG] = "\033[2m",
};

const char *log_level_name(uint32_t level)
{
    return level_names[level >= XMB_LOG_ERROR && level <= XMB_LOG_DEBUG ? level : XMB_LOG_DEBUG];
}

uint32_t log_level_of(const char *name)
{
    uint32_t level;

    for (level = XMB_LOG_ERROR; level <= XMB_LOG_DEBUG; level++)
        if (strcmp(name, level_names[level]) == 0)
            return level;
    return 0;
}

/* All or nothing: an escape is never cut in the middle. */
static void put(struct out *o, const char *p, size_t n)
{
    if (o->cut || n > o->max - o->n) {
        o->cut = 1;
        return;
    }
    memcpy(o->p + o->n, p, n);
    o->n += n;
}

static void put_text(struct out *o, const char *s)
{
    put(o, s, strlen(s));
}

/*
 * The character at `s`: its length in octets, 1 to 4, and its number in `*c`; 0 when it is not
 * UTF-8 (RFC 3629: no overlong forms, no surrogates, nothing above U+10FFFF).
 */
static size_t decode(const unsigned char *s, uint32_t *c)
{
    static const uint32_t smallest[] = {0, 0, 0x80, 0x800, 0x10000};
    size_t n = s[0] < 0x80 ? 1 : s[0] < 0xc2 ? 0 : s[0] < 0xe0 ? 2 : s[0] < 0xf0 ? 3 : 4;
    size_t i;

    if (n == 0 || s[0] > 0xf4)
        return 0;
    *c = n == 1 ? s[0] : s[0] & (0x7fU >> n);
    for (i = 1; i < n; i++) {
        if ((s[i] & 0xc0) != 0x80) /* stops at the NUL too */
            return 0;
        *c = *c << 6 | (s[i] & 0x3f);
    }
    if (*c < smallest[n] || *c > 0x10ffff || (*c >= 0xd800 && *c <= 0xdfff))
        return 0;
    return n;
}

static int is_plain(uint32_t c)
{
    return c >= 0x20 && !(c >= 0x7f && c <= 0x9f) && !(c >= 0x2028 && c <= 0x202e) &&
           !(c >= 0x2066 && c <= 0x2069);
}

static void put_escaped(struct out *o, uint32_t c, enum log_format format)
{
    char text[12];

    if (format == LOG_JSON && (c == '"' || c == '\\'))
        snprintf(text, sizeof text, "\\%c", (char)c);
    else if (format == LOG_JSON || c > 0xff)
        snprintf(text, sizeof text, "\\u%04x", (unsigned)c);
    else
        snprintf(text, sizeof text, "\\x%02x", (unsigned)c);
    put_text(o, text);
}

static void put_raw(struct out *o, const char *s, enum log_format format)
{
    const unsigned char *p = (const unsigned char *)s;

    while (*p != '\0' && !o->cut) {
        uint32_t c;
        size_t n = decode(p, &c);

        if (n == 0) {
            put_escaped(o, format == LOG_JSON ? 0xfffd : *p, format);
            n = 1;
        } else if (!is_plain(c) || (format == LOG_JSON && (c == '"' || c == '\\'))) {
            put_escaped(o, c, format);
        } else {
            put(o, (const char *)p, n);
        }
        p += n;
    }
}

static void put_time(struct out *o, const struct timespec *when)
{
    struct tm tm;
    char text[64];

    gmtime_r(&when->tv_sec, &tm);
    snprintf(text, sizeof text, "%04d-%02d-%02dT%02d:%02d:%02d.%03dZ", tm.tm_year + 1900,
             tm.tm_mon + 1, tm.tm_mday, tm.tm_hour, tm.tm_min, tm.tm_sec,
             (int)(when->tv_nsec / 1000000));
    put_text(o, text);
}

static void text_line(struct out *o, const struct log_event *e, int colour)
{
    put_time(o, &e->when);
    put_text(o, " ");
    if (colour)
        put_text(o, level_colours[log_level_of(log_level_name(e->level))]);
    put_text(o, log_level_name(e->level));
    if (colour)
        put_text(o, "\033[0m");
    put_text(o, " ");
    put_raw(o, e->module, LOG_TEXT);
    if (e->object != NULL) {
        put_text(o, " ");
        put_raw(o, e->object, LOG_TEXT);
    }
    put_text(o, ": ");
    put_raw(o, e->message, LOG_TEXT);
}

static void json_line(struct out *o, const struct log_event *e)
{
    put_text(o, "{\"time\":\"");
    put_time(o, &e->when);
    put_text(o, "\",\"level\":\"");
    put_text(o, log_level_name(e->level));
    put_text(o, "\",\"module\":\"");
    put_raw(o, e->module, LOG_JSON);
    if (e->object != NULL) {
        put_text(o, "\",\"object\":\"");
        put_raw(o, e->object, LOG_JSON);
    }
    put_text(o, "\",\"message\":\"");
    put_raw(o, e->message, LOG_JSON);
}

static void put_left_out(struct out *o, uint64_t n, enum log_format format)
{
    char text[64];

    snprintf(text, sizeof text, format == LOG_JSON ? "\",\"left_out\":%llu}"
                                                   : " (%llu more like this left out before)",
             (unsigned long long)n);
    put_text(o, text);
}

size_t log_format(const struct log_event *e, enum log_format format, int colour,
                  char line[LOG_LINE_MAX])
{
    /* An object alone must not fill the line so that its message, or the JSON, has no place. */
    char object[512];
    struct log_event short_event = *e;
    struct out o = {line, 0, LOG_LINE_MAX - OUT_SLACK, 0};
    int cut;

    if (e->object != NULL) {
        snprintf(object, sizeof object, "%s", e->object);
        short_event.object = object;
    }
    if (format == LOG_JSON)
        json_line(&o, &short_event);
    else
        text_line(&o, &short_event, colour);
    cut = o.cut;
    o.cut = 0;
    o.max = LOG_LINE_MAX;
    if (cut)
        put_text(&o, CUT);
    if (e->left_out != 0)
        put_left_out(&o, e->left_out, format);
    else if (format == LOG_JSON)
        put_text(&o, "\"}");
    put_text(&o, "\n");
    return o.n;
}
