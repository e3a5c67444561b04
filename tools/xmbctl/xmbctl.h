/* SPDX-License-Identifier: MIT */
/*
 * xmbctl.h - the operator's command: what its files share.
 */
#ifndef XMBCTL_H
#define XMBCTL_H

#include <jansson.h>
#include <stdio.h>

/*
 * request.c: sends one request object and returns the reply (new reference), or NULL with words on
 * stderr.
 */
json_t *request_send(const char *socket_path, json_t *request);

/* render.c: an answer for people. Widths are those of the longest cell; no colour, no pager. */
/* `plain`: its keys are names, shown as they are. */
void render_answer(FILE *to, json_t *answer, int plain);
void render_help(FILE *to, json_t *help);

#endif
