/* SPDX-License-Identifier: MIT */
/*
 * rawip.c - raw IP sockets: packets that the test throws in, and those that the module sent.
 *
 * Where the test has said which interfaces there are, a packet that is sent is held against them
 * as the kernel would: its interface, its source, its size. What arrives lies in a block of its own
 * that is freed when `received` returns.
 */
#include "fake_priv.h"

#define SOCKETS_MAX 256
#define MEMBERS_MAX 4096
#define SENT_MAX 100000 /* that the test has not taken */

struct member {
    struct member *next;
    uint32_t iface;
    struct xmb_addr group;
};

struct xmb_rawip {
    struct xmb_rawip *next;
    struct xmb_module *module;
    const struct xmb_rawip_ops *ops;
    void *arg;
    uint8_t family, protocol, traffic_class;
    char vrf[XMB_NETIF_NAME_MAX];
    int is_started;
    int is_ended; /* by its module's `end` */
    int is_closed; /* freed when nothing is delivered any more */
    struct member *members;
    struct xmb_rawip_stats stats;
};

struct sent {
    struct sent *next;
    struct xmb_module *module;
    struct xmb_fakehost_raw what;
    char vrf[XMB_NETIF_NAME_MAX];
    char octets[];
};

static struct xmb_rawip *sockets;
static unsigned delivering;
static struct sent *first;
static struct sent **end = &first;
static struct sent *taken;
static size_t waiting;
static int open_error, send_error;

static int is_group(const struct xmb_addr *a)
{
    return a->family == 4 ? (a->ip[0] & 0xf0) == 0xe0 : a->ip[0] == 0xff;
}

/* A zone is the interface again. */
static int same_ip(const struct xmb_addr *a, const struct xmb_addr *b)
{
    return a->family == b->family && memcmp(a->ip, b->ip, sizeof(a->ip)) == 0;
}

static struct member **find_member(struct xmb_rawip *s, uint32_t iface,
                                   const struct xmb_addr *group)
{
    struct member **at = &s->members;

    while (*at != NULL && ((*at)->iface != iface || !same_ip(&(*at)->group, group)))
        at = &(*at)->next;
    return at;
}

static void leave(struct member **at)
{
    struct member *m = *at;

    *at = m->next;
    free(m);
}

static void sweep(void)
{
    struct xmb_rawip **at = &sockets, *s;

    while (delivering == 0 && (s = *at) != NULL) {
        if (!s->is_closed) {
            at = &s->next;
            continue;
        }
        *at = s->next;
        while (s->members != NULL)
            leave(&s->members);
        free(s);
    }
}

/* --- the test's side ------------------------------------------------------------------------- */

static int hears(struct xmb_rawip *s, uint8_t protocol, const struct xmb_rawip_in *in)
{
    const struct xmb_netif *iface = fake_netif(in->iface);

    if (!s->is_started || s->is_ended || s->is_closed || s->protocol != protocol ||
        s->family != in->remote.family)
        return 0;
    if (iface != NULL && strcmp(iface->vrf, s->vrf) != 0)
        return 0;
    return !is_group(&in->local) || *find_member(s, in->iface, &in->local) != NULL;
}

static void deliver(struct xmb_rawip *s, const struct xmb_rawip_in *in)
{
    struct xmb_rawip_in given = *in;
    char *copy = malloc(in->bytes.n > 0 ? in->bytes.n : 1);

    if (copy == NULL)
        fake_fail("out of memory");
    if (in->bytes.n > 0)
        memcpy(copy, in->bytes.p, in->bytes.n);
    given.size = sizeof(given);
    given.bytes = (struct xmb_str){copy, in->bytes.n};
    s->stats.received++;
    s->ops->received(s->arg, &given);
    free(copy);
}

size_t xmb_fakehost_rawip(struct xmb_module *m, uint8_t protocol, const struct xmb_rawip_in *in)
{
    struct xmb_rawip *s;
    size_t n = 0;

    if (in->remote.family != in->local.family || in->iface == 0 || in->hops > 255)
        fake_fail("no such packet can arrive");
    delivering++;
    for (s = sockets; s != NULL; s = s->next)
        if (s->module == m && hears(s, protocol, in)) {
            deliver(s, in);
            n++;
        }
    delivering--;
    sweep();
    return n;
}

int xmb_fakehost_rawip_sent(struct xmb_module *m, struct xmb_fakehost_raw *out)
{
    struct sent **at = &first;
    struct sent *s;

    while (*at != NULL && (*at)->module != m)
        at = &(*at)->next;
    if ((s = *at) == NULL)
        return 0;
    *at = s->next;
    if (s->next == NULL)
        end = at;
    waiting--;
    free(taken);
    taken = s;
    *out = s->what;
    return 1;
}

int xmb_fakehost_rawip_joined(const struct xmb_module *m, uint32_t iface,
                              const struct xmb_addr *group)
{
    struct xmb_rawip *s;

    for (s = sockets; s != NULL; s = s->next)
        if (s->module == m && !s->is_closed && *find_member(s, iface, group) != NULL)
            return 1;
    return 0;
}

size_t xmb_fakehost_rawips(void)
{
    const struct xmb_rawip *s;
    size_t n = 0;

    for (s = sockets; s != NULL; s = s->next)
        n += !s->is_closed;
    return n;
}

void xmb_fakehost_rawip_drops(struct xmb_module *m, uint64_t packets)
{
    struct xmb_rawip *s;

    for (s = sockets; s != NULL; s = s->next)
        if (s->module == m)
            s->stats.receive_drops += packets;
}

void xmb_fakehost_rawip_open_error(int error)
{
    open_error = error;
}

void xmb_fakehost_rawip_send_error(int error)
{
    send_error = error;
}

void fake_rawip_left(uint32_t iface)
{
    struct xmb_rawip *s;

    for (s = sockets; s != NULL; s = s->next) {
        struct member **at = &s->members;

        while (*at != NULL)
            if ((*at)->iface == iface)
                leave(at);
            else
                at = &(*at)->next;
    }
}

/* --- the plugin's side: life ----------------------------------------------------------------- */

static int is_sound(const struct xmb_rawip_spec *spec, const struct xmb_rawip_ops *ops)
{
    static const uint8_t kernels[] = {0, 1, 6, 17, 58, 255};

    if (!XMB_HAS(ops, received))
        fake_fail("a raw socket without `received`");
    return spec->size >= sizeof(*spec) && (spec->family == 4 || spec->family == 6) &&
           memchr(kernels, spec->protocol, sizeof(kernels)) == NULL &&
           spec->vrf.n < XMB_NETIF_NAME_MAX;
}

static int open_(struct xmb_module *module, const struct xmb_rawip_spec *spec,
                 const struct xmb_rawip_ops *ops, void *arg, struct xmb_rawip **out)
{
    struct xmb_rawip *s;

    if (!is_sound(spec, ops))
        return XMB_EINVAL;
    if (open_error != 0)
        return open_error;
    if (!(module->plugin->flags & XMB_PLUGIN_RAW_IP))
        return XMB_EDENIED;
    if (xmb_fakehost_rawips() == SOCKETS_MAX)
        return XMB_ELIMIT;
    s = fake_alloc(sizeof(*s));
    s->module = module;
    s->ops = ops;
    s->arg = arg;
    s->family = spec->family;
    s->protocol = spec->protocol;
    s->traffic_class = spec->traffic_class;
    if (spec->vrf.n > 0)
        memcpy(s->vrf, spec->vrf.p, spec->vrf.n);
    s->next = sockets;
    sockets = s;
    *out = s;
    return 0;
}

static void check_open(const struct xmb_rawip *s)
{
    if (s->is_closed)
        fake_fail("a plugin uses a raw socket after close");
}

static int start(struct xmb_rawip *s)
{
    check_open(s);
    s->is_started = 1;
    return 0;
}

static void close_(struct xmb_rawip *s)
{
    if (s == NULL)
        return;
    check_open(s);
    s->is_closed = 1;
    sweep();
}

/* --- the plugin's side: packets -------------------------------------------------------------- */

static int join(struct xmb_rawip *s, uint32_t iface, const struct xmb_addr *group,
                uint32_t is_member)
{
    struct member **at = find_member(s, iface, group), *m;
    size_t n = 0;

    check_open(s);
    if (group->family != s->family || !is_group(group) || iface == 0)
        return XMB_EINVAL;
    if (!is_member || *at != NULL) {
        if (!is_member && *at != NULL)
            leave(at);
        return 0;
    }
    if (fake_netif_any() && fake_netif(iface) == NULL)
        return XMB_ENOENT;
    for (m = s->members; m != NULL; m = m->next)
        n++;
    if (n == MEMBERS_MAX)
        return XMB_ELIMIT;
    m = fake_alloc(sizeof(*m));
    m->iface = iface;
    m->group = *group;
    m->next = s->members;
    s->members = m;
    return 0;
}

static int is_sendable(const struct xmb_rawip *s, const struct xmb_rawip_out *out)
{
    const struct xmb_addr *to = &out->remote;

    if (out->size < sizeof(*out) || to->family != s->family || out->hops < 1 || out->hops > 255 ||
        (out->local.family != 0 && out->local.family != s->family) ||
        (out->flags & ~(uint32_t)XMB_RAWIP_ON_LINK) != 0)
        return 0;
    if (is_group(to))
        return out->iface != 0;
    return to->family == 4 || !(out->flags & XMB_RAWIP_ON_LINK) ||
           (to->ip[0] == 0xfe && (to->ip[1] & 0xc0) == 0x80);
}

/* What the kernel would say of an interface. */
static int kernel_says(const struct xmb_rawip_out *out)
{
    const struct xmb_netif *iface = fake_netif(out->iface);
    uint32_t header = out->remote.family == 4 ? 20 : 40;
    uint32_t i;

    if (!fake_netif_any() || out->iface == 0)
        return 0;
    if (iface == NULL || !(iface->flags & XMB_NETIF_UP))
        return XMB_EIO;
    if (out->bytes.n + header > iface->mtu_bytes)
        return XMB_ETOOBIG;
    for (i = 0; i < iface->addr_count; i++)
        if (same_ip(&xmb_netif_addr_at(iface, i)->addr, &out->local))
            return 0;
    return out->local.family == 0 ? 0 : XMB_EIO;
}

static void keep(struct xmb_rawip *s, const struct xmb_rawip_out *out)
{
    struct sent *one = fake_alloc(sizeof(*one) + out->bytes.n);

    one->module = s->module;
    memcpy(one->vrf, s->vrf, sizeof(one->vrf));
    one->what = (struct xmb_fakehost_raw){
        .protocol = s->protocol,
        .traffic_class = s->traffic_class,
        .vrf = one->vrf,
        .out = *out,
    };
    if (out->bytes.n > 0)
        memcpy(one->octets, out->bytes.p, out->bytes.n);
    one->what.out.bytes = (struct xmb_str){one->octets, out->bytes.n};
    *end = one;
    end = &one->next;
    waiting++;
}

static int send_(struct xmb_rawip *s, const struct xmb_rawip_out *out)
{
    int rc = send_error;

    check_open(s);
    if (!is_sendable(s, out))
        return XMB_EINVAL;
    if (rc == 0)
        rc = kernel_says(out);
    if (rc == 0 && waiting == SENT_MAX)
        rc = XMB_EAGAIN;
    if (rc < 0) {
        s->stats.send_fails++;
        return rc;
    }
    s->stats.sent++;
    keep(s, out);
    return 0;
}

static void stats(const struct xmb_rawip *s, struct xmb_rawip_stats *out)
{
    uint32_t size = out->size < sizeof(*out) ? out->size : (uint32_t)sizeof(*out);

    check_open(s);
    memcpy(out, &s->stats, size);
    out->size = size;
}

/* --- the end --------------------------------------------------------------------------------- */

void fake_rawip_end(const struct xmb_module *m)
{
    struct xmb_rawip *s;

    for (s = sockets; s != NULL; s = s->next)
        if (s->module == m)
            s->is_ended = 1;
}

void fake_rawip_free(void)
{
    struct sent *s;

    while ((s = first) != NULL) {
        first = s->next;
        free(s);
    }
    free(taken);
    taken = NULL;
    end = &first;
    waiting = 0;
    open_error = 0;
    send_error = 0;
}

const struct xmb_rawip_api fake_rawip_api = {
    .size = sizeof(fake_rawip_api),
    .rev = 1,
    .open = open_,
    .start = start,
    .join = join,
    .send = send_,
    .stats = stats,
    .close = close_,
};
