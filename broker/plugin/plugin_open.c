/* SPDX-License-Identifier: MIT */
/*
 * plugin_open.c - from the name of a module to the descriptor in its shared object.
 *
 * The only file that knows libltdl. The path is always absolute, <folder>/<name>.so: libltdl's
 * search path (which an environment variable changes) and .la files (which lead to other
 * files) are not used. Before libltdl opens it, dlopen tries the same with RTLD_NOW: so a
 * missing symbol is found here and not at its first call, and is told by name; libltdl would say
 * "file not found". Nothing is ever closed again: a plugin may have left threads, atexit
 * handlers and thread-local destructors that point into it.
 */
#include "config.h"

#include "plugin/plugin_priv.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <ltdl.h>
#include <openssl/evp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define SYMBOL "_LTX_xmb_plugin"

int plugin_why(struct plugin_why *why, int code, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    vsnprintf(why->text, sizeof why->text, format, args);
    va_end(args);
    return code;
}

#ifdef XMB_STATIC_PLUGINS
/*
 * libtool writes this table into a program that plugins are linked into. Tests and tools have this
 * file without any plugin: there it is weak and NULL, and every plugin comes from a file.
 */
#pragma weak lt__PROGRAM__LTX_preloaded_symbols
#endif

int plugin_open_init(void)
{
#ifdef XMB_STATIC_PLUGINS
    LTDL_SET_PRELOADED_SYMBOLS();
#endif
    return lt_dlinit() == 0 ? 0 : XMB_EIO;
}

/* --- may we trust this file? --- */

static int check_owner(const char *path, const struct stat *st, struct plugin_why *why)
{
    if (!S_ISREG(st->st_mode))
        return plugin_why(why, XMB_EDENIED, "%s is not a regular file", path);
    if (st->st_uid != 0 && st->st_uid != geteuid())
        return plugin_why(why, XMB_EDENIED,
                          "%s belongs to user %u; a plugin must belong to root or to the user of "
                          "the broker",
                          path, (unsigned)st->st_uid);
    if (st->st_mode & (S_IWGRP | S_IWOTH))
        return plugin_why(why, XMB_EDENIED,
                          "%s can be written by others than its owner; chmod go-w it", path);
    return 0;
}

/* A link may lead to another name in the same folder, as packages do it, and nowhere else. */
static int check_place(const char *folder, const char *path, char *real, struct plugin_why *why)
{
    char real_folder[PATH_MAX];
    size_t n;

    if (realpath(folder, real_folder) == NULL || realpath(path, real) == NULL)
        return plugin_why(why, XMB_EIO, "%s: %s", path, strerror(errno));
    n = strcmp(real_folder, "/") == 0 ? 0 : strlen(real_folder);
    if (strncmp(real, real_folder, n) != 0 || strrchr(real, '/') != real + n)
        return plugin_why(why, XMB_EDENIED, "%s is a link that leads out of its folder, to %s",
                          path, real);
    return 0;
}

static int check_file(const char *folder, const char *path, char *real, struct plugin_why *why)
{
    struct stat st;
    int rc = check_place(folder, path, real, why);

    if (rc < 0)
        return rc;
    if (stat(real, &st) < 0)
        return plugin_why(why, XMB_EIO, "%s: %s", real, strerror(errno));
    return check_owner(path, &st, why);
}

/* --- open it --- */

/* "auth-userpass" -> "auth_userpass_LTX_xmb_plugin" */
static void symbol_of(const char *name, char *symbol, size_t cap)
{
    char *p;

    snprintf(symbol, cap, "%s" SYMBOL, name);
    for (p = symbol; *p != '\0'; p++)
        if (*p == '-')
            *p = '_';
}

static int preflight(const char *path, struct plugin_why *why)
{
    void *handle = dlopen(path, RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
    const char *text;

    if (handle == NULL) {
        text = dlerror();
        return plugin_why(why, XMB_EIO, "cannot be loaded: %s", text != NULL ? text : path);
    }
    dlclose(handle); /* NODELETE: it stays mapped, and libltdl gets the same mapping */
    return 0;
}

static int find_symbol(lt_dlhandle handle, const char *name, const char *path,
                       struct plugin_file *out, struct plugin_why *why)
{
    char symbol[NAME_MAX + sizeof SYMBOL];

    symbol_of(name, symbol, sizeof symbol);
    out->descriptor = lt_dlsym(handle, symbol);
    if (out->descriptor == NULL)
        return plugin_why(why, XMB_EINVAL,
                          "%s has no symbol %s; it is not a plugin, or was renamed after it was "
                          "built",
                          path, symbol);
    return 0;
}

static int open_file(const char *name, struct plugin_file *out, struct plugin_why *why)
{
    lt_dladvise advise;
    lt_dlhandle handle;
    int rc = preflight(out->path, why);

    if (rc < 0)
        return rc;
    if (lt_dladvise_init(&advise) != 0)
        return plugin_why(why, XMB_ENOMEM, "out of memory");
    lt_dladvise_local(&advise);
    lt_dladvise_resident(&advise);
    handle = lt_dlopenadvise(out->path, advise);
    lt_dladvise_destroy(&advise);
    if (handle == NULL)
        return plugin_why(why, XMB_EIO, "cannot be loaded: %s: %s", out->path, lt_dlerror());
    return find_symbol(handle, name, out->path, out, why);
}

/* For the log, so that it can be told later which build ran. */
static void hash_file(const char *path, char *hex)
{
    unsigned char digest[32];
    char octets[16384];
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t n = -1;
    size_t i;

    hex[0] = '\0';
    if (ctx != NULL && fd >= 0 && EVP_DigestInit_ex(ctx, EVP_sha256(), NULL) == 1)
        while ((n = read(fd, octets, sizeof octets)) > 0)
            EVP_DigestUpdate(ctx, octets, (size_t)n);
    if (n == 0 && EVP_DigestFinal_ex(ctx, digest, NULL) == 1)
        for (i = 0; i < sizeof digest; i++)
            snprintf(hex + 2 * i, 3, "%02x", digest[i]);
    if (fd >= 0)
        close(fd);
    EVP_MD_CTX_free(ctx);
}

#ifdef XMB_STATIC_PLUGINS
/*
 * Linked into this program: libltdl knows it by the name of its archive. Its loader for these is asked
 * by itself, because lt_dlopen goes through the search path for a name with a `-` in it.
 */
static int open_preloaded(const char *name, struct plugin_file *out)
{
    const lt_dlvtable *preloaded = lt_dlloader_find("lt_preopen");
    char archive[NAME_MAX + 8];
    char symbol[NAME_MAX + sizeof SYMBOL];
    lt_module module;

    if (preloaded == NULL)
        return 0;
    snprintf(archive, sizeof archive, "%s.a", name);
    module = preloaded->module_open(preloaded->dlloader_data, archive, NULL);
    if (module == NULL)
        return 0;
    symbol_of(name, symbol, sizeof symbol);
    out->descriptor = preloaded->find_sym(preloaded->dlloader_data, module, symbol);
    snprintf(out->path, sizeof out->path, "preloaded");
    out->hash[0] = '\0';
    out->linked_in = out->descriptor != NULL;
    return out->linked_in;
}
#endif

/* 1: there, and `real` is its absolute path; 0: not there; negative: there and refused. */
static int look_in(const char *folder, const char *name, char *real, struct plugin_why *why)
{
    char path[PATH_MAX];
    struct stat st;
    int n = snprintf(path, sizeof path, "%s/%s.so", folder, name);
    int rc;

    if (n < 0 || (size_t)n >= sizeof path)
        return plugin_why(why, XMB_EINVAL, "the path of the plugin folder is too long");
    if (lstat(path, &st) < 0) {
        if (errno == ENOENT || errno == ENOTDIR)
            return 0;
        return plugin_why(why, XMB_EIO, "%s: %s", path, strerror(errno));
    }
    rc = check_file(folder, path, real, why);
    return rc < 0 ? rc : 1;
}

static int not_found(const char *name, const char *const *folders, size_t count,
                     struct plugin_why *why)
{
    char list[512] = "";
    size_t used = 0;
    size_t i;

    for (i = 0; i < count && used < sizeof list; i++)
        used += (size_t)snprintf(list + used, sizeof list - used, "%s%s", i > 0 ? ", " : "",
                                 folders[i]);
    return plugin_why(why, XMB_ENOENT, "there is no %s.so in %s", name, list);
}

int plugin_open(const char *name, const char *const *folders, size_t count,
                struct plugin_file *out, struct plugin_why *why)
{
    size_t i;
    int rc;

#ifdef XMB_STATIC_PLUGINS
    if (open_preloaded(name, out))
        return 0;
#endif
    for (i = 0; i < count; i++) {
        rc = look_in(folders[i], name, out->path, why);
        if (rc < 0)
            return rc;
        if (rc == 0)
            continue;
        rc = open_file(name, out, why);
        if (rc == 0)
            hash_file(out->path, out->hash);
        return rc;
    }
    return not_found(name, folders, count, why);
}

/* "/a/b/auth-userpass.so" -> "auth-userpass" */
static int name_of(const char *path, char *name)
{
    const char *base = strrchr(path, '/') + 1;
    size_t n = strlen(base);

    if (n <= 3 || strcmp(base + n - 3, ".so") != 0 || n - 3 > NAME_MAX)
        return 0;
    memcpy(name, base, n - 3);
    name[n - 3] = '\0';
    return 1;
}

int plugin_open_path(const char *path, char *name, struct plugin_file *out,
                     struct plugin_why *why)
{
    struct stat st;
    int rc;

    if (realpath(path, out->path) == NULL || stat(out->path, &st) < 0)
        return plugin_why(why, XMB_ENOENT, "%s: %s", path, strerror(errno));
    rc = check_owner(path, &st, why);
    if (rc < 0)
        return rc;
    if (!name_of(out->path, name))
        return plugin_why(why, XMB_EINVAL, "%s is not called NAME.so", path);
    rc = open_file(name, out, why);
    if (rc == 0)
        hash_file(out->path, out->hash);
    return rc;
}
