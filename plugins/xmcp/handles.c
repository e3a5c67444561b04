/* SPDX-License-Identifier: MIT */
/*
 * handles.c - the 32-bit numbers of sessions, and the way from a number to its session.
 *
 * A handle is random, nonzero and unique among all live sessions. Workers do not ask each other:
 * the top octet is the worker's number plus a secret of the process, so two workers never meet, and
 * within one worker the table of live sessions tells. Random so that a client that comes back
 * with the handle of a former life does not hit somebody else's by counting.
 */
#include <stdlib.h>

#include "entropy.h"
#include "session.h"

#define RANDOM_BITS 24
#define TRIES 64

static struct session **bucket(const struct handles *t, uint32_t handle)
{
    return &t->buckets[(handle * UINT32_C(2654435761)) >> 8 & (t->bucket_count - 1)];
}

static int grow(struct handles *t)
{
    struct handles bigger = {.used = t->used};
    struct session *s;
    uint32_t i;

    bigger.bucket_count = t->bucket_count > 0 ? 2 * t->bucket_count : XS_HANDLE_BUCKETS_MIN;
    bigger.buckets = calloc(bigger.bucket_count, sizeof(struct session *));
    if (bigger.buckets == NULL)
        return XMB_ENOMEM;
    for (i = 0; i < t->bucket_count; i++) {
        while ((s = t->buckets[i]) != NULL) {
            t->buckets[i] = s->next_by_handle;
            s->next_by_handle = *bucket(&bigger, s->handle);
            *bucket(&bigger, s->handle) = s;
        }
    }
    free(t->buckets);
    *t = bigger;
    return 0;
}

struct session *xs_handle_find(const struct worker *w, uint32_t handle)
{
    struct session *s;

    if (w->handles.bucket_count == 0)
        return NULL;
    for (s = *bucket(&w->handles, handle); s != NULL; s = s->next_by_handle) {
        if (s->handle == handle)
            return s;
    }
    return NULL;
}

static int draw(const struct worker *w, uint32_t *handle)
{
    uint32_t top = xs_host->worker->index(w->w) + w->server->handle_secret;
    uint32_t random;
    int i;

    for (i = 0; i < TRIES; i++) {
        if (xs_entropy(&random, sizeof(random)) < 0)
            return XMB_EIO;
        *handle = top << RANDOM_BITS | (random & ((1u << RANDOM_BITS) - 1));
        if (*handle != 0 && xs_handle_find(w, *handle) == NULL)
            return 0;
    }
    return XMB_EIO;
}

int xs_handle_new(struct session *s)
{
    struct handles *t = &s->worker->handles;
    int rc = 0;

    if (t->used >= t->bucket_count)
        rc = grow(t);
    if (rc == 0)
        rc = draw(s->worker, &s->handle);
    if (rc != 0)
        return rc;
    s->next_by_handle = *bucket(t, s->handle);
    *bucket(t, s->handle) = s;
    t->used++;
    return 0;
}

/* The number stays in s->handle: the last messages still carry it. */
void xs_handle_drop(struct session *s)
{
    struct session **at = bucket(&s->worker->handles, s->handle);

    while (*at != s)
        at = &(*at)->next_by_handle;
    *at = s->next_by_handle;
    s->worker->handles.used--;
}
