/* SPDX-License-Identifier: MIT */
/*
 * announce.c - brings the registry to what the plan wants, one request for each item at a time.
 *
 * Items with something to tell wait in a queue. A registry that has no room for a request now
 * (XMB_EAGAIN) is asked again a little later; one that refused an item (another client holds it,
 * the registry is full) much later, since the reason may go without a word to us.
 *
 * Sequences count from 1 in the life of an item: what goes over the wire has numbers of its own,
 * which are later after a restart (dual_seq.c).
 */
#include "announce_priv.h"

#include <stdlib.h>
#include <unistd.h>

#define RETRY_MS 100
#define REFUSED_MS 30000
#define OWNER_NAME "saf-eigrp"

struct se_announcer {
    const struct xmb_host *host;
    struct xmb_module *module;
    struct xmb_owner *owner;
    struct xmb_timer *retry;   /* for the queue */
    struct xmb_timer *refused; /* for items that were refused */
    struct se_plan plan;       /* with those that are on their way out */
    struct se_item *due, **due_end;
    char host_name[256];
};

/* --- the queue -------------------------------------------------------------------------------- */

static void make_due(struct se_announcer *a, struct se_item *it)
{
    if (it->is_due || it->is_waiting)
        return;
    it->is_due = 1;
    it->next_due = NULL;
    *a->due_end = it;
    a->due_end = &it->next_due;
}

static void pop_due(struct se_announcer *a)
{
    struct se_item *it = a->due;

    a->due = it->next_due;
    if (a->due == NULL)
        a->due_end = &a->due;
    it->is_due = 0;
}

/* It is not wanted and the registry does not have it; nothing else points to it. */
static void drop(struct se_announcer *a, struct se_item *it)
{
    size_t from = 0, to = a->plan.count;

    while (from < to) {
        size_t mid = from + (to - from) / 2;

        if (se_item_compare(a->plan.items[mid], it) < 0)
            from = mid + 1;
        else
            to = mid;
    }
    a->plan.count--;
    memmove(&a->plan.items[from], &a->plan.items[from + 1],
            (a->plan.count - from) * sizeof(struct se_item *));
    free(it);
}

/* --- requests --------------------------------------------------------------------------------- */

static int publish(struct se_announcer *a, struct se_item *it)
{
    struct xmb_publish p = {
        .size = sizeof(p),
        .domain = it->as_number,
        .id = it->id,
        .sequence = it->sequence + 1,
        .ip_protocol = 6,
        .addr = it->addr,
        .data = {it->data, it->data_bytes},
    };
    int rc = a->host->service->publish(a->owner, &p, (uint64_t)(uintptr_t)it);

    if (rc < 0)
        return rc;
    it->sequence++;
    it->is_stale = 0;
    it->is_leaving = 0;
    it->is_waiting = 1;
    return 0;
}

static int unpublish(struct se_announcer *a, struct se_item *it)
{
    int rc = a->host->service->unpublish(a->owner, it->as_number, &it->id,
                                         (uint64_t)(uintptr_t)it);

    if (rc < 0)
        return rc;
    it->is_leaving = 1;
    it->is_waiting = 1;
    return 0;
}

static int needs_request(const struct se_item *it)
{
    return it->is_wanted ? it->is_stale || !it->is_held : it->is_held;
}

static void refuse(struct se_announcer *a, struct se_item *it, const char *why, int status)
{
    if (!it->is_refused)
        a->host->log->write(a->module, XMB_LOG_WARN, it->name,
                            "its announcement is not in the registry: %s (error %d); tried again "
                            "every %d s", why, status, REFUSED_MS / 1000);
    it->is_refused = 1;
    a->host->timer->start(a->refused, REFUSED_MS);
}

/* Sends what is due, as far as the registry takes it. */
static void flush(struct se_announcer *a)
{
    struct se_item *it;
    int rc;

    while ((it = a->due) != NULL) {
        rc = !needs_request(it) ? 0 : it->is_wanted ? publish(a, it) : unpublish(a, it);
        if (rc == XMB_EAGAIN || rc == XMB_ENOMEM) {
            a->host->timer->start(a->retry, RETRY_MS);
            return;
        }
        pop_due(a);
        if (rc < 0)
            refuse(a, it, "the request was not accepted", rc);
        else if (!it->is_wanted && !it->is_held && !it->is_waiting)
            drop(a, it);
    }
}

static void retry(struct xmb_worker *w, void *arg)
{
    (void)w;
    flush(arg);
}

static void try_refused(struct xmb_worker *w, void *arg)
{
    struct se_announcer *a = arg;
    size_t i;

    (void)w;
    for (i = 0; i < a->plan.count; i++)
        if (a->plan.items[i]->is_refused)
            make_due(a, a->plan.items[i]);
    flush(a);
}

/* --- answers ---------------------------------------------------------------------------------- */

static const char *text_of(int status)
{
    switch (status) {
    case XMB_EEXIST:
        return "another client has published the same service";
    case XMB_ELIMIT:
        return "the registry is full";
    case XMB_ENOMEM:
        return "out of memory";
    default:
        return "the registry refused it";
    }
}

static void published(struct se_announcer *a, struct se_item *it,
                      const struct xmb_publish_result *result)
{
    if (result->status == 0) {
        it->is_held = 1;
        it->is_refused = 0;
    } else if (result->status == XMB_ESTALE && result->sequence < UINT32_MAX - 1) {
        it->sequence = result->sequence; /* somebody of our name had it: go on from there */
        it->is_stale = 1;
        it->is_refused = 0;
    } else {
        it->is_stale = 1;
        refuse(a, it, text_of(result->status), result->status);
    }
}

static void done(void *arg, uint64_t tag, const struct xmb_publish_result *result)
{
    struct se_announcer *a = arg;
    struct se_item *it = (struct se_item *)(uintptr_t)tag;

    it->is_waiting = 0;
    if (it->is_leaving)
        it->is_held = 0; /* or, XMB_ENOENT, was not */
    else
        published(a, it, result);
    if (!it->is_wanted || (needs_request(it) && !it->is_refused))
        make_due(a, it);
    flush(a);
}

static void taken_over(void *arg, uint32_t domain, const struct xmb_service_id *id)
{
    struct se_announcer *a = arg;
    size_t i;

    for (i = 0; i < a->plan.count; i++) {
        struct se_item *it = a->plan.items[i];

        if (it->as_number != domain || memcmp(&it->id, id, sizeof(*id)) != 0)
            continue;
        it->is_held = 0;
        it->is_stale = 1;
        refuse(a, it, "a client of the name " OWNER_NAME " took it over", XMB_EEXIST);
    }
}

static const struct xmb_owner_ops owner_ops = {
    .size = sizeof(owner_ops),
    .done = done,
    .taken_over = taken_over,
};

/* --- configuration ---------------------------------------------------------------------------- */

/* `fresh` is the item as it is wanted now; it is used up. */
static void change(struct se_item *it, struct se_item *fresh)
{
    if (!se_item_same(it, fresh)) {
        it->addr = fresh->addr;
        it->data_bytes = fresh->data_bytes;
        memcpy(it->data, fresh->data, sizeof(it->data));
        it->is_stale = 1;
    }
    it->is_wanted = 1;
    free(fresh);
}

/* Both are sorted: what is in one or both goes to `out`, sorted. */
static void merge(const struct se_plan *now, const struct se_plan *next, struct se_plan *out)
{
    size_t i = 0, k = 0;

    while (i < now->count || k < next->count) {
        int c = i == now->count ? 1 : k == next->count ? -1 :
                se_item_compare(now->items[i], next->items[k]);
        struct se_item *it = c <= 0 ? now->items[i++] : next->items[k++];

        if (c < 0)
            it->is_wanted = 0;
        else if (c == 0)
            change(it, next->items[k++]);
        out->items[out->count++] = it;
    }
}

void se_announcer_configure(struct se_announcer *a, const struct se_conf *conf)
{
    struct se_plan next = {NULL, 0}, all = {NULL, 0};
    size_t i;

    if (se_plan_make(a->host, a->module, conf, xmb_str(a->host_name), &next) == 0)
        all.items = calloc(a->plan.count + next.count + 1, sizeof(struct se_item *));
    if (all.items == NULL) {
        se_plan_free(&next);
        a->host->log->write(a->module, XMB_LOG_ERROR, NULL,
                            "out of memory; the announced XMPP domains stay as they were until "
                            "the next change of the configuration");
        return;
    }
    merge(&a->plan, &next, &all);
    free(next.items);
    free(a->plan.items);
    a->plan = all;
    for (i = 0; i < all.count; i++)
        if (needs_request(all.items[i]) || !all.items[i]->is_wanted)
            make_due(a, all.items[i]);
    flush(a);
}

/* --- life ------------------------------------------------------------------------------------- */

int se_announcer_new(const struct xmb_host *host, struct xmb_module *module,
                     struct xmb_worker *worker, struct se_announcer **out)
{
    struct se_announcer *a = calloc(1, sizeof(*a));
    int rc = XMB_ENOMEM;

    if (a == NULL)
        return XMB_ENOMEM;
    a->host = host;
    a->module = module;
    a->due_end = &a->due;
    if (gethostname(a->host_name, sizeof(a->host_name) - 1) != 0)
        a->host_name[0] = '\0'; /* the router id alone tells us apart */
    a->retry = host->timer->create(worker, module, retry, a);
    a->refused = host->timer->create(worker, module, try_refused, a);
    if (a->retry != NULL && a->refused != NULL)
        rc = host->service->owner_open(worker, module, XMB_STR(OWNER_NAME), 0, &owner_ops, a,
                                       &a->owner);
    if (rc < 0)
        se_announcer_free(a);
    else
        *out = a;
    return rc;
}

void se_announcer_free(struct se_announcer *a)
{
    if (a == NULL)
        return;
    a->host->service->owner_close(a->owner, XMB_GONE_SOURCE);
    a->host->timer->destroy(a->retry);
    a->host->timer->destroy(a->refused);
    se_plan_free(&a->plan);
    free(a);
}
