/* SPDX-License-Identifier: MIT */
/*
 * own.h - does each local domain stand in the certificate that is shown for it outside (R52)?
 *
 * The gateway works without: peers may take dialback, and operators begin with certificates signed
 * by themselves. So what is wrong is said, and refused by nobody here.
 */
#ifndef S2_OWN_H
#define S2_OWN_H

#include "gateway.h"

/* Warns of each local domain that does not, 20 at most. Thread: any. */
void s2_own_warn(const struct s2_module *m, const struct s2_conf *c);
/*
 * How many do not, or have a certificate that ends within 14 days or has ended; the first of them
 * is told in `why`. Thread: any.
 */
size_t s2_own_count(const struct s2_conf *c, char *why, size_t cap);

#endif
