/* SPDX-License-Identifier: MIT */
/*
 * control.h - the control socket: operator commands in, text or JSON out.
 */
#ifndef BROKER_CONTROL_H
#define BROKER_CONTROL_H

#include "plugin/module.h"
#include <sys/types.h>
#include <xmb/conf.h>

extern const struct xmb_control_api control_api;

struct control_next;
/* <control socket= group= mode=/>: binds a socket beside the old one when the path changed. */
int control_prepare(const struct xmb_conf *broker, struct control_next **next);
/*
 * Before control_prepare, for a check of the configuration alone: no socket is made or looked for.
 */
void control_only_check(void);
/*
 * Before the first control_prepare: whose the socket will be. `gid` is its group wherever the
 * configuration names none.
 */
void control_owner(uid_t uid, gid_t gid);
void control_abort(struct control_next *next);
void control_commit(struct control_next *next);
/* Collects the commands of the core and of every module; after all init, before commit. */
int control_commands_init(void);
void control_fini(void); /* unlinks the socket */
/* Ends commands whose answer could not come back; after loop_join(loop_control()). */
void control_forget(void);

/*
 * reload.h's service to `config check|reload`: runs the sequence and fills out.
 * Implemented in plugin/reload.c. Returns 0 or XMB_ECONF with errors[] emitted.
 */
int reload_command(int only_check, struct xmb_out *out);

#endif
