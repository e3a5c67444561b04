/* SPDX-License-Identifier: MIT */
/*
 * show_say.c - fields of an answer: numbers, addresses, distances and times as they are shown.
 *
 * JSON has no infinity and no "not known": both are null.
 */
#include "show.h"

#include <stdio.h>
#include <time.h>

void se_say(const struct se_show *s, const char *key, const char *text)
{
    if (text != NULL)
        s->api->text(s->out, key, xmb_str(text));
    else
        s->api->null(s->out, key);
}

void se_say_number(const struct se_show *s, const char *key, uint64_t value)
{
    s->api->number(s->out, key, value > INT64_MAX ? INT64_MAX : (int64_t)value);
}

void se_say_known(const struct se_show *s, const char *key, uint64_t value, uint64_t unknown)
{
    if (value == unknown)
        s->api->null(s->out, key);
    else
        se_say_number(s, key, value);
}

void se_say_flag(const struct se_show *s, const char *key, int value)
{
    s->api->flag(s->out, key, value != 0);
}

void se_say_addr(const struct se_show *s, const char *key, const struct xmb_addr *addr)
{
    char text[SE_ADDR_TEXT_MAX];

    se_say(s, key, addr->family != 0 ? se_addr_text(addr, text, sizeof(text)) : NULL);
}

void se_say_router(const struct se_show *s, const char *key, uint32_t router_id)
{
    char text[SE_ADDR_TEXT_MAX];

    se_say(s, key, router_id != 0 ? se_router_id_text(router_id, text, sizeof(text)) : NULL);
}

void se_say_service(const struct se_show *s, const char *key, const struct xmb_service_id *id)
{
    char text[SE_SERVICE_TEXT_MAX];

    se_say(s, key, se_show_id_text(id, text, sizeof(text)));
}

void se_say_distance(const struct se_show *s, const struct se_process *p, const char *key,
                     const char *key_rib, uint64_t composite)
{
    se_say_known(s, key, composite, SE_COMPOSITE_INFINITY);
    if (composite == SE_COMPOSITE_INFINITY)
        s->api->null(s->out, key_rib);
    else
        se_say_number(s, key_rib, se_metric_rib(composite, p->family->rib_scale));
}

void se_say_time(const struct se_show *s, const char *key, uint64_t wall_ms)
{
    time_t seconds = (time_t)(wall_ms / 1000);
    char day[32], text[48];
    struct tm utc;

    gmtime_r(&seconds, &utc);
    strftime(day, sizeof(day), "%Y-%m-%dT%H:%M:%S", &utc);
    snprintf(text, sizeof(text), "%s.%03uZ", day, (unsigned)(wall_ms % 1000));
    se_say(s, key, text);
}

void se_say_since(const struct se_show *s, const struct se_process *p, const char *key, uint64_t ms)
{
    uint64_t now_ms = se_process_now(p).ms;

    se_say_number(s, key, now_ms > ms ? (now_ms - ms) / 1000 : 0);
}

/* --- rows ------------------------------------------------------------------------------------- */

void se_list(const struct se_show *s, const char *key)
{
    s->api->list_begin(s->out, key);
}

void se_list_end(const struct se_show *s)
{
    s->api->list_end(s->out);
}

void se_row(const struct se_show *s, const struct se_process *p)
{
    s->api->row_begin(s->out);
    if (s->family == 0)
        se_say(s, "family", p->family->family == 4 ? "ipv4" : "ipv6");
    se_say_number(s, "autonomous_system", p->family->as_number);
    if (p->family->vrf.n > 0)
        s->api->text(s->out, "vrf", p->family->vrf);
    else
        s->api->null(s->out, "vrf");
}

void se_row_end(const struct se_show *s)
{
    s->api->row_end(s->out);
}
