/* SPDX-License-Identifier: MIT */
/*
 * netif.c - network interfaces: those that the test says there are.
 *
 * Each telling hands out a copy that is freed when the call returns, so that a sanitizer sees who
 * looks at it later.
 */
#include "fake_priv.h"

struct interface {
    struct interface *next;
    struct xmb_netif now;
    struct xmb_netif_addr *addrs;
};

struct xmb_netif_watch {
    struct xmb_netif_watch *next;
    struct xmb_module *module;
    void (*changed)(void *arg, const struct xmb_netif *now);
    void (*gone)(void *arg, uint32_t index, const char *name);
    void *arg;
    int is_ended; /* freed when nobody tells any more */
};

static struct interface *interfaces; /* in the order of their coming */
static struct xmb_netif_watch *watches;
static unsigned telling;

static struct interface *by_name(const char *name)
{
    struct interface *i = interfaces;

    while (i != NULL && strcmp(i->now.name, name) != 0)
        i = i->next;
    return i;
}

const struct xmb_netif *fake_netif(uint32_t index)
{
    struct interface *i = interfaces;

    while (i != NULL && i->now.index != index)
        i = i->next;
    return i != NULL ? &i->now : NULL;
}

int fake_netif_any(void)
{
    return interfaces != NULL;
}

/* --- telling --------------------------------------------------------------------------------- */

static void sweep(void)
{
    struct xmb_netif_watch **at = &watches, *w;

    while (telling == 0 && (w = *at) != NULL) {
        if (w->is_ended) {
            *at = w->next;
            free(w);
        } else {
            at = &w->next;
        }
    }
}

static void tell_changed(struct xmb_netif_watch *w, const struct xmb_netif *now)
{
    struct xmb_netif *copy = fake_alloc(sizeof(*copy) + now->addr_count * sizeof(now->addrs[0]));

    *copy = *now;
    copy->addrs = (struct xmb_netif_addr *)(void *)(copy + 1);
    if (now->addr_count > 0)
        memcpy(copy + 1, now->addrs, now->addr_count * sizeof(now->addrs[0]));
    telling++;
    w->changed(w->arg, copy);
    telling--;
    free(copy);
}

static void tell_all_changed(const struct xmb_netif *now)
{
    struct xmb_netif_watch *w;

    telling++;
    for (w = watches; w != NULL; w = w->next)
        if (!w->is_ended)
            tell_changed(w, now);
    telling--;
    sweep();
}

static void interface_free(struct interface *i)
{
    free(i->addrs);
    free(i);
}

/* Takes it out of the list, and says so. */
static void drop(struct interface *i)
{
    struct interface **at = &interfaces;
    struct xmb_netif_watch *w;

    while (*at != i)
        at = &(*at)->next;
    *at = i->next;
    telling++;
    for (w = watches; w != NULL; w = w->next)
        if (!w->is_ended)
            w->gone(w->arg, i->now.index, i->now.name);
    telling--;
    interface_free(i);
    sweep();
}

/* --- the test's side ------------------------------------------------------------------------- */

static struct interface *copy_of(const struct xmb_netif *now)
{
    struct interface *i = fake_alloc(sizeof(*i));
    uint32_t n;

    i->now = *now;
    i->now.size = sizeof(i->now);
    i->now.addr_bytes = sizeof(i->addrs[0]);
    i->addrs = fake_alloc((now->addr_count + 1) * sizeof(i->addrs[0]));
    for (n = 0; n < now->addr_count; n++)
        i->addrs[n] = *xmb_netif_addr_at(now, n);
    i->now.addrs = i->addrs;
    return i;
}

static int same(const struct xmb_netif *a, const struct xmb_netif *b)
{
    return a->flags == b->flags && a->mtu_bytes == b->mtu_bytes &&
           a->speed_kbps == b->speed_kbps && strcmp(a->vrf, b->vrf) == 0 &&
           a->addr_count == b->addr_count &&
           memcmp(a->addrs, b->addrs, a->addr_count * sizeof(a->addrs[0])) == 0;
}

static void put_in(struct interface *i)
{
    struct interface **at = &interfaces;

    while (*at != NULL)
        at = &(*at)->next;
    *at = i;
}

/* The old one of that name and number is replaced where it stands. */
static void replace(struct interface *old, struct interface *i)
{
    struct interface **at = &interfaces;

    while (*at != old)
        at = &(*at)->next;
    i->next = old->next;
    *at = i;
    interface_free(old);
}

void xmb_fakehost_netif(const struct xmb_netif *now)
{
    struct interface *i = copy_of(now), *old = by_name(i->now.name);
    const struct xmb_netif *renamed = fake_netif(now->index);

    if (now->index == 0 || i->now.name[0] == '\0' ||
        memchr(i->now.name, '\0', sizeof(i->now.name)) == NULL)
        fake_fail("an interface needs a number and a name of at most 15 octets");
    if (renamed != NULL && strcmp(renamed->name, i->now.name) != 0)
        drop(by_name(renamed->name));
    if (old != NULL && old->now.index != i->now.index) {
        fake_rawip_left(old->now.index);
        drop(old);
        old = NULL;
    }
    if (old != NULL && same(&old->now, &i->now)) {
        interface_free(i);
        return;
    }
    if (old != NULL)
        replace(old, i);
    else
        put_in(i);
    tell_all_changed(&i->now);
}

void xmb_fakehost_netif_gone(const char *name)
{
    struct interface *i = by_name(name);

    if (i == NULL)
        fake_fail("there is no interface %s that could go", name);
    fake_rawip_left(i->now.index);
    drop(i);
}

/* --- the plugin's side ----------------------------------------------------------------------- */

static int watch(struct xmb_module *module, void (*changed)(void *arg, const struct xmb_netif *now),
                 void (*gone)(void *arg, uint32_t index, const char *name), void *arg,
                 struct xmb_netif_watch **out)
{
    struct xmb_netif_watch *w = fake_alloc(sizeof(*w));
    struct interface *i;

    *w = (struct xmb_netif_watch){watches, module, changed, gone, arg, 0};
    *out = w;
    telling++;
    for (i = interfaces; i != NULL && !w->is_ended; i = i->next)
        tell_changed(w, &i->now);
    telling--;
    watches = w; /* told of what was there, so not of the change that we may be in */
    sweep();
    return 0;
}

static void unwatch(struct xmb_netif_watch *w)
{
    if (w == NULL)
        return;
    if (w->is_ended)
        fake_fail("a plugin ends a watch twice");
    w->is_ended = 1;
    sweep();
}

static int find(const char *name, struct xmb_netif *out)
{
    uint32_t size = out->size < sizeof(*out) ? out->size : (uint32_t)sizeof(*out);
    const struct interface *i = by_name(name);
    struct xmb_netif found;

    if (size < sizeof(out->size))
        fake_fail("a plugin did not set the size of what netif->find fills");
    if (i == NULL)
        return XMB_ENOENT;
    found = i->now;
    found.addrs = NULL;
    found.addr_count = 0;
    memcpy(out, &found, size);
    out->size = size;
    return 0;
}

/* --- the end --------------------------------------------------------------------------------- */

void fake_netif_end(const struct xmb_module *m)
{
    struct xmb_netif_watch *w;

    for (w = watches; w != NULL; w = w->next)
        if (w->module == m)
            w->is_ended = 1;
    sweep();
}

void fake_netif_free(void)
{
    struct interface *i;

    while ((i = interfaces) != NULL) {
        interfaces = i->next;
        interface_free(i);
    }
}

const struct xmb_netif_api fake_netif_api = {
    .size = sizeof(fake_netif_api),
    .rev = 1,
    .watch = watch,
    .unwatch = unwatch,
    .find = find,
};
