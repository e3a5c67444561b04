/* SPDX-License-Identifier: MIT */
/*
 * fakehost.h - a host for the unit tests of a plugin: no sockets, no threads,
 * no real time.
 *
 * Link libxmb-fakehost.a (and libxml2 and libcrypto) with the plugin's objects,
 * and drive the plugin from a plain test program:
 *
 *     xmb_fakehost_open();
 *     m = xmb_fakehost_load(&line_LTX_xmb_plugin);
 *     xmb_fakehost_configure(m, "<greeting text='hello'/>");
 *     c = xmb_fakehost_accept(m, 0, NULL);
 *     xmb_fakehost_feed(c, XMB_STR("ping\r\n"));
 *     xmb_fakehost_run();
 *     ... xmb_fakehost_output(c) ...
 *     xmb_fakehost_close();
 *
 * There is one fake host in a process, with one worker; the control thread and
 * the routing loop are the same thread, the caller's. Nothing is delivered
 * while the plugin is on the stack unless the SDK promises it to be
 * synchronous: posts, offloaded work, publish results, `ready` of
 * subscriptions, late verdicts and `closed` wait for xmb_fakehost_run(). The
 * clock stands still until xmb_fakehost_advance().
 *
 * What it does not do: TLS (secure calls `secured` in the next run, and the test says what
 * the peer's certificate is), dialling (a dial waits until the test connects or refuses
 * it), bounds of mailboxes. A
 * caller's bug (a use after `closed`, a ticket completed twice) aborts with a
 * message, so a fuzzer sees it.
 *
 * Thread: all calls from one thread, except policy->complete, router->resolved and
 * router->resolved_for, which any thread may call.
 *
 * It is linked into the test and makes no binary promise: build tests with the
 * header and the archive of one SDK.
 */
#ifndef XMB_FAKEHOST_H
#define XMB_FAKEHOST_H

#include <xmb/xmb.h>

XMB_BEGIN_DECLS

/* --- life ------------------------------------------------------------------------------------ */

/* Begins an empty host; the clock is at 1,000,000 ms. Aborts when one is open. */
void xmb_fakehost_open(void);
/*
 * Ends it as the broker does: connections are reset, worker_fini, retire and
 * stop of every module run. Aborts, naming them, when owners, subscriptions,
 * tickets or principals are still held after that. All handles are gone.
 */
void xmb_fakehost_close(void);

/* --- modules --------------------------------------------------------------------------------- */

/*
 * Runs `init` of a plugin. Modules stand in policy order as they were loaded.
 * NULL when init failed.
 */
struct xmb_module *xmb_fakehost_load(const struct xmb_plugin *plugin);
/*
 * The first call: prepare, commit, worker_init, worker_conf, start. Later ones are a reload:
 * prepare, commit, worker_conf, retire. `inner` is what stands inside <module>: elements, with
 * line 2 for its first line; the namespace is added. It is checked against the plugin's schema
 * first. XMB_ECONF: see xmb_fakehost_faults; what ran goes on running. Other errors: what the
 * plugin returned.
 */
int xmb_fakehost_configure(struct xmb_module *m, const char *inner);
/* The same with `attributes` ("a='b' c='d'") in the <module> element itself. */
int xmb_fakehost_configure_with(struct xmb_module *m, const char *attributes, const char *inner);
/* prepare, then abort: what `xmbd -t` does. */
int xmb_fakehost_check(struct xmb_module *m, const char *inner);
/* Faults of the last configure or check, "LINE: text\n" each; "" when there were none. */
const char *xmb_fakehost_faults(void);
/* Calls `drain` of the module, of its protocol for each open connection, of its routing role. */
void xmb_fakehost_drain(struct xmb_module *m, uint64_t deadline_ms);
/* 1: the routing role has nothing left to say (or does not offer `drained`). Asks it each time. */
int xmb_fakehost_drained(struct xmb_module *m);
/* What the module returned from worker_init. */
void *xmb_fakehost_wself(const struct xmb_module *m);
/* The worker. */
struct xmb_worker *xmb_fakehost_worker(void);
/* The table that plugins get. */
const struct xmb_host *xmb_fakehost_host(void);

/* --- time and work --------------------------------------------------------------------------- */

/* Monotonic milliseconds of the fake clock. */
uint64_t xmb_fakehost_now_ms(void);
/* Runs what waits until nothing does; returns how much there was. Aborts after 1,000,000 pieces. */
size_t xmb_fakehost_run(void);
/* Moves the clock by `ms`; timers and deadlines fire in their order, with a run after each. */
void xmb_fakehost_advance(uint64_t ms);

/* --- connections ----------------------------------------------------------------------------- */

/*
 * A peer connects to listener `listener` of module `m` from `remote` (NULL:
 * 192.0.2.1, port 49152). NULL when `open` refused it. The handle is the
 * test's until xmb_fakehost_forget or xmb_fakehost_close, also after `closed`.
 * The policy point ACCEPT is not asked: that is the core's business.
 */
struct xmb_conn *xmb_fakehost_accept(struct xmb_module *m, uint32_t listener,
                                     const struct xmb_addr *remote);
/*
 * Octets arrive: they are put behind what the plugin has not taken, and `data` is called once,
 * or later when reading is paused. Returns what `data` returned; when negative, the connection
 * was closed as the core would do it. XMB_ECLOSED when it is closed.
 */
int xmb_fakehost_feed(struct xmb_conn *c, struct xmb_str bytes);
/* Octets that arrived and were not taken. */
size_t xmb_fakehost_unread(const struct xmb_conn *c);
/* All that the plugin wrote and the test has not taken; valid until the next call on `c`. */
struct xmb_str xmb_fakehost_output(const struct xmb_conn *c);
/*
 * Takes `n` octets off the front of the output. When a write was refused with
 * XMB_EAGAIN and the queue is now below half of its bound, `writable` follows in the next run.
 */
void xmb_fakehost_take(struct xmb_conn *c, size_t n);
/* The bound above which writes are refused; 1 MiB unless set. */
void xmb_fakehost_bound(struct xmb_conn *c, size_t bytes);
/*
 * The peer goes away: `closed` is called now, and there info's queued_bytes is what the test has
 * not taken. Nothing when it is closed.
 */
void xmb_fakehost_hangup(struct xmb_conn *c, const char *why);
/* Why it was closed by the plugin, the test or the core's rules; NULL: open. */
const char *xmb_fakehost_closed(const struct xmb_conn *c);
/* 1 when the plugin has paused reading. */
int xmb_fakehost_paused(const struct xmb_conn *c);
/* Frees the handle, hanging up first when it is open. */
void xmb_fakehost_forget(struct xmb_conn *c);
/*
 * The oldest dial that waits comes through: `open` is called. NULL: none waits, or it refused.
 */
struct xmb_conn *xmb_fakehost_connect(struct xmb_module *m);
/* It fails instead: `dial_failed` is called. 0: none waits. */
int xmb_fakehost_refuse(struct xmb_module *m, const char *why);
/* Dials that wait, of all modules. */
size_t xmb_fakehost_dials(void);
/*
 * What was handed to the waiting dial `index`, the oldest being 0; views are valid until it is
 * connected, refused or cancelled. `tls` also says what came as tls_profile and tls_name, and is
 * NULL for plain; `dial_id` is NULL. 0: there are not so many.
 */
int xmb_fakehost_dialled(size_t index, struct xmb_target *target);

/*
 * As xmb_fakehost_accept, on a listener with tls=: TLS is up when `open` is called. A module with
 * XMB_PROTOCOL_OWN_TLS starts it itself: xmb_fakehost_accept is right for it.
 */
struct xmb_conn *xmb_fakehost_accept_tls(struct xmb_module *m, uint32_t listener,
                                         const struct xmb_addr *remote);
/*
 * What tls_peer says on `c` from now on: a copy of `peer`. `c` NULL: on connections that begin
 * later. `peer` NULL, and at first: no certificate (XMB_CERT_MISSING).
 */
void xmb_fakehost_tls_peer(struct xmb_conn *c, const struct xmb_tls_peer *peer);
/*
 * As xmb_fakehost_tls_peer for one connection, but said from the next tls_recheck on. The test
 * calls the module's tls_changed itself.
 */
void xmb_fakehost_tls_rechecked(struct xmb_conn *c, const struct xmb_tls_peer *peer);
/*
 * Answers tls_own from now on, with `own` zeroed but for its size. NULL, and at first: every
 * profile is there, and its certificate covers every name and is good for a year.
 */
typedef int (*xmb_fakehost_own_fn)(const char *profile, const char *name, struct xmb_tls_own *own);
void xmb_fakehost_tls_own(xmb_fakehost_own_fn fn);
/*
 * What was handed to secure, start_tls or the dial; views live as long as the handle. 0: there
 * is no TLS. Nothing is in it for xmb_fakehost_accept_tls.
 */
int xmb_fakehost_secured(const struct xmb_conn *c, struct xmb_tls_setup *setup);
/* What `unacked` answers; 0 at first. */
void xmb_fakehost_unacked(struct xmb_conn *c, size_t bytes);

/* --- policy ---------------------------------------------------------------------------------- */

/*
 * Loaded modules with a policy role are asked as the broker asks them. When
 * none declares a point, the built-in policy answers:
 *   AUTHENTICATE   the table of users below; anonymous as set below
 *   other points   ALLOW, unless xmb_fakehost_verdict says otherwise
 */

/*
 * Adds a user with `password` to the built-in table. Settings are pairs of enum xmb_setting and a
 * value in `settings`, `count` pairs. An empty `username` is the unauthenticated client.
 */
void xmb_fakehost_user(const char *username, const char *password, const uint64_t (*settings)[2],
                       size_t count);
/* The built-in policy answers `points` (bits) with `verdict` and `reason`; 0 ends it. */
void xmb_fakehost_verdict(uint32_t points, uint32_t verdict, uint32_t reason);
/* 1: the built-in policy answers PENDING, and the verdict comes with the next run. */
void xmb_fakehost_late(int late);
/*
 * Asks the chain and runs what waits. Returns XMB_ALLOW or XMB_DENY, or XMB_PENDING when no
 * verdict came: it is written to `*answer`, which must live so long, in a later run, or by
 * advancing 5 s as a late one. The answer's principal is the caller's to release.
 */
int xmb_fakehost_ask(const struct xmb_request *request, struct xmb_answer *answer);
/* References to principals that are alive now. */
size_t xmb_fakehost_principals(void);

/* --- registry and router --------------------------------------------------------------------- */

/* Services in `domain` (0: all). */
size_t xmb_fakehost_services(uint32_t domain);
/* The service, or NULL; valid until the next run. */
const struct xmb_service *xmb_fakehost_service(uint32_t domain, const struct xmb_service_id *id);
/* Open subscriptions and owners. */
size_t xmb_fakehost_subscriptions(void);
size_t xmb_fakehost_owners(void);
/*
 * What a peer broker would say: `publish` comes in as learned, or, with `gone` nonzero (enum
 * xmb_gone), goes. Errors as service->learn.
 */
int xmb_fakehost_learn(const struct xmb_publish *publish, uint32_t gone);
/* From now on publish, unpublish and subscribe answer `error` (XMB_EAGAIN, ...); 0 ends it. */
void xmb_fakehost_registry_error(int error);
/* Routes that `m` gave for `domain`: up to `max` into `out`, views valid until the next run. */
size_t xmb_fakehost_routes(const struct xmb_module *m, struct xmb_str domain,
                           struct xmb_route *out, size_t max);
/*
 * What the system answers about host `name` while no module offers `addresses`: a copy of `count`
 * addresses, at most XMB_ROUTES_MAX; 0: there is no such host, as for those never named here.
 */
void xmb_fakehost_hosts(const char *name, const struct xmb_addr *addresses, size_t count);
/*
 * How long the last answer of a routing module could have been kept: the lowest ttl_s of its
 * routes, or what resolved_for said of a failure (at most 3600). The fake router keeps none.
 */
uint32_t xmb_fakehost_kept_s(void);
/* What router->forget was called with so far, "NAME\n" each, "*" for everything. */
const char *xmb_fakehost_forgotten(void);

/* --- datagrams ------------------------------------------------------------------------------- */

/* A datagram that the module sent. */
struct xmb_fakehost_sent {
    uint32_t listener;
    struct xmb_addr to;
    struct xmb_addr from; /* family 0: the system's choice */
    struct xmb_str bytes;
};

/*
 * A datagram arrives on the socket of <listen> number `listener` of module `m`: `received` is
 * called now. `remote` NULL: 192.0.2.1, port 49152; `local` NULL: 192.0.2.254 or 2001:db8:: by the
 * family of `remote`, with the module's default port. The view that the plugin gets ends there.
 */
void xmb_fakehost_datagram(struct xmb_module *m, uint32_t listener, const struct xmb_addr *remote,
                           const struct xmb_addr *local, struct xmb_str bytes);
/*
 * Takes the oldest datagram that the module sent; 0: there is none. Views are valid until the
 * next take.
 */
int xmb_fakehost_datagram_sent(struct xmb_module *m, struct xmb_fakehost_sent *out);
/* From now on send answers `error` (XMB_EAGAIN, ...); 0 ends it. */
void xmb_fakehost_datagram_error(int error);
/* The socket goes, as with a reload that removes its <listen>: `gone` is called. */
void xmb_fakehost_datagram_gone(struct xmb_module *m, uint32_t listener);

/* --- network interfaces ---------------------------------------------------------------------- */

/*
 * An interface appears, or changes: a copy of `now`. Watches are told now; not when nothing is
 * different. As in the broker one of another name or number is another one: `gone` comes first.
 * There are none at first.
 */
void xmb_fakehost_netif(const struct xmb_netif *now);
/* It goes, with the memberships of raw sockets on it: watches are told now. */
void xmb_fakehost_netif_gone(const char *name);

/* --- raw IP sockets -------------------------------------------------------------------------- */

/* A packet that the module sent. */
struct xmb_fakehost_raw {
    uint8_t protocol;
    uint8_t traffic_class;
    const char *vrf; /* "": none */
    struct xmb_rawip_out out;
};

/*
 * A packet of IP protocol `protocol` arrives: `received` is called now, for each socket of `m` that
 * was started, is of the family of in->remote and of the VRF of interface in->iface, and, when
 * in->local is a group, has joined it there. Returns how many there were. in->size need not be
 * set. The view that the plugin gets ends with each call.
 */
size_t xmb_fakehost_rawip(struct xmb_module *m, uint8_t protocol, const struct xmb_rawip_in *in);
/*
 * Takes the oldest packet that the module sent; 0: there is none. Views are valid until the next
 * take. Where the test has said which interfaces there are, sending asks them: XMB_EIO when
 * the interface is not there or not up, or the source not its own; XMB_ETOOBIG by its MTU.
 */
int xmb_fakehost_rawip_sent(struct xmb_module *m, struct xmb_fakehost_raw *out);
/* 1 when a socket of `m` has joined `group` on that interface. */
int xmb_fakehost_rawip_joined(const struct xmb_module *m, uint32_t iface,
                              const struct xmb_addr *group);
/* Open sockets, of all modules; xmb_fakehost_close aborts when any are left. */
size_t xmb_fakehost_rawips(void);
/* The kernel loses that many packets for each socket of `m`: stats shows them. */
void xmb_fakehost_rawip_drops(struct xmb_module *m, uint64_t packets);
/* From now on open / send answers `error` (XMB_EDENIED, XMB_EAGAIN, ...); 0 ends it. */
void xmb_fakehost_rawip_open_error(int error);
void xmb_fakehost_rawip_send_error(int error);

/* --- what it said ---------------------------------------------------------------------------- */

/* Log lines so far, "LEVEL module object: text\n" each (object "-" when there is none). */
const char *xmb_fakehost_log(void);
void xmb_fakehost_log_clear(void);
/* Level in force; XMB_LOG_DEBUG unless set. A fuzzer sets XMB_LOG_ERROR. */
void xmb_fakehost_log_level(uint32_t level);
/* Value of the module's metric; aborts when it has none of that name. */
uint64_t xmb_fakehost_metric(const struct xmb_module *m, const char *name);
/*
 * Runs the command `words` of the module with `args`. Returns its result; `*text` is
 * "key=value\n" lines, lists as "key[\n" ... "]\n", rows as "{\n" ... "}\n", the error as
 * "error: text\n"; valid until the next command.
 */
int xmb_fakehost_command(struct xmb_module *m, const char *words, const char *const *args,
                         uint32_t arg_count, const char **text);
/*
 * The same text when the command said `later`: 1 once it has called `finish`. One at a time; a
 * command that is run meanwhile ends the test.
 */
int xmb_fakehost_answer(const char **text);

XMB_END_DECLS

#endif
