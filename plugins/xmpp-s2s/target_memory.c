/* SPDX-License-Identifier: MIT */
/*
 * target_memory.c - what a worker remembers of targets: those that failed a short while ago are
 * tried after their equals, and those that are our own listeners are never dialled (rule G2).
 *
 * The memory is small and forgets by being overwritten: it only changes an order.
 */
#include "link_priv.h"

static uint64_t mix(uint64_t h, const void *p, size_t n)
{
    const unsigned char *at = p;

    while (n-- > 0)
        h = (h ^ *at++) * UINT64_C(1099511628211); /* FNV-1a */
    return h;
}

uint64_t s2_target_key(const struct s2_target *t)
{
    uint64_t h = mix(UINT64_C(14695981039346656037), &t->port, sizeof(t->port));

    if (t->host != NULL)
        return mix(h, t->host, strlen(t->host)) | 1;
    return mix(h, t->addr[0].ip, sizeof(t->addr[0].ip)) | 1;
}

static struct s2_failed *place(struct s2_worker *w, uint64_t key)
{
    return &w->links->failed[(key >> 8) % LINK_FAILED_MAX];
}

int s2_target_failed_lately(struct s2_worker *w, uint64_t key)
{
    const struct s2_failed *f = place(w, key);

    return f->key == key && f->until_ms > s2_now_ms(w);
}

void s2_target_failed(struct s2_worker *w, uint64_t key)
{
    *place(w, key) = (struct s2_failed){key, s2_now_ms(w) + LINK_FAILED_MS};
}

void s2_target_good(struct s2_worker *w, uint64_t key)
{
    struct s2_failed *f = place(w, key);

    if (f->key == key)
        f->key = 0;
}

/* --- ourselves ------------------------------------------------------------------------------- */

static int same_ip(const struct xmb_addr *a, const struct xmb_addr *b)
{
    return a->family == b->family && memcmp(a->ip, b->ip, sizeof(a->ip)) == 0;
}

static int is_any(const struct xmb_addr *a)
{
    static const uint8_t zeros[16];

    return memcmp(a->ip, zeros, sizeof(zeros)) == 0;
}

/* 1: `text` is an address of one interface. */
static int read_address(const char *text, struct xmb_addr *out)
{
    char bracketed[XMB_ADDR_TEXT_MAX] = "[";
    struct s2_domain d;
    size_t n = text != NULL ? strlen(text) : 0;

    if (n == 0 || n > sizeof(bracketed) - 3)
        return 0;
    memcpy(bracketed + 1, text, n);
    bracketed[n + 1] = ']';
    if (s2_domain_read(strchr(text, ':') != NULL ? xmb_str_n(bracketed, n + 2) : xmb_str(text),
                       &d) < 0)
        return 0;
    return s2_domain_is_ip(&d, out) && !is_any(out);
}

/*
 * A listener on every address is ours where both ends of the connection are the same host,
 * which shows when it is connected: the system takes the address that was dialled as our own
 * end too.
 */
int s2_target_is_own(const struct s2_worker *w, const struct xmb_addr *to,
                     const struct xmb_addr *from)
{
    const struct s2_conf *c = w->conf;
    struct xmb_addr at;
    size_t i;

    for (i = 0; i < c->listen_count; i++) {
        const struct s2_listen *listen = &c->listens[i];

        if (listen->component >= 0 || listen->port == 0 || listen->port != to->port)
            continue;
        if (read_address(listen->address, &at) ? same_ip(&at, to)
                                               : from != NULL && same_ip(from, to))
            return 1;
    }
    return 0;
}
