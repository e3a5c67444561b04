/* SPDX-License-Identifier: MIT */
/*
 * listener.c - the set of listening addresses: what runs, what a new configuration
 * wants, and the step from one to the other.
 *
 * prepare binds what is new beside what runs; an address that stays (same
 * module, address, port and vrf) keeps its sockets and gets the new <listen>
 * for what it accepts from then on. commit hands sockets to the workers and
 * cannot fail; nothing is accepted before listeners_open.
 * All of this is the control thread's; it alone changes the set, under a lock for the one
 * question that other threads may ask (listener_bound).
 */
#include "conf/conf.h"
#include "conn/listener_priv.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>

static struct {
    struct listen_group **list;
    size_t count;
    int open;
} current;
static pthread_mutex_t current_lock = PTHREAD_MUTEX_INITIALIZER;

/* --- groups ------------------------------------------------------------------------------- */

static struct listen_group *group_new(const struct listen_wanted *want, uint32_t workers)
{
    struct listen_group *g = calloc(1, sizeof(*g) + workers * sizeof(g->on[0]));

    if (g == NULL)
        return NULL;
    g->asked = want->asked;
    g->spec = listen_spec_hold(want->spec);
    g->workers = workers;
    return g;
}

/* Workers have let go of theirs before, so what is left was never attached. */
static void group_free(struct listen_group *g)
{
    uint32_t i;

    if (g == NULL)
        return;
    for (i = 0; i < g->workers; i++)
        listener_drop(g->on[i]);
    listen_spec_release(g->spec);
    free(g);
}

static int same_text(const char *a, const char *b)
{
    return a == b || (a != NULL && b != NULL && strcmp(a, b) == 0);
}

static int same_address(const struct xmb_addr *a, const struct xmb_addr *b)
{
    return a->family == b->family && a->port == b->port && a->scope == b->scope &&
           memcmp(a->ip, b->ip, sizeof(a->ip)) == 0;
}

/* While the device is away nothing else could be opened; made anew, it is another one. */
static int same_device(const struct listen_group *g, const char *vrf)
{
    uint32_t index = listen_vrf_index(vrf);

    return index == 0 || index == g->vrf_index;
}

static struct listen_group *running(const struct listen_wanted *want, uint32_t workers)
{
    size_t i;

    for (i = 0; i < current.count; i++) {
        struct listen_group *g = current.list[i];

        if (!g->kept && g->workers == workers && g->spec->module == want->spec->module &&
            same_address(&g->asked, &want->asked) &&
            same_text(g->spec->vrf, want->spec->vrf) &&
            same_device(g, want->spec->vrf))
            return g;
    }
    return NULL;
}

/* A socket of ours, running or about to, would be found by the probe. */
static int port_is_ours(const struct listeners_next *next, uint16_t port)
{
    size_t i;

    for (i = 0; i < current.count; i++)
        if (current.list[i]->bound.port == port)
            return 1;
    for (i = 0; i < next->count; i++)
        if (next->list[i].group != NULL && next->list[i].group->bound.port == port)
            return 1;
    return 0;
}

/* --- prepare ------------------------------------------------------------------------------ */

static int check_double(const struct listeners_next *next, size_t i)
{
    const struct listen_wanted *want = &next->list[i];
    char text[XMB_ADDR_TEXT_MAX];
    size_t j;

    if (want->asked.port == 0)
        return 0;
    for (j = 0; j < i; j++)
        if (same_address(&next->list[j].asked, &want->asked) &&
            same_text(next->list[j].spec->vrf, want->spec->vrf))
            return conf_api.fault(want->node, "%s is listened on already, by line %u",
                                  addr_text(&want->asked, text, sizeof(text)),
                                  conf_api.line(next->list[j].node));
    return 0;
}

/* The system has no IPv6, and nobody asked for it. */
static int lacks_ip6(const struct listen_wanted *want, int error)
{
    if (!want->may_lack_ip6 || (error != -EAFNOSUPPORT && error != -EADDRNOTAVAIL))
        return 0;
    LOG(NOTICE, want->spec->module->name,
        "this system has no IPv6; the listener is opened for IPv4 only");
    return 1;
}

static int bind_fault(const struct listen_wanted *want, int error)
{
    char text[XMB_ADDR_TEXT_MAX], cause[128];
    const char *vrf = want->spec->vrf;

    return conf_api.fault(want->node, "cannot listen on %s%s%s: %s",
                          addr_text(&want->asked, text, sizeof(text)),
                          vrf != NULL ? " in vrf " : "", vrf != NULL ? vrf : "",
                          strerror_r(-error, cause, sizeof(cause)));
}

static int bind_fresh(struct listeners_next *next, size_t i)
{
    struct listen_wanted *want = &next->list[i];
    struct listen_group *g = group_new(want, next->workers);
    int error;

    if (g == NULL)
        return XMB_ENOMEM;
    /* Both families of one <listen port="0"/> on one port, where it is free. */
    if (want->may_lack_ip6 && g->asked.port == 0 && i > 0 && next->list[i - 1].group != NULL) {
        g->asked.port = next->list[i - 1].group->bound.port;
        error = listen_group_bind(g, 1);
        g->asked.port = 0;
        if (error == 0)
            goto bound;
        group_free(g);
        if ((g = group_new(want, next->workers)) == NULL)
            return XMB_ENOMEM;
    }
    error = listen_group_bind(g, port_is_ours(next, want->asked.port));
    if (error < 0) {
        group_free(g);
        return lacks_ip6(want, error) ? 0 : bind_fault(want, error);
    }
bound:
    want->group = g;
    want->fresh = 1;
    return 0;
}

static int resolve(struct listeners_next *next, size_t i)
{
    struct listen_wanted *want = &next->list[i];
    struct listen_group *g;

    if (check_double(next, i) < 0)
        return XMB_ECONF;
    g = running(want, next->workers);
    if (g == NULL)
        return bind_fresh(next, i);
    g->kept = 1;
    want->group = g;
    return 0;
}

static void next_free(struct listeners_next *next)
{
    size_t i;

    for (i = 0; i < next->count; i++)
        listen_spec_release(next->list[i].spec);
    free(next->groups);
    free(next->list);
    free(next);
}

static int parse_all(struct listeners_next *next, const struct xmb_conf *const *elements)
{
    uint32_t m;
    int one, rc = 0;

    for (m = 0; m < module_count() && rc != XMB_ENOMEM; m++) {
        if (elements[m] == NULL || module_at(m)->protocol.size == 0)
            continue;
        one = listen_parse(next, module_at(m), elements[m]);
        rc = one < 0 ? one : rc;
    }
    return rc;
}

static int resolve_all(struct listeners_next *next)
{
    size_t i;
    int one, rc = 0;

    next->groups = calloc(next->count + 1, sizeof(next->groups[0]));
    if (next->groups == NULL)
        return XMB_ENOMEM;
    for (i = 0; i < next->count && rc != XMB_ENOMEM; i++) {
        one = resolve(next, i);
        rc = one < 0 ? one : rc;
    }
    return rc;
}

int listeners_prepare(const struct xmb_conf *const *elements, uint32_t workers,
                      const struct tls_next *tls, struct listeners_next **out)
{
    struct listeners_next *next = calloc(1, sizeof(*next));
    int rc, rc_resolve;

    if (next == NULL)
        return XMB_ENOMEM;
    next->workers = workers;
    next->tls = tls;
    rc = parse_all(next, elements);
    if (rc != XMB_ENOMEM) {
        rc_resolve = resolve_all(next); /* after a fault too: all are told at once */
        rc = rc < 0 ? rc : rc_resolve;
    }
    if (rc < 0)
        listeners_abort(next);
    else
        *out = next;
    return rc;
}

void listeners_abort(struct listeners_next *next)
{
    size_t i;

    if (next == NULL)
        return;
    for (i = 0; i < current.count; i++)
        current.list[i]->kept = 0;
    for (i = 0; i < next->count; i++)
        if (next->list[i].fresh)
            group_free(next->list[i].group);
    next_free(next);
}

/* --- commit --------------------------------------------------------------------------------- */

static void attach(struct listen_group *g, struct xmb_worker *w)
{
    if (listener_attach(g->on[w->index], w) < 0) {
        LOG(ERROR, g->spec->module->name,
            "a listening socket cannot be watched by %s; it is closed", w->name);
        listener_drop(g->on[w->index]);
        g->on[w->index] = NULL;
    } else if (current.open) {
        listener_open(g->on[w->index]);
    }
}

static void detach(struct listen_group *g, struct xmb_worker *w)
{
    if (w->index >= g->workers || g->on[w->index] == NULL)
        return;
    if (w->conns != NULL) /* else conn_worker_fini has closed it */
        listener_close(g->on[w->index]);
    g->on[w->index] = NULL;
}

void listeners_renumber(const struct listeners_next *next, struct xmb_worker *w)
{
    size_t i;

    for (i = 0; i < next->count; i++) {
        const struct listen_wanted *want = &next->list[i];

        if (want->group != NULL && !want->fresh && w->index < want->group->workers &&
            want->group->on[w->index] != NULL)
            listener_respec(want->group->on[w->index], want->spec);
    }
}

static int commit_worker(struct xmb_worker *w, void *arg)
{
    const struct listeners_next *next = arg;
    size_t i;

    listeners_renumber(next, w);
    for (i = 0; i < next->count; i++) {
        const struct listen_wanted *want = &next->list[i];

        if (want->group != NULL && want->fresh && w->index < want->group->workers)
            attach(want->group, w);
    }
    for (i = 0; i < current.count; i++)
        if (!current.list[i]->kept)
            detach(current.list[i], w);
    return 0;
}

static void drop_removed(void)
{
    size_t i;

    for (i = 0; i < current.count; i++)
        if (!current.list[i]->kept)
            group_free(current.list[i]);
    free(current.list);
}

void listeners_commit(struct listeners_next *next)
{
    struct listen_group **list = next->groups;
    size_t i, count = 0;

    workers_run(commit_worker, next); /* without the lock, which a worker may be waiting for */
    pthread_mutex_lock(&current_lock);
    drop_removed();
    for (i = 0; i < next->count; i++) {
        struct listen_wanted *want = &next->list[i];

        if (want->group == NULL)
            continue;
        listen_spec_release(want->group->spec);
        want->group->spec = listen_spec_hold(want->spec);
        want->group->kept = 0;
        list[count++] = want->group;
    }
    current.list = list;
    current.count = count;
    pthread_mutex_unlock(&current_lock);
    next->groups = NULL;
    next_free(next);
}

/* --- accepting ------------------------------------------------------------------------------ */

static int open_worker(struct xmb_worker *w, void *arg)
{
    size_t i;

    (void)arg;
    for (i = 0; i < current.count; i++)
        if (w->index < current.list[i]->workers && current.list[i]->on[w->index] != NULL)
            listener_open(current.list[i]->on[w->index]);
    return 0;
}

void listeners_open(void)
{
    current.open = 1;
    workers_run(open_worker, NULL);
}

static int close_worker(struct xmb_worker *w, void *arg)
{
    size_t i;

    (void)arg;
    for (i = 0; i < current.count; i++)
        detach(current.list[i], w);
    return 0;
}

void listeners_close(void)
{
    size_t i;

    if (current.count > 0)
        workers_run(close_worker, NULL);
    pthread_mutex_lock(&current_lock);
    for (i = 0; i < current.count; i++)
        group_free(current.list[i]);
    free(current.list);
    memset(&current, 0, sizeof(current));
    pthread_mutex_unlock(&current_lock);
}

void listeners_walk(void (*fn)(void *arg, const struct xmb_module *m, uint32_t ordinal,
                               const struct xmb_addr *bound, const char *vrf),
                    void *arg)
{
    size_t i;

    for (i = 0; i < current.count; i++) {
        const struct listen_group *g = current.list[i];

        fn(arg, g->spec->module, g->spec->ordinal, &g->bound, g->spec->vrf);
    }
}

int listener_bound(const struct xmb_module *m, uint32_t ordinal, uint32_t i,
                   struct xmb_addr *bound)
{
    size_t at;
    int rc = XMB_ENOENT;

    pthread_mutex_lock(&current_lock);
    for (at = 0; at < current.count && rc != 0; at++) {
        const struct listen_group *g = current.list[at];

        if (g->spec->module != m || g->spec->ordinal != ordinal || i-- > 0)
            continue;
        *bound = g->bound;
        rc = 0;
    }
    pthread_mutex_unlock(&current_lock);
    return rc;
}
