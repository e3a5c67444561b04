/* SPDX-License-Identifier: MIT */
/*
 * datagram.c - the set of datagram sockets: what runs, what a new configuration wants, and the
 * step from one to the other, as listener.c does it for TCP.
 *
 * prepare binds what is new beside what runs; a socket that stays (same module, address, port
 * and vrf) is kept, with what waits in it, also when its <listen> moved to another line. commit
 * gives sockets to their workers and cannot fail; nothing is read before datagrams_open.
 */
#include "datagram/datagram_priv.h"

#include "conf/conf.h"
#include "conn/conn.h"
#include "conn/listener_priv.h"
#include "log/log.h"

#include <errno.h>
#include <stdlib.h>

/* One address that the configuration in preparation wants. */
struct wanted {
    struct xmb_module *module;
    const struct xmb_conf *node;
    uint32_t ordinal;
    struct xmb_addr asked;
    const char *vrf;           /* of the node; "": none */
    int may_lack_ip6;          /* IPv6 was not asked for by name */
    int fresh;                 /* the socket was made for this preparation */
    struct xmb_socket *socket; /* NULL: not needed, or not to be had */
};

/* A socket that runs. Workers look at all places, and touch the sockets that are theirs. */
struct place {
    struct xmb_socket *socket;
    uint32_t worker_index;
    int kept; /* taken over by the configuration in preparation */
};

struct datagrams_next {
    struct wanted *list;
    size_t count;
    size_t room;
    struct place *places; /* room for the list that commit makes */
    uint32_t workers;
    const struct listeners_next *tcp;
};

static struct {
    struct place *list;
    size_t count;
    int open;
} current;

static int only_check;

void datagrams_only_check(void)
{
    only_check = 1;
}

static int same_address(const struct xmb_addr *a, const struct xmb_addr *b)
{
    return a->family == b->family && a->port == b->port && a->scope == b->scope &&
           memcmp(a->ip, b->ip, sizeof(a->ip)) == 0;
}

/* --- what is wanted -------------------------------------------------------------------------- */

static int want(struct datagrams_next *next, const struct wanted *one)
{
    struct wanted *list = next->list;

    if (next->count == next->room) {
        size_t room = next->room == 0 ? 8 : next->room * 2;

        list = realloc(list, room * sizeof(*list));
        if (list == NULL)
            return XMB_ENOMEM;
        next->list = list;
        next->room = room;
    }
    list[next->count++] = *one;
    return 0;
}

struct reading {
    struct datagrams_next *next;
    struct xmb_module *module;
};

/* Of the elements that are listeners only <listen> is a datagram socket too. */
static int read_one(void *arg, const struct xmb_conf *node, uint32_t ordinal,
                    uint16_t default_port)
{
    struct reading *r = arg;
    struct wanted one = {.module = r->module, .node = node, .ordinal = ordinal};
    struct xmb_addr a[2];
    size_t i, count = 0;
    int rc;

    if (strcmp(conf_api.name(node), "listen") != 0)
        return 0;
    if (default_port == 0)
        default_port = r->module->datagram.default_port;
    rc = listen_vrf(node, &one.vrf);
    if (one.vrf == NULL)
        one.vrf = "";
    if (listen_addresses(node, default_port, a, &count) < 0)
        return XMB_ECONF;
    for (i = 0; i < count && rc == 0; i++) {
        one.asked = a[i];
        one.may_lack_ip6 = i > 0;
        rc = want(r->next, &one);
    }
    return rc;
}

static int read_all(struct datagrams_next *next, const struct xmb_conf *const *elements)
{
    uint32_t i;
    int one, rc = 0;

    for (i = 1; i < module_count() && rc != XMB_ENOMEM; i++) {
        struct xmb_module *m = module_at(i);
        struct reading r = {next, m};

        if (elements[i] == NULL || m->datagram.size == 0)
            continue;
        if (next->tcp == NULL && m->protocol.size != 0)
            continue; /* its faults were told */
        one = listen_each(&m->protocol, elements[i], read_one, &r);
        rc = one < 0 ? one : rc;
    }
    return rc;
}

/* --- prepare --------------------------------------------------------------------------------- */

static struct place *running(const struct wanted *w)
{
    size_t i;

    for (i = 0; i < current.count; i++) {
        const struct xmb_socket *s = current.list[i].socket;

        if (!current.list[i].kept && s->module == w->module &&
            same_address(&s->asked, &w->asked) && strcmp(s->vrf, w->vrf) == 0)
            return &current.list[i];
    }
    return NULL;
}

/* A socket of ours, running or about to, would be found by the probe. */
static int port_is_ours(const struct datagrams_next *next, uint16_t port)
{
    size_t i;

    for (i = 0; i < current.count; i++)
        if (current.list[i].socket->bound.port == port)
            return 1;
    for (i = 0; i < next->count; i++)
        if (next->list[i].socket != NULL && next->list[i].socket->bound.port == port)
            return 1;
    return 0;
}

static int check_double(const struct datagrams_next *next, size_t i)
{
    const struct wanted *w = &next->list[i];
    char text[XMB_ADDR_TEXT_MAX];
    size_t j;

    if (w->asked.port == 0)
        return 0;
    for (j = 0; j < i; j++)
        if (same_address(&next->list[j].asked, &w->asked) && strcmp(next->list[j].vrf, w->vrf) == 0)
            return conf_api.fault(w->node, "UDP %s is listened on already, by line %u",
                                  addr_text(&w->asked, text, sizeof(text)),
                                  conf_api.line(next->list[j].node));
    return 0;
}

/* The port that its TCP listener got, or that its other family has; 0: any. */
static uint16_t port_beside(const struct datagrams_next *next, size_t i)
{
    const struct wanted *w = &next->list[i];
    size_t k;

    for (k = 0; next->tcp != NULL && k < next->tcp->count; k++) {
        const struct listen_wanted *t = &next->tcp->list[k];

        if (t->group != NULL && t->spec->module == w->module && t->spec->ordinal == w->ordinal &&
            t->asked.family == w->asked.family)
            return t->group->bound.port;
    }
    if (w->may_lack_ip6 && i > 0 && next->list[i - 1].socket != NULL)
        return next->list[i - 1].socket->bound.port;
    return 0;
}

/* 0, or -errno. */
static int bind_socket(const struct datagrams_next *next, size_t i, struct xmb_socket *s)
{
    struct xmb_addr asked = next->list[i].asked;
    int error;

    if (asked.port == 0 && (asked.port = port_beside(next, i)) != 0) {
        error = datagram_bind(&asked, s->vrf, port_is_ours(next, asked.port), &s->fd, &s->bound);
        if (error == 0)
            return 0;
        asked.port = 0;
    }
    return datagram_bind(&asked, s->vrf, port_is_ours(next, asked.port), &s->fd, &s->bound);
}

static int bind_fault(const struct wanted *w, int error)
{
    char text[XMB_ADDR_TEXT_MAX], cause[128];

    if (w->may_lack_ip6 && (error == -EAFNOSUPPORT || error == -EADDRNOTAVAIL)) {
        LOG(NOTICE, w->module->name, "this system has no IPv6; UDP is read on IPv4 only");
        return 0;
    }
    return conf_api.fault(w->node, "cannot read UDP on %s%s%s: %s",
                          addr_text(&w->asked, text, sizeof(text)),
                          w->vrf[0] != '\0' ? " in vrf " : "", w->vrf,
                          strerror_r(-error, cause, sizeof(cause)));
}

static int bind_fresh(struct datagrams_next *next, size_t i)
{
    struct wanted *w = &next->list[i];
    struct xmb_socket *s = calloc(1, sizeof(*s));
    int error;

    if (s == NULL)
        return XMB_ENOMEM;
    s->module = w->module;
    s->ordinal = w->ordinal;
    s->worker_index = w->ordinal % next->workers;
    s->asked = w->asked;
    memcpy(s->vrf, w->vrf, strlen(w->vrf) + 1); /* listen_vrf has looked at its length */
    s->fd = -1;
    error = bind_socket(next, i, s);
    /* A broker that runs with this file has the port: no fault of the file. */
    if (only_check && error == -EADDRINUSE)
        error = 0;
    if (error < 0 || only_check) {
        s->fd = error < 0 ? -1 : s->fd;
        socket_drop(s);
        return error < 0 ? bind_fault(w, error) : 0;
    }
    w->socket = s;
    w->fresh = 1;
    return 0;
}

static int resolve(struct datagrams_next *next, size_t i)
{
    struct wanted *w = &next->list[i];
    struct place *place;

    if (check_double(next, i) < 0)
        return XMB_ECONF;
    place = running(w);
    if (place == NULL)
        return bind_fresh(next, i);
    place->kept = 1;
    w->socket = place->socket;
    return 0;
}

static int resolve_all(struct datagrams_next *next)
{
    size_t i;
    int one, rc = 0;

    next->places = calloc(next->count + 1, sizeof(next->places[0]));
    if (next->places == NULL)
        return XMB_ENOMEM;
    for (i = 0; i < next->count && rc != XMB_ENOMEM; i++) {
        one = resolve(next, i);
        rc = one < 0 ? one : rc;
    }
    return rc;
}

int datagrams_prepare(const struct xmb_conf *const *elements, uint32_t workers,
                      const struct listeners_next *tcp, struct datagrams_next **out)
{
    struct datagrams_next *next = calloc(1, sizeof(*next));
    int rc, rc_resolve;

    if (next == NULL)
        return XMB_ENOMEM;
    next->workers = workers;
    next->tcp = tcp;
    rc = read_all(next, elements);
    if (rc != XMB_ENOMEM) {
        rc_resolve = resolve_all(next); /* after a fault too: all are told at once */
        rc = rc < 0 ? rc : rc_resolve;
    }
    if (rc < 0)
        datagrams_abort(next);
    else
        *out = next;
    return rc;
}

static void next_free(struct datagrams_next *next)
{
    free(next->places);
    free(next->list);
    free(next);
}

void datagrams_abort(struct datagrams_next *next)
{
    size_t i;

    if (next == NULL)
        return;
    for (i = 0; i < current.count; i++)
        current.list[i].kept = 0;
    for (i = 0; i < next->count; i++)
        if (next->list[i].fresh)
            socket_drop(next->list[i].socket);
    next_free(next);
}

/* --- commit ---------------------------------------------------------------------------------- */

static void attach(struct wanted *want, struct xmb_worker *w)
{
    struct xmb_socket *s = want->socket;

    if (socket_attach(s, w) == 0) {
        if (current.open)
            socket_open(s);
        return;
    }
    LOG(ERROR, s->module->name, "a UDP socket cannot be watched by %s; it is closed", w->name);
    want->socket = NULL;
    socket_drop(s);
}

void datagrams_renumber(struct datagrams_next *next, struct xmb_worker *w)
{
    size_t i;

    for (i = 0; i < next->count; i++) {
        struct wanted *want = &next->list[i];

        if (want->socket != NULL && !want->fresh && want->socket->worker_index == w->index)
            want->socket->ordinal = want->ordinal;
    }
}

static int commit_worker(struct xmb_worker *w, void *arg)
{
    struct datagrams_next *next = arg;
    size_t i;

    datagrams_renumber(next, w);
    for (i = 0; i < next->count; i++) {
        struct wanted *want = &next->list[i];

        if (want->socket != NULL && want->fresh && want->socket->worker_index == w->index)
            attach(want, w);
    }
    for (i = 0; i < current.count; i++)
        if (!current.list[i].kept && current.list[i].worker_index == w->index)
            socket_close(current.list[i].socket);
    return 0;
}

void datagrams_commit(struct datagrams_next *next)
{
    struct place *list = next->places;
    size_t i, count = 0;

    if (next->count > 0 || current.count > 0)
        workers_run(commit_worker, next);
    free(current.list);
    for (i = 0; i < next->count; i++) {
        struct xmb_socket *s = next->list[i].socket;

        if (s != NULL)
            list[count++] = (struct place){s, s->worker_index, 0};
    }
    current.list = list;
    current.count = count;
    next->places = NULL;
    next_free(next);
}

static int open_worker(struct xmb_worker *w, void *arg)
{
    size_t i;

    (void)arg;
    for (i = 0; i < current.count; i++)
        if (current.list[i].worker_index == w->index)
            socket_open(current.list[i].socket);
    return 0;
}

void datagrams_open(void)
{
    current.open = 1;
    if (current.count > 0)
        workers_run(open_worker, NULL);
}

void datagrams_fini(void)
{
    free(current.list);
    memset(&current, 0, sizeof(current));
}

void datagrams_walk(void (*fn)(void *arg, const struct xmb_module *m, uint32_t ordinal,
                               const struct xmb_addr *bound, const char *vrf),
                    void *arg)
{
    size_t i;

    for (i = 0; i < current.count; i++) {
        const struct xmb_socket *s = current.list[i].socket;

        fn(arg, s->module, s->ordinal, &s->bound, s->vrf[0] != '\0' ? s->vrf : NULL);
    }
}
