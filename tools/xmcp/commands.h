/* SPDX-License-Identifier: MIT */
/*
 * commands.h - what the three commands do with the events of their session.
 *
 *   REGISTERING --> ASKING --> RUNNING --> UNPUBLISHING --> UNREGISTERING --> DONE
 *                                   \____ (subscribe, ping) ____/
 *
 * An error on the way leads to UNREGISTERING, or to DONE when there is no session any more.
 */
#ifndef XMCP_TOOL_COMMANDS_H
#define XMCP_TOOL_COMMANDS_H

#include "options.h"
#include "xmcp.h"

enum phase {
    PHASE_REGISTERING,
    PHASE_ASKING, /* publish, subscribe or keepalive sent */
    PHASE_RUNNING,
    PHASE_UNPUBLISHING,
    PHASE_UNREGISTERING,
    PHASE_DONE
};

struct run {
    const struct options *options;
    struct xmcp_client *client;
    int fd;
    enum phase phase;
    int exit_code;
    int reported;      /* an error has been reported; what follows from it is not news */
    int republished;   /* the answer to 472 is tried once */
    unsigned long seen; /* notifies and withdrawals */
    uint64_t asked_ns;  /* ping: when the keepalive left */
    uint64_t end_ms;    /* --for: when to end; 0 not yet or never */
};

/* The client's callback; user_data is the struct run. */
void commands_on_event(void *user_data, struct xmcp_client *client,
                       const struct xmcp_event *event);

/* Ends in good order: takes back what is published, unregisters. */
void commands_finish(struct run *run);

/* Reports a failure of our own; the exit status will be 1. */
void commands_fail(struct run *run, const char *reason);

/* Monotonic time. */
uint64_t clock_ns(void);
uint64_t clock_ms(void);

#endif
