/* SPDX-License-Identifier: MIT */
/*
 * ident_text.c - identities and transports as people write them.
 *
 * "101:1:a0b.1122.0.ff" as IOS prints it, with `*` for a wildcard, or a UUID in place of the four
 * words. A strict hand-written scanner: no locale, no sign, no leading space, no 0x, which is what
 * the strto* family would let through.
 */
#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

#include "xmcp.h"

static int hex_value(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    return -1;
}

/* One to eight hex digits, or `*`. Moves *at behind them. Returns 1 or 0. */
static int scan_word(const char **at, uint32_t *word)
{
    uint32_t value = 0;
    int digits = 0;

    if (**at == '*') {
        (*at)++;
        *word = XMCP_ANY32;
        return 1;
    }
    while (hex_value(**at) >= 0) {
        if (++digits > 8)
            return 0;
        value = value << 4 | (uint32_t)hex_value(**at);
        (*at)++;
    }
    *word = value;
    return digits > 0;
}

/* 0 to 65535 in decimal, or `*`. */
static int scan_number(const char **at, uint16_t *number)
{
    uint32_t value = 0;
    int digits = 0;

    if (**at == '*') {
        (*at)++;
        *number = XMCP_ANY16;
        return 1;
    }
    for (; **at >= '0' && **at <= '9'; (*at)++) {
        value = value * 10 + (uint32_t)(**at - '0');
        if (++digits > 5 || value > 65535)
            return 0;
    }
    *number = (uint16_t)value;
    return digits > 0;
}

/* 8-4-4-4-12 hex digits and nothing behind them. */
static int scan_uuid(const char *text, uint32_t out[4])
{
    uint32_t words[4] = {0, 0, 0, 0};
    int digits = 0;
    int i;

    if (strlen(text) != 36)
        return 0;
    for (i = 0; i < 36; i++) {
        if (i == 8 || i == 13 || i == 18 || i == 23) {
            if (text[i] != '-')
                return 0;
            continue;
        }
        if (hex_value(text[i]) < 0)
            return 0;
        words[digits / 8] = words[digits / 8] << 4 | (uint32_t)hex_value(text[i]);
        digits++;
    }
    memcpy(out, words, sizeof(words));
    return 1;
}

int xmcp_instance_parse(const char *text, uint32_t out[4])
{
    uint32_t words[4];
    int i;

    if (text == NULL)
        return XMCP_EINVAL;
    if (scan_uuid(text, out))
        return 0;
    if (strcmp(text, "*") == 0) {
        memset(out, 0xff, 4 * sizeof(out[0]));
        return 0;
    }
    for (i = 0; i < 4; i++) {
        if (!scan_word(&text, &words[i]))
            return XMCP_EINVAL;
        if (*text++ != (i < 3 ? '.' : '\0'))
            return XMCP_EINVAL;
    }
    memcpy(out, words, sizeof(words));
    return 0;
}

/* After a part: the end, or a colon and more. Returns 1 when more follows, 0 at the end. */
static int more_parts(const char **at)
{
    if (**at == '\0')
        return 0;
    if (**at != ':')
        return XMCP_EINVAL;
    (*at)++;
    return **at != '\0';
}

int xmcp_identity_parse(const char *text, struct xmcp_identity *out, unsigned *given)
{
    struct xmcp_identity id;
    unsigned parts = XMCP_GIVEN_SERVICE;
    int more;

    if (text == NULL)
        return XMCP_EINVAL;
    memset(&id, 0xff, sizeof(id));
    if (!scan_number(&text, &id.service))
        return XMCP_EINVAL;
    more = more_parts(&text);
    if (more > 0) {
        parts |= XMCP_GIVEN_SUBSERVICE;
        if (!scan_number(&text, &id.subservice))
            return XMCP_EINVAL;
        more = more_parts(&text);
    }
    if (more > 0) {
        parts |= XMCP_GIVEN_INSTANCE;
        more = xmcp_instance_parse(text, id.instance);
    }
    if (more < 0)
        return XMCP_EINVAL;
    *out = id;
    if (given != NULL)
        *given = parts;
    return 0;
}

/* All of `source` with its NUL, or nothing. */
static int hand_out(const char *source, char *text, size_t text_bytes)
{
    size_t length = strlen(source);

    if (length >= text_bytes)
        return XMCP_ENOSPC;
    memcpy(text, source, length + 1);
    return (int)length;
}

static void word_text(uint32_t word, unsigned style, char out[9])
{
    if ((style & XMCP_STYLE_STARS) && word == XMCP_ANY32)
        snprintf(out, 9, "*");
    else
        snprintf(out, 9, style & XMCP_STYLE_FULL ? "%08lx" : "%lx", (unsigned long)word);
}

int xmcp_instance_format(const uint32_t instance[4], unsigned style, char *text,
                         size_t text_bytes)
{
    uint32_t all = instance[0] & instance[1] & instance[2] & instance[3];
    char words[4][9];
    char line[XMCP_INSTANCE_TEXT_BYTES];
    int i;

    if ((style & XMCP_STYLE_STARS) && all == XMCP_ANY32)
        return hand_out("*", text, text_bytes);
    for (i = 0; i < 4; i++)
        word_text(instance[i], style, words[i]);
    snprintf(line, sizeof(line), "%s.%s.%s.%s", words[0], words[1], words[2], words[3]);
    return hand_out(line, text, text_bytes);
}

static void number_text(uint16_t number, unsigned style, char out[6])
{
    if ((style & XMCP_STYLE_STARS) && number == XMCP_ANY16)
        snprintf(out, 6, "*");
    else
        snprintf(out, 6, "%u", (unsigned)number);
}

int xmcp_identity_format(const struct xmcp_identity *id, unsigned style, char *text,
                         size_t text_bytes)
{
    char service[6];
    char subservice[6];
    char instance[XMCP_INSTANCE_TEXT_BYTES];
    char line[XMCP_IDENTITY_TEXT_BYTES];

    number_text(id->service, style, service);
    number_text(id->subservice, style, subservice);
    xmcp_instance_format(id->instance, style, instance, sizeof(instance));
    snprintf(line, sizeof(line), "%s:%s:%s", service, subservice, instance);
    return hand_out(line, text, text_bytes);
}

int xmcp_transport_parse(const char *address, uint16_t port, struct xmcp_transport *out)
{
    struct xmcp_transport transport = {.port = port};

    if (address == NULL)
        return XMCP_EINVAL;
    if (inet_pton(AF_INET, address, transport.address) == 1)
        transport.family = XMCP_FAMILY_IPV4;
    else if (inet_pton(AF_INET6, address, transport.address) == 1)
        transport.family = XMCP_FAMILY_IPV6;
    else
        return XMCP_EINVAL;
    *out = transport;
    return 0;
}

int xmcp_transport_format(const struct xmcp_transport *transport, char *text, size_t text_bytes)
{
    int family = transport->family == XMCP_FAMILY_IPV6 ? AF_INET6 : AF_INET;
    char line[INET6_ADDRSTRLEN];

    if (transport->family != XMCP_FAMILY_IPV4 && transport->family != XMCP_FAMILY_IPV6)
        return XMCP_EINVAL;
    if (inet_ntop(family, transport->address, line, sizeof(line)) == NULL)
        return XMCP_EINVAL;
    return hand_out(line, text, text_bytes);
}
