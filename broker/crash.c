/* SPDX-License-Identifier: MIT */
/*
 * crash.c - the fatal-signal handler.
 *
 * Says which signal, and which module's code the thread was in, with version and state: so the
 * right people are asked. Then the former handler (a sanitizer's, or the default, which dumps
 * core) gets the signal. Only async-signal-safe calls. The mark that tells the module is set
 * around each callback (module.c); a thread that a plugin has made itself has none and counts as
 * the core.
 */
#include "config.h"

#include "crash.h"

#include "plugin/module.h"

#include <signal.h>
#include <string.h>
#include <unistd.h>

static const int fatal[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT};
#define FATAL_COUNT (sizeof fatal / sizeof fatal[0])

static struct sigaction former[FATAL_COUNT];
static char stack[32768]; /* of the control thread, should it have overrun its own */

static void put(char *line, size_t cap, const char *text)
{
    size_t used = strlen(line);
    size_t n = text != NULL ? strlen(text) : 0;

    if (n > cap - 1 - used)
        n = cap - 1 - used;
    memcpy(line + used, text, n);
    line[used + n] = '\0';
}

static const char *signal_name(int signo)
{
    switch (signo) {
    case SIGSEGV:
        return "SIGSEGV";
    case SIGBUS:
        return "SIGBUS";
    case SIGFPE:
        return "SIGFPE";
    case SIGILL:
        return "SIGILL";
    default:
        return "SIGABRT";
    }
}

static void on_crash(int signo)
{
    const struct xmb_module *m = module_current();
    char line[256] = "xmbd: fatal signal ";
    size_t i;

    put(line, sizeof line, signal_name(signo));
    put(line, sizeof line, " in module ");
    put(line, sizeof line, m->name);
    put(line, sizeof line, " ");
    put(line, sizeof line, m->plugin.version);
    put(line, sizeof line, ", state ");
    put(line, sizeof line, module_state_name(m->state));
    put(line, sizeof line, "; the broker ends here\n");
    if (write(STDERR_FILENO, line, strlen(line)) < 0) {
        /* Nothing is left to tell it to. */
    }
    for (i = 0; i < FATAL_COUNT; i++)
        if (fatal[i] == signo)
            sigaction(signo, &former[i], NULL);
    raise(signo); /* delivered when this handler returns */
}

void crash_init(void)
{
    stack_t alternate = {.ss_sp = stack, .ss_size = sizeof stack};
    struct sigaction action;
    size_t i;

    memset(&action, 0, sizeof action);
    action.sa_handler = on_crash;
    action.sa_flags = SA_ONSTACK;
    sigemptyset(&action.sa_mask);
    sigaltstack(&alternate, NULL);
    for (i = 0; i < FATAL_COUNT; i++)
        sigaction(fatal[i], &action, &former[i]);
}
