/* SPDX-License-Identifier: MIT */
/*
 * writer_errors.c - errors of streams and of stanzas as text (RFC 6120, 4.9 and 8.3), which stanzas
 * may be answered with one, and the ping that the barrier of delivery is made of (XEP-0199).
 */
#include "errors.h"

#define NS_STREAMS "urn:ietf:params:xml:ns:xmpp-streams"
#define NS_STANZAS "urn:ietf:params:xml:ns:xmpp-stanzas"

void s2_write_stream_error(struct s2_text *t, enum s2_stream_error e, const char *text)
{
    s2_text_add(t, "<stream:error><");
    s2_text_add(t, s2_stream_error_name(e));
    s2_text_add(t, " xmlns='" NS_STREAMS "'/>");
    if (text != NULL) {
        s2_text_add(t, "<text xmlns='" NS_STREAMS "' xml:lang='en'>");
        s2_text_escaped(t, xmb_str(text));
        s2_text_add(t, "</text>");
    }
    s2_text_add(t, "</stream:error>");
    s2_write_end(t);
}

void s2_write_error(struct s2_text *t, enum s2_condition c, struct xmb_str by,
                    const char *text_or_null)
{
    s2_text_add(t, "<error type='");
    s2_text_add(t, s2_condition_type(c));
    s2_text_add(t, "'");
    s2_text_attribute(t, "by", by);
    s2_text_add(t, "><");
    s2_text_add(t, s2_condition_name(c));
    s2_text_add(t, " xmlns='" NS_STANZAS "'/>");
    if (text_or_null != NULL) {
        s2_text_add(t, "<text xmlns='" NS_STANZAS "' xml:lang='en'>");
        s2_text_escaped(t, xmb_str(text_or_null));
        s2_text_add(t, "</text>");
    }
    s2_text_add(t, "</error>");
}

static const char *kind_name(uint32_t kind)
{
    return kind == S2_MESSAGE ? "message" : kind == S2_PRESENCE ? "presence" : "iq";
}

void s2_write_stanza_error(struct s2_text *t, const struct s2_stanza *s, enum s2_condition c,
                           struct xmb_str by, const char *text_or_null)
{
    const char *name = kind_name(s->kind);

    s2_text_add(t, "<");
    s2_text_add(t, name);
    s2_text_attribute(t, "type", XMB_STR("error"));
    s2_text_attribute(t, "from", s->to);
    s2_text_attribute(t, "to", s->from);
    s2_text_attribute(t, "id", s->id);
    s2_text_add(t, ">");
    s2_write_error(t, c, by, text_or_null);
    s2_text_add(t, "</");
    s2_text_add(t, name);
    s2_text_add(t, ">");
}

/*
 * Presence for a bare address is a broadcast, one to each contact: an error to each would tell a
 * user nothing and cost much. For an address with a resource it was sent to that one, as when a
 * room is joined.
 */
static int presence_may_bounce(const struct s2_stanza *s)
{
    if (s->type == S2_TYPE_SUBSCRIBE)
        return 1;
    return (s->type == S2_TYPE_NONE || s->type == S2_TYPE_OTHER) &&
           memchr(s->to.p, '/', s->to.n) != NULL;
}

int s2_may_bounce(const struct s2_stanza *s)
{
    if (s->from.n == 0 || s->to.n == 0)
        return 0;
    switch (s->kind) {
    case S2_MESSAGE:
        return s->type != S2_TYPE_ERROR;
    case S2_IQ:
        return s->type == S2_TYPE_GET || s->type == S2_TYPE_SET;
    case S2_PRESENCE:
        return presence_may_bounce(s);
    default:
        return 0;
    }
}

void s2_write_ping(struct s2_text *t, struct xmb_str from, struct xmb_str to, struct xmb_str id)
{
    s2_text_add(t, "<iq type='get'");
    s2_text_attribute(t, "from", from);
    s2_text_attribute(t, "to", to);
    s2_text_attribute(t, "id", id);
    s2_text_add(t, "><ping xmlns='urn:xmpp:ping'/></iq>");
}
