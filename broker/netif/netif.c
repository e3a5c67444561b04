/* SPDX-License-Identifier: MIT */
/*
 * netif.c - watches: modules are told which interfaces there are, and what changes.
 *
 * After a ring the kernel is asked for a new picture, which is laid beside the last one. What
 * went is told before what came, and a new name counts as both, so that whoever thinks in names,
 * as a configuration does, never has two interfaces of one name, not even when two swap theirs.
 *
 * A watch may end in a call, and begin in one: it is taken out when nobody is telling any more,
 * and one that begins is told of the new picture at once and of none of its changes.
 */
#include "netif/netif_priv.h"

#include "log/log.h"

#include <stdlib.h>
#include <string.h>

struct xmb_netif_watch {
    struct xmb_netif_watch *next;
    struct xmb_module *module;
    void (*changed)(void *arg, const struct xmb_netif *now);
    void (*gone)(void *arg, uint32_t index, const char *name);
    void *arg;
    int is_new;   /* began while changes were told */
    int is_ended;
};

static struct { /* thread: routing */
    struct xmb_netif_watch *watches;
    struct picture picture; /* of the last look; only fresh while somebody watches */
    unsigned telling;       /* calls that we are in */
} state;

/* --- telling --------------------------------------------------------------------------------- */

static void tell_changed(const struct xmb_netif_watch *w, const struct iface *i)
{
    struct module_mark mark = module_enter(w->module);

    w->changed(w->arg, &i->now);
    module_leave(mark);
}

static void tell_gone(const struct xmb_netif_watch *w, const struct iface *i)
{
    struct module_mark mark = module_enter(w->module);

    w->gone(w->arg, i->now.index, i->now.name);
    module_leave(mark);
}

static void tell_all(const struct iface *i,
                     void (*tell)(const struct xmb_netif_watch *w, const struct iface *i))
{
    struct xmb_netif_watch *w;

    for (w = state.watches; w != NULL; w = w->next)
        if (!w->is_new && !w->is_ended)
            tell(w, i);
}

/* Nobody walks along the watches any more. */
static void sweep(void)
{
    struct xmb_netif_watch **at = &state.watches, *w;

    while ((w = *at) != NULL) {
        w->is_new = 0;
        if (w->is_ended) {
            *at = w->next;
            free(w);
        } else {
            at = &w->next;
        }
    }
}

static void told(void)
{
    if (--state.telling == 0)
        sweep();
}

/* The interface of that number and name in the other picture, or NULL. */
static const struct iface *same_in(const struct picture *p, const struct iface *i)
{
    const struct iface *other = picture_find(p, i->now.index);

    return other != NULL && strcmp(other->now.name, i->now.name) == 0 ? other : NULL;
}

static void tell_difference(const struct picture *was, const struct picture *now)
{
    const struct iface *other;
    size_t i;

    for (i = 0; i < was->count; i++)
        if (same_in(now, &was->list[i]) == NULL)
            tell_all(&was->list[i], tell_gone);
    for (i = 0; i < now->count; i++) {
        other = same_in(was, &now->list[i]);
        if (other == NULL || !iface_same(other, &now->list[i]))
            tell_all(&now->list[i], tell_changed);
    }
}

/* --- looking --------------------------------------------------------------------------------- */

static int look(struct picture *out, const struct picture *was)
{
    uint64_t began_ns = uv_hrtime();
    int rc = kernel_look(out, was);

    bell_looked((uv_hrtime() - began_ns) / 1000000);
    return rc;
}

static void on_rung(void)
{
    struct picture was = state.picture, now = {0};
    int rc;

    if (state.watches == NULL)
        return;
    rc = look(&now, &was);
    if (rc != 0) { /* nobody is to be told that an interface went which was only overlooked */
        picture_free(&now);
        bell_ring(rc < 0 ? NETIF_AGAIN_MS : NETIF_UNSTEADY_MS);
        return;
    }
    state.picture = now;
    state.telling++;
    tell_difference(&was, &now);
    told();
    picture_free(&was);
}

/* --- the table of functions ------------------------------------------------------------------ */

static struct xmb_netif_watch *add(struct xmb_module *module,
                                   void (*changed)(void *arg, const struct xmb_netif *now),
                                   void (*gone)(void *arg, uint32_t index, const char *name),
                                   void *arg)
{
    struct xmb_netif_watch *w = calloc(1, sizeof(*w));

    if (w == NULL)
        return NULL;
    *w = (struct xmb_netif_watch){state.watches, module, changed, gone, arg, 1, 0};
    state.watches = w;
    return w;
}

static int watch(struct xmb_module *module, void (*changed)(void *arg, const struct xmb_netif *now),
                 void (*gone)(void *arg, uint32_t index, const char *name), void *arg,
                 struct xmb_netif_watch **out)
{
    const struct picture none = {0};
    struct xmb_netif_watch *w;
    size_t i;
    int rc = 0;

    LOOP_ASSERT(loop_routing());
    rc = bell_start(on_rung); /* before the look: nothing falls in between */
    if (rc == 0 && state.watches == NULL) {
        picture_free(&state.picture);
        rc = look(&state.picture, &none);
    }
    if (rc < 0)
        return rc;
    w = add(module, changed, gone, arg);
    if (w == NULL)
        return XMB_ENOMEM;
    *out = w;
    state.telling++;
    for (i = 0; i < state.picture.count && !w->is_ended; i++)
        tell_changed(w, &state.picture.list[i]);
    told();
    return 0;
}

static void unwatch(struct xmb_netif_watch *w)
{
    if (w == NULL)
        return;
    LOOP_ASSERT(loop_routing());
    w->is_ended = 1;
    if (state.telling == 0)
        sweep();
}

static int find(const char *name, struct xmb_netif *out)
{
    uint32_t size = out->size < sizeof(*out) ? out->size : (uint32_t)sizeof(*out);
    struct picture p = {0};
    struct iface *i;
    int rc = kernel_look(&p, NULL);

    if (rc < 0)
        return rc;
    i = picture_find_name(&p, name);
    if (i != NULL) {
        i->now.speed_kbps = kernel_speed_kbps(i->now.name);
        memcpy(out, &i->now, size);
        out->size = size;
    }
    picture_free(&p);
    return i != NULL ? 0 : XMB_ENOENT;
}

const struct xmb_netif_api netif_api = {
    .size = sizeof(struct xmb_netif_api),
    .rev = 1,
    .watch = watch,
    .unwatch = unwatch,
    .find = find,
};

/* --- for the core ---------------------------------------------------------------------------- */

int netif_is_vrf(const char *name)
{
    struct picture p = {0};
    const struct iface *i;
    int rc = kernel_look(&p, NULL);

    if (rc < 0)
        return rc;
    i = picture_find_name(&p, name);
    rc = i != NULL && i->is_vrf;
    picture_free(&p);
    return rc;
}

void netif_module_end(const struct xmb_module *m)
{
    struct xmb_netif_watch *w;

    for (w = state.watches; w != NULL; w = w->next)
        if (w->module == m)
            w->is_ended = 1;
    if (state.telling == 0)
        sweep();
}

void netif_routing_end(void)
{
    struct xmb_netif_watch *w;

    for (w = state.watches; w != NULL; w = w->next)
        w->is_ended = 1;
    sweep();
    picture_free(&state.picture);
    bell_end();
}
