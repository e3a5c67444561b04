/* SPDX-License-Identifier: MIT */
/*
 * conn_api.c - the table of <xmb/conn.h>: thread checks and plain facts; the work
 * is done in the other files.
 */
#include "conn/conn_priv.h"

#define ON_WORKER(c) LOOP_ASSERT(&(c)->worker->loop)

static int api_write(struct xmb_conn *c, struct xmb_str bytes)
{
    ON_WORKER(c);
    return conn_write(c, bytes);
}

static int api_write_parts(struct xmb_conn *c, const struct xmb_part *parts, size_t count)
{
    ON_WORKER(c);
    return conn_write_parts(c, parts, count);
}

static uint8_t *api_reserve(struct xmb_conn *c, size_t n)
{
    ON_WORKER(c);
    return conn_reserve(c, n);
}

static void api_commit(struct xmb_conn *c, size_t used_bytes)
{
    ON_WORKER(c);
    conn_commit(c, used_bytes);
}

static void api_pause(struct xmb_conn *c)
{
    ON_WORKER(c);
    conn_pause(c);
}

static void api_resume(struct xmb_conn *c)
{
    ON_WORKER(c);
    conn_resume(c);
}

static void api_close(struct xmb_conn *c, const char *why)
{
    ON_WORKER(c);
    conn_close(c, why);
}

static void api_reset(struct xmb_conn *c, const char *why)
{
    ON_WORKER(c);
    conn_reset(c, why);
}

static void api_deadline(struct xmb_conn *c, uint32_t which, uint64_t ms)
{
    ON_WORKER(c);
    conn_deadline(c, which, ms);
}

static void api_info(const struct xmb_conn *c, struct xmb_conn_info *info)
{
    uint32_t size = info->size < sizeof(*info) ? info->size : (uint32_t)sizeof(*info);
    struct xmb_conn_info all = {
        .size = info->size,
        .direction = c->direction,
        .local = c->local,
        .remote = c->remote,
        .listener = c->spec != NULL ? c->spec->ordinal : UINT32_MAX,
        .vrf = c->spec != NULL ? c->spec->vrf : c->vrf,
        .since_ms = c->since_ms,
        .received_ms = c->received_ms,
        .received_bytes = c->received_bytes,
        .sent_bytes = c->sent_bytes,
        .queued_bytes = conn_queued(c),
        .wire_sent_bytes = conn_wire_sent(c),
    };

    ON_WORKER(c);
    conn_tls_info(c, &all);
    memcpy(info, &all, size);
}

static struct xmb_worker *api_worker(const struct xmb_conn *c)
{
    return c->worker;
}

static xmb_ref api_ref(const struct xmb_conn *c)
{
    ON_WORKER(c);
    return conn_ref(c);
}

static struct xmb_conn *api_by_ref(struct xmb_worker *w, xmb_ref ref)
{
    LOOP_ASSERT(&w->loop);
    return conn_by_ref(w, ref);
}

static int api_dial(struct xmb_worker *w, struct xmb_module *module,
                    const struct xmb_target *target, void *user)
{
    LOOP_ASSERT(&w->loop);
    return conn_dial(w, module, target, user);
}

static void *api_user(const struct xmb_conn *c)
{
    return c->user;
}

static int api_start_tls(struct xmb_conn *c, const char *profile, const char *name)
{
    struct xmb_tls_setup setup = {.size = sizeof(setup), .profile = profile, .name = name};

    ON_WORKER(c);
    return conn_secure(c, &setup);
}

static int api_secure(struct xmb_conn *c, const struct xmb_tls_setup *setup)
{
    ON_WORKER(c);
    return conn_secure(c, setup);
}

static int api_tls_peer(struct xmb_conn *c, struct xmb_tls_peer *peer)
{
    ON_WORKER(c);
    return conn_tls_peer(c, peer);
}

static int api_tls_recheck(struct xmb_conn *c, const char *profile)
{
    ON_WORKER(c);
    return conn_tls_recheck(c, profile);
}

static size_t api_unacked(const struct xmb_conn *c)
{
    ON_WORKER(c);
    return conn_unacked(c);
}

static void api_dial_cancel(struct xmb_worker *w, uint64_t dial_id)
{
    LOOP_ASSERT(&w->loop);
    conn_dial_cancel(w, dial_id);
}

const struct xmb_conn_api conn_api = {
    .size = sizeof(struct xmb_conn_api),
    .rev = 1,
    .write = api_write,
    .write_parts = api_write_parts,
    .reserve = api_reserve,
    .commit = api_commit,
    .room = conn_room,
    .pause = api_pause,
    .resume = api_resume,
    .close = api_close,
    .reset = api_reset,
    .deadline = api_deadline,
    .info = api_info,
    .worker = api_worker,
    .ref = api_ref,
    .by_ref = api_by_ref,
    .dial = api_dial,
    .user = api_user,
    .start_tls = api_start_tls,
    .addr_text = addr_text,
    .secure = api_secure,
    .tls_peer = api_tls_peer,
    .unacked = api_unacked,
    .dial_cancel = api_dial_cancel,
    .listener = listener_bound,
    .tls_recheck = api_tls_recheck,
    .tls_own = tls_own,
};
