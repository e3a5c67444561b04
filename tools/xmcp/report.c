/* SPDX-License-Identifier: MIT */
/*
 * report.c - events as lines for people.
 *
 * Service data comes from strangers: what is not printable is shown escaped, so that it cannot
 * drive the terminal. Colour only on a terminal.
 */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "report.h"

#define DATA_SHOWN_BYTES 400

static void word(const char *text, const char *colour)
{
    if (isatty(STDOUT_FILENO))
        printf("\033[%sm%-10s\033[0m ", colour, text);
    else
        printf("%-10s ", text);
}

static void identity(const struct xmcp_identity *id)
{
    char text[XMCP_IDENTITY_TEXT_BYTES];

    if (xmcp_identity_format(id, XMCP_STYLE_STARS, text, sizeof(text)) > 0)
        fputs(text, stdout);
}

static void protocol(unsigned number)
{
    if (number == 6)
        fputs(" tcp", stdout);
    else if (number == 17)
        fputs(" udp", stdout);
    else
        printf(" protocol %u", number);
}

static void transport(const struct xmcp_event *e)
{
    char address[64];

    if (!e->have_transport ||
        xmcp_transport_format(&e->transport, address, sizeof(address)) < 0)
        return;
    protocol(e->service_protocol);
    printf(strchr(address, ':') != NULL ? " [%s]:%u" : " %s:%u", address,
           (unsigned)e->transport.port);
}

/* Text as it is; in it, or instead of it, control octets and what is not UTF-8 as \xNN. */
static void data(struct xmcp_view view)
{
    size_t shown = view.bytes < DATA_SHOWN_BYTES ? view.bytes : DATA_SHOWN_BYTES;
    size_t i;

    if (view.bytes == 0)
        return;
    putchar(' ');
    if (shown == view.bytes && xmcp_text_valid(view.data, view.bytes)) {
        fwrite(view.data, 1, view.bytes, stdout);
        return;
    }
    for (i = 0; i < shown; i++) {
        if (view.data[i] >= 0x20 && view.data[i] < 0x7f)
            putchar(view.data[i]);
        else if (view.data[i] == '\n')
            fputs("\\n", stdout);
        else
            printf("\\x%02x", view.data[i]);
    }
    if (shown < view.bytes)
        printf("... (%zu octets)", view.bytes);
}

static void notify(const struct xmcp_event *e)
{
    word("notify", "32");
    identity(&e->identity);
    printf(" sequence %lu", (unsigned long)e->service_version);
    transport(e);
    if (e->trust >= 0)
        fputs(e->trust == XMCP_TRUST_LEARNED ? " learned" : " local", stdout);
    data(e->data);
}

static void withdraw(const struct xmcp_event *e)
{
    word("withdraw", "33");
    identity(&e->identity);
    fputs(e->removed_reason == XMCP_REMOVED_NETWORK ? " lost" : " taken back", stdout);
}

static void registered(const struct xmcp_event *e)
{
    word("registered", "36");
    printf("handle 0x%08lx, domain %lu, keepalive %lu s, version %u.%u", (unsigned long)e->handle,
           (unsigned long)e->domain, (unsigned long)e->keepalive_ms / 1000,
           (unsigned)e->version_major, (unsigned)e->version_minor);
}

void report_event(int json, const struct xmcp_event *e)
{
    if (json) {
        report_json_event(e);
        return;
    }
    if (e->type == XMCP_EVENT_NOTIFY) {
        notify(e);
    } else if (e->type == XMCP_EVENT_WITHDRAW) {
        withdraw(e);
    } else if (e->type == XMCP_EVENT_REGISTERED) {
        registered(e);
    } else if (e->type == XMCP_EVENT_PUBLISHED) {
        word("published", "36");
        identity(&e->identity);
        printf(" sequence %lu", (unsigned long)e->service_version);
    } else if (e->type == XMCP_EVENT_SUBSCRIBED) {
        word("subscribed", "36");
        identity(&e->identity);
    }
    putchar('\n');
    fflush(stdout);
}

void report_error(int json, unsigned code, const char *reason)
{
    if (json)
        report_json_error(code, reason);
    else if (code != 0)
        fprintf(stderr, "xmcp: the server refused: %u %s\n", code, reason);
    else
        fprintf(stderr, "xmcp: %s\n", reason);
}

void report_round_trip(int json, double milliseconds)
{
    if (json) {
        report_json_round_trip(milliseconds);
        return;
    }
    printf("round trip %.3f ms\n", milliseconds);
    fflush(stdout);
}
