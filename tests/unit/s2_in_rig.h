/* SPDX-License-Identifier: MIT */
/*
 * s2_in_rig.h - the gateway on the fake host for tests of incoming streams: a.test and
 * rooms.a.test are local, b.test and all others are foreign; links and flows are those of
 * s2_fakes.h.
 *
 * The default configuration has no-tls on both sides, so that a stream is open after its header.
 * Tests of TLS give their own. A test fails at once when what it expects is not there.
 */
#ifndef S2_IN_RIG_H
#define S2_IN_RIG_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <xmb/fakehost.h>

#include "incoming.h"
#include "s2_fakes.h"

/* Listeners: 0 outside, 1 inside, and with RIG_DIRECT 2 outside with direct TLS. */
#define RIG_LISTENS "<listen side='outside' tls='o'/><listen side='inside' tls='i'/>"
#define RIG_DIRECT "<listen side='outside' tls='o' direct-tls='yes' port='5270'/>"
#define RIG_LOCALS                                                                                 \
    "<local-domain name='a.test'><server address='10.0.0.5'/></local-domain>"                      \
    "<local-domain name='rooms.a.test'><server address='10.0.0.5'/></local-domain>"
#define RIG_SECRETS                                                                                \
    "<dialback side='outside' secret='outer'/><dialback side='inside' secret='inner'/>"
#define RIG_MODES(outside, inside)                                                                 \
    "<security side='outside' " outside "/><security side='inside' " inside "/>"
#define RIG_PLAIN RIG_MODES("mode='no-tls'", "mode='no-tls'")
#define RIG_OPTIONAL RIG_DIRECT RIG_MODES("mode='tls-optional'", "mode='tls-optional'")
#define RIG_REQUIRED RIG_DIRECT RIG_MODES("mode='tls-required'", "mode='tls-required'")
#define RIG_BASE RIG_LISTENS RIG_LOCALS RIG_SECRETS

enum { OUT = 0, IN = 1, DIRECT = 2 };

extern struct xmb_module *rig_module;

int rig_begin(void **state); /* with RIG_BASE RIG_PLAIN */
int rig_begin_required(void **state); /* with RIG_BASE RIG_REQUIRED */
int rig_end(void **state);
void rig_configure(const char *inner); /* again, or for the first time in this test */

/*
 * A connection to a listener, with a header where the names are given (NULL: that attribute is
 * not there).
 */
struct xmb_conn *rig_connect(unsigned listener);
struct xmb_conn *rig_connect_from(unsigned listener, unsigned host);
void rig_header(struct xmb_conn *c, const char *from, const char *to);
/* Connects, says hello, and forgets the answer: an open stream without TLS. */
struct xmb_conn *rig_stream(unsigned listener, const char *from, const char *to);
/* The same, and the pair is verified by dialback. */
struct xmb_conn *rig_verified(unsigned listener, const char *from, const char *to);
/* STARTTLS and the second header. */
void rig_secure(struct xmb_conn *c, const char *from, const char *to);
/* A stream behind STARTTLS and its second header. */
struct xmb_conn *rig_secure_stream(unsigned listener, const char *from, const char *to);
/* db:result of a pair on `c`; answers nothing. */
void rig_result(struct xmb_conn *c, const char *from, const char *to);
/* The newest question of step 2 is answered. */
void rig_answer(enum s2_ask_result r, enum s2_condition c);
/*
 * A peer's certificate on connections to come: the DNS names it has, up to NULL. `fault`: enum
 * xmb_cert_fault.
 */
void rig_certificate(uint32_t fault, const char *name, const char *another);

void rig_feed(struct xmb_conn *c, const char *text);
/* What was sent since the last call, NUL-terminated; valid until the next. */
const char *rig_said(struct xmb_conn *c);
/* It was said since the last call of rig_said, which this is. */
void rig_expect(struct xmb_conn *c, const char *part);
void rig_expect_not(struct xmb_conn *c, const char *part);
/* A stream error of that name was sent, with the end tag, and the connection was closed. */
void rig_expect_error(struct xmb_conn *c, const char *condition);
int rig_is_open(struct xmb_conn *c);
/* The id of the newest header that was sent on any stream. */
const char *rig_id(void);
uint64_t rig_metric(const char *name);

#endif
