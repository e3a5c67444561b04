/* SPDX-License-Identifier: MIT */
/*
 * udp-echo.c - a plugin that speaks in datagrams and in nothing else: it sends each one back from
 * where it came to, behind the number of its <listen>, and "gone" to its last peer when the
 * socket goes.
 */
#include <stdio.h>
#include <stdlib.h>
#include <xmb/xmb.h>

static const struct xmb_host *host;

#define LISTENS_MAX 8

/* On one worker. */
struct peers {
    struct xmb_socket *socket[LISTENS_MAX];
    struct xmb_addr remote[LISTENS_MAX];
    struct xmb_addr local[LISTENS_MAX];
};

static int echo_init(const struct xmb_host *h, struct xmb_module *module, void **self)
{
    host = h;
    *self = module;
    return XMB_HAS(h, datagram) ? 0 : XMB_EVERSION;
}

static int echo_worker_init(void *self, struct xmb_worker *worker, void **wself)
{
    (void)self;
    (void)worker;
    *wself = calloc(1, sizeof(struct peers));
    return *wself != NULL ? 0 : XMB_ENOMEM;
}

static void echo_worker_fini(void *wself)
{
    free(wself);
}

static void echo_received(void *wself, struct xmb_socket *s, const struct xmb_datagram_in *in)
{
    struct peers *peers = wself;
    char answer[600];
    int n = snprintf(answer, sizeof answer, "%u %.*s", in->listener,
                     (int)(in->bytes.n < 500 ? in->bytes.n : 500), in->bytes.p);

    if (in->listener < LISTENS_MAX) {
        peers->socket[in->listener] = s;
        peers->remote[in->listener] = in->remote;
        peers->local[in->listener] = in->local;
    }
    host->datagram->send(s, &in->remote, &in->local, (struct xmb_str){answer, (size_t)n});
}

static void echo_gone(void *wself, struct xmb_socket *s)
{
    struct peers *peers = wself;
    int i;

    for (i = 0; i < LISTENS_MAX; i++)
        if (peers->socket[i] == s) {
            host->datagram->send(s, &peers->remote[i], &peers->local[i], XMB_STR("gone"));
            peers->socket[i] = NULL;
            return;
        }
}

static const char schema[] =
    "<grammar xmlns='http://relaxng.org/ns/structure/1.0'><start><zeroOrMore>"
    "<parentRef name='listen'/></zeroOrMore></start></grammar>";

static const struct xmb_module_ops ops = {.size = sizeof ops, .init = echo_init,
    .worker_init = echo_worker_init, .worker_fini = echo_worker_fini};
static const struct xmb_datagram datagram = {.size = sizeof datagram, .default_port = 7,
    .received = echo_received, .gone = echo_gone};

XMB_PLUGIN_NAMED(udp_echo, "udp-echo", .version = "1.0", .summary = "for tests",
                 .abi_need = 2, .schema = schema, .schema_bytes = sizeof schema - 1, .ops = &ops,
                 .datagram = &datagram);
