/* SPDX-License-Identifier: MIT */
/*
 * own.c - see own.h.
 *
 * A domain may have more than one certificate: that of its profile, with STARTTLS both ways, and on
 * each listener for TLS from the first octet that of the listener's, since there the client's SNI
 * alone chooses.
 */
#include "own.h"

#include <stdio.h>
#include <time.h>

#define WARNINGS_MAX 20
#define SOON_S (14 * 86400)

/* What is shown for one domain in one place. */
struct shown {
    const char *profile;
    struct xmb_tls_own own;
};

/* --- looking --------------------------------------------------------------------------------- */

/* 0: nothing is known of that profile, or none is used; what is wrong is told elsewhere. */
static int look(const char *profile, const struct s2_domain *d, struct shown *out)
{
    char text[XMB_ADDR_TEXT_MAX];
    const char *name = d->text;
    struct xmb_addr ip;

    if (s2_domain_is_ip(d, &ip))
        name = s2_host->conn->addr_text(&ip, text, sizeof(text)); /* without brackets */
    out->profile = profile;
    out->own = (struct xmb_tls_own){.size = sizeof(out->own)};
    return profile != NULL && s2_host->conn->tls_own(profile, name, &out->own) == 0;
}

static int is_missing(const struct shown *s)
{
    return !s->own.covers;
}

static int is_missing_or_old(const struct shown *s)
{
    return !s->own.covers || s->own.not_after_s < (int64_t)time(NULL) + SOON_S;
}

/* The first certificate for `d` that is `bad`. */
static int find(const struct s2_conf *c, const struct s2_domain *d,
                int (*bad)(const struct shown *s), struct shown *out)
{
    size_t i;

    if (look(s2_conf_tls(c, S2_OUTSIDE, d), d, out) && bad(out))
        return 1;
    for (i = 0; i < c->listen_count; i++) {
        const struct s2_listen *l = &c->listens[i];

        if (l->side == S2_OUTSIDE && l->direct && look(l->tls, d, out) && bad(out))
            return 1;
    }
    return 0;
}

static int uses_tls(const struct s2_conf *c)
{
    return c->enabled && c->security[S2_OUTSIDE].mode != S2_NO_TLS;
}

/* --- telling --------------------------------------------------------------------------------- */

/* "certificate FILE of TLS profile P (names: A, B)" */
static const char *describe(const struct shown *s, char *text, size_t cap)
{
    if (s->own.file[0] == '\0')
        snprintf(text, cap, "TLS profile %s has no certificate", s->profile);
    else
        snprintf(text, cap, "certificate %s of TLS profile %s (names: %s)", s->own.file,
                 s->profile, s->own.names[0] != '\0' ? s->own.names : "none");
    return text;
}

static void warn_one(const struct s2_module *m, const struct s2_domain *d, const struct shown *s)
{
    char text[sizeof(s->own.file) + sizeof(s->own.names) + 128];

    S2_LOG(m->module, XMB_LOG_WARN, NULL, d->text,
           "%s%s: peers that want a certificate with its name refuse it, the others verify it by "
           "dialback",
           describe(s, text, sizeof(text)),
           s->own.file[0] == '\0' ? " to show for the domain" : " does not name the domain");
}

void s2_own_warn(const struct s2_module *m, const struct s2_conf *c)
{
    struct shown s;
    size_t i, n = 0;

    for (i = 0; i < c->local_count && uses_tls(c); i++) {
        if (find(c, &c->locals[i].name, is_missing, &s) && ++n <= WARNINGS_MAX)
            warn_one(m, &c->locals[i].name, &s);
    }
    if (n > WARNINGS_MAX)
        S2_LOG(m->module, XMB_LOG_WARN, NULL, NULL,
               "%zu more local domains are not named by the certificate that is shown for them",
               n - WARNINGS_MAX);
}

static void tell(const struct s2_domain *d, const struct shown *s, char *why, size_t cap)
{
    int64_t rest_s = s->own.not_after_s - (int64_t)time(NULL);

    if (s->own.file[0] == '\0')
        snprintf(why, cap, "%s: TLS profile %s has no certificate", d->text, s->profile);
    else if (!s->own.covers)
        snprintf(why, cap, "%s is not named by %s", d->text, s->own.file);
    else if (rest_s < 0)
        snprintf(why, cap, "%s: %s has expired", d->text, s->own.file);
    else
        snprintf(why, cap, "%s: %s expires in %d days", d->text, s->own.file,
                 (int)(rest_s / 86400));
}

size_t s2_own_count(const struct s2_conf *c, char *why, size_t cap)
{
    struct shown s;
    size_t i, n = 0;

    for (i = 0; i < c->local_count && uses_tls(c); i++) {
        if (find(c, &c->locals[i].name, is_missing_or_old, &s) && n++ == 0)
            tell(&c->locals[i].name, &s, why, cap);
    }
    return n;
}
