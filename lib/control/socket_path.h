/* SPDX-License-Identifier: MIT */
/*
 * socket_path.h - where broker and operator meet when nobody says where.
 *
 * Both xmbd and xmbctl are linked with this, so that they agree.
 */
#ifndef XMB_SOCKET_PATH_H
#define XMB_SOCKET_PATH_H

#include <stddef.h>

/* Longest path that a UNIX socket address can hold, NUL included (sun_path). */
#define CONTROL_PATH_MAX 108

/*
 * Writes the default path of the control socket into `path` (CONTROL_PATH_MAX
 * octets): /run/xmb/xmbd.sock for root, else $XDG_RUNTIME_DIR/xmb/xmbd.sock,
 * else /tmp/xmb-UID/xmbd.sock. Returns 0, or -1 when it does not fit. `uid` is who runs the broker.
 */
int control_default_path(unsigned uid, char *path);

#endif
