/* SPDX-License-Identifier: MIT */
/*
 * conf_security.c - <security> and <dialback>, one of each for a side (R23 to R27, rule G6).
 *
 * The outside asks for TLS unless told otherwise; the inside takes it where the server offers it.
 * What contradicts itself is a fault: a gateway that quietly does less than was asked for is worse
 * than one that does not start.
 */
#include "conf_priv.h"

static void set_defaults(struct s2_conf *c)
{
    c->security[S2_OUTSIDE] = (struct s2_security){
        .mode = S2_TLS_REQUIRED,
        .accept_no_certificate = 1,
        .external = 1,
        .direct_tls = 1,
    };
    c->security[S2_INSIDE] = (struct s2_security){
        .mode = S2_TLS_OPTIONAL,
        .accept_no_certificate = 1,
        .direct_tls = 1,
    };
}

static enum s2_mode mode_of(const char *word, enum s2_mode absent)
{
    int m;

    for (m = S2_TLS_REQUIRED; word != NULL && m <= S2_NO_TLS; m++) {
        if (strcmp(word, s2_mode_name((enum s2_mode)m)) == 0)
            return (enum s2_mode)m;
    }
    return absent;
}

static int read_security(const struct xmb_conf *node, struct s2_security *s)
{
    const char *authentication = s2_conf_api()->text(node, "authentication", NULL);
    int rc;

    s->mode = mode_of(s2_conf_api()->text(node, "mode", NULL), s->mode);
    s->tls = s2_conf_api()->text(node, "tls", NULL);
    rc = s2_conf_flag(node, "require-client-certificates", &s->require_certificates);
    s->accept_no_certificate = !s->require_certificates;
    s2_conf_worst(&rc, s2_conf_flag(node, "accept-no-certificate", &s->accept_no_certificate));
    s2_conf_worst(&rc, s2_conf_flag(node, "direct-tls", &s->direct_tls));
    s2_conf_worst(&rc, s2_conf_flag(node, "bidi", &s->bidi));
    if (authentication != NULL)
        s->external = strcmp(authentication, "both") == 0;
    if (s->mode == S2_NO_TLS && s->require_certificates)
        s2_conf_worst(&rc, s2_conf_api()->fault(
                               node, "mode no-tls has no certificates to require (R26)"));
    return rc;
}

/* One element for each side; `fn` reads it. */
static int each_side(const struct xmb_conf *node, const char *name, struct s2_conf *c,
                     int (*fn)(const struct xmb_conf *e, struct s2_conf *c, enum s2_side side))
{
    const struct xmb_conf *e;
    uint32_t seen = 0, bit;
    enum s2_side side;
    int rc = 0;

    for (e = s2_conf_api()->child(node, name); e != NULL; e = s2_conf_api()->next(e, name)) {
        side = s2_conf_side(e, S2_OUTSIDE);
        bit = UINT32_C(1) << side;
        if ((seen & bit) != 0)
            s2_conf_worst(&rc, s2_conf_api()->fault(e, "a second <%s> for the side %s", name,
                                                    s2_side_name(side)));
        seen |= bit;
        s2_conf_worst(&rc, fn(e, c, side));
    }
    return rc;
}

static int on_security(const struct xmb_conf *e, struct s2_conf *c, enum s2_side side)
{
    return read_security(e, &c->security[side]);
}

static int on_dialback(const struct xmb_conf *e, struct s2_conf *c, enum s2_side side)
{
    const char *secret = NULL;
    int rc = s2_conf_api()->secret(e, "secret", &secret);

    if (rc == XMB_ENOENT)
        return s2_conf_api()->fault(e, "it needs secret or secret-file");
    if (rc != 0)
        return rc;
    rc = s2_secret_set(xmb_str(secret), &c->security[side].secret);
    if (rc == XMB_EINVAL)
        return s2_conf_api()->fault(e, "the secret is empty or longer than 4096 octets");
    c->secrets_given |= UINT32_C(1) << side;
    return rc;
}

/* --- what must fit together ------------------------------------------------------------------ */

/* The profile of the first listener of the side stands for it, unless <security tls=> names one. */
static void take_profiles(struct s2_conf *c)
{
    size_t i;

    for (i = 0; i < c->listen_count; i++) {
        const struct s2_listen *l = &c->listens[i];
        struct s2_security *s = &c->security[l->side];

        if (s->tls == NULL && l->component < 0)
            s->tls = l->tls;
    }
}

static int check_listen(const struct xmb_conf *e, const struct s2_conf *c,
                        const struct s2_listen *l)
{
    enum s2_mode mode = c->security[l->side].mode;

    if (mode == S2_TLS_REQUIRED && l->tls == NULL)
        return s2_conf_api()->fault(
            e, l->component < 0 ? "mode tls-required on the side %s needs a profile in tls"
                                : "mode tls-required on the side %s: a component needs a profile "
                                  "in tls, and then speaks TLS from the first octet",
            s2_side_name(l->side));
    if (mode == S2_NO_TLS && l->direct)
        return s2_conf_api()->fault(e, "mode no-tls on the side %s, and TLS from the first octet",
                                    s2_side_name(l->side));
    return 0;
}

static int check_listens(const struct xmb_conf *node, const struct s2_conf *c)
{
    const struct xmb_conf *e, *component;
    size_t i = 0;
    int rc = 0;

    for (e = s2_conf_api()->child(node, NULL); e != NULL && i < c->listen_count;
         e = s2_conf_api()->next(e, NULL)) {
        component = s2_conf_api()->child(e, "component");
        if (strcmp(s2_conf_api()->name(e), "listen") == 0)
            s2_conf_worst(&rc, check_listen(e, c, &c->listens[i++]));
        else if (component != NULL)
            s2_conf_worst(&rc, check_listen(component, c, &c->listens[i++]));
    }
    return rc;
}

/*
 * The core looks at the profiles of listeners; these are ours alone. What is said of a profile
 * that has faults of its own (XMB_ECONF) is said there.
 */
static int check_profile(const struct xmb_conf *e, int serves)
{
    const char *profile = s2_conf_api()->text(e, "tls", NULL);
    struct xmb_tls_own own = {.size = sizeof(own)};
    int rc = profile != NULL ? s2_host->conn->tls_own(profile, "", &own) : 0;

    if (rc == XMB_ENOENT)
        return s2_conf_api()->fault(e, "there is no <tls name=\"%s\"/>", profile);
    if (rc == 0 && profile != NULL && serves && own.file[0] == '\0')
        return s2_conf_api()->fault(e, "TLS profile \"%s\" has no certificate to show", profile);
    return 0;
}

static int check_profiles(const struct xmb_conf *node)
{
    const struct xmb_conf *e;
    int rc = 0;

    for (e = s2_conf_api()->child(node, "security"); e != NULL;
         e = s2_conf_api()->next(e, "security"))
        s2_conf_worst(&rc, check_profile(e, 0));
    for (e = s2_conf_api()->child(node, "local-domain"); e != NULL;
         e = s2_conf_api()->next(e, "local-domain"))
        s2_conf_worst(&rc, check_profile(e, 1));
    return rc;
}

static int dials(const struct s2_conf *c, enum s2_side side)
{
    size_t i;

    for (i = 0; i < c->local_count; i++) {
        if (side == S2_OUTSIDE || c->locals[i].server_count > 0)
            return 1;
    }
    return 0;
}

static int check_side(const struct xmb_conf *node, struct s2_conf *c, enum s2_side side)
{
    struct s2_security *s = &c->security[side];

    if (s->mode == S2_NO_TLS) {
        s->tls = NULL;
        s->direct_tls = s->external = s->bidi = 0;
    }
    if (s->mode == S2_TLS_REQUIRED && s->tls == NULL && dials(c, side))
        return s2_conf_api()->fault(
            node, "mode tls-required on the side %s: no <listen> there and no <security tls=> "
                  "names a TLS profile to dial with", s2_side_name(side));
    return 0;
}

/* With faults in <security> this would tell of modes that nobody wrote. */
static int check_modes(const struct xmb_conf *node, struct s2_conf *c)
{
    int rc;

    take_profiles(c);
    rc = check_listens(node, c);
    if (rc != 0)
        return rc;
    rc = check_side(node, c, S2_OUTSIDE);
    s2_conf_worst(&rc, check_side(node, c, S2_INSIDE));
    return rc;
}

int s2_conf_read_security(const struct xmb_conf *node, struct s2_conf *c)
{
    int rc;

    set_defaults(c);
    rc = each_side(node, "security", c, on_security);
    if (rc == 0)
        rc = check_modes(node, c);
    s2_conf_worst(&rc, each_side(node, "dialback", c, on_dialback));
    s2_conf_worst(&rc, check_profiles(node));
    return rc;
}
