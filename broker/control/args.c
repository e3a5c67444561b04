/* SPDX-License-Identifier: MIT */
/*
 * args.c - what stands behind the words of a command.
 *
 * A specification is a row of groups, optional ones in brackets; a group is a
 * row of words, each one or more alternatives: CAPITALS stand for a value, lower
 * case for a keyword.  "[ADDRESS|HANDLE] [detail]", "ADDRESS|HANDLE|all",
 * "ipv4|ipv6 [AS] neighbors|topology", "[domain N]".
 *
 * Keywords may be shortened where no value could stand in their place. Groups
 * are taken from left to right; an optional one is passed over when its first
 * word does not fit, or when a later group's keyword is exactly what was typed.
 */
#include "control/control_priv.h"

#include <ctype.h>
#include <stdio.h>

struct group {
    const char *p; /* inside the brackets */
    size_t n;
    int optional;
};

/* Reads the group at `*at` and moves on; 0 at the end. */
static int next_group(const char **at, struct group *g)
{
    const char *p = *at;
    size_t n;

    while (*p == ' ')
        p++;
    if (*p == '\0')
        return 0;
    g->optional = *p == '[';
    n = g->optional ? strcspn(++p, "]") : strcspn(p, " ");
    g->p = p;
    g->n = n;
    *at = p + n + (g->optional && p[n] == ']');
    return 1;
}

/* The i-th word of a group, or 0. */
static int group_word(const struct group *g, size_t i, struct group *word)
{
    const char *p = g->p;
    const char *end = g->p + g->n;

    for (;;) {
        const char *space = memchr(p, ' ', (size_t)(end - p));
        const char *stop = space != NULL ? space : end;

        if (p == end)
            return 0;
        if (i-- == 0) {
            word->p = p;
            word->n = (size_t)(stop - p);
            return 1;
        }
        p = space != NULL ? space + 1 : end;
    }
}

static int takes_value(const struct group *word)
{
    size_t i;

    for (i = 0; i < word->n; i++)
        if ((i == 0 || word->p[i - 1] == '|') && isupper((unsigned char)word->p[i]))
            return 1;
    return 0;
}

/* The keyword of `word` that `typed` means (its length in *n), or NULL. */
static const char *keyword(const struct group *word, const char *typed, int exact, size_t *n)
{
    size_t length = strlen(typed);
    const char *found = NULL;
    const char *p = word->p;
    const char *end = word->p + word->n;

    while (p < end) {
        const char *bar = memchr(p, '|', (size_t)(end - p));
        size_t m = (size_t)((bar != NULL ? bar : end) - p);

        if (!isupper((unsigned char)*p) && m >= length && strncasecmp(p, typed, length) == 0 &&
            (m == length || !exact)) {
            if (found != NULL && m != length)
                return NULL; /* ambiguous */
            found = p;
            *n = m;
            if (m == length)
                break;
        }
        p += m + 1;
    }
    return found;
}

/* 1 when a group behind `at` begins with the keyword that `typed` is or begins. */
static int later_keyword(const char *at, const char *typed)
{
    struct group g;
    struct group word;
    size_t n;

    while (next_group(&at, &g))
        if (group_word(&g, 0, &word) && keyword(&word, typed, 0, &n) != NULL)
            return 1;
    return 0;
}

/* Takes `typed` as `word`; 0 when it does not fit. */
static int take_word(const struct group *word, const char *typed, struct match *m)
{
    int value = takes_value(word);
    size_t n = 0;
    const char *key = keyword(word, typed, value, &n);
    json_t *written;

    if (m->arg_count == XMB_COMMAND_ARGS_MAX || (key == NULL && !value))
        return 0;
    if (key == NULL) {
        m->args[m->arg_count++] = typed;
        return 1;
    }
    if (m->keywords == NULL)
        m->keywords = json_array();
    written = json_stringn(key, n);
    if (json_array_append_new(m->keywords, written) < 0)
        return 0;
    m->args[m->arg_count++] = json_string_value(written);
    return 1;
}

/* Takes the group `g` from `typed`; how many words that were, 0: passed over, negative: fault. */
static int take_group(const struct group *g, const char *rest, const char *const *typed,
                      size_t count, struct match *m)
{
    struct group word;
    size_t i;

    for (i = 0; group_word(g, i, &word); i++) {
        if (i == count) {
            if (g->optional && i == 0)
                return 0;
            snprintf(m->error, sizeof m->error, "%.*s is missing; try: ?", (int)word.n, word.p);
            return XMB_EINVAL;
        }
        if (i == 0 && g->optional && takes_value(&word) && later_keyword(rest, typed[0]))
            return 0;
        if (!take_word(&word, typed[i], m)) {
            if (g->optional && i == 0)
                return 0;
            snprintf(m->error, sizeof m->error, "\"%.60s\" where %.*s is expected; try: ?",
                     typed[i], (int)word.n, word.p);
            return XMB_EINVAL;
        }
    }
    return (int)i;
}

int args_match(const char *spec, const char *const *typed, size_t count, struct match *m)
{
    const char *at = spec != NULL ? spec : "";
    struct group g;
    size_t used = 0;

    while (next_group(&at, &g)) {
        int n = take_group(&g, at, typed + used, count - used, m);

        if (n < 0)
            return n;
        used += (size_t)n;
    }
    if (used < count) {
        snprintf(m->error, sizeof m->error, "\"%.60s\" is too much here; try: ?", typed[used]);
        return XMB_EINVAL;
    }
    return 0;
}

/* Adds each alternative of `word`. */
static void help_word(const struct group *word, json_t *list)
{
    const char *p = word->p;
    const char *end = word->p + word->n;

    while (p < end) {
        const char *bar = memchr(p, '|', (size_t)(end - p));
        size_t m = (size_t)((bar != NULL ? bar : end) - p);

        help_add(list, p, m, isupper((unsigned char)*p) ? "a value" : "");
        p += m + 1;
    }
}

int args_help(const char *spec, const char *const *typed, size_t count, json_t *list)
{
    const char *at = spec != NULL ? spec : "";
    struct match scratch;
    struct group g;
    struct group word;
    size_t used = 0;
    int may_end = 1;

    memset(&scratch, 0, sizeof scratch);
    while (may_end && next_group(&at, &g)) {
        size_t words = 0;

        while (used < count && group_word(&g, words, &word) &&
               !(g.optional && words == 0 && takes_value(&word) &&
                 later_keyword(at, typed[used])) &&
               take_word(&word, typed[used], &scratch)) {
            used++;
            words++;
        }
        if (used == count && group_word(&g, words, &word)) {
            help_word(&word, list);
            may_end = g.optional && words == 0;
        }
    }
    match_clear(&scratch);
    return may_end && used == count;
}
