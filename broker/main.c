/* SPDX-License-Identifier: MIT */
/*
 * main.c - the order in which the broker comes up, and goes down the other way.
 *
 * A table of steps: each `up` may fail, and then the `down` of that step and of all before it
 * run in reverse; the same happens at the end of a good day. With -t the way up ends before
 * anything is committed. What the steps do is in the folders; this file is only the order and
 * its reasons:
 *
 *   - the file, log, TLS and control socket come first, while we may be root;
 *   - then the drop, and only behind it any code of a plugin;
 *   - modules prepare before there is another thread, so a fault costs nothing;
 *   - listeners accept last, when everything behind them is there.
 */
#include "config.h"

#include "conf/conf.h"
#include "conn/conn.h"
#include "control/control.h"
#include "crash.h"
#include "datagram/datagram.h"
#include "log/log.h"
#include "loop/worker.h"
#include "main_args.h"
#include "metrics/metrics.h"
#include "plugin/lifecycle.h"
#include "plugin/plugin_priv.h"
#include "privileges.h"
#include "rawip/rawip.h"
#include "router/router.h"
#include "service/service.h"
#include "shutdown.h"
#include "tls/tls.h"

#include "../lib/control/socket_path.h"

#include <errno.h>
#include <libxml/parser.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#ifdef HAVE_LIBSYSTEMD
#include <systemd/sd-daemon.h>
#endif

#define OFFLOAD_THREADS 4

struct broker {
    struct main_args args;
    struct conf_faults faults;
    struct conf *conf;
    struct privileges privileges;
    struct change *change; /* until lifecycle_start takes it */
    uint32_t workers;
    int service_up;
    int router_up;
    int control_up;
    int metrics_up;
    int offload_up;
    int routing_up;
    int workers_up;
    int modules_up;
};

/* --- the file --- */

static uint32_t processors(void)
{
    cpu_set_t set;
    int n = sched_getaffinity(0, sizeof set, &set) == 0 ? CPU_COUNT(&set) : 1;

    return n < 1 ? 1 : n > WORKERS_MAX ? WORKERS_MAX : (uint32_t)n;
}

static int read_workers(struct broker *b)
{
    const struct xmb_conf *broker = conf_broker(b->conf);
    uint64_t n = processors();
    int rc = 0;

    if (strcmp(conf_api.text(broker, "workers", "auto"), "auto") != 0)
        rc = conf_api.number(broker, "workers", 1, WORKERS_MAX, &n);
    b->workers = (uint32_t)n;
    return rc;
}

/* -p, else <plugins dir>, else where make install puts them. */
static void find_folders(struct broker *b)
{
    const struct xmb_conf *plugins = conf_api.child(conf_broker(b->conf), "plugins");
    struct main_args *args = &b->args;

    if (args->folder_count > 0)
        return;
    args->folders[0] = plugins != NULL ? conf_api.text(plugins, "dir", XMB_PLUGIN_DIR)
                                       : XMB_PLUGIN_DIR;
    args->folder_count = 1;
}

static int read_up(struct broker *b)
{
    int rc = conf_read(b->args.config, &b->conf, &b->faults);

    if (rc < 0)
        return rc;
    conf_collect(b->conf, &b->faults);
    rc = conf_check_broker(b->conf, &b->faults);
    if (rc == 0)
        rc = read_workers(b);
    if (rc == 0)
        rc = privileges_find(b->conf, &b->privileges, &b->faults);
    find_folders(b);
    return rc;
}

static void read_down(struct broker *b)
{
    conf_free(b->conf);
}

/* --- log, TLS, control socket --- */

static void socket_path(const struct broker *b, char *path)
{
    const struct xmb_conf *control = conf_api.child(conf_broker(b->conf), "control");
    const char *text = control != NULL ? conf_api.text(control, "socket", NULL) : NULL;

    path[0] = '\0';
    if (text == NULL)
        control_default_path(geteuid(), path);
    else
        snprintf(path, CONTROL_PATH_MAX, "%s", text);
}

/* The default folder, /run/xmb, is made by us, so it is made the broker's user's. */
static void make_run_folder(struct broker *b)
{
    char path[CONTROL_PATH_MAX];
    char *slash;

    socket_path(b, path);
    slash = strrchr(path, '/');
    if (slash == NULL || slash == path)
        return;
    *slash = '\0';
    if (mkdir(path, 0755) == 0)
        privileges_own(&b->privileges, path);
}

/* What was made as root and will be used by the broker's user. */
static void give_away(struct broker *b)
{
    const struct xmb_conf *log = conf_api.child(conf_broker(b->conf), "log");
    const char *to = log != NULL ? conf_api.text(log, "to", "") : "";

    if (to[0] == '/')
        privileges_own(&b->privileges, to);
}

static int core_up(struct broker *b)
{
    int rc = loop_control_init();

    b->control_up = rc == 0;
    if (rc < 0)
        return rc;
    b->change = change_new(b->conf, &b->faults);
    if (b->change == NULL)
        return XMB_ENOMEM;
    make_run_folder(b);
    control_owner(b->privileges.uid, b->privileges.gid);
    log_owner(b->privileges.uid);
    rc = change_prepare_core(b->change);
    if (b->args.test)
        change_abort_control(b->change); /* it could be bound: more is not to be known */
    if (!b->args.test)
        give_away(b); /* also when it does not start: the next one will want to write there */
    if (rc < 0)
        return b->args.test ? 0 : rc; /* -t goes on, to tell what is wrong with modules too */
    if (!b->args.test)
        change_commit_control(b->change);
    return 0;
}

static void core_down(struct broker *b)
{
    change_abort(b->change);
    control_fini();
    if (b->control_up)
        loop_join(loop_control());
    control_forget();
    tls_fini();
    log_fini();
}

/* --- the drop --- */

static int drop_up(struct broker *b)
{
    return privileges_drop(&b->privileges, b->conf, b->args.folders, b->args.folder_count,
                           &b->faults);
}

/* --- what modules may use from init to stop --- */

static int registry_up(struct broker *b)
{
    const struct xmb_conf *registry = conf_api.child(conf_broker(b->conf), "registry");
    uint64_t maximum = 0;
    int rc = 0;

    if (registry != NULL)
        rc = conf_api.number(registry, "maximum-services", 1, 4000000000, &maximum);
    if (rc == 0)
        rc = service_init((uint32_t)maximum);
    b->service_up = rc == 0;
    if (rc == 0)
        rc = router_init();
    b->router_up = b->service_up && rc == 0;
    return rc;
}

static void registry_down(struct broker *b)
{
    if (b->router_up)
        router_fini();
    if (b->service_up)
        service_fini();
}

/* --- plugins --- */

static int load_up(struct broker *b)
{
    int rc = plugin_open_init();

    if (rc < 0)
        return rc;
    privileges_read_begin();
    rc = plugin_load(b->conf, b->args.folders, b->args.folder_count, &b->faults);
    privileges_read_end();
    if (rc == 0)
        privileges_trim(b->conf);
    (void)change_check(b->change); /* what it refuses prepare_up refuses, after asking the others */
    return rc;
}

static void load_down(struct broker *b)
{
    (void)b;
    lifecycle_stop();
}

static int prepare_up(struct broker *b)
{
    return change_prepare_modules(b->change, b->workers);
}

static void prepare_down(struct broker *b)
{
    change_abort(b->change);
    b->change = NULL;
}

/* --- threads, and everything that runs on them --- */

static int threads_up(struct broker *b)
{
    int rc = control_commands_init();

    if (rc < 0)
        return rc;
    change_commit_core(b->change);
    rc = metrics_routing_init();
    b->metrics_up = rc == 0;
    if (rc == 0)
        rc = offload_start(OFFLOAD_THREADS);
    b->offload_up = b->metrics_up && rc == 0;
    if (rc == 0)
        rc = loop_routing_start();
    b->routing_up = b->offload_up && rc == 0;
    if (rc == 0)
        rc = workers_start(b->workers);
    b->workers_up = b->routing_up && rc == 0;
    return rc;
}

static void threads_down(struct broker *b)
{
    if (b->workers_up)
        workers_stop();
    if (b->offload_up)
        offload_stop(); /* modules_down did not run: the start failed before it */
    if (b->routing_up)
        loop_routing_join();
    if (b->metrics_up)
        metrics_routing_fini();
}

static int modules_up(struct broker *b)
{
    struct change *change = b->change;

    b->change = NULL;
    return lifecycle_start(change);
}

static void modules_down(struct broker *b)
{
    /* While the modules still have their state: each `done` finds what it belongs to. */
    if (b->offload_up)
        offload_stop();
    b->offload_up = 0;
    lifecycle_end_threads();
}

/* --- a day's work --- */

static int run_up(struct broker *b)
{
    int rc = shutdown_init();

    if (rc < 0)
        return rc;
    reload_init(b->args.config);
    LOG(NOTICE, b->args.config, "ready: xmbd %s, %u workers, %u modules", PACKAGE_VERSION,
        worker_count(), module_count() - 1);
#ifdef HAVE_LIBSYSTEMD
    sd_notify(0, "READY=1");
#endif
    loop_run(loop_control());
    LOG(NOTICE, b->args.config, "stopped");
    return 0;
}

static void run_down(struct broker *b)
{
    (void)b;
    shutdown_fini();
}

/* --- the order --- */

struct step {
    const char *what;
    int (*up)(struct broker *b);
    void (*down)(struct broker *b);
    int in_test; /* with -t too */
};

static const struct step steps[] = {
    {"configuration", read_up, read_down, 1},
    {"log, TLS and control socket", core_up, core_down, 1},
    {"privileges", drop_up, NULL, 1},
    {"registry", registry_up, registry_down, 1},
    {"plugins", load_up, load_down, 1},
    {"configuration of modules", prepare_up, prepare_down, 1},
    {"threads", threads_up, threads_down, 0},
    {"modules", modules_up, modules_down, 0},
    {"broker", run_up, run_down, 0},
};
#define STEP_COUNT (sizeof steps / sizeof steps[0])

/* Faults speak for themselves; without one, at least the step has a name. */
static void explain(const struct broker *b, const struct step *step, int rc)
{
    conf_faults_print(&b->faults, STDERR_FILENO);
    if (b->faults.count == 0)
        fprintf(stderr, "%s: %s: %s\n", b->args.config, step->what, module_error_text(rc));
    if (!b->args.test)
        fprintf(stderr, "xmbd: not started\n");
}

static int run(struct broker *b)
{
    size_t done = 0;
    int rc = 0;

    while (rc == 0 && done < STEP_COUNT && (steps[done].in_test || !b->args.test)) {
        rc = steps[done].up(b);
        if (rc < 0)
            explain(b, &steps[done], rc);
        done++;
    }
    while (done > 0)
        if (steps[--done].down != NULL)
            steps[done].down(b);
    conf_faults_clear(&b->faults);
    return rc == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

/* Connections are files: as many as we are allowed to have. */
static void raise_limits(void)
{
    struct rlimit limit;

    if (getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur < limit.rlim_max) {
        limit.rlim_cur = limit.rlim_max;
        setrlimit(RLIMIT_NOFILE, &limit);
    }
}

int main(int argc, char **argv)
{
    static struct broker b;
    int rc = main_args_parse(argc, argv, &b.args);

    if (rc != 0)
        return rc > 0 ? EXIT_SUCCESS : 2;
    signal(SIGPIPE, SIG_IGN);
    signal(SIGHUP, SIG_IGN); /* nothing to reload yet; see shutdown.c */
    crash_init();
    raise_limits();
    xmlInitParser();
    if (b.args.test) { /* -t says what is wrong and nothing else, beside a running broker too */
        atomic_store(&module_core()->log_level, XMB_LOG_ERROR);
        log_only_check();
        control_only_check();
        listeners_only_check();
        datagrams_only_check();
        rawip_only_check();
    }
    return run(&b);
}
