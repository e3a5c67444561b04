/* SPDX-License-Identifier: MIT */
/*
 * connect.h - a TCP connection to the server.
 */
#ifndef XMCP_TOOL_CONNECT_H
#define XMCP_TOOL_CONNECT_H

#include <signal.h>
#include <stddef.h>

#include "xmcp.h"

/*
 * Resolves and connects, each address in turn, within `timeout_ms` for each.
 *   mask        signals let through while waiting
 *   stop        becomes nonzero when one came: gives up
 *   error       receives the reason on failure
 * Returns a non-blocking socket of the caller's, or -1.
 */
int connect_server(const char *host, const char *port, int timeout_ms, const sigset_t *mask,
                   const volatile sig_atomic_t *stop, char *error, size_t error_bytes);

/* Our end of a connection, as the default address of a service. Returns 0 or -1. */
int connect_local(int fd, uint16_t port, struct xmcp_transport *out);

#endif
