/* SPDX-License-Identifier: MIT */
/*
 * reader_scan.c - where tags and items end, octet by octet, and the limits.
 *
 * Each octet is looked at once, however the input is cut. What it takes for a tag may be broken in
 * a hundred ways: libxml2 looks at it afterwards. The other direction matters: an item that is
 * good XML must end here where it ends there, and what is forbidden must be found.
 *
 *   TEXT --'<'--> OPEN --name--> START --quote--> QUOTE --quote--> START --'>'--> TEXT
 *                   |--'/'--> END --'>'--> TEXT
 *                   |--'!'--> BANG --[CDATA[--> CDATA --]]>--> TEXT
 *                   '--'?'--> DECL, at the very beginning
 */
#include "reader_priv.h"

enum place { AT_BEGIN, AT_PROLOG, AT_BETWEEN, AT_AFTER };
enum state { IN_TEXT, IN_OPEN, IN_START, IN_QUOTE, IN_END, IN_BANG, IN_CDATA, IN_DECL,
             STATE_COUNT };

#define DECLARATION_MAX 256

/* What may end a name in a tag. */
static const uint8_t ends_name[256] = {
    ['>'] = 1, ['/'] = 1, ['\''] = 1, ['"'] = 1,  ['='] = 1,
    ['<'] = 1, [' '] = 1, ['\t'] = 1, ['\n'] = 1, ['\r'] = 1,
};

static int is_space(unsigned char c)
{
    return c == ' ' || c == '\n' || c == '\t' || c == '\r';
}

void s2_scan_begin(struct s2_scan *s)
{
    memset(s, 0, sizeof(*s));
}

/* --- between items --------------------------------------------------------------------------- */

/* Marks of UTF-8, UTF-16 and UTF-32. */
static int is_byte_order_mark(unsigned char c)
{
    return c == 0xef || c == 0xfe || c == 0xff || c == 0;
}

static int text_fault(const struct s2_scan *s, unsigned char c)
{
    if (s->place == AT_BETWEEN)
        return S2_READ_BAD_FORMAT;
    return s->place == AT_BEGIN && is_byte_order_mark(c) ? S2_READ_BAD_ENCODING
                                                         : S2_READ_NOT_WELL_FORMED;
}

size_t s2_scan_gap(struct s2_scan *s, const char *p, size_t n)
{
    size_t i = 0;

    s->outcome = 0;
    while (i < n && is_space((unsigned char)p[i]))
        i++;
    if (i > 0 && s->place == AT_BEGIN)
        s->place = AT_PROLOG;
    if (i == n)
        return i;
    if (p[i] != '<' || s->place == AT_AFTER) {
        s->outcome = text_fault(s, (unsigned char)p[i]);
        return i;
    }
    s->open = 1;
    s->state = IN_TEXT;
    s->bytes = s->safe = 0;
    s->elements = s->starts = 0;
    return i;
}

/* --- ends ------------------------------------------------------------------------------------ */

static void item_ends(struct s2_scan *s, enum s2_item item)
{
    s->open = 0;
    s->outcome = item;
    s->place = item == S2_ITEM_DECL ? AT_PROLOG : s->depth == 0 ? AT_AFTER : AT_BETWEEN;
}

static void start_tag_ends(struct s2_scan *s, const struct s2_read_limits *l)
{
    int root = s->depth == 0;

    s->tag_ended = 1;
    s->state = IN_TEXT;
    s->depth++;
    s->starts++;
    if (!root && (s->depth - 1 > l->depth || ++s->elements > l->elements)) {
        s->outcome = S2_READ_TOO_BIG;
        return;
    }
    if (s->slash)
        s->depth--;
    if (root)
        item_ends(s, S2_ITEM_HEADER);
    else if (s->depth == 1)
        item_ends(s, S2_ITEM_ELEMENT);
}

static void end_tag_ends(struct s2_scan *s)
{
    s->tag_ended = 1;
    s->state = IN_TEXT;
    s->depth--;
    if (s->depth <= 1)
        item_ends(s, s->depth == 0 ? S2_ITEM_END : S2_ITEM_ELEMENT);
}

/* --- the states: each returns how many octets it took ---------------------------------------- */

static size_t in_text(struct s2_scan *s, const struct s2_read_limits *l, const char *p, size_t n)
{
    const char *open = memchr(p, '<', n);

    (void)l;
    if (open == NULL)
        return n;
    s->state = IN_OPEN;
    return (size_t)(open - p) + 1;
}

static size_t in_open(struct s2_scan *s, const struct s2_read_limits *l, const char *p, size_t n)
{
    (void)l;
    (void)n;
    switch (*p) {
    case '/':
        if (s->depth == 0)
            s->outcome = S2_READ_NOT_WELL_FORMED;
        s->state = IN_END;
        return 1;
    case '!':
        s->state = IN_BANG;
        s->matched = 0;
        return 1;
    case '?':
        if (s->place != AT_BEGIN)
            s->outcome = S2_READ_RESTRICTED;
        s->state = IN_DECL;
        s->matched = 0;
        return 1;
    default:
        s->state = IN_START;
        s->attributes = s->name_bytes = 0;
        s->slash = 0;
        return 0;
    }
}

static void name_ends(struct s2_scan *s, const struct s2_read_limits *l, char c)
{
    s->name_bytes = 0;
    s->slash = c == '/';
    if (c == '\'' || c == '"') {
        s->quote = (uint8_t)c;
        s->value_bytes = 0;
        s->state = IN_QUOTE;
    } else if (c == '=' && ++s->attributes > l->attributes) {
        s->outcome = S2_READ_TOO_BIG;
    } else if (c == '<') {
        s->outcome = S2_READ_NOT_WELL_FORMED;
    }
}

static size_t in_start(struct s2_scan *s, const struct s2_read_limits *l, const char *p, size_t n)
{
    size_t i = 0;

    while (i < n && !ends_name[(unsigned char)p[i]])
        i++;
    if (i > 0) {
        s->slash = 0;
        s->name_bytes += (uint32_t)i;
        if (s->name_bytes > l->name_bytes)
            s->outcome = S2_READ_TOO_BIG;
    }
    if (i == n || s->outcome != 0)
        return i;
    if (p[i] == '>')
        start_tag_ends(s, l);
    else
        name_ends(s, l, p[i]);
    return i + 1;
}

static size_t in_quote(struct s2_scan *s, const struct s2_read_limits *l, const char *p, size_t n)
{
    const char *quote = memchr(p, s->quote, n);
    size_t value = quote != NULL ? (size_t)(quote - p) : n;

    if ((size_t)s->value_bytes + value > l->value_bytes)
        s->outcome = S2_READ_TOO_BIG;
    s->value_bytes += (uint32_t)value;
    if (quote == NULL)
        return n;
    s->state = IN_START;
    return value + 1;
}

static size_t in_end(struct s2_scan *s, const struct s2_read_limits *l, const char *p, size_t n)
{
    const char *close = memchr(p, '>', n);

    (void)l;
    if (close == NULL)
        return n;
    end_tag_ends(s);
    return (size_t)(close - p) + 1;
}

static size_t in_bang(struct s2_scan *s, const struct s2_read_limits *l, const char *p, size_t n)
{
    static const char cdata[] = "[CDATA[";

    (void)l;
    (void)n;
    if (*p != cdata[s->matched]) {
        int forbidden = *p == '-' || (*p >= 'A' && *p <= 'Z'); /* comments, declarations */

        s->outcome = s->matched == 0 && forbidden ? S2_READ_RESTRICTED : S2_READ_NOT_WELL_FORMED;
    } else if (++s->matched == sizeof(cdata) - 1) {
        s->state = IN_CDATA;
        s->matched = 0;
        if (s->depth < 2)
            s->outcome = text_fault(s, '<');
    }
    return 1;
}

static size_t in_cdata(struct s2_scan *s, const struct s2_read_limits *l, const char *p, size_t n)
{
    const char *bracket;

    (void)l;
    if (s->matched == 0) {
        bracket = memchr(p, ']', n);
        if (bracket == NULL)
            return n;
        s->matched = 1;
        return (size_t)(bracket - p) + 1;
    }
    if (*p == ']')
        s->matched = 2;
    else if (*p == '>' && s->matched == 2)
        s->state = IN_TEXT;
    else
        s->matched = 0;
    return 1;
}

static size_t in_decl(struct s2_scan *s, const struct s2_read_limits *l, const char *p, size_t n)
{
    (void)l;
    (void)n;
    if (*p == '>' && s->matched)
        item_ends(s, S2_ITEM_DECL);
    s->matched = *p == '?';
    if (s->open && s->bytes + 1 >= DECLARATION_MAX)
        s->outcome = S2_READ_TOO_BIG;
    return 1;
}

static size_t (*const steps[STATE_COUNT])(struct s2_scan *s, const struct s2_read_limits *l,
                                          const char *p, size_t n) = {
    [IN_TEXT] = in_text, [IN_OPEN] = in_open, [IN_START] = in_start, [IN_QUOTE] = in_quote,
    [IN_END] = in_end,   [IN_BANG] = in_bang, [IN_CDATA] = in_cdata, [IN_DECL] = in_decl,
};

size_t s2_scan_item(struct s2_scan *s, const struct s2_read_limits *limits, const char *p,
                    size_t n)
{
    size_t left = limits->stanza_bytes > s->bytes ? limits->stanza_bytes - s->bytes : 0;
    size_t most = n < left ? n : left;
    size_t i = 0;

    s->outcome = 0;
    while (i < most && s->outcome == 0) {
        size_t took = steps[s->state](s, limits, p + i, most - i);

        i += took;
        s->bytes += (uint32_t)took;
        if (s->tag_ended) {
            s->tag_ended = 0;
            s->safe = s->bytes;
        }
    }
    if (s->outcome == 0 && i == left)
        s->outcome = S2_READ_TOO_BIG;
    return i;
}
