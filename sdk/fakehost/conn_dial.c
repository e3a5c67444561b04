/* SPDX-License-Identifier: MIT */
/*
 * conn_dial.c - dials that wait until the test lets them through, refuses them, or the plugin
 * gives them up.
 */
#include "conn_priv.h"

static struct fake_dial *dials; /* the oldest first */
static uint64_t last_id;

static void target_copy(struct fake_dial *dial, const struct xmb_target *target)
{
    struct xmb_target *t = &dial->target;
    struct xmb_tls_setup plain = {.size = sizeof(plain)};

    memcpy(t, target, target->size < sizeof(*t) ? target->size : sizeof(*t));
    t->size = sizeof(*t);
    plain.profile = t->tls_profile;
    plain.name = t->tls_name;
    if (t->vrf != NULL)
        t->vrf = dial->vrf = strdup(t->vrf);
    if (t->tls != NULL || t->tls_profile != NULL) {
        fake_setup_copy(&dial->setup, t->tls != NULL ? t->tls : &plain);
        t->tls = &dial->setup;
    }
    t->tls_profile = dial->setup.profile;
    t->tls_name = dial->setup.name;
}

static void dial_free(struct fake_dial *dial)
{
    fake_setup_free(&dial->setup);
    free(dial->vrf);
    free(dial);
}

static int is_target(const struct xmb_target *t)
{
    return (t->address.family == 4 || t->address.family == 6) && t->address.port != 0 &&
           (t->source.family == 0 || t->source.family == t->address.family) &&
           (t->tls == NULL || t->tls->profile != NULL);
}

int fake_dial_add(struct xmb_module *m, const struct xmb_target *target, void *user)
{
    struct fake_dial *dial = fake_alloc(sizeof(*dial));
    struct fake_dial **end = &dials;

    target_copy(dial, target);
    if (!is_target(&dial->target)) {
        dial_free(dial);
        return XMB_EINVAL;
    }
    while (*end != NULL)
        end = &(*end)->next;
    dial->module = m;
    dial->user = user;
    dial->id = ++last_id;
    if (dial->target.dial_id != NULL)
        *dial->target.dial_id = dial->id;
    dial->target.dial_id = NULL; /* the plugin's memory: not looked at again */
    *end = dial;
    return 0;
}

void fake_dial_cancel(uint64_t id)
{
    struct fake_dial **at = &dials;
    struct fake_dial *dial;

    while (*at != NULL && (*at)->id != id)
        at = &(*at)->next;
    dial = *at;
    if (dial == NULL)
        return;
    *at = dial->next;
    dial_free(dial);
}

void fake_dials_free(void)
{
    while (dials != NULL)
        fake_dial_cancel(dials->id);
}

static struct fake_dial *take_dial(const struct xmb_module *m)
{
    struct fake_dial **at = &dials;
    struct fake_dial *dial;

    while (*at != NULL && (*at)->module != m)
        at = &(*at)->next;
    dial = *at;
    if (dial != NULL)
        *at = dial->next;
    return dial;
}

struct xmb_conn *xmb_fakehost_connect(struct xmb_module *m)
{
    struct fake_dial *dial = take_dial(m);
    struct xmb_conn *c;

    if (dial == NULL)
        return NULL;
    c = fake_conn_new(m, &dial->target.address);
    c->listener = UINT32_MAX;
    c->direction = XMB_OUTGOING;
    c->user = dial->user;
    c->local = dial->target.source;
    c->vrf = dial->vrf;
    c->setup = dial->setup;
    c->tls_version = dial->target.tls != NULL ? 0x0304 : 0;
    free(dial);
    return fake_conn_open(c);
}

int xmb_fakehost_refuse(struct xmb_module *m, const char *why)
{
    struct fake_dial *dial = take_dial(m);
    void *user;

    if (dial == NULL)
        return 0;
    user = dial->user;
    dial_free(dial);
    if (XMB_HAS(fake_protocol(m), dial_failed))
        fake_protocol(m)->dial_failed(m->wself, user, why);
    return 1;
}

size_t xmb_fakehost_dials(void)
{
    const struct fake_dial *dial;
    size_t n = 0;

    for (dial = dials; dial != NULL; dial = dial->next)
        n++;
    return n;
}

int xmb_fakehost_dialled(size_t index, struct xmb_target *target)
{
    const struct fake_dial *dial = dials;

    while (dial != NULL && index-- > 0)
        dial = dial->next;
    if (dial == NULL)
        return 0;
    *target = dial->target;
    return 1;
}
