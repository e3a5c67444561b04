/* SPDX-License-Identifier: MIT */
/*
 * tcp.c - queries on connections: each in a frame of two octets of length (RFC 1035, 4.2.2).
 *
 * Queries are answered one by one as they come. Who is silent for ten seconds, does not read the
 * answers, or sends what is no query, is cut off: a resolver just connects again.
 */
#include "server.h"

#include <stdlib.h>

int idns_open(void *wself, struct xmb_conn *conn, void **cs)
{
    struct worker *w = wself;

    if (w->tcp_count == IDNS_TCP_MAX) {
        idns_count(w, M_LIMITED);
        return XMB_EDENIED;
    }
    w->tcp_count++;
    *cs = w;
    idns_host->conn->deadline(conn, XMB_DEADLINE_IDLE, IDNS_TCP_IDLE_MS);
    return 0;
}

/* XMB_EPROTO: nothing can follow. */
static int serve(struct worker *w, struct xmb_conn *conn, struct xmb_str query)
{
    struct answer answer;
    uint8_t length[2];
    int rc = XMB_EPROTO;

    idns_serve(w, query, 0, &answer);
    if (answer.bytes > 0) {
        struct xmb_part parts[2] = {
            {.p = (const char *)length, .n = sizeof(length)},
            {.p = (const char *)answer.wire, .n = answer.bytes},
        };

        length[0] = (uint8_t)(answer.bytes >> 8);
        length[1] = (uint8_t)answer.bytes;
        rc = idns_host->conn->write_parts(conn, parts, 2);
    }
    free(answer.wire);
    return rc;
}

int idns_data(void *cs, struct xmb_conn *conn, struct xmb_buf *in)
{
    struct worker *w = cs;
    struct xmb_str frame;
    size_t bytes;
    int rc = 0;

    while (rc == 0 && idns_host->buf->peek(in, 2, &frame) == 0) {
        bytes = (size_t)(uint8_t)frame.p[0] << 8 | (uint8_t)frame.p[1];
        if (bytes > IDNS_QUERY_BYTES_MAX)
            return XMB_EPROTO;
        rc = idns_host->buf->peek(in, bytes + 2, &frame);
        if (rc == XMB_EAGAIN)
            return 0;
        if (rc < 0)
            return rc;
        rc = serve(w, conn, xmb_sub(frame, 2, frame.n));
        if (rc == 0)
            idns_host->buf->drop(in, bytes + 2);
    }
    return rc;
}

void idns_expired(void *cs, struct xmb_conn *conn, uint32_t which)
{
    (void)cs;
    (void)which;
    idns_host->conn->close(conn, "silent for 10 s");
}

void idns_closed(void *cs, struct xmb_conn *conn, const char *why)
{
    struct worker *w = cs;

    (void)conn;
    (void)why;
    w->tcp_count--;
}
