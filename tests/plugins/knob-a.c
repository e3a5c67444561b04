/* SPDX-License-Identifier: MIT */
/*
 * knob-a.c - a knob (knob_body.h).
 */
#define KNOB_NAME "knob-a"
#include "knob_body.h"

XMB_PLUGIN_NAMED(knob_a, KNOB_NAME, KNOB_DESCRIPTOR(0));
