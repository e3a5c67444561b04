/* SPDX-License-Identifier: MIT */
/*
 * principal.c - principals of the fake host: counted in all, so that one that is
 * never released is found.
 */
#include "fake_priv.h"

struct xmb_principal {
    _Atomic uint32_t refs;
    uint32_t set;
    uint64_t settings[XMB_SETTING_MAX];
    struct xmb_str name;
    struct xmb_str key;
    char octets[];
};

struct xmb_principal *fake_principal_new(struct xmb_str name, struct xmb_str key)
{
    struct xmb_principal *p;

    if (key.n > 64)
        return NULL;
    p = fake_alloc(sizeof(*p) + name.n + key.n);
    atomic_init(&p->refs, 1);
    if (name.n > 0)
        memcpy(p->octets, name.p, name.n);
    if (key.n > 0)
        memcpy(p->octets + name.n, key.p, key.n);
    p->name = (struct xmb_str){p->octets, name.n};
    p->key = (struct xmb_str){p->octets + name.n, key.n};
    atomic_fetch_add(&fake.principals, 1);
    return p;
}

void fake_principal_set(struct xmb_principal *p, uint32_t setting, uint64_t value)
{
    if (setting >= XMB_SETTING_MAX)
        fake_fail("there is no setting %u", setting);
    if (atomic_load(&p->refs) != 1)
        fake_fail("a principal is changed after it was shared");
    p->set |= UINT32_C(1) << setting;
    p->settings[setting] = value;
}

uint64_t fake_principal_get(const struct xmb_principal *p, uint32_t setting, uint64_t absent)
{
    return setting < XMB_SETTING_MAX && (p->set & UINT32_C(1) << setting) ? p->settings[setting]
                                                                         : absent;
}

struct xmb_str fake_principal_name(const struct xmb_principal *p)
{
    return p->name;
}

struct xmb_str fake_principal_key(const struct xmb_principal *p)
{
    return p->key;
}

struct xmb_principal *fake_principal_hold(struct xmb_principal *p)
{
    atomic_fetch_add(&p->refs, 1);
    return p;
}

void fake_principal_release(struct xmb_principal *p)
{
    if (p == NULL || atomic_fetch_sub(&p->refs, 1) != 1)
        return;
    atomic_fetch_sub(&fake.principals, 1);
    free(p);
}

size_t xmb_fakehost_principals(void)
{
    return atomic_load(&fake.principals);
}
