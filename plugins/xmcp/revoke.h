/* SPDX-License-Identifier: MIT */
/*
 * revoke.h - the two requests by which the server takes something back.
 */
#ifndef XS_REVOKE_H
#define XS_REVOKE_H

#include "session.h"

/* RegisterRevoke; the caller ends the session. Left out when the output queue is full. */
void xs_revoke_send(struct session *s);
/*
 * PublishRevoke: another session of the same user has taken the service over. No answer is
 * waited for. Ends the session when the output queue is full: it would not learn it otherwise.
 */
void xs_revoke_service(struct session *s, const struct xmb_service_id *id);

#endif
