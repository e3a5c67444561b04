/* SPDX-License-Identifier: MIT */
/*
 * test_s2_reader_bad.c - the XMPP reader on what it must refuse: limits, what XMPP forbids, broken
 * XML, wrong namespaces and encodings; and each of them cut at each octet, with the same verdict.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "s2_recorder.h"

#define STREAM "xmlns:stream='http://etherx.jabber.org/streams'"

struct bad {
    const char *text;
    int verdict;
};

/* In the place of a header. */
static const struct bad headers[] = {
    {"GET / HTTP/1.1\r\n", S2_READ_NOT_WELL_FORMED},
    {"\x16\x03\x01\x02", S2_READ_NOT_WELL_FORMED},
    {"\xef\xbb\xbf<?xml version='1.0'?>", S2_READ_BAD_ENCODING},
    {"\xff\xfe<", S2_READ_BAD_ENCODING},
    {"\xfe\xff", S2_READ_BAD_ENCODING},
    {"<?xml version='1.1'?>", S2_READ_NOT_WELL_FORMED},
    {"<?xml version='1.0' encoding='ISO-8859-1'?>", S2_READ_BAD_ENCODING},
    {"<?xml version='1.0' standalone='yes'?>", S2_READ_NOT_WELL_FORMED},
    {"<?xml version='1.0' encoding='UTF-8' standalone='no'?>", S2_READ_NOT_WELL_FORMED},
    {"<?xml encoding='UTF-8'?>", S2_READ_NOT_WELL_FORMED},
    {"<?xml version='1.0' encoding='UTF-8'>?>", S2_READ_NOT_WELL_FORMED},
    {"<?xml?>", S2_READ_RESTRICTED},
    {"<?php echo ?>", S2_READ_RESTRICTED},
    {" <?xml version='1.0'?>", S2_READ_RESTRICTED},
    {"<?xml version='1.0'?><?xml version='1.0'?>", S2_READ_RESTRICTED},
    {"<!DOCTYPE a [<!ENTITY b 'c'>]>", S2_READ_RESTRICTED},
    {"<?xml version='1.0'?><!-- a -->", S2_READ_RESTRICTED},
    {"<?xml version='1.0'?>x", S2_READ_NOT_WELL_FORMED},
    {"</stream:stream>", S2_READ_NOT_WELL_FORMED},
    {"<![CDATA[", S2_READ_NOT_WELL_FORMED},
    {"<stream:stream xmlns='jabber:server'>", S2_READ_NOT_WELL_FORMED}, /* whose prefix? */
    {"<stream:stream xmlns='jabber:server' xmlns:stream='urn:other'>", S2_READ_BAD_NAMESPACE},
    {"<stream:stream xmlns='jabber:client' " STREAM ">", S2_READ_BAD_NAMESPACE},
    {"<stream xmlns='jabber:server'>", S2_READ_BAD_NAMESPACE},
    {"<html>", S2_READ_BAD_NAMESPACE},
    {"<stream:features xmlns='jabber:server' " STREAM ">", S2_READ_BAD_FORMAT},
    {"<stream:stream xmlns='jabber:server' " STREAM " from='a' from='b'>", S2_READ_NOT_WELL_FORMED},
    {"<stream:stream xmlns='jabber:server' " STREAM " from=a>", S2_READ_NOT_WELL_FORMED},
    {"<stream:stream xmlns='jabber:server' " STREAM " a='<!--b='en'c'/>", S2_READ_NOT_WELL_FORMED},
    {"<stream:stream xmlns='jabber:server' " STREAM " from='&foo;'>", S2_READ_RESTRICTED},
};

/* Behind a good header. */
static const struct bad stanzas[] = {
    {"x", S2_READ_BAD_FORMAT},
    {"<![CDATA[x]]>", S2_READ_BAD_FORMAT},
    {"&amp;", S2_READ_BAD_FORMAT},
    {"<!-- -->", S2_READ_RESTRICTED},
    {"<message><!-- --></message>", S2_READ_RESTRICTED},
    {"<message><?a b?></message>", S2_READ_RESTRICTED},
    {"<message><!DOCTYPE a></message>", S2_READ_RESTRICTED},
    {"<message><!ENTITY a 'b'></message>", S2_READ_RESTRICTED},
    {"<message><body>&lol;</body></message>", S2_READ_RESTRICTED},
    {"<message from='&lol;'/>", S2_READ_RESTRICTED},
    {"<message><![cdata[x]]></message>", S2_READ_NOT_WELL_FORMED},
    {"<message><a></b></message>", S2_READ_NOT_WELL_FORMED},
    {"<message></presence>", S2_READ_NOT_WELL_FORMED},
    {"<message><a b='<'/></message>", S2_READ_NOT_WELL_FORMED},
    {"<message a='<'/>", S2_READ_NOT_WELL_FORMED},
    {"<message a='<!--b='en'c'/>", S2_READ_NOT_WELL_FORMED},
    {"<iq id='1'/><iq a='<b' id='2'/>", S2_READ_NOT_WELL_FORMED},
    {"<message <a/></message>", S2_READ_NOT_WELL_FORMED},
    {"<message a='1' a='2'/>", S2_READ_NOT_WELL_FORMED},
    {"<message a='1'b='2'/>", S2_READ_NOT_WELL_FORMED},
    /* Good to the fifth edition of XML 1.0, and the end of the stream to who knows the fourth. */
    {"<message><a\xf0\x90\x80\x80/></message>", S2_READ_NOT_WELL_FORMED},
    {"<message><\xe2\x81\xb0/></message>", S2_READ_NOT_WELL_FORMED},
    {"<message a\xf0\x90\x80\x80='1'/>", S2_READ_NOT_WELL_FORMED},
    {"<message><a xmlns:\xf0\x90\x80\x80='b'/></message>", S2_READ_NOT_WELL_FORMED},
    /* Some parsers take a line feed for the end of a namespace. */
    {"<message><a xmlns='b&#10;c'/></message>", S2_READ_NOT_WELL_FORMED},
    {"<message><a xmlns:d='b&#9;c'/></message>", S2_READ_NOT_WELL_FORMED},
    {"<message xmlns:d='b&#13;'/>", S2_READ_NOT_WELL_FORMED},
    {"<message a/>", S2_READ_NOT_WELL_FORMED},
    {"<message>a & b</message>", S2_READ_NOT_WELL_FORMED},
    {"<message>a & b;</message>", S2_READ_NOT_WELL_FORMED},
    {"<message>]]></message>", S2_READ_NOT_WELL_FORMED},
    {"<message>&#0;</message>", S2_READ_NOT_WELL_FORMED},
    {"<message>\x01</message>", S2_READ_NOT_WELL_FORMED},
    {"<message>\xe9</message>", S2_READ_BAD_ENCODING},          /* latin-1 */
    {"<message>\xc0\xaf</message>", S2_READ_BAD_ENCODING},      /* overlong */
    {"<message>\xed\xa0\x80</message>", S2_READ_BAD_ENCODING},  /* a surrogate */
    {"<message>\xc1\x81</message>", S2_READ_BAD_ENCODING},
    {"<message>\xf4\x90\x80\x80</message>", S2_READ_BAD_ENCODING},
    {"<message>\xef\xbf\xbf</message>", S2_READ_NOT_WELL_FORMED}, /* U+FFFF */
    {"<message a='\xe9'/>", S2_READ_BAD_ENCODING},
    {"<message><x:a/></message>", S2_READ_NOT_WELL_FORMED},
    {"<message x:a='b'/>", S2_READ_NOT_WELL_FORMED},
    {"<message xmlns:x=''/>", S2_READ_NOT_WELL_FORMED},
    {"<x:message xmlns:x='jabber:server'/>", S2_READ_BAD_PREFIX},
    {"<stream:stream/>", S2_READ_BAD_FORMAT},
    {"<a xmlns='urn:xmpp:sm:3'/>", S2_READ_BAD_FORMAT},
    {"<a xmlns='urn:xmpp:sm:3' h='-1'/>", S2_READ_BAD_FORMAT},
    {"<a xmlns='urn:xmpp:sm:3' h='4294967296'/>", S2_READ_BAD_FORMAT},
    {"</stream>", S2_READ_NOT_WELL_FORMED},
    {"</stream:stream><message/>", S2_READ_NOT_WELL_FORMED},
    {"< message/>", S2_READ_NOT_WELL_FORMED},
    {"<>", S2_READ_NOT_WELL_FORMED},
    {"</>", S2_READ_NOT_WELL_FORMED},
    {"<message/ >", S2_READ_NOT_WELL_FORMED},
};

static void refused(const char *header, const struct bad *b)
{
    size_t n = strlen(b->text);
    size_t cut;

    if (verdict_on(header, b->text) != b->verdict)
        print_error("%s: %d, not %d\n", b->text, verdict_on(header, b->text), b->verdict);
    assert_int_equal(verdict_on(header, b->text), b->verdict);
    for (cut = 1; cut < n; cut++) {
        struct recorder *c = recorder_new();
        int rc = recorder_feed(c, header, strlen(header), SIZE_MAX);

        if (rc == 0)
            rc = recorder_feed(c, b->text, cut, SIZE_MAX);
        if (rc == 0)
            rc = recorder_feed(c, b->text + cut, n - cut, SIZE_MAX);
        assert_int_equal(rc, b->verdict);
        assert_int_equal(recorder_feed(c, "<iq/>", 5, 5), b->verdict); /* it stays so */
        assert_string_not_equal(s2_reader_why(c->reader), "nothing is wrong");
        assert_false(s2_reader_at_rest(c->reader));
        recorder_free(c);
    }
}

static void test_bad_headers(void **state)
{
    size_t i;

    (void)state;
    for (i = 0; i < sizeof(headers) / sizeof(headers[0]); i++)
        refused("", &headers[i]);
}

static void test_bad_stanzas(void **state)
{
    size_t i;

    (void)state;
    for (i = 0; i < sizeof(stanzas) / sizeof(stanzas[0]); i++)
        refused(RECORD_HEADER, &stanzas[i]);
}

/* What was good before the fault has been told. */
static void test_good_before_bad(void **state)
{
    struct recorder *c;
    int rc;

    (void)state;
    c = record(RECORD_HEADER, "<iq/><iq/><iq></x>", &rc);
    assert_int_equal(rc, S2_READ_NOT_WELL_FORMED);
    assert_int_equal(c->stanzas, 2);
    recorder_free(c);
}

static void test_billion_laughs(void **state)
{
    static const char text[] =
        "<?xml version='1.0'?><!DOCTYPE lolz [<!ENTITY lol 'lol'><!ENTITY lol1 '&lol;&lol;&lol;'>"
        "<!ENTITY lol2 '&lol1;&lol1;&lol1;'>]><stream:stream>&lol2;";

    (void)state;
    assert_int_equal(verdict_on("", text), S2_READ_RESTRICTED);
}

/* --- limits ---------------------------------------------------------------------------------- */

/* A text of `times` times `piece`, framed. */
static char *repeated(const char *before, const char *piece, size_t times, const char *after)
{
    size_t n = strlen(before);
    size_t i;
    char *text = malloc(n + times * strlen(piece) + strlen(after) + 1);

    assert_non_null(text);
    memcpy(text, before, n);
    for (i = 0; i < times; i++) {
        memcpy(text + n, piece, strlen(piece));
        n += strlen(piece);
    }
    strcpy(text + n, after);
    return text;
}

static int verdict_of(char *text)
{
    int rc = verdict_on(RECORD_HEADER, text);

    free(text);
    return rc;
}

static void test_depth(void **state)
{
    char *open = repeated("<message>", "<a>", 63, "");

    (void)state;
    assert_int_equal(verdict_of(repeated(open, "</a>", 63, "</message>")), 0);
    free(open);
    assert_int_equal(verdict_of(repeated("<message>", "<a>", 64, "")), S2_READ_TOO_BIG);
    assert_int_equal(verdict_of(repeated("<message>", "<a>", 60000, "")), S2_READ_TOO_BIG);
}

static void test_elements(void **state)
{
    (void)state;
    assert_int_equal(verdict_of(repeated("<message>", "<a/>", 8191, "</message>")), 0);
    assert_int_equal(verdict_of(repeated("<message>", "<a/>", 8192, "</message>")),
                     S2_READ_TOO_BIG);
    assert_int_equal(verdict_of(repeated("", "<iq/>", 20000, "")), 0); /* counted for each */
}

static void test_attributes(void **state)
{
    char text[8192] = "<message";
    int i;

    (void)state;
    for (i = 0; i < 64; i++)
        snprintf(text + strlen(text), 32, " a%d='='", i);
    strcat(text, "/>");
    assert_int_equal(verdict_on(RECORD_HEADER, text), 0);
    strcpy(text + strlen(text) - 2, " b=''/>");
    assert_int_equal(verdict_on(RECORD_HEADER, text), S2_READ_TOO_BIG);
}

/* However the value is cut, and each for itself. */
static void test_values(void **state)
{
    (void)state;
    assert_int_equal(verdict_of(repeated("<message a='", "x", 65536, "' b='x'/>")), 0);
    assert_int_equal(verdict_of(repeated("<message a=\"", "'", 65537, "\"/>")), S2_READ_TOO_BIG);
    assert_int_equal(verdict_of(repeated("<message a='", "x", 65537, "")), S2_READ_TOO_BIG);
    assert_int_equal(verdict_of(repeated("<message><b c='y' d='", "&amp;", 13108, "'/>")),
                     S2_READ_TOO_BIG);
    assert_int_equal(verdict_of(repeated("<message>", "<a b='0123456789abcdef'/>", 8000,
                                         "</message>")), 0);
}

static void test_names(void **state)
{
    (void)state;
    assert_int_equal(verdict_of(repeated("<message><", "n", 1024, "/></message>")), 0);
    assert_int_equal(verdict_of(repeated("<message><", "n", 1025, "/></message>")),
                     S2_READ_TOO_BIG);
    assert_int_equal(verdict_of(repeated("<message ", "n", 1025, "=''/>")), S2_READ_TOO_BIG);
}

static void test_octets(void **state)
{
    size_t frame = strlen("<message></message>");

    (void)state;
    assert_int_equal(verdict_of(repeated("<message>", "x", 262144 - frame, "</message>")), 0);
    assert_int_equal(verdict_of(repeated("<message>", "x", 262145 - frame, "</message>")),
                     S2_READ_TOO_BIG);
    assert_int_equal(verdict_of(repeated("<message a='", "x", 300000, "")), S2_READ_TOO_BIG);
    assert_int_equal(verdict_of(repeated("", " ", 300000, "<iq/>")), 0); /* of no element */
}

static void test_header_is_limited(void **state)
{
    char *text = repeated("<stream:stream a='", "x", 300000, "");

    (void)state;
    assert_int_equal(verdict_on("", text), S2_READ_TOO_BIG);
    free(text);
    text = repeated("<?xml ", " ", 300, "");
    assert_int_equal(verdict_on("", text), S2_READ_TOO_BIG);
    free(text);
}

/* Each stanza would carry it. */
static void test_what_a_header_may_declare(void **state)
{
    char *text = repeated("<stream:stream xmlns='jabber:server' " STREAM " xmlns:x='", "u", 2000,
                          "'>");

    (void)state;
    assert_int_equal(verdict_on("", text), S2_READ_TOO_BIG);
    free(text);
    text = repeated("<stream:stream xmlns='jabber:server' " STREAM " xml:lang='", "u", 2000, "'>");
    assert_int_equal(verdict_on("", text), S2_READ_TOO_BIG);
    free(text);
}

/* Looking a prefix up costs a walk over all that are declared. */
static void test_namespaces_in_scope(void **state)
{
    char text[60000] = "<message>";
    int i;
    int k;

    (void)state;
    for (i = 0; i < 30; i++) {
        strcat(text, "<a");
        for (k = 0; k < 30; k++)
            snprintf(text + strlen(text), 40, " xmlns:n%d_%d='u'", i, k);
        strcat(text, ">");
    }
    assert_int_equal(verdict_on(RECORD_HEADER, text), S2_READ_TOO_BIG);
}

static void test_limits_change(void **state)
{
    const struct s2_read_limits small = {100, 2, 3, 2, 10, 50};
    struct recorder *c;
    int rc;

    (void)state;
    c = record(RECORD_HEADER, "<iq><a><b/></a></iq>", &rc);
    assert_int_equal(rc, 0);
    s2_reader_limits(c->reader, &small);
    assert_int_equal(recorder_feed(c, "<iq><a></a></iq>", 16, 16), 0);
    assert_int_equal(recorder_feed(c, "<iq><a><b/></a></iq>", 20, 20), S2_READ_TOO_BIG);
    recorder_free(c);
}

static void test_key_is_limited(void **state)
{
    (void)state;
    assert_int_equal(verdict_of(repeated("<db:result>", "k", 4096, "</db:result>")), 0);
    assert_int_equal(verdict_of(repeated("<db:result>", "k", 4097, "</db:result>")),
                     S2_READ_TOO_BIG);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_bad_headers),
        cmocka_unit_test(test_bad_stanzas),
        cmocka_unit_test(test_good_before_bad),
        cmocka_unit_test(test_billion_laughs),
        cmocka_unit_test(test_depth),
        cmocka_unit_test(test_elements),
        cmocka_unit_test(test_attributes),
        cmocka_unit_test(test_values),
        cmocka_unit_test(test_names),
        cmocka_unit_test(test_octets),
        cmocka_unit_test(test_header_is_limited),
        cmocka_unit_test(test_what_a_header_may_declare),
        cmocka_unit_test(test_namespaces_in_scope),
        cmocka_unit_test(test_limits_change),
        cmocka_unit_test(test_key_is_limited),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
