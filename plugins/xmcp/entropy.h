/* SPDX-License-Identifier: MIT */
/*
 * entropy.h - random octets: nonces, handles, transaction prefixes, secrets of hashes.
 *
 * A file of its own so that a test can link a source of known octets in its place.
 */
#ifndef XS_ENTROPY_H
#define XS_ENTROPY_H

#include <stddef.h>

/* Fills `out` from the kernel's generator. 0, or XMB_EIO (then nothing may be handed out). */
int xs_entropy(void *out, size_t bytes);

#endif
