/* SPDX-License-Identifier: MIT */
/*
 * nbr_fsm.c - the states of a neighbour and the events between them, as a table, and what is done
 * on the way. The drawing is in neighbour.h.
 *
 * A peer is up when both INITs are through. RFC 7868 asks for the ack of ours only; but whoever
 * sees our INIT answers with one of its own, and the number of the peer's INIT is where its
 * sequence begins. An INIT is sent with the transport's patience, 16 tries, and with each copy goes
 * the ack of the peer's INIT: both are 20 octets. From the moment that we have its INIT the peer
 * may take us for up, so multicasts exclude it; and where one went since our own INIT and may still
 * be under way, we begin with a new one, which makes the multicast too old for the peer.
 */
#include "nbr_priv.h"

void se_nbr__heard(struct se_nbrs *n, struct nbr *b)
{
    uint64_t at_ms = n->now.ms + (uint64_t)b->hold_s * 1000;

    if (b->state == SE_NBR_PENDING && at_ms > b->pending_until_ms)
        at_ms = b->pending_until_ms;
    se_timer_arm(&n->timers, &b->hold, at_ms);
}

void se_nbr__send_init(struct se_nbrs *n, struct nbr *b)
{
    b->is_init_acked = 0;
    b->init_out_ms = n->now.ms;
    se_rtp_peer_init(n->rtp, &b->rtp, 0);
}

static void take_init(struct se_nbrs *n, struct nbr *b, const struct se_header *header)
{
    se_rtp_accept(n->rtp, &b->rtp, header);
    b->has_init = 1;
    b->init_in_ms = n->now.ms;
    b->rtp.is_shy = 1;
}

/* --- actions ---------------------------------------------------------------------------------- */

static void nothing(struct se_nbrs *n, struct nbr *b, const struct se_header *header)
{
    (void)n;
    (void)b;
    (void)header;
}

static void begin(struct se_nbrs *n, struct nbr *b, const struct se_header *header)
{
    (void)header;
    b->pending_until_ms = n->now.ms + PENDING_MS;
    b->iface->pending_count++;
    se_nbr__note(n, SE_NBR_NOTE_NEW, b, SE_NBR_REASONS);
    se_nbr__hello_soon(n, b->iface, &b->rtp.addr, HELLO_GAP_MS);
    se_nbr__send_init(n, b);
}

static void answer_init(struct se_nbrs *n, struct nbr *b, const struct se_header *header)
{
    int is_stale = !b->rtp.is_shy && se_rtp_init_is_stale(&b->rtp);

    take_init(n, b, header);
    if (is_stale)
        se_nbr__send_init(n, b);
}

/* It takes us for up and we have nothing of it: a new INIT makes it begin again, too. */
static void insist(struct se_nbrs *n, struct nbr *b, const struct se_header *header)
{
    (void)header;
    se_nbr__send_init(n, b);
}

static void come_up(struct se_nbrs *n, struct nbr *b, const struct se_header *header)
{
    (void)header;
    b->iface->pending_count--;
    b->iface->up_count++;
    b->is_restarting = b->is_asked = 0;
    b->rtp.is_apart = b->software.tlv_major >= 3;
    se_timer_arm(&n->timers, &b->watch, n->now.ms + 2000 * (uint64_t)b->hold_s);
    se_rtp_peer_up(n->rtp, &b->rtp);
    se_nbr__dirty(n, b->iface);
    se_nbr__note(n, SE_NBR_NOTE_UP, b, SE_NBR_REASONS);
    n->ops->up(n->arg, b->rtp.number, b->iface->link.number);
}

static void leave_up(struct se_nbrs *n, struct nbr *b, enum se_nbr_reason reason)
{
    b->iface->up_count--;
    se_timer_disarm(&n->timers, &b->watch);
    se_rtp_peer_reset(n->rtp, &b->rtp);
    b->has_init = b->is_init_acked = 0;
    se_nbr__dirty(n, b->iface);
    se_nbr__note(n, SE_NBR_NOTE_DOWN, b, reason);
    n->ops->down(n->arg, b->rtp.number, reason);
}

static void fall_back(struct se_nbrs *n, struct nbr *b, const struct se_header *header)
{
    leave_up(n, b, SE_NBR_RESTARTED);
    b->iface->pending_count++;
    b->restart_count++;
    b->pending_until_ms = n->now.ms + PENDING_MS;
    take_init(n, b, header);
    se_nbr__send_init(n, b);
}

/*
 * Its services stay, until its EOT shows which it still has. An echo of our own RS gets none. Who
 * begins says so with INIT, or in a hello. RS alone is an echo, also one more than we wait for: we
 * asked again before the first was there. Two that echo echoes never end.
 */
static void resync(struct se_nbrs *n, struct nbr *b, const struct se_header *header)
{
    int is_begin = header->opcode == SE_HELLO || (header->flags & SE_FLAG_INIT) != 0;
    uint32_t echo = b->is_asked || !is_begin ? 0 : SE_FLAG_RS;

    b->is_asked = 0;
    b->is_restarting = 1;
    se_timer_arm(&n->timers, &b->watch, n->now.ms + n->conf.purge_ms);
    se_nbr__note(n, SE_NBR_NOTE_RESYNC, b, SE_NBR_REASONS);
    n->ops->resync(n->arg, b->rtp.number);
    se_rtp_table(n->rtp, &b->rtp, echo);
    se_nbr__dirty(n, b->iface);
}

static void vanish(struct se_nbrs *n, struct nbr *b, const struct se_header *header)
{
    (void)header;
    b->iface->pending_count--;
    if (b->rtp.is_shy)
        se_rtp_haunt(n->rtp, &b->rtp);
    se_rtp_peer_reset(n->rtp, &b->rtp);
    se_nbr__note(n, SE_NBR_NOTE_GIVEN_UP, b, b->reason);
}

/* Those that would go on to take us for up are told. */
static int is_told(enum se_nbr_reason reason)
{
    switch (reason) {
    case SE_NBR_GOODBYE:
    case SE_NBR_TERMINATED:
    case SE_NBR_RESTARTED:
    case SE_NBR_IFACE_DOWN:
    case SE_NBR_LEAVING:
        return 0;
    default:
        return 1;
    }
}

static void go_down(struct se_nbrs *n, struct nbr *b, const struct se_header *header)
{
    (void)header;
    if (is_told(b->reason)) {
        se_nbr__terminate(n, b);
        se_rtp_haunt(n->rtp, &b->rtp);
    }
    leave_up(n, b, b->reason);
}

/* --- the table -------------------------------------------------------------------------------- */

struct step {
    uint8_t is_there;
    uint8_t next;
    void (*action)(struct se_nbrs *n, struct nbr *b, const struct se_header *header);
};

static const struct step steps[SE_NBR_STATES][SE_NBR_EVENTS] = {
    [SE_NBR_DOWN] =
        {
            [SE_NBR_HELLO] = {1, SE_NBR_PENDING, begin},
        },
    [SE_NBR_PENDING] =
        {
            [SE_NBR_HELLO] = {1, SE_NBR_PENDING, nothing},
            [SE_NBR_INIT] = {1, SE_NBR_PENDING, answer_init},
            [SE_NBR_FORMED] = {1, SE_NBR_UP, come_up},
            [SE_NBR_RESTART] = {1, SE_NBR_PENDING, insist},
            [SE_NBR_LOST] = {1, SE_NBR_DOWN, vanish},
        },
    [SE_NBR_UP] =
        {
            [SE_NBR_HELLO] = {1, SE_NBR_UP, nothing},
            [SE_NBR_RESTART] = {1, SE_NBR_PENDING, fall_back},
            [SE_NBR_RESYNC] = {1, SE_NBR_UP, resync},
            [SE_NBR_LOST] = {1, SE_NBR_DOWN, go_down},
        },
};

void se_nbr__event(struct se_nbrs *n, struct nbr *b, enum se_nbr_event event,
                   const struct se_header *header)
{
    const struct step *step = &steps[b->state][event];

    if (!step->is_there)
        return;
    if (b->state != step->next)
        b->since_ms = n->now.ms;
    b->state = step->next;
    step->action(n, b, header);
}

const char *se_nbr_state_name(enum se_nbr_state state)
{
    static const char *const names[SE_NBR_STATES] = {"down", "pending", "up"};

    return (unsigned)state < SE_NBR_STATES ? names[state] : "unknown";
}

const char *se_nbr_event_name(enum se_nbr_event event)
{
    static const char *const names[SE_NBR_EVENTS] = {"hello",   "init",   "formed",
                                                     "restart", "resync", "lost"};

    return (unsigned)event < SE_NBR_EVENTS ? names[event] : "unknown";
}
