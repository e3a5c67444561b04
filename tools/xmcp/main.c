/* SPDX-License-Identifier: MIT */
/*
 * main.c - the xmcp command: one connection, one client of libxmcp, one ppoll(2) loop.
 *
 * Signals are blocked except while the loop waits, so an interrupt is never lost between a check
 * and a wait. The first SIGINT or SIGTERM ends in good order (unpublish, unregister), the second
 * at once. What the commands do is in commands.c.
 */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "commands.h"
#include "connect.h"
#include "options.h"

#define CONNECT_MS 10000
#define GOODBYE_MS 5000 /* for unpublish and unregister */

static volatile sig_atomic_t stop_count;

static void on_signal(int number)
{
    (void)number;
    if (++stop_count > 1)
        _exit(130);
}

/* Blocks SIGINT and SIGTERM; `waiting` is the mask that lets them in. */
static void catch_signals(sigset_t *waiting)
{
    struct sigaction action = {.sa_handler = on_signal};
    sigset_t ours;

    sigemptyset(&ours);
    sigaddset(&ours, SIGINT);
    sigaddset(&ours, SIGTERM);
    sigprocmask(SIG_BLOCK, &ours, waiting);
    sigdelset(waiting, SIGINT);
    sigdelset(waiting, SIGTERM);
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
}

static int make_client(struct run *run)
{
    const struct options *o = run->options;
    struct xmcp_client_options options = XMCP_CLIENT_OPTIONS_INIT;

    options.flags = o->client_flags;
    options.name = o->name != NULL ? o->name : "xmcp";
    options.label = o->label;
    options.user = o->user;
    options.password = o->password;
    options.domain = o->domain;
    options.on_event = commands_on_event;
    options.user_data = run;
    return xmcp_client_new(&options, &run->client);
}

/* Writes until the socket takes no more. */
static void flush_output(struct run *run)
{
    const uint8_t *data;
    size_t bytes;
    ssize_t sent;

    while (xmcp_client_output(run->client, &data, &bytes)) {
        sent = send(run->fd, data, bytes, MSG_NOSIGNAL);
        if (sent > 0) {
            xmcp_client_sent(run->client, (size_t)sent);
            continue;
        }
        if (errno == EINTR)
            continue;
        if (errno != EAGAIN)
            xmcp_client_sent(run->client, bytes); /* reading will tell that it is lost */
        return;
    }
}

static void read_input(struct run *run)
{
    uint8_t buffer[16384];
    ssize_t got = recv(run->fd, buffer, sizeof(buffer), 0);

    if (got > 0)
        xmcp_client_input(run->client, buffer, (size_t)got);
    else if (got == 0 || (errno != EAGAIN && errno != EINTR))
        xmcp_client_lost(run->client);
}

static uint64_t earlier(uint64_t a, uint64_t b)
{
    return b != 0 && b < a ? b : a;
}

/* Waits for the socket, a signal, or the time. Returns nonzero when there is something to read. */
static int wait_ready(struct run *run, uint64_t until_ms, const sigset_t *waiting)
{
    struct pollfd p = {.fd = run->fd, .events = POLLIN};
    struct timespec wait;
    const uint8_t *data;
    size_t bytes;
    uint64_t now_ms = clock_ms();
    uint64_t left_ms = until_ms > now_ms ? until_ms - now_ms : 0;

    if (left_ms > 3600000)
        left_ms = 3600000;
    wait.tv_sec = (time_t)(left_ms / 1000);
    wait.tv_nsec = (long)(left_ms % 1000) * 1000000;
    if (xmcp_client_output(run->client, &data, &bytes))
        p.events |= POLLOUT;
    return ppoll(&p, 1, &wait, waiting) > 0 && (p.revents & (POLLIN | POLLHUP | POLLERR));
}

/* Signals and the user's time limits. */
static void check_ends(struct run *run, uint64_t now_ms, uint64_t timeout_at_ms)
{
    if (run->phase >= PHASE_UNPUBLISHING)
        return;
    if (timeout_at_ms != 0 && now_ms >= timeout_at_ms) {
        commands_fail(run, "timed out");
        commands_finish(run);
    } else if (stop_count > 0 || (run->end_ms != 0 && now_ms >= run->end_ms)) {
        if (run->phase < PHASE_RUNNING) /* what was asked for has not been done */
            commands_fail(run, "interrupted");
        commands_finish(run);
    }
}

static void run_loop(struct run *run, uint64_t timeout_at_ms, const sigset_t *waiting)
{
    uint64_t goodbye_ms = 0;
    uint64_t until_ms;

    while (run->phase != PHASE_DONE) {
        check_ends(run, clock_ms(), timeout_at_ms);
        until_ms = xmcp_client_tick(run->client, clock_ms());
        if (run->phase >= PHASE_UNPUBLISHING && goodbye_ms == 0)
            goodbye_ms = clock_ms() + GOODBYE_MS;
        if (goodbye_ms != 0 && clock_ms() >= goodbye_ms) {
            commands_fail(run, "the server does not answer; gone without a good-bye");
            break;
        }
        flush_output(run);
        if (run->phase == PHASE_DONE)
            break;
        until_ms = earlier(until_ms, goodbye_ms);
        if (run->phase < PHASE_UNPUBLISHING)
            until_ms = earlier(earlier(until_ms, run->end_ms), timeout_at_ms);
        if (wait_ready(run, until_ms, waiting))
            read_input(run);
    }
    flush_output(run);
}

static int run_command(const struct options *o, const sigset_t *waiting)
{
    struct run run = {.options = o, .fd = -1};
    uint64_t timeout_at_ms = o->timeout_ms != 0 ? clock_ms() + o->timeout_ms : 0;
    int connect_ms = CONNECT_MS;
    char error[512];
    int rc;

    rc = make_client(&run);
    if (rc != 0) {
        fprintf(stderr, "xmcp: user, password, name or label: %s\n", xmcp_strerror(rc));
        return EXIT_USAGE;
    }
    if (o->timeout_ms != 0 && o->timeout_ms < CONNECT_MS)
        connect_ms = (int)o->timeout_ms;
    run.fd = connect_server(o->host, o->server_port, connect_ms, waiting, &stop_count, error,
                            sizeof(error));
    if (run.fd < 0) {
        commands_fail(&run, error);
    } else if ((rc = xmcp_client_register(run.client, NULL)) != 0) {
        commands_fail(&run, xmcp_strerror(rc));
    } else {
        run_loop(&run, timeout_at_ms, waiting);
    }
    xmcp_client_free(run.client);
    if (run.fd >= 0)
        close(run.fd);
    return run.exit_code;
}

int main(int argc, char **argv)
{
    struct options options;
    sigset_t waiting;
    int exit_code = options_parse(argc, argv, &options);

    if (exit_code < 0) {
        catch_signals(&waiting);
        exit_code = run_command(&options, &waiting);
    }
    options_free(&options);
    if ((fflush(stdout) != 0 || ferror(stdout)) && exit_code == 0) {
        fputs("xmcp: standard output could not be written\n", stderr);
        exit_code = EXIT_FAILURE;
    }
    return exit_code;
}
