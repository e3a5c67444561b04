/* SPDX-License-Identifier: MIT */
/*
 * table.c - what modules have pushed: one set for each (domain, module).
 *
 * Thread: routing, for all of it. Bounded in sets and in routes.
 */
#include "router/router_priv.h"

#include <stdlib.h>

struct entry {
    struct entry *next;
    struct route_set *set;
};

static struct {
    struct entry **bucket;
    uint32_t size; /* power of two, or 0 */
    uint32_t set_count;
    uint32_t route_count;
} table;

static int grow(void)
{
    uint32_t size = table.size > 0 ? table.size * 2 : 64;
    struct entry **bucket = calloc(size, sizeof(*bucket));
    uint32_t i;

    if (bucket == NULL)
        return XMB_ENOMEM;
    for (i = 0; i < table.size; i++)
        while (table.bucket[i] != NULL) {
            struct entry *e = table.bucket[i];
            uint32_t at = name_hash(e->set->domain) & (size - 1);

            table.bucket[i] = e->next;
            e->next = bucket[at];
            bucket[at] = e;
        }
    free(table.bucket);
    table.bucket = bucket;
    table.size = size;
    return 0;
}

static struct entry **find(uint32_t module, struct xmb_str domain)
{
    struct entry **at = &table.bucket[name_hash(domain) & (table.size - 1)];

    while (*at != NULL && ((*at)->set->module != module || !xmb_str_eq((*at)->set->domain, domain)))
        at = &(*at)->next;
    return at;
}

static void remove_at(struct entry **at)
{
    struct entry *e = *at;

    *at = e->next;
    table.set_count--;
    table.route_count -= e->set->count;
    set_release(e->set);
    free(e);
}

static int add(struct route_set *set)
{
    struct entry *e;
    struct entry **at;

    if (table.set_count == ROUTER_SETS_MAX)
        return XMB_ELIMIT;
    if (table.set_count >= table.size && grow() < 0 && table.size == 0)
        return XMB_ENOMEM;
    e = calloc(1, sizeof(*e));
    if (e == NULL)
        return XMB_ENOMEM;
    e->set = set_hold(set);
    at = &table.bucket[name_hash(set->domain) & (table.size - 1)];
    e->next = *at;
    *at = e;
    table.set_count++;
    table.route_count += set->count;
    return 0;
}

int table_update(uint32_t module, const struct name *domain, struct route_set *set)
{
    struct entry **at = NULL;
    uint32_t had = 0;

    if (table.size > 0) {
        at = find(module, (struct xmb_str){domain->text, domain->n});
        had = *at != NULL ? (*at)->set->count : 0;
    }
    if (set != NULL && table.route_count - had + set->count > ROUTER_ROUTES_MAX)
        return XMB_ELIMIT;
    if (at == NULL || *at == NULL)
        return set != NULL ? add(set) : 0;
    if (set == NULL) {
        remove_at(at);
        return 0;
    }
    table.route_count += set->count - had;
    set_release((*at)->set);
    (*at)->set = set_hold(set);
    return 0;
}

void table_clear_module(uint32_t module)
{
    uint32_t i;

    for (i = 0; i < table.size; i++) {
        struct entry **at = &table.bucket[i];

        while (*at != NULL)
            if ((*at)->set->module == module)
                remove_at(at);
            else
                at = &(*at)->next;
    }
}

size_t table_count(void)
{
    return table.set_count;
}

void table_walk(void (*fn)(void *arg, struct route_set *set), void *arg)
{
    const struct entry *e;
    uint32_t i;

    for (i = 0; i < table.size; i++)
        for (e = table.bucket[i]; e != NULL; e = e->next)
            fn(arg, e->set);
}

void table_fini(void)
{
    uint32_t i;

    for (i = 0; i < table.size; i++)
        while (table.bucket[i] != NULL)
            remove_at(&table.bucket[i]);
    free(table.bucket);
    memset(&table, 0, sizeof(table));
}
