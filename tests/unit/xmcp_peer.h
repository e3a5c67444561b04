/* SPDX-License-Identifier: MIT */
/*
 * xmcp_peer.h - XMCP clients for the tests of the server plugin, on the SDK's fake host.
 *
 * A test opens a host with the plugin in it, opens peers, lets them say something and looks at
 * what they are told. Whatever a peer does not expect fails the test. Random octets come from here,
 * so that handles, nonces and transaction IDs can be foretold.
 */
#ifndef TEST_XMCP_PEER_H
#define TEST_XMCP_PEER_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <xmb/fakehost.h>

#include "xmcp.h"

extern const struct xmb_plugin xmcp_LTX_xmb_plugin;

struct peer {
    struct xmb_conn *conn;
    const char *user; /* NULL: unauthenticated */
    struct xmcp_mac mac;
    struct xmcp_form form;
    uint16_t major;
    char nonce[256]; /* "" while none is known; put into requests when use_nonce */
    int use_nonce;
    uint32_t handle;
    uint32_t domain;   /* asked for, 0: none */
    uint32_t page_size; /* asked for, UINT32_MAX: none */
    uint32_t sequence; /* of its transactions */
    struct xmcp_writer w;
    uint8_t out[XMCP_FRAME_BYTES_MAX];
    uint8_t in[XMCP_FRAME_BYTES_MAX]; /* the message that was read last */
    struct xmcp_msg msg;              /* decoded */
};

/* Opens the host with the plugin configured so ("<listen/>" is added) and no users. */
struct xmb_module *host_open(const char *settings);
void host_close(void);
int close_host(void **state); /* the same, for a table of tests */
struct xmb_module *host_module(void);
/* A user, password "password of NAME" unless given. Settings: pairs, ended by 0. */
void add_user(const char *name, ...);

/* Random octets come from `source` from now on; NULL: a counter. */
void entropy_from(int (*source)(void *out, size_t bytes));
int xs_entropy(void *out, size_t bytes);

/* Connects. `user` NULL: no credentials. Version 2.0, SHA-1, unpadded, PAGE-SIZE 10. */
void peer_open(struct peer *p, const char *user);
void peer_open_from(struct peer *p, const char *user, const char *ipv4);
/* The same, and through Register with whatever it takes. */
void peer_register(struct peer *p, const char *user);
void peer_registers(struct peer *p); /* one that is open */

/* A request, with handle and nonce as the session has them: begin, put, send. */
void begin(struct peer *p, unsigned method);
void begin_bare(struct peer *p, unsigned method); /* neither handle nor nonce */
void send_request(struct peer *p);                /* signed */
void send_unsigned(struct peer *p);
void send_bytes(struct peer *p, const void *data, size_t bytes);
void send_register(struct peer *p);
void send_publish(struct peer *p, uint16_t subservice, uint32_t version, const char *data);
void send_unpublish(struct peer *p, uint16_t subservice);
void send_subscribe(struct peer *p, uint16_t service, uint16_t subservice);
/* The success to the notification in p->msg. */
void send_notified(struct peer *p);
/* A keepalive and its answer. */
void stay(struct peer *p);

/* Reads the next message into p->msg; fails when there is none, or its integrity is wrong. */
void expect_message(struct peer *p);
void expect(struct peer *p, unsigned method, unsigned msg_class);
void expect_success(struct peer *p, unsigned method);
void expect_error(struct peer *p, unsigned method, unsigned code);
void expect_notify(struct peer *p, uint16_t subservice, uint32_t version);
void expect_withdraw(struct peer *p, uint16_t subservice, uint32_t removed_reason);
/* Reads past notifications, answering them. */
void expect_answer(struct peer *p, unsigned method, unsigned code);
void expect_nothing(struct peer *p);
void expect_open(struct peer *p);
void expect_closed(struct peer *p);

/* An identity of service 101 with that subservice. */
struct xmcp_identity identity_of(uint16_t subservice);
uint64_t metric(const char *name);
/* Runs a command of the module and returns its text. */
const char *command(const char *words, const char *arg1, const char *arg2);
void assert_contains(const char *text, const char *part);

#endif
