/* SPDX-License-Identifier: MIT */
/*
 * show.c - show federation connections, clear federation connection, and the table of commands.
 *
 * All commands run on every worker and the host joins what they say. A stream tells its facts by
 * s2_in_walk and s2_link_walk; nothing here looks into one. No key, secret or stanza is ever shown.
 */
#include "probe.h"
#include "show.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "component.h"
#include "incoming.h"
#include "link.h"

static const struct xmb_control_api *api(void)
{
    return s2_host->control;
}

void s2_show_text(struct xmb_out *out, const char *key, const char *text)
{
    if (text != NULL)
        api()->text(out, key, xmb_str(text));
    else
        api()->null(out, key);
}

void s2_show_domain(struct xmb_out *out, const char *key, const struct s2_domain *d)
{
    if (d->n > 0)
        api()->text(out, key, s2_domain_str(d));
    else
        api()->null(out, key);
}

/* --- show federation connections ------------------------------------------------------------- */

static const char *tls_text(uint32_t version)
{
    switch (version) {
    case 0:
        return NULL;
    case 0x0303:
        return "TLSv1.2";
    case 0x0304:
        return "TLSv1.3";
    default:
        return "TLS";
    }
}

static void show_pairs(const struct s2_connection *c, struct xmb_out *out)
{
    size_t i;

    api()->list_begin(out, "pairs");
    for (i = 0; i < c->pair_count; i++) {
        api()->row_begin(out);
        s2_show_domain(out, "local", &c->pairs[i].local);
        s2_show_domain(out, "remote", &c->pairs[i].remote);
        s2_show_text(out, "state", c->pairs[i].state);
        s2_show_text(out, "verified_by", c->pairs[i].verified_by);
        api()->row_end(out);
    }
    api()->list_end(out);
}

static void show_address(struct xmb_addr remote, struct xmb_out *out)
{
    char text[XMB_ADDR_TEXT_MAX];
    uint16_t port = remote.port;

    if (remote.family == 0) { /* not connected yet */
        api()->null(out, "address");
        api()->null(out, "port");
        return;
    }
    remote.port = 0;
    api()->text(out, "address", xmb_str(s2_host->conn->addr_text(&remote, text, sizeof(text))));
    api()->number(out, "port", port);
}

static int64_t seconds_since(const struct s2_worker *w, uint64_t ms)
{
    uint64_t now = s2_now_ms(w);

    return now > ms ? (int64_t)((now - ms) / 1000) : 0;
}

struct listing {
    struct s2_worker *w;
    struct xmb_out *out;
};

/* An id is text, since it has more digits than a JSON number keeps. */
static void show_connection(void *arg, const struct s2_connection *c)
{
    const struct listing *l = arg;
    struct xmb_conn_info info = {.size = sizeof(info)};
    char id[24];

    if (c->conn != NULL)
        s2_host->conn->info(c->conn, &info);
    snprintf(id, sizeof(id), "%" PRIu64, c->id);
    api()->row_begin(l->out);
    api()->text(l->out, "id", xmb_str(id));
    show_address(info.remote, l->out);
    s2_show_text(l->out, "direction", c->direction == XMB_INCOMING ? "incoming" : "outgoing");
    s2_show_text(l->out, "side", s2_side_name(c->side));
    s2_show_text(l->out, "state", c->state);
    show_pairs(c, l->out);
    s2_show_text(l->out, "tls", tls_text(info.tls_version));
    api()->flag(l->out, "tls_resumed", info.tls_resumed != 0);
    s2_show_text(l->out, "verified_by", c->verified_by);
    api()->flag(l->out, "sm", c->sm);
    api()->flag(l->out, "bidi", c->bidi);
    api()->number(l->out, "uptime_seconds",
                  c->conn != NULL ? seconds_since(l->w, info.since_ms) : 0);
    api()->number(l->out, "idle_seconds", seconds_since(l->w, c->stanza_ms));
    api()->number(l->out, "stanzas_in", (int64_t)c->stanzas_in);
    api()->number(l->out, "stanzas_out", (int64_t)c->stanzas_out);
    api()->row_end(l->out);
}

static int show_connections(void *state, const struct xmb_call *call, struct xmb_out *out)
{
    struct listing l = {state, out};

    (void)call;
    api()->list_begin(out, "connections");
    s2_in_walk(l.w, show_connection, &l);
    s2_link_walk(l.w, show_connection, &l);
    s2_component_walk(l.w, show_connection, &l);
    api()->list_end(out);
    return 0;
}

/* --- clear federation connection ------------------------------------------------------------- */

/* A walk may not end streams, so their ids are gathered first. */
struct ids {
    uint64_t *list;
    size_t count, room;
    int failed;
};

static void gather(void *arg, const struct s2_connection *c)
{
    struct ids *ids = arg;
    uint64_t *list;

    if (ids->count == ids->room) {
        list = realloc(ids->list, (ids->room * 2 + 16) * sizeof(*list));
        if (list == NULL) {
            ids->failed = 1;
            return;
        }
        ids->list = list;
        ids->room = ids->room * 2 + 16;
    }
    ids->list[ids->count++] = c->id;
}

static int clear_one(struct s2_worker *w, uint64_t id)
{
    return s2_in_clear(w, id) || s2_link_clear(w, id) || s2_component_clear(w, id);
}

static int clear_all(struct s2_worker *w, struct xmb_out *out)
{
    struct ids ids = {0};
    int64_t cleared = 0;
    size_t i;

    s2_in_walk(w, gather, &ids);
    s2_link_walk(w, gather, &ids);
    s2_component_walk(w, gather, &ids);
    for (i = 0; i < ids.count; i++)
        cleared += clear_one(w, ids.list[i]);
    free(ids.list);
    if (ids.failed)
        return api()->error(out, "out of memory");
    api()->sum(out, "cleared", cleared);
    return 0;
}

static int clear_connection(void *state, const struct xmb_call *call, struct xmb_out *out)
{
    struct s2_worker *w = state;
    unsigned long long id;
    char *end = NULL;

    if (call->arg_count < 1)
        return api()->error(out, "which connection: an id of show federation connections, or all");
    if (strcmp(call->args[0], "all") == 0)
        return clear_all(w, out);
    errno = 0;
    id = strtoull(call->args[0], &end, 10);
    if (errno != 0 || end == call->args[0] || *end != '\0' || id == 0)
        return api()->error(out, "%s is no id of a connection", call->args[0]);
    api()->sum(out, "cleared", clear_one(w, id));
    return 0;
}

const struct xmb_command s2_commands[S2_COMMANDS] = {
    {XMB_COMMAND_INIT, XMB_SCOPE_EACH_WORKER, 0, 0, "show federation status", "",
     "Is federation active, how is it set, and what is missing", s2_show_status},
    {XMB_COMMAND_INIT, XMB_SCOPE_EACH_WORKER, 0, 0, "show federation connections", "",
     "Streams to and from other servers", show_connections},
    {XMB_COMMAND_INIT, XMB_SCOPE_EACH_WORKER, 0, 0, "show federation domains", "",
     "What waits, and what failed, from domain to domain", s2_show_domains},
    {XMB_COMMAND_INIT, XMB_SCOPE_EACH_WORKER, XMB_COMMAND_CHANGES, 0, /* it dials */
     "test federation domain", "DOMAIN [LOCAL]",
     "Make a stream to a foreign domain, and tell each step", s2_probe_run},
    {XMB_COMMAND_INIT, XMB_SCOPE_EACH_WORKER, XMB_COMMAND_CHANGES, 0,
     "clear federation connection", "ID|all", "End streams; they are opened again when needed",
     clear_connection},
};
