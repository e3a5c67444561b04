/* SPDX-License-Identifier: MIT */
/*
 * server.h - what the files of the plugin share: its configuration, its state on a worker, its
 * counters.
 *
 *     inside_dns_plugin.c  descriptor and life
 *     conf.c               the module's element to a struct conf
 *     udp.c, tcp.c         the two ways in and out
 *     answer.c             a query to an answer: the decisions
 *     build.c              records and the packet around them, with ldns
 *     rate.c               how much one source may ask
 */
#ifndef IDNS_SERVER_H
#define IDNS_SERVER_H

#include <ldns/ldns.h>
#include <xmb/xmb.h>

#define IDNS_PORT 53
#define IDNS_XMPP_PORT 5269       /* RFC 6120, 14.7 */
#define IDNS_TTL_S 60             /* a second gateway can take over within a minute */
#define IDNS_GATEWAYS_MAX 8       /* addresses of each family */
#define IDNS_QUERY_BYTES_MAX 4096 /* far more than a question with its options needs */
#define IDNS_EDNS_BYTES 1232      /* fits every path unfragmented */
#define IDNS_PLAIN_BYTES 512      /* without EDNS (RFC 1035, 4.2.1) */
#define IDNS_TCP_MAX 256          /* connections on one worker */
#define IDNS_TCP_IDLE_MS 10000

struct conf {
    struct xmb_addr gateway[2 * IDNS_GATEWAYS_MAX];
    uint32_t gateway_count;
    uint32_t ttl_s;
    uint16_t port;
    uint16_t tls_port;      /* direct TLS; 0: none */
    ldns_rdf *target;       /* name of the gateway; NULL: the domain itself */
    ldns_rdf *nobody;       /* the mailbox in SOA records */
    uint32_t listen_count;
};
/* XMB_ECONF: faults were reported. XMB_ENOMEM. */
int idns_conf_read(const struct xmb_conf *node, struct conf **out);
void idns_conf_free(struct conf *c); /* NULL is fine */

enum metric {
    M_QUERIES_UDP,
    M_QUERIES_TCP,
    M_ANSWERED,
    M_EMPTY,
    M_REFUSED,
    M_MALFORMED,
    M_IGNORED,
    M_TRUNCATED,
    M_LIMITED,
    M_COUNT
};

#define RATE_BUCKETS 1024u
struct rate {
    uint64_t secret;
    struct {
        uint64_t at_ms;
        uint32_t left;
    } bucket[RATE_BUCKETS];
};
int idns_rate_init(struct rate *r); /* XMB_EIO */
/* 1: `source` may ask once more. Never blocks or allocates. */
int idns_rate_take(struct rate *r, const struct xmb_addr *source, uint64_t now_ms);

struct worker {
    struct xmb_worker *w;
    const struct conf *conf;
    uint64_t *cells;
    uint32_t tcp_count;
    struct rate rate;
};

extern const struct xmb_host *idns_host;

static inline void idns_count(struct worker *w, enum metric m)
{
    w->cells[m]++;
}

/* --- answer.c, build.c --- */

/* An answer on the wire. `bytes` 0: none is to be sent. */
struct answer {
    uint8_t *wire; /* malloc'ed */
    size_t bytes;
    enum metric outcome;
    int truncated;
};
/*
 * Answers one query. `over_udp`: no longer than the asker takes. What `out` holds is the caller's
 * to free. Never fails: what goes wrong is no answer. Thread: any, for different `out`.
 */
void idns_answer(const struct conf *c, struct xmb_str query, int over_udp, struct answer *out);
/* The same, asked on worker `w`, with the counting. */
void idns_serve(struct worker *w, struct xmb_str query, int over_udp, struct answer *out);

/* An answer that is being made; `failed` once memory ran out, and all after it is nothing. */
struct build {
    ldns_pkt *pkt;
    const struct conf *conf;
    int failed;
};
/* Begins an answer to `query`: id, flags, question, EDNS. */
void idns_build_begin(struct build *b, const struct conf *c, const ldns_pkt *query,
                      ldns_pkt_rcode rcode);
/* The gateway's addresses of one type (A or AAAA) as those of `owner`. Returns how many. */
size_t idns_build_addresses(struct build *b, ldns_pkt_section section, const ldns_rdf *owner,
                            ldns_rr_type type);
void idns_build_srv(struct build *b, const ldns_rdf *owner, uint16_t port, const ldns_rdf *target);
/* That there is nothing, and for how long that holds (RFC 2308, 3). */
void idns_build_soa(struct build *b, const ldns_rdf *owner);
/* Takes it apart; on success the octets are in `out`. 0: it failed. */
int idns_build_end(struct build *b, struct answer *out);

/* --- udp.c, tcp.c --- */

void idns_received(void *wself, struct xmb_socket *s, const struct xmb_datagram_in *in);
int idns_open(void *wself, struct xmb_conn *conn, void **cs);
int idns_data(void *cs, struct xmb_conn *conn, struct xmb_buf *in);
void idns_expired(void *cs, struct xmb_conn *conn, uint32_t which);
void idns_closed(void *cs, struct xmb_conn *conn, const char *why);

#endif
