/* SPDX-License-Identifier: MIT */
/*
 * conf_fault.c - the list of what is wrong with a configuration.
 *
 * It is kept in the order of files and lines, and says nothing twice: the schema, our own
 * explanation and a getter may stumble over the same attribute. At most FAULTS_MAX are kept; a
 * file with more of them is not a configuration. A fault that finds no memory is counted by the
 * caller's return value all the same, so nothing becomes valid by being out of memory.
 */
#include "conf/conf.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define FAULTS_MAX 100
#define FAULT_TEXT_MAX 1024

/* By file, then line; faults of one line keep the order in which they were found. */
static int goes_before(const struct conf_fault *f, const char *file, uint32_t line)
{
    int order = strcmp(f->file, file);

    return order != 0 ? order < 0 : f->line <= line;
}

/* Where the fault belongs, or -1 when it is there already. */
static long place_of(const struct conf_faults *f, const char *file, uint32_t line,
                     const char *text)
{
    size_t at = 0;
    size_t i;

    for (i = 0; i < f->count; i++) {
        const struct conf_fault *old = &f->list[i];

        if (old->line == line && strcmp(old->file, file) == 0 && strcmp(old->text, text) == 0)
            return -1;
        if (goes_before(old, file, line))
            at = i + 1;
    }
    return (long)at;
}

void conf_faults_vadd(struct conf_faults *f, const char *file, uint32_t line, const char *format,
                      va_list args)
{
    char text[FAULT_TEXT_MAX];
    struct conf_fault fault;
    long at;

    vsnprintf(text, sizeof text, format, args);
    if (f == NULL || f->count == FAULTS_MAX || (at = place_of(f, file, line, text)) < 0)
        return;
    if (f->list == NULL && (f->list = calloc(FAULTS_MAX, sizeof *f->list)) == NULL)
        return;
    fault.file = strdup(file);
    fault.line = line;
    fault.text = strdup(text);
    if (fault.file == NULL || fault.text == NULL) {
        free(fault.file);
        free(fault.text);
        return;
    }
    memmove(f->list + at + 1, f->list + at, (f->count - (size_t)at) * sizeof *f->list);
    f->list[at] = fault;
    f->count++;
}

void conf_faults_add(struct conf_faults *f, const char *file, uint32_t line, const char *format,
                     ...)
{
    va_list args;

    va_start(args, format);
    conf_faults_vadd(f, file, line, format, args);
    va_end(args);
}

void conf_faults_print(const struct conf_faults *f, int fd)
{
    size_t i;

    for (i = 0; i < f->count; i++) {
        const struct conf_fault *fault = &f->list[i];

        if (fault->line == 0)
            dprintf(fd, "%s: %s\n", fault->file, fault->text);
        else
            dprintf(fd, "%s:%u: %s\n", fault->file, fault->line, fault->text);
    }
}

void conf_faults_clear(struct conf_faults *f)
{
    size_t i;

    for (i = 0; i < f->count; i++) {
        free(f->list[i].file);
        free(f->list[i].text);
    }
    free(f->list);
    f->list = NULL;
    f->count = 0;
}
