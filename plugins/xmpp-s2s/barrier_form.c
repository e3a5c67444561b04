/* SPDX-License-Identifier: MIT */
/*
 * barrier_form.c - how the id of a barrier looks, of whatever gateway: "xmb", a mark, and 16 hex
 * digits with more of them behind. What they mean is barrier_id.c's.
 */
#include "barrier_priv.h"

static int is_hex(struct xmb_str s)
{
    size_t i;

    for (i = 0; i < s.n; i++)
        if ((s.p[i] < '0' || s.p[i] > '9') && (s.p[i] < 'a' || s.p[i] > 'f'))
            return 0;
    return 1;
}

char s2_barrier_mark(struct xmb_str id)
{
    if (id.n < S2_BARRIER_PREFIX_CHARS + S2_BARRIER_NONCE_CHARS ||
        memcmp(id.p, S2_BARRIER_PREFIX, S2_BARRIER_PREFIX_CHARS - 1) != 0 ||
        !is_hex(xmb_sub(id, S2_BARRIER_PREFIX_CHARS, id.n)))
        return 0;
    return id.p[S2_BARRIER_PREFIX_CHARS - 1];
}

int s2_barrier_id_is_idle(struct xmb_str id)
{
    return s2_barrier_mark(id) == S2_BARRIER_MARK_IDLE;
}
