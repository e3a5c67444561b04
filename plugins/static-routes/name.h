/* SPDX-License-Identifier: MIT */
/*
 * name.h - a domain name as the configuration writes it, in the one form that
 * names are compared in.
 */
#ifndef STATIC_ROUTES_NAME_H
#define STATIC_ROUTES_NAME_H

#include <xmb/xmb.h>

/*
 * `text` (UTF-8, a dot at its end is let go) as lower-case A-labels (RFC 5890, 2.3.2.1) in `out`,
 * terminated. Returns the length, or XMB_EINVAL with `*why` static text. Thread: any.
 */
int static_name_read(const char *text, char out[XMB_DOMAIN_NAME_MAX + 1], const char **why);

#endif
