/* SPDX-License-Identifier: MIT */
/*
 * register.c - Register without a handle: from a connection to a session.
 *
 * The checks, in order: version 478, session exists 477, credentials there 401, user known 436,
 * integrity 431, nonce 435 or 438, limits 500, domain 479. A policy module may answer later; the
 * message then stays in the input and comes here once more with the verdict in s->verdict.
 *
 * The first 401, 435 and 438 of a connection are challenges that a good client answers at once.
 * Every other refusal is held back (throttle.h). A Register with one half of credentials (a user
 * name without integrity, or the reverse) is a 401, never an unauthenticated session.
 */
#include <stdlib.h>

#include "answer.h"
#include "entropy.h"
#include "nonce.h"
#include "session.h"
#include "throttle.h"

#define DOMAIN_DEFAULT 7177
#define DOMAIN_MAX 65535
#define KEEPALIVE_MS_DEFAULT 30000
#define PAGE_SIZE_DEFAULT 10
#define PAGE_SIZE_MAX 255

/* Bits of s->refusals. */
enum { CHALLENGED_401 = 1, CHALLENGED_435 = 2, CHALLENGED_438 = 4, REFUSED = 8 };

/* --- refusing -------------------------------------------------------------------------------- */

static uint8_t challenge_bit(unsigned code)
{
    switch (code) {
    case XMCP_CODE_UNAUTHORIZED:
        return CHALLENGED_401;
    case XMCP_CODE_NONCE_REQUIRED:
        return CHALLENGED_435;
    case XMCP_CODE_STALE_NONCE:
        return CHALLENGED_438;
    default:
        return 0;
    }
}

static void log_refusal(struct session *s, const struct xmb_addr *remote, unsigned code,
                        const char *reason, uint64_t hold_ms)
{
    char peer[XMB_ADDR_TEXT_MAX];

    xs_host->log->limited(s->worker->server->module, XMB_LOG_NOTICE, "register", 5,
                          xs_host->conn->addr_text(remote, peer, sizeof(peer)),
                          "Register refused with %u (%s); the answer is held back for %u ms", code,
                          reason != NULL ? reason : xmcp_code_name(code), (unsigned)hold_ms);
}

static enum outcome refuse(struct session *s, const struct xmcp_msg *m, unsigned code,
                           const char *reason, uint32_t value)
{
    uint8_t bit = challenge_bit(code);
    struct xmb_addr remote;
    uint64_t hold_ms;

    if (bit != 0 && !(s->refusals & bit)) {
        s->refusals |= bit;
        return xs_refuse(s, m, code, reason, value);
    }
    s->refusals |= REFUSED;
    xs_count(s->worker, M_REGISTER_FAILURES);
    xs_session_remote(s, &remote);
    hold_ms = xs_throttle_failure(s->worker->server, &remote, xs_now(s->worker));
    log_refusal(s, &remote, code, reason, hold_ms);
    s->held = xs_answer_to(m);
    s->held.code = (uint16_t)code;
    s->held.reason = reason;
    s->held.value = value;
    xs_alarm(s, ALARM_ANSWER, hold_ms);
    xs_event(s, EV_HOLD);
    return DONE;
}

void xs_register_release(struct session *s)
{
    xs_answer(s, &s->held);
    if (s->close_after_answer)
        xs_close(s, "over the client limit");
}

/* Held a connection and never registered: who fills the server that way is slowed down, too. */
void xs_register_late(struct session *s)
{
    struct xmb_addr remote;

    if (s->refusals & REFUSED)
        return; /* has been counted */
    s->refusals |= REFUSED;
    xs_session_remote(s, &remote);
    xs_throttle_failure(s->worker->server, &remote, xs_now(s->worker));
}

/* Was challenged and went away for good: a storm can look like that, too. */
void xs_register_gone(struct session *s)
{
    struct xmb_addr remote;

    if (s->handle != 0 || s->refusals == 0 || s->refusals & REFUSED)
        return;
    xs_session_remote(s, &remote);
    xs_throttle_failure(s->worker->server, &remote, xs_now(s->worker));
}

/* --- who is it ------------------------------------------------------------------------------- */

static void late_verdict(void *arg, const struct xmb_answer *answer)
{
    struct session *s = arg;

    s->verdict.there = 1;
    s->verdict.allow = answer->verdict == XMB_ALLOW;
    s->verdict.reason = answer->reason;
    s->verdict.principal = answer->principal;
    xs_event(s, EV_VERDICT);
}

/* Asks policy. XMB_ALLOW or XMB_DENY with s->verdict set, or XMB_PENDING. */
static int ask(struct session *s, const struct xmcp_msg *m)
{
    struct xmb_request request = {.size = sizeof(request), .point = XMB_POINT_AUTHENTICATE};
    struct xmb_answer answer = {.size = sizeof(answer)};
    int rc;

    request.asker = s->worker->server->module;
    request.mechanism = s->anonymous ? XMB_MECH_ANONYMOUS : XMB_MECH_LONG_TERM_KEY;
    xs_session_remote(s, &request.remote);
    if (!s->anonymous) {
        request.username = (struct xmb_str){(const char *)m->username.data, m->username.bytes};
        request.realm = XMB_STR("SAF");
    }
    rc = xs_host->policy->ask(s->worker->w, &request, &answer, late_verdict, s, &s->ask_id);
    if (rc == XMB_PENDING)
        return rc;
    s->verdict.there = 1;
    s->verdict.allow = rc == XMB_ALLOW;
    s->verdict.reason = rc == XMB_ALLOW || rc == XMB_DENY ? answer.reason : XMB_DENY_FAILED;
    s->verdict.principal = answer.principal;
    return s->verdict.allow ? XMB_ALLOW : XMB_DENY;
}

/* A verdict that was asked for before policy changed. */
static void forget_verdict(struct session *s)
{
    xs_host->policy->principal_release(s->verdict.principal);
    memset(&s->verdict, 0, sizeof(s->verdict));
    s->ask_again = 0;
}

static unsigned code_of_denial(const struct session *s)
{
    if (s->verdict.reason == XMB_DENY_LATE || s->verdict.reason == XMB_DENY_FAILED)
        return XMCP_CODE_RESPONDER_ERROR;
    if (s->anonymous)
        return XMCP_CODE_UNAUTHORIZED;
    switch (s->verdict.reason) {
    case XMB_DENY_CREDENTIALS:
        return XMCP_CODE_INTEGRITY_FAILURE;
    case XMB_DENY_POLICY:
    case XMB_DENY_REQUIRED:
        return XMCP_CODE_UNAUTHORIZED;
    default: /* everybody was silent: nobody knows this user */
        return s->worker->conf->hide_users ? XMCP_CODE_INTEGRITY_FAILURE
                                           : XMCP_CODE_UNKNOWN_USERNAME;
    }
}

/* Takes what policy said out of s->verdict. Returns 0 or an error's code. */
static unsigned take_verdict(struct session *s)
{
    struct xmb_principal *p = s->verdict.principal;
    unsigned code = s->verdict.allow ? 0 : code_of_denial(s);

    memset(&s->verdict, 0, sizeof(s->verdict));
    if (code == 0 && (p == NULL || (!s->anonymous &&
                                    xs_host->policy->principal_key(p).n != XMCP_KEY_BYTES)))
        code = XMCP_CODE_RESPONDER_ERROR;
    if (code != 0) {
        xs_host->policy->principal_release(p);
        return code;
    }
    xs_host->policy->principal_release(s->principal);
    s->principal = p;
    return 0;
}

static void read_settings(struct session *s)
{
    const struct xmb_policy_api *policy = xs_host->policy;

    s->nonce_policy = (uint8_t)policy->principal_get(s->principal, XMB_SETTING_NONCE,
                                                     XMB_NONCE_AUTO);
    s->nonce_lifetime_ms = (uint32_t)policy->principal_get(
        s->principal, XMB_SETTING_NONCE_LIFETIME_MS, XS_NONCE_LIFETIME_MS);
    s->keepalive_ms = (uint32_t)policy->principal_get(s->principal, XMB_SETTING_KEEPALIVE_MS,
                                                      KEEPALIVE_MS_DEFAULT);
}

/* Integrity and nonce. Returns 0 or an error's code. */
static unsigned prove(struct session *s, const struct xmcp_msg *m, struct xmb_str frame)
{
    struct xmb_str key;

    if (s->anonymous)
        return 0;
    key = xs_host->policy->principal_key(s->principal);
    xmcp_mac_init(&s->mac, (const uint8_t *)key.p);
    if (xmcp_mac_verify(&s->mac, frame.p, m, &s->form) != 0) {
        xmcp_mac_clear(&s->mac);
        return XMCP_CODE_INTEGRITY_FAILURE;
    }
    return xs_nonce_check(s, m);
}

/* --- what it gets ---------------------------------------------------------------------------- */

/* Returns 0 and sets s->domain, or 479 and the domain that is permitted in *permitted. */
static unsigned choose_domain(struct session *s, const struct xmcp_msg *m, uint32_t *permitted)
{
    const struct xmb_policy_api *policy = xs_host->policy;
    uint32_t own = (uint32_t)policy->principal_get(s->principal, XMB_SETTING_DOMAIN,
                                                   DOMAIN_DEFAULT);
    int only = policy->principal_get(s->principal, XMB_SETTING_DOMAIN_ONLY, 0) != 0;

    *permitted = own;
    s->domain = m->have & XMCP_HAVE_DOMAIN ? m->domain : own;
    if (s->domain == own)
        return 0;
    if (only || s->domain == 0 || s->domain > DOMAIN_MAX)
        return XMCP_CODE_FORBIDDEN_DOMAIN;
    return 0;
}

static char *copy_text(const struct xmcp_msg *m, uint32_t have, struct xmcp_view v)
{
    return m->have & have ? strndup((const char *)v.data, v.bytes) : NULL;
}

/* What needs memory or chance. XMB_E*: nothing is left behind. */
static int equip(struct session *s, const struct xmcp_msg *m)
{
    int rc;

    free(s->name);
    free(s->label);
    s->name = copy_text(m, XMCP_HAVE_CLIENT_NAME, m->client_name);
    s->label = copy_text(m, XMCP_HAVE_CLIENT_LABEL, m->client_label);
    rc = xs_entropy(s->prefix, sizeof(s->prefix));
    return rc == 0 ? xs_handle_new(s) : rc;
}

/* The lower version of both sides; ours is 2.0. */
static void choose_version(struct session *s, const struct xmcp_msg *m)
{
    s->version_major = 1;
    s->version_minor = 0;
    if (!(m->have & XMCP_HAVE_PROTOCOL_VERSION))
        return;
    s->version_major = m->version_major;
    s->version_minor = m->version_major == 1 ? m->version_minor : 0;
}

static void choose_page_size(struct session *s, const struct xmcp_msg *m)
{
    uint32_t asked = m->have & XMCP_HAVE_PAGE_SIZE ? m->page_size : PAGE_SIZE_DEFAULT;

    s->page_size = (uint8_t)(asked < PAGE_SIZE_MAX ? asked : PAGE_SIZE_MAX);
}

static enum outcome refuse_full(struct session *s, const struct xmcp_msg *m)
{
    xs_count(s->worker, M_REFUSED_LIMIT);
    s->close_after_answer = 1;
    return refuse(s, m, XMCP_CODE_RESPONDER_ERROR, "The client limit is reached", 0);
}

/* The client is who it says: the rest of the checks, and the session. */
static enum outcome admit(struct session *s, const struct xmcp_msg *m)
{
    uint32_t permitted = 0;
    unsigned code;

    if (xs_client_enter(s->worker, s->anonymous) < 0)
        return refuse_full(s, m);
    code = choose_domain(s, m, &permitted);
    if (code == 0 && equip(s, m) != 0)
        code = XMCP_CODE_RESPONDER_ERROR;
    if (code != 0) {
        xs_client_leave(s->worker, s->anonymous);
        return refuse(s, m, code, NULL, permitted);
    }
    xs_session_spoke(s);
    choose_version(s, m);
    choose_page_size(s, m);
    s->since_ms = xs_now(s->worker);
    s->next_subscription = 1;
    xs_event(s, EV_BEGIN);
    return xs_succeed(s, m, ANSWER_REGISTERED, 0);
}

/* A version that we do not speak, a second Register, no credentials: 0, or an error's code. */
static unsigned refused_unasked(struct session *s, const struct xmcp_msg *m)
{
    int has_user = (m->have & XMCP_HAVE_USERNAME) != 0;
    int has_integrity = (m->have & XMCP_HAVE_INTEGRITY) != 0;

    if (m->have & XMCP_HAVE_PROTOCOL_VERSION && m->version_major != 1 && m->version_major != 2)
        return XMCP_CODE_UNSUPPORTED_VERSION;
    if (s->state == REGISTERED)
        return XMCP_CODE_ALREADY_REGISTERED;
    return has_user != has_integrity ? XMCP_CODE_UNAUTHORIZED : 0;
}

enum outcome xs_register(struct session *s, const struct xmcp_msg *m, struct xmb_str frame)
{
    unsigned code = refused_unasked(s, m);

    if (s->state == REGISTERED)
        return xs_refuse(s, m, code, NULL, 0);
    s->form.digest = XMCP_DIGEST_NONE; /* of another Register's user: no key is known now */
    if (code != 0)
        return refuse(s, m, code, NULL, 0);
    s->anonymous = !(m->have & XMCP_HAVE_USERNAME);
    if (s->ask_again)
        forget_verdict(s);
    if (!s->verdict.there && ask(s, m) == XMB_PENDING) {
        xs_event(s, EV_ASK);
        return LATER;
    }
    code = take_verdict(s);
    if (code == 0) {
        read_settings(s);
        code = prove(s, m, frame);
    }
    if (code != 0)
        return refuse(s, m, code, NULL, 0);
    return admit(s, m);
}
