/* SPDX-License-Identifier: MIT */
/*
 * writer.c - the bounded text that the gateway's own words go into, and those of a stream's
 * beginning and end (RFC 6120, 4 to 6; XEP-0198, 0288, 0478). Dialback is in writer_dialback.c,
 * errors are in writer_errors.c.
 */
#include "writer.h"

#include <openssl/evp.h>
#include <stdio.h>

#define NS_TLS "urn:ietf:params:xml:ns:xmpp-tls"
#define NS_SASL "urn:ietf:params:xml:ns:xmpp-sasl"
#define NS_SM "urn:xmpp:sm:3"

/* --- the text -------------------------------------------------------------------------------- */

void s2_text_begin(struct s2_text *t)
{
    t->n = 0;
    t->overflow = 0;
}

static void put(struct s2_text *t, const char *p, size_t n)
{
    if (t->overflow || n > S2_TEXT_ROOM - t->n) {
        t->overflow = 1;
        return;
    }
    memcpy(t->p + t->n, p, n);
    t->n += n;
}

void s2_text_add(struct s2_text *t, const char *literal)
{
    put(t, literal, strlen(literal));
}

static const char *entity_of(char c)
{
    switch (c) {
    case '&':
        return "&amp;";
    case '<':
        return "&lt;";
    case '>':
        return "&gt;";
    case '\'':
        return "&apos;";
    case '"':
        return "&quot;";
    /* A reader would make spaces of these in an attribute. */
    case '\t':
        return "&#9;";
    case '\n':
        return "&#10;";
    case '\r':
        return "&#13;";
    default:
        return NULL;
    }
}

void s2_text_escaped(struct s2_text *t, struct xmb_str s)
{
    size_t plain = 0;
    size_t i;

    for (i = 0; i < s.n; i++) {
        const char *entity = entity_of(s.p[i]);

        if (entity == NULL)
            continue;
        put(t, s.p + plain, i - plain);
        s2_text_add(t, entity);
        plain = i + 1;
    }
    if (s.n > plain)
        put(t, s.p + plain, s.n - plain);
}

void s2_text_attribute(struct s2_text *t, const char *name, struct xmb_str value)
{
    if (value.p == NULL)
        return;
    s2_text_add(t, " ");
    s2_text_add(t, name);
    s2_text_add(t, "='");
    s2_text_escaped(t, value);
    s2_text_add(t, "'");
}

/* --- a stream's beginning and end ------------------------------------------------------------ */

void s2_write_header(struct s2_text *t, const struct s2_header_out *h)
{
    s2_text_add(t, "<?xml version='1.0'?><stream:stream xmlns='");
    s2_text_add(t, h->component ? "jabber:component:accept" : "jabber:server");
    s2_text_add(t, "' xmlns:stream='http://etherx.jabber.org/streams'"
                   " xmlns:db='jabber:server:dialback'");
    s2_text_attribute(t, "from", h->from);
    s2_text_attribute(t, "to", h->to);
    s2_text_attribute(t, "id", h->id);
    if (h->version)
        s2_text_add(t, " version='1.0'");
    s2_text_attribute(t, "xml:lang", h->lang);
    s2_text_add(t, ">");
}

void s2_write_end(struct s2_text *t)
{
    s2_text_add(t, "</stream:stream>");
}

static void write_limits(struct s2_text *t, uint32_t max_bytes, uint32_t idle_s)
{
    char number[32];

    s2_text_add(t, "<limits xmlns='urn:xmpp:stream-limits:0'>");
    snprintf(number, sizeof(number), "%u", max_bytes);
    s2_text_add(t, "<max-bytes>");
    s2_text_add(t, number);
    s2_text_add(t, "</max-bytes>");
    if (idle_s != 0) {
        snprintf(number, sizeof(number), "%u", idle_s);
        s2_text_add(t, "<idle-seconds>");
        s2_text_add(t, number);
        s2_text_add(t, "</idle-seconds>");
    }
    s2_text_add(t, "</limits>");
}

void s2_write_features(struct s2_text *t, uint32_t features, uint32_t max_bytes, uint32_t idle_s)
{
    s2_text_add(t, "<stream:features>");
    if (features & S2_F_STARTTLS_REQUIRED)
        s2_text_add(t, "<starttls xmlns='" NS_TLS "'><required/></starttls>");
    else if (features & S2_F_STARTTLS)
        s2_text_add(t, "<starttls xmlns='" NS_TLS "'/>");
    if (features & S2_F_EXTERNAL)
        s2_text_add(t, "<mechanisms xmlns='" NS_SASL "'><mechanism>EXTERNAL</mechanism>"
                       "</mechanisms>");
    if (features & S2_F_DIALBACK_ERRORS)
        s2_text_add(t, "<dialback xmlns='urn:xmpp:features:dialback'><errors/></dialback>");
    else if (features & S2_F_DIALBACK)
        s2_text_add(t, "<dialback xmlns='urn:xmpp:features:dialback'/>");
    if (features & S2_F_BIDI)
        s2_text_add(t, "<bidi xmlns='urn:xmpp:features:bidi'/>");
    if (features & S2_F_SM)
        s2_text_add(t, "<sm xmlns='" NS_SM "'/>");
    if (max_bytes != 0)
        write_limits(t, max_bytes, idle_s);
    s2_text_add(t, "</stream:features>");
}

/* --- TLS and SASL ---------------------------------------------------------------------------- */

void s2_write_starttls(struct s2_text *t)
{
    s2_text_add(t, "<starttls xmlns='" NS_TLS "'/>");
}

void s2_write_proceed(struct s2_text *t)
{
    s2_text_add(t, "<proceed xmlns='" NS_TLS "'/>");
}

void s2_write_tls_failure(struct s2_text *t)
{
    s2_text_add(t, "<failure xmlns='" NS_TLS "'/>");
    s2_write_end(t);
}

void s2_write_auth_external(struct s2_text *t, struct xmb_str authzid)
{
    unsigned char base64[4 * ((S2_UDOMAIN_MAX + 2) / 3) + 1];

    s2_text_add(t, "<auth xmlns='" NS_SASL "' mechanism='EXTERNAL'>");
    if (authzid.n > S2_UDOMAIN_MAX) {
        t->overflow = 1;
    } else if (authzid.n == 0) {
        s2_text_add(t, "=");
    } else {
        EVP_EncodeBlock(base64, (const unsigned char *)authzid.p, (int)authzid.n);
        s2_text_add(t, (const char *)base64);
    }
    s2_text_add(t, "</auth>");
}

void s2_write_sasl_success(struct s2_text *t)
{
    s2_text_add(t, "<success xmlns='" NS_SASL "'/>");
}

void s2_write_sasl_failure(struct s2_text *t, const char *condition, const char *text_or_null)
{
    s2_text_add(t, "<failure xmlns='" NS_SASL "'><");
    s2_text_add(t, condition);
    s2_text_add(t, "/>");
    if (text_or_null != NULL) {
        s2_text_add(t, "<text xml:lang='en'>");
        s2_text_escaped(t, xmb_str(text_or_null));
        s2_text_add(t, "</text>");
    }
    s2_text_add(t, "</failure>");
}

void s2_write_bidi(struct s2_text *t, uint32_t max_bytes, uint32_t idle_s)
{
    s2_text_add(t, "<bidi xmlns='urn:xmpp:bidi'>");
    if (max_bytes != 0)
        write_limits(t, max_bytes, idle_s);
    s2_text_add(t, "</bidi>");
}

/* --- stream management ----------------------------------------------------------------------- */

void s2_write_sm_enable(struct s2_text *t)
{
    s2_text_add(t, "<enable xmlns='" NS_SM "'/>");
}

void s2_write_sm_enabled(struct s2_text *t)
{
    s2_text_add(t, "<enabled xmlns='" NS_SM "'/>");
}

void s2_write_sm_r(struct s2_text *t)
{
    s2_text_add(t, "<r xmlns='" NS_SM "'/>");
}

void s2_write_sm_a(struct s2_text *t, uint32_t h)
{
    char number[16];

    snprintf(number, sizeof(number), "%u", h);
    s2_text_add(t, "<a xmlns='" NS_SM "' h='");
    s2_text_add(t, number);
    s2_text_add(t, "'/>");
}
