/* SPDX-License-Identifier: MIT */
/*
 * conf_limits.c - every setting that is a number, as one table: where it stands, its range, its
 * default.
 *
 * A row is a place in struct s2_conf; all of them are uint32_t. What two of them have to do with
 * each other is checked behind the table.
 */
#include "conf_priv.h"

#include <stddef.h>

enum kind { COUNT, BYTES, DURATION_MS };

static const struct setting {
    const char *element, *attribute;
    enum kind kind;
    uint32_t min, max, usual;
    size_t at;
} settings[] = {
#define AT(member) offsetof(struct s2_conf, member)
    /* RFC 6120, 13.12: a limit on stanzas may not be under 10,000 octets. */
    {"limits", "stanza", BYTES, 10000, 16 << 20, 256 << 10, AT(limits.stanza_bytes)},
    {"limits", "depth", COUNT, 8, 200, 64, AT(limits.depth)},
    {"limits", "elements", COUNT, 32, 1 << 20, 8192, AT(limits.elements)},
    {"limits", "attributes", COUNT, 16, 1024, 64, AT(limits.attributes)},
    {"limits", "name", BYTES, 64, 64 << 10, 1 << 10, AT(limits.name_bytes)},
    {"limits", "attribute", BYTES, 1 << 10, 16 << 20, 64 << 10, AT(limits.value_bytes)},
    {"limits", "queue", BYTES, 16 << 10, 1 << 30, 1 << 20, AT(queue_bytes)},
    {"limits", "queue-time", DURATION_MS, 1000, 3600000, 60000, AT(queue_ms)},
    {"limits", "pairs", COUNT, 1, 1000, 64, AT(pairs)},
    {"limits", "unverified-streams", COUNT, 1, 100000, 8, AT(streams_unverified)},
    {"limits", "streams", COUNT, 1, 1000000, 10000, AT(streams_total)},
    {"idle-timeout", "seconds", DURATION_MS, 1000, 86400000, 600000, AT(idle_ms)},
    {"timeouts", "negotiation", DURATION_MS, 1000, 600000, 30000, AT(negotiation_ms)},
    {"timeouts", "connect", DURATION_MS, 1000, 120000, 10000, AT(connect_ms)},
    {"timeouts", "dialback", DURATION_MS, 1000, 600000, 30000, AT(dialback_ms)},
    {"timeouts", "keepalive", DURATION_MS, 0, 3600000, 10000, AT(keepalive_ms)},
    {"delivery", "window", BYTES, 16 << 10, 1 << 30, 4 << 20, AT(window_bytes)},
    {"delivery", "interval", DURATION_MS, 100, 60000, 1000, AT(barrier_ms)},
    {"delivery", "timeout", DURATION_MS, 1000, 600000, 25000, AT(barrier_timeout_ms)},
    {"delivery", "hold", DURATION_MS, 0, 600000, 2000, AT(hold_ms)},
    {"backoff", "minimum", DURATION_MS, 100, 600000, 2000, AT(backoff_min_ms)},
    {"backoff", "maximum", DURATION_MS, 100, 86400000, 300000, AT(backoff_max_ms)},
#undef AT
};

static uint32_t *place(struct s2_conf *c, const struct setting *s)
{
    return (uint32_t *)(void *)((char *)c + s->at);
}

static int read_one(const struct xmb_conf *node, struct s2_conf *c, const struct setting *s)
{
    const struct xmb_conf *e = s2_conf_api()->child(node, s->element);
    uint64_t value = s->usual;
    int rc = 0;

    if (e != NULL && s->kind == COUNT)
        rc = s2_conf_api()->number(e, s->attribute, s->min, s->max, &value);
    else if (e != NULL && s->kind == BYTES)
        rc = s2_conf_api()->bytes(e, s->attribute, s->min, s->max, &value);
    else if (e != NULL)
        rc = s2_conf_api()->duration(e, s->attribute, s->min, s->max, &value);
    *place(c, s) = (uint32_t)value;
    return rc;
}

/* Which of `words` the attribute is; the schema has checked that it is one. */
static int word_of(const struct xmb_conf *e, const char *attribute, const char *const *words,
                   int usual)
{
    const char *text = e != NULL ? s2_conf_api()->text(e, attribute, NULL) : NULL;
    int i;

    for (i = 0; text != NULL && words[i] != NULL; i++) {
        if (strcmp(text, words[i]) == 0)
            return i;
    }
    return usual;
}

static void read_words(const struct xmb_conf *node, struct s2_conf *c)
{
    static const char *const confirm[] = {"barrier", "tcp", "none", NULL};
    static const char *const on_loss[] = {"bounce", "resend", NULL};
    const struct xmb_conf *e = s2_conf_api()->child(node, "delivery");

    c->confirm = (enum s2_confirm)word_of(e, "confirm", confirm, S2_CONFIRM_BARRIER);
    c->on_loss = (enum s2_on_loss)word_of(e, "on-loss", on_loss, S2_LOSS_BOUNCE);
}

/* RFC 6120, 13.12, leaves what a stranger may send to us: enough for a header, TLS and dialback. */
static void set_unverified(struct s2_conf *c)
{
    c->unverified.stanza_bytes = 10000;
    c->unverified.depth = 8;
    c->unverified.elements = 32;
    c->unverified.attributes = c->limits.attributes < 32 ? c->limits.attributes : 32;
    c->unverified.name_bytes = c->limits.name_bytes;
    c->unverified.value_bytes = c->limits.value_bytes < 4096 ? c->limits.value_bytes : 4096;
}

/*
 * A bound that a whole stanza must fit in: a default grows with the stanza, what is written must be
 * enough.
 */
static int must_hold(const struct xmb_conf *node, const struct s2_conf *c, const char *element,
                     const char *attribute, uint32_t *bytes)
{
    const struct xmb_conf *e = s2_conf_api()->child(node, element);

    if (*bytes >= c->limits.stanza_bytes)
        return 0;
    if (e != NULL && s2_conf_api()->text(e, attribute, NULL) != NULL)
        return s2_conf_api()->fault(e, "a %s of %u octets cannot hold a stanza of %u", attribute,
                                    *bytes, c->limits.stanza_bytes);
    *bytes = c->limits.stanza_bytes;
    return 0;
}

static int check(const struct xmb_conf *node, struct s2_conf *c)
{
    int rc = must_hold(node, c, "limits", "queue", &c->queue_bytes);

    s2_conf_worst(&rc, must_hold(node, c, "delivery", "window", &c->window_bytes));
    if (c->backoff_max_ms < c->backoff_min_ms)
        s2_conf_worst(&rc, s2_conf_api()->fault(s2_conf_api()->child(node, "backoff"),
                                                "its maximum is below its minimum"));
    if (c->keepalive_ms > 0 && c->keepalive_ms < 1000)
        s2_conf_worst(&rc, s2_conf_api()->fault(s2_conf_api()->child(node, "timeouts"),
                                                "a keepalive is 0 or at least 1s"));
    return rc;
}

int s2_conf_read_limits(const struct xmb_conf *node, struct s2_conf *c)
{
    size_t i;
    int rc = 0;

    for (i = 0; i < sizeof(settings) / sizeof(settings[0]); i++)
        s2_conf_worst(&rc, read_one(node, c, &settings[i]));
    read_words(node, c);
    set_unverified(c);
    return rc != 0 ? rc : check(node, c);
}
