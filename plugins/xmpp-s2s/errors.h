/* SPDX-License-Identifier: MIT */
/*
 * errors.h - what the writer's files know of errors beside writer.h.
 */
#ifndef S2_ERRORS_H
#define S2_ERRORS_H

#include "writer.h"

/* The type attribute that goes with a condition: "modify", "wait", ... Static text. Thread: any. */
const char *s2_condition_type(enum s2_condition c);
/*
 * <error type='...'> with the condition and perhaps a text, as stanza and dialback errors have it.
 * `by`: who says so, or {NULL, 0}. Thread: any.
 */
void s2_write_error(struct s2_text *t, enum s2_condition c, struct xmb_str by,
                    const char *text_or_null);

#endif
