/* SPDX-License-Identifier: MIT */
/*
 * pack.c - the one copy that is made of a stanza: into a slab, together with others that came in
 * the same turn.
 *
 * A slab holds stanzas of one way only, or one that is delivered would keep the room of another
 * that waits; and the slabs of a turn grow with what that way has had in it: the first is as large
 * as its stanza, the next three times all before. So what a queue holds in memory is at most four
 * times what it counts, and a run of stanzas costs one allocation for dozens. At the end of the
 * turn the slab is given up: those whose stanzas lie in it hold it, other workers perhaps, and
 * nothing is written into it any more.
 */
#include "flow_priv.h"

#define SLAB_BYTES (16u << 10)

static uint32_t next_capacity(const struct s2_flows *fl, size_t n)
{
    uint64_t grown = s2_least(3 * (fl->slab_packed - n), SLAB_BYTES); /* without this one */

    return n > grown ? (uint32_t)n : (uint32_t)grown;
}

static int pack(struct s2_flows *fl, const void *way, size_t n, struct xmb_slab **slab, char **p)
{
    struct xmb_slab *fresh;
    uint32_t capacity;

    if (n > UINT32_MAX / 2)
        return XMB_ETOOBIG;
    if (fl->slab_way != way)
        s2_pack_flush(fl);
    fl->slab_way = way;
    fl->slab_packed += n;
    if (fl->slab == NULL || n > fl->slab_left) {
        capacity = next_capacity(fl, n);
        fresh = s2_host->buf->slab_new(capacity);
        if (fresh == NULL)
            return XMB_ENOMEM;
        if (capacity - n < fl->slab_left) { /* what is being filled has more room than this */
            *slab = fresh;
            *p = (char *)s2_host->buf->slab_data(fresh);
            return 0;
        }
        s2_host->buf->slab_release(fl->slab);
        fl->slab = fresh;
        fl->slab_p = s2_host->buf->slab_data(fresh);
        fl->slab_left = capacity;
    }
    *slab = s2_host->buf->slab_hold(fl->slab);
    *p = (char *)fl->slab_p;
    fl->slab_p += n;
    fl->slab_left -= (uint32_t)n;
    return 0;
}

int s2_pack_stanza(struct s2_worker *w, const void *way, const struct s2_stanza *s,
                   struct s2_item *it)
{
    size_t n = s->raw.n + s->insert.n, at = s->insert_at;
    char *p;
    int rc;

    memset(it, 0, sizeof(*it));
    rc = pack(w->flows, way, n, &it->slab, &p);
    if (rc != 0)
        return rc;
    if (s->insert.n == 0) {
        memcpy(p, s->raw.p, n);
    } else {
        memcpy(p, s->raw.p, at);
        memcpy(p + at, s->insert.p, s->insert.n);
        memcpy(p + at + s->insert.n, s->raw.p + at, s->raw.n - at);
    }
    it->p = p;
    it->n = (uint32_t)n;
    it->kind = (uint8_t)s->kind;
    it->type = (uint8_t)s->type;
    it->flags = s2_barrier_flags(s);
    return 0;
}

void s2_pack_flush(struct s2_flows *fl)
{
    s2_host->buf->slab_release(fl->slab);
    fl->slab = NULL;
    fl->slab_way = NULL;
    fl->slab_left = 0;
    fl->slab_packed = 0;
}
