/* SPDX-License-Identifier: MIT */
/*
 * plugin_priv.h - the steps of loading, as the files of this folder share them.
 *
 * Each step says what is wrong in words, in a struct plugin_why; who called knows the line of the
 * configuration that the words belong to. Thread: control, for all of this.
 */
#ifndef BROKER_PLUGIN_PRIV_H
#define BROKER_PLUGIN_PRIV_H

#include "plugin/module.h"

#include <limits.h>

#define PLUGIN_WHY_MAX 700

struct plugin_why {
    char text[PLUGIN_WHY_MAX];
};

int plugin_why(struct plugin_why *why, int code, const char *format, ...) XMB_PRINTF(3, 4);

/* --- plugin_open.c: from a name to a descriptor --- */

struct plugin_file {
    char path[PATH_MAX]; /* absolute; of one that is linked in "preloaded" */
    char hash[65];       /* SHA-256 of the file in hex, or "" */
    int linked_in;       /* a part of this program: there is no file */
    const struct xmb_plugin *descriptor; /* the plugin's own memory: not checked yet */
};

int plugin_open_init(void);
/* Looks for NAME.so in the folders in turn; checks it; opens it. XMB_ENOENT, _EDENIED, _EIO. */
int plugin_open(const char *name, const char *const *folders, size_t count,
                struct plugin_file *out, struct plugin_why *why);
/* The same for one file anywhere: xmb-plugin-check. `name` has room for NAME_MAX. */
int plugin_open_path(const char *path, char *name, struct plugin_file *out,
                     struct plugin_why *why);

/* --- plugin_check.c: from a descriptor to the copies in a struct xmb_module --- */

/*
 * Reads `d` as data, no further than its own size. `m` is zeroed memory; on failure what it owns
 * is freed. XMB_EVERSION, XMB_EINVAL, XMB_ENOMEM.
 */
int plugin_check(const struct xmb_plugin *d, const char *name, struct xmb_module *m,
                 struct plugin_why *why);
void plugin_check_free(struct xmb_module *m);

/* --- host.c --- */

extern const struct xmb_host host_table;

#endif
