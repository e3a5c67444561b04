/* SPDX-License-Identifier: MIT */
/*
 * test_s2_component.c - a server inside that connects as a component (XEP-0114): handshake, what it
 * may send, what reaches it, and how it goes. The whole plugin in a fake host; the outside has no
 * routes, so what the component sends there comes back, which shows that both ways are open.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>
#include <openssl/evp.h>

#include <xmb/fakehost.h>

#include "component.h"
#include "flow.h"
#include "health.h"

extern const struct xmb_plugin xmpp_s2s_LTX_xmb_plugin;

#define LISTENS "<listen side='outside' tls='o'/><listen side='inside'/>"
#define SERVER "<local-domain name='a.test'><server address='10.0.0.5'/></local-domain>"
#define BOTS                                                                                       \
    "<local-domain name='bots.a.test'><component address='192.0.2.254' secret='s3cr3t'/>"           \
    "</local-domain>"
#define SETTINGS LISTENS SERVER BOTS
enum { OUTSIDE = 0, INSIDE = 1, COMPONENT = 2 };

#define HEADER                                                                                     \
    "<?xml version='1.0'?><stream:stream xmlns='jabber:component:accept' "                         \
    "xmlns:stream='http://etherx.jabber.org/streams' to='bots.a.test'>"
#define MESSAGE "<message from='bot@bots.a.test/r' to='u@b.test' id='m1'><body>hi</body></message>"

static struct xmb_module *module;
static struct s2_worker *w;

static int begin(void **state)
{
    (void)state;
    xmb_fakehost_open();
    module = xmb_fakehost_load(&xmpp_s2s_LTX_xmb_plugin);
    if (module == NULL || xmb_fakehost_configure(module, SETTINGS) != 0)
        return -1;
    w = xmb_fakehost_wself(module);
    return 0;
}

static int end(void **state)
{
    (void)state;
    xmb_fakehost_close();
    return 0;
}

/* --- the component --------------------------------------------------------------------------- */

/* What it was sent since the last call, as text. */
static const char *heard(struct xmb_conn *c)
{
    static char text[65536];
    struct xmb_str out;

    xmb_fakehost_run();
    out = xmb_fakehost_output(c);
    assert_true(out.n < sizeof(text));
    memcpy(text, out.p, out.n);
    text[out.n] = '\0';
    xmb_fakehost_take(c, out.n);
    return text;
}

static void has(const char *text, const char *part)
{
    if (strstr(text, part) == NULL)
        fail_msg("no \"%s\" in:\n%s", part, text);
}

static void say(struct xmb_conn *c, const char *text)
{
    assert_int_equal(xmb_fakehost_feed(c, xmb_str(text)), 0);
    xmb_fakehost_run();
}

static struct xmb_conn *accept_one(void)
{
    struct xmb_conn *c = xmb_fakehost_accept(module, COMPONENT, NULL);

    assert_non_null(c);
    return c;
}

static void id_of(const char *header, char id[64])
{
    const char *p = strstr(header, " id='");

    assert_non_null(p);
    assert_int_equal(sscanf(p, " id='%63[0-9a-f]'", id), 1);
}

static void shake(struct xmb_conn *c, const char *id, const char *secret)
{
    unsigned char sum[EVP_MAX_MD_SIZE];
    char text[256], hex[64];
    unsigned n = 0, i;

    snprintf(text, sizeof(text), "%s%s", id, secret);
    assert_int_equal(EVP_Digest(text, strlen(text), sum, &n, EVP_sha1(), NULL), 1);
    for (i = 0; i < n; i++)
        snprintf(hex + 2 * i, 3, "%02x", sum[i]);
    snprintf(text, sizeof(text), "<handshake>%s</handshake>", hex);
    say(c, text);
}

static struct xmb_conn *connected(void)
{
    struct xmb_conn *c = accept_one();
    char id[64];

    say(c, HEADER);
    id_of(heard(c), id);
    shake(c, id, "s3cr3t");
    has(heard(c), "<handshake/>");
    assert_null(xmb_fakehost_closed(c));
    return c;
}

static void ends_with(struct xmb_conn *c, const char *error)
{
    char tag[64];

    snprintf(tag, sizeof(tag), "<%s xmlns='urn:ietf:params:xml:ns:xmpp-streams'", error);
    has(heard(c), tag);
    xmb_fakehost_run();
    assert_non_null(xmb_fakehost_closed(c));
}

static struct s2_domain domain(const char *text)
{
    struct s2_domain d;

    assert_int_equal(s2_domain_read(xmb_str(text), &d), 0);
    return d;
}

static enum s2_reach reach(char *why)
{
    struct s2_domain d = domain("bots.a.test");

    return s2_health_read(w->module->health, &d, why);
}

/* --- handshake ------------------------------------------------------------------------------- */

static void handshake(void **state)
{
    char why[S2_HEALTH_WHY];
    struct xmb_conn *c;
    const char *text;

    (void)state;
    assert_int_equal(reach(why), S2_REACH_DOWN);
    assert_string_equal(why, "its component has not connected yet");
    c = accept_one();
    say(c, HEADER);
    text = heard(c);
    has(text, "xmlns='jabber:component:accept'");
    has(text, "from='bots.a.test'");
    xmb_fakehost_hangup(c, "gone");
    c = connected();
    assert_int_equal(reach(why), S2_REACH_UP);
    xmb_fakehost_hangup(c, "gone");
    assert_int_equal(reach(why), S2_REACH_DOWN);
    assert_string_equal(why, "its component is not connected");
}

static void wrong_secret(void **state)
{
    struct xmb_conn *c = accept_one();
    char id[64];

    (void)state;
    say(c, HEADER);
    id_of(heard(c), id);
    shake(c, id, "guess");
    ends_with(c, "not-authorized");
    c = accept_one();
    say(c, HEADER);
    heard(c);
    say(c, "<handshake/>");
    ends_with(c, "not-authorized");
    assert_null(strstr(xmb_fakehost_log(), "s3cr3t"));
}

static void wrong_header(void **state)
{
    struct xmb_conn *c = accept_one();

    (void)state;
    say(c, "<stream:stream xmlns='jabber:component:accept' "
           "xmlns:stream='http://etherx.jabber.org/streams' to='a.test'>");
    ends_with(c, "host-unknown");
    c = accept_one();
    say(c, "<stream:stream xmlns='jabber:server' "
           "xmlns:stream='http://etherx.jabber.org/streams' to='bots.a.test'>");
    ends_with(c, "invalid-namespace");
    c = accept_one();
    say(c, "GET / HTTP/1.1\r\n");
    ends_with(c, "not-well-formed");
}

static void silence(void **state)
{
    struct xmb_conn *c = accept_one();

    (void)state;
    xmb_fakehost_advance(30001);
    ends_with(c, "connection-timeout");
    c = connected();
    xmb_fakehost_advance(700000); /* no idle limit: it is how its domain can be reached */
    assert_null(xmb_fakehost_closed(c));
    has(heard(c), " ");
}

static void too_early(void **state)
{
    struct xmb_conn *c = accept_one();

    (void)state;
    say(c, HEADER);
    say(c, MESSAGE);
    ends_with(c, "not-authorized");
}

/* Who has proved nothing has the small limits. */
static void limits(void **state)
{
    static char big[20000];
    struct xmb_conn *c = accept_one();
    int n;

    (void)state;
    n = snprintf(big, sizeof(big), "%s<handshake>", HEADER);
    memset(big + n, 'a', sizeof(big) - (size_t)n - 1);
    say(c, big);
    ends_with(c, "policy-violation");
    c = connected();
    n = snprintf(big, sizeof(big), "<message from='bot@bots.a.test' to='u@b.test'><body>");
    memset(big + n, 'a', sizeof(big) - (size_t)n - 1);
    say(c, big);
    say(c, "</body></message>");
    assert_null(xmb_fakehost_closed(c));
    assert_int_equal(xmb_fakehost_metric(module, "stanzas_in"), 1);
}

/* --- what it sends --------------------------------------------------------------------------- */

/* Out, and back as an error, because nobody knows b.test. */
static void there_and_back(void **state)
{
    struct xmb_conn *c = connected();
    const char *text;

    (void)state;
    say(c, MESSAGE);
    xmb_fakehost_advance(1000);
    text = heard(c);
    has(text, "<message");
    has(text, "type='error'");
    has(text, "id='m1'");
    has(text, "to='bot@bots.a.test/r'");
    has(text, "remote-server-not-found");
    assert_int_equal(xmb_fakehost_metric(module, "bounced"), 1);
    assert_null(xmb_fakehost_closed(c));
}

static void spoofed(void **state)
{
    struct xmb_conn *c = connected();

    (void)state;
    say(c, "<message from='x@a.test' to='u@b.test'/>");
    ends_with(c, "invalid-from");
    assert_int_equal(xmb_fakehost_metric(module, "spoofed"), 1);
    c = connected();
    say(c, "<message from='x@sub.bots.a.test' to='u@b.test'/>");
    ends_with(c, "invalid-from");
    c = connected();
    say(c, "<message to='u@b.test'/>");
    ends_with(c, "improper-addressing");
    c = connected();
    say(c, "<nothing/>");
    ends_with(c, "unsupported-stanza-type");
}

static void not_over_the_border(void **state)
{
    struct xmb_conn *c = connected();

    (void)state;
    say(c, "<iq type='get' id='i1' from='bots.a.test' to='a.test'/>");
    xmb_fakehost_advance(200);
    has(heard(c), "not-allowed");
    say(c, "<iq type='get' id='i2' from='bots.a.test' to='u@b c'/>");
    xmb_fakehost_advance(200);
    has(heard(c), "jid-malformed");
    assert_null(xmb_fakehost_closed(c));
}

static void denied(void **state)
{
    struct xmb_conn *c = connected();

    (void)state;
    xmb_fakehost_verdict(XMB_POINT_ROUTE, XMB_DENY, XMB_DENY_POLICY);
    say(c, MESSAGE);
    xmb_fakehost_advance(200);
    has(heard(c), "not-allowed");
    say(c, MESSAGE);
    xmb_fakehost_advance(200);
    has(heard(c), "not-allowed");
    assert_int_equal(xmb_fakehost_metric(module, "denied"), 1);
    /* Policy changes its mind: it is asked again. */
    xmb_fakehost_verdict(0, 0, 0);
    xmb_fakehost_verdict(XMB_POINT_ROUTE, XMB_ALLOW, 0);
    xmpp_s2s_LTX_xmb_plugin.protocol->policy_changed(w);
    say(c, MESSAGE);
    xmb_fakehost_advance(1000);
    has(heard(c), "remote-server-not-found");
}

/* Three stanzas wait for the answer, in order; nothing is read meanwhile. */
static void late(void **state)
{
    struct xmb_conn *c = connected();
    const char *text, *first, *second;

    (void)state;
    xmb_fakehost_late(1);
    assert_int_equal(
        xmb_fakehost_feed(c, XMB_STR("<message from='bots.a.test' to='u@b.test' id='l1'/>"
                                     "<message from='bots.a.test' to='u@b.test' id='l2'/>")),
        0);
    assert_int_equal(xmb_fakehost_paused(c), 1);
    xmb_fakehost_run();
    assert_int_equal(xmb_fakehost_paused(c), 0);
    xmb_fakehost_advance(1000);
    text = heard(c);
    first = strstr(text, "id='l1'");
    second = strstr(text, "id='l2'");
    assert_non_null(first);
    assert_non_null(second);
    assert_true(first < second);
    /* It goes while the answer is due. */
    assert_int_equal(
        xmb_fakehost_feed(c, XMB_STR("<message from='bots.a.test' to='u@c.test' id='l3'/>")), 0);
    xmb_fakehost_hangup(c, "gone");
    xmb_fakehost_run();
}

/* More domains than are remembered. */
static void many_domains(void **state)
{
    struct xmb_conn *c = connected();
    char text[128];
    int i;

    (void)state;
    for (i = 0; i < 300; i++) {
        snprintf(text, sizeof(text), "<message from='bots.a.test' to='u@d%d.test' id='d%d'/>", i,
                 i);
        say(c, text);
    }
    xmb_fakehost_advance(2000);
    assert_int_equal(xmb_fakehost_metric(module, "stanzas_in"), 300);
    assert_int_equal(xmb_fakehost_metric(module, "bounced"), 300);
}

/* --- what reaches it ------------------------------------------------------------------------- */

static void send_to_it(const char *text)
{
    struct s2_domain from = domain("b.test"), to = domain("bots.a.test");
    char scratch[S2_SCRATCH];
    struct s2_stanza s;
    struct s2_path path;

    assert_int_equal(s2_stanza_reread(xmb_str(text), scratch, &s), 0);
    assert_int_equal(s2_path_open(w, S2_INSIDE, &from, &to, 0, &path), 0);
    assert_int_equal(s2_path_put(&path, &s), 0);
    s2_path_flush(w);
    s2_path_close(&path);
    xmb_fakehost_run();
    xmb_fakehost_advance(200);
}

#define TO_IT "<message from='u@b.test' to='bot@bots.a.test' id='t1'><body>hello</body></message>"

static void delivered(void **state)
{
    struct xmb_conn *c = connected();
    const char *text, *ping;
    char id[128], answer[512];

    (void)state;
    send_to_it(TO_IT);
    text = heard(c);
    has(text, TO_IT);
    /* The barrier: its answer is not passed on, and confirms. */
    xmb_fakehost_advance(1500);
    if (strstr(text, "urn:xmpp:ping") == NULL)
        text = heard(c);
    ping = strstr(text, "<iq ");
    assert_non_null(ping);
    has(ping, "urn:xmpp:ping");
    assert_int_equal(sscanf(strstr(ping, "id='"), "id='%127[^']'", id), 1);
    snprintf(answer, sizeof(answer), "<iq type='result' id='%s' from='bots.a.test' to='b.test'/>",
             id);
    say(c, answer);
    assert_int_equal(xmb_fakehost_metric(module, "confirmed"), 1);
    assert_int_equal(xmb_fakehost_metric(module, "unconfirmed"), 0);
    assert_int_equal(xmb_fakehost_metric(module, "bounced"), 0);
}

/* Nobody is there: the stanza goes back, which outside is to nowhere here. */
static void not_connected(void **state)
{
    (void)state;
    send_to_it(TO_IT);
    xmb_fakehost_advance(10000);
    assert_int_equal(xmb_fakehost_metric(module, "bounced"), 1);
    has(xmb_fakehost_log(), "its component is not connected");
}

/* It comes while a stanza waits for the next try. */
static void comes_back(void **state)
{
    struct xmb_conn *c = connected();

    (void)state;
    send_to_it(TO_IT);
    has(heard(c), "id='t1'");
    xmb_fakehost_hangup(c, "gone");
    send_to_it("<message from='u@b.test' to='bot@bots.a.test' id='t2'/>");
    c = connected();
    xmb_fakehost_advance(3000);
    send_to_it("<message from='u@b.test' to='bot@bots.a.test' id='t3'/>");
    has(heard(c), "id='t3'");
}

/* --- how it goes ----------------------------------------------------------------------------- */

static void replaced(void **state)
{
    struct xmb_conn *first = connected(), *second = connected();
    char why[S2_HEALTH_WHY];

    (void)state;
    ends_with(first, "conflict");
    assert_null(xmb_fakehost_closed(second));
    assert_int_equal(reach(why), S2_REACH_UP);
    send_to_it(TO_IT);
    has(heard(second), TO_IT);
}

static void orderly_end(void **state)
{
    struct xmb_conn *c = connected();

    (void)state;
    say(c, "</stream:stream>");
    has(heard(c), "</stream:stream>");
    xmb_fakehost_run();
    assert_non_null(xmb_fakehost_closed(c));
}

static void removed(void **state)
{
    struct xmb_conn *c = connected();

    (void)state;
    assert_int_equal(xmb_fakehost_configure(module, LISTENS SERVER), 0);
    ends_with(c, "host-gone");
    assert_int_equal(xmb_fakehost_configure(module, SETTINGS), 0);
    c = connected();
    assert_int_equal(xmb_fakehost_configure(module, SETTINGS "<federation use='no'/>"), 0);
    ends_with(c, "system-shutdown");
}

static void drained(void **state)
{
    struct xmb_conn *c = connected(), *stranger = accept_one();

    (void)state;
    send_to_it(TO_IT);
    xmb_fakehost_drain(module, 5000);
    xmb_fakehost_run();
    ends_with(stranger, "system-shutdown");
    xmb_fakehost_advance(10000);
    has(heard(c), "</stream:stream>");
    xmb_fakehost_run();
    assert_non_null(xmb_fakehost_closed(c));
}

/* Those who never shake hands do not keep the component out. */
static void too_many_strangers(void **state)
{
    struct xmb_conn *first = accept_one(), *last = NULL, *c;
    int i;

    (void)state;
    for (i = 0; i < 70; i++)
        last = accept_one();
    assert_string_equal(xmb_fakehost_closed(first), "it gives way to a newer connection");
    assert_null(xmb_fakehost_closed(last));
    c = connected();
    say(c, MESSAGE);
    assert_int_equal(xmb_fakehost_metric(module, "stanzas_in"), 1);
}

static const char *command(const char *words, const char *arg)
{
    static const char *text;

    assert_int_equal(xmb_fakehost_command(module, words, &arg, arg != NULL, &text), 0);
    return text;
}

static void shown_and_cleared(void **state)
{
    struct xmb_conn *c = connected();
    char id[32];
    const char *text;

    (void)state;
    say(c, MESSAGE);
    text = command("show federation connections", NULL);
    has(text, "direction=incoming\nside=inside\nstate=verified\n");
    has(text, "local=b.test\nremote=bots.a.test\nstate=verified\nverified_by=component\n");
    has(text, "stanzas_in=1\n");
    assert_int_equal(sscanf(strstr(text, "id="), "id=%31[0-9]", id), 1);
    assert_null(strstr(strstr(text, "id=") + 3, "direction=outgoing\nside=inside"));
    has(command("clear federation connection", id), "cleared=1\n");
    ends_with(c, "reset");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define T(f) cmocka_unit_test_setup_teardown(f, begin, end)
        T(handshake),      T(wrong_secret), T(wrong_header),        T(silence),
        T(too_early),      T(limits),       T(there_and_back),      T(spoofed),
        T(not_over_the_border), T(denied),  T(late),                T(many_domains),
        T(delivered),      T(not_connected), T(comes_back),         T(replaced),
        T(orderly_end),    T(removed),      T(drained),             T(too_many_strangers),
        T(shown_and_cleared),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
