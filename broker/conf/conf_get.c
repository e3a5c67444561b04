/* SPDX-License-Identifier: MIT */
/*
 * conf_get.c - the getters that plugins read their element with.
 *
 * Each says on its own what is wrong, with file and line, so that a plugin can write
 * `return host->conf->number(...)`. Numbers are decimal, units are one suffix, and nothing is
 * rounded, cut or guessed: text that is not wholly understood is a fault.
 */
#include "conf/conf_priv.h"

#include <arpa/inet.h>
#include <inttypes.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

const struct conf_attr *conf_attr(const struct xmb_conf *node, const char *name)
{
    const struct conf_attr *attr;

    for (attr = node->attrs; attr != NULL; attr = attr->next)
        if (strcmp(attr->name, name) == 0)
            return attr;
    return NULL;
}

const struct xmb_conf *conf_module_of(const struct xmb_conf *node)
{
    while (node != NULL && (strcmp(node->name, "module") != 0 || node->parent == NULL ||
                            node->parent->parent != NULL))
        node = node->parent;
    return node;
}

void conf_collect(struct conf *c, struct conf_faults *faults)
{
    c->collect = faults;
}

const struct xmb_conf *conf_broker(const struct conf *c)
{
    return c->broker;
}

static const char *get_name(const struct xmb_conf *node)
{
    return node->name;
}

static const struct xmb_conf *first_named(const struct xmb_conf *node, const char *name)
{
    while (node != NULL && name != NULL && strcmp(node->name, name) != 0)
        node = node->next;
    return node;
}

static const struct xmb_conf *get_child(const struct xmb_conf *node, const char *name)
{
    return first_named(node->child, name);
}

static const struct xmb_conf *get_next(const struct xmb_conf *node, const char *name)
{
    return first_named(node->next, name);
}

static uint32_t get_line(const struct xmb_conf *node)
{
    return node->line;
}

size_t conf_module_count(const struct conf *c)
{
    const struct xmb_conf *node;
    size_t n = 0;

    for (node = get_child(c->root, "module"); node != NULL; node = get_next(node, "module"))
        n++;
    return n;
}

const struct xmb_conf *conf_module(const struct conf *c, size_t i)
{
    const struct xmb_conf *node = get_child(c->root, "module");

    while (node != NULL && i-- > 0)
        node = get_next(node, "module");
    return node;
}

static const char *get_text(const struct xmb_conf *node, const char *attribute,
                            const char *absent)
{
    const struct conf_attr *attr = conf_attr(node, attribute);

    return attr != NULL ? attr->value : absent;
}

static int get_fault(const struct xmb_conf *node, const char *format, ...)
{
    const struct xmb_conf *module = conf_module_of(node);
    char text[768];
    va_list args;

    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    if (module != NULL)
        conf_faults_add(node->conf->collect, node->conf->file, node->line, "module %s: %s",
                        get_text(module, "name", "?"), text);
    else
        conf_faults_add(node->conf->collect, node->conf->file, node->line, "%s", text);
    return XMB_ECONF;
}

/* Digits up to `*end`; 0 when there are none or it does not fit. */
static int parse_digits(const char *text, uint64_t *out, const char **end)
{
    uint64_t n = 0;
    const char *p = text;

    for (; *p >= '0' && *p <= '9'; p++) {
        uint64_t digit = (uint64_t)(*p - '0');

        if (n > (UINT64_MAX - digit) / 10)
            return 0;
        n = n * 10 + digit;
    }
    *out = n;
    *end = p;
    return p != text;
}

static int get_number(const struct xmb_conf *node, const char *attribute, uint64_t min,
                      uint64_t max, uint64_t *out)
{
    const char *text = get_text(node, attribute, NULL);
    const char *end;
    uint64_t n;

    if (text == NULL)
        return 0;
    if (!parse_digits(text, &n, &end) || *end != '\0' || n < min || n > max)
        return get_fault(node,
                         "attribute '%s' of <%s> is '%s'; expected a whole number from %" PRIu64
                         " to %" PRIu64,
                         attribute, node->name, text, min, max);
    *out = n;
    return 0;
}

static int get_flag(const struct xmb_conf *node, const char *attribute, int32_t *out)
{
    static const char *const words[] = {"no", "yes", "false", "true", "0", "1"};
    const char *text = get_text(node, attribute, NULL);
    size_t i;

    if (text == NULL)
        return 0;
    for (i = 0; i < sizeof words / sizeof words[0]; i++)
        if (strcmp(text, words[i]) == 0) {
            *out = (int32_t)(i & 1);
            return 0;
        }
    return get_fault(node, "attribute '%s' of <%s> is '%s'; expected yes or no", attribute,
                     node->name, text);
}

struct unit {
    const char *suffix;
    uint64_t factor;
};

/* A number and one suffix of `units`, whose list ends with NULL. */
static int parse_with_unit(const char *text, const struct unit *units, uint64_t *out)
{
    const char *end;
    uint64_t n;

    if (!parse_digits(text, &n, &end))
        return 0;
    for (; units->suffix != NULL; units++)
        if (strcasecmp(end, units->suffix) == 0) {
            if (n > UINT64_MAX / units->factor)
                return 0;
            *out = n * units->factor;
            return 1;
        }
    return 0;
}

/* To tell the bounds in: as `text` is written, else as without a unit, if both are whole in it. */
static const struct unit *unit_to_tell(const char *text, const struct unit *units, uint64_t min,
                                       uint64_t max)
{
    const char *end = text + strspn(text, "0123456789");
    const struct unit *finest = units;
    const struct unit *u;

    for (u = units; u->suffix != NULL; u++) {
        if (u->factor == 1)
            finest = u;
        if (strcasecmp(end, u->suffix) == 0 && min % u->factor == 0 && max % u->factor == 0)
            return u;
    }
    return min % units->factor == 0 && max % units->factor == 0 ? units : finest;
}

static int get_with_unit(const struct xmb_conf *node, const char *attribute,
                         const struct unit *units, const char *expected, uint64_t min,
                         uint64_t max, uint64_t *out)
{
    const char *text = get_text(node, attribute, NULL);
    const struct unit *unit;
    const char *name;
    uint64_t n;

    if (text == NULL)
        return 0;
    if (parse_with_unit(text, units, &n) && n >= min && n <= max) {
        *out = n;
        return 0;
    }
    unit = unit_to_tell(text, units, min, max);
    name = unit->suffix[0] != '\0' ? unit->suffix : unit->factor == 1 ? "bytes" : "s";
    return get_fault(node,
                     "attribute '%s' of <%s> is '%s'; expected %s, from %" PRIu64 " to %" PRIu64
                     " %s",
                     attribute, node->name, text, expected, min / unit->factor, max / unit->factor,
                     name);
}

static int get_duration(const struct xmb_conf *node, const char *attribute, uint64_t min_ms,
                        uint64_t max_ms, uint64_t *out_ms)
{
    static const struct unit units[] = {{"", 1000},      {"s", 1000},     {"ms", 1},
                                        {"m", 60000},    {"h", 3600000},  {"d", 86400000},
                                        {NULL, 0}};

    return get_with_unit(node, attribute, units, "seconds, or a number with ms, s, m, h or d",
                         min_ms, max_ms, out_ms);
}

static int get_bytes(const struct xmb_conf *node, const char *attribute, uint64_t min_bytes,
                     uint64_t max_bytes, uint64_t *out_bytes)
{
    static const struct unit units[] = {
        {"", 1}, {"k", 1024}, {"m", 1024 * 1024}, {"g", 1024 * 1024 * 1024}, {NULL, 0}};

    return get_with_unit(node, attribute, units, "bytes, or a number with k, m or g", min_bytes,
                         max_bytes, out_bytes);
}

/* "192.0.2.1", "2001:db8::1", "fe80::1%eth0". */
static int parse_address(const char *text, struct xmb_addr *out)
{
    struct xmb_addr a;
    char plain[INET6_ADDRSTRLEN];
    const char *zone = strchr(text, '%');
    size_t n = zone != NULL ? (size_t)(zone - text) : strlen(text);

    memset(&a, 0, sizeof a);
    if (n >= sizeof plain)
        return 0;
    memcpy(plain, text, n);
    plain[n] = '\0';
    if (zone == NULL && inet_pton(AF_INET, plain, a.ip) == 1)
        a.family = 4;
    else if (inet_pton(AF_INET6, plain, a.ip) == 1)
        a.family = 6;
    else
        return 0;
    if (zone != NULL && (a.scope = if_nametoindex(zone + 1)) == 0)
        return 0;
    *out = a;
    return 1;
}

static int get_address(const struct xmb_conf *node, const char *attribute, struct xmb_addr *out)
{
    const char *text = get_text(node, attribute, NULL);

    if (text == NULL || parse_address(text, out))
        return 0;
    return get_fault(node, "attribute '%s' of <%s> is '%s'; expected an IPv4 or IPv6 address",
                     attribute, node->name, text);
}

static void clear_host_bits(struct xmb_addr *a, uint32_t bits)
{
    uint32_t i;

    for (i = 0; i < sizeof a->ip; i++) {
        if (bits >= (i + 1) * 8)
            continue;
        a->ip[i] &= bits <= i * 8 ? 0 : (uint8_t)(0xff00 >> (bits - i * 8));
    }
}

static int parse_network(const char *text, struct xmb_addr *out, uint32_t *prefix_bits)
{
    const char *slash = strchr(text, '/');
    size_t n = slash != NULL ? (size_t)(slash - text) : strlen(text);
    char plain[INET6_ADDRSTRLEN];
    const char *end;
    uint64_t bits;
    struct xmb_addr a;

    if (n >= sizeof plain || memchr(text, '%', n) != NULL)
        return 0;
    memcpy(plain, text, n);
    plain[n] = '\0';
    if (!parse_address(plain, &a))
        return 0;
    bits = a.family == 4 ? 32 : 128;
    if (slash != NULL) {
        uint64_t most = bits;

        if (!parse_digits(slash + 1, &bits, &end) || *end != '\0' || bits > most)
            return 0;
    }
    clear_host_bits(&a, (uint32_t)bits);
    *out = a;
    *prefix_bits = (uint32_t)bits;
    return 1;
}

static int get_network(const struct xmb_conf *node, const char *attribute, struct xmb_addr *out,
                       uint32_t *prefix_bits)
{
    const char *text = get_text(node, attribute, NULL);

    if (text == NULL || parse_network(text, out, prefix_bits))
        return 0;
    return get_fault(node,
                     "attribute '%s' of <%s> is '%s'; expected a network such as 192.0.2.0/24 or "
                     "2001:db8::/32",
                     attribute, node->name, text);
}

static int get_secret(const struct xmb_conf *node, const char *attribute, const char **out)
{
    const struct conf_attr *plain = conf_attr(node, attribute);
    const struct conf_attr *from_file;
    char name[128];

    snprintf(name, sizeof name, "%s-file", attribute);
    from_file = conf_attr(node, name);
    if (plain != NULL && from_file != NULL)
        return get_fault(node, "<%s> has both '%s' and '%s'; leave one out", node->name, attribute,
                         name);
    if (plain != NULL) {
        *out = plain->value;
        return 0;
    }
    if (from_file == NULL)
        return XMB_ENOENT;
    if (from_file->secret == NULL)
        return get_fault(node, "attribute '%s' of <%s>: cannot use the file '%s': %s", name,
                         node->name, from_file->value, from_file->unread);
    *out = from_file->secret;
    return 0;
}

const struct xmb_conf_api conf_api = {
    .size = sizeof conf_api,
    .rev = 1,
    .name = get_name,
    .child = get_child,
    .next = get_next,
    .line = get_line,
    .text = get_text,
    .number = get_number,
    .flag = get_flag,
    .duration = get_duration,
    .bytes = get_bytes,
    .address = get_address,
    .network = get_network,
    .secret = get_secret,
    .fault = get_fault,
};
