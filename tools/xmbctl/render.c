/* SPDX-License-Identifier: MIT */
/*
 * render.c - an answer for people: fields as "Name: value", rows as a table.
 *
 * Knows nothing of any command: what a plugin emits is shown as it comes. Rows
 * that hold lists of their own are shown one after the other, indented.
 */
#include "xmbctl.h"

#include <ctype.h>
#include <string.h>

#define CELL_MAX 512

/* One value as text; a list of plain values is joined by commas. */
static void cell(json_t *value, char *text, size_t cap)
{
    size_t i;
    size_t used = 0;
    json_t *item;

    text[0] = '\0';
    if (json_is_string(value))
        snprintf(text, cap, "%s", json_string_value(value));
    else if (json_is_integer(value))
        snprintf(text, cap, "%" JSON_INTEGER_FORMAT, json_integer_value(value));
    else if (json_is_boolean(value))
        snprintf(text, cap, "%s", json_is_true(value) ? "yes" : "no");
    else if (json_is_array(value))
        json_array_foreach(value, i, item) {
            char one[CELL_MAX];

            cell(item, one, sizeof one);
            used += (size_t)snprintf(text + used, cap - used, "%s%s", i > 0 ? ", " : "", one);
            if (used >= cap)
                break;
        }
    else
        snprintf(text, cap, "-");
}

/* 1 when `value` is a list that has an object in it. */
static int is_rows(json_t *value)
{
    return json_is_array(value) && json_is_object(json_array_get(value, 0));
}

static int has_rows(json_t *row)
{
    const char *key;
    json_t *value;

    json_object_foreach(row, key, value)
        if (is_rows(value) || json_is_object(value))
            return 1;
    return 0;
}

/* "clients_unauthenticated" becomes "Clients unauthenticated". */
static void title(const char *key, char *text, size_t cap)
{
    size_t i;

    for (i = 0; key[i] != '\0' && i + 1 < cap; i++)
        text[i] = key[i] == '_' ? ' ' : key[i];
    text[i] = '\0';
    text[0] = (char)toupper((unsigned char)text[0]);
}

static size_t column_width(json_t *rows, const char *key)
{
    char text[CELL_MAX];
    size_t width = strlen(key);
    size_t i;
    json_t *row;

    json_array_foreach(rows, i, row) {
        cell(json_object_get(row, key), text, sizeof text);
        if (strlen(text) > width)
            width = strlen(text);
    }
    return width;
}

#define COLUMNS_MAX 16 /* of a table; wider rows are shown as blocks */

static void table(FILE *to, json_t *rows, int indent)
{
    size_t widths[COLUMNS_MAX];
    char text[CELL_MAX];
    const char *key;
    json_t *value;
    json_t *row;
    size_t i;
    size_t c = 0;

    fprintf(to, "%*s", indent, "");
    json_object_foreach(json_array_get(rows, 0), key, value) {
        if (c == COLUMNS_MAX)
            break;
        widths[c] = column_width(rows, key);
        title(key, text, sizeof text);
        fprintf(to, "%-*s  ", (int)widths[c++], text);
    }
    fputc('\n', to);
    json_array_foreach(rows, i, row) {
        c = 0;
        fprintf(to, "%*s", indent, "");
        json_object_foreach(json_array_get(rows, 0), key, value) {
            if (c == COLUMNS_MAX)
                break;
            cell(json_object_get(row, key), text, sizeof text);
            fprintf(to, "%-*s  ", (int)widths[c++], text);
        }
        fputc('\n', to);
    }
}

static void fields(FILE *to, json_t *object, int indent);

/* 1 when it says what the head of a table, which is that of the first row, has no column for. */
static int says_more(json_t *row, json_t *first)
{
    const char *key;
    json_t *value;

    json_object_foreach(row, key, value)
        if (json_object_get(first, key) == NULL)
            return 1;
    return 0;
}

static void rows_show(FILE *to, json_t *rows, int indent)
{
    size_t i;
    json_t *row;
    int nested = 0;

    json_array_foreach(rows, i, row)
        nested |= has_rows(row) || json_object_size(row) > COLUMNS_MAX ||
                  says_more(row, json_array_get(rows, 0));
    if (!nested) {
        table(to, rows, indent);
        return;
    }
    json_array_foreach(rows, i, row) {
        if (i > 0)
            fputc('\n', to);
        fields(to, row, indent);
    }
}

static void fields(FILE *to, json_t *object, int indent)
{
    char name[80];
    char text[CELL_MAX];
    const char *key;
    json_t *value;

    json_object_foreach(object, key, value) {
        title(key, name, sizeof name);
        if (is_rows(value) || json_is_object(value)) {
            fprintf(to, "%*s%s:\n", indent, "", name);
            if (json_is_object(value))
                fields(to, value, indent + 2);
            else
                rows_show(to, value, indent + 2);
        } else {
            cell(value, text, sizeof text);
            fprintf(to, "%*s%s: %s\n", indent, "", name, text[0] != '\0' ? text : "none");
        }
    }
}

/* "core_accepted: 12": the keys are names that are also written elsewhere. */
static void show_names(FILE *to, json_t *object)
{
    char text[CELL_MAX];
    const char *key;
    json_t *value;

    json_object_foreach(object, key, value) {
        cell(value, text, sizeof text);
        fprintf(to, "%s: %s\n", key, text);
    }
}

void render_answer(FILE *to, json_t *answer, int plain)
{
    const char *key;
    json_t *value;

    if (plain) {
        show_names(to, answer);
        return;
    }

    /* An answer that is one list needs no heading. */
    if (json_object_size(answer) == 1)
        json_object_foreach(answer, key, value)
            if (is_rows(value)) {
                rows_show(to, value, 0);
                return;
            }
    fields(to, answer, 0);
}

void render_help(FILE *to, json_t *help)
{
    size_t width = 0;
    size_t i;
    json_t *row;

    json_array_foreach(help, i, row) {
        size_t n = strlen(json_string_value(json_object_get(row, "word")));

        if (n > width)
            width = n;
    }
    json_array_foreach(help, i, row)
        fprintf(to, "  %-*s  %s\n", (int)width, json_string_value(json_object_get(row, "word")),
                json_string_value(json_object_get(row, "help")));
}
