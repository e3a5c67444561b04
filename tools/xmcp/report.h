/* SPDX-License-Identifier: MIT */
/*
 * report.h - what the user sees of an event: a line for people, or a JSON object for scripts.
 * Events go to standard output; what went wrong goes to standard error for people, and as an
 * `error` event to standard output for scripts.
 */
#ifndef XMCP_TOOL_REPORT_H
#define XMCP_TOOL_REPORT_H

#include "xmcp.h"

/* One of REGISTERED, PUBLISHED, SUBSCRIBED, NOTIFY, WITHDRAW. */
void report_event(int json, const struct xmcp_event *event);

/* `code` 0: not the server's word but ours. */
void report_error(int json, unsigned code, const char *reason);

void report_round_trip(int json, double milliseconds);

/* report_json.c */
void report_json_event(const struct xmcp_event *event);
void report_json_error(unsigned code, const char *reason);
void report_json_round_trip(double milliseconds);

#endif
