/* SPDX-License-Identifier: MIT */
/*
 * fuzz_input.h - what fuzz targets share: a law whose breach is a find, and, for those that take
 * their input as a script, reading it octet by octet, where an input that has ended reads as zeros.
 */
#ifndef FUZZ_INPUT_H
#define FUZZ_INPUT_H

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#define REQUIRE(condition)                                                                         \
    do {                                                                                           \
        if (!(condition))                                                                          \
            abort();                                                                               \
    } while (0)

struct input {
    const uint8_t *p;
    size_t n;
};

static inline uint8_t octet(struct input *in)
{
    if (in->n == 0)
        return 0;
    in->n--;
    return *in->p++;
}

#endif
