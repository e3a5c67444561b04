/* SPDX-License-Identifier: MIT */
/*
 * show_ask.c - what an operator asks for: which service family, what of it, and how much.
 *
 * The broker has checked the words against the command's specification, so here they are told
 * apart, and refused where they do not go together with what is to be shown.
 */
#include "show.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>

/* The words of a call, taken from left to right. */
struct words {
    const struct xmb_call *call;
    uint32_t at;
};

static const char *peek(const struct words *w)
{
    return w->at < w->call->arg_count ? w->call->args[w->at] : NULL;
}

/* 1 when the next word is `word`, which is taken. */
static int take(struct words *w, const char *word)
{
    const char *next = peek(w);

    if (next == NULL || strcmp(next, word) != 0)
        return 0;
    w->at++;
    return 1;
}

/* A number from 1 to `max`; 0: it is none. */
static unsigned long number_of(const char *text, unsigned long max)
{
    unsigned long value;
    char *end;

    errno = 0;
    value = strtoul(text, &end, 10);
    return errno == 0 && end != text && *end == '\0' && text[0] != '-' && value <= max ? value : 0;
}

/* --- which service family --------------------------------------------------------------------- */

static const struct se_view *view_named(const struct se_view *views, size_t count,
                                        const char *word)
{
    size_t i;

    for (i = 0; word != NULL && i < count; i++)
        if (strcmp(views[i].word, word) == 0)
            return &views[i];
    return NULL;
}

static int read_vrf(struct se_show *s, struct words *w)
{
    const char *name;

    if (!take(w, "vrf"))
        return 0;
    name = peek(w);
    if (name == NULL)
        return s->api->error(s->out, "vrf: the name of a VRF is missing");
    s->vrf = xmb_str(name);
    w->at++;
    return 0;
}

static int read_family(struct se_show *s, struct words *w, const struct se_view *views,
                       size_t count)
{
    const char *as;

    if (!take(w, "ipv4") && !take(w, "ipv6"))
        return s->api->error(s->out, "which service family: ipv4 or ipv6");
    s->family = strcmp(w->call->args[0], "ipv4") == 0 ? 4 : 6;
    if (read_vrf(s, w) < 0)
        return XMB_EINVAL;
    as = peek(w);
    if (as == NULL || view_named(views, count, as) != NULL)
        return 0;
    s->as_number = (uint16_t)number_of(as, UINT16_MAX);
    if (s->as_number == 0)
        return s->api->error(s->out, "%s is no autonomous system: a number from 1 to 65535", as);
    w->at++;
    return 0;
}

/* A family that was named has to be there. */
static int check_family(struct se_show *s)
{
    const char *family = s->family == 4 ? "ipv4" : "ipv6";

    if ((s->as_number == 0 && s->vrf.n == 0) || se_show_next(s, NULL) != NULL)
        return 0;
    if (s->as_number == 0)
        return s->api->error(s->out, "no %s service family is configured in VRF %.*s; "
                             "show eigrp protocols lists them", family, (int)s->vrf.n, s->vrf.p);
    return s->api->error(s->out, "no %s service family of autonomous system %u is configured"
                         "%s%.*s; show eigrp protocols lists them", family, s->as_number,
                         s->vrf.n > 0 ? " in VRF " : "", (int)s->vrf.n,
                         s->vrf.n > 0 ? s->vrf.p : "");
}

struct se_process *se_show_next(const struct se_show *s, const struct se_process *p)
{
    struct se_process *next = p != NULL ? p->next : s->forwarder->processes;

    for (; next != NULL; next = next->next)
        if ((s->family == 0 || next->family->family == s->family) &&
            (s->as_number == 0 || next->family->as_number == s->as_number) &&
            (s->vrf.n == 0 || xmb_str_eq(next->family->vrf, s->vrf)))
            return next;
    return NULL;
}

/* --- how much of it --------------------------------------------------------------------------- */

static const struct {
    const char *word;
    enum se_show_filter filter;
} filters[] = {
    {"active", SE_SHOW_ACTIVE},   {"all", SE_SHOW_ALL},
    {"pending", SE_SHOW_PENDING}, {"summary", SE_SHOW_SUMMARY},
    {"zero-successors", SE_SHOW_ZERO},
};

static int read_filter(struct se_show *s, const char *word)
{
    size_t i;

    for (i = 0; i < sizeof(filters) / sizeof(filters[0]); i++) {
        if (strcmp(filters[i].word, word) == 0) {
            s->filter = (uint8_t)filters[i].filter;
            return 1;
        }
    }
    return 0;
}

static int is_iface_in_use(const struct se_show *s, const char *name)
{
    const struct se_process *p;
    uint32_t i;

    for (p = se_show_next(s, NULL); p != NULL; p = se_show_next(s, p))
        for (i = 0; i < p->iface_end; i++)
            if (p->ifaces[i] != NULL && strcmp(p->ifaces[i]->name, name) == 0)
                return 1;
    return 0;
}

static int read_which(struct se_show *s, const char *word)
{
    unsigned takes = s->view->takes;

    if (takes & SE_TAKES_SERVICE && se_show_pattern_read(word, &s->pattern) == 0)
        return 0;
    if (takes & SE_TAKES_SERVICE)
        return s->api->error(s->out, "%s is no service: 101, 101:2 or 101:2:1.2.3.4, with * for "
                             "any part", word);
    s->which = word;
    if (takes & SE_TAKES_NEIGHBOURS && inet_pton(AF_INET, word, s->addr.ip) == 1)
        s->addr.family = 4;
    else if (takes & SE_TAKES_NEIGHBOURS && inet_pton(AF_INET6, word, s->addr.ip) == 1)
        s->addr.family = 6;
    if (s->addr.family != 0 || is_iface_in_use(s, word))
        return 0;
    return s->api->error(s->out, "%s is no %sinterface that this service family uses now", word,
                         takes & SE_TAKES_NEIGHBOURS ? "address, and no " : "");
}

static int read_limit(struct se_show *s, struct words *w)
{
    const char *text = peek(w);

    s->limit = text != NULL ? (uint32_t)number_of(text, UINT32_MAX) : 0;
    if (s->limit == 0)
        return s->api->error(s->out, "limit: how many rows, from 1 on");
    w->at++;
    return 0;
}

/* A word that is no name of anything. */
static int is_keyword(const char *word)
{
    static const char *const words[] = {"detail", "limit", "soft"};
    size_t i;

    for (i = 0; i < sizeof(words) / sizeof(words[0]); i++)
        if (strcmp(words[i], word) == 0)
            return 1;
    for (i = 0; i < sizeof(filters) / sizeof(filters[0]); i++)
        if (strcmp(filters[i].word, word) == 0)
            return 1;
    return 0;
}

/* One word, or two, behind the view. */
static int read_option(struct se_show *s, struct words *w)
{
    unsigned takes = s->view->takes;
    const char *word = w->call->args[w->at++];

    if (takes & SE_TAKES_DETAIL && strcmp(word, "detail") == 0)
        s->is_detail = 1;
    else if (takes & SE_TAKES_SOFT && strcmp(word, "soft") == 0)
        s->is_soft = 1;
    else if (takes & SE_TAKES_LIMIT && strcmp(word, "limit") == 0)
        return read_limit(s, w);
    else if (takes & SE_TAKES_SERVICE && read_filter(s, word))
        return 0;
    else if (takes & SE_TAKES_WHICH && s->which == NULL && !is_keyword(word))
        return read_which(s, word);
    else
        return s->api->error(s->out, "\"%s\" says nothing about %s", word, s->view->word);
    return 0;
}

static void begin(struct se_show *s, void *self, struct xmb_out *out)
{
    memset(s, 0, sizeof(*s));
    s->forwarder = se_forwarder_of(self);
    s->api = s->forwarder->host->control;
    s->out = out;
    s->limit = SE_SHOW_ROWS;
    s->pattern.any = SE_SHOW_ANY_SERVICE | SE_SHOW_ANY_SUBSERVICE | SE_SHOW_ANY_INSTANCE;
}

void se_show_everything(struct se_show *s, void *self, struct xmb_out *out)
{
    begin(s, self, out);
    s->is_detail = 1;
}

int se_show_ask(struct se_show *s, void *self, const struct xmb_call *call, struct xmb_out *out,
                const struct se_view *views, size_t count)
{
    struct words w = {call, 0};
    int rc;

    begin(s, self, out);
    rc = read_family(s, &w, views, count);
    if (rc == 0)
        rc = check_family(s);
    if (rc < 0)
        return rc;
    s->view = view_named(views, count, peek(&w));
    if (s->view == NULL)
        return s->api->error(out, "what of the service family: try ?");
    w.at++;
    while (rc == 0 && peek(&w) != NULL)
        rc = read_option(s, &w);
    return rc;
}

/* --- what belongs to it ----------------------------------------------------------------------- */

int se_show_wants_iface(const struct se_show *s, const struct se_iface *iface)
{
    return s->which == NULL || (iface != NULL && strcmp(iface->name, s->which) == 0);
}

int se_show_wants_nbr(const struct se_show *s, const struct se_iface *iface,
                      const struct xmb_addr *addr)
{
    if (s->addr.family == 0)
        return se_show_wants_iface(s, iface);
    return addr->family == s->addr.family && memcmp(addr->ip, s->addr.ip, sizeof(addr->ip)) == 0;
}

int se_show_wants_penalty(const struct se_show *s, const struct se_penalty *penalty)
{
    if (s->addr.family == 0)
        return s->which == NULL || strcmp(penalty->iface, s->which) == 0;
    return se_show_wants_nbr(s, NULL, &penalty->addr);
}

int se_show_may_row(struct se_show *s)
{
    if (s->limit == 0) {
        s->left_out++;
        return 0;
    }
    s->limit--;
    return 1;
}
