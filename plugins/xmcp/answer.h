/* SPDX-License-Identifier: MIT */
/*
 * answer.h - what we say to requests.
 *
 * An answer is decided first (struct answer) and encoded when its turn has come: those to Publish
 * and Unpublish wait for the registry, and answers leave in the order of the requests.
 */
#ifndef XS_ANSWER_H
#define XS_ANSWER_H

#include "session.h"

#define XS_ANSWER_ROOM 512 /* no answer is longer */

/* Success. `value` is the subscription's number with ANSWER_SUBSCRIBED, else 0. Returns DONE. */
enum outcome xs_succeed(struct session *s, const struct xmcp_msg *m, enum answer_kind kind,
                        uint32_t value);
/* Error `code`; `reason` static or NULL; `value` as struct answer has it. Returns DONE. */
enum outcome xs_refuse(struct session *s, const struct xmcp_msg *m, unsigned code,
                       const char *reason, uint32_t value);
/* 400 with what is wrong. Ten in a row close the connection. Returns DONE. */
enum outcome xs_refuse_fault(struct session *s, const struct xmcp_msg *m,
                             enum xmcp_fault_reason fault, unsigned attribute);

/* Begins an answer to `m`: transaction and method are set, all else is a plain success. */
struct answer xs_answer_to(const struct xmcp_msg *m);
/* Sends it now, or behind those that wait. */
void xs_answer(struct session *s, const struct answer *a);
/* Encodes and queues it. XMB_EAGAIN: no room now. Other errors: the connection is being closed. */
int xs_answer_write(struct session *s, const struct answer *a);

/* 1 when the output queue has room for one more answer; else the host calls `writable` later. */
int xs_answer_room(struct session *s);

#endif
