/* SPDX-License-Identifier: MIT */
/*
 * s2_recorder.h - for tests of the XMPP reader: its events as lines of text, so that two runs can
 * be compared.
 */
#ifndef S2_RECORDER_H
#define S2_RECORDER_H

#include "reader.h"

#define RECORD_MAX 1000000

struct recorder {
    struct s2_reader *reader;
    struct s2_read_limits limits;
    const char *stop_at; /* an event with this in its line returns 7 */
    size_t headers, stanzas, elements, ends;
    size_t n;
    char text[RECORD_MAX];
};

/* A recorder with a reader of large limits; ends the test when there is no memory. */
struct recorder *recorder_new(void);
void recorder_free(struct recorder *c);
/*
 * Feeds `text` in pieces of `step` octets until it is through or refused. What feed returned
 * last.
 */
int recorder_feed(struct recorder *c, const char *text, size_t n, size_t step);
/* A header that is usual, and what follows it, in one go by a new recorder. */
#define RECORD_HEADER                                                                              \
    "<?xml version='1.0'?><stream:stream xmlns='jabber:server' "                                   \
    "xmlns:stream='http://etherx.jabber.org/streams' xmlns:db='jabber:server:dialback' "           \
    "from='a.test' to='b.test' version='1.0'>"
struct recorder *record(const char *header, const char *rest, int *rc);
/* The same, and only what feed returned. */
int verdict_on(const char *header, const char *rest);

#endif
