/* SPDX-License-Identifier: MIT */
/*
 * component_priv.h - a component's connection from the inside, for component.c and
 * component_stanza.c.
 */
#ifndef S2_COMPONENT_PRIV_H
#define S2_COMPONENT_PRIV_H

#include "admit.h"
#include "component.h"
#include "flow.h"
#include "link_adopted.h"
#include "reader.h"
#include "writer.h"

#define CO_PAIRS_MAX 256       /* domains that are remembered for one component */
#define CO_STRANGERS_MAX 64    /* of one worker, without a handshake */
#define CO_CHUNK_BYTES 16384   /* fed to the reader at once: bounds what waits for policy */
#define CO_RAW_MAX 128

enum co_state { CO_SECURING = 0, CO_ACCEPTED, CO_SHAKING, CO_OPEN, CO_CLOSED, CO_STATES };
enum co_pair_state { CO_PAIR_ASKING = 0, CO_PAIR_OPEN, CO_PAIR_DENIED };

/* A stanza that waits for the answer of policy. */
struct co_held {
    struct co_held *next;
    size_t n;
    char p[];
};

/* A domain that the component writes to. */
struct co_pair {
    struct co_pair *next; /* the one used last is first */
    struct s2_component *c;
    struct s2_domain to;
    uint8_t state;   /* enum co_pair_state */
    uint8_t verdict; /* enum s2_admission: why it is denied */
    uint8_t has_question;
    uint64_t question;
    struct s2_path path; /* CO_PAIR_OPEN */
    struct co_held *held, **held_end;
};

struct s2_component {
    struct s2_component *next, **prev; /* of its worker */
    struct s2_worker *w;
    struct xmb_conn *conn;
    xmb_ref ref;
    struct s2_domain name; /* the local domain of its listener */
    uint8_t state;         /* enum co_state */
    uint8_t paused;
    uint8_t put;         /* something went into a path during this `data` */
    uint8_t header_sent;
    uint8_t wide;        /* the reader has the limits of who is verified */
    struct s2_reader *reader;
    struct s2_read_limits limits; /* the reader borrows them */
    struct s2_link *link;         /* CO_OPEN */
    struct co_pair *pairs;
    uint32_t pair_count;
    uint64_t stanza_ms, stanzas_in;
    uint16_t raw_n; /* the last stanza's domain as it was written, of the first pair; 0: none */
    char raw[CO_RAW_MAX];
    char id[S2_ID + 1];
};

#define CO_LOG(c, level, key, ...)                                                                 \
    S2_LOG((c)->w->module->module, level, key, (c)->name.text, __VA_ARGS__)

/* component_stream.c */
/* A stream error and the end. Returns 1, for handlers: the reader stops. */
int s2_component_fail(struct s2_component *c, enum s2_stream_error e, const char *text);
int s2_component_reader(struct s2_component *c); /* XMB_ENOMEM */

/* component.c */
const char *s2_component_state_name(const struct s2_component *c);
struct s2_component *s2_component_find(const struct s2_worker *w, xmb_ref ref);
void s2_component_pause(struct s2_component *c);
void s2_component_unpause(struct s2_component *c);

/* component_stanza.c */
int s2_component_stanza(struct s2_component *c, const struct s2_stanza *s);
void s2_component_pairs_drop(struct s2_component *c); /* what waits goes back */
/* All are asked about again, with the next stanza for each. */
void s2_component_pairs_forget(struct s2_component *c);

#endif
