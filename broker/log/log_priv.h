/* SPDX-License-Identifier: MIT */
/*
 * log_priv.h - shared inside this folder: a line under construction, and where lines go.
 *
 * format.c makes lines and does no I/O; sink.c writes them and knows no format;
 * limit.c counts; log.c joins the three; log_conf.c replaces the settings.
 */
#ifndef BROKER_LOG_PRIV_H
#define BROKER_LOG_PRIV_H

#include <stddef.h>
#include <stdint.h>
#include <time.h>

#include "log/log.h"

/* With its LF; not more than PIPE_BUF, so that one write to a pipe is never mixed with another. */
#define LOG_LINE_MAX 4096

enum log_format { LOG_TEXT = 0, LOG_JSON = 1 };

/* One event, not yet a line. */
struct log_event {
    struct timespec when; /* wall clock */
    uint32_t level;
    const char *module;
    const char *object;  /* or NULL */
    const char *message; /* raw: octets of any kind */
    uint64_t left_out;   /* lines like it that were held back before it */
};

/* ---- format.c */

const char *log_level_name(uint32_t level);
/* 0 when `name` is no level. */
uint32_t log_level_of(const char *name);
/*
 * Writes the line with its LF to `line` and returns its length, at most LOG_LINE_MAX. Control
 * octets and what is not UTF-8 are escaped; what does not fit is cut, and that can be seen.
 * `colour`: terminal colours in text.
 */
size_t log_format(const struct log_event *e, enum log_format format, int colour,
                  char line[LOG_LINE_MAX]);

/* ---- limit.c */

/*
 * 1 when this thread may write one more line of `key` in this second, with the number
 * left out since the last one in `*left_out`; 0: it was counted. `now_s`: any steady clock.
 */
int log_limit(const char *key, uint32_t per_second, uint64_t now_s, uint64_t *left_out);

/* ---- sink.c */

struct log_sink {
    int fd; /* -1: the journal */
    int regular; /* a file: a write cannot block for long */
    int colour;
    enum log_format format;
};

/* A new sink for `to`; 0, or a negative errno. */
int log_sink_open(struct log_sink *sink, const char *to, enum log_format format, int is_check);
void log_sink_close(struct log_sink *sink);
/* Replaces the sink and closes the old one; lines of other threads go to one or the other. */
void log_sink_use(const struct log_sink *sink);
void log_sink_fini(void); /* back to standard error */
void log_sink_write(const struct log_event *e);
/* Lines that could not be written since the start. */
uint64_t log_dropped_count(void);

#endif
