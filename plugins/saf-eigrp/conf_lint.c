/* SPDX-License-Identifier: MIT */
/*
 * conf_lint.c - advice about the module and its processes: what is allowed, and will surprise or
 * harm whoever wrote it. One warning for each thing, with its line and what comes of it. What is
 * shut down gets none.
 */
#include "conf_priv.h"

static int has(const struct se_reader *r, const struct xmb_conf *node, const char *attribute)
{
    return node != NULL && r->api->text(node, attribute, NULL) != NULL;
}

/* --- key chains ------------------------------------------------------------------------------- */

static void lint_chain(const struct se_reader *r, const struct xmb_conf *node,
                       const struct se_chain *chain)
{
    int64_t last_s = 0;
    size_t i;

    for (i = 0; i < chain->count; i++) {
        const struct se_key *key = &chain->keys[i];

        if (key->send_until_s > last_s)
            last_s = key->send_until_s;
        if (key->password.n < SE_KEY_ADVISED_BYTES)
            se_conf_say(r, chain->name, node,
                        "key %u has %zu octets; below %d it can be found by trying, from one "
                        "recorded packet",
                        key->id, key->password.n, SE_KEY_ADVISED_BYTES);
    }
    if (last_s != SE_TIME_FOREVER)
        se_conf_say(r, chain->name, node,
                    "the key chain ends: when its last key may no longer send, this forwarder "
                    "falls silent and loses its neighbours");
}

static void lint_chains(const struct se_reader *r)
{
    const struct xmb_conf *e;
    size_t i = 0;

    for (e = r->api->child(r->root, "key-chain"); e != NULL; e = r->api->next(e, "key-chain"))
        lint_chain(r, e, &r->conf->chains[i++]);
}

/* --- processes -------------------------------------------------------------------------------- */

static void lint_limits(const struct se_reader *r, const struct xmb_conf *family,
                        const struct se_family_conf *f, const char *object)
{
    static const char *const words[] = {"threshold", "warning-only", "restart", "restart-count",
                                        "reset-time"};
    const struct xmb_conf *node = r->api->child(family, "topology");
    size_t i;

    for (i = 0; i < sizeof(words) / sizeof(words[0]) && f->limit.services_max == 0; i++)
        if (has(r, node, words[i]))
            se_conf_say(r, object, node, "%s has no effect without maximum-services", words[i]);
    if (f->limit.services_max > f->entries_max)
        se_conf_say(r, object, node,
                    "maximum-services is above entries-max, which is reached first: then "
                    "services are not taken, and no neighbour is let go for it");
}

static void lint_timers(const struct se_reader *r, const struct xmb_conf *family,
                        const struct se_family_conf *f, const char *object)
{
    const struct xmb_conf *node = r->api->child(family, "timers");

    if (has(r, node, "nsf-converge") || has(r, node, "nsf-signal"))
        se_conf_say(r, object, node,
                    "nsf-converge and nsf-signal have no effect: this forwarder helps others to "
                    "restart, and begins anew itself");
    if (f->active_ms == 0)
        se_conf_say(r, object, node,
                    "active-time is disabled: a service whose query one neighbour never answers "
                    "stays active for ever");
}

static void lint_role(const struct se_reader *r, const struct xmb_conf *family,
                      const struct se_family_conf *f, const char *object)
{
    if (f->k.k[0] == 0 && f->k.k[2] == 0)
        se_conf_say(r, object, r->api->child(family, "metric-weights"),
                    "k1 and k3 are 0: neither bandwidth nor delay counts, so paths can hardly be "
                    "told apart and services are lost whenever one changes");
    if ((f->stub_flags & SE_STUB_RECEIVE_ONLY) != 0 && f->announced_count > 0)
        se_conf_say(r, object, r->api->child(family, "xmpp-domains"),
                    "a stub that only receives announces no domain either");
    if (f->is_tolerant)
        se_conf_say(r, object, r->api->child(family, "topology"),
                    "tolerant: packets of two wrong forms are taken, and counted; for finding "
                    "out about a peer only");
}

/* An interface that something else needs, and that is shut. */
static void lint_shut(const struct se_reader *r, const struct xmb_conf *family,
                      const struct se_family_conf *f, const char *element, const char *attribute)
{
    const struct xmb_conf *e;
    char object[SE_OBJECT_MAX];

    for (e = r->api->child(family, element); e != NULL; e = r->api->next(e, element)) {
        const char *name = r->api->text(e, attribute, "");

        if (se_conf_iface(f, name)->is_shutdown)
            se_conf_say(r, se_conf_object(f, name, object), e,
                        "<%s> has no effect, since the interface is shut down", element);
    }
}

static int is_all_shut(const struct se_family_conf *f)
{
    size_t i;

    for (i = 0; i < f->iface_count; i++)
        if (!f->ifaces[i].is_shutdown)
            return 0;
    return f->otherwise.is_shutdown;
}

static void lint_family(const struct se_reader *r, const struct xmb_conf *node,
                        const struct se_family_conf *f)
{
    char object[SE_OBJECT_MAX];

    se_conf_object(f, NULL, object);
    lint_limits(r, node, f, object);
    lint_timers(r, node, f, object);
    lint_role(r, node, f, object);
    if (is_all_shut(f))
        se_conf_say(r, object, node,
                    "every interface is shut down, so there will be no neighbour");
    lint_shut(r, node, f, "neighbor", "interface");
    lint_shut(r, node, f, "remote-neighbors", "source");
    se_conf_lint_ifaces(r, node, f);
}

void se_conf_lint(const struct se_reader *r)
{
    const struct xmb_conf *e;
    size_t i = 0;

    lint_chains(r);
    if (r->conf->family_count == 0)
        se_conf_say(r, NULL, r->root,
                    "there is no <service-family>: nothing is announced or learned");
    for (e = r->api->child(r->root, "service-family"); e != NULL;
         e = r->api->next(e, "service-family"), i++)
        if (!r->conf->families[i].is_shutdown)
            lint_family(r, e, &r->conf->families[i]);
}
