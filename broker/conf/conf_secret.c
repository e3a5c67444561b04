/* SPDX-License-Identifier: MIT */
/*
 * conf_secret.c - secrets in files of their own, named by attributes that end in "-file".
 *
 * The path is relative to the folder of the configuration. The first line is the secret; all
 * octets go into a hash, so that a reload sees that a file has changed behind the same name. What
 * is wrong with a file is kept beside it and reported by whoever asks for the secret.
 */
#include "config.h" /* asprintf */

#include "conf/conf_priv.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define SUFFIX "-file"

int conf_secret_is(const char *attribute)
{
    size_t n = strlen(attribute);

    return n > sizeof SUFFIX - 1 && strcmp(attribute + n - (sizeof SUFFIX - 1), SUFFIX) == 0;
}

void conf_wipe(char *text)
{
    if (text != NULL)
        explicit_bzero(text, strlen(text));
    free(text);
}

static int unusable(struct conf_attr *attr, const char *why)
{
    attr->unread = strdup(why);
    return attr->unread != NULL ? 0 : XMB_ENOMEM;
}

/* FNV-1a: only to notice a change, not to resist anybody. */
static uint64_t hash_of(const char *p, size_t n)
{
    uint64_t h = UINT64_C(0xcbf29ce484222325);

    while (n-- > 0)
        h = (h ^ (unsigned char)*p++) * UINT64_C(0x100000001b3);
    return h;
}

static int take_line(struct conf_attr *attr, const char *text, size_t n)
{
    const char *end = memchr(text, '\n', n);
    size_t length = end != NULL ? (size_t)(end - text) : n;

    if (length > 0 && text[length - 1] == '\r')
        length--;
    if (length == 0)
        return unusable(attr, "its first line is empty");
    if (memchr(text, '\0', length) != NULL)
        return unusable(attr, "it is not text");
    attr->secret = strndup(text, length);
    return attr->secret != NULL ? 0 : XMB_ENOMEM;
}

static int read_fd(struct conf_attr *attr, int fd)
{
    char text[CONF_SECRET_MAX + 1];
    struct stat st;
    size_t n = 0;
    ssize_t got = 1;
    int rc;

    if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode))
        return unusable(attr, "it is not a regular file");
    if (st.st_mode & S_IROTH)
        return unusable(attr, "everybody can read it; chmod o-r it");
    while (n < sizeof text && (got = read(fd, text + n, sizeof text - n)) > 0)
        n += (size_t)got;
    if (got < 0)
        rc = unusable(attr, strerror(errno));
    else if (n > CONF_SECRET_MAX)
        rc = unusable(attr, "it is larger than 4096 octets");
    else
        rc = take_line(attr, text, n);
    attr->hash = hash_of(text, n);
    explicit_bzero(text, sizeof text);
    return rc;
}

int conf_secret_read(const struct conf *c, struct conf_attr *attr)
{
    char *path = NULL;
    int fd;
    int rc;

    if (attr->value[0] == '/')
        path = strdup(attr->value);
    else if (asprintf(&path, "%s/%s", c->folder, attr->value) < 0)
        path = NULL;
    if (path == NULL)
        return XMB_ENOMEM;
    fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    rc = fd < 0 ? unusable(attr, strerror(errno)) : read_fd(attr, fd);
    if (fd >= 0)
        close(fd);
    free(path);
    return rc;
}

/* --- which files are named --- */

static void path_of(const struct conf *c, const char *value,
                    void (*fn)(void *arg, const char *path), void *arg)
{
    char path[4096];

    snprintf(path, sizeof path, "%s/%s", c->folder, value);
    fn(arg, value[0] == '/' ? value : path);
}

static void paths_of(const struct xmb_conf *node, void (*fn)(void *arg, const char *path),
                     void *arg)
{
    static const char *const tls[] = {"certificate", "key", "ca", "crl"};
    int is_tls = strcmp(node->name, "tls") == 0 || strcmp(node->name, "identity") == 0;
    const struct conf_attr *attr;
    size_t i;

    for (attr = node->attrs; attr != NULL; attr = attr->next) {
        if (conf_secret_is(attr->name))
            path_of(node->conf, attr->value, fn, arg);
        for (i = 0; is_tls && i < sizeof tls / sizeof tls[0]; i++)
            if (strcmp(attr->name, tls[i]) == 0)
                fn(arg, attr->value);
    }
    for (node = node->child; node != NULL; node = node->next)
        paths_of(node, fn, arg);
}

void conf_paths(const struct conf *c, void (*fn)(void *arg, const char *path), void *arg)
{
    paths_of(c->root, fn, arg);
}
