/* SPDX-License-Identifier: MIT */
/*
 * service_rig.h - workers and a routing loop with nothing but the service registry on them.
 *
 * The test's own thread directs: it runs functions on a worker or on the routing
 * loop and waits for each to return. What crosses between the loops goes on
 * behind its back; rig_settle waits until nothing does any more.
 */
#ifndef SERVICE_RIG_H
#define SERVICE_RIG_H

#include "service/service_priv.h"

#include <stdio.h>
#include <stdlib.h>

#define RIG_WORKERS 4

/* For threads that are not the test's own, where cmocka's assertions cannot jump. */
#define RIG_CHECK(condition)                                                                       \
    do {                                                                                           \
        if (!(condition)) {                                                                        \
            fprintf(stderr, "%s:%d: not so: %s\n", __FILE__, __LINE__, #condition);                \
            abort();                                                                               \
        }                                                                                          \
    } while (0)

void rig_start(uint32_t maximum);
void rig_stop(void);
struct xmb_worker *rig_worker(uint32_t i);
/* Runs `fn(arg)` there and waits. */
void rig_on(uint32_t worker, void (*fn)(void *arg), void *arg);
void rig_on_routing(void (*fn)(void *arg), void *arg);
/* Until all requests are answered and all changes applied; ends the process after a minute. */
void rig_settle(void);
/* Polls `fn(arg)`, on the test's thread, until it is not 0; the same deadline. */
void rig_until(int (*fn)(void *arg), void *arg);

/* An identity with these two numbers; the rest is fixed. */
struct xmb_service_id rig_id(uint16_t service, uint32_t instance);
extern const struct xmb_service_id rig_any;

/* A publisher that keeps its answers. */
struct rig_owner {
    uint32_t worker;
    struct xmb_owner *owner;
    uint32_t requests;
    uint32_t answers;
    uint32_t taken; /* services taken over */
    int closed;
    uint64_t last_tag;
    struct xmb_publish_result last;
    void (*on_done)(struct rig_owner *o, uint64_t tag, const struct xmb_publish_result *r);
    void *test;
};

void rig_open(struct rig_owner *o, uint32_t worker, const char *name, uint32_t flags);
void rig_close(struct rig_owner *o, uint32_t reason);
/* Publishes in `domain` and waits for the answer's status. */
int rig_publish(struct rig_owner *o, uint32_t domain, struct xmb_service_id id, uint32_t sequence,
                uint32_t flags, const char *data);
/* Only sends; what publish returned. */
int rig_send(struct rig_owner *o, uint32_t domain, struct xmb_service_id id, uint32_t sequence,
             uint32_t flags, const char *data);
int rig_unpublish(struct rig_owner *o, uint32_t domain, struct xmb_service_id id);

/* A subscriber that takes everything when called (eager) or only when asked to. */
struct rig_sub {
    uint32_t worker;
    int eager;
    struct xmb_sub *sub;
    uint32_t rings;
    int waiting; /* `next` returned 0, or was never called, and `ready` has not come since */
    uint32_t notifies;
    uint32_t withdraws;
    uint32_t last_sequence;
    uint32_t last_reason;
    uint32_t last_flags;
    void (*on_event)(struct rig_sub *s, const struct xmb_event *event);
    void *test;
};

int rig_subscribe(struct rig_sub *s, uint32_t worker, uint32_t domain,
                  struct xmb_service_id pattern, uint32_t view, int eager);
void rig_unsubscribe(struct rig_sub *s);
/* Takes up to `most` events on its worker; how many there were. */
uint32_t rig_take(struct rig_sub *s, uint32_t most);

#endif
