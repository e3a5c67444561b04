/* SPDX-License-Identifier: MIT */
/*
 * s2_fakes.c - see s2_fakes.h.
 */
#include "s2_fakes.h"

#include "link_adopted.h"

#include <assert.h>

struct s2_fakes s2_fakes;

static char something; /* what handles point to: nobody looks */

static void copy(char *to, struct xmb_str s)
{
    size_t n = s.n < S2_FAKE_TEXT ? s.n : S2_FAKE_TEXT;

    if (n > 0)
        memcpy(to, s.p, n);
    to[n] = '\0';
}

/*
 * --- asks
 * -------------------------------------------------------------------------------------
 */

int s2_ask_open(struct s2_worker *w, enum s2_side side, const struct s2_domain *target,
                const struct s2_domain *sender, struct xmb_str id, struct xmb_str key,
                s2_ask_fn *done, void *arg, struct s2_ask **out)
{
    struct s2_ask *a;
    unsigned tries = 0;

    (void)w;
    if (s2_fakes.ask_result != 0)
        return s2_fakes.ask_result;
    do { /* a place that is free: a waiting one stays where it is */
        a = &s2_fakes.asks[s2_fakes.ask_count++ % S2_FAKE_ROOM];
        if (++tries > S2_FAKE_ROOM) {
            s2_fakes.ask_count--;
            return XMB_ELIMIT;
        }
    } while (a->open);
    assert(id.n <= S2_ASK_ID_MAX && key.n <= S2_FAKE_TEXT);
    *a = (struct s2_ask){1, side, *target, *sender, "", "", done, arg};
    copy(a->id, id);
    copy(a->key, key);
    *out = a;
    return 0;
}

void s2_ask_cancel(struct s2_ask *a)
{
    assert(a->open);
    a->open = 0;
}

void s2_fake_answer(unsigned index, enum s2_ask_result r, enum s2_condition c, const char *text)
{
    struct s2_ask *a = &s2_fakes.asks[index % S2_FAKE_ROOM];

    assert(a->open);
    a->open = 0;
    a->done(a->arg, r, c, text);
}

unsigned s2_fake_waiting(void)
{
    unsigned i, n = 0;

    for (i = 0; i < S2_FAKE_ROOM; i++)
        n += (unsigned)s2_fakes.asks[i].open;
    return n;
}

/*
 * --- paths
 * ------------------------------------------------------------------------------------
 */

int s2_path_open(struct s2_worker *w, enum s2_side to_side, const struct s2_domain *from,
                 const struct s2_domain *to, xmb_ref source, struct s2_path *p)
{
    if (s2_fakes.path_result != 0)
        return s2_fakes.path_result;
    memset(p, 0, sizeof(*p));
    p->w = w;
    p->is_open = 1;
    p->to_side = to_side;
    p->source = s2_fakes.source = source;
    p->from = *from;
    p->to = *to;
    s2_fakes.paths_open++;
    return 0;
}

void s2_path_close(struct s2_path *p)
{
    assert(p->is_open);
    p->is_open = 0;
    s2_fakes.paths_open--;
}

int s2_path_put(struct s2_path *p, const struct s2_stanza *s)
{
    struct s2_fake_stanza *f;

    assert(p->is_open);
    if (s2_fakes.put_result < 0)
        return s2_fakes.put_result;
    f = &s2_fakes.puts[s2_fakes.put_count++ % S2_FAKE_ROOM];
    *f = (struct s2_fake_stanza){p->from, p->to, p->to_side, S2_C_NONE, ""};
    copy(f->raw, s->raw);
    return s2_fakes.put_result;
}

void s2_path_flush(struct s2_worker *w)
{
    (void)w;
    s2_fakes.flushes++;
}

void s2_bounce(struct s2_worker *w, enum s2_side from_side, const struct s2_stanza *s,
               enum s2_condition condition, const struct s2_domain *by, const char *text)
{
    struct s2_fake_stanza *f = &s2_fakes.bounces[s2_fakes.bounce_count++ % S2_FAKE_ROOM];

    (void)w;
    (void)text;
    memset(f, 0, sizeof(*f));
    if (by != NULL)
        f->to = *by;
    f->side = from_side;
    f->condition = condition;
    copy(f->raw, s->raw);
}

int s2_barrier_answer(struct s2_worker *w, const struct s2_domain *from_domain,
                      const struct s2_domain *to, const struct s2_stanza *s)
{
    (void)w;
    (void)from_domain;
    (void)to;
    return s2_fakes.barrier_id != NULL && xmb_str_eq(s->id, xmb_str(s2_fakes.barrier_id));
}

int s2_barrier_is_idle(const struct s2_stanza *s)
{
    return s->id.n > 4 && memcmp(s->id.p, "xmb.", 4) == 0;
}

void s2_flow_alive(struct s2_worker *w, const struct s2_domain *foreign)
{
    (void)w;
    (void)foreign;
    s2_fakes.alive++;
}

/*
 * --- the life of both, which is none
 * ----------------------------------------------------------
 */

int s2_links_init(struct s2_worker *w)
{
    w->links = (void *)&something;
    return 0;
}

void s2_links_fini(struct s2_worker *w)
{
    w->links = NULL;
}

int s2_flows_init(struct s2_worker *w)
{
    w->flows = (void *)&something;
    return 0;
}

void s2_flows_fini(struct s2_worker *w)
{
    w->flows = NULL;
}

int s2_link_open(struct s2_worker *w, struct xmb_conn *conn, struct s2_link **out)
{
    (void)w;
    (void)conn;
    (void)out;
    return XMB_ENOSYS;
}

int s2_link_data(struct s2_link *l, struct xmb_conn *conn, struct xmb_buf *in)
{
    (void)l;
    (void)conn;
    (void)in;
    return XMB_ENOSYS;
}

void s2_link_writable(struct s2_link *l, struct xmb_conn *conn)
{
    (void)l;
    (void)conn;
}

void s2_link_secured(struct s2_link *l, struct xmb_conn *conn)
{
    (void)l;
    (void)conn;
}

void s2_link_expired(struct s2_link *l, struct xmb_conn *conn, uint32_t which)
{
    (void)l;
    (void)conn;
    (void)which;
}

void s2_link_closed(struct s2_link *l, struct xmb_conn *conn, const char *why)
{
    (void)l;
    (void)conn;
    (void)why;
}

void s2_link_drain(struct s2_link *l, struct xmb_conn *conn)
{
    (void)l;
    (void)conn;
}

void s2_link_dial_failed(struct s2_worker *w, void *user, const char *why)
{
    (void)w;
    (void)user;
    (void)why;
}

void s2_link_recheck(struct s2_worker *w)
{
    (void)w;
}

void s2_link_tls_changed(struct s2_worker *w)
{
    (void)w;
}

void s2_link_walk(struct s2_worker *w, void (*fn)(void *arg, const struct s2_connection *c),
                  void *arg)
{
    (void)w;
    (void)fn;
    (void)arg;
}

int s2_link_clear(struct s2_worker *w, uint64_t id)
{
    (void)w;
    (void)id;
    return 0;
}

void s2_flow_recheck(struct s2_worker *w)
{
    (void)w;
}

void s2_flow_drain(struct s2_worker *w, uint64_t deadline_ms)
{
    (void)w;
    (void)deadline_ms;
}

void s2_flow_walk(struct s2_worker *w, void (*fn)(void *arg, const struct s2_flow_facts *f),
                  void *arg)
{
    (void)w;
    (void)fn;
    (void)arg;
}

/* --- streams in both directions: there are none ----------------------------------------------- */

void s2_flow_offered(struct s2_worker *w, enum s2_side side, const struct s2_domain *local,
                     const struct s2_domain *remote)
{
    (void)w;
    (void)side;
    (void)local;
    (void)remote;
}

void s2_link_resume(struct s2_worker *w, xmb_ref ref)
{
    (void)w;
    (void)ref;
}

struct s2_link *s2_link_adopt_incoming(struct s2_worker *w, enum s2_side side,
                                       const struct s2_domain *local,
                                       const struct s2_domain *remote, struct xmb_conn *conn,
                                       uint32_t max_bytes)
{
    (void)w;
    (void)side;
    (void)local;
    (void)remote;
    (void)conn;
    (void)max_bytes;
    return NULL;
}

int s2_link_adopted_answer(struct s2_link *l, struct xmb_str octets)
{
    (void)l;
    (void)octets;
    return XMB_ECLOSED;
}

int s2_link_adopted_owes(const struct s2_link *l)
{
    (void)l;
    return 0;
}

void s2_link_adopted_held(struct s2_link *l, int is_held)
{
    (void)l;
    (void)is_held;
}

void s2_link_adopted_end(struct s2_link *l, enum s2_failure_kind kind, const char *why)
{
    (void)l;
    (void)kind;
    (void)why;
}

int s2_link_adopted_ends(const struct s2_link *l)
{
    (void)l;
    return 0;
}

uint64_t s2_link_adopted_stanzas(const struct s2_link *l)
{
    (void)l;
    return 0;
}

uint64_t s2_link_adopted_stanza_ms(const struct s2_link *l)
{
    (void)l;
    return 0;
}
