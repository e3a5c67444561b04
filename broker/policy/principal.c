/* SPDX-License-Identifier: MIT */
/*
 * principal.c - who somebody is: a name, a key and settings.
 *
 * Made by a policy module, immutable once it is shared, counted atomically
 * because sessions of one user may live on several workers. The last
 * reference wipes the key.
 */
#include "policy/policy_priv.h"

#include <stdatomic.h>
#include <stdlib.h>

#define KEY_MAX 64
#define NAME_MAX_BYTES 4096

struct xmb_principal {
    _Atomic uint32_t refs;
    uint32_t set; /* a bit for each setting that has a value */
    uint64_t settings[XMB_SETTING_MAX];
    size_t key_bytes;
    size_t name_bytes;
    char key[KEY_MAX];
    char name[];
};

struct xmb_principal *principal_new(struct xmb_str name, struct xmb_str key)
{
    struct xmb_principal *p;

    if (key.n > KEY_MAX || name.n > NAME_MAX_BYTES)
        return NULL;
    p = calloc(1, sizeof(*p) + name.n + 1);
    if (p == NULL)
        return NULL;
    atomic_init(&p->refs, 1);
    p->key_bytes = key.n;
    p->name_bytes = name.n;
    if (key.n > 0)
        memcpy(p->key, key.p, key.n);
    if (name.n > 0)
        memcpy(p->name, name.p, name.n);
    return p;
}

void principal_set(struct xmb_principal *p, uint32_t setting, uint64_t value)
{
    if (setting >= XMB_SETTING_MAX)
        return; /* of a plugin that is newer than this broker: nobody here would ask for it */
    p->set |= UINT32_C(1) << setting;
    p->settings[setting] = value;
}

uint64_t principal_get(const struct xmb_principal *p, uint32_t setting, uint64_t absent)
{
    if (setting >= XMB_SETTING_MAX || (p->set & UINT32_C(1) << setting) == 0)
        return absent;
    return p->settings[setting];
}

struct xmb_str principal_name(const struct xmb_principal *p)
{
    return (struct xmb_str){p->name, p->name_bytes};
}

struct xmb_str principal_key(const struct xmb_principal *p)
{
    return (struct xmb_str){p->key, p->key_bytes};
}

struct xmb_principal *principal_hold(struct xmb_principal *p)
{
    atomic_fetch_add_explicit(&p->refs, 1, memory_order_relaxed);
    return p;
}

void principal_release(struct xmb_principal *p)
{
    if (p == NULL || atomic_fetch_sub_explicit(&p->refs, 1, memory_order_acq_rel) != 1)
        return;
    explicit_bzero(p->key, sizeof(p->key));
    free(p);
}
