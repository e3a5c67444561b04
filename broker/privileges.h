/* SPDX-License-Identifier: MIT */
/*
 * privileges.h - from root to the broker's user, with what the configuration needs.
 */
#ifndef BROKER_PRIVILEGES_H
#define BROKER_PRIVILEGES_H

#include "conf/conf.h"

#include <sys/types.h>

/*
 * Who the broker will be: <broker user= group=>, else the user `xmb`, else `nobody`. When we are
 * not root there is nothing to choose, and it is who we are. XMB_ECONF: no such user, see faults.
 */
struct privileges {
    uid_t uid;
    gid_t gid;
    char user[64];
};
int privileges_find(const struct conf *c, struct privileges *p, struct conf_faults *faults);
/* Gives `path` to the broker's user, as long as we are root. Nothing when it is not there. */
void privileges_own(const struct privileges *p, const char *path);
/*
 * Becomes that user for good. `folders` are where plugins are looked for. Nothing when we are not
 * root, or stay it. XMB_EIO: errno text is in `faults`.
 */
int privileges_drop(const struct privileges *p, const struct conf *c, const char *const *folders,
                    size_t count, struct conf_faults *faults);
/* Plugins are loaded: gives up what neither a listener nor a plugin turned out to need. */
void privileges_trim(const struct conf *c);
/*
 * Around reading files of the configuration: where its user cannot read them (they were only
 * readable for root), the right to read is used here and nowhere else. Calls do not nest.
 */
void privileges_read_begin(void);
void privileges_read_end(void);

#endif
