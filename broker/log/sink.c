/* SPDX-License-Identifier: MIT */
/*
 * sink.c - where lines go: a descriptor, or the journal.
 *
 * A line is one write(2), so lines of different threads never mix. The number of the
 * descriptor never changes once it is ours: a reload puts the new file behind the
 * same number with dup3, and a thread in the middle of a write is not disturbed.
 *
 * A worker must not wait for a slow reader: before a write to anything but a file
 * poll(2) is asked, and what cannot be taken now is dropped and counted.
 */

#ifdef HAVE_CONFIG_H
#include <config.h>
#endif

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#ifdef HAVE_LIBSYSTEMD
#define SD_JOURNAL_SUPPRESS_LOCATION
#include <systemd/sd-journal.h>
#endif

#include "log/log_priv.h"

enum how {
    HOW_FORMAT_JSON = 1,
    HOW_COLOUR = 2,
    HOW_REGULAR = 4,
    HOW_JOURNAL = 8,
    HOW_KNOWN = 16 /* standard error has been looked at */
};

static _Atomic int out_fd = STDERR_FILENO;
static _Atomic unsigned out_how;
static _Atomic uint64_t dropped;
static _Atomic uint64_t told; /* of `dropped`, in a line that was written */

static int is_regular(int fd)
{
    struct stat st;

    return fstat(fd, &st) == 0 && S_ISREG(st.st_mode);
}

static int wants_colour(int fd)
{
    const char *no = getenv("NO_COLOR");

    return (no == NULL || *no == '\0') && isatty(fd);
}

static uid_t owner;

void log_owner(uid_t uid)
{
    owner = uid;
}

/* --- a file: all of these return -1 with errno when they may not --- */

typedef int file_fn(const char *to);

static int open_with(const char *to, int flags)
{
    /* O_NONBLOCK: a pipe without a reader is an error and not a wait */
    return open(to, O_WRONLY | O_APPEND | O_CLOEXEC | O_NOCTTY | O_NONBLOCK | flags, 0640);
}

static int open_old(const char *to)
{
    return open_with(to, 0);
}

static int open_or_make(const char *to)
{
    return open_with(to, O_CREAT);
}

/* 0: a file could be made there. */
static int may_make(const char *to)
{
    char folder[PATH_MAX];
    int n = snprintf(folder, sizeof folder, "%.*s/", (int)(strrchr(to, '/') - to), to);

    if (n >= (int)sizeof folder) {
        errno = ENAMETOOLONG;
        return -1;
    }
    return faccessat(AT_FDCWD, folder, W_OK | X_OK, AT_EACCESS);
}

/*
 * As the user who writes it from now on, where root may not: a unit gives root no right to files of
 * others, and the folder of the log is the broker's user's, so that he can make the next one.
 */
static int as_who_may(file_fn *fn, const char *to)
{
    int error, rc = fn(to);

    if (rc >= 0 || errno != EACCES || geteuid() != 0 || owner == 0 || seteuid(owner) < 0)
        return rc;
    rc = fn(to);
    error = errno;
    if (seteuid(0) < 0)
        abort(); /* the broker is no longer what it was started as */
    errno = error;
    return rc;
}

/* With -t nothing is made. */
static int check_file(struct log_sink *sink, const char *to)
{
    sink->fd = as_who_may(open_old, to);
    if (sink->fd >= 0 || (errno == ENOENT && as_who_may(may_make, to) == 0))
        return 0;
    return -errno;
}

int log_sink_open(struct log_sink *sink, const char *to, enum log_format format, int is_check)
{
    memset(sink, 0, sizeof *sink);
    sink->fd = -1;
    sink->format = format;
    if (strcmp(to, "journal") == 0) {
#ifdef HAVE_LIBSYSTEMD
        return 0;
#else
        return -ENOSYS;
#endif
    }
    if (strcmp(to, "stderr") == 0)
        sink->fd = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 3);
    else if (is_check)
        return check_file(sink, to);
    else
        sink->fd = as_who_may(open_or_make, to);
    if (sink->fd < 0)
        return -errno;
    sink->regular = is_regular(sink->fd);
    sink->colour = format == LOG_TEXT && wants_colour(sink->fd);
    return 0;
}

void log_sink_close(struct log_sink *sink)
{
    if (sink->fd >= 0)
        close(sink->fd);
    sink->fd = -1;
}

void log_sink_use(const struct log_sink *sink)
{
    unsigned how = HOW_KNOWN;
    int fd = atomic_load(&out_fd);

    how |= sink->format == LOG_JSON ? HOW_FORMAT_JSON : 0;
    how |= sink->colour ? HOW_COLOUR : 0;
    how |= sink->regular ? HOW_REGULAR : 0;
    how |= sink->fd < 0 ? HOW_JOURNAL : 0;
    if (sink->fd >= 0 && fd == STDERR_FILENO) {
        atomic_store(&out_fd, sink->fd);
    } else if (sink->fd >= 0) {
        dup3(sink->fd, fd, O_CLOEXEC);
        close(sink->fd);
    }
    atomic_store(&out_how, how);
}

void log_sink_fini(void)
{
    int fd = atomic_exchange(&out_fd, STDERR_FILENO);

    atomic_store(&out_how, 0);
    if (fd != STDERR_FILENO)
        close(fd);
}

#ifdef HAVE_LIBSYSTEMD
static void to_journal(const struct log_event *e)
{
    /* The levels of syslog: err, warning, notice, info, debug. */
    sd_journal_send("MESSAGE=%s%s%s: %.3500s", e->module, e->object != NULL ? " " : "",
                    e->object != NULL ? e->object : "", e->message, "PRIORITY=%u",
                    e->level + 2, "XMB_MODULE=%s", e->module, "XMB_OBJECT=%.512s",
                    e->object != NULL ? e->object : "", "XMB_LEFT_OUT=%llu",
                    (unsigned long long)e->left_out, "SYSLOG_IDENTIFIER=xmbd", NULL);
}
#else
static void to_journal(const struct log_event *e)
{
    (void)e;
}
#endif

/* 1 when a write of one line would not wait. */
static int is_ready(int fd)
{
    struct pollfd p = {.fd = fd, .events = POLLOUT};

    return poll(&p, 1, 0) == 1 && (p.revents & POLLOUT) != 0;
}

static int write_line(int fd, unsigned how, const struct log_event *e)
{
    char line[LOG_LINE_MAX];
    size_t n = log_format(e, (how & HOW_FORMAT_JSON) != 0 ? LOG_JSON : LOG_TEXT,
                          (how & HOW_COLOUR) != 0, line);
    ssize_t wrote;

    if ((how & HOW_REGULAR) == 0 && !is_ready(fd))
        return -1;
    do
        wrote = write(fd, line, n);
    while (wrote < 0 && errno == EINTR);
    return wrote < 0 ? -1 : 0;
}

/* Says before the next line how many are missing. Two threads may both say it: no harm. */
static int tell_dropped(int fd, unsigned how, const struct log_event *before)
{
    uint64_t all = atomic_load_explicit(&dropped, memory_order_relaxed);
    uint64_t missing = all - atomic_load_explicit(&told, memory_order_relaxed);
    char message[128];
    struct log_event e = *before;

    if (missing == 0 || missing > all)
        return 0;
    snprintf(message, sizeof message,
             "%llu log lines were dropped: their reader was too slow, or the disk is full",
             (unsigned long long)missing);
    e.level = XMB_LOG_WARN;
    e.module = "core";
    e.object = NULL;
    e.message = message;
    e.left_out = 0;
    if (write_line(fd, how, &e) < 0)
        return -1;
    atomic_store_explicit(&told, all, memory_order_relaxed);
    return 0;
}

/* Before the first commit lines go to standard error, whatever that is. */
static unsigned look_at_stderr(void)
{
    unsigned how = HOW_KNOWN;
    unsigned none = 0;

    how |= wants_colour(STDERR_FILENO) ? HOW_COLOUR : 0;
    how |= is_regular(STDERR_FILENO) ? HOW_REGULAR : 0;
    return atomic_compare_exchange_strong(&out_how, &none, how) ? how : none;
}

void log_sink_write(const struct log_event *e)
{
    unsigned how = atomic_load_explicit(&out_how, memory_order_acquire);
    int fd = atomic_load_explicit(&out_fd, memory_order_acquire);
    int saved_errno = errno;

    if ((how & HOW_KNOWN) == 0)
        how = look_at_stderr();
    if ((how & HOW_JOURNAL) != 0)
        to_journal(e);
    else if (tell_dropped(fd, how, e) < 0 || write_line(fd, how, e) < 0)
        atomic_fetch_add_explicit(&dropped, 1, memory_order_relaxed);
    errno = saved_errno;
}

uint64_t log_dropped_count(void)
{
    return atomic_load_explicit(&dropped, memory_order_relaxed);
}
