/* SPDX-License-Identifier: MIT */
/*
 * test_s2_writer.c - what the gateway says is read back: by the XMPP reader for its meaning, and by
 * libxml2 as a whole document.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <libxml/parser.h>

#include "s2_recorder.h"
#include "writer.h"

#define TRICKY "a&<>'\"\n\xc3\xa9"

static void well_formed(const struct s2_text *t, const char *end)
{
    size_t n = t->n + strlen(end);
    char *text = malloc(n);
    xmlDocPtr doc;

    assert_non_null(text);
    memcpy(text, t->p, t->n);
    memcpy(text + t->n, end, strlen(end));
    doc = xmlReadMemory(text, (int)n, "x.xml", NULL, XML_PARSE_NONET);
    assert_non_null(doc);
    xmlFreeDoc(doc);
    free(text);
}

static void begin(struct s2_text *t)
{
    const struct s2_header_out h = {XMB_STR("a.test"), XMB_STR("b.test"), {NULL, 0}, {NULL, 0}, 1,
                                    0};

    s2_text_begin(t);
    s2_write_header(t, &h);
}

/* The text after a header, read again, must give these lines. */
static void means(const struct s2_text *t, const char *lines, const char *end)
{
    struct recorder *c = recorder_new();

    assert_int_equal(s2_text_ok(t), 1);
    assert_int_equal(recorder_feed(c, t->p, t->n, SIZE_MAX), 0);
    assert_string_equal(strchr(c->text, '\n') + 1, lines);
    recorder_free(c);
    well_formed(t, end);
}

#define MEANS(call, lines)                                                                         \
    do {                                                                                           \
        struct s2_text t_;                                                                         \
        struct s2_text *t = &t_;                                                                   \
        begin(t);                                                                                  \
        call;                                                                                      \
        means(t, lines, "</stream:stream>");                                                       \
    } while (0)

#define ENDS(call, lines)                                                                          \
    do {                                                                                           \
        struct s2_text t_;                                                                         \
        struct s2_text *t = &t_;                                                                   \
        begin(t);                                                                                  \
        call;                                                                                      \
        means(t, lines "end\n", "");                                                               \
    } while (0)

static void header_means(const struct s2_header_out *h, const char *line)
{
    struct recorder *c = recorder_new();
    struct s2_text t;

    s2_text_begin(&t);
    s2_write_header(&t, h);
    assert_int_equal(s2_text_ok(&t), 1);
    assert_int_equal(recorder_feed(c, t.p, t.n, SIZE_MAX), 0);
    assert_string_equal(c->text, line);
    recorder_free(c);
    well_formed(&t, "</stream:stream>");
}

static void test_headers(void **state)
{
    const struct s2_header_out initiator = {XMB_STR("a.test"), XMB_STR("b.test"), {NULL, 0},
                                            XMB_STR("en"), 1, 0};
    const struct s2_header_out receiver = {XMB_STR("b.test"), {NULL, 0}, XMB_STR("S'1"), {NULL, 0},
                                           0, 0};
    const struct s2_header_out component = {XMB_STR("c.test"), {NULL, 0}, XMB_STR("1"), {NULL, 0},
                                            0, 1};
    (void)state;
    header_means(&initiator, "header from=a.test to=b.test version=1.0 lang=en major=1 "
                             "dialback=1\n");
    header_means(&receiver, "header from=b.test id=S'1 dialback=1\n");
    header_means(&component, "header from=c.test id=1 dialback=1 component=1\n");
}

static void test_features(void **state)
{
    uint32_t bits;

    (void)state;
    for (bits = 0; bits < 256; bits++) {
        char line[100];
        uint32_t read = bits;

        if (bits & S2_F_STARTTLS_REQUIRED)
            read |= S2_F_STARTTLS;
        if (bits & S2_F_DIALBACK_ERRORS)
            read |= S2_F_DIALBACK;
        read &= ~(uint32_t)S2_F_SASL;
        if (bits & S2_F_EXTERNAL)
            read |= S2_F_SASL;
        snprintf(line, sizeof(line), "element kind=1 name=features features=%u\n", read);
        if (read == 0)
            strcpy(line, "element kind=1 name=features\n");
        MEANS(s2_write_features(t, bits, 0, 0), line);
    }
    MEANS(s2_write_features(t, S2_F_DIALBACK, 262144, 600),
          "element kind=1 name=features features=260 max_bytes=262144\n");
}

static void test_negotiation(void **state)
{
    (void)state;
    MEANS(s2_write_starttls(t), "element kind=3 name=starttls\n");
    MEANS(s2_write_proceed(t), "element kind=4 name=proceed\n");
    ENDS(s2_write_tls_failure(t), "element kind=5 name=failure\n");
    MEANS(s2_write_auth_external(t, XMB_STR("a.test")),
          "element kind=6 name=auth mechanism=EXTERNAL text=YS50ZXN0\n");
    MEANS(s2_write_auth_external(t, xmb_str(NULL)),
          "element kind=6 name=auth mechanism=EXTERNAL text==\n");
    MEANS(s2_write_sasl_success(t), "element kind=7 name=success\n");
    MEANS(s2_write_sasl_failure(t, "not-authorized", NULL),
          "element kind=8 name=failure condition=not-authorized\n");
    MEANS(s2_write_sasl_failure(t, "not-authorized", "<no>"),
          "element kind=8 name=failure condition=not-authorized error_text=<no>\n");
    MEANS(s2_write_bidi(t, 0, 0), "element kind=14 name=bidi\n");
    MEANS(s2_write_bidi(t, 5000, 600), "element kind=14 name=bidi features=256 max_bytes=5000\n");
    MEANS(s2_write_sm_enable(t), "element kind=15 name=enable\n");
    MEANS(s2_write_sm_enabled(t), "element kind=16 name=enabled\n");
    MEANS(s2_write_sm_r(t), "element kind=18 name=r\n");
    MEANS(s2_write_sm_a(t, UINT32_MAX), "element kind=19 name=a h=4294967295\n");
}

static void test_dialback(void **state)
{
    const struct s2_db_names n = {XMB_STR("a.test"), XMB_STR("b.test"), XMB_STR("S'1")};

    (void)state;
    MEANS(s2_write_db_result_key(t, &n, XMB_STR("K<Y")),
          "element kind=12 name=result from=a.test to=b.test text=K<Y\n");
    MEANS(s2_write_db_verify_key(t, &n, XMB_STR("KEY")),
          "element kind=13 name=verify from=a.test to=b.test id=S'1 text=KEY\n");
    MEANS(s2_write_db_result(t, &n, 1),
          "element kind=12 name=result from=a.test to=b.test type=valid\n");
    MEANS(s2_write_db_verify(t, &n, 0),
          "element kind=13 name=verify from=a.test to=b.test id=S'1 type=invalid\n");
    MEANS(s2_write_db_result_error(t, &n, S2_C_ITEM_NOT_FOUND, NULL),
          "element kind=12 name=result from=a.test to=b.test type=error "
          "condition=item-not-found\n");
    MEANS(s2_write_db_verify_error(t, &n, S2_C_REMOTE_SERVER_TIMEOUT, "a & b"),
          "element kind=13 name=verify from=a.test to=b.test id=S'1 type=error "
          "condition=remote-server-timeout error_text=a & b\n");
}

static void test_stream_errors(void **state)
{
    int e;

    (void)state;
    for (e = 1; e < S2_E_COUNT; e++) {
        const char *name = s2_stream_error_name((enum s2_stream_error)e);
        char line[100];

        struct s2_text t;

        snprintf(line, sizeof(line), "element kind=2 name=error condition=%s\nend\n", name);
        begin(&t);
        s2_write_stream_error(&t, (enum s2_stream_error)e, NULL);
        means(&t, line, "");
        assert_int_equal(s2_stream_error_of(xmb_str(name)), e);
    }
    assert_int_equal(s2_stream_error_of(XMB_STR("none")), S2_E_UNDEFINED_CONDITION);
    assert_int_equal(s2_stream_error_of_read(S2_READ_TOO_BIG), S2_E_POLICY_VIOLATION);
    assert_int_equal(s2_stream_error_of_read(S2_READ_BAD_PREFIX), S2_E_BAD_NAMESPACE_PREFIX);
    assert_int_equal(s2_stream_error_of_read(XMB_EIO), S2_E_INTERNAL_SERVER_ERROR);
    ENDS(s2_write_stream_error(t, S2_E_HOST_GONE, "gone & away"),
         "element kind=2 name=error condition=host-gone error_text=gone & away\n");
}

/* --- stanza errors --------------------------------------------------------------------------- */

static struct s2_stanza stanza(uint32_t kind, uint32_t type, const char *to)
{
    struct s2_stanza s = {0};

    s.kind = kind;
    s.type = type;
    s.from = XMB_STR("j@a.test/x");
    s.to = xmb_str(to);
    s.id = XMB_STR(TRICKY);
    return s;
}

static void test_stanza_error(void **state)
{
    struct s2_stanza s = stanza(S2_IQ, S2_TYPE_GET, "r@b.test");
    int c;

    (void)state;
    for (c = 1; c < S2_C_COUNT; c++) {
        const char *name = s2_condition_name((enum s2_condition)c);
        struct s2_text t;
        char expected[2000];

        assert_int_equal(s2_condition_of(xmb_str(name)), c);
        begin(&t);
        s2_write_stanza_error(&t, &s, (enum s2_condition)c, XMB_STR("b.test"), TRICKY);
        well_formed(&t, "</stream:stream>");
        snprintf(expected, sizeof(expected),
                 "stanza kind=3 type=2 from=r@b.test to=j@a.test/x id=" TRICKY " raw=%.*s"
                 " insert_at=3\n",
                 (int)(t.n - (size_t)(strstr(t.p, "<iq") - t.p)), strstr(t.p, "<iq"));
        means(&t, expected, "</stream:stream>");
        t.p[t.n] = '\0';
        assert_non_null(strstr(t.p, name));
        assert_non_null(strstr(t.p, " by='b.test'><"));
    }
    assert_int_equal(s2_condition_of(XMB_STR("gone")), S2_C_UNDEFINED_CONDITION);
}

static void test_types_of_conditions(void **state)
{
    const struct s2_stanza s = stanza(S2_MESSAGE, S2_TYPE_NONE, "r@b.test");
    struct s2_text t;

    (void)state;
    s2_text_begin(&t);
    s2_write_stanza_error(&t, &s, S2_C_RESOURCE_CONSTRAINT, xmb_str(NULL), NULL);
    t.p[t.n] = '\0';
    assert_non_null(strstr(t.p, "<error type='wait'><resource-constraint xmlns="));
    s2_text_begin(&t);
    s2_write_stanza_error(&t, &s, S2_C_FORBIDDEN, xmb_str(NULL), NULL);
    t.p[t.n] = '\0';
    assert_non_null(strstr(t.p, "<error type='auth'><forbidden xmlns="));
}

static void bounces(uint32_t kind, uint32_t type, const char *to, int expected)
{
    const struct s2_stanza s = stanza(kind, type, to);

    assert_int_equal(s2_may_bounce(&s), expected);
}

static void test_what_may_bounce(void **state)
{
    (void)state;
    bounces(S2_MESSAGE, S2_TYPE_NONE, "r@b.test", 1);
    bounces(S2_MESSAGE, S2_TYPE_OTHER, "b.test", 1);
    bounces(S2_MESSAGE, S2_TYPE_ERROR, "r@b.test", 0);
    bounces(S2_MESSAGE, S2_TYPE_NONE, NULL, 0);
    bounces(S2_IQ, S2_TYPE_GET, "r@b.test", 1);
    bounces(S2_IQ, S2_TYPE_SET, "r@b.test", 1);
    bounces(S2_IQ, S2_TYPE_RESULT, "r@b.test", 0);
    bounces(S2_IQ, S2_TYPE_ERROR, "r@b.test", 0);
    bounces(S2_PRESENCE, S2_TYPE_NONE, "r@b.test", 0);
    bounces(S2_PRESENCE, S2_TYPE_NONE, "room@b.test/nick", 1);
    bounces(S2_PRESENCE, S2_TYPE_SUBSCRIBE, "r@b.test", 1);
    bounces(S2_PRESENCE, S2_TYPE_PROBE, "r@b.test", 0);
    bounces(S2_PRESENCE, S2_TYPE_UNAVAILABLE, "r@b.test/x", 0);
    bounces(S2_PRESENCE, S2_TYPE_ERROR, "r@b.test/x", 0);
}

static void test_ping(void **state)
{
    (void)state;
    MEANS(s2_write_ping(t, XMB_STR("a.test"), XMB_STR("b.test"), XMB_STR("i")),
          "stanza kind=3 type=4 from=a.test to=b.test id=i raw=<iq type='get' from='a.test' "
          "to='b.test' id='i'><ping xmlns='urn:xmpp:ping'/></iq> insert_at=3\n");
}

/* --- bounds, and reading a stanza again ------------------------------------------------------ */

static void test_overflow(void **state)
{
    static char large[S2_TEXT_ROOM + 1];
    struct s2_text t;

    (void)state;
    memset(large, 'x', sizeof(large));
    s2_text_begin(&t);
    s2_text_escaped(&t, xmb_str_n(large, S2_TEXT_ROOM));
    assert_int_equal(s2_text_ok(&t), 1);
    s2_text_add(&t, "x");
    assert_int_equal(s2_text_ok(&t), 0);
    assert_int_equal(t.n, S2_TEXT_ROOM);
    s2_text_begin(&t);
    s2_text_escaped(&t, xmb_str_n(large, sizeof(large)));
    s2_text_add(&t, "x");
    assert_int_equal(s2_text_ok(&t), 0);
    s2_text_begin(&t);
    s2_write_auth_external(&t, xmb_str_n(large, 2000));
    assert_int_equal(s2_text_ok(&t), 0);
}

static void test_reread(void **state)
{
    static const char raw[] = "<presence  from='j@a.test/&apos;&#xe9;&#8364;'\n\tto = \"b.test\""
                              " id='a\r\nb\tc&amp;' x:from='no' type='unsubscribed'><from/>"
                              "</presence>";
    char scratch[S2_SCRATCH];
    struct s2_stanza s;

    (void)state;
    assert_int_equal(s2_stanza_reread(xmb_str(raw), scratch, &s), 0);
    assert_true(xmb_str_eq(s.from, XMB_STR("j@a.test/'\xc3\xa9\xe2\x82\xac")));
    assert_true(xmb_str_eq(s.to, XMB_STR("b.test")));
    assert_true(s.to.p > raw && s.to.p < raw + sizeof(raw)); /* nothing to decode: a view */
    assert_true(xmb_str_eq(s.id, XMB_STR("a b c&")));
    assert_int_equal(s.kind, S2_PRESENCE);
    assert_int_equal(s.type, S2_TYPE_SUBSCRIBE);
    assert_int_equal(s.insert_at, strlen("<presence"));
    assert_true(xmb_str_eq(s.raw, xmb_str(raw)));
}

static void test_reread_refuses(void **state)
{
    static const char *const bad[] = {
        "",          "<iq",          "<foo/>",         "<iqs/>",           "iq/>",
        "<iq a/>",   "<iq a=b/>",    "<iq a='b/>",     "<iq a='b'c='d'/>", "<iq from='&x;'/>",
        "<iq to='&'/>", "<iq id='&#;'/>", "<iq id='&#x110000;'/>", "<iq id='&#0;'/>",
        "<iq type='&#g;'/>", "<iq ='b'/>",
    };
    static char large[2 * S2_SCRATCH];
    char scratch[S2_SCRATCH];
    struct s2_stanza s;
    size_t i;

    (void)state;
    for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        if (s2_stanza_reread(xmb_str(bad[i]), scratch, &s) != XMB_EINVAL)
            fail_msg("%s is no stanza", bad[i]);
    memset(large, 'x', sizeof(large));
    memcpy(large, "<iq id='&amp;", 13);
    memcpy(large + sizeof(large) - 3, "'/>", 3);
    assert_int_equal(s2_stanza_reread(xmb_str_n(large, sizeof(large)), scratch, &s), XMB_EINVAL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_headers),
        cmocka_unit_test(test_features),
        cmocka_unit_test(test_negotiation),
        cmocka_unit_test(test_dialback),
        cmocka_unit_test(test_stream_errors),
        cmocka_unit_test(test_stanza_error),
        cmocka_unit_test(test_types_of_conditions),
        cmocka_unit_test(test_what_may_bounce),
        cmocka_unit_test(test_ping),
        cmocka_unit_test(test_overflow),
        cmocka_unit_test(test_reread),
        cmocka_unit_test(test_reread_refuses),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
