/* SPDX-License-Identifier: MIT */
/*
 * privileges.c - the drop.
 *
 * Started as root, the broker reads its configuration and secrets and makes its control socket and
 * log file, and then becomes an unprivileged user for good, before any code of a plugin runs. Of
 * root's powers it keeps what this configuration needs, so that a reload can open more:
 *
 *   CAP_NET_BIND_SERVICE  a listener has a port below 1024
 *   CAP_NET_RAW           a listener is in a VRF, or a plugin says that it opens raw IP sockets
 *   CAP_DAC_READ_SEARCH   only when the new user cannot read the configuration, a file that it
 *                         names, or the plugins; then it is raised while those are read, said in
 *                         the log, and better avoided by giving these files to the broker's user
 *
 * Only plugins know which ports are theirs and whether they need raw sockets, and no code of one
 * runs as root: the first two are kept at the drop when they could be needed, CAP_NET_RAW always,
 * and given up, when they are not, as soon as the plugins are loaded.
 *
 * No capability is ambient, nothing that is executed gains any. Started as anybody else, none of
 * this happens.
 */
#include "config.h"

#include "privileges.h"

#include "conn/conn.h"
#include "log/log.h"
#include "plugin/module.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/capability.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

#define KEEP_MAX 3

static int may_read; /* CAP_DAC_READ_SEARCH is permitted, and not in effect */

/* --- who --- */

static const struct passwd *default_user(void)
{
    const struct passwd *pw = getpwnam("xmb");

    return pw != NULL ? pw : getpwnam("nobody");
}

int privileges_find(const struct conf *c, struct privileges *p, struct conf_faults *faults)
{
    const struct xmb_conf *broker = conf_broker(c);
    const char *user = conf_api.text(broker, "user", NULL);
    const char *group = conf_api.text(broker, "group", NULL);
    const struct passwd *pw;
    const struct group *gr;

    p->uid = geteuid();
    p->gid = getegid();
    p->user[0] = '\0';
    if (p->uid != 0)
        return 0;
    pw = user != NULL ? getpwnam(user) : default_user();
    if (pw == NULL) {
        conf_faults_add(faults, conf_file(c), conf_api.line(broker),
                        "there is no user '%s' on this system", user != NULL ? user : "nobody");
        return XMB_ECONF;
    }
    p->uid = pw->pw_uid;
    p->gid = pw->pw_gid;
    snprintf(p->user, sizeof p->user, "%s", pw->pw_name);
    gr = group != NULL ? getgrnam(group) : NULL;
    if (group != NULL && gr == NULL) {
        conf_faults_add(faults, conf_file(c), conf_api.line(broker),
                        "there is no group '%s' on this system", group);
        return XMB_ECONF;
    }
    if (gr != NULL)
        p->gid = gr->gr_gid;
    return 0;
}

void privileges_own(const struct privileges *p, const char *path)
{
    if (geteuid() == 0 && lchown(path, p->uid, p->gid) < 0 && errno != ENOENT)
        LOG(WARN, path, "cannot be given to user %s: %s", p->user, strerror(errno));
}

/* --- what is kept --- */

static int is_low(uint64_t port)
{
    return port > 0 && port < 1024;
}

/*
 * Which elements are listeners besides <listen> is only known when the plugin is loaded, so each
 * that looks like one counts until privileges_trim. A port that is not there is the protocol's own.
 */
static int may_bind_low(const struct xmb_conf *element)
{
    const struct xmb_conf *node = conf_api.child(element, NULL);
    const char *text;
    int found = 0;

    for (; node != NULL && !found; node = conf_api.next(node, NULL)) {
        text = conf_api.text(node, "port", NULL);
        found = is_low(text != NULL ? strtoull(text, NULL, 10) : 0) ||
                (text == NULL && strcmp(conf_api.name(node), "listen") == 0) ||
                may_bind_low(node);
    }
    return found;
}

static size_t needed(const struct conf *c, cap_value_t *keep)
{
    const struct xmb_conf *module;
    int bind_low = 0;
    size_t n = 0;
    size_t i;

    for (i = 0; (module = conf_module(c, i)) != NULL; i++)
        bind_low |= may_bind_low(module);
    if (bind_low)
        keep[n++] = CAP_NET_BIND_SERVICE;
    keep[n++] = CAP_NET_RAW;
    return n;
}

/* Permits `keep` and perhaps reading; puts `keep` in effect. What root has not got is left out. */
static int set_capabilities(const cap_value_t *keep, size_t count, int reading, int reading_now)
{
    static const cap_value_t read_any = CAP_DAC_READ_SEARCH;
    cap_t have = cap_get_proc();
    cap_t want = cap_init();
    cap_flag_value_t has;
    int rc = -1;
    size_t i;

    if (have == NULL || want == NULL)
        goto out;
    for (i = 0; i < count; i++)
        if (cap_get_flag(have, keep[i], CAP_PERMITTED, &has) == 0 && has == CAP_SET) {
            cap_set_flag(want, CAP_PERMITTED, 1, &keep[i], CAP_SET);
            cap_set_flag(want, CAP_EFFECTIVE, 1, &keep[i], CAP_SET);
        }
    if (reading && cap_get_flag(have, read_any, CAP_PERMITTED, &has) == 0 && has == CAP_SET) {
        cap_set_flag(want, CAP_PERMITTED, 1, &read_any, CAP_SET);
        if (reading_now)
            cap_set_flag(want, CAP_EFFECTIVE, 1, &read_any, CAP_SET);
    }
    rc = cap_set_proc(want);
out:
    cap_free(have);
    cap_free(want);
    return rc;
}

static cap_value_t kept[KEEP_MAX];
static size_t kept_count;

void privileges_read_begin(void)
{
    if (may_read)
        set_capabilities(kept, kept_count, 1, 1);
}

void privileges_read_end(void)
{
    if (may_read)
        set_capabilities(kept, kept_count, 1, 0);
}

/* --- what turns out to be needed --- */

struct needs {
    const struct xmb_module *module;
    int bind_low;
    int raw;
};

static int note_listener(void *arg, const struct xmb_conf *node, uint32_t ordinal,
                         uint16_t default_port)
{
    struct needs *needs = arg;
    const char *text = conf_api.text(node, "port", NULL);

    (void)ordinal;
    if (default_port == 0)
        default_port = needs->module->datagram.default_port;
    needs->bind_low |= is_low(text != NULL ? strtoull(text, NULL, 10) : default_port);
    return 0;
}

static int names_vrf(const struct xmb_conf *element)
{
    const struct xmb_conf *node = conf_api.child(element, NULL);

    for (; node != NULL; node = conf_api.next(node, NULL))
        if (conf_api.text(node, "vrf", NULL) != NULL || names_vrf(node))
            return 1;
    return 0;
}

static void look_for(struct needs *needs, const struct conf *c)
{
    const struct xmb_conf *element;
    size_t i;

    for (i = 0; (element = conf_module(c, i)) != NULL; i++) {
        needs->module = module_by_name(conf_api.text(element, "name", ""));
        if (needs->module == NULL)
            continue;
        listen_each(&needs->module->protocol, element, note_listener, needs);
        needs->raw |= (needs->module->plugin.flags & XMB_PLUGIN_RAW_IP) || names_vrf(element);
    }
}

void privileges_trim(const struct conf *c)
{
    struct needs needs = {0};
    size_t i, left = 0;

    if (kept_count == 0)
        return;
    look_for(&needs, c);
    for (i = 0; i < kept_count; i++)
        if (kept[i] == CAP_NET_RAW ? needs.raw : needs.bind_low)
            kept[left++] = kept[i];
    if (left == kept_count)
        return;
    kept_count = left;
    set_capabilities(kept, kept_count, may_read, 0);
}

/* --- can the new user reach its files? --- */

struct probe {
    char unreadable[512]; /* the first one */
};

static void probe_path(void *arg, const char *path)
{
    struct probe *probe = arg;
    int fd;

    if (probe->unreadable[0] != '\0')
        return;
    fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (fd >= 0)
        close(fd);
    else if (errno == EACCES || errno == EPERM)
        snprintf(probe->unreadable, sizeof probe->unreadable, "%s", path);
}

static void settle_reading(const struct privileges *p, const struct conf *c,
                           const char *const *folders, size_t count)
{
    struct probe probe = {""};
    size_t i;

    probe_path(&probe, conf_file(c));
    conf_paths(c, probe_path, &probe);
    for (i = 0; i < count; i++)
        probe_path(&probe, folders[i]);
    may_read = probe.unreadable[0] != '\0';
    set_capabilities(kept, kept_count, may_read, 0);
    if (may_read)
        LOG(WARN, probe.unreadable,
            "user %s cannot read this; the broker keeps CAP_DAC_READ_SEARCH for the time of "
            "reading its files. Better give them to that user",
            p->user);
}

/* --- the drop --- */

static int fails(const struct conf *c, struct conf_faults *faults, const char *what)
{
    conf_faults_add(faults, conf_file(c), conf_api.line(conf_broker(c)), "%s: %s", what,
                    strerror(errno));
    return XMB_EIO;
}

static int become(const struct privileges *p)
{
    if (prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0) < 0 || initgroups(p->user, p->gid) < 0 ||
        setresgid(p->gid, p->gid, p->gid) < 0 || setresuid(p->uid, p->uid, p->uid) < 0)
        return -1;
    prctl(PR_SET_KEEPCAPS, 0, 0, 0, 0);
    return 0;
}

int privileges_drop(const struct privileges *p, const struct conf *c, const char *const *folders,
                    size_t count, struct conf_faults *faults)
{
    if (geteuid() != 0)
        return 0;
    if (p->uid == 0) {
        LOG(WARN, conf_file(c), "user=\"root\": the broker and all plugins stay root");
        return 0;
    }
    kept_count = needed(c, kept);
    if (become(p) < 0)
        return fails(c, faults, "cannot become the broker's user");
    if (set_capabilities(kept, kept_count, 1, 0) < 0)
        return fails(c, faults, "cannot give up capabilities");
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
        return fails(c, faults, "cannot set no_new_privs");
#ifdef XMB_DEBUG
    prctl(PR_SET_DUMPABLE, 1, 0, 0, 0); /* debuggers and leak checkers */
#else
    prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
#endif
    settle_reading(p, c, folders, count);
    LOG(NOTICE, p->user, "running as this user now");
    return 0;
}
