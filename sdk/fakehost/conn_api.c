/* SPDX-License-Identifier: MIT */
/*
 * conn_api.c - connections, from the side of the plugin.
 *
 * Every call first looks whether the handle may still be used: the promise of
 * the SDK is "until `closed` returns".
 */
#include "conn_priv.h"

#include <arpa/inet.h>
#include <stdio.h>

static void usable(const struct xmb_conn *c)
{
    if (c->state == FAKE_CLOSED)
        fake_fail("a plugin uses a connection after `closed`");
}

static void not_reserved(const struct xmb_conn *c)
{
    usable(c);
    if (c->reserved != NULL)
        fake_fail("a plugin uses a connection between reserve and commit");
}

/* 0: `n` octets may be queued. */
static int admit(struct xmb_conn *c, size_t n)
{
    not_reserved(c);
    if (c->state != FAKE_OPEN)
        return XMB_ECLOSED;
    if (n > c->bound)
        return XMB_ETOOBIG;
    if (!c->securing && c->out.n + n <= c->bound)
        return 0;
    c->starved = 1;
    return XMB_EAGAIN;
}

static void queue(struct xmb_conn *c, const void *p, size_t n)
{
    fake_text_add(&c->out, p, n);
    c->sent_bytes += n;
}

static int write_(struct xmb_conn *c, struct xmb_str bytes)
{
    int rc = admit(c, bytes.n);

    if (rc == 0)
        queue(c, bytes.p, bytes.n);
    return rc;
}

static int write_parts(struct xmb_conn *c, const struct xmb_part *parts, size_t count)
{
    size_t n = 0;
    size_t i;
    int rc;

    if (count > 16)
        fake_fail("a plugin writes %zu parts; 16 are the most", count);
    for (i = 0; i < count; i++)
        n += parts[i].n;
    rc = admit(c, n);
    for (i = 0; rc == 0 && i < count; i++)
        queue(c, parts[i].p, parts[i].n);
    return rc;
}

static uint8_t *reserve(struct xmb_conn *c, size_t n)
{
    if (n > 65552)
        fake_fail("a plugin reserves %zu octets; 65552 are the most", n);
    if (admit(c, n) < 0)
        return NULL;
    c->reserved = fake_alloc(n);
    c->reserved_bytes = n;
    return c->reserved;
}

static void commit(struct xmb_conn *c, size_t used_bytes)
{
    if (c->reserved == NULL || used_bytes > c->reserved_bytes)
        fake_fail("a plugin commits more than it reserved");
    queue(c, c->reserved, used_bytes);
    free(c->reserved);
    c->reserved = NULL;
}

static size_t room(const struct xmb_conn *c)
{
    usable(c);
    return c->state == FAKE_OPEN && !c->securing && c->out.n < c->bound ? c->bound - c->out.n : 0;
}

static void pause_(struct xmb_conn *c)
{
    usable(c);
    c->paused++;
}

static void resume(struct xmb_conn *c)
{
    usable(c);
    if (c->paused == 0)
        fake_fail("a plugin resumes a connection that is not paused");
    if (--c->paused == 0 && c->in.n > 0)
        fake_conn_wake(c);
}

static void close_(struct xmb_conn *c, const char *why)
{
    not_reserved(c);
    if (c->state == FAKE_OPEN)
        c->flushes = 1;
    fake_conn_closing(c, why);
}

static void reset(struct xmb_conn *c, const char *why)
{
    not_reserved(c);
    if (c->state == FAKE_OPEN) {
        c->left_bytes = c->out.n;
        fake_text_clear(&c->out);
    }
    fake_conn_closing(c, why);
}

static void deadline(struct xmb_conn *c, uint32_t which, uint64_t ms)
{
    struct fake_deadline *d;

    usable(c);
    if (which != XMB_DEADLINE_IDLE && which != XMB_DEADLINE_ONCE)
        fake_fail("there is no deadline %u", which);
    d = &c->deadline[which - XMB_DEADLINE_IDLE];
    fake_timer_stop(&d->timer);
    d->ms = ms;
    if (ms > 0 && c->state == FAKE_OPEN)
        fake_timer_start(&d->timer, ms);
}

static void info(const struct xmb_conn *c, struct xmb_conn_info *out)
{
    struct xmb_conn_info all = {
        .direction = c->direction,
        .local = {.family = 4, .port = 4788, .ip = {192, 0, 2, 254}},
        .remote = c->remote,
        .listener = c->listener,
        .vrf = c->vrf,
        .tls_version = c->tls_version,
        .since_ms = c->since_ms,
        .received_ms = c->received_ms,
        .received_bytes = c->received_bytes,
        .sent_bytes = c->sent_bytes,
        .queued_bytes = c->flushes ? 0 : c->left_bytes + c->out.n,
    };

    usable(c);
    all.wire_sent_bytes = c->sent_bytes - all.queued_bytes;
    if (c->remote.family == 6)
        all.local = (struct xmb_addr){.family = 6, .port = 4788, .ip = {0x20, 0x01, 0x0d, 0xb8}};
    if (c->local.family != 0)
        all.local = c->local;
    all.size = out->size < sizeof(all) ? out->size : (uint32_t)sizeof(all);
    if (all.size < sizeof(all.size))
        fake_fail("a plugin asks for info without a size");
    memcpy(out, &all, all.size);
}

static struct xmb_worker *worker(const struct xmb_conn *c)
{
    usable(c);
    return &fake.worker;
}

static xmb_ref ref(const struct xmb_conn *c)
{
    usable(c);
    return c->ref;
}

static struct xmb_conn *by_ref(struct xmb_worker *w, xmb_ref ref_)
{
    (void)w;
    return fake_conn_by_ref(ref_);
}

static int dial(struct xmb_worker *w, struct xmb_module *module, const struct xmb_target *target,
                void *user)
{
    (void)w;
    return fake_dial_add(module, target, user);
}

static void dial_cancel(struct xmb_worker *w, uint64_t dial_id)
{
    (void)w;
    fake_dial_cancel(dial_id);
}

static void *user(const struct xmb_conn *c)
{
    usable(c);
    return c->user;
}

static int secure(struct xmb_conn *c, const struct xmb_tls_setup *setup)
{
    not_reserved(c);
    return fake_secure(c, setup);
}

static int start_tls(struct xmb_conn *c, const char *profile, const char *name)
{
    struct xmb_tls_setup setup = {.size = sizeof(setup), .profile = profile, .name = name};

    return secure(c, &setup);
}

static int tls_peer(struct xmb_conn *c, struct xmb_tls_peer *peer)
{
    usable(c);
    return fake_tls_peer(c, peer);
}

static int tls_recheck(struct xmb_conn *c, const char *profile)
{
    usable(c);
    return fake_tls_recheck(c, profile);
}

static size_t unacked(const struct xmb_conn *c)
{
    usable(c);
    return c->unacked_bytes;
}

/* Nothing is bound here. */
static int listener(const struct xmb_module *module, uint32_t ordinal, uint32_t i,
                    struct xmb_addr *bound)
{
    (void)module;
    (void)ordinal;
    (void)i;
    (void)bound;
    return XMB_ENOENT;
}

static const char *addr_text(const struct xmb_addr *a, char *text, size_t cap)
{
    char ip[INET6_ADDRSTRLEN] = "none";

    if (a->family == 4 || a->family == 6)
        inet_ntop(a->family == 4 ? AF_INET : AF_INET6, a->ip, ip, sizeof(ip));
    if (cap == 0)
        return text;
    if (a->port == 0 || a->family == 0)
        snprintf(text, cap, "%s", ip);
    else
        snprintf(text, cap, "%s%s%s:%u", a->family == 6 ? "[" : "", ip, a->family == 6 ? "]" : "",
                 a->port);
    return text;
}

const struct xmb_conn_api fake_conn_api = {
    .size = sizeof(fake_conn_api),
    .rev = 1,
    .write = write_,
    .write_parts = write_parts,
    .reserve = reserve,
    .commit = commit,
    .room = room,
    .pause = pause_,
    .resume = resume,
    .close = close_,
    .reset = reset,
    .deadline = deadline,
    .info = info,
    .worker = worker,
    .ref = ref,
    .by_ref = by_ref,
    .dial = dial,
    .user = user,
    .start_tls = start_tls,
    .addr_text = addr_text,
    .secure = secure,
    .tls_peer = tls_peer,
    .unacked = unacked,
    .dial_cancel = dial_cancel,
    .listener = listener,
    .tls_recheck = tls_recheck,
    .tls_own = fake_tls_own,
};
