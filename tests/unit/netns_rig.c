/* SPDX-License-Identifier: MIT */
/*
 * netns_rig.c - two network namespaces with a wire between them.
 *
 * The second namespace is held by a child that does nothing; it dies with us.
 */
#include "netns_rig.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "loop/loop.h"

#define CHECK(x) ((x) ? (void)0 : check_failed(#x, __LINE__))

static int near_fd = -1, far_fd = -1;
static pid_t holder;

static void check_failed(const char *what, int line)
{
    fprintf(stderr, "netns_rig.c:%d: %s\n", line, what);
    abort();
}

static void run(const char *format, va_list list)
{
    char command[512];

    vsnprintf(command, sizeof(command), format, list);
    if (system(command) == 0)
        return;
    fprintf(stderr, "failed: %s\n", command);
    abort();
}

void near_sh(const char *format, ...)
{
    va_list list;

    va_start(list, format);
    run(format, list);
    va_end(list);
}

void far_enter(void)
{
    CHECK(setns(far_fd, CLONE_NEWNET) == 0);
}

void far_leave(void)
{
    CHECK(setns(near_fd, CLONE_NEWNET) == 0);
}

void far_sh(const char *format, ...)
{
    va_list list;

    far_enter();
    va_start(list, format);
    run(format, list);
    va_end(list);
    far_leave();
}

/* The child has its namespace when the pipe is closed. */
static void hold(int ready)
{
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (unshare(CLONE_NEWNET) < 0)
        _exit(1);
    close(ready);
    for (;;)
        pause();
}

static int begin_holder(void)
{
    char path[64], octet;
    int ends[2];

    if (pipe2(ends, O_CLOEXEC) < 0)
        return -1;
    holder = fork();
    if (holder == 0)
        hold(ends[1]);
    close(ends[1]);
    if (read(ends[0], &octet, 1) != 0)
        return -1;
    close(ends[0]);
    snprintf(path, sizeof(path), "/proc/%d/ns/net", (int)holder);
    far_fd = open(path, O_RDONLY | O_CLOEXEC);
    near_fd = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
    return holder > 0 && near_fd >= 0 && far_fd >= 0 ? 0 : -1;
}

/* /sys shows the namespace of whoever mounted it. */
static void mount_own_sys(void)
{
    if (unshare(CLONE_NEWNS) == 0 && mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0)
        mount("sysfs", "/sys", "sysfs", 0, NULL);
}

const char *netns_up(void)
{
    char command[128];

    if (geteuid() != 0)
        return "not root: network namespaces cannot be made";
    if (system("ip -V >/dev/null 2>&1") != 0)
        return "there is no ip command";
    if (unshare(CLONE_NEWNET) < 0 || begin_holder() < 0)
        return "this system makes no network namespaces";
    snprintf(command, sizeof(command), "ip link add near type veth peer name far netns %d",
             (int)holder);
    if (system(command) != 0)
        return "this system makes no veth interfaces";
    mount_own_sys();
    near_sh("ip link set lo up");
    far_sh("ip link set lo up");
    return NULL;
}

void netns_down(void)
{
    kill(holder, SIGKILL);
    waitpid(holder, NULL, 0);
    close(near_fd);
    close(far_fd);
}

/* --- the routing loop ------------------------------------------------------------------------ */

struct errand {
    void (*fn)(void *arg);
    void *arg;
    uv_sem_t done;
};

static void run_errand(struct loop *loop, void *arg)
{
    struct errand *e = arg;

    CHECK(loop != NULL);
    e->fn(e->arg);
    uv_sem_post(&e->done);
}

void on_routing(void (*fn)(void *arg), void *arg)
{
    struct errand e = {.fn = fn, .arg = arg};

    CHECK(uv_sem_init(&e.done, 0) == 0);
    CHECK(loop_post(loop_routing(), run_errand, &e, sizeof(e)) == 0);
    uv_sem_wait(&e.done);
    uv_sem_destroy(&e.done);
}

void wait_count(_Atomic unsigned *value, unsigned at_least)
{
    const struct timespec pause_1ms = {0, 1000000};
    int i;

    for (i = 0; atomic_load(value) < at_least; i++) {
        CHECK(i < 30000);
        nanosleep(&pause_1ms, NULL);
    }
}
