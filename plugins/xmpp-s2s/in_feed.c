/* SPDX-License-Identifier: MIT */
/*
 * in_feed.c - octets of an incoming stream to events of its state machine.
 *
 * The reader lives as long as one stream of XML: TLS and SASL each end it, and the next header
 * gets a new one, so that nothing of before can be believed afterwards. Inside an event the
 * reader cannot go; it is dropped when feed has returned.
 */
#include <stdio.h>

#include "in_priv.h"

static int event(struct s2_incoming *s, enum in_event ev, const struct in_input *in)
{
    s->elements++;
    return s2_in_event(s, ev, in);
}

static int on_header(void *arg, const struct s2_header *h)
{
    struct in_input in = {.header = h};

    return event(arg, IN_EV_HEADER, &in);
}

static int on_stanza(void *arg, const struct s2_stanza *st)
{
    struct in_input in = {.stanza = st};

    return event(arg, IN_EV_STANZA, &in);
}

/* Only the initiator's part of a negotiation may come to a stream that a peer opened. */
static const uint8_t event_of[S2_EL_KINDS] = {
    [S2_EL_STREAM_ERROR] = IN_EV_ERROR, [S2_EL_STARTTLS] = IN_EV_STARTTLS,
    [S2_EL_AUTH] = IN_EV_AUTH,          [S2_EL_SASL_RESPONSE] = IN_EV_SASL,
    [S2_EL_SASL_ABORT] = IN_EV_SASL,    [S2_EL_DB_RESULT] = IN_EV_RESULT,
    [S2_EL_DB_VERIFY] = IN_EV_VERIFY,   [S2_EL_BIDI] = IN_EV_BIDI,
    [S2_EL_SM_ENABLE] = IN_EV_SM_ENABLE, [S2_EL_SM_R] = IN_EV_SM_R,
    [S2_EL_SM_A] = IN_EV_NOTHING,
};

static int on_element(void *arg, const struct s2_element *e)
{
    struct in_input in = {.element = e};
    uint8_t ev = e->kind < S2_EL_KINDS ? event_of[e->kind] : 0;

    if (ev == 0)
        ev = IN_EV_UNKNOWN;
    if ((ev == IN_EV_RESULT || ev == IN_EV_VERIFY) && e->type.p != NULL)
        ev = IN_EV_ANSWER;
    return event(arg, (enum in_event)ev, &in);
}

static int on_end(void *arg)
{
    return event(arg, IN_EV_END, NULL);
}

int s2_in_reader(struct s2_incoming *s)
{
    static const struct s2_reader_events events = {on_header, on_stanza, on_element, on_end};
    const struct s2_incomings *in = s->w->incomings;

    s->reader = s2_reader_new(&events, s,
                              s->verified_count > 0 ? &in->limits : &in->limits_unverified);
    return s->reader != NULL ? 0 : XMB_ENOMEM;
}

void s2_in_reader_drop(struct s2_incoming *s)
{
    if (s->feeding || s->reader == NULL)
        return;
    s2_reader_free(s->reader);
    s->reader = NULL;
}

/* The reader refused the input, or has no memory. */
static void refused(struct s2_incoming *s, int error)
{
    char text[160];

    if (error == XMB_ENOMEM) {
        s2_in_fail(s, S2_E_RESOURCE_CONSTRAINT, "out of memory");
        return;
    }
    snprintf(text, sizeof(text), "%s", s2_reader_why(s->reader));
    s2_in_fail(s, s2_stream_error_of_read(error), text);
}

/* One run of octets. Returns how many of them are done with. */
static size_t feed_run(struct s2_incoming *s, struct xmb_str octets)
{
    size_t used = 0;
    int rc;

    if (s->reader == NULL && s2_in_reader(s) < 0) {
        s2_in_fail(s, S2_E_RESOURCE_CONSTRAINT, "out of memory");
        return octets.n;
    }
    s->feeding = 1;
    rc = s2_reader_feed(s->reader, octets, &used);
    s->feeding = 0;
    if (rc < 0 && s->state == IN_ENDING)
        s2_in_over(s, NULL);
    else if (rc < 0 && s->state != IN_CLOSED)
        refused(s, rc);
    if (rc != 0)
        s2_in_reader_drop(s);
    return used;
}

/* Since when is an element half read? One that ended in between sets the clock back. */
static void note_half(struct s2_incoming *s, uint64_t elements_before, uint64_t now)
{
    if (s->reader == NULL || s2_reader_at_rest(s->reader))
        s->half_ms = 0;
    else if (s->half_ms == 0 || s->elements != elements_before)
        s->half_ms = now;
}

void s2_in_feed(struct s2_incoming *s, struct xmb_buf *in)
{
    uint64_t before = s->elements, now = s2_now_ms(s->w);
    struct xmb_str octets;
    size_t left;

    s->heard_ms = now;
    s->resting = 0;
    while (s->state != IN_CLOSED && s->state != IN_SECURING && !s->paused &&
           (left = s2_host->buf->length(in)) > 0) {
        if (s2_host->buf->peek(in, left < IN_CHUNK_BYTES ? left : IN_CHUNK_BYTES, &octets) < 0) {
            s2_in_cut(s, "out of memory");
            return;
        }
        s2_host->buf->drop(in, feed_run(s, octets));
        if (s->state == IN_SECURING)
            s2_in_secure(s, s2_host->buf->length(in));
    }
    note_half(s, before, now);
}
