/* SPDX-License-Identifier: MIT */
/*
 * test_auth_userpass.c - the users' policy plugin in a fake host: what it accepts as
 * configuration and with which line it refuses, each mechanism, settings, reload.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <openssl/evp.h>
#include <xmb/fakehost.h>

extern const struct xmb_plugin auth_userpass_LTX_xmb_plugin;

static struct xmb_module *module;

static int begin(void **state)
{
    (void)state;
    xmb_fakehost_open();
    module = xmb_fakehost_load(&auth_userpass_LTX_xmb_plugin);
    return module != NULL ? 0 : -1;
}

/* Aborts when a principal, or memory of the host, is left. */
static int end(void **state)
{
    (void)state;
    xmb_fakehost_close();
    return 0;
}

static void configured(const char *inner)
{
    if (xmb_fakehost_configure(module, inner) != 0)
        fail_msg("refused: %s", xmb_fakehost_faults());
}

/* Refused with a fault that begins with "LINE: " and has `part` in it. */
static void refused(const char *inner, unsigned line, const char *part)
{
    char begins[16];

    assert_int_equal(xmb_fakehost_check(module, inner), XMB_ECONF);
    snprintf(begins, sizeof(begins), "%u: ", line);
    if (strncmp(xmb_fakehost_faults(), begins, strlen(begins)) != 0 ||
        strstr(xmb_fakehost_faults(), part) == NULL)
        fail_msg("expected line %u and \"%s\" in: %s", line, part, xmb_fakehost_faults());
}

static struct xmb_request request(uint32_t mechanism, const char *user)
{
    return (struct xmb_request){
        .size = sizeof(struct xmb_request),
        .point = XMB_POINT_AUTHENTICATE,
        .mechanism = mechanism,
        .username = xmb_str(user),
        .realm = XMB_STR("SAF"),
    };
}

static struct xmb_principal *allowed(struct xmb_request r)
{
    struct xmb_answer answer;

    assert_int_equal(xmb_fakehost_ask(&r, &answer), XMB_ALLOW);
    assert_non_null(answer.principal);
    return answer.principal;
}

static void denied(struct xmb_request r, uint32_t reason)
{
    struct xmb_answer answer;

    assert_int_equal(xmb_fakehost_ask(&r, &answer), XMB_DENY);
    assert_int_equal(answer.reason, reason);
    assert_null(answer.principal);
}

static uint64_t setting(const struct xmb_principal *p, uint32_t which)
{
    return xmb_fakehost_host()->policy->principal_get(p, which, UINT64_MAX);
}

static void release(struct xmb_principal *p)
{
    xmb_fakehost_host()->policy->principal_release(p);
}

static int has_key_of(const struct xmb_principal *p, const char *text)
{
    struct xmb_str key = xmb_fakehost_host()->policy->principal_key(p);
    unsigned char md5[EVP_MAX_MD_SIZE];
    unsigned int n = 0;

    assert_int_equal(EVP_Digest(text, strlen(text), md5, &n, EVP_md5(), NULL), 1);
    return key.n == n && memcmp(key.p, md5, n) == 0;
}

/* --- mechanisms ------------------------------------------------------------------------------ */

static void test_long_term_key(void **state)
{
    struct xmb_principal *p;

    (void)state;
    configured("<client username='ann' password='a long password'/>");
    p = allowed(request(XMB_MECH_LONG_TERM_KEY, "ann"));
    assert_true(has_key_of(p, "ann:SAF:a long password"));
    assert_true(xmb_str_eq(xmb_fakehost_host()->policy->principal_name(p), XMB_STR("ann")));
    release(p);
    denied(request(XMB_MECH_LONG_TERM_KEY, "bob"), XMB_DENY_UNKNOWN_USER);
    denied(request(XMB_MECH_LONG_TERM_KEY, "an"), XMB_DENY_UNKNOWN_USER);
    denied(request(XMB_MECH_LONG_TERM_KEY, "annn"), XMB_DENY_UNKNOWN_USER);
    denied(request(XMB_MECH_LONG_TERM_KEY, ""), XMB_DENY_UNKNOWN_USER);
    assert_int_equal(xmb_fakehost_metric(module, "known"), 1);
    assert_int_equal(xmb_fakehost_metric(module, "unknown"), 4);
}

static void test_sessions_share_a_principal(void **state)
{
    struct xmb_request other = request(XMB_MECH_LONG_TERM_KEY, "ann");
    struct xmb_principal *a;
    struct xmb_principal *b;
    struct xmb_principal *c;

    (void)state;
    configured("<client username='ann' password='a long password'/>");
    a = allowed(request(XMB_MECH_LONG_TERM_KEY, "ann"));
    b = allowed(request(XMB_MECH_LONG_TERM_KEY, "ann"));
    assert_ptr_equal(a, b);
    other.realm = XMB_STR("elsewhere");
    c = allowed(other);
    assert_ptr_not_equal(a, c);
    assert_true(has_key_of(a, "ann:SAF:a long password"));
    assert_true(has_key_of(c, "ann:elsewhere:a long password"));
    release(a);
    release(b);
    release(c);
}

static void test_realm_bounds(void **state)
{
    struct xmb_request r = request(XMB_MECH_LONG_TERM_KEY, "ann");
    char realm[256];

    (void)state;
    memset(realm, 'r', sizeof(realm));
    configured("<client username='ann' password='a long password'/>");
    r.realm = (struct xmb_str){realm, 255};
    release(allowed(r));
    r.realm.n = 256;
    denied(r, XMB_DENY_FAILED);
    r.realm.n = 0;
    denied(r, XMB_DENY_FAILED);
}

static void test_plain(void **state)
{
    struct xmb_request r = request(XMB_MECH_PLAIN, "ann");
    struct xmb_principal *p;
    char large[400];

    (void)state;
    configured("<client username='ann' password='a long password'/>");
    r.password = XMB_STR("a long password");
    p = allowed(r);
    assert_int_equal(xmb_fakehost_host()->policy->principal_key(p).n, 0);
    release(p);
    r.password = XMB_STR("a long passwore");
    denied(r, XMB_DENY_CREDENTIALS);
    r.password = XMB_STR("a long passwor");
    denied(r, XMB_DENY_CREDENTIALS);
    r.password = XMB_STR("a long password\0");
    denied(r, XMB_DENY_CREDENTIALS);
    r.password = (struct xmb_str){NULL, 0};
    denied(r, XMB_DENY_CREDENTIALS);
    memset(large, 0, sizeof(large));
    memcpy(large, "a long password", 15);
    r.password = (struct xmb_str){large, sizeof(large)};
    denied(r, XMB_DENY_CREDENTIALS);
    assert_int_equal(xmb_fakehost_metric(module, "wrong"), 5);
}

static void test_anonymous(void **state)
{
    struct xmb_principal *p;

    (void)state;
    configured("<client username='ann' password='a long password'/>");
    denied(request(XMB_MECH_ANONYMOUS, ""), XMB_DENY_REQUIRED);
    configured("<client unauthenticated='yes'><domain number='1228' mode='only'/>"
               "<keepalive seconds='60'/></client>");
    p = allowed(request(XMB_MECH_ANONYMOUS, ""));
    assert_int_equal(xmb_fakehost_host()->policy->principal_name(p).n, 0);
    assert_int_equal(setting(p, XMB_SETTING_DOMAIN), 1228);
    assert_int_equal(setting(p, XMB_SETTING_DOMAIN_ONLY), 1);
    assert_int_equal(setting(p, XMB_SETTING_KEEPALIVE_MS), 60000);
    release(p);
    /* An empty name is no way round the credentials. */
    denied(request(XMB_MECH_LONG_TERM_KEY, ""), XMB_DENY_UNKNOWN_USER);
    denied(request(XMB_MECH_PLAIN, ""), XMB_DENY_UNKNOWN_USER);
}

static void test_other_mechanism_is_silence(void **state)
{
    (void)state;
    configured("<client username='ann' password='a long password'/>");
    denied(request(99, "ann"), XMB_DENY_SILENCE);
}

static void test_type7(void **state)
{
    struct xmb_principal *p;

    (void)state;
    configured("<client username='legacy' password='09404B0E18060E5F1B0D17393C2B3A37'"
               " encryption-type='7'/>");
    p = allowed(request(XMB_MECH_LONG_TERM_KEY, "legacy"));
    assert_true(has_key_of(p, "legacy:SAF:legacy-password"));
    release(p);
}

static void test_password_file(void **state)
{
    const char *dir = getenv("XMB_TMP");
    char path[512];
    char inner[700];
    struct xmb_principal *p;
    FILE *f;

    (void)state;
    snprintf(path, sizeof(path), "%s/auth-userpass-%s", dir != NULL ? dir : "/tmp", "secret");
    f = fopen(path, "w");
    assert_non_null(f);
    fputs("password in a file\nnot this\n", f);
    fclose(f);
    snprintf(inner, sizeof(inner), "<client username='file' password-file='%s'/>", path);
    configured(inner);
    p = allowed(request(XMB_MECH_LONG_TERM_KEY, "file"));
    assert_true(has_key_of(p, "file:SAF:password in a file"));
    release(p);
    remove(path);
}

/* --- settings -------------------------------------------------------------------------------- */

static void test_defaults(void **state)
{
    struct xmb_principal *p;

    (void)state;
    configured("<client username='ann' password='a long password'/>");
    p = allowed(request(XMB_MECH_LONG_TERM_KEY, "ann"));
    assert_true(setting(p, XMB_SETTING_DOMAIN) == UINT64_MAX);
    assert_int_equal(setting(p, XMB_SETTING_NONCE), XMB_NONCE_AUTO);
    assert_int_equal(setting(p, XMB_SETTING_NONCE_LIFETIME_MS), 800000);
    assert_int_equal(setting(p, XMB_SETTING_KEEPALIVE_MS), 30000);
    release(p);
}

static void test_settings(void **state)
{
    struct xmb_principal *p;

    (void)state;
    configured("<client username='a' password='a long password'><domain number='65535'/>"
               "<nonce lifetime='1h'/><keepalive seconds='5000ms'/></client>"
               "<client username='b' password='a long password'><nonce none='yes'/></client>"
               "<client username='c' password='a long password'>"
               "<nonce required='yes' lifetime='5'/></client>");
    p = allowed(request(XMB_MECH_LONG_TERM_KEY, "a"));
    assert_int_equal(setting(p, XMB_SETTING_DOMAIN), 65535);
    assert_int_equal(setting(p, XMB_SETTING_DOMAIN_ONLY), 0);
    assert_int_equal(setting(p, XMB_SETTING_NONCE_LIFETIME_MS), 3600000);
    assert_int_equal(setting(p, XMB_SETTING_KEEPALIVE_MS), 5000);
    release(p);
    p = allowed(request(XMB_MECH_LONG_TERM_KEY, "b"));
    assert_int_equal(setting(p, XMB_SETTING_NONCE), XMB_NONCE_NONE);
    release(p);
    p = allowed(request(XMB_MECH_LONG_TERM_KEY, "c"));
    assert_int_equal(setting(p, XMB_SETTING_NONCE), XMB_NONCE_REQUIRED);
    assert_int_equal(setting(p, XMB_SETTING_NONCE_LIFETIME_MS), 5000);
    release(p);
}

/* --- show users ------------------------------------------------------------------------------ */

static const char *show_users(const char *name, int expected)
{
    const char *text = NULL;

    assert_int_equal(xmb_fakehost_command(module, "show users", &name, name != NULL, &text),
                     expected);
    return text;
}

/* All that an entry can say, and all that it can leave out; nothing of what is secret. */
static void test_show_users(void **state)
{
    const char *text;

    (void)state;
    configured("<client unauthenticated='yes'><domain number='1228' mode='only'/>"
               "<keepalive seconds='60'/></client>"
               "<client username='ann' password='a long password'><domain number='100'/>"
               "<nonce required='yes' lifetime='10m'/></client>"
               "<client username='bob' password='a long password'/>"
               "<client username='cy' password='09404B0E18060E5F1B0D17393C2B3A37'"
               " encryption-type='7'><nonce none='yes'/></client>");
    text = show_users(NULL, 0);
    assert_string_equal(text,
                        "users[\n"
                        "{\nusername=null\nunauthenticated=true\ndomain=1228\ndomain_mode=only\n"
                        "nonce=null\nnonce_lifetime_seconds=null\nkeepalive_seconds=60\n}\n"
                        "{\nusername=ann\nunauthenticated=false\ndomain=100\n"
                        "domain_mode=default\nnonce=required\nnonce_lifetime_seconds=600\n"
                        "keepalive_seconds=30\n}\n"
                        "{\nusername=bob\nunauthenticated=false\ndomain=null\n"
                        "domain_mode=null\nnonce=auto\nnonce_lifetime_seconds=800\n"
                        "keepalive_seconds=30\n}\n"
                        "{\nusername=cy\nunauthenticated=false\ndomain=null\n"
                        "domain_mode=null\nnonce=none\nnonce_lifetime_seconds=null\n"
                        "keepalive_seconds=30\n}\n"
                        "]\n");
}

static void test_show_one_user(void **state)
{
    (void)state;
    assert_non_null(strstr(show_users(NULL, XMB_EINVAL), "error: no configuration"));
    configured("<client username='ann' password='a long password'/>"
               "<client username='bob' password='a long password'/>");
    assert_null(strstr(show_users("bob", 0), "ann"));
    assert_non_null(strstr(show_users("bob", 0), "username=bob\n"));
    assert_string_equal(show_users("a", XMB_EINVAL),
                        "error: there is no user \"a\" in the configuration\n");
    configured("<client username='ann' password='a long password'>"
               "<keepalive seconds='99'/></client>"); /* what is shown is what is in force */
    assert_non_null(strstr(show_users("ann", 0), "keepalive_seconds=99\n"));
    assert_non_null(strstr(show_users("bob", XMB_EINVAL), "error: "));
}

/* --- reload ---------------------------------------------------------------------------------- */

static void test_reload_drops_what_was_made(void **state)
{
    struct xmb_principal *old;
    struct xmb_principal *now;

    (void)state;
    configured("<client username='ann' password='a long password'/>"
               "<client username='bob' password='a long password'/>");
    old = allowed(request(XMB_MECH_LONG_TERM_KEY, "ann"));
    configured("<client username='ann' password='another password'>"
               "<keepalive seconds='100'/></client>");
    now = allowed(request(XMB_MECH_LONG_TERM_KEY, "ann"));
    assert_true(has_key_of(now, "ann:SAF:another password"));
    assert_int_equal(setting(now, XMB_SETTING_KEEPALIVE_MS), 100000);
    /* Who was let in before keeps what it was given. */
    assert_true(has_key_of(old, "ann:SAF:a long password"));
    denied(request(XMB_MECH_LONG_TERM_KEY, "bob"), XMB_DENY_UNKNOWN_USER);
    release(old);
    release(now);
}

static void test_refused_reload_changes_nothing(void **state)
{
    struct xmb_principal *p;

    (void)state;
    configured("<client username='ann' password='a long password'/>");
    assert_int_equal(xmb_fakehost_configure(module, "<client username='ann' password='short'/>"),
                     XMB_ECONF);
    p = allowed(request(XMB_MECH_LONG_TERM_KEY, "ann"));
    assert_true(has_key_of(p, "ann:SAF:a long password"));
    release(p);
}

static void test_many_users(void **state)
{
    char *inner = calloc(1000, 80);
    char name[16];
    size_t n = 0;
    int i;

    (void)state;
    assert_non_null(inner);
    for (i = 0; i < 1000; i++)
        n += (size_t)sprintf(inner + n, "<client username='u%d' password='password %06d'/>\n", i,
                             i);
    configured(inner);
    for (i = 0; i < 1000; i++) {
        char text[64];
        struct xmb_principal *p;

        snprintf(name, sizeof(name), "u%d", i);
        snprintf(text, sizeof(text), "u%d:SAF:password %06d", i, i);
        p = allowed(request(XMB_MECH_LONG_TERM_KEY, name));
        assert_true(has_key_of(p, text));
        release(p);
    }
    free(inner);
}

/* --- refused configurations ------------------------------------------------------------------ */

#define ANN "<client username='ann' password='a long password'"

static void test_passwords_refused(void **state)
{
    char inner[400];
    char word[100];

    (void)state;
    memset(word, 'p', sizeof(word));
    refused("<client username='a' password='0123456789'/>", 2, "10 characters");
    snprintf(inner, sizeof(inner), "<client username='a' password='%.63s'/>", word);
    refused(inner, 2, "63 characters");
    snprintf(inner, sizeof(inner), "<client username='a' password='%.62s'/>", word);
    assert_int_equal(xmb_fakehost_check(module, inner), 0);
    assert_int_equal(xmb_fakehost_check(module, "<client username='a' password='01234567890'/>"),
                     0);
    /* Characters, not octets: eleven of two octets are enough, ten are not. */
    assert_int_equal(
        xmb_fakehost_check(module, "<client username='a' password='\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4"
                                   "\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4'/>"),
        0);
    refused("<client username='a' password='\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4"
            "\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4'/>",
            2, "10 characters");
    refused("\n\n<client username='a' password='not of type 7' encryption-type='7'/>", 4,
            "type 7");
    /* "cisco": long enough as it is written, too short as it is meant. */
    refused("<client username='a' password='0822455D0A16' encryption-type='7'/>", 2,
            "5 characters");
    refused("<client username='a' password-file='/nonexistent/file'/>", 2, "/nonexistent/file");
    assert_null(strstr(xmb_fakehost_log(), "0822455D0A16"));
}

static void test_names_refused(void **state)
{
    char inner[600];
    char word[300];

    (void)state;
    memset(word, 'n', sizeof(word));
    refused("<client username='' password='a long password'/>", 2, "0 octets");
    snprintf(inner, sizeof(inner), "<client username='%.256s' password='a long password'/>", word);
    refused(inner, 2, "256 octets");
    snprintf(inner, sizeof(inner), "<client username='%.255s' password='a long password'/>", word);
    assert_int_equal(xmb_fakehost_check(module, inner), 0);
    refused("<client username='a&#9;b' password='a long password'/>", 2, "control");
    refused("<client username='a\xc2\x85' password='a long password'/>", 2, "control");
    assert_int_equal(
        xmb_fakehost_check(module, "<client username='\xc3\xa4\xc2\xa0'"
                                   " password='a long password'/>"),
        0);
}

static void test_duplicates_refused(void **state)
{
    (void)state;
    refused(ANN "/>\n<client username='bob' password='a long password'/>\n" ANN "/>", 4,
            "line 2");
    refused("<client unauthenticated='yes'/>\n\n<client unauthenticated='yes'/>", 4, "line 2");
    /* A name that cannot be read is not taken for the unauthenticated client. */
    assert_int_equal(xmb_fakehost_check(module, "<client unauthenticated='yes'/>"
                                                "<client username='' password='a long password'/>"),
                     XMB_ECONF);
    assert_null(strstr(xmb_fakehost_faults(), "second"));
}

static void test_ranges_refused(void **state)
{
    (void)state;
    refused(ANN "><domain number='0'/></client>", 2, "1 to 65535");
    refused(ANN "><domain number='65536'/></client>", 2, "1 to 65535");
    refused(ANN ">\n<nonce lifetime='4'/></client>", 3, "5000 to 3600000");
    refused(ANN "><nonce lifetime='3601'/></client>", 2, "5000 to 3600000");
    refused(ANN "><keepalive seconds='4'/></client>", 2, "5000 to 3600000");
    refused(ANN "><keepalive seconds='61m'/></client>", 2, "5000 to 3600000");
    refused("<client unauthenticated='yes'>\n<nonce lifetime='600'/>\n</client>", 3,
            "unauthenticated");
    refused("<client unauthenticated='yes'><nonce none='yes'/></client>", 2, "unauthenticated");
    refused("", 1, "no <client>");
}

static void test_every_fault_is_told(void **state)
{
    (void)state;
    assert_int_equal(xmb_fakehost_check(module, "<client username='a' password='short'>\n"
                                                "<domain number='0'/>\n"
                                                "<keepalive seconds='1'/></client>\n"
                                                "<client username='' password='x'/>"),
                     XMB_ECONF);
    assert_non_null(strstr(xmb_fakehost_faults(), "2: "));
    assert_non_null(strstr(xmb_fakehost_faults(), "3: "));
    assert_non_null(strstr(xmb_fakehost_faults(), "4: "));
    assert_non_null(strstr(xmb_fakehost_faults(), "5: "));
}

static void test_structure_refused(void **state)
{
    static const char *const wrong[] = {
        "<client/>",
        "<client username='a'/>",
        "<client password='a long password'/>",
        "<client unauthenticated='yes' username='a' password='a long password'/>",
        "<client username='a' password='a long password' password-file='x'/>",
        "<client username='a' password='a long password' encryption-type='5'/>",
        ANN "><nonce none='yes' lifetime='600'/></client>",
        ANN "><domain mode='only'/></client>",
        ANN "><domain number='1' mode='both'/></client>",
        ANN "><domain number='1'/><domain number='2'/></client>",
        "<user name='a'/>",
    };
    size_t i;

    (void)state;
    for (i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
        if (xmb_fakehost_check(module, wrong[i]) != XMB_ECONF)
            fail_msg("accepted: %s", wrong[i]);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_long_term_key),
        TEST(test_sessions_share_a_principal),
        TEST(test_realm_bounds),
        TEST(test_plain),
        TEST(test_anonymous),
        TEST(test_other_mechanism_is_silence),
        TEST(test_type7),
        TEST(test_password_file),
        TEST(test_defaults),
        TEST(test_settings),
        TEST(test_show_users),
        TEST(test_show_one_user),
        TEST(test_reload_drops_what_was_made),
        TEST(test_refused_reload_changes_nothing),
        TEST(test_many_users),
        TEST(test_passwords_refused),
        TEST(test_names_refused),
        TEST(test_duplicates_refused),
        TEST(test_ranges_refused),
        TEST(test_every_fault_is_told),
        TEST(test_structure_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
