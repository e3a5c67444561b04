/* SPDX-License-Identifier: MIT */
/*
 * s2_in_rig.c - see s2_in_rig.h.
 */
#include "s2_in_rig.h"

#include <stdio.h>
#include <stdlib.h>

extern const struct xmb_plugin xmpp_s2s_LTX_xmb_plugin;

struct xmb_module *rig_module;
static char *said;
static char id[128];

int rig_begin(void **state)
{
    (void)state;
    memset(&s2_fakes, 0, sizeof(s2_fakes));
    xmb_fakehost_open();
    rig_module = xmb_fakehost_load(&xmpp_s2s_LTX_xmb_plugin);
    if (rig_module == NULL)
        return -1;
    rig_configure(RIG_BASE RIG_PLAIN);
    return 0;
}

int rig_begin_required(void **state)
{
    if (rig_begin(state) != 0)
        return -1;
    rig_configure(RIG_BASE RIG_REQUIRED);
    return 0;
}

int rig_end(void **state)
{
    (void)state;
    xmb_fakehost_close();
    assert_int_equal(s2_fakes.paths_open, 0);
    assert_int_equal(s2_fake_waiting(), 0);
    free(said);
    said = NULL;
    return 0;
}

void rig_configure(const char *inner)
{
    int rc = xmb_fakehost_configure(rig_module, inner);

    if (rc != 0)
        print_error("%s", xmb_fakehost_faults());
    assert_int_equal(rc, 0);
}

struct xmb_conn *rig_connect_from(unsigned listener, unsigned host)
{
    struct xmb_addr remote = {.family = 4, .port = 40000, .ip = {198, 51, 100}};

    remote.ip[2] = (uint8_t)(host >> 8);
    remote.ip[3] = (uint8_t)host;
    return xmb_fakehost_accept(rig_module, listener, &remote);
}

struct xmb_conn *rig_connect(unsigned listener)
{
    struct xmb_conn *c = rig_connect_from(listener, 1);

    assert_non_null(c);
    return c;
}

void rig_feed(struct xmb_conn *c, const char *text)
{
    assert_int_equal(xmb_fakehost_feed(c, xmb_str(text)), 0);
    xmb_fakehost_run();
}

static void attribute(char *text, size_t cap, const char *name, const char *value)
{
    if (value != NULL)
        snprintf(text, cap, " %s='%s'", name, value);
    else
        text[0] = '\0';
}

void rig_header(struct xmb_conn *c, const char *from, const char *to)
{
    char text[1024], a[256], b[256];

    attribute(a, sizeof(a), "from", from);
    attribute(b, sizeof(b), "to", to);
    snprintf(text, sizeof(text),
             "<?xml version='1.0'?><stream:stream xmlns='jabber:server'"
             " xmlns:stream='http://etherx.jabber.org/streams'"
             " xmlns:db='jabber:server:dialback' version='1.0'%s%s>",
             a, b);
    rig_feed(c, text);
}

struct xmb_conn *rig_stream(unsigned listener, const char *from, const char *to)
{
    struct xmb_conn *c = rig_connect(listener);

    rig_header(c, from, to);
    rig_expect(c, "</stream:features>");
    return c;
}

void rig_result(struct xmb_conn *c, const char *from, const char *to)
{
    char text[512];

    snprintf(text, sizeof(text), "<db:result from='%s' to='%s'>somekey</db:result>", from, to);
    rig_feed(c, text);
}

void rig_answer(enum s2_ask_result r, enum s2_condition c)
{
    assert_true(s2_fakes.ask_count > 0);
    s2_fake_answer(s2_fakes.ask_count - 1, r, c, r == S2_ASK_ERROR ? "no luck" : NULL);
    xmb_fakehost_run();
}

struct xmb_conn *rig_verified(unsigned listener, const char *from, const char *to)
{
    struct xmb_conn *c = rig_stream(listener, from, to);

    rig_result(c, from, to);
    rig_answer(S2_ASK_VALID, S2_C_NONE);
    rig_expect(c, "type='valid'");
    return c;
}

void rig_secure(struct xmb_conn *c, const char *from, const char *to)
{
    rig_feed(c, "<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>");
    rig_expect(c, "<proceed");
    rig_header(c, from, to);
}

struct xmb_conn *rig_secure_stream(unsigned listener, const char *from, const char *to)
{
    struct xmb_conn *c = rig_stream(listener, from, to);

    rig_secure(c, from, to);
    return c;
}

void rig_certificate(uint32_t fault, const char *name, const char *another)
{
    struct xmb_cert_name names[2] = {{sizeof(names[0]), XMB_CERT_DNS, xmb_str(name)},
                                     {sizeof(names[0]), XMB_CERT_DNS, xmb_str(another)}};
    struct xmb_tls_peer peer = {.size = sizeof(peer), .fault = fault, .subject = "CN=peer"};

    peer.why = fault != XMB_CERT_GOOD ? "this chain is not good" : NULL;
    peer.names = names;
    peer.name_count = (size_t)(name != NULL) + (another != NULL);
    xmb_fakehost_tls_peer(NULL, &peer);
}

/*
 * --- what was said
 * ----------------------------------------------------------------------------
 */

static void note_id(const char *text)
{
    const char *at, *next = text;
    size_t n = 0;

    while ((at = strstr(next, "<stream:stream")) != NULL && (next = strstr(at, " id='")) != NULL) {
        next += 5;
        n = strcspn(next, "'");
        assert_true(n < sizeof(id));
        memcpy(id, next, n);
        id[n] = '\0';
    }
}

const char *rig_said(struct xmb_conn *c)
{
    struct xmb_str out = xmb_fakehost_output(c);

    free(said);
    said = strndup(out.p != NULL ? out.p : "", out.n);
    assert_non_null(said);
    xmb_fakehost_take(c, out.n);
    note_id(said);
    return said;
}

void rig_expect(struct xmb_conn *c, const char *part)
{
    const char *text = rig_said(c);

    if (strstr(text, part) == NULL)
        fail_msg("\"%s\" is not in \"%s\" (%s)", part, text,
                 xmb_fakehost_closed(c) != NULL ? xmb_fakehost_closed(c) : "open");
}

void rig_expect_not(struct xmb_conn *c, const char *part)
{
    const char *text = rig_said(c);

    if (strstr(text, part) != NULL)
        fail_msg("\"%s\" is in \"%s\"", part, text);
}

void rig_expect_error(struct xmb_conn *c, const char *condition)
{
    const char *text = rig_said(c);
    char part[128];

    snprintf(part, sizeof(part), "<stream:error><%s ", condition);
    if (strstr(text, part) == NULL || strstr(text, "</stream:error></stream:stream>") == NULL)
        fail_msg("no stream error %s in \"%s\"", condition, text);
    assert_false(rig_is_open(c));
}

int rig_is_open(struct xmb_conn *c)
{
    return xmb_fakehost_closed(c) == NULL;
}

const char *rig_id(void)
{
    return id;
}

uint64_t rig_metric(const char *name)
{
    return xmb_fakehost_metric(rig_module, name);
}
