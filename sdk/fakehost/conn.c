/* SPDX-License-Identifier: MIT */
/*
 * conn.c - connections, from the side of the test: the peer that comes, speaks
 * and goes.
 *
 * Work that waits names its connection by reference, so a connection may be
 * forgotten at any time.
 */
#include "conn_priv.h"

static struct xmb_conn *conns;
static xmb_ref last_ref;

const struct xmb_protocol *fake_protocol(const struct xmb_module *m)
{
    if (m->plugin->protocol == NULL)
        fake_fail("module %s is no protocol", m->plugin->name);
    return m->plugin->protocol;
}

struct xmb_conn *fake_conn_by_ref(xmb_ref ref)
{
    struct xmb_conn *c;

    for (c = conns; c != NULL; c = c->next)
        if (c->ref == ref && c->state != FAKE_CLOSED)
            return c;
    return NULL;
}

/* --- the end --------------------------------------------------------------------------------- */

static void closed_now(struct xmb_conn *c, const char *why)
{
    if (c->state == FAKE_CLOSED)
        return;
    if (c->on_stack)
        fake_fail("the test closes a connection while its plugin is on the stack");
    if (c->why == NULL)
        c->why = strdup(why != NULL ? why : "?");
    fake_timer_stop(&c->deadline[0].timer);
    fake_timer_stop(&c->deadline[1].timer);
    c->state = FAKE_CLOSING; /* writes fail from here on */
    if (c->has_cs)
        fake_protocol(c->module)->closed(c->cs, c, c->why);
    c->state = FAKE_CLOSED;
    c->cs = NULL;
    fake_buf_free(&c->in);
    free(c->reserved);
    c->reserved = NULL;
}

static void close_work(void *arg)
{
    xmb_ref *ref = arg;
    struct xmb_conn *c = fake_conn_by_ref(*ref);

    free(ref);
    if (c != NULL)
        closed_now(c, NULL);
}

static void work_for(struct xmb_conn *c, void (*fn)(void *arg))
{
    xmb_ref *ref = fake_alloc(sizeof(*ref));

    *ref = c->ref;
    fake_work_or(fn, free, ref);
}

void fake_conn_closing(struct xmb_conn *c, const char *why)
{
    if (c->state != FAKE_OPEN)
        return;
    c->state = FAKE_CLOSING;
    c->why = strdup(why != NULL ? why : "?");
    work_for(c, close_work);
}

void xmb_fakehost_hangup(struct xmb_conn *c, const char *why)
{
    closed_now(c, why);
}

const char *xmb_fakehost_closed(const struct xmb_conn *c)
{
    return c->state == FAKE_OPEN ? NULL : c->why;
}

static void conn_free(struct xmb_conn *c)
{
    struct xmb_conn **at = &conns;

    while (*at != c)
        at = &(*at)->next;
    *at = c->next;
    fake_conn_tls_free(c);
    fake_text_free(&c->out);
    free(c->vrf);
    free(c->why);
    free(c);
}

void xmb_fakehost_forget(struct xmb_conn *c)
{
    closed_now(c, "the test forgets it");
    conn_free(c);
}

void fake_conns_reset(void)
{
    struct xmb_conn *c;

    for (c = conns; c != NULL; c = c->next)
        closed_now(c, "the host stops");
}

void fake_conns_free(void)
{
    while (conns != NULL)
        conn_free(conns);
    fake_dials_free();
    xmb_fakehost_tls_peer(NULL, NULL);
    xmb_fakehost_tls_own(NULL);
}

void fake_conns_drain(struct xmb_module *m)
{
    struct xmb_conn *c;

    for (c = conns; c != NULL; c = c->next)
        if (c->module == m && c->state == FAKE_OPEN && XMB_HAS(m->plugin->protocol, drain)) {
            c->on_stack++;
            m->plugin->protocol->drain(c->cs, c);
            c->on_stack--;
        }
}

/* --- the beginning --------------------------------------------------------------------------- */

static void deadline_fired(struct fake_timer *t)
{
    struct fake_deadline *d = (struct fake_deadline *)t;
    struct xmb_conn *c = d->conn;

    if (c->state != FAKE_OPEN || !XMB_HAS(fake_protocol(c->module), expired))
        return;
    c->on_stack++;
    fake_protocol(c->module)->expired(c->cs, c, d->which);
    c->on_stack--;
}

struct xmb_conn *fake_conn_new(struct xmb_module *m, const struct xmb_addr *remote)
{
    static const struct xmb_addr somebody = {
        .family = 4, .port = 49152, .ip = {192, 0, 2, 1}};
    struct xmb_conn *c = fake_alloc(sizeof(*c));
    int i;

    c->module = m;
    c->state = FAKE_OPEN;
    c->ref = ++last_ref;
    c->remote = remote != NULL ? *remote : somebody;
    c->bound = (size_t)1 << 20;
    c->since_ms = c->received_ms = fake.now_ms;
    for (i = 0; i < 2; i++) {
        c->deadline[i].timer.fn = deadline_fired;
        c->deadline[i].conn = c;
        c->deadline[i].which = (uint32_t)i + XMB_DEADLINE_IDLE;
    }
    fake_conn_tls_begin(c);
    c->next = conns;
    conns = c;
    return c;
}

/* NULL: the plugin refused, and the handle is gone. */
struct xmb_conn *fake_conn_open(struct xmb_conn *c)
{
    int rc;

    c->on_stack++;
    rc = fake_protocol(c->module)->open(c->module->wself, c, &c->cs);
    c->on_stack--;
    if (rc == 0) {
        c->has_cs = 1;
        return c;
    }
    closed_now(c, "open refused it");
    conn_free(c);
    return NULL;
}

static struct xmb_conn *accept_one(struct xmb_module *m, uint32_t listener,
                                   const struct xmb_addr *remote, uint32_t tls_version)
{
    struct xmb_conn *c = fake_conn_new(m, remote);

    c->listener = listener;
    c->direction = XMB_INCOMING;
    c->tls_version = tls_version;
    return fake_conn_open(c);
}

struct xmb_conn *xmb_fakehost_accept(struct xmb_module *m, uint32_t listener,
                                     const struct xmb_addr *remote)
{
    return accept_one(m, listener, remote, 0);
}

struct xmb_conn *xmb_fakehost_accept_tls(struct xmb_module *m, uint32_t listener,
                                         const struct xmb_addr *remote)
{
    return accept_one(m, listener, remote, 0x0304);
}

/* --- octets ---------------------------------------------------------------------------------- */

/* Hands over what is there. Negative: the plugin says that the peer broke the protocol. */
static int hand_over(struct xmb_conn *c)
{
    int rc;

    c->on_stack++;
    rc = fake_protocol(c->module)->data(c->cs, c, &c->in);
    c->on_stack--;
    if (rc < 0)
        closed_now(c, "protocol error");
    return rc;
}

int xmb_fakehost_feed(struct xmb_conn *c, struct xmb_str bytes)
{
    struct fake_deadline *idle = &c->deadline[0];

    if (c->state != FAKE_OPEN)
        return XMB_ECLOSED;
    fake_buf_add(&c->in, bytes);
    c->received_bytes += bytes.n;
    c->received_ms = fake.now_ms;
    if (idle->timer.running)
        fake_timer_start(&idle->timer, idle->ms);
    return c->paused ? 0 : hand_over(c);
}

static void wake_work(void *arg)
{
    xmb_ref *ref = arg;
    struct xmb_conn *c = fake_conn_by_ref(*ref);

    free(ref);
    if (c != NULL && c->state == FAKE_OPEN && c->paused == 0 && c->in.n > 0)
        hand_over(c);
}

void fake_conn_wake(struct xmb_conn *c)
{
    work_for(c, wake_work);
}

size_t xmb_fakehost_unread(const struct xmb_conn *c)
{
    return c->in.n;
}

struct xmb_str xmb_fakehost_output(const struct xmb_conn *c)
{
    return (struct xmb_str){fake_text_get(&c->out), c->out.n};
}

static void writable_work(void *arg)
{
    xmb_ref *ref = arg;
    struct xmb_conn *c = fake_conn_by_ref(*ref);

    free(ref);
    if (c == NULL || c->state != FAKE_OPEN || !XMB_HAS(fake_protocol(c->module), writable))
        return;
    c->on_stack++;
    fake_protocol(c->module)->writable(c->cs, c);
    c->on_stack--;
}

void fake_conn_relieved(struct xmb_conn *c)
{
    if (!c->starved || c->securing || c->out.n > c->bound / 2)
        return;
    c->starved = 0;
    work_for(c, writable_work);
}

void xmb_fakehost_take(struct xmb_conn *c, size_t n)
{
    if (n > c->out.n)
        fake_fail("the test takes %zu octets of %zu", n, c->out.n);
    c->out.n -= n;
    if (c->out.p != NULL)
        memmove(c->out.p, c->out.p + n, c->out.n + 1);
    fake_conn_relieved(c);
}

void xmb_fakehost_bound(struct xmb_conn *c, size_t bytes)
{
    c->bound = bytes;
    fake_conn_relieved(c);
}

void xmb_fakehost_unacked(struct xmb_conn *c, size_t bytes)
{
    c->unacked_bytes = bytes;
}

int xmb_fakehost_paused(const struct xmb_conn *c)
{
    return c->paused > 0;
}
