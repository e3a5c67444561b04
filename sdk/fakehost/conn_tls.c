/* SPDX-License-Identifier: MIT */
/*
 * conn_tls.c - TLS as a plugin sees it: there is none, but what was asked for is kept for the
 * test, `secured` comes with the next run, and certificates, the peer's and ours, are what the test
 * says.
 */
#include "conn_priv.h"

#include <stdio.h>
#include <time.h>

#define YEAR_S 31536000

/* --- copies ---------------------------------------------------------------------------------- */

static char *copy_n(const char *p, size_t n)
{
    char *out = fake_alloc(n + 1);

    if (n > 0)
        memcpy(out, p, n);
    return out;
}

static const char *copy(const char *text)
{
    return text != NULL ? copy_n(text, strlen(text)) : NULL;
}

static void drop(const void *p)
{
    free((void *)(uintptr_t)p);
}

void fake_setup_copy(struct xmb_tls_setup *out, const struct xmb_tls_setup *in)
{
    struct xmb_tlsa *tlsa;
    uint32_t i;

    memset(out, 0, sizeof(*out));
    memcpy(out, in, in->size < sizeof(*out) ? in->size : sizeof(*out));
    out->size = sizeof(*out);
    out->profile = copy(out->profile);
    out->name = copy(out->name);
    out->session = copy(out->session);
    out->alpn = copy(out->alpn);
    out->own = copy(out->own);
    if (out->tlsa == NULL)
        out->tlsa_count = 0;
    tlsa = fake_alloc((out->tlsa_count + 1) * sizeof(*tlsa));
    for (i = 0; i < out->tlsa_count; i++) {
        tlsa[i] = *xmb_tlsa_at(out->tlsa, i);
        tlsa[i].size = sizeof(tlsa[i]);
        tlsa[i].data.p = copy_n(tlsa[i].data.p, tlsa[i].data.n);
    }
    out->tlsa = tlsa;
}

void fake_setup_free(struct xmb_tls_setup *s)
{
    uint32_t i;

    drop(s->profile);
    drop(s->name);
    drop(s->session);
    drop(s->alpn);
    drop(s->own);
    for (i = 0; i < s->tlsa_count; i++)
        drop(s->tlsa[i].data.p);
    drop(s->tlsa);
    memset(s, 0, sizeof(*s));
}

void fake_peer_free(struct xmb_tls_peer *p)
{
    size_t i;

    drop(p->why);
    drop(p->subject);
    for (i = 0; i < p->name_count; i++)
        drop(p->names[i].text.p);
    drop(p->names);
    memset(p, 0, sizeof(*p));
}

void fake_peer_copy(struct xmb_tls_peer *out, const struct xmb_tls_peer *in)
{
    const char *at = (const char *)in->names;
    struct xmb_cert_name *names = fake_alloc((in->name_count + 1) * sizeof(*names));
    size_t i;

    *out = *in;
    out->size = sizeof(*out);
    out->why = copy(in->why);
    out->subject = copy(in->subject);
    for (i = 0; i < in->name_count; i++) {
        names[i] = *(const struct xmb_cert_name *)(const void *)at;
        at += names[i].size != 0 ? names[i].size : sizeof(names[i]);
        names[i].size = sizeof(names[i]);
        names[i].text.p = copy_n(names[i].text.p, names[i].text.n);
    }
    out->names = names;
}

/* --- the test's side -------------------------------------------------------------------------- */

static struct xmb_tls_peer of_later_ones = {.fault = XMB_CERT_MISSING};

void xmb_fakehost_tls_peer(struct xmb_conn *c, const struct xmb_tls_peer *peer)
{
    struct xmb_tls_peer *at = c != NULL ? &c->peer : &of_later_ones;
    struct xmb_tls_peer next = {.fault = XMB_CERT_MISSING};

    if (peer != NULL)
        fake_peer_copy(&next, peer);
    fake_peer_free(at);
    *at = next;
}

void xmb_fakehost_tls_rechecked(struct xmb_conn *c, const struct xmb_tls_peer *peer)
{
    fake_peer_free(&c->later);
    fake_peer_copy(&c->later, peer);
    c->has_later = 1;
}

static xmb_fakehost_own_fn own_fn;

void xmb_fakehost_tls_own(xmb_fakehost_own_fn fn)
{
    own_fn = fn;
}

void fake_conn_tls_begin(struct xmb_conn *c)
{
    fake_peer_copy(&c->peer, &of_later_ones);
}

void fake_conn_tls_free(struct xmb_conn *c)
{
    fake_peer_free(&c->peer);
    fake_peer_free(&c->later);
    fake_setup_free(&c->setup);
}

int xmb_fakehost_secured(const struct xmb_conn *c, struct xmb_tls_setup *setup)
{
    if (c->tls_version == 0 && !c->securing)
        return 0;
    *setup = c->setup;
    return 1;
}

/* --- the plugin's side ------------------------------------------------------------------------ */

static void secured_work(void *arg)
{
    xmb_ref *ref = arg;
    struct xmb_conn *c = fake_conn_by_ref(*ref);

    free(ref);
    if (c == NULL || c->state != FAKE_OPEN)
        return;
    c->securing = 0;
    c->tls_version = 0x0304;
    if (XMB_HAS(fake_protocol(c->module), secured)) {
        c->on_stack++;
        fake_protocol(c->module)->secured(c->cs, c);
        c->on_stack--;
    }
    fake_conn_relieved(c);
}

int fake_secure(struct xmb_conn *c, const struct xmb_tls_setup *setup)
{
    xmb_ref *ref;

    if (c->state != FAKE_OPEN)
        return XMB_ECLOSED;
    if (c->tls_version != 0 || c->securing)
        return XMB_EEXIST;
    fake_setup_copy(&c->setup, setup);
    if (c->setup.profile == NULL) {
        fake_setup_free(&c->setup);
        return XMB_ENOENT;
    }
    c->securing = 1;
    c->in.n = 0; /* what came in plain is never read as data; a view that is out stays valid */
    ref = fake_alloc(sizeof(*ref));
    *ref = c->ref;
    fake_work_or(secured_work, free, ref);
    return 0;
}

int fake_tls_peer(struct xmb_conn *c, struct xmb_tls_peer *out)
{
    struct xmb_tls_peer all = c->peer;

    if (out->size < sizeof(out->size))
        fake_fail("a plugin asks for the TLS peer without a size");
    if (c->tls_version == 0)
        return XMB_ENOENT;
    all.size = out->size < sizeof(all) ? out->size : (uint32_t)sizeof(all);
    memcpy(out, &all, all.size);
    return 0;
}

int fake_tls_recheck(struct xmb_conn *c, const char *profile)
{
    (void)profile;
    if (c->tls_version == 0)
        return XMB_ENOENT;
    if (c->has_later)
        xmb_fakehost_tls_peer(c, &c->later);
    return 0;
}

int fake_tls_own(const char *profile, const char *name, struct xmb_tls_own *own)
{
    struct xmb_tls_own all = {.size = sizeof(all)};
    uint32_t size = own->size < sizeof(all) ? own->size : (uint32_t)sizeof(all);
    int rc = 0;

    if (own_fn != NULL) {
        rc = own_fn(profile, name, &all);
    } else {
        all.covers = 1;
        all.not_before_s = (int64_t)time(NULL) - 1;
        all.not_after_s = all.not_before_s + YEAR_S;
        snprintf(all.file, sizeof(all.file), "%s.pem", profile);
        snprintf(all.names, sizeof(all.names), "%s", name);
    }
    all.size = size;
    if (rc == 0)
        memcpy(own, &all, size);
    return rc;
}
