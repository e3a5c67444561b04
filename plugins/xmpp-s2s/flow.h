/* SPDX-License-Identifier: MIT */
/*
 * flow.h - stanzas from one domain to another: their queue, their order, and the promise that each
 * is delivered or comes back (xmpp-s2s.md 6; RFC 6120, 10).
 *
 *   QUIET --stanza--> OPENING --ready--> FLOWING --ended--> BACKOFF --in time, or at once--> ...
 *     ^                  \-failed--> BACKOFF   \-idle--> QUIET
 *     \---- nothing waits -----------/
 *
 *   FLOWING --its link is retired--> LEAVING --all is confirmed--> OPENING, or QUIET
 *
 * Whether a stanza may pass was decided where it came in (admit.h); a flow asks again only when the
 * configuration changes.
 *
 * A flow lives on the worker that owns its foreign domain. A *path* is where an incoming stream
 * puts stanzas of one of its pairs: straight into the flow when it lives on the same worker, else
 * into a batch that is posted at the end of the callback. Order is kept from one stream to one
 * flow. Stanzas are copied once, into slabs that later hands share.
 *
 * Ring of a flow, oldest first:   | sent, not confirmed | waiting |
 *
 * Confirmed: XEP-0198 where the link has it, else a barrier (XEP-0199 ping whose answer comes back
 * through a stream on which the peer sends, or a question of dialback that is answered on the link
 * itself), else what TCP acknowledged. What is not confirmed when a lease ends and may have left
 * this host is bounced (or sent again, a setting); what did not leave is sent again.
 *
 * Files: flow.c (table), flow_time.c, flow_fsm.c (states), flow_ring.c, flow_send.c, flow_loss.c
 * (what happens at the end of a lease), flow_leave.c (to another one, before that end),
 * flow_drain.c (stop and changed configuration), flow_alive.c, flow_dead.c (streams of a peer that
 * is), flow_far.c (flows of other workers), flow_show.c, confirm.c and barrier*.c (who has what),
 * path.c, batch.c and outbox.c (between workers), pack.c (copies), bounce.c.
 */
#ifndef S2_FLOW_H
#define S2_FLOW_H

#include "gateway.h"
#include "writer.h"

int s2_flows_init(struct s2_worker *w); /* XMB_ENOMEM, XMB_EIO (random source) */
/* What is left is counted and logged. Before s2_links_fini, because leases are closed. */
void s2_flows_fini(struct s2_worker *w);

/* The worker that owns flows between `foreign` and our domains. Thread: any. */
uint32_t s2_flow_owner(const struct s2_worker *w, const struct s2_domain *foreign);

/*
 * Where the stanzas of one pair of an incoming stream go. Embedded in the pair, which may move;
 * zeroed is closed. Its members are the flows' own business.
 */
struct s2_path {
    struct s2_worker *w;
    struct s2_flow *flow; /* when it lives here: held, from the first stanza on */
    struct s2_port *port; /* when it lives on another worker: owned */
    xmb_ref source;       /* the connection to resume */
    uint32_t is_open;
    uint32_t epoch;       /* of the module's owner_epoch */
    enum s2_side to_side; /* the side of the receiver */
    struct s2_domain from, to;
};
/*
 * Opens `p` for stanzas `from` -> `to`, which are copied; `to_side` is where `to` lives. `source`:
 * the connection that is resumed (0: none, put never asks to stop). XMB_ENOMEM. Thread: worker, as
 * for all here.
 */
int s2_path_open(struct s2_worker *w, enum s2_side to_side, const struct s2_domain *from,
                 const struct s2_domain *to, xmb_ref source, struct s2_path *p);
/* What was put stays the flow's. A closed path is fine. */
void s2_path_close(struct s2_path *p);
/*
 * Takes a copy of the stanza (with its `insert`). 0: taken: it will be delivered, or has gone or
 * will go back to its sender. 1: the same, and the source must stop reading until s2_in_resume.
 * Negative: not taken (XMB_ENOMEM, XMB_ELIMIT): the caller bounces.
 */
int s2_path_put(struct s2_path *p, const struct s2_stanza *s);
/* Posts what was put for other workers: at the end of each `data`. */
void s2_path_flush(struct s2_worker *w);
/*
 * Returns stanza `s` (of a stream of side `from_side`) to its sender with `condition`, through the
 * flow that leads back; drops and counts what may not be bounced. `by`: the domain that says so
 * (canonical; NULL: none). `text` for people, or NULL.
 */
void s2_bounce(struct s2_worker *w, enum s2_side from_side, const struct s2_stanza *s,
               enum s2_condition condition, const struct s2_domain *by, const char *text);
/*
 * An iq result or error came from `from` (the domain `from_domain`, verified) to our bare domain
 * `to`: is it the answer to a barrier? 1: yes, and it was consumed: it must not be passed on. Cheap
 * to ask: looks at the id's prefix first.
 */
int s2_barrier_answer(struct s2_worker *w, const struct s2_domain *from_domain,
                      const struct s2_domain *to, const struct s2_stanza *s);
/*
 * A ping of a gateway, or its answer, that was sent only to see whether somebody is there: a stream
 * that brings no other stanza is idle (R62).
 */
int s2_barrier_is_idle(const struct s2_stanza *s);
/* The same by the id alone, of whatever it is. */
int s2_barrier_id_is_idle(struct xmb_str id);
/*
 * A stream of `foreign` (or of a server of local domain `foreign`) was verified, or spoke: backoff
 * towards it ends (6.2). Cheap: the same domain is looked at once a second.
 */
void s2_flow_alive(struct s2_worker *w, const struct s2_domain *foreign);
/*
 * The component of `d` has just connected here, or a stream that leads to `d`: what was put off is
 * tried, at once and each time.
 */
void s2_flow_reachable(struct s2_worker *w, const struct s2_domain *d);
/*
 * A stream of `remote`, on `side`, has just been offered for the flow from `local` (reverse.h): it
 * is claimed unless the flow has a stream, or dials for one.
 */
void s2_flow_offered(struct s2_worker *w, enum s2_side side, const struct s2_domain *local,
                     const struct s2_domain *remote);
/*
 * Configuration or policy changed: every flow is admitted again. Of one that is denied now, what
 * waits goes back with not-allowed, and its lease is closed when nothing is unconfirmed any more.
 */
void s2_flow_recheck(struct s2_worker *w);
/*
 * The broker stops: nothing more is taken, queues are sent, confirmed, or bounced within
 * `deadline_ms` from now; leases are closed when all is empty, at the latest then. Links must stay
 * up until their leases are closed.
 */
void s2_flow_drain(struct s2_worker *w, uint64_t deadline_ms);

/* For `show federation domains`: one for each flow. */
struct s2_flow_facts {
    const struct s2_domain *from, *to;
    enum s2_side to_side;
    const char *state;      /* "flowing", "opening", "backoff", ... */
    uint32_t waiting, unconfirmed;
    uint64_t waiting_bytes;
    const char *last_error; /* or NULL */
    uint64_t last_error_ms; /* monotonic */
    uint64_t next_try_ms;   /* backoff: monotonic; 0 */
    uint64_t delivered, bounced, resent;
};
void s2_flow_walk(struct s2_worker *w, void (*fn)(void *arg, const struct s2_flow_facts *f),
                  void *arg);

#endif
