/* SPDX-License-Identifier: MIT */
/*
 * type7.c - the password obfuscation of IOS, decoding only.
 *
 * The first two digits say where in a fixed text to begin; each octet of the
 * password was XORed with the next character of that text, which is taken as a
 * ring. IOS begins at 0 to 15; any place in the ring is accepted here.
 */
#include "type7.h"

#include <string.h>

static const char ring[] = "dsfd;kfoA,.iyewrkldJKDHSUBsgvca69834ncxv9873254k;fg87";
#define RING_SIZE (sizeof(ring) - 1)

static int hex(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    return -1;
}

/* The place in the ring that the text begins with, or -1. */
static int seed_of(const char *text)
{
    int seed;

    if (text[0] < '0' || text[0] > '9' || text[1] < '0' || text[1] > '9')
        return -1;
    seed = (text[0] - '0') * 10 + (text[1] - '0');
    return seed < (int)RING_SIZE ? seed : -1;
}

int type7_decode(const char *text, char *out, size_t cap)
{
    size_t n = strlen(text);
    size_t count = n / 2 - 1;
    size_t i;
    int seed;

    if (cap > 0)
        out[0] = '\0';
    if (n < 4 || n % 2 != 0 || count >= cap || (seed = seed_of(text)) < 0)
        return -1;
    for (i = 0; i < count; i++) {
        int high = hex(text[2 + 2 * i]);
        int low = hex(text[3 + 2 * i]);
        char c = high < 0 || low < 0
                     ? '\0'
                     : (char)((high << 4 | low) ^ ring[((size_t)seed + i) % RING_SIZE]);

        if (c == '\0') {
            memset(out, 0, i + 1);
            return -1;
        }
        out[i] = c;
    }
    out[count] = '\0';
    return (int)count;
}
