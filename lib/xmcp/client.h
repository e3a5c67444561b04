/* SPDX-License-Identifier: MIT */
/*
 * client.h - what the files of the client share, private to libxmcp.
 *
 *   client.c           life of a client, its output, its clock
 *   client_requests.c  the public requests and the table of those that wait for an answer
 *   client_encode.c    what each request and answer looks like on the wire
 *   client_input.c     octets in, integrity, what to do with each message
 *   client_events.c    from a message to an event of the caller
 *
 * Symbols here begin with client_, so the library's export list keeps them inside.
 */
#ifndef XMCP_CLIENT_H
#define XMCP_CLIENT_H

#include "xmcp.h"

#define CLIENT_LIBRARY_NAME "libxmcp/0.1"

#define CLIENT_RESEND_MS 3000
#define CLIENT_SENDINGS_MAX 4
#define CLIENT_NONCE_TRIES_MAX 3
#define CLIENT_KEEPALIVE_DEFAULT_MS 30000
#define CLIENT_KEEPALIVE_MIN_MS 1000 /* a server that asks for less gets this */
#define CLIENT_PAGE_SIZE_DEFAULT 10

/* A new request needs the output below the first, an answer to the server below the second. */
#define CLIENT_OUTPUT_SOFT_BYTES (512u * 1024u)
#define CLIENT_OUTPUT_HARD_BYTES (1024u * 1024u)

/* Everything in a request but the service data: six texts of 255, and change. */
#define CLIENT_OVERHEAD_BYTES 2048u
#define CLIENT_DATA_BYTES_MAX (XMCP_BODY_BYTES_MAX - CLIENT_OVERHEAD_BYTES)

enum client_state { CLIENT_NEW, CLIENT_REGISTERING, CLIENT_REGISTERED, CLIENT_CLOSED };

/*
 * A request without an answer. `number` is in the transaction, followed by the octet `sendings`,
 * so that an answer to any sending of the request finds it.
 */
struct client_request {
    uint32_t number;      /* 0: the slot is free */
    uint8_t method;       /* what was asked; on the wire a 1.0 Keepalive is a Register */
    uint8_t asked;        /* the caller waits for an event; 0 for our own keepalives */
    uint8_t sendings;     /* of any cause; in the transaction */
    uint8_t unanswered;   /* sendings since an answer told us to try with another nonce */
    uint8_t nonce_tries;
    uint64_t due_ms;      /* send again or give up; 0: the next tick sets it */
    uint32_t subscription_id;
    struct xmcp_service service; /* .data is our copy; filters are in .identity */
};

struct client_text {
    uint8_t bytes; /* 0: none */
    char data[XMCP_TEXT_BYTES_MAX];
};

struct client_output {
    uint8_t *data;
    size_t start_bytes; /* sent already */
    size_t used_bytes;  /* end of what is to be sent */
    size_t capacity_bytes;
};

struct client_input {
    uint8_t *data;
    size_t used_bytes;
    size_t capacity_bytes;
};

struct xmcp_client {
    enum client_state state;
    unsigned flags; /* XMCP_CLIENT_* */
    int have_key;
    struct xmcp_mac mac;
    struct xmcp_form form;
    struct client_text name;
    struct client_text label;
    struct client_text user;
    struct client_text nonce;
    uint32_t domain;
    uint32_t page_size;
    xmcp_event_fn on_event;
    void *user_data;

    uint32_t handle;
    uint32_t keepalive_ms;
    uint16_t version_major; /* in force; what we offer until Register is answered */

    uint64_t now_ms;       /* of the last tick */
    uint64_t last_sent_ms; /* of the last message */
    int sent_since_tick;   /* last_sent_ms is set by the next tick */

    uint8_t transaction_salt[7];
    uint32_t next_number;
    struct client_request requests[XMCP_CLIENT_REQUESTS_MAX];
    struct client_input in;
    struct client_output out;
};

/* client.c */

/* Room for `bytes` behind the output, kept below `limit_bytes`. NULL: XMCP_EBUSY or no memory. */
uint8_t *client_output_reserve(struct xmcp_client *c, size_t bytes, size_t limit_bytes);
void client_output_commit(struct xmcp_client *c, size_t bytes);

/* Ends the session: errors for what waits, then CLOSED, all with this reason. Once only. */
void client_close(struct xmcp_client *c, int result, const char *reason);

/* client_requests.c */

/* Finds the request that an answer belongs to; NULL when there is none (any more). */
struct client_request *client_request_find(struct xmcp_client *c,
                                           const uint8_t transaction[XMCP_TRANSACTION_BYTES]);
/* 1 when the transaction was made by this client at all. */
int client_transaction_ours(const struct xmcp_client *c,
                            const uint8_t transaction[XMCP_TRANSACTION_BYTES]);
/* Sends, again with a new transaction when it was sent before. Returns 0 or XMCP_E*. */
int client_request_send(struct xmcp_client *c, struct client_request *r);
/* Frees the slot and its data. */
void client_request_drop(struct client_request *r);
/* Our own requests, without an event. Failure is harmless: the next tick tries again. */
void client_keepalive_own(struct xmcp_client *c);
void client_unsubscribe_own(struct xmcp_client *c, uint32_t subscription_id);

/* client_encode.c */

/* The method on the wire for what was asked. */
unsigned client_wire_method(const struct xmcp_client *c, const struct client_request *r);
/* Writes the request's attributes behind its header. */
void client_put_request(const struct xmcp_client *c, const struct client_request *r,
                        struct xmcp_writer *w);
/* Answers a request of the server; code 0 is success. Returns 0 or XMCP_E*. */
int client_answer(struct xmcp_client *c, const struct xmcp_msg *msg, unsigned code,
                  const char *reason);

/* client_events.c */

void client_event_answered(struct xmcp_client *c, const struct client_request *r,
                           const struct xmcp_msg *msg);
void client_event_refused(struct xmcp_client *c, const struct client_request *r,
                          const struct xmcp_msg *msg);
/* `reason` NULL: what the result says. */
void client_event_failed(struct xmcp_client *c, const struct client_request *r, int result,
                         const char *reason);
void client_event_server(struct xmcp_client *c, enum xmcp_event_type type,
                         const struct xmcp_msg *msg);
void client_event_closed(struct xmcp_client *c, int result, const char *reason);

#endif
