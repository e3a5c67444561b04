/* SPDX-License-Identifier: MIT */
/*
 * announce.h - publishes the XMPP domains of the configuration (<announce>) as services of this
 * broker: from there on they are local services as a client's are, and spread by bridge.c.
 *
 * There is one announcer, on worker 0. It copies what it needs of a configuration.
 *
 * Thread: that worker, for all calls.
 */
#ifndef SE_ANNOUNCE_H
#define SE_ANNOUNCE_H

#include <xmb/host.h>

#include "conf.h"

struct se_announcer;

/*
 * An announcer without domains. `host`, `module` and `worker` must live until se_announcer_free.
 * XMB_ENOMEM, or what owner_open says; then nothing is left behind.
 */
int se_announcer_new(const struct xmb_host *host, struct xmb_module *module,
                     struct xmb_worker *worker, struct se_announcer **out);

/*
 * From now on the domains of `conf` are announced: what is new or changed is published, what is
 * gone is unpublished, the rest is not touched. Families that are shut down announce nothing.
 * What the registry cannot take now follows by a timer. Out of memory: logged, all stays as it was.
 */
void se_announcer_configure(struct se_announcer *a, const struct se_conf *conf);

/* All are withdrawn (XMB_GONE_SOURCE). NULL is fine. */
void se_announcer_free(struct se_announcer *a);

#endif
