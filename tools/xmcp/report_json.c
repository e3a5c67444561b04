/* SPDX-License-Identifier: MIT */
/*
 * report_json.c - events as one JSON object a line.
 *
 * Field names are a promise to scripts. Instances are always four words of eight hex digits;
 * service data is `data` when it is UTF-8 text without NUL, otherwise `data_base64`.
 */
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "report.h"

/* Prints and frees. */
static void line(json_t *object)
{
    json_dumpf(object, stdout, JSON_COMPACT | JSON_PRESERVE_ORDER | JSON_REAL_PRECISION(6));
    putchar('\n');
    fflush(stdout);
    json_decref(object);
}

static json_t *begin(const char *event)
{
    json_t *object = json_object();

    json_object_set_new(object, "event", json_string(event));
    return object;
}

static void put_number(json_t *object, const char *key, json_int_t value)
{
    json_object_set_new(object, key, json_integer(value));
}

static void put_identity(json_t *object, const struct xmcp_identity *id)
{
    char instance[XMCP_INSTANCE_TEXT_BYTES];

    put_number(object, "service", id->service);
    put_number(object, "subservice", id->subservice);
    xmcp_instance_format(id->instance, XMCP_STYLE_FULL, instance, sizeof(instance));
    json_object_set_new(object, "instance", json_string(instance));
}

/* A NUL-terminated text of the caller's to free; NULL without memory. */
static char *base64(struct xmcp_view view)
{
    static const char digits[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    char *text = malloc((view.bytes + 2) / 3 * 4 + 1);
    char *to = text;
    size_t i;

    if (text == NULL)
        return NULL;
    for (i = 0; i < view.bytes; i += 3) {
        size_t left = view.bytes - i;
        unsigned long group = (unsigned long)view.data[i] << 16;

        group |= left > 1 ? (unsigned long)view.data[i + 1] << 8 : 0;
        group |= left > 2 ? view.data[i + 2] : 0;
        *to++ = digits[group >> 18];
        *to++ = digits[group >> 12 & 63];
        *to++ = left > 1 ? digits[group >> 6 & 63] : '=';
        *to++ = left > 2 ? digits[group & 63] : '=';
    }
    *to = '\0';
    return text;
}

static void put_data(json_t *object, struct xmcp_view view)
{
    const char *data = view.bytes > 0 ? (const char *)view.data : "";
    json_t *text = NULL;
    char *encoded;

    if (memchr(data, '\0', view.bytes) == NULL)
        text = json_stringn(data, view.bytes); /* NULL when it is not UTF-8 */
    if (text != NULL) {
        json_object_set_new(object, "data", text);
        return;
    }
    encoded = base64(view);
    if (encoded != NULL)
        json_object_set_new(object, "data_base64", json_string(encoded));
    free(encoded);
}

static void put_transport(json_t *object, const struct xmcp_event *e)
{
    char address[64];

    put_number(object, "protocol", e->service_protocol);
    if (!e->have_transport ||
        xmcp_transport_format(&e->transport, address, sizeof(address)) < 0)
        return;
    json_object_set_new(object, "address", json_string(address));
    put_number(object, "port", e->transport.port);
}

static void registered(const struct xmcp_event *e)
{
    json_t *object = begin("registered");
    char version[16];

    snprintf(version, sizeof(version), "%u.%u", (unsigned)e->version_major,
             (unsigned)e->version_minor);
    put_number(object, "handle", e->handle);
    put_number(object, "domain", e->domain);
    put_number(object, "keepalive_ms", e->keepalive_ms);
    json_object_set_new(object, "version", json_string(version));
    line(object);
}

static void notify(const struct xmcp_event *e)
{
    json_t *object = begin("notify");

    put_identity(object, &e->identity);
    put_number(object, "sequence", e->service_version);
    put_transport(object, e);
    if (e->trust >= 0)
        json_object_set_new(object, "source",
                            json_string(e->trust == XMCP_TRUST_LEARNED ? "learned" : "local"));
    put_data(object, e->data);
    line(object);
}

static void withdraw(const struct xmcp_event *e)
{
    int lost = e->removed_reason == XMCP_REMOVED_NETWORK;
    json_t *object = begin("withdraw");

    put_identity(object, &e->identity);
    json_object_set_new(object, "reason", json_string(lost ? "network" : "source"));
    line(object);
}

static void about_service(const char *event, const struct xmcp_event *e)
{
    json_t *object = begin(event);

    put_identity(object, &e->identity);
    if (e->type == XMCP_EVENT_PUBLISHED)
        put_number(object, "sequence", e->service_version);
    line(object);
}

void report_json_event(const struct xmcp_event *e)
{
    if (e->type == XMCP_EVENT_REGISTERED)
        registered(e);
    else if (e->type == XMCP_EVENT_NOTIFY)
        notify(e);
    else if (e->type == XMCP_EVENT_WITHDRAW)
        withdraw(e);
    else if (e->type == XMCP_EVENT_PUBLISHED)
        about_service("published", e);
    else if (e->type == XMCP_EVENT_SUBSCRIBED)
        about_service("subscribed", e);
}

void report_json_error(unsigned code, const char *reason)
{
    json_t *object = begin("error");

    put_number(object, "code", code);
    json_object_set_new(object, "reason", json_string(reason));
    line(object);
}

void report_json_round_trip(double milliseconds)
{
    json_t *object = begin("ping");

    json_object_set_new(object, "round_trip_ms", json_real(milliseconds));
    line(object);
}
