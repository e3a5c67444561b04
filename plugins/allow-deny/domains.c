/* SPDX-License-Identifier: MIT */
/*
 * domains.c - reads the list of domains into a hash table, and looks names up.
 *
 * The names in the table are the operator's, so nobody outside can make its
 * chains long.
 */
#include "domains.h"

#include "name.h"

#include <stdlib.h>

static const char *const mode_texts[DOMAINS_MODES] = {
    [DOMAINS_ALLOW_LIST] = "allow-list",
    [DOMAINS_DENY_LIST] = "deny-list",
    [DOMAINS_OFF] = "off",
};

const char *domains_mode_text(enum domains_mode mode)
{
    return mode_texts[mode];
}

/* --- lookup ---------------------------------------------------------------------------------- */

/* FNV-1a. */
static uint32_t hash_of(struct xmb_str s)
{
    uint64_t h = UINT64_C(0xcbf29ce484222325);
    size_t i;

    for (i = 0; i < s.n; i++)
        h = (h ^ (uint8_t)s.p[i]) * UINT64_C(0x100000001b3);
    return (uint32_t)(h ^ h >> 32);
}

static struct domain **place_of(const struct domains *d, struct xmb_str name)
{
    struct domain **at = &d->bucket[hash_of(name) & d->mask];

    while (*at != NULL && !xmb_str_eq(xmb_str_n((*at)->name, (*at)->n), name))
        at = &(*at)->next;
    return at;
}

/* The name without its first label; none when it has only one. */
static struct xmb_str parent_of(struct xmb_str name)
{
    const char *dot = name.n > 0 ? memchr(name.p, '.', name.n) : NULL;

    if (dot == NULL)
        return xmb_str_n(NULL, 0);
    return xmb_sub(name, (size_t)(dot - name.p) + 1, name.n);
}

const struct domain *domains_find(const struct domains *d, struct xmb_str name)
{
    const struct domain *found = name.n > 0 ? *place_of(d, name) : NULL;

    while (found == NULL && (name = parent_of(name)).n > 0) {
        found = *place_of(d, name);
        if (found != NULL && !found->suffix)
            found = NULL;
    }
    return found;
}

/* --- configuration --------------------------------------------------------------------------- */

static enum domains_mode mode_of(const char *text)
{
    int mode;

    for (mode = 0; mode < DOMAINS_MODES; mode++)
        if (strcmp(text, mode_texts[mode]) == 0)
            return (enum domains_mode)mode;
    return DOMAINS_ALLOW_LIST; /* the schema lets nothing else in */
}

static int read_domain(const struct xmb_conf_api *api, const struct xmb_conf *node,
                       struct domains *d)
{
    const char *text = api->text(node, "name", "");
    char name[XMB_DOMAIN_NAME_MAX + 1];
    const char *why;
    struct domain **at;
    struct domain *one;
    int32_t suffix = 0;
    int n = domains_name_read(text, name, &why);

    if (n < 0)
        return api->fault(node, "\"%s\" is not a domain name: %s", text, why);
    if (api->flag(node, "suffix", &suffix) < 0)
        return XMB_ECONF;
    at = place_of(d, xmb_str_n(name, (size_t)n));
    if (*at != NULL)
        return api->fault(node, "domain \"%s\" is here a second time; the first is in line %u",
                          text, (*at)->line);
    one = calloc(1, sizeof(*one) + (size_t)n + 1);
    if (one == NULL)
        return XMB_ENOMEM;
    one->line = api->line(node);
    one->suffix = suffix != 0;
    one->n = (uint8_t)n;
    memcpy(one->name, name, (size_t)n);
    *at = one;
    d->count++;
    return 0;
}

static uint32_t entries_in(const struct xmb_conf_api *api, const struct xmb_conf *node)
{
    const struct xmb_conf *child;
    uint32_t n = 0;

    for (child = api->child(node, NULL); child != NULL; child = api->next(child, NULL))
        n++;
    return n;
}

static struct domains *domains_new(uint32_t entries)
{
    struct domains *d = calloc(1, sizeof(*d));
    uint32_t buckets = 1;

    while (buckets < entries)
        buckets *= 2;
    if (d != NULL)
        d->bucket = calloc(buckets, sizeof(struct domain *));
    if (d == NULL || d->bucket == NULL) {
        free(d);
        return NULL;
    }
    d->mask = buckets - 1;
    return d;
}

static int read_all(const struct xmb_conf_api *api, const struct xmb_conf *federation,
                    struct domains *d)
{
    const struct xmb_conf *node;
    int result = 0;

    d->mode = mode_of(api->text(federation, "mode", "allow-list"));
    for (node = api->child(federation, "domain"); node != NULL && result != XMB_ENOMEM;
         node = api->next(node, "domain")) {
        int rc = read_domain(api, node, d);

        if (rc < 0)
            result = rc;
    }
    return result;
}

int domains_read(const struct xmb_conf_api *api, const struct xmb_conf *conf,
                 struct domains **out)
{
    const struct xmb_conf *federation = api->child(conf, "federation");
    uint32_t entries = federation != NULL ? entries_in(api, federation) : 0;
    struct domains *d;
    int rc = 0;

    if (entries > DOMAINS_MAX)
        return api->fault(federation, "there are %u domains; %u are the most", entries,
                          DOMAINS_MAX);
    d = domains_new(entries);
    if (d == NULL)
        return XMB_ENOMEM;
    if (federation != NULL)
        rc = read_all(api, federation, d);
    if (rc < 0)
        domains_free(d);
    else
        *out = d;
    return rc;
}

void domains_free(struct domains *d)
{
    uint32_t i;

    if (d == NULL)
        return;
    for (i = 0; i <= d->mask; i++)
        while (d->bucket[i] != NULL) {
            struct domain *one = d->bucket[i];

            d->bucket[i] = one->next;
            free(one);
        }
    free(d->bucket);
    free(d);
}
