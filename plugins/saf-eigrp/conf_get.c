/* SPDX-License-Identifier: MIT */
/*
 * conf_get.c - attributes of kinds that the host has no getter for, and tables of plain ones.
 *
 * Like the host's getters each says itself what is wrong, and takes nothing that it does not wholly
 * understand.
 */
#include "conf_priv.h"

#include <inttypes.h>
#include <stdlib.h>
#include <strings.h>

/* --- tables of settings ----------------------------------------------------------------------- */

static void store(void *object, const struct se_setting *s, uint64_t value)
{
    void *at = (char *)object + s->at;

    switch (s->bytes) {
    case 1:
        *(uint8_t *)at = (uint8_t)value;
        break;
    case 2:
        *(uint16_t *)at = (uint16_t)value;
        break;
    case 4:
        *(uint32_t *)at = (uint32_t)value;
        break;
    default:
        *(uint64_t *)at = value;
    }
}

static int read_one(const struct se_reader *r, const struct xmb_conf *node,
                    const struct se_setting *s, uint64_t *value)
{
    int32_t flag = 0;
    int rc;

    switch (s->kind) {
    case SE_IS_FLAG:
        rc = r->api->flag(node, s->attribute, &flag);
        *value = (uint64_t)flag;
        return rc;
    case SE_IS_SECONDS:
        return se_conf_seconds(r, node, s->attribute, s->min, s->max, value);
    case SE_IS_MS:
        return r->api->duration(node, s->attribute, s->min, s->max, value);
    default:
        return r->api->number(node, s->attribute, s->min, s->max, value);
    }
}

int se_conf_settings(const struct se_reader *r, const struct xmb_conf *node, void *object,
                     const struct se_setting *settings, size_t count)
{
    uint64_t value = 0;
    size_t i;
    int one, rc = 0;

    for (i = 0; i < count; i++) {
        if (r->api->text(node, settings[i].attribute, NULL) == NULL)
            continue;
        one = read_one(r, node, &settings[i], &value);
        if (one == 0)
            store(object, &settings[i], value);
        se_conf_worst(&rc, one);
    }
    return rc;
}

int se_conf_seconds(const struct se_reader *r, const struct xmb_conf *node, const char *attribute,
                    uint64_t min_s, uint64_t max_s, uint64_t *out_s)
{
    uint64_t ms = *out_s * 1000;
    int rc = r->api->duration(node, attribute, min_s * 1000, max_s * 1000, &ms);

    if (rc == 0 && ms % 1000 != 0)
        return r->api->fault(node, "attribute '%s' of <%s> is '%s'; whole seconds are needed",
                             attribute, r->api->name(node), r->api->text(node, attribute, ""));
    if (rc == 0)
        *out_s = ms / 1000;
    return rc;
}

/* --- text ------------------------------------------------------------------------------------- */

int se_conf_name(const struct se_reader *r, const struct xmb_conf *node, const char *attribute,
                 char *out, size_t out_bytes)
{
    const char *text = r->api->text(node, attribute, "");
    size_t n = strlen(text);

    if (n == 0 || n >= out_bytes)
        return r->api->fault(node, "attribute '%s' of <%s> has %zu octets; 1 to %zu are allowed",
                             attribute, r->api->name(node), n, out_bytes - 1);
    memcpy(out, text, n + 1);
    return 0;
}

int se_conf_is(const struct se_reader *r, const struct xmb_conf *node, const char *attribute,
               const char *word)
{
    return strcmp(r->api->text(node, attribute, ""), word) == 0;
}

size_t se_conf_count(const struct se_reader *r, const struct xmb_conf *node, const char *name)
{
    const struct xmb_conf *e;
    size_t n = 0;

    for (e = r->api->child(node, name); e != NULL; e = r->api->next(e, name))
        n++;
    return n;
}

/* --- numbers in other clothes ----------------------------------------------------------------- */

int se_conf_address(const struct se_reader *r, const struct xmb_conf *node, const char *attribute,
                    unsigned family, struct xmb_addr *out)
{
    int rc = r->api->address(node, attribute, out);

    out->scope = 0; /* the interface says it */
    if (rc == 0 && out->family != family)
        rc = r->api->fault(node, "%s is not an IPv%u address, but this is an ipv%u service family",
                           r->api->text(node, attribute, ""), family, family);
    return rc;
}

int se_conf_router_id(const struct se_reader *r, const struct xmb_conf *node,
                      const char *attribute, uint32_t *out)
{
    struct xmb_addr a = {.family = 0};
    uint32_t id;
    int rc = r->api->address(node, attribute, &a);

    if (rc < 0)
        return rc;
    id = (uint32_t)a.ip[0] << 24 | (uint32_t)a.ip[1] << 16 | (uint32_t)a.ip[2] << 8 | a.ip[3];
    if (a.family != 4 || id == 0)
        return r->api->fault(node, "attribute '%s' of <%s> is '%s'; a router id is written as an "
                                   "IPv4 address, and is not 0.0.0.0",
                             attribute, r->api->name(node), r->api->text(node, attribute, ""));
    *out = id;
    return 0;
}

/* Digits, then a unit; 0 when it is neither, or more than 48 bits. */
static uint64_t delay_of(const char *text)
{
    static const struct {
        const char *unit;
        uint64_t ps;
    } units[] = {
        {"", UINT64_C(10000000)}, {"ps", 1}, {"ns", 1000}, {"us", 1000000}, {"ms", 1000000000},
    };
    uint64_t n = 0;
    size_t i;

    for (; *text >= '0' && *text <= '9'; text++) {
        n = n * 10 + (uint64_t)(*text - '0');
        if (n >= SE_DELAY_UNREACHABLE)
            return 0;
    }
    for (i = 0; i < sizeof(units) / sizeof(units[0]); i++)
        if (strcasecmp(text, units[i].unit) == 0)
            return n <= (SE_DELAY_UNREACHABLE - 1) / units[i].ps ? n * units[i].ps : 0;
    return 0;
}

int se_conf_delay(const struct se_reader *r, const struct xmb_conf *node, const char *attribute,
                  uint64_t *out_ps)
{
    const char *text = r->api->text(node, attribute, NULL);
    uint64_t ps;

    if (text == NULL)
        return 0;
    ps = delay_of(text);
    if (ps == 0)
        return r->api->fault(node, "attribute '%s' of <%s> is '%s'; expected tens of microseconds, "
                                   "or a number with ps, ns, us or ms, from 1ps to 281474ms",
                             attribute, r->api->name(node), text);
    *out_ps = ps;
    return 0;
}

/* --- times ------------------------------------------------------------------------------------ */

/* `digits` of them at `*p`, which moves on; -1 when there are fewer. */
static int field(const char **p, int digits)
{
    int n = 0;

    for (; digits > 0; digits--, (*p)++) {
        if (**p < '0' || **p > '9')
            return -1;
        n = n * 10 + (**p - '0');
    }
    return n;
}

/* The next octet is `c`, and then come `digits`. */
static int field_after(const char **p, char c, int digits)
{
    if (**p != c)
        return -1;
    (*p)++;
    return field(p, digits);
}

/* Days since 1970 of a date in the Gregorian calendar: years begin in March, so leap days end. */
static int64_t days_of(int year, int month, int day)
{
    int64_t y = month > 2 ? year : year - 1;
    int64_t m = month > 2 ? month - 3 : month + 9;

    return y * 365 + y / 4 - y / 100 + y / 400 + (m * 153 + 2) / 5 + day - 1 - 719468;
}

static int days_in(int year, int month)
{
    static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    int is_leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);

    return days[month - 1] + (month == 2 && is_leap);
}

static int parse_time(const char *p, int64_t *out)
{
    int year = field(&p, 4), month = field_after(&p, '-', 2), day = field_after(&p, '-', 2);
    int hour = 0, minute = 0, second = 0;

    if (year < 1993 || month < 1 || month > 12 || day < 1 || day > days_in(year, month))
        return 0;
    if (*p != '\0') {
        hour = field_after(&p, 'T', 2);
        minute = field_after(&p, ':', 2);
        second = field_after(&p, ':', 2);
        if (strcmp(p, "Z") != 0)
            return 0;
    }
    if (hour < 0 || hour > 23 || minute < 0 || minute > 59 || second < 0 || second > 59)
        return 0;
    *out = days_of(year, month, day) * 86400 + hour * 3600 + minute * 60 + second;
    return 1;
}

int se_conf_time(const struct se_reader *r, const struct xmb_conf *node, const char *attribute,
                 int64_t *out_s)
{
    const char *text = r->api->text(node, attribute, NULL);

    if (text == NULL || parse_time(text, out_s))
        return 0;
    return r->api->fault(node, "attribute '%s' of <%s> is '%s'; expected a time in UTC from 1993 "
                               "on, such as 2026-01-31 or 2026-01-31T12:00:00Z",
                         attribute, r->api->name(node), text);
}
