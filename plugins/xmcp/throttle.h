/* SPDX-License-Identifier: MIT */
/*
 * throttle.h - addresses that keep failing are slowed down.
 *
 * A client with a wrong password tries again some twenty times a second for ever. What it costs
 * is bounded in two ways: the answer to a failed Register is held back, and an address with
 * recent failures may open only so many connections. An address that does not fail is never
 * looked at twice, however many clients stand behind it.
 */
#ifndef XS_THROTTLE_H
#define XS_THROTTLE_H

#include "server.h"

#define XS_FAILURES_MANY 3       /* from this failure on, the longer delay */
#define XS_HOLD_MS 1000          /* below the 3 s after which clients send again */
#define XS_HOLD_LONG_MS 2000
#define XS_FAILURE_MEMORY_S 60   /* forgotten when the last failure is older */
#define XS_CONNECTIONS_MOST 50   /* of an address with many failures, in each window */
#define XS_CONNECTION_WINDOW_S 10

/* A connection from `remote` arrives. 0, or XMB_ELIMIT: refuse it. Thread: any. */
int xs_throttle_connection(struct server *server, const struct xmb_addr *remote, uint64_t now_ms);
/* A Register from there failed. Returns how long to hold the answer back, in ms. Thread: any. */
uint64_t xs_throttle_failure(struct server *server, const struct xmb_addr *remote,
                             uint64_t now_ms);
/*
 * Which counters of silent connections (limits.c) are that address': one in each row, in as many
 * bits as that takes, the first row lowest. Never XS_SILENT_NOWHERE. Thread: any.
 */
uint32_t xs_throttle_cells(const struct server *server, const struct xmb_addr *remote);

#endif
