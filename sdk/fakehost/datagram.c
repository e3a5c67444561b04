/* SPDX-License-Identifier: MIT */
/*
 * datagram.c - datagrams: what the test throws in and what the module sent.
 *
 * A socket is there from the first datagram that comes to its <listen> until the host closes, or
 * the test says that it is gone. What arrives lies in a block of its own that is freed when
 * `received` returns, so that a sanitizer sees who looks at it later.
 */
#include "fake_priv.h"

#define SENT_MAX 100000 /* that the test has not taken */

struct xmb_socket {
    struct xmb_socket *next;
    struct xmb_module *module;
    uint32_t listener;
    int is_gone;
};

struct sent {
    struct sent *next;
    struct xmb_module *module;
    struct xmb_fakehost_sent what;
    char octets[];
};

static struct xmb_socket *sockets;
static struct sent *first;
static struct sent **end = &first;
static struct sent *taken;
static size_t waiting;
static int error_now;

static const struct xmb_datagram *role(const struct xmb_module *m)
{
    if (m->plugin->datagram == NULL)
        fake_fail("module %s does not speak in datagrams", m->plugin->name);
    return m->plugin->datagram;
}

static struct xmb_socket *socket_of(struct xmb_module *m, uint32_t listener)
{
    struct xmb_socket *s = sockets;

    while (s != NULL && (s->is_gone || s->module != m || s->listener != listener))
        s = s->next;
    if (s != NULL)
        return s;
    s = fake_alloc(sizeof(*s));
    s->module = m;
    s->listener = listener;
    s->next = sockets;
    sockets = s;
    return s;
}

/* --- the test's side ------------------------------------------------------------------------- */

static struct xmb_addr local_for(const struct xmb_module *m, const struct xmb_addr *remote)
{
    struct xmb_addr local = {.family = 4, .ip = {192, 0, 2, 254}};

    if (remote->family == 6)
        local = (struct xmb_addr){.family = 6, .ip = {0x20, 0x01, 0x0d, 0xb8}};
    local.port = role(m)->default_port;
    return local;
}

void xmb_fakehost_datagram(struct xmb_module *m, uint32_t listener, const struct xmb_addr *remote,
                           const struct xmb_addr *local, struct xmb_str bytes)
{
    struct xmb_datagram_in in = {
        .size = sizeof(in),
        .listener = listener,
        .remote = {.family = 4, .port = 49152, .ip = {192, 0, 2, 1}},
    };
    char *copy = malloc(bytes.n > 0 ? bytes.n : 1);

    if (copy == NULL)
        fake_fail("out of memory");
    if (bytes.n > XMB_DATAGRAM_MAX)
        fake_fail("a datagram of %zu octets; %d are the most", bytes.n, XMB_DATAGRAM_MAX);
    if (!m->is_up)
        fake_fail("a datagram for module %s, which is not configured", m->plugin->name);
    if (remote != NULL)
        in.remote = *remote;
    in.local = local != NULL ? *local : local_for(m, &in.remote);
    if (bytes.n > 0)
        memcpy(copy, bytes.p, bytes.n);
    in.bytes = (struct xmb_str){copy, bytes.n};
    role(m)->received(m->wself, socket_of(m, listener), &in);
    free(copy);
}

int xmb_fakehost_datagram_sent(struct xmb_module *m, struct xmb_fakehost_sent *out)
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

void xmb_fakehost_datagram_error(int error)
{
    error_now = error;
}

static void gone(struct xmb_socket *s)
{
    struct xmb_module *m = s->module;

    if (XMB_HAS(role(m), gone))
        role(m)->gone(m->wself, s);
    s->is_gone = 1; /* not freed yet: who still sends on it is told so */
}

void xmb_fakehost_datagram_gone(struct xmb_module *m, uint32_t listener)
{
    gone(socket_of(m, listener));
}

/* --- the plugin's side ----------------------------------------------------------------------- */

static const struct xmb_socket *usable(const struct xmb_socket *s)
{
    if (s->is_gone)
        fake_fail("a plugin uses a socket after `gone`");
    return s;
}

static int send_(struct xmb_socket *s, const struct xmb_addr *to, const struct xmb_addr *from,
                 struct xmb_str bytes)
{
    struct sent *one;

    usable(s);
    if (to->family != 4 && to->family != 6)
        fake_fail("a plugin sends a datagram to an address of no family");
    if (bytes.n > XMB_DATAGRAM_MAX)
        return XMB_ETOOBIG;
    if (error_now != 0)
        return error_now;
    if (waiting == SENT_MAX)
        return XMB_EAGAIN;
    one = fake_alloc(sizeof(*one) + bytes.n);
    one->module = s->module;
    one->what.listener = s->listener;
    one->what.to = *to;
    if (from != NULL)
        one->what.from = *from;
    if (bytes.n > 0)
        memcpy(one->octets, bytes.p, bytes.n);
    one->what.bytes = (struct xmb_str){one->octets, bytes.n};
    *end = one;
    end = &one->next;
    waiting++;
    return 0;
}

static struct xmb_worker *worker(const struct xmb_socket *s)
{
    usable(s);
    return &fake.worker;
}

/* --- the end --------------------------------------------------------------------------------- */

void fake_sockets_gone(void)
{
    struct xmb_socket *s;

    for (s = sockets; s != NULL; s = s->next)
        if (!s->is_gone)
            gone(s);
}

void fake_sockets_free(void)
{
    while (sockets != NULL) {
        struct xmb_socket *s = sockets;

        sockets = s->next;
        free(s);
    }
    while (first != NULL) {
        struct sent *s = first;

        first = s->next;
        free(s);
    }
    free(taken);
    taken = NULL;
    end = &first;
    waiting = 0;
    error_now = 0;
}

const struct xmb_datagram_api fake_datagram_api = {
    .size = sizeof(fake_datagram_api),
    .rev = 1,
    .send = send_,
    .worker = worker,
};
