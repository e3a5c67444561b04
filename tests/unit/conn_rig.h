/* SPDX-License-Identifier: MIT */
/*
 * conn_rig.h - real workers, a protocol module of the test and its listeners, for
 * the tests of connections, listeners and TLS.
 *
 * The test's thread is the control thread. It is the peer as well, with plain
 * blocking sockets that give up after RIG_PATIENCE_MS.
 */
#ifndef CONN_RIG_H
#define CONN_RIG_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "buf/buf.h"
#include "conf/conf.h"
#include "conn/conn_priv.h"

#define RIG_WORKERS 2
#define RIG_PATIENCE_MS 30000

/* The module; its protocol is filled in by the test before rig_start. */
extern struct xmb_module rig_module;

void rig_start(void);
void rig_stop(void);

/*
 * Makes `broker` (elements inside <broker>) and `module` (elements inside <module>) the
 * configuration in force. On faults returns their count, text of the first in rig_fault.
 */
size_t rig_configure(const char *broker, const char *module);
extern char rig_fault[256];
/* Port of the n-th bound address. */
uint16_t rig_port(size_t n);
size_t rig_bound_count(void);

/* Runs fn(w, arg) on worker `index` and waits. */
void rig_on(uint32_t index, void (*fn)(struct xmb_worker *w, void *arg), void *arg);
/* Connections on all workers. */
size_t rig_conns(void);

/* Waits until cond(arg), else fails the test. */
void rig_wait(int (*cond)(void *arg), void *arg);
void rig_wait_flag(_Atomic uint32_t *value, uint32_t at_least);
void rig_wait_no_conns(void);

/* Copies text for the test's thread; workers may do it at once. Count it after that. */
void rig_note(char *out, size_t cap, const char *text);

int rig_connect(uint16_t port);
/* The same in two steps: a socket, and connected. */
int rig_socket(void);
void rig_connect_socket(int fd, uint16_t port);
void rig_send(int fd, const void *p, size_t n);
void rig_receive(int fd, void *p, size_t n); /* all of it, else fails */
/* 0: end of stream, negative errno, else octets. */
long rig_receive_some(int fd, void *p, size_t n);
/* Test pattern: octet at place `at` of a stream. */
static inline uint8_t rig_octet(size_t at)
{
    return (uint8_t)(at * 31 + (at >> 8));
}

/* A folder for files of the test. */
const char *rig_folder(void);
/* Path of `name` there, in one of a few rotating buffers. */
const char *rig_path(const char *name);

#endif
