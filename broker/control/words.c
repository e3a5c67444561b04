/* SPDX-License-Identifier: MIT */
/*
 * words.c - which command is meant, and what can follow.
 *
 * The table is made once at start. A word may be shortened as long as it stays
 * unambiguous among the commands that the words before it allow; a word written
 * out always wins over longer ones that begin with it.
 */
#include "control/control_priv.h"

#include <ctype.h>
#include <stdio.h>

static struct command table[COMMANDS_MAX];
static size_t table_count;

const char *words_nth(const char *words, size_t i, size_t *n)
{
    for (;;) {
        size_t length = strcspn(words, " ");

        if (length == 0)
            return NULL;
        if (i-- == 0) {
            *n = length;
            return words;
        }
        words += length;
        words += strspn(words, " ");
    }
}

int words_add(struct xmb_module *module, const struct xmb_command *decl)
{
    struct command *c;

    if (table_count == COMMANDS_MAX)
        return XMB_ELIMIT;
    c = &table[table_count++];
    memset(c, 0, sizeof *c);
    c->module = module;
    memcpy(&c->decl, decl, decl->size < sizeof c->decl ? decl->size : sizeof c->decl);
    return 0;
}

void words_clear(void)
{
    table_count = 0;
}

/* How far a command goes along with what was typed. */
enum reading {
    READ_DEAD,       /* a word differs */
    READ_INCOMPLETE, /* all that was typed fits, and more words are needed */
    READ_COMPLETE    /* its words are there; what is left are arguments */
};

/*
 * The commands that the typed words allow. Several may stay for a shortened
 * word ("serv"), because a later word can decide between them; a word that is
 * some command's word in full drops those that are only longer.
 */
struct narrowing {
    unsigned char reading[COMMANDS_MAX]; /* enum reading */
    size_t depth; /* words that some command went along with */
};

/* Whether the i-th word of command `c` begins with `typed`; 2 when it is `typed`. */
static int word_fits(size_t c, size_t i, const char *typed)
{
    size_t length = strlen(typed);
    size_t n = 0;
    const char *w = words_nth(table[c].decl.words, i, &n);

    if (w == NULL || n < length || length == 0 || strncasecmp(w, typed, length) != 0)
        return 0;
    return n == length ? 2 : 1;
}

/* Reads the typed word at place `i` against every command that is still incomplete. */
static void narrow_word(struct narrowing *nar, size_t i, const char *typed)
{
    int best = 0;
    size_t c;
    size_t n;

    for (c = 0; c < table_count; c++)
        if (nar->reading[c] == READ_INCOMPLETE && word_fits(c, i, typed) > best)
            best = word_fits(c, i, typed);
    for (c = 0; c < table_count; c++) {
        if (nar->reading[c] != READ_INCOMPLETE)
            continue;
        if (best == 0 || word_fits(c, i, typed) != best)
            nar->reading[c] = READ_DEAD;
        else if (words_nth(table[c].decl.words, i + 1, &n) == NULL)
            nar->reading[c] = READ_COMPLETE;
    }
    if (best > 0)
        nar->depth = i + 1;
}

static void narrow(struct narrowing *nar, const char *const *words, size_t count)
{
    size_t i;

    memset(nar, 0, sizeof *nar);
    memset(nar->reading, READ_INCOMPLETE, table_count);
    for (i = 0; i < count; i++)
        narrow_word(nar, i, words[i]);
}

static size_t word_count(size_t c)
{
    size_t n;
    size_t i = 0;

    while (words_nth(table[c].decl.words, i, &n) != NULL)
        i++;
    return i;
}

void match_clear(struct match *m)
{
    json_decref(m->keywords);
    m->keywords = NULL;
}

/* Says why nothing matched. */
static int no_match(const struct narrowing *nar, const char *const *words, size_t count,
                    struct match *m)
{
    if (m->error[0] != '\0')
        return XMB_EINVAL; /* the arguments of the one command that was meant */
    if (nar->depth < count)
        snprintf(m->error, sizeof m->error, "unknown word \"%.60s\"; try: ?", words[nar->depth]);
    else
        snprintf(m->error, sizeof m->error, "incomplete command; try: ?");
    return XMB_EINVAL;
}

/* 1 when commands `a` and `b` mean different words by one of the first `count` typed. */
static int means_other(size_t a, size_t b, size_t count)
{
    size_t i;

    for (i = 0; i < count; i++) {
        size_t na = 0;
        size_t nb = 0;
        const char *wa = words_nth(table[a].decl.words, i, &na);
        const char *wb = words_nth(table[b].decl.words, i, &nb);

        if (wa != NULL && wb != NULL && (na != nb || memcmp(wa, wb, na) != 0))
            return 1;
    }
    return 0;
}

int words_match(const char *const *words, size_t count, struct match *m)
{
    struct narrowing nar;
    size_t first = COMMANDS_MAX; /* some command that everything typed fits */
    size_t c;

    memset(m, 0, sizeof *m);
    narrow(&nar, words, count);
    for (c = 0; c < table_count; c++) {
        size_t taken = word_count(c);
        struct match one = {.command = &table[c]};

        if (nar.reading[c] == READ_DEAD)
            continue;
        if (nar.reading[c] == READ_COMPLETE &&
            args_match(table[c].decl.arguments, words + taken, count - taken, &one) < 0) {
            memcpy(m->error, one.error, sizeof m->error);
            match_clear(&one);
            continue;
        }
        if (first != COMMANDS_MAX && means_other(first, c, count)) {
            snprintf(m->error, sizeof m->error, "ambiguous command; try: ?");
            match_clear(&one);
            match_clear(m);
            return XMB_EINVAL;
        }
        first = c;
        if (nar.reading[c] == READ_COMPLETE) {
            match_clear(m);
            *m = one;
        }
    }
    return m->command != NULL ? 0 : no_match(&nar, words, count, m);
}

void help_add(json_t *list, const char *word, size_t n, const char *help)
{
    size_t i;
    json_t *seen;

    json_array_foreach(list, i, seen) {
        const char *s = json_string_value(json_object_get(seen, "word"));

        if (s != NULL && strlen(s) == n && memcmp(s, word, n) == 0)
            return;
    }
    json_array_append_new(list, json_pack("{s:s%, s:s}", "word", word, n, "help", help));
}

/* What command `c` offers behind the typed words. */
static void help_command(const struct narrowing *nar, size_t c, const char *const *words,
                         size_t count, json_t *list)
{
    size_t taken = word_count(c);
    size_t n = 0;
    const char *w;

    if (nar->reading[c] == READ_COMPLETE) {
        if (args_help(table[c].decl.arguments, words + taken, count - taken, list))
            help_add(list, "<cr>", 4, table[c].decl.help);
    } else if (nar->reading[c] == READ_INCOMPLETE) {
        w = words_nth(table[c].decl.words, count, &n);
        /* Only the last word of a command carries that command's help. */
        help_add(list, w, n, count + 1 == taken ? table[c].decl.help : "");
    }
}

json_t *words_help(const char *const *words, size_t count)
{
    struct narrowing nar;
    json_t *list = json_array();
    size_t c;

    narrow(&nar, words, count);
    for (c = 0; list != NULL && c < table_count; c++)
        help_command(&nar, c, words, count, list);
    return list;
}
