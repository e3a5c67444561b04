/* SPDX-License-Identifier: MIT */
/*
 * test_s2_conf.c - what the gateway makes of its configuration: defaults, every setting, and each
 * fault with its line. The plugin runs in a fake host; what it made is read from the worker's
 * state.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include <xmb/fakehost.h>

#include "gateway.h"

extern const struct xmb_plugin xmpp_s2s_LTX_xmb_plugin;

static struct xmb_module *module;

static int begin(void **state)
{
    (void)state;
    xmb_fakehost_open();
    module = xmb_fakehost_load(&xmpp_s2s_LTX_xmb_plugin);
    return module != NULL ? 0 : -1;
}

static int end(void **state)
{
    (void)state;
    xmb_fakehost_close();
    return 0;
}

static const struct s2_conf *configured(const char *inner)
{
    const struct s2_worker *w;

    if (xmb_fakehost_configure(module, inner) != 0)
        fail_msg("refused: %s", xmb_fakehost_faults());
    w = xmb_fakehost_wself(module);
    return w->conf;
}

static void refused(const char *inner, const char *fault)
{
    assert_int_equal(xmb_fakehost_check(module, inner), XMB_ECONF);
    if (strstr(xmb_fakehost_faults(), fault) == NULL)
        fail_msg("expected \"%s\" in: %s", fault, xmb_fakehost_faults());
}

#define OUT "<listen side='outside' address='192.0.2.1' tls='o'/>"
#define IN "<listen side='inside' address='10.0.0.1' tls='i'/>"
#define LOCAL "<local-domain name='example.com'><server address='10.0.0.5'/></local-domain>"

static void defaults(void **state)
{
    const struct s2_conf *c = configured(OUT "\n" IN "\n" LOCAL);

    (void)state;
    assert_int_equal(c->enabled, 1);
    assert_int_equal(c->generation, 1);
    assert_int_equal(c->limits.stanza_bytes, 262144);
    assert_int_equal(c->limits.depth, 64);
    assert_int_equal(c->limits.elements, 8192);
    assert_int_equal(c->limits.attributes, 64);
    assert_int_equal(c->limits.name_bytes, 1024);
    assert_int_equal(c->limits.value_bytes, 65536);
    assert_int_equal(c->unverified.value_bytes, 4096);
    assert_int_equal(c->unverified.stanza_bytes, 10000);
    assert_int_equal(c->unverified.depth, 8);
    assert_int_equal(c->unverified.elements, 32);
    assert_int_equal(c->queue_bytes, 1 << 20);
    assert_int_equal(c->queue_ms, 60000);
    assert_int_equal(c->pairs, 64);
    assert_int_equal(c->streams_unverified, 8);
    assert_int_equal(c->streams_total, 10000);
    assert_int_equal(c->idle_ms, 600000);
    assert_int_equal(c->negotiation_ms, 30000);
    assert_int_equal(c->connect_ms, 10000);
    assert_int_equal(c->dialback_ms, 30000);
    assert_int_equal(c->keepalive_ms, 10000);
    assert_int_equal(c->confirm, S2_CONFIRM_BARRIER);
    assert_int_equal(c->on_loss, S2_LOSS_BOUNCE);
    assert_int_equal(c->window_bytes, 4 << 20);
    assert_int_equal(c->barrier_ms, 1000);
    assert_int_equal(c->barrier_timeout_ms, 25000);
    assert_int_equal(c->hold_ms, 2000);
    assert_int_equal(c->backoff_min_ms, 2000);
    assert_int_equal(c->backoff_max_ms, 300000);
}

static void default_security(void **state)
{
    const struct s2_conf *c = configured(OUT "\n" IN "\n" LOCAL);
    const struct s2_security *o = &c->security[S2_OUTSIDE], *i = &c->security[S2_INSIDE];

    (void)state;
    assert_int_equal(o->mode, S2_TLS_REQUIRED);
    assert_int_equal(i->mode, S2_TLS_OPTIONAL);
    assert_int_equal(o->external, 1);
    assert_int_equal(i->external, 0);
    assert_int_equal(o->accept_no_certificate, 1);
    assert_int_equal(o->require_certificates, 0);
    assert_int_equal(o->direct_tls, 1);
    assert_int_equal(o->bidi, 0);
    assert_string_equal(o->tls, "o");
    assert_string_equal(i->tls, "i");
    /* Each side has a secret, made at start, and not the same one. */
    assert_int_equal(c->secrets_given, 0);
    assert_int_not_equal(o->secret.hex[0], 0);
    assert_memory_not_equal(o->secret.hex, i->secret.hex, sizeof(o->secret.hex));
    assert_non_null(strstr(xmb_fakehost_log(), "several nodes for one domain must share one"));
    assert_non_null(strstr(xmb_fakehost_log(), "XMPPFederation"));
}

static void every_setting(void **state)
{
    const struct s2_conf *c = configured(
        "<federation use='yes'/>" OUT IN LOCAL
        "<dialback secret='s3cr3t'/><dialback side='inside' secret='other'/>"
        "<security mode='tls-optional' require-client-certificates='yes' "
        "accept-no-certificate='yes' authentication='dialback' direct-tls='no' bidi='yes' tls='x'/>"
        "<security side='inside' mode='no-tls'/>"
        "<idle-timeout seconds='5m'/>"
        "<limits stanza='512k' depth='100' elements='100' attributes='20' name='100' attribute='2k' queue='2m' "
        "queue-time='10' pairs='5' unverified-streams='3' streams='77'/>"
        "<timeouts negotiation='5' connect='2500ms' dialback='7' keepalive='0'/>"
        "<delivery confirm='tcp' on-loss='resend' window='1m' interval='200ms' timeout='9' "
        "hold='0'/>"
        "<backoff minimum='1' maximum='60'/>");

    (void)state;
    assert_int_equal(c->secrets_given, 3);
    assert_int_equal(c->security[S2_OUTSIDE].mode, S2_TLS_OPTIONAL);
    assert_int_equal(c->security[S2_OUTSIDE].require_certificates, 1);
    assert_int_equal(c->security[S2_OUTSIDE].accept_no_certificate, 1);
    assert_int_equal(c->security[S2_OUTSIDE].external, 0);
    assert_int_equal(c->security[S2_OUTSIDE].direct_tls, 0);
    assert_int_equal(c->security[S2_OUTSIDE].bidi, 1);
    assert_string_equal(c->security[S2_OUTSIDE].tls, "x");
    assert_int_equal(c->security[S2_INSIDE].mode, S2_NO_TLS);
    assert_null(c->security[S2_INSIDE].tls);
    assert_int_equal(c->idle_ms, 300000);
    assert_int_equal(c->limits.stanza_bytes, 512 << 10);
    assert_int_equal(c->limits.depth, 100);
    assert_int_equal(c->unverified.attributes, 20);
    assert_int_equal(c->limits.value_bytes, 2048);
    assert_int_equal(c->unverified.value_bytes, 2048);
    assert_int_equal(c->queue_ms, 10000);
    assert_int_equal(c->streams_total, 77);
    assert_int_equal(c->connect_ms, 2500);
    assert_int_equal(c->keepalive_ms, 0);
    assert_int_equal(c->confirm, S2_CONFIRM_TCP);
    assert_int_equal(c->on_loss, S2_LOSS_RESEND);
    assert_int_equal(c->barrier_ms, 200);
    assert_int_equal(c->hold_ms, 0);
    assert_int_equal(c->backoff_max_ms, 60000);
}

/* The example of XEP-0185: the secret goes through SHA-256. */
static void the_secret(void **state)
{
    const struct s2_conf *c = configured(OUT IN LOCAL "<dialback secret='s3cr3tf0rd14lb4ck'/>");

    (void)state;
    assert_memory_equal(c->security[S2_OUTSIDE].secret.hex,
                        "a7136eb1f46c9ef18c5e78c36ca257067c69b3d518285f0b18a96c33beae9acc", 64);
    assert_null(strstr(xmb_fakehost_log(), "s3cr3tf0rd14lb4ck"));
    assert_null(strstr(xmb_fakehost_log(), "must share one"));
}

/* Listeners count in the order of the document, components among them, as the core counts them. */
static void ordinals(void **state)
{
    const struct s2_conf *c = configured(
        "<local-domain name='bots.example.com'>"
        "<component address='10.0.0.1' secret='b'/></local-domain>" OUT
        "<local-domain name='example.com'><server address='xmpp.example.net' port='5270'/>"
        "<server address='2001:db8::5'/></local-domain>" IN
        "<local-domain name='irc.example.com'>"
        "<component address='10.0.0.1' port='5348' secret='c'/></local-domain>"
        "<listen side='outside' port='5270' tls='o' direct-tls='yes'/>");

    (void)state;
    assert_int_equal(c->listen_count, 5);
    assert_int_equal(c->listens[0].component, 0);
    assert_int_equal(c->listens[0].port, 5347);
    assert_int_equal(c->listens[0].side, S2_INSIDE);
    assert_int_equal(c->listens[1].component, -1);
    assert_int_equal(c->listens[1].side, S2_OUTSIDE);
    assert_int_equal(c->listens[2].side, S2_INSIDE);
    assert_int_equal(c->listens[3].component, 2);
    assert_int_equal(c->listens[3].port, 5348);
    assert_int_equal(c->listens[4].direct, 1);
    assert_int_equal(c->local_count, 3);
    assert_string_equal(c->locals[0].component_secret, "b");
    assert_string_equal(c->locals[1].servers[0].host, "xmpp.example.net");
    assert_int_equal(c->locals[1].servers[0].port, 5270);
    assert_int_equal(c->locals[1].servers[1].addr.family, 6);
    assert_int_equal(c->locals[1].servers[1].addr.port, 5269);
}

static const struct s2_listen *listen_at(const struct s2_conf *c, uint32_t ordinal, uint8_t host,
                                         uint16_t port)
{
    struct xmb_addr local = {.family = 4, .port = port, .ip = {10, 0, 0, host}};

    return s2_conf_listen(c, ordinal, &local);
}

/*
 * While a reload is under way an ordinal may be of the configuration before: no side is guessed
 * then.
 */
static void listeners_while_they_change(void **state)
{
    const struct s2_conf *c = configured(
        "<listen side='outside' address='10.0.0.1' tls='o'/>"
        "<listen side='inside' address='10.0.0.2' tls='i'/>"
        "<listen side='inside' address='10.0.0.1' port='5270' tls='i'/>"
        "<listen side='outside' port='5271' tls='o'/>"
        "<listen side='inside' address='10.0.0.3' port='0' tls='i'/>");

    (void)state;
    assert_ptr_equal(listen_at(c, 0, 1, 5269), &c->listens[0]);
    assert_ptr_equal(listen_at(c, 1, 2, 5269), &c->listens[1]);
    assert_ptr_equal(listen_at(c, 2, 1, 5270), &c->listens[2]);
    assert_ptr_equal(listen_at(c, 3, 9, 5271), &c->listens[3]);
    assert_ptr_equal(listen_at(c, 4, 3, 40000), &c->listens[4]);
    assert_null(listen_at(c, 1, 1, 5269)); /* inside and outside changed places */
    assert_null(listen_at(c, 0, 2, 5269));
    assert_null(listen_at(c, 2, 1, 5269)); /* the same address, another port */
    assert_null(listen_at(c, 0, 9, 5269)); /* it is there no more */
    assert_null(listen_at(c, 3, 2, 5269));
    assert_null(listen_at(c, 5, 1, 5269));
}

static struct s2_domain domain(const char *text)
{
    struct s2_domain d;

    assert_int_equal(s2_domain_read(xmb_str(text), &d), 0);
    return d;
}

static void lookups(void **state)
{
    char inner[16384] = OUT IN;
    const struct s2_conf *c;
    struct s2_domain d;
    size_t n = strlen(inner);
    int i;

    (void)state;
    for (i = 0; i < 100; i++)
        n += (size_t)snprintf(inner + n, sizeof(inner) - n,
                              "<local-domain name='D%d.example.com' %s>"
                              "<server address='10.0.0.5'/></local-domain>",
                              i, i == 7 ? "tls='seven'" : "");
    c = configured(inner);
    for (i = 0; i < 100; i++) {
        snprintf(inner, sizeof(inner), "d%d.EXAMPLE.com.", i);
        d = domain(inner);
        assert_ptr_equal(s2_conf_local(c, &d), &c->locals[i]);
    }
    d = domain("d100.example.com");
    assert_null(s2_conf_local(c, &d));
    d = domain("d7.example.com");
    assert_string_equal(s2_conf_tls(c, S2_OUTSIDE, &d), "seven");
    assert_string_equal(s2_conf_tls(c, S2_INSIDE, &d), "i");
    d = domain("d8.example.com");
    assert_string_equal(s2_conf_tls(c, S2_OUTSIDE, &d), "o");
    assert_string_equal(s2_conf_tls(c, S2_OUTSIDE, NULL), "o");
}

static void nothing_at_all(void **state)
{
    const struct s2_conf *c = configured("");
    struct s2_domain d = domain("example.com");

    (void)state;
    assert_null(s2_conf_local(c, &d));
    assert_non_null(strstr(xmb_fakehost_log(), "there is no <local-domain>"));
    assert_non_null(strstr(xmb_fakehost_log(), "there is no <listen side=\"outside\">"));
    assert_non_null(strstr(xmb_fakehost_log(), "there is no <listen side=\"inside\">"));
    xmb_fakehost_log_clear();
    c = configured("<federation use='no'/>");
    assert_int_equal(c->enabled, 0);
    assert_int_equal(c->generation, 2);
    assert_non_null(strstr(xmb_fakehost_log(), "federation is switched off"));
}

/* A stanza limit that is raised takes the bounds along that have to hold a stanza. */
static void bounds_follow(void **state)
{
    const struct s2_conf *c = configured(OUT IN LOCAL "<limits stanza='8m'/>");

    (void)state;
    assert_int_equal(c->queue_bytes, 8 << 20);
    assert_int_equal(c->window_bytes, 8 << 20);
    refused("<limits stanza='8m' queue='1m'/>", "2: a queue of 1048576 octets cannot hold");
    refused("\n<delivery window='100k'/>", "3: a window of 102400 octets cannot hold");
}

static void secret_file(void **state)
{
    const char *folder = getenv("XMB_TMP");
    char path[256], inner[1024];
    int fd;

    (void)state;
    snprintf(path, sizeof(path), "%s/secret-XXXXXX", folder != NULL ? folder : "/tmp");
    fd = mkstemp(path);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, "s3cr3tf0rd14lb4ck\n", 18), 18);
    assert_int_equal(fchmod(fd, 0600), 0);
    close(fd);
    snprintf(inner, sizeof(inner), OUT IN LOCAL "<dialback secret-file='%s'/>", path);
    assert_memory_equal(configured(inner)->security[S2_OUTSIDE].secret.hex, "a7136eb1", 8);
    unlink(path);
    refused(inner, "2: ");
}

static void faults_of_domains(void **state)
{
    (void)state;
    refused(LOCAL "\n" LOCAL, "3: local domain example.com is there twice");
    refused(LOCAL "\n<local-domain name='EXAMPLE.com.'><server address='a.b'/></local-domain>",
            "3: local domain example.com is there twice");
    refused("<local-domain name='a..b'><server address='10.0.0.5'/></local-domain>",
            "2: 'a..b' is not a domain name");
    refused("\n<local-domain name='a.b'/>", "3: a local domain needs a <server> or a <component>");
    refused("<local-domain name='a.b'><server address='10.0.0.5'/>"
            "<component secret='x'/></local-domain>", "servers or a component, not both");
    refused("<local-domain name='a.b'>\n<component/></local-domain>",
            "3: a component needs a secret");
    refused("<local-domain name='a.b'>\n<server address='no name'/></local-domain>",
            "3: 'no name' is neither an IP address nor a host name");
    refused("<local-domain name='a.b'><server address='10.0.0.5' port='0'/></local-domain>",
            "port");
    refused(OUT IN "<local-domain name='a.b'>\n<server address='10.0.0.1'/></local-domain>",
            "3: this server is a <listen> of the gateway itself");
}

static void faults_of_security(void **state)
{
    (void)state;
    refused("\n<listen side='outside'/>" LOCAL,
            "3: mode tls-required on the side outside needs a profile");
    refused(IN LOCAL, "mode tls-required on the side outside: no <listen>");
    refused("<security mode='no-tls'/><security side='inside' mode='tls-required'/>"
            "\n<listen side='inside'/>", "3: mode tls-required on the side inside needs a profile");
    refused("<security side='inside' mode='tls-required'/>" IN
            "<local-domain name='a.b'>\n<component secret='x'/></local-domain>",
            "3: mode tls-required on the side inside: a component needs a profile");
    refused("\n<security mode='no-tls' require-client-certificates='yes'/>",
            "3: mode no-tls has no certificates to require");
    refused("<security mode='no-tls'/>\n<listen side='outside' tls='o' direct-tls='yes'/>",
            "3: mode no-tls on the side outside, and TLS from the first octet");
    refused("<listen side='inside' direct-tls='yes'/>", "2: direct-tls needs a profile");
    refused("<security/>\n<security side='outside'/>",
            "3: a second <security> for the side outside");
    refused("<dialback secret='a'/>\n<dialback secret='b'/>",
            "3: a second <dialback> for the side outside");
    refused("<dialback/>", "2: it needs secret or secret-file");
    refused("<listen/>", "configuration");
}

/* --- certificates of ours -------------------------------------------------------------------- */

#define OWN "<local-domain name='own.test' tls='own'><server address='10.0.0.6'/></local-domain>"

/* "own" names own.test, "o" names example.com, "bare" has none, "broken" is told elsewhere. */
static int certificates(const char *profile, const char *name, struct xmb_tls_own *own)
{
    if (strcmp(profile, "broken") == 0)
        return XMB_ECONF;
    if (strcmp(profile, "own") != 0 && strcmp(profile, "o") != 0 && strcmp(profile, "bare") != 0)
        return XMB_ENOENT;
    if (strcmp(profile, "bare") == 0)
        return 0;
    own->covers = strcmp(name, profile[1] == 'w' ? "own.test" : "example.com") == 0;
    own->not_after_s = INT64_MAX;
    snprintf(own->file, sizeof(own->file), "/etc/%s.pem", profile);
    snprintf(own->names, sizeof(own->names), "x.test, y.test");
    return 0;
}

static void warned(const char *inner, const char *text)
{
    xmb_fakehost_log_clear();
    assert_int_equal(xmb_fakehost_check(module, inner), 0);
    if (text != NULL && strstr(xmb_fakehost_log(), text) == NULL)
        fail_msg("no \"%s\" in: %s", text, xmb_fakehost_log());
    if (text == NULL)
        assert_null(strstr(xmb_fakehost_log(), "certificate"));
}

/* R52: said before a peer says so, and nothing more than said. */
static void certificates_of_ours(void **state)
{
    (void)state;
    xmb_fakehost_tls_own(certificates);
    warned(OUT LOCAL OWN, NULL);
    warned(OUT "<local-domain name='other.test'><server address='10.0.0.5'/></local-domain>",
           "other.test: certificate /etc/o.pem of TLS profile o (names: x.test, y.test) does not "
           "name the domain: peers that want a certificate with its name refuse it, the others "
           "verify it by dialback");
    warned("<security tls='own'/>" OUT LOCAL,
           "example.com: certificate /etc/own.pem of TLS profile own");
    warned("<security tls='bare'/>" LOCAL,
           "example.com: TLS profile bare has no certificate to show for the domain");
    /* A listener with TLS from the first octet does not know of a domain's own profile. */
    warned("<listen side='outside' tls='o' direct-tls='yes'/>" LOCAL OWN,
           "own.test: certificate /etc/o.pem");
    warned("<federation use='no'/><security tls='own'/>" OUT LOCAL, NULL);
    warned("<security mode='no-tls'/><listen side='outside'/>" LOCAL OWN, NULL);
}

static void warnings_about_certificates_are_bounded(void **state)
{
    char text[8192] = OUT;
    const char *at;
    int i, n = 0;

    (void)state;
    xmb_fakehost_tls_own(certificates);
    for (i = 0; i < 25; i++)
        sprintf(text + strlen(text),
                "<local-domain name='d%d.test'><server address='10.0.0.5'/></local-domain>", i);
    warned(text, "5 more local domains are not named");
    for (at = xmb_fakehost_log(); (at = strstr(at, "does not name")) != NULL; at++)
        n++;
    assert_int_equal(n, 20);
}

static void faults_of_profiles(void **state)
{
    (void)state;
    xmb_fakehost_tls_own(certificates);
    refused(OUT "\n<security tls='nowhere'/>" LOCAL, "3: there is no <tls name=\"nowhere\"/>");
    refused(OUT "\n<local-domain name='a.test' tls='nowhere'><server address='10.0.0.5'/>"
                "</local-domain>", "3: there is no <tls name=\"nowhere\"/>");
    refused(OUT "\n<local-domain name='a.test' tls='bare'><server address='10.0.0.5'/>"
                "</local-domain>", "3: TLS profile \"bare\" has no certificate to show");
    assert_int_equal(xmb_fakehost_check(module, "<security tls='broken'/>" OUT LOCAL), 0);
}

static void faults_of_numbers(void **state)
{
    static const char *const bad[] = {
        "<limits stanza='9999'/>", "<limits stanza='17m'/>", "<limits depth='201'/>",
        "<limits depth='7'/>", "<limits elements='31'/>", "<limits attributes='2000'/>",
        "<limits name='65537'/>", "<limits attribute='1000'/>", "<limits queue='1k'/>", "<limits queue-time='0'/>",
        "<limits pairs='0'/>", "<limits unverified-streams='0'/>", "<limits streams='0'/>",
        "<idle-timeout seconds='0'/>", "<idle-timeout seconds='2d'/>",
        "<timeouts negotiation='0'/>", "<timeouts connect='3m'/>", "<timeouts dialback='11m'/>",
        "<timeouts keepalive='500ms'/>", "<delivery interval='50ms'/>",
        "<delivery timeout='0'/>", "<delivery hold='11m'/>", "<delivery window='2g'/>", "<delivery confirm='maybe'/>",
        "<backoff minimum='10' maximum='5'/>", "<backoff maximum='2d'/>", "<limits depth='x'/>",
    };
    size_t i;

    (void)state;
    for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        if (xmb_fakehost_check(module, bad[i]) != XMB_ECONF)
            fail_msg("accepted: %s", bad[i]);
        if (xmb_fakehost_faults()[0] == '\0')
            fail_msg("refused without a word: %s", bad[i]);
    }
}

/* All faults are told at once, and what runs goes on. */
static void several_faults(void **state)
{
    const struct s2_conf *c = configured(OUT IN LOCAL);
    const struct s2_worker *w = xmb_fakehost_wself(module);
    const char *faults;

    (void)state;
    assert_int_equal(xmb_fakehost_configure(module, "<limits depth='999'/>\n<dialback/>\n"
                                                    "<local-domain name='a.b'/>"),
                     XMB_ECONF);
    faults = xmb_fakehost_faults();
    assert_non_null(strstr(faults, "2: "));
    assert_non_null(strstr(faults, "3: "));
    assert_non_null(strstr(faults, "4: "));
    assert_ptr_equal(w->conf, c);
}

/* The secret that was made at start stays the same over reloads. */
static void made_secret_stays(void **state)
{
    struct s2_secret before = configured(OUT IN LOCAL)->security[S2_OUTSIDE].secret;
    struct s2_secret after = configured(OUT IN LOCAL "<backoff minimum='3'/>")
                                 ->security[S2_OUTSIDE].secret;

    (void)state;
    assert_memory_equal(&before, &after, sizeof(before));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define T(f) cmocka_unit_test_setup_teardown(f, begin, end)
        T(defaults),           T(default_security),  T(every_setting),     T(the_secret),
        T(ordinals),           T(lookups),           T(nothing_at_all),    T(bounds_follow),
        T(secret_file),        T(faults_of_domains), T(faults_of_security), T(faults_of_numbers),
        T(certificates_of_ours), T(warnings_about_certificates_are_bounded), T(faults_of_profiles),
        T(several_faults),     T(made_secret_stays), T(listeners_while_they_change),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
