/* SPDX-License-Identifier: MIT */
/*
 * type7.h - passwords as IOS writes them after "password 7".
 *
 * This hides a password from a glance over the shoulder and from nobody else;
 * it is here so that a configuration can be moved from a router as it is.
 */
#ifndef AUTH_TYPE7_H
#define AUTH_TYPE7_H

#include <stddef.h>

/*
 * Decodes `text` (two decimal digits, then pairs of hex digits of either case) into `out`, which
 * gets a NUL behind the password. Returns the length of the password, or -1 when the text is not
 * of that form, holds a NUL, or does not fit `cap` octets: then `out` is empty.
 */
int type7_decode(const char *text, char *out, size_t cap);

#endif
