/* SPDX-License-Identifier: MIT */
/*
 * show.c - show service-routing xmcp server, show ... clients, clear ... client.
 *
 * Each runs on every worker; the host joins what they say. What is the same everywhere is said by
 * worker 0 alone. No password, key or nonce is ever shown.
 */
#include "show.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

static const struct xmb_control_api *api(void)
{
    return xs_host->control;
}

/* --- show service-routing xmcp server -------------------------------------------------------- */

static void text_or_null(struct xmb_out *out, const char *key, const char *text)
{
    if (text != NULL)
        api()->text(out, key, xmb_str(text));
    else
        api()->null(out, key);
}

/* The port of listener `i`: what a configured 0 became, where the broker can tell. */
static uint16_t port_of(const struct worker *w, uint32_t i)
{
    struct xmb_addr bound;

    if (XMB_HAS(xs_host->conn, listener) &&
        xs_host->conn->listener(w->server->module, i, 0, &bound) == 0)
        return bound.port;
    return w->conf->listens[i].port;
}

static void show_listeners(const struct worker *w, struct xmb_out *out)
{
    const struct conf *c = w->conf;
    const struct listen_conf *l;
    uint32_t i;

    api()->list_begin(out, "listening");
    for (i = 0; i < c->listen_count; i++) {
        l = &c->listens[i];
        api()->row_begin(out);
        text_or_null(out, "address", l->address != NULL ? l->address : "*");
        api()->number(out, "port", port_of(w, i));
        text_or_null(out, "family", l->family == 6 ? "ipv6" : l->family == 4 ? "ipv4" : "any");
        text_or_null(out, "vrf", l->vrf);
        text_or_null(out, "tls", l->tls);
        api()->row_end(out);
    }
    api()->list_end(out);
}

static void show_settings(const struct worker *w, struct xmb_out *out)
{
    const struct conf *c = w->conf;

    show_listeners(w, out);
    text_or_null(out, "allow_list_ipv4", c->allow_ipv4);
    text_or_null(out, "allow_list_ipv6", c->allow_ipv6);
    api()->number(out, "max_clients_total", c->clients_max);
    api()->number(out, "max_clients_unauthenticated", c->unauthenticated_max);
    api()->number(out, "max_service_data", c->service_data_bytes_max);
    api()->number(out, "max_services", c->services_max);
    api()->number(out, "max_subscriptions", c->subscriptions_max);
}

static void show_sums(const struct worker *w, struct xmb_out *out)
{
    static const struct {
        const char *key;
        enum metric metric;
    } sums[] = {
        {"clients", M_CLIENTS},
        {"clients_unauthenticated", M_UNAUTHENTICATED},
        {"connections", M_CONNECTIONS},
        {"services", M_SERVICES},
        {"subscriptions", M_SUBSCRIPTIONS},
        {"accepted", M_ACCEPTED},
        {"refused_list", M_REFUSED_LIST},
        {"refused_limit", M_REFUSED_LIMIT},
        {"refused_rate", M_REFUSED_RATE},
        {"registers", M_REGISTERS},
        {"register_failures", M_REGISTER_FAILURES},
        {"keepalive_timeouts", M_KEEPALIVE_TIMEOUTS},
        {"revokes", M_REVOKES},
        {"malformed", M_MALFORMED},
    };
    size_t i;

    for (i = 0; i < sizeof(sums) / sizeof(sums[0]); i++)
        api()->sum(out, sums[i].key, (int64_t)w->cells[sums[i].metric]);
    for (i = XS_CODE_FIRST; i < M_COUNT; i++)
        api()->sum(out, xs_metrics[i].name, (int64_t)w->cells[i]);
}

int xs_show_server(void *state, const struct xmb_call *call, struct xmb_out *out)
{
    struct worker *w = state;

    (void)call;
    if (xs_host->worker->index(w->w) == 0)
        show_settings(w, out);
    show_sums(w, out);
    return 0;
}

/* --- which clients --------------------------------------------------------------------------- */

/* What an operator may write for a client: an address, or a handle. */
struct wanted {
    int by_address;
    uint8_t family;
    uint8_t ip[16];
    uint32_t handle;
};

static int parse_wanted(const char *text, struct wanted *out)
{
    char *end = NULL;
    unsigned long handle;

    memset(out, 0, sizeof(*out));
    out->by_address = 1;
    if (inet_pton(AF_INET, text, out->ip) == 1) {
        out->family = 4;
        return 0;
    }
    if (inet_pton(AF_INET6, text, out->ip) == 1) {
        out->family = 6;
        return 0;
    }
    out->by_address = 0;
    errno = 0;
    handle = strtoul(text, &end, 0);
    if (errno != 0 || end == text || *end != '\0' || handle == 0 || handle > UINT32_MAX)
        return XMB_EINVAL;
    out->handle = (uint32_t)handle;
    return 0;
}

static int is_wanted(const struct session *s, const struct wanted *wanted)
{
    struct xmb_addr remote;

    if (s->state != REGISTERED)
        return 0;
    if (wanted == NULL)
        return 1;
    if (!wanted->by_address)
        return s->handle == wanted->handle;
    xs_session_remote(s, &remote);
    return remote.family == wanted->family && memcmp(remote.ip, wanted->ip, sizeof(remote.ip)) == 0;
}

static int bad_client(struct xmb_out *out, const char *text)
{
    return api()->error(out, "%s is neither an address nor a client handle", text);
}

/* --- show service-routing xmcp clients ------------------------------------------------------- */

static void show_peer(const struct session *s, struct xmb_out *out)
{
    char text[XMB_ADDR_TEXT_MAX];
    struct xmb_addr remote;
    uint16_t port;

    xs_session_remote(s, &remote);
    port = remote.port;
    remote.port = 0;
    api()->text(out, "address", xmb_str(xs_host->conn->addr_text(&remote, text, sizeof(text))));
    api()->number(out, "port", port);
}

static void show_client(const struct session *s, int detail, struct xmb_out *out)
{
    struct xmb_conn_info info = {.size = sizeof(info)};
    uint64_t now = xs_now(s->worker);
    char version[16];

    xs_host->conn->info(s->conn, &info);
    snprintf(version, sizeof(version), "%u.%u", s->version_major, s->version_minor);
    api()->row_begin(out);
    api()->number(out, "handle", s->handle);
    show_peer(s, out);
    text_or_null(out, "name", s->name);
    text_or_null(out, "label", s->label);
    if (s->anonymous)
        api()->null(out, "username");
    else
        api()->text(out, "username", xs_host->policy->principal_name(s->principal));
    api()->number(out, "domain", s->domain);
    api()->text(out, "version", xmb_str(version));
    api()->number(out, "keepalive", s->keepalive_ms / 1000);
    api()->number(out, "uptime_seconds", (int64_t)((now - s->since_ms) / 1000));
    api()->number(out, "idle_seconds",
                  (int64_t)(now > info.received_ms ? (now - info.received_ms) / 1000 : 0));
    api()->number(out, "services", s->services.owned);
    api()->number(out, "subscriptions", s->subscription_count);
    if (detail)
        xs_show_detail(s, out);
    api()->row_end(out);
}

int xs_show_clients(void *state, const struct xmb_call *call, struct xmb_out *out)
{
    const struct worker *w = state;
    const struct session *s;
    struct wanted wanted;
    const char *which = NULL;
    int detail = 0;
    uint32_t i;

    for (i = 0; i < call->arg_count; i++) {
        if (strcmp(call->args[i], "detail") == 0)
            detail = 1;
        else
            which = call->args[i];
    }
    if (which != NULL && parse_wanted(which, &wanted) < 0)
        return bad_client(out, which);
    api()->list_begin(out, "clients");
    for (s = w->first; s != NULL; s = s->next) {
        if (is_wanted(s, which != NULL ? &wanted : NULL))
            show_client(s, detail, out);
    }
    api()->list_end(out);
    return 0;
}

/* --- clear service-routing xmcp client ------------------------------------------------------- */

int xs_clear_client(void *state, const struct xmb_call *call, struct xmb_out *out)
{
    struct worker *w = state;
    struct session *s;
    struct wanted wanted;
    int all;
    int64_t cleared = 0;

    if (call->arg_count < 1)
        return api()->error(out, "which client: an address, a handle, or all");
    all = strcmp(call->args[0], "all") == 0;
    if (!all && parse_wanted(call->args[0], &wanted) < 0)
        return bad_client(out, call->args[0]);
    for (s = w->first; s != NULL; s = s->next) {
        if (!is_wanted(s, all ? NULL : &wanted))
            continue;
        xs_revoke(s, "cleared by an operator");
        cleared++;
    }
    api()->sum(out, "cleared", cleared);
    return 0;
}
