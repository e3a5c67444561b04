/* SPDX-License-Identifier: MIT */
/*
 * conf_lint_iface.c - advice about interfaces: authentication, timers, split horizon, TTL.
 *
 * What an interface has from the default was already said about the default, and is not said again.
 */
#include "conf_priv.h"

/* An interface and where it is written; the default may be written nowhere. */
struct subject {
    const struct se_reader *r;
    const struct se_family_conf *f;
    const struct se_iface_conf *iface;
    const struct xmb_conf *node; /* its element, or that of the family */
    int is_written;
    char object[SE_OBJECT_MAX];
};

static void say(const struct subject *s, const char *text)
{
    se_conf_say(s->r, s->object, s->node, "%s", text);
}

static int says(const struct subject *s, const char *attribute)
{
    return s->is_written && s->r->api->text(s->node, attribute, NULL) != NULL;
}

static int is_default(const struct subject *s)
{
    return s->iface == &s->f->otherwise;
}

/* --- authentication --------------------------------------------------------------------------- */

static void lint_key(const struct subject *s)
{
    const struct se_chain *chain = s->iface->chain;

    if (chain == NULL || chain->name[0] != '\0' || chain->count == 0)
        return;
    if (chain->keys[0].password.n < SE_KEY_ADVISED_BYTES)
        se_conf_say(s->r, s->object, s->node,
                    "the key has %zu octets; below %d it can be found by trying, from one recorded "
                    "packet",
                    chain->keys[0].password.n, SE_KEY_ADVISED_BYTES);
}

static void lint_authentication(const struct subject *s)
{
    int is_own = s->is_written && s->r->api->child(s->node, "authentication") != NULL;

    if (!is_default(s) && !is_own && !s->f->otherwise.is_shutdown)
        return;
    if (s->iface->auth.mode == SE_AUTH_NONE)
        say(s, is_default(s)
                   ? "no authentication on interfaces that are not named: whoever reaches one of "
                     "them can become a neighbour, and announce and withdraw services"
                   : "no authentication: whoever reaches the link can become a neighbour, and "
                     "announce and withdraw services");
    if (s->iface->auth.mode == SE_AUTH_MD5)
        say(s, "MD5 leaves the last 20 octets of every packet open to change, and acknowledgements "
               "have no proof at all; use hmac-sha-256 where all neighbours know it");
    lint_key(s);
}

/* --- timers ----------------------------------------------------------------------------------- */

static void lint_hold(const struct subject *s)
{
    uint64_t hold_ms = (uint64_t)s->iface->hold_s * 1000, hello_ms = s->iface->hello_ms;

    if (!says(s, "hello-interval") && !says(s, "hold-time"))
        return;
    if (hold_ms < 2 * hello_ms)
        se_conf_say(s->r, s->object, s->node,
                    "hold-time %us is below twice the hello-interval: one lost hello, and "
                    "neighbours drop this forwarder",
                    s->iface->hold_s);
    else if (!says(s, "hold-time") && hold_ms != 3 * hello_ms)
        se_conf_say(s->r, s->object, s->node,
                    "hello-interval was changed and hold-time was not: neighbours still wait %us "
                    "for this forwarder; three times the hello-interval is usual",
                    s->iface->hold_s);
}

/* --- neighbours of the interface -------------------------------------------------------------- */

static size_t static_count(const struct subject *s)
{
    size_t i, n = 0;

    for (i = 0; i < s->f->neighbor_count; i++)
        n += s->f->neighbors[i].hops == 0 &&
             strcmp(s->f->neighbors[i].iface, s->iface->name) == 0;
    return n;
}

static int is_remote(const struct subject *s)
{
    size_t i;

    for (i = 0; i < s->f->neighbor_count; i++)
        if (s->f->neighbors[i].hops > 0 && strcmp(s->f->neighbors[i].iface, s->iface->name) == 0)
            return 1;
    for (i = 0; i < s->f->remote_count; i++)
        if (strcmp(s->f->remotes[i].source, s->iface->name) == 0)
            return 1;
    return 0;
}

static int is_nbma(const struct subject *s)
{
    return s->is_written && se_conf_is(s->r, s->node, "nbma", "yes") && !is_remote(s);
}

/* With remote neighbours split horizon is by neighbour, so that nothing is hidden (D11). */
static void lint_split(const struct subject *s)
{
    if (s->iface->is_split && (static_count(s) > 1 || is_nbma(s)))
        say(s, "split-horizon is on and several neighbours may be behind the interface: what one "
               "of them announces is not told to the others; a hub needs split-horizon=\"no\"");
}

static void lint_ttl(const struct subject *s)
{
    if (s->iface->ttl_min > 1 && s->f->family == 4 && static_count(s) == 0 && !is_remote(s))
        say(s, "ttl-min is above 1, and hellos to the multicast group of IPv4 have a TTL of 1: no "
               "neighbour will be found");
}

static void lint_iface(const struct se_reader *r, const struct se_family_conf *f,
                       const struct xmb_conf *node, int is_written,
                       const struct se_iface_conf *iface)
{
    struct subject s = {.r = r, .f = f, .iface = iface, .node = node, .is_written = is_written};

    if (iface->is_shutdown)
        return;
    se_conf_object(f, iface->name, s.object);
    lint_authentication(&s);
    lint_hold(&s);
    lint_split(&s);
    lint_ttl(&s);
}

void se_conf_lint_ifaces(const struct se_reader *r, const struct xmb_conf *family,
                         const struct se_family_conf *f)
{
    const struct xmb_conf *e, *otherwise = NULL;
    size_t i = 0;

    for (e = r->api->child(family, "sf-interface"); e != NULL; e = r->api->next(e, "sf-interface"))
        if (se_conf_is(r, e, "name", "default"))
            otherwise = e;
    lint_iface(r, f, otherwise != NULL ? otherwise : family, otherwise != NULL, &f->otherwise);
    for (e = r->api->child(family, "sf-interface"); e != NULL; e = r->api->next(e, "sf-interface"))
        if (e != otherwise)
            lint_iface(r, f, e, 1, &f->ifaces[i++]);
}
