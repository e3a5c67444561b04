/* SPDX-License-Identifier: MIT */
/*
 * s2_fakes.h - links and flows of the gateway as a test of incoming streams wants them: they
 * remember what they were given, and answer what the test sets. Link with it instead of the real
 * ones.
 */
#ifndef S2_FAKES_H
#define S2_FAKES_H

#include "flow.h"
#include "link.h"

#define S2_FAKE_ROOM 32
#define S2_FAKE_TEXT 512

/* A question of step 2. */
struct s2_ask {
    int open; /* neither answered nor cancelled */
    enum s2_side side;
    struct s2_domain target, sender;
    char id[S2_ASK_ID_MAX + 1];
    char key[S2_FAKE_TEXT + 1];
    s2_ask_fn *done;
    void *arg;
};

/* A stanza that was put into a path, or bounced. */
struct s2_fake_stanza {
    struct s2_domain from, to; /* of the path; of a bounce only `to` is set: `by` */
    enum s2_side side;         /* to_side of the path; from_side of a bounce */
    enum s2_condition condition;
    char raw[S2_FAKE_TEXT + 1];
};

/* The newest S2_FAKE_ROOM of each; counts go on. */
struct s2_fakes {
    struct s2_ask asks[S2_FAKE_ROOM];
    unsigned ask_count;
    struct s2_fake_stanza puts[S2_FAKE_ROOM], bounces[S2_FAKE_ROOM];
    unsigned put_count, bounce_count;
    unsigned paths_open, flushes, alive;
    xmb_ref source; /* of the last path */
    int ask_result;  /* what s2_ask_open, s2_path_open and s2_path_put return */
    int path_result;
    int put_result;
    const char *barrier_id; /* an iq of this id is a barrier's answer */
};
extern struct s2_fakes s2_fakes;

/* Answers the question `index` (0: the first of all). */
void s2_fake_answer(unsigned index, enum s2_ask_result r, enum s2_condition c, const char *text);
/* How many questions wait. */
unsigned s2_fake_waiting(void);

#endif
