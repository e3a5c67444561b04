/* SPDX-License-Identifier: MIT */
/*
 * knob-fixed.c - a knob (knob_body.h) that cannot change while the broker runs.
 */
#define KNOB_NAME "knob-fixed"
#include "knob_body.h"

XMB_PLUGIN_NAMED(knob_fixed, KNOB_NAME, KNOB_DESCRIPTOR(XMB_PLUGIN_RELOAD_RESTART));
