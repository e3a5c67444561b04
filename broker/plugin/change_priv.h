/* SPDX-License-Identifier: MIT */
/*
 * change_priv.h - what change.c and change_check.c share: one try at a new configuration, and what
 * became of each module in it. Thread: control, for all of this.
 */
#ifndef BROKER_CHANGE_PRIV_H
#define BROKER_CHANGE_PRIV_H

#include "plugin/lifecycle.h"

struct part {
    const struct xmb_conf *element;
    void *next;
    void *old;
    struct conf *old_conf;
    int changes;
    int prepared;
    int refused; /* prepare is not called: see change_cannot_ask */
};

struct change {
    struct conf *conf;
    struct conf_faults *faults;
    struct log_next *log;
    struct tls_next *tls;
    struct control_next *control;
    struct listeners_next *listeners;
    struct datagrams_next *datagrams;
    int log_ready;
    int tls_ready;
    int tls_changes; /* profiles are others than before */
    int control_ready;
    int listeners_ready;
    int refused; /* something was: there will be no commit */
    struct part parts[MODULES_MAX]; /* by module index */
};

/*
 * 1 when prepare of `m` must not be called: its schema refused its element, it has none, or it asks
 * things of a module of which this is so. Modules are to be asked about in lifecycle_order.
 */
int change_cannot_ask(struct change *ch, const struct xmb_module *m);

#endif
