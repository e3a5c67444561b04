/* SPDX-License-Identifier: MIT */
/*
 * shutdown.h - signals, and the way down.
 */
#ifndef BROKER_SHUTDOWN_H
#define BROKER_SHUTDOWN_H

/*
 * From now on SIGTERM and SIGINT drain the broker and then stop the control loop, a second one
 * ends the process at once; SIGHUP reloads. 0 or XMB_EIO. Thread: control, as below.
 */
int shutdown_init(void);
/* Gives the handles back; the loop still has to run once for that. */
void shutdown_fini(void);

#endif
