/* SPDX-License-Identifier: MIT */
/*
 * conf.h - the configuration file: parsed, checked, and served as read-only nodes.
 *
 * A struct conf is one reading of the file, counted, so that old and new live
 * side by side during a reload. Faults are collected (a file has all of its faults
 * told at once, in the order of its lines) and printed by whoever asked: stderr for -t and
 * start, JSON for reload. Thread: control, for all of this.
 */
#ifndef BROKER_CONF_H
#define BROKER_CONF_H

#include <stdarg.h>
#include <xmb/conf.h>

struct conf;

struct conf_fault {
    char *file;
    uint32_t line; /* 0: the file as a whole */
    char *text;
};
struct conf_faults {
    struct conf_fault *list; /* by file and line, no two the same */
    size_t count;            /* at most 100 are kept */
};

/*
 * Reads FILE: no network, no DTD, no entities; checks the frame (namespace, <broker>,
 * <module name>), and reads the files that "-file" attributes name, while we may still be root.
 * Content is checked by conf_check_broker and conf_check_module. XMB_ECONF: see faults.
 */
int conf_read(const char *file, struct conf **out, struct conf_faults *faults);
/* Validates <broker> with the core's RELAX NG; needs no plugin. */
int conf_check_broker(struct conf *c, struct conf_faults *faults);
struct conf_schema {
    const char *module;
    const char *schema; /* or NULL: nothing may stand in the element */
    size_t schema_bytes;
};
/* Composes the core's RELAX NG with the module's and validates its element with it. */
int conf_check_module(const struct xmb_conf *node, const struct conf_schema *schema,
                      struct conf_faults *faults);
/* 0 when the schema is one that can be composed; else XMB_ECONF and why in `text`. */
int conf_schema_check(const struct conf_schema *schema, char *text, size_t cap);
/* Getters report faults here from now on. */
void conf_collect(struct conf *c, struct conf_faults *faults);
/* Never NULL; an empty element if it was left out. */
const struct xmb_conf *conf_broker(const struct conf *c);
size_t conf_module_count(const struct conf *c);
const struct xmb_conf *conf_module(const struct conf *c, size_t i); /* in file order */
/*
 * 1 when both elements say the same: attributes in any order, white space and comments aside,
 * the content of "-file"s included.
 */
int conf_same(const struct xmb_conf *a, const struct xmb_conf *b);
const char *conf_file(const struct conf *c);
/* One reference more; conf_free gives one back and frees with the last. */
struct conf *conf_hold(struct conf *c);
void conf_free(struct conf *c); /* NULL is fine */
/* Calls fn with each path that the configuration names to be read: "-file"s and TLS files. */
void conf_paths(const struct conf *c, void (*fn)(void *arg, const char *path), void *arg);

void conf_faults_add(struct conf_faults *f, const char *file, uint32_t line, const char *format,
                     ...) XMB_PRINTF(4, 5);
void conf_faults_vadd(struct conf_faults *f, const char *file, uint32_t line, const char *format,
                      va_list args) XMB_PRINTF(4, 0);
void conf_faults_print(const struct conf_faults *f, int fd); /* "FILE:LINE: text\n" each */
void conf_faults_clear(struct conf_faults *f);

extern const struct xmb_conf_api conf_api;

#endif
