/* SPDX-License-Identifier: MIT */
/*
 * socket_path.c - the default place of the control socket (see the header).
 */
#include "socket_path.h"

#include <stdio.h>
#include <stdlib.h>

int control_default_path(unsigned uid, char *path)
{
    const char *runtime = getenv("XDG_RUNTIME_DIR");
    int n;

    if (uid == 0)
        n = snprintf(path, CONTROL_PATH_MAX, "/run/xmb/xmbd.sock");
    else if (runtime != NULL && runtime[0] == '/')
        n = snprintf(path, CONTROL_PATH_MAX, "%s/xmb/xmbd.sock", runtime);
    else
        n = snprintf(path, CONTROL_PATH_MAX, "/tmp/xmb-%u/xmbd.sock", uid);
    return n > 0 && n < CONTROL_PATH_MAX ? 0 : -1;
}
