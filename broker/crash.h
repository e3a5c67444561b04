/* SPDX-License-Identifier: MIT */
/*
 * crash.h - a last line before a crash: in whose code it was.
 */
#ifndef BROKER_CRASH_H
#define BROKER_CRASH_H

/* Takes the fatal signals. Thread: control, before others exist. */
void crash_init(void);

#endif
