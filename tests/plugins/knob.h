/* SPDX-License-Identifier: MIT */
/*
 * knob.h - what a knob counts; the table of its interface "x-NAME".
 */
#ifndef TESTS_KNOB_H
#define TESTS_KNOB_H

#include <stdint.h>

struct knob_calls {
    int64_t init, prepare, failed, abort, commit, retire, start, stop;
    uint64_t value;      /* that is committed */
    uint64_t last_abort; /* when, on `clock` */
    uint64_t *clock;     /* its own; a test may put one for several here */
};

#endif
