/* SPDX-License-Identifier: MIT */
/*
 * list.h - a circular list whose nodes are members of what they link.
 *
 * A node that is in no list points at itself, so removing twice is harmless
 * and "is it in a list" is a question with an answer. No memory, no locks.
 */
#ifndef BROKER_SERVICE_LIST_H
#define BROKER_SERVICE_LIST_H

#include <stddef.h>

struct list {
    struct list *next;
    struct list *prev;
};

/* The structure of type `type` whose member `member` is at `ptr`. */
#define LIST_OF(ptr, type, member) ((type *)(void *)((char *)(ptr)-offsetof(type, member)))

static inline void list_init(struct list *l)
{
    l->next = l;
    l->prev = l;
}

/* Also: "this node is in no list". */
static inline int list_empty(const struct list *l)
{
    return l->next == l;
}

static inline void list_append(struct list *head, struct list *node)
{
    node->prev = head->prev;
    node->next = head;
    head->prev->next = node;
    head->prev = node;
}

static inline void list_remove(struct list *node)
{
    node->prev->next = node->next;
    node->next->prev = node->prev;
    list_init(node);
}

/* Moves all of `from` to the end of `to`. */
static inline void list_splice(struct list *to, struct list *from)
{
    if (list_empty(from))
        return;
    from->next->prev = to->prev;
    to->prev->next = from->next;
    from->prev->next = to;
    to->prev = from->prev;
    list_init(from);
}

#endif
