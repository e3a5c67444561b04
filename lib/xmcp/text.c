/* SPDX-License-Identifier: MIT */
/*
 * text.c - which octets are XMCP text.
 *
 * Names, labels, nonces and reasons end up in logs and on terminals, so control characters are
 * refused together with broken UTF-8: C0 and DEL, and C1 as well, which many terminals obey.
 */
#include "xmcp.h"

/* Number of octets that follow a lead octet; -1 when it cannot lead. */
static int followers(uint8_t lead)
{
    if (lead >= 0xc2 && lead <= 0xdf)
        return 1;
    if (lead >= 0xe0 && lead <= 0xef)
        return 2;
    if (lead >= 0xf0 && lead <= 0xf4)
        return 3;
    return -1;
}

/* The first follower's range excludes overlong forms, surrogates, above U+10FFFF, and C1. */
static int first_fits(uint8_t lead, uint8_t first)
{
    uint8_t low = 0x80;
    uint8_t high = 0xbf;

    switch (lead) {
    case 0xc2:
    case 0xe0:
        low = 0xa0;
        break;
    case 0xed:
        high = 0x9f;
        break;
    case 0xf0:
        low = 0x90;
        break;
    case 0xf4:
        high = 0x8f;
        break;
    default:
        break;
    }
    return first >= low && first <= high;
}

/* Octets of the character at `p`, which is not ASCII; 0 when it is broken. */
static size_t wide_character(const uint8_t *p, size_t bytes)
{
    int count = followers(p[0]);
    int i;

    if (count < 0 || (size_t)count >= bytes || !first_fits(p[0], p[1]))
        return 0;
    for (i = 2; i <= count; i++) {
        if ((p[i] & 0xc0) != 0x80)
            return 0;
    }
    return (size_t)count + 1;
}

int xmcp_text_valid(const void *text, size_t bytes)
{
    const uint8_t *p = text;
    size_t at = 0;
    size_t step;

    while (at < bytes) {
        if (p[at] < 0x80) {
            if (p[at] < 0x20 || p[at] == 0x7f)
                return 0;
            at++;
            continue;
        }
        step = wide_character(p + at, bytes - at);
        if (step == 0)
            return 0;
        at += step;
    }
    return 1;
}
