/* SPDX-License-Identifier: MIT */
/*
 * barrier_id.c - the id of a barrier: it names this process, the worker and the barrier. "xmb-", 16
 * hex digits that are random and made once, 4 of the worker's number, and the barrier's number. An
 * id with other random digits is the ping of another gateway, whose answer is passed on like any
 * stanza. A peer that knows the digits can only lie about what it read itself.
 *
 * One that begins with "xmb." is activity to nobody: a stream without other stanzas is as idle as
 * before.
 */
#include "barrier_priv.h"

#include <stdio.h>
#include <stdlib.h>

#include "dialback.h"

#define WORKER_CHARS 4u

static int random_u64(uint64_t *out)
{
    char hex[S2_ID + 1];
    int rc = s2_stream_id(hex);

    if (rc != 0)
        return rc;
    hex[16] = '\0';
    *out = strtoull(hex, NULL, 16);
    if (*out == 0)
        *out = 1;
    return 0;
}

/* The first worker's is everybody's, as an answer may come in on any of them. */
int s2_barrier_init(struct s2_flows *fl)
{
    _Atomic uint64_t *shared = &fl->w->module->barrier_nonce;
    uint64_t none = 0, made;
    int rc = random_u64(&fl->random);

    if (rc == 0)
        rc = random_u64(&fl->peer_seed);
    if (rc == 0)
        rc = random_u64(&made);
    if (rc != 0)
        return rc;
    atomic_compare_exchange_strong(shared, &none, made);
    fl->nonce = atomic_load(shared);
    return 0;
}

void s2_barrier_id_write(const struct s2_worker *w, uint64_t number, int is_idle,
                         char id[S2_BARRIER_ID_MAX])
{
    snprintf(id, S2_BARRIER_ID_MAX, S2_BARRIER_PREFIX "%c%016llx%04x%llx",
             is_idle ? S2_BARRIER_MARK_IDLE : S2_BARRIER_MARK_BUSY,
             (unsigned long long)w->flows->nonce, (unsigned)w->index & 0xffffu,
             (unsigned long long)number);
}

/* Reads `n` hex digits, or those that are left; -1 when there is another character or none. */
static int read_hex(struct xmb_str *s, size_t n, uint64_t *out)
{
    uint64_t value = 0;
    size_t i;

    if (n > s->n)
        n = s->n;
    if (n == 0 || n > 16)
        return -1;
    for (i = 0; i < n; i++) {
        char c = s->p[i];

        if (c >= '0' && c <= '9')
            value = value * 16 + (uint64_t)(c - '0');
        else if (c >= 'a' && c <= 'f')
            value = value * 16 + (uint64_t)(c - 'a') + 10;
        else
            return -1;
    }
    *s = xmb_sub(*s, n, s->n);
    *out = value;
    return 0;
}

static int is_bare_domain(struct xmb_str jid)
{
    return jid.n > 0 && memchr(jid.p, '@', jid.n) == NULL && memchr(jid.p, '/', jid.n) == NULL;
}

int s2_barrier_id_read(const struct s2_flows *fl, const struct s2_stanza *s, uint64_t *worker,
                       uint64_t *number)
{
    struct xmb_str id = s->id;
    uint64_t nonce = 0;

    if (s2_barrier_mark(id) == 0 || !is_bare_domain(s->to))
        return 0;
    id = xmb_sub(id, S2_BARRIER_PREFIX_CHARS, id.n);
    return read_hex(&id, S2_BARRIER_NONCE_CHARS, &nonce) == 0 && nonce == fl->nonce &&
           read_hex(&id, WORKER_CHARS, worker) == 0 && read_hex(&id, id.n, number) == 0 &&
           *number != 0;
}

/* A barrier or its answer, of whatever gateway: its mark; else 0. */
static char mark_of(const struct s2_stanza *s)
{
    if (s->kind != S2_IQ || s->type == S2_TYPE_SET || !is_bare_domain(s->from) ||
        !is_bare_domain(s->to))
        return 0;
    return s2_barrier_mark(s->id);
}

int s2_barrier_is_idle(const struct s2_stanza *s)
{
    return mark_of(s) == S2_BARRIER_MARK_IDLE;
}

uint8_t s2_barrier_flags(const struct s2_stanza *s)
{
    char mark = mark_of(s);

    if (mark == S2_BARRIER_MARK_IDLE)
        return S2_ITEM_PROBE | S2_ITEM_IDLE;
    return mark == S2_BARRIER_MARK_BUSY ? S2_ITEM_PROBE : 0;
}
