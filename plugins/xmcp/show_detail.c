/* SPDX-License-Identifier: MIT */
/*
 * show_detail.c - the word `detail`: all that is known of one client, but its secrets.
 */
#include "notify.h"
#include "pending.h"
#include "show.h"
#include "window.h"

static const struct xmb_control_api *api(void)
{
    return xs_host->control;
}

static void show_instance(struct xmb_out *out, const uint32_t instance[4], unsigned style)
{
    char text[XMCP_INSTANCE_TEXT_BYTES];

    if (xmcp_instance_format(instance, style, text, sizeof(text)) > 0)
        api()->text(out, "instance", xmb_str(text));
}

static void show_address(struct xmb_out *out, const struct xmb_addr *addr)
{
    char text[XMB_ADDR_TEXT_MAX];
    struct xmb_addr bare = *addr;

    bare.port = 0;
    api()->text(out, "address", xmb_str(xs_host->conn->addr_text(&bare, text, sizeof(text))));
    api()->number(out, "port", addr->port);
}

static void show_service(const struct session *s, const struct service *e, struct xmb_out *out)
{
    api()->row_begin(out);
    api()->number(out, "service", e->id.service);
    api()->number(out, "subservice", e->id.subservice);
    show_instance(out, e->id.instance, XMCP_STYLE_FULL);
    api()->number(out, "sequence", e->version);
    api()->number(out, "protocol", e->ip_protocol);
    show_address(out, &e->addr);
    api()->number(out, "bytes", e->data_bytes);
    api()->flag(out, "visible_to_unauthenticated", s->anonymous || e->flags & SERVICE_VISIBLE);
    api()->number(out, "published_seconds", (int64_t)((xs_now(s->worker) - e->since_ms) / 1000));
    api()->row_end(out);
}

static void show_services(const struct session *s, struct xmb_out *out)
{
    uint32_t i;

    api()->list_begin(out, "service_list");
    for (i = 0; i < s->services.capacity; i++) {
        if (s->services.slots[i].flags & SERVICE_OWNED)
            show_service(s, &s->services.slots[i], out);
    }
    api()->list_end(out);
}

/* A number, or null where any number will do. */
static void number_or_any(struct xmb_out *out, const char *key, uint16_t value, uint16_t any)
{
    if (value == any)
        api()->null(out, key);
    else
        api()->number(out, key, value);
}

static void show_subscriptions(const struct session *s, struct xmb_out *out)
{
    const struct subscription *sub;

    api()->list_begin(out, "subscription_list");
    for (sub = s->subscriptions; sub != NULL; sub = sub->next) {
        api()->row_begin(out);
        api()->number(out, "id", sub->id);
        number_or_any(out, "service", sub->pattern.service, XMB_ANY_SERVICE);
        number_or_any(out, "subservice", sub->pattern.subservice, XMB_ANY_SUBSERVICE);
        show_instance(out, sub->pattern.instance, XMCP_STYLE_FULL | XMCP_STYLE_STARS);
        api()->number(out, "notified", sub->notified);
        api()->number(out, "withdrawn", sub->withdrawn);
        api()->flag(out, "waiting", sub->ready);
        api()->row_end(out);
    }
    api()->list_end(out);
}

static void show_messages(const struct session *s, struct xmb_out *out)
{
    unsigned i;

    api()->list_begin(out, "messages");
    for (i = 1; i < XMCP_METHOD_COUNT; i++) {
        if (s->received[i] == 0 && s->sent[i] == 0)
            continue;
        api()->row_begin(out);
        api()->text(out, "method", xmb_str(xmcp_method_name(i)));
        api()->number(out, "received", s->received[i]);
        api()->number(out, "sent", s->sent[i]);
        api()->row_end(out);
    }
    api()->list_end(out);
}

static const char *form_text(struct xmcp_form form)
{
    if (form.digest == XMCP_DIGEST_NONE)
        return "none";
    if (form.digest == XMCP_DIGEST_SHA256)
        return form.padding ? "SHA-256, padded" : "SHA-256";
    return form.padding ? "SHA-1, padded" : "SHA-1";
}

static void show_nonce(const struct session *s, struct xmb_out *out)
{
    api()->flag(out, "nonce_used", s->nonce_used);
    if (s->nonce_used)
        api()->number(out, "nonce_age_seconds",
                      (int64_t)((xs_now(s->worker) - s->nonces[1].issued_ms) / 1000));
    else
        api()->null(out, "nonce_age_seconds");
}

void xs_show_detail(const struct session *s, struct xmb_out *out)
{
    api()->text(out, "state", xmb_str(xs_state_name(s->state)));
    api()->text(out, "integrity", xmb_str(form_text(s->form)));
    show_nonce(s, out);
    api()->number(out, "window", s->page_size);
    api()->number(out, "unanswered", s->window != NULL ? s->window->outstanding : 0);
    api()->number(out, "requests_waiting", xs_pending_count(s));
    api()->number(out, "last_error", s->last_code);
    show_services(s, out);
    show_subscriptions(s, out);
    show_messages(s, out);
}
