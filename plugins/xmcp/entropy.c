/* SPDX-License-Identifier: MIT */
/*
 * entropy.c - getrandom(), a few octets for each Register and each new nonce. Never for each
 * message.
 */
#include <errno.h>
#include <sys/random.h>

#include <xmb/types.h>

#include "entropy.h"

int xs_entropy(void *out, size_t bytes)
{
    uint8_t *p = out;
    ssize_t n;

    while (bytes > 0) {
        n = getrandom(p, bytes, 0);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return XMB_EIO;
        p += n;
        bytes -= (size_t)n;
    }
    return 0;
}
