/* SPDX-License-Identifier: MIT */
/*
 * show.h - what `show federation ...` tells: facts that streams and links hand out, and the
 * commands' table.
 */
#ifndef S2_SHOW_H
#define S2_SHOW_H

#include "gateway.h"

#define S2_SHOW_PAIRS 64

struct s2_pair_facts {
    struct s2_domain local, remote; /* ours (on that side), theirs */
    const char *state;       /* "verified", "pending", ... */
    const char *verified_by; /* "dialback", "external", "component", or NULL */
};

/* One stream, either direction; views live during the call. */
struct s2_connection {
    uint64_t id;        /* the connection's xmb_ref */
    const struct xmb_conn *conn;
    uint32_t direction; /* enum xmb_direction */
    enum s2_side side;
    const char *state;
    const char *verified_by; /* of its first verified pair, or NULL */
    uint64_t stanzas_in, stanzas_out;
    uint64_t stanza_ms; /* monotonic time of the last stanza either way, or of opening */
    int sm, bidi;
    size_t pair_count;
    const struct s2_pair_facts *pairs;
};

#define S2_COMMANDS 5
extern const struct xmb_command s2_commands[S2_COMMANDS];

/* Shared by show*.c: fields of the row that is open. */
void s2_show_text(struct xmb_out *out, const char *key, const char *text); /* NULL: null */
void s2_show_domain(struct xmb_out *out, const char *key, const struct s2_domain *d);
/*
 * show_status.c, show_domains.c; `state` is a struct s2_worker: all commands run on every worker.
 */
int s2_show_status(void *state, const struct xmb_call *call, struct xmb_out *out);
int s2_show_domains(void *state, const struct xmb_call *call, struct xmb_out *out);

#endif
