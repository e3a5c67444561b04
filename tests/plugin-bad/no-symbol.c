/* SPDX-License-Identifier: MIT */
/*
 * no-symbol.c - a broken plugin: it exports a symbol of another name
 *
 * Everything else about it is right, so that this is what the loader must stumble over.
 */
#include "bad.h"

extern XMB_EXPORT const int something_else;
const int something_else = 1;
