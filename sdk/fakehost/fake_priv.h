/* SPDX-License-Identifier: MIT */
/*
 * fake_priv.h - the parts of the fake host, for its own files.
 *
 *     host.c      modules: load, configure, drain, close; the root table
 *     work.c      what waits to run, the clock, timers, posts
 *     say.c       log, metrics, answers of commands
 *     conf.c      configuration nodes from an XML text, schema check
 *     buf.c       slabs, input chains
 *     conn.c      connections: what the test does to them
 *     conn_api.c  connections: what the plugin does to them
 *     conn_dial.c dials
 *     conn_tls.c  what TLS would have said
 *     policy.c    the chain, built-in policy, late verdicts
 *     principal.c principals
 *     registry.c  services and owners
 *     subscribe.c subscriptions
 *     router.c    routes
 *     lookup.c    questions about domains and hosts
 *     datagram.c  datagrams in and out
 *     rawip.c     raw IP sockets: packets in and out
 *     netif.c     network interfaces
 *
 * Everything is reached from one static struct, because the SDK's tables
 * have no argument that could say which host is meant. Nothing here is fast.
 */
#ifndef FAKE_PRIV_H
#define FAKE_PRIV_H

#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <xmb/fakehost.h>

#define FAKE_MODULES_MAX 16
#define FAKE_WORK_MAX 1000000

/* Ends the program: a caller's bug. */
void fake_fail(const char *format, ...) XMB_PRINTF(1, 2) __attribute__((noreturn));
void *fake_alloc(size_t bytes); /* zeroed; ends the program when there is none */

/* Growing text or octets; NUL behind the last one. */
struct fake_text {
    char *p;
    size_t n;
    size_t cap;
};
void fake_text_add(struct fake_text *t, const void *p, size_t n);
void fake_text_printf(struct fake_text *t, const char *format, ...) XMB_PRINTF(2, 3);
void fake_text_vprintf(struct fake_text *t, const char *format, va_list args) XMB_PRINTF(2, 0);
const char *fake_text_get(const struct fake_text *t); /* never NULL */
void fake_text_clear(struct fake_text *t);
void fake_text_free(struct fake_text *t);

/* --- work.c --- */

/* Queues `fn(arg)` for the next run. Thread: any. */
void fake_work(void (*fn)(void *arg), void *arg);
/* The same, with `dropped(arg)` instead when the host closes first; it may be NULL. */
void fake_work_or(void (*fn)(void *arg), void (*dropped)(void *arg), void *arg);

struct fake_timer {
    struct fake_timer *next;
    struct fake_timer *prev;
    int running;
    uint64_t due_ms;
    void (*fn)(struct fake_timer *t);
};
void fake_timer_start(struct fake_timer *t, uint64_t delay_ms);
void fake_timer_stop(struct fake_timer *t);
void fake_work_drop(void); /* all that waits is dropped */
void fake_timers_free(void); /* timers that plugins left */
/* A timer of the routing loop, as router->timer; those of a module go after its `end`. */
struct xmb_timer *fake_routing_timer(struct xmb_module *module, void (*fn)(void *arg), void *arg);
void fake_routing_timers_end(const struct xmb_module *m);
extern const struct xmb_worker_api fake_worker_api;
extern const struct xmb_timer_api fake_timer_api;

/* --- conf.c --- */

/* NULL: a fault was reported. */
struct xmb_conf *fake_conf_read(const struct xmb_module *m, const char *attributes,
                                const char *inner);
void fake_conf_free(struct xmb_conf *root);
extern const struct xmb_conf_api fake_conf_api;

/* --- the rest --- */

struct xmb_module {
    uint32_t index;
    const struct xmb_plugin *plugin;
    void *self;
    void *wself;
    void *conf;             /* current */
    struct xmb_conf *nodes; /* they belong to */
    int is_up;              /* worker_init has run */
    uint64_t *cells;
};

struct xmb_worker {
    uint32_t index;
};


struct xmb_ticket {
    uint32_t kind;
    _Atomic uint32_t given;
    uint64_t id;
};
enum { FAKE_TICKET_POLICY = 1, FAKE_TICKET_ROUTER = 2 };
/* Counts one more that a plugin may have. */
void fake_ticket_out(struct xmb_ticket *t, uint32_t kind);
/* It came back. Thread: any. */
void fake_ticket_back(struct xmb_ticket *t, uint32_t kind);

struct fake_host {
    int is_open;
    uint64_t now_ms;
    struct xmb_worker worker;
    struct xmb_module *module[FAKE_MODULES_MAX];
    uint32_t module_count;
    struct fake_text log;
    uint32_t log_level;
    struct fake_text faults;
    struct fake_text answer;
    _Atomic size_t tickets;
    _Atomic size_t principals;
    _Atomic size_t slabs;
};
extern struct fake_host fake;

extern const struct xmb_log_api fake_log_api;
extern const struct xmb_metrics_api fake_metrics_api;
extern const struct xmb_control_api fake_control_api;
void fake_say_end(void); /* all workers have ended: no answer is open */
extern const struct xmb_buf_api fake_buf_api;
extern const struct xmb_conn_api fake_conn_api;
extern const struct xmb_service_api fake_service_api;
extern const struct xmb_policy_api fake_policy_api;
extern const struct xmb_router_api fake_router_api;
extern const struct xmb_datagram_api fake_datagram_api;
extern const struct xmb_rawip_api fake_rawip_api;
extern const struct xmb_netif_api fake_netif_api;

/* buf.c: input chains */
struct xmb_buf {
    char *p;
    size_t n;
    char *lent; /* what was given out last: freed by the next call, so that a sanitizer sees */
};
#define FAKE_INPUT_MAX ((size_t)1 << 20)
void fake_buf_add(struct xmb_buf *b, struct xmb_str bytes);
void fake_buf_free(struct xmb_buf *b);

/* conn.c */
void fake_conns_reset(void);   /* `closed` runs for those that are open */
void fake_conns_free(void);
void fake_conns_drain(struct xmb_module *m);

/* principal.c, policy.c */
struct xmb_principal *fake_principal_new(struct xmb_str name, struct xmb_str key);
void fake_principal_set(struct xmb_principal *p, uint32_t setting, uint64_t value);
uint64_t fake_principal_get(const struct xmb_principal *p, uint32_t setting, uint64_t absent);
struct xmb_str fake_principal_name(const struct xmb_principal *p);
struct xmb_str fake_principal_key(const struct xmb_principal *p);
struct xmb_principal *fake_principal_hold(struct xmb_principal *p);
void fake_principal_release(struct xmb_principal *p);
void fake_policy_free(void);

/* registry.c, subscribe.c */
struct fake_entry;
struct fake_record {
    struct xmb_service service; /* first */
    uint32_t refs;
    char *text; /* owner's name, then the data */
};
struct fake_entry { /* one identity, for ever */
    struct fake_entry *next;
    uint32_t domain;
    struct xmb_service_id id;
    struct xmb_owner *owner;     /* of `local` */
    struct fake_record *local;
    struct fake_record *learned;
    struct fake_record *now;     /* of the two, the one that stands; NULL: gone */
    struct fake_record *last;    /* before it went */
    uint32_t gone;               /* enum xmb_gone */
};
struct fake_record *fake_record_hold(struct fake_record *r);
void fake_record_release(struct fake_record *r);
void fake_entries(void (*fn)(void *arg, struct fake_entry *e), void *arg);
void fake_entry_changed(struct fake_entry *e); /* subscribe.c: tells subscriptions */
int fake_registry_error(void);
int fake_subscribe(struct xmb_worker *w, struct xmb_module *module,
                   const struct xmb_subscription *spec, struct xmb_sub **out);
int fake_next(struct xmb_sub *sub, struct xmb_event *event);
void fake_unsubscribe(struct xmb_sub *sub);
void fake_registry_free(void);
void fake_subscriptions_free(void);

/* router.c */
void fake_router_free(void);

/* rawip.c */
void fake_rawip_left(uint32_t iface); /* an interface went, and memberships with it */
void fake_rawip_end(const struct xmb_module *m); /* after its `end`: nothing arrives */
void fake_rawip_free(void);

/* netif.c */
const struct xmb_netif *fake_netif(uint32_t index); /* NULL: there is none */
int fake_netif_any(void); /* the test has said which there are */
void fake_netif_end(const struct xmb_module *m);
void fake_netif_free(void);

/* datagram.c */
void fake_sockets_gone(void); /* `gone` runs for each that is left */
void fake_sockets_free(void);

#endif
