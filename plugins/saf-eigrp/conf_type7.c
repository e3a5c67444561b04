/* SPDX-License-Identifier: MIT */
/*
 * conf_type7.c - key strings that IOS shows after "7", decoded so that a configuration can be moved
 * as it is. It hides a key from a glance and from nobody else.
 *
 * The text begins with a place in a fixed ring of letters; from there on each letter was XORed with
 * one octet of the key.
 */
#include "conf_priv.h"

#define RING "dsfd;kfoA,.iyewrkldJKDHSUBsgvca69834ncxv9873254k;fg87"
#define RING_LENGTH (sizeof(RING) - 1)

static int digit(char c, int base)
{
    static const char digits[] = "0123456789abcdef";
    const char *at;

    if (c >= 'A' && c <= 'F')
        c = (char)(c - 'A' + 'a');
    at = c != '\0' ? strchr(digits, c) : NULL;
    return at != NULL && at - digits < base ? (int)(at - digits) : -1;
}

/* Two digits at `text`; -1 when they are not. */
static int pair(const char *text, int base)
{
    int high = digit(text[0], base);
    int low = high >= 0 ? digit(text[1], base) : -1;

    return low >= 0 ? high * base + low : -1;
}

int se_type7_decode(const char *text, char *out, size_t out_bytes)
{
    int place = pair(text, 10);
    size_t n = 0;
    int octet;

    if (place < 0 || (size_t)place >= RING_LENGTH)
        return XMB_EINVAL;
    for (text += 2; *text != '\0'; text += 2) {
        octet = pair(text, 16);
        if (octet < 0 || n + 1 >= out_bytes)
            return XMB_EINVAL;
        out[n] = (char)(octet ^ RING[((size_t)place + n) % RING_LENGTH]);
        if (out[n++] == '\0')
            return XMB_EINVAL;
    }
    if (n == 0)
        return XMB_EINVAL;
    out[n] = '\0';
    return (int)n;
}
