/* SPDX-License-Identifier: MIT */
/*
 * netns_rig.h - two network namespaces with a wire between them, and the routing loop, for tests
 * of what the core does with interfaces.
 *
 * The test's process, with all threads that it makes, lives in the first one, which has interface
 * "near"; the second one has "far". Thread of all calls: the test's.
 */
#ifndef TEST_NETNS_RIG_H
#define TEST_NETNS_RIG_H

#include <stdatomic.h>

/*
 * Makes both, with loopback up and near and far down and without addresses. NULL, or why that
 * cannot be; then the test is skipped. Before any thread is made.
 */
const char *netns_up(void);
void netns_down(void);
/* Runs a command of the shell in the first / second namespace; it must end well. */
__attribute__((format(printf, 1, 2))) void near_sh(const char *format, ...);
__attribute__((format(printf, 1, 2))) void far_sh(const char *format, ...);
/* The calling thread is in the second one until far_leave: sockets made there stay there. */
void far_enter(void);
void far_leave(void);

/* Runs `fn` on the routing loop and waits. */
void on_routing(void (*fn)(void *arg), void *arg);
/* Waits until `*value` is at least that; fails after 30 s. */
void wait_count(_Atomic unsigned *value, unsigned at_least);

#endif
