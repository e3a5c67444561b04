/* SPDX-License-Identifier: MIT */
/*
 * domains.h - what domains.c offers beside process.h: figures for metrics and tables.
 *
 * Thread: routing.
 */
#ifndef SE_DOMAINS_H
#define SE_DOMAINS_H

#include "process.h"

#define SE_DOMAINS_MAX 4096                /* domains that are known */
#define SE_DOMAIN_ROUTES_MAX XMB_ROUTES_MAX /* announcements of one of them */

struct se_domains_figures {
    uint32_t domains, routes; /* there now */
    uint64_t refused;         /* ever: there was no room */
    uint64_t malformed;       /* ever: no XMPP domain, though the service number is ours */
};

void se_domains_figures(const struct se_domains *d, struct se_domains_figures *out);

#endif
