/* SPDX-License-Identifier: MIT */
/*
 * control.c - the control socket's life: bound beside the old one, moved into place.
 *
 * prepare binds a temporary name in the same folder and sets owner and mode
 * there; commit renames it over the path, so that a stale socket of a crashed
 * broker is replaced and nobody ever meets a socket with the wrong permissions.
 * A path at which another broker answers is refused.
 *
 *   <control socket="/run/xmb/xmbd.sock" group="xmb" mode="0660"/>
 */
#include "control/control_priv.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "conf/conf.h"
#include "log/log.h"

#include "../../lib/control/socket_path.h"

struct control_next {
    char path[CONTROL_PATH_MAX];
    char temporary[CONTROL_PATH_MAX];
    int fd; /* -1: the path stays, only group and mode are new */
    gid_t group;
    mode_t mode;
};

#define RETRY_MS 100

struct listening {
    uv_poll_t poll;
    uv_timer_t retry; /* runs while no connection can be taken */
    int fd;
    int handles; /* open ones of the two */
};

static char current_path[CONTROL_PATH_MAX];
static struct listening *current;

static uid_t owner = (uid_t)-1; /* -1: as it is made */
static gid_t owner_group = (gid_t)-1;

void control_owner(uid_t uid, gid_t gid)
{
    owner = uid;
    owner_group = gid;
}

static int only_check;

void control_only_check(void)
{
    only_check = 1;
}

static int parse_group(const struct xmb_conf *node, struct control_next *next)
{
    const char *name = conf_api.text(node, "group", NULL);
    const struct group *g;

    if (name == NULL)
        return 0;
    g = getgrnam(name);
    if (g == NULL) {
        /* Tighter than what was asked for, so nothing to refuse a start for. */
        LOG(WARN, name, "there is no such group; the control socket stays with its owner's");
        return 0;
    }
    next->group = g->gr_gid;
    return 0;
}

static int parse_mode(const struct xmb_conf *node, struct control_next *next)
{
    const char *text = conf_api.text(node, "mode", NULL);
    char *end;
    unsigned long mode;

    if (text == NULL)
        return 0;
    mode = strtoul(text, &end, 8);
    if (*text == '\0' || *end != '\0' || mode > 0777)
        return conf_api.fault(node, "mode \"%s\" is not an octal file mode such as 0660", text);
    next->mode = (mode_t)mode;
    return 0;
}

/* The default path is that of who started the broker, also in a reload after the drop. */
static uid_t started_as(void)
{
    static uid_t uid = (uid_t)-1;

    if (uid == (uid_t)-1)
        uid = geteuid();
    return uid;
}

static int parse(const struct xmb_conf *node, const struct xmb_conf *broker,
                 struct control_next *next)
{
    const char *path = node != NULL ? conf_api.text(node, "socket", NULL) : NULL;
    int rc = 0;

    next->fd = -1;
    next->group = owner_group;
    next->mode = 0660;
    if (path == NULL && control_default_path(started_as(), next->path) < 0)
        return conf_api.fault(broker, "the default path of the control socket is too long; set <control socket=>");
    if (path != NULL && strlen(path) + sizeof ".new" > sizeof next->path)
        return conf_api.fault(node, "path of the control socket is longer than %zu octets",
                              sizeof next->path - sizeof ".new");
    if (path != NULL)
        strcpy(next->path, path);
    if (node != NULL)
        rc = parse_group(node, next);
    return rc < 0 || node == NULL ? rc : parse_mode(node, next);
}

/* 1 when somebody answers at `path`. */
static int is_served(const char *path)
{
    struct sockaddr_un sa = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    int served;

    if (fd < 0)
        return 0;
    snprintf(sa.sun_path, sizeof sa.sun_path, "%s", path);
    served = connect(fd, (struct sockaddr *)&sa, sizeof sa) == 0 || errno == EAGAIN;
    close(fd);
    return served;
}

/* The folder of a default path may not be there yet. */
static void make_folder(const char *path)
{
    char folder[CONTROL_PATH_MAX];
    char *slash;

    snprintf(folder, sizeof folder, "%s", path);
    slash = strrchr(folder, '/');
    if (slash != NULL && slash != folder) {
        *slash = '\0';
        mkdir(folder, 0755);
    }
}

static int bind_temporary(const struct xmb_conf *node, struct control_next *next)
{
    struct sockaddr_un sa = {.sun_family = AF_UNIX};
    mode_t mask;
    int rc;

    snprintf(next->temporary, sizeof next->temporary, "%.*s.new", CONTROL_PATH_MAX - 5, next->path);
    snprintf(sa.sun_path, sizeof sa.sun_path, "%s", next->temporary);
    unlink(next->temporary);
    next->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (next->fd < 0)
        return conf_api.fault(node, "control socket: %s", strerror(errno));
    mask = umask(0177);
    rc = bind(next->fd, (struct sockaddr *)&sa, sizeof sa);
    umask(mask);
    if (rc < 0 || listen(next->fd, 16) < 0)
        return conf_api.fault(node, "control socket %s: %s", next->path, strerror(errno));
    return 0;
}

/*
 * In this order: a group that may not be given changes nothing, the old group does not meet the new
 * mode, and the mode of what is another's takes CAP_FOWNER, which a unit need not give.
 */
static int give_access(const char *path, const struct control_next *next)
{
    if (chown(path, (uid_t)-1, next->group) < 0 || chmod(path, next->mode) < 0)
        return -1;
    return chown(path, owner, (gid_t)-1);
}

static int set_access(const struct xmb_conf *node, const char *path,
                      const struct control_next *next)
{
    if (give_access(path, next) < 0)
        return conf_api.fault(node, "control socket %s: cannot give it to its user and group: %s",
                              next->path, strerror(errno));
    return 0;
}

int control_prepare(const struct xmb_conf *broker, struct control_next **out)
{
    const struct xmb_conf *node = conf_api.child(broker, "control");
    const struct xmb_conf *at = node != NULL ? node : broker;
    struct control_next *next = calloc(1, sizeof *next);
    int rc;

    if (next == NULL)
        return XMB_ENOMEM;
    rc = parse(node, broker, next);
    if (rc < 0)
        goto fail;
    if (!only_check && strcmp(next->path, current_path) != 0) {
        make_folder(next->path);
        if (is_served(next->path)) {
            rc = conf_api.fault(at, "control socket %s: another broker answers there", next->path);
            goto fail;
        }
        rc = bind_temporary(at, next);
        if (rc == 0)
            rc = set_access(at, next->temporary, next);
    }
    if (rc < 0)
        goto fail;
    *out = next;
    return 0;
fail:
    control_abort(next);
    return rc;
}

void control_abort(struct control_next *next)
{
    if (next->fd >= 0) {
        close(next->fd);
        unlink(next->temporary);
    }
    free(next);
}

static void on_connect(uv_poll_t *poll, int status, int events);

static void on_retry(uv_timer_t *timer)
{
    struct listening *l = timer->data;

    uv_poll_start(&l->poll, UV_READABLE, on_connect);
}

static void on_connect(uv_poll_t *poll, int status, int events)
{
    struct listening *l = poll->data;
    int fd;

    (void)events;
    if (status < 0)
        return;
    fd = accept4(l->fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
    if (fd >= 0) {
        session_accept(fd);
    } else if (errno != EAGAIN && errno != EINTR && errno != ECONNABORTED) {
        /* The caller stays in the queue: without a pause the loop would spin on it. */
        log_api.limited(module_core(), XMB_LOG_ERROR, "control-accept", 1, current_path,
                        "cannot take an operator's connection: %s; trying again in %d ms",
                        strerror(errno), RETRY_MS);
        uv_poll_stop(&l->poll);
        uv_timer_start(&l->retry, on_retry, RETRY_MS, 0);
    }
}

static void listening_closed(uv_handle_t *handle)
{
    struct listening *l = handle->data;

    if (--l->handles > 0)
        return;
    close(l->fd);
    free(l);
}

static void stop_listening(void)
{
    if (current == NULL)
        return;
    uv_close((uv_handle_t *)&current->poll, listening_closed);
    uv_close((uv_handle_t *)&current->retry, listening_closed);
    current = NULL;
    unlink(current_path);
    current_path[0] = '\0';
}

/* A new socket takes its place. A failure here leaves the broker without one, and says so. */
static void start_listening(struct control_next *next)
{
    struct listening *l = calloc(1, sizeof *l);

    if (l == NULL || rename(next->temporary, next->path) < 0 ||
        uv_poll_init(&loop_control()->uv, &l->poll, next->fd) < 0) {
        LOG(ERROR, next->path, "control socket cannot be put in place: %s; xmbctl will not reach "
            "this broker until a reload", strerror(errno));
        free(l);
        close(next->fd);
        return;
    }
    l->fd = next->fd;
    l->handles = 2;
    l->poll.data = l;
    uv_timer_init(&loop_control()->uv, &l->retry);
    l->retry.data = l;
    uv_poll_start(&l->poll, UV_READABLE, on_connect);
    current = l;
    strcpy(current_path, next->path);
}

void control_commit(struct control_next *next)
{
    if (next->fd >= 0) {
        stop_listening();
        start_listening(next);
    } else if (give_access(current_path, next) < 0) {
        LOG(WARN, current_path, "control socket keeps its old group and mode: %s", strerror(errno));
    }
    free(next);
}

/* Walks declared commands by the stride that the plugin was compiled with. */
static int add_commands(struct xmb_module *m, const struct xmb_command *list, size_t count)
{
    const char *at = (const char *)list;
    size_t i;
    int rc = 0;

    for (i = 0; rc == 0 && i < count; i++, at += list->size)
        rc = words_add(m, (const struct xmb_command *)(const void *)at);
    return rc;
}

int control_commands_init(void)
{
    uint32_t i;
    int rc = add_commands(module_core(), core_commands, core_commands_count);

    for (i = 1; rc == 0 && i < module_count(); i++) {
        struct xmb_module *m = module_at(i);

        rc = add_commands(m, m->plugin.commands, m->plugin.commands_count);
    }
    core_commands_began();
    return rc < 0 ? rc : show_metrics_init();
}

void control_fini(void)
{
    sessions_close();
    runs_close();
    stop_listening();
    words_clear();
    show_metrics_fini();
}
