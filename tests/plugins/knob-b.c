/* SPDX-License-Identifier: MIT */
/*
 * knob-b.c - a knob (knob_body.h).
 */
#define KNOB_NAME "knob-b"
#include "knob_body.h"

XMB_PLUGIN_NAMED(knob_b, KNOB_NAME, KNOB_DESCRIPTOR(0));
