/* SPDX-License-Identifier: MIT */
/*
 * show.h - the operator's commands.
 */
#ifndef XS_SHOW_H
#define XS_SHOW_H

#include <xmb/control.h>

#include "session.h"

/* show.c; `state` is a struct worker: all are of scope EACH_WORKER. */
int xs_show_server(void *state, const struct xmb_call *call, struct xmb_out *out);
int xs_show_clients(void *state, const struct xmb_call *call, struct xmb_out *out);
int xs_clear_client(void *state, const struct xmb_call *call, struct xmb_out *out);

/* show_detail.c: fields of the row that is open. */
void xs_show_detail(const struct session *s, struct xmb_out *out);

#endif
