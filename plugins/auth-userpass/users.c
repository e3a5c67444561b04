/* SPDX-License-Identifier: MIT */
/*
 * users.c - the table of users of one configuration.
 *
 * Filled while the configuration is prepared, then indexed once and only read.
 */
#include "auth.h"

#include <stdlib.h>
#include <string.h>

struct users *users_new(void)
{
    return calloc(1, sizeof(struct users));
}

int users_add(struct users *users, struct user *u)
{
    if (users->count == users->capacity) {
        uint32_t capacity = users->capacity > 0 ? users->capacity * 2 : 16;
        struct user **list = realloc(users->list, capacity * sizeof(*list));

        if (list == NULL)
            return XMB_ENOMEM;
        users->list = list;
        users->capacity = capacity;
    }
    u->index = users->count;
    users->list[users->count++] = u;
    if (u->name_bytes == 0)
        users->anonymous = u;
    return 0;
}

/* FNV-1a. Names come from the operator, so nobody chooses them to collide. */
static uint32_t hash(const char *p, size_t n)
{
    uint32_t h = UINT32_C(2166136261);

    while (n-- > 0)
        h = (h ^ (uint8_t)*p++) * UINT32_C(16777619);
    return h;
}

int users_index(struct users *users)
{
    uint32_t size = 16;
    uint32_t i;

    while (size < users->count * 2)
        size *= 2;
    users->bucket = calloc(size, sizeof(*users->bucket));
    if (users->bucket == NULL)
        return XMB_ENOMEM;
    users->bucket_mask = size - 1;
    for (i = 0; i < users->count; i++) {
        struct user *u = users->list[i];
        struct user **at = &users->bucket[hash(u->name, u->name_bytes) & users->bucket_mask];

        u->next_hash = *at;
        *at = u;
    }
    return 0;
}

static int is_named(const struct user *u, struct xmb_str name)
{
    return u->name_bytes == name.n && memcmp(u->name, name.p, name.n) == 0;
}

const struct user *users_find(const struct users *users, struct xmb_str name)
{
    const struct user *u;

    if (name.n == 0 || name.n > AUTH_NAME_MAX)
        return NULL;
    u = users->bucket[hash(name.p, name.n) & users->bucket_mask];
    while (u != NULL && !is_named(u, name))
        u = u->next_hash;
    return u;
}

void user_free(struct user *u)
{
    if (u == NULL)
        return;
    explicit_bzero(u, sizeof(*u));
    free(u);
}

void users_free(struct users *users)
{
    uint32_t i;

    if (users == NULL)
        return;
    for (i = 0; i < users->count; i++)
        user_free(users->list[i]);
    free(users->list);
    free(users->bucket);
    free(users);
}
