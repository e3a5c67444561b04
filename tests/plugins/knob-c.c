/* SPDX-License-Identifier: MIT */
/*
 * knob-c.c - a knob (knob_body.h).
 */
#define KNOB_NAME "knob-c"
#include "knob_body.h"

XMB_PLUGIN_NAMED(knob_c, KNOB_NAME, KNOB_DESCRIPTOR(0));
