/* SPDX-License-Identifier: MIT */
/*
 * udp.c - queries in datagrams: one in, at most one out, from the address that was asked.
 */
#include "server.h"

#include <stdlib.h>

void idns_received(void *wself, struct xmb_socket *s, const struct xmb_datagram_in *in)
{
    struct worker *w = wself;
    struct answer answer;

    if (!idns_rate_take(&w->rate, &in->remote, idns_host->worker->now_ms(w->w))) {
        idns_count(w, M_LIMITED);
        return;
    }
    idns_serve(w, in->bytes, 1, &answer);
    if (answer.bytes > 0) /* what the kernel does not take is asked again */
        idns_host->datagram->send(s, &in->remote, &in->local,
                                  (struct xmb_str){(const char *)answer.wire, answer.bytes});
    free(answer.wire);
}
