/* SPDX-License-Identifier: MIT */
/*
 * gateway.c - the host's table, alone in its file so that a test may bring its own.
 */
#include "gateway.h"

const struct xmb_host *s2_host;
