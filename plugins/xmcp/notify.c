/* SPDX-License-Identifier: MIT */
/*
 * notify.c - events from the registry to Notify and Withdraw requests.
 *
 * The steady path for each receiver: take the event, find its encoding in the worker's cache, write
 * header and SUBSCRIPTION-ID, copy or share the encoding, sign with the session's own key. No
 * allocation, no lock, no system call: the host sends all output of a turn at its end.
 */
#include "notify.h"

#include <stdlib.h>

#include "answer.h"
#include "cache.h"
#include "identity.h"
#include "window.h"

#define FIRST_NOTIFY_MS 300 /* the 1.0 client loses what comes right behind the answer */
#define UNANSWERED_IN_ROW_MAX 3
#define PREFIX_BYTES (XMCP_HEADER_BYTES + 8) /* header and SUBSCRIPTION-ID */
#define WITHDRAW_BYTES 160
#define SHARE_FROM_BYTES 2048 /* longer encodings are shared, not copied */

/* --- who is ready ---------------------------------------------------------------------------- */

static void enqueue(struct session *s, struct subscription *sub)
{
    sub->next_ready = NULL;
    if (s->ready_last != NULL)
        s->ready_last->next_ready = sub;
    else
        s->ready_first = sub;
    s->ready_last = sub;
}

static struct subscription *dequeue(struct session *s)
{
    struct subscription *sub = s->ready_first;

    s->ready_first = sub->next_ready;
    if (s->ready_first == NULL)
        s->ready_last = NULL;
    return sub;
}

void xs_notify_ready(void *arg)
{
    struct subscription *sub = arg;

    if (sub->ready)
        return;
    sub->ready = 1;
    if (sub->held)
        return;
    enqueue(sub->session, sub);
    xs_notify_pump(sub->session);
}

void xs_notify_hold(struct subscription *sub)
{
    struct session *s = sub->session;

    sub->held = 1;
    sub->hold_until_ms = xs_now(s->worker) + FIRST_NOTIFY_MS;
    xs_alarm_at_most(s, ALARM_NOTIFY, FIRST_NOTIFY_MS);
}

void xs_notify_let_go(struct session *s)
{
    uint64_t now = xs_now(s->worker);
    struct subscription *sub;

    for (sub = s->subscriptions; sub != NULL; sub = sub->next) {
        if (!sub->held)
            continue;
        if (sub->hold_until_ms > now) {
            xs_alarm_at_most(s, ALARM_NOTIFY, sub->hold_until_ms - now);
            continue;
        }
        sub->held = 0;
        if (sub->ready)
            enqueue(s, sub);
    }
    xs_notify_pump(s);
}

/* --- one message ----------------------------------------------------------------------------- */

/* Header and SUBSCRIPTION-ID of a request to the client. */
static void begin(struct xmcp_writer *w, uint8_t *p, size_t bytes, unsigned method, uint32_t id,
                  const uint8_t transaction[XMCP_TRANSACTION_BYTES])
{
    xmcp_write_begin(w, p, bytes, method, XMCP_REQUEST, transaction);
    xmcp_put_u32(w, XMCP_ATTR_SUBSCRIPTION_ID, id);
}

/* Short: one run of octets, encoded in the connection's own queue. */
static int send_copied(struct session *s, uint32_t id, const uint8_t *transaction,
                       struct xmcp_view shared)
{
    uint8_t *p = xs_host->conn->reserve(s->conn,
                                        PREFIX_BYTES + shared.bytes + XMCP_INTEGRITY_BYTES_MAX);
    struct xmcp_view copied = {NULL, shared.bytes};
    struct xmcp_writer w;
    size_t tail_bytes = 0;
    int rc;

    if (p == NULL)
        return XMB_EAGAIN;
    begin(&w, p, PREFIX_BYTES, XMCP_NOTIFY, id, transaction);
    memcpy(p + PREFIX_BYTES, shared.data, shared.bytes);
    copied.data = p + PREFIX_BYTES;
    rc = xmcp_write_finish_gather(&w, &s->mac, s->form, copied, p + PREFIX_BYTES + shared.bytes,
                                  &tail_bytes);
    xs_host->conn->commit(s->conn, rc == 0 ? PREFIX_BYTES + shared.bytes + tail_bytes : 0);
    return rc == 0 ? 0 : XMB_ETOOBIG;
}

/* Long: head and tail are ours, the middle is every receiver's. */
static int send_shared(struct session *s, uint32_t id, const uint8_t *transaction,
                       struct xmcp_view shared, struct xmb_slab *slab)
{
    uint8_t head[PREFIX_BYTES];
    uint8_t tail[XMCP_INTEGRITY_BYTES_MAX];
    struct xmb_part parts[3];
    struct xmcp_writer w;
    size_t tail_bytes = 0;

    begin(&w, head, sizeof(head), XMCP_NOTIFY, id, transaction);
    if (xmcp_write_finish_gather(&w, &s->mac, s->form, shared, tail, &tail_bytes) != 0)
        return XMB_ETOOBIG;
    parts[0] = (struct xmb_part){NULL, head, sizeof(head)};
    parts[1] = (struct xmb_part){slab, shared.data, shared.bytes};
    parts[2] = (struct xmb_part){NULL, tail, tail_bytes};
    return xs_host->conn->write_parts(s->conn, parts, tail_bytes > 0 ? 3 : 2);
}

static int send_notify(struct session *s, uint32_t id, const uint8_t *transaction,
                       const struct xmb_service *service)
{
    struct encoding e;
    struct xmcp_view shared;
    int rc = xs_cache_get(s->worker, service, &e);

    if (rc < 0)
        return rc;
    shared.data = e.bytes;
    shared.bytes = s->version_major >= 2 ? e.whole_bytes : e.plain_bytes;
    if (e.slab != NULL && shared.bytes >= SHARE_FROM_BYTES)
        return send_shared(s, id, transaction, shared, e.slab);
    return send_copied(s, id, transaction, shared);
}

static int send_withdraw(struct session *s, uint32_t id, const uint8_t *transaction,
                         const struct xmb_service *service, uint32_t reason)
{
    int network = reason != XMB_GONE_SOURCE;
    struct xmcp_flag flag = {XMCP_FLAG_REMOVAL_REASON, network ? XMCP_REMOVAL_NETWORK : 0};
    struct xmcp_identity identity = xs_identity_out(&service->id);
    uint8_t *p = xs_host->conn->reserve(s->conn, WITHDRAW_BYTES);
    struct xmcp_writer w;
    size_t bytes = 0;
    int rc;

    if (p == NULL)
        return XMB_EAGAIN;
    begin(&w, p, WITHDRAW_BYTES, XMCP_WITHDRAW, id, transaction);
    xmcp_put_identity(&w, &identity);
    xmcp_put_u32(&w, XMCP_ATTR_REMOVED_REASON,
                 network ? XMCP_REMOVED_NETWORK : XMCP_REMOVED_SOURCE);
    if (s->version_major >= 2)
        xmcp_put_flags(&w, &flag, 1);
    rc = xmcp_write_finish(&w, &s->mac, s->form, &bytes);
    xs_host->conn->commit(s->conn, rc == 0 ? bytes : 0);
    return rc == 0 ? 0 : XMB_ETOOBIG;
}

static void count_sent(struct session *s, struct subscription *sub, uint32_t kind)
{
    int notify = kind == XMB_EVENT_NOTIFY;

    xs_count(s->worker, M_MESSAGES_OUT);
    xs_count(s->worker, notify ? M_NOTIFIES : M_WITHDRAWS);
    s->sent[notify ? XMCP_NOTIFY : XMCP_WITHDRAW]++;
    if (notify)
        sub->notified++;
    else
        sub->withdrawn++;
    xs_alarm_at_most(s, ALARM_WINDOW, s->keepalive_ms);
}

static void left_out(struct session *s, const struct xmb_service *service)
{
    xs_count(s->worker, M_NOTIFY_TOO_LARGE);
    xs_host->log->limited(s->worker->server->module, XMB_LOG_WARN, "too-large", 1, NULL,
                          "service %u:%u with %zu octets of data does not fit in an XMCP message; "
                          "subscribers are not told of it",
                          service->id.service, service->id.subservice, service->data.n);
}

/* Returns 0 when the event is done with, XMB_EAGAIN when it found no room. */
static int send_event(struct session *s, struct subscription *sub, uint32_t kind, uint32_t reason,
                      const struct xmb_service *service)
{
    uint8_t transaction[XMCP_TRANSACTION_BYTES];
    int rc = xs_window_take(s, transaction);

    if (rc == 0) {
        if (kind == XMB_EVENT_NOTIFY)
            rc = send_notify(s, sub->id, transaction, service);
        else
            rc = send_withdraw(s, sub->id, transaction, service, reason);
        if (rc == 0) {
            count_sent(s, sub, kind);
            return 0;
        }
        xs_window_undo(s, transaction);
    }
    if (rc == XMB_ETOOBIG) {
        left_out(s, service);
        return 0;
    }
    return rc == XMB_EAGAIN ? XMB_EAGAIN : XMB_ENOMEM;
}

/* --- all that may go now --------------------------------------------------------------------- */

static void unstall(struct session *s)
{
    xs_host->service->release(s->stalled_service);
    s->stalled_service = NULL;
    s->stalled = NULL;
}

/* Sends an event, or keeps it for later. Returns 1 when more may follow. */
static int deliver(struct session *s, struct subscription *sub, const struct xmb_event *event)
{
    int rc = send_event(s, sub, event->kind, event->reason, event->service);

    if (rc == XMB_EAGAIN && s->state == REGISTERED) {
        s->stalled = sub;
        s->stalled_service = xs_host->service->hold(event->service);
        s->stalled_kind = (uint8_t)event->kind;
        s->stalled_reason = (uint8_t)event->reason;
    } else if (rc < 0) {
        xs_close(s, "out of memory"); /* a lost event would never come again */
    }
    return rc == 0;
}

static int deliver_stalled(struct session *s)
{
    int rc = send_event(s, s->stalled, s->stalled_kind, s->stalled_reason, s->stalled_service);

    if (rc == XMB_ENOMEM)
        xs_close(s, "out of memory");
    else if (rc == 0)
        unstall(s);
    return rc == 0;
}

/* One event of the subscription whose turn it is. Returns 1 when more may follow. */
static int turn(struct session *s)
{
    struct subscription *sub = dequeue(s);
    struct xmb_event event = {.size = sizeof(event)};

    if (xs_host->service->next(sub->sub, &event) != 1) {
        sub->ready = 0;
        return 1;
    }
    enqueue(s, sub); /* behind the others, so that none starves */
    return deliver(s, sub, &event);
}

void xs_notify_pump(struct session *s)
{
    if (s->stalled == NULL && s->ready_first == NULL)
        return;
    while (s->state == REGISTERED && xs_window_open(s) && xs_answer_room(s)) {
        if (s->stalled != NULL) {
            if (!deliver_stalled(s))
                return;
        } else if (s->ready_first == NULL || !turn(s)) {
            return;
        }
    }
}

/* --- what became of it ----------------------------------------------------------------------- */

int xs_notify_answered(struct session *s, const struct xmcp_msg *m)
{
    if (memcmp(m->transaction, s->prefix, sizeof(s->prefix)) != 0)
        return 0;
    if (m->transaction[sizeof(s->prefix)] == XS_WINDOW_NO_SLOT)
        return 1; /* a PublishRevoke: nothing hangs on it */
    if (!xs_window_answered(s, m->transaction))
        return 0;
    s->unanswered_in_row = 0;
    if (m->msg_class == XMCP_ERROR)
        xs_count(s->worker, M_NOTIFY_REFUSED);
    return 1; /* xs_input pumps when it has read all that came */
}

void xs_notify_late(struct session *s)
{
    uint32_t rest_ms = 0;
    uint32_t late = xs_window_expire(s, s->keepalive_ms, &rest_ms);

    if (rest_ms > 0)
        xs_alarm(s, ALARM_WINDOW, rest_ms);
    if (late == 0)
        return;
    s->worker->cells[M_NOTIFY_TIMEOUTS] += late;
    late += s->unanswered_in_row;
    s->unanswered_in_row = (uint8_t)(late < UINT8_MAX ? late : UINT8_MAX);
    if (late >= UNANSWERED_IN_ROW_MAX)
        xs_revoke(s, "notifications are not answered");
    else
        xs_notify_pump(s);
}

/* --- the end --------------------------------------------------------------------------------- */

void xs_notify_forget(struct session *s, struct subscription *sub)
{
    struct subscription **at = &s->ready_first;

    if (s->stalled == sub)
        unstall(s);
    s->ready_last = NULL;
    while (*at != NULL) {
        if (*at == sub) {
            *at = sub->next_ready;
            continue;
        }
        s->ready_last = *at;
        at = &(*at)->next_ready;
    }
    sub->ready = 0;
    sub->held = 0;
}

void xs_notify_end(struct session *s)
{
    xs_alarm_off(s, ALARM_NOTIFY);
    xs_alarm_off(s, ALARM_WINDOW);
    xs_subscriptions_end(s);
    free(s->window);
    s->window = NULL;
}
