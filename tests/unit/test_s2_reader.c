/* SPDX-License-Identifier: MIT */
/*
 * test_s2_reader.c - the XMPP reader on good streams: events, octets, and that it makes no
 * difference how the input is cut. Bad streams are in test_s2_reader_bad.c.
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

#define SASL "urn:ietf:params:xml:ns:xmpp-sasl"
#define TLS "urn:ietf:params:xml:ns:xmpp-tls"
#define STANZAS "urn:ietf:params:xml:ns:xmpp-stanzas"

/* All kinds of things that a peer says, with what makes readers stumble. */
static const char conversation[] =
    "<?xml version='1.0' encoding=\"UTF-8\" ?>\n <stream:stream xmlns='jabber:server'"
    " xmlns:stream='http://etherx.jabber.org/streams' xmlns:db='jabber:server:dialback'"
    " xmlns:x=\"urn:x&amp;'\" from='a.test' to='b.test' id='' version='1.0' xml:lang='en'>\n"
    "<stream:features><starttls xmlns='" TLS "'><required/></starttls><mechanisms xmlns='" SASL "'>"
    "<mechanism>PLAIN</mechanism><mechanism> EXTERNAL</mechanism></mechanisms>"
    "<dialback xmlns='urn:xmpp:features:dialback'><errors/></dialback>"
    "<limits xmlns='urn:xmpp:stream-limits:0'><max-bytes>10000</max-bytes></limits>"
    "</stream:features> <db:result from='a.test' to='b.test'>\n KEY\n</db:result>\n"
    "<db:verify from='a.test' to='b.test' id='S2' type='error'><error type='cancel'>"
    "<item-not-found xmlns='" STANZAS "'/><text xmlns='" STANZAS "'>no &lt;such</text></error>"
    "</db:verify>"
    "<message from='j@a.test' to='r&apos;x@b.test/\xc3\xa9\xe2\x82\xac' id=\"1'2\" type='chat'>"
    "<body a='>' b=\"/>\">h\xc3\xa9 &amp; &#x20ac; <![CDATA[ <x ]] > ]]]]></body><x:y/></message>"
    "   "
    "<iq xml:lang='de' type='get' xmlns:x='urn:y' from='a' to='b' />\t"
    "<presence xmlns='jabber:server' type='subscribed'></presence >"
    "<presence\nfrom\n=\n'a'\r\nto='b\tc'/>"
    "<a xmlns='urn:xmpp:sm:3' h='4294967295'/><foo/></stream:stream>\n";

static const char record_of_it[] =
    "header from=a.test to=b.test id= version=1.0 lang=en major=1 dialback=1\n"
    "element kind=1 name=features features=319 max_bytes=10000\n"
    "element kind=12 name=result from=a.test to=b.test text=KEY\n"
    "element kind=13 name=verify from=a.test to=b.test id=S2 type=error"
    " condition=item-not-found error_text=no <such\n"
    "stanza kind=1 type=1 from=j@a.test to=r'x@b.test/\xc3\xa9\xe2\x82\xac id=1'2 raw="
    "<message from='j@a.test' to='r&apos;x@b.test/\xc3\xa9\xe2\x82\xac' id=\"1'2\" type='chat'>"
    "<body a='>' b=\"/>\">h\xc3\xa9 &amp; &#x20ac; <![CDATA[ <x ]] > ]]]]></body><x:y/></message>"
    " insert_at=8 insert= xmlns:x='urn:x&amp;&apos;' xml:lang='en'\n"
    "stanza kind=3 type=4 from=a to=b raw="
    "<iq xml:lang='de' type='get' xmlns:x='urn:y' from='a' to='b' /> insert_at=3\n"
    "stanza kind=2 type=6 raw=<presence type='subscribed'></presence >"
    " insert_at=9 insert= xmlns:x='urn:x&amp;&apos;' xml:lang='en'\n"
    "stanza kind=2 from=a to=b c raw=<presence\nfrom\n=\n'a'\r\nto='b\tc'/>"
    " insert_at=9 insert= xmlns:x='urn:x&amp;&apos;' xml:lang='en'\n"
    "element kind=19 name=a h=4294967295\n"
    "element kind=0 name=foo\n"
    "end\n";

static void same_record(const struct recorder *c)
{
    char *expected = strdup(record_of_it);
    char *zero = strstr(expected, " kind=0");

    memmove(zero, zero + 7, strlen(zero + 7) + 1); /* zeros are not recorded */
    assert_string_equal(c->text, expected);
    free(expected);
}

static void test_in_one_piece(void **state)
{
    struct recorder *c = recorder_new();

    (void)state;
    assert_int_equal(recorder_feed(c, conversation, sizeof(conversation) - 1, SIZE_MAX), 0);
    same_record(c);
    recorder_free(c);
}

static void test_in_pieces_of_each_size(void **state)
{
    size_t step;

    (void)state;
    for (step = 1; step < 400; step++) {
        struct recorder *c = recorder_new();

        assert_int_equal(recorder_feed(c, conversation, sizeof(conversation) - 1, step), 0);
        same_record(c);
        recorder_free(c);
    }
}

static void test_cut_at_each_octet(void **state)
{
    size_t n = sizeof(conversation) - 1;
    size_t cut;

    (void)state;
    for (cut = 0; cut <= n; cut++) {
        struct recorder *c = recorder_new();

        assert_int_equal(recorder_feed(c, conversation, cut, SIZE_MAX), 0);
        assert_int_equal(recorder_feed(c, conversation + cut, n - cut, SIZE_MAX), 0);
        same_record(c);
        recorder_free(c);
    }
}

static void test_rests_wherever_it_can(void **state)
{
    struct recorder *c = recorder_new();
    size_t at;

    (void)state;
    for (at = 0; at < sizeof(conversation) - 1; at++) {
        assert_int_equal(recorder_feed(c, conversation + at, 1, 1), 0);
        s2_reader_rest(c->reader);
    }
    same_record(c);
    assert_int_equal(c->headers, 1);
    recorder_free(c);
}

/* --- rest and memory ------------------------------------------------------------------------- */

static void test_rest_gives_memory_back(void **state)
{
    struct recorder *c;
    size_t awake;
    int rc;

    (void)state;
    c = record(RECORD_HEADER, "<message/><", &rc);
    assert_int_equal(rc, 0);
    assert_false(s2_reader_at_rest(c->reader));
    awake = s2_reader_bytes(c->reader);
    s2_reader_rest(c->reader); /* half an element is there: nothing happens */
    assert_int_equal(s2_reader_bytes(c->reader), awake);
    assert_int_equal(recorder_feed(c, "iq/> \n", 6, 6), 0);
    assert_true(s2_reader_at_rest(c->reader));
    s2_reader_rest(c->reader);
    assert_true(s2_reader_bytes(c->reader) < 4096);
    assert_true(awake > 8192);
    assert_int_equal(recorder_feed(c, " ", 1, 1), 0); /* keep-alive: no parser for that */
    assert_true(s2_reader_bytes(c->reader) < 4096);
    recorder_free(c);
}

static void test_new_names_do_not_gather(void **state)
{
    struct recorder *c;
    char text[200];
    size_t most = 0;
    int rc;
    int i;

    (void)state;
    c = record(RECORD_HEADER, "", &rc);
    for (i = 0; i < 20000; i++) {
        snprintf(text, sizeof(text), "<message><n%d-%0100d xmlns='urn:%d'/></message>", i, i, i);
        assert_int_equal(recorder_feed(c, text, strlen(text), SIZE_MAX), 0);
        c->n = 0;
        if (s2_reader_bytes(c->reader) > most)
            most = s2_reader_bytes(c->reader);
    }
    assert_int_equal(c->stanzas, 20000);
    assert_true(most < 1000000);
    recorder_free(c);
}

static void test_large_stanza_leaves_nothing(void **state)
{
    struct recorder *c;
    size_t n = 250000;
    char *text = malloc(n);
    int rc;

    (void)state;
    assert_non_null(text);
    memset(text, 'x', n);
    memcpy(text, "<message>", 9);
    memcpy(text + n - 10, "</message>", 10);
    c = record(RECORD_HEADER, "", &rc);
    assert_int_equal(recorder_feed(c, text, n, 1000), 0);
    assert_int_equal(c->stanzas, 1);
    assert_true(s2_reader_bytes(c->reader) < 65536);
    recorder_free(c);
    free(text);
}

/* --- events that stop ------------------------------------------------------------------------ */

static void test_event_stops_and_reading_goes_on(void **state)
{
    static const char text[] = "<iq id='1'/> <iq id='2'/><iq id='3'/>";
    struct recorder *c;
    size_t used = 0;
    int rc;

    (void)state;
    c = record(RECORD_HEADER, "", &rc);
    c->stop_at = "id=2";
    assert_int_equal(s2_reader_feed(c->reader, xmb_str(text), &used), 7);
    assert_int_equal(used, strlen("<iq id='1'/> <iq id='2'/>"));
    assert_int_equal(c->stanzas, 2);
    assert_int_equal(s2_reader_feed(c->reader, xmb_str(text + used), &used), 0);
    assert_int_equal(c->stanzas, 3);
    recorder_free(c);
}

static void test_header_event_stops(void **state)
{
    struct recorder *c = recorder_new();
    size_t used = 0;

    (void)state;
    c->stop_at = "header";
    assert_int_equal(s2_reader_feed(c->reader, xmb_str(RECORD_HEADER "<iq/>"), &used), 7);
    assert_int_equal(used, strlen(RECORD_HEADER));
    recorder_free(c);
}

/* A whole stanza is told where it lies: nothing is copied. */
static const char *seen_raw;

static int see_raw(void *arg, const struct s2_stanza *s)
{
    (void)arg;
    seen_raw = s->raw.p;
    return 0;
}

static int ignore_header(void *arg, const struct s2_header *h)
{
    (void)arg;
    (void)h;
    return 0;
}

static void test_whole_stanza_is_not_copied(void **state)
{
    static const char text[] = " <iq><a/></iq>";
    const struct s2_reader_events events = {ignore_header, see_raw, NULL, NULL};
    const struct s2_read_limits limits = {10000, 8, 32, 32, 256, 4096};
    struct s2_reader *r = s2_reader_new(&events, NULL, &limits);
    size_t used = 0;

    (void)state;
    assert_int_equal(s2_reader_feed(r, xmb_str(RECORD_HEADER), &used), 0);
    assert_int_equal(s2_reader_feed(r, xmb_str(text), &used), 0);
    assert_ptr_equal(seen_raw, text + 1);
    s2_reader_free(r);
}

/* --- headers --------------------------------------------------------------------------------- */

static void header_gives(const char *header, const char *expected)
{
    struct recorder *c;
    int rc;

    c = record(header, "", &rc);
    assert_int_equal(rc, 0);
    assert_string_equal(c->text, expected);
    recorder_free(c);
}

static void test_headers(void **state)
{
    (void)state;
    header_gives("<stream:stream xmlns='jabber:component:accept' to='c.test' "
                 "xmlns:stream='http://etherx.jabber.org/streams'>",
                 "header to=c.test component=1\n");
    header_gives("<s:stream xmlns:s='http://etherx.jabber.org/streams' xmlns='jabber:server' "
                 "version='12.34'/>",
                 "header version=12.34 major=12 minor=34\nend\n");
    header_gives("<s:stream xmlns:s='http://etherx.jabber.org/streams' xmlns='jabber:server' "
                 "version='1.'>",
                 "header version=1.\n");
    header_gives(" \n<stream xmlns='http://etherx.jabber.org/streams' "
                 "xmlns:back='jabber:server:dialback'>",
                 "header dialback=1\n");
}

static void test_stanzas_that_name_their_namespace(void **state)
{
    struct recorder *c;
    int rc;

    (void)state;
    c = record("<stream xmlns='http://etherx.jabber.org/streams' xml:lang=''>",
               "<iq xmlns='jabber:server' id='1' xml:lang='x'><q xmlns=''/></iq><features/>"
               "<message xmlns='jabber:client'/>", &rc);
    assert_int_equal(rc, 0);
    assert_string_equal(c->text, "header lang=\n"
                                 "stanza kind=3 id=1 raw=<iq id='1' xml:lang='x'><q xmlns=''/></iq>"
                                 " insert_at=3\n"
                                 "element kind=1 name=features\n"
                                 "element name=message\n");
    recorder_free(c);
}

static void test_component(void **state)
{
    struct recorder *c;
    int rc;

    (void)state;
    c = record("<stream:stream xmlns='jabber:component:accept' to='c.test' "
               "xmlns:stream='http://etherx.jabber.org/streams'>",
               "<handshake>aa</handshake><iq xmlns='jabber:component:accept' id='1'/><iq id='2'/>"
               "<iq xmlns='jabber:server'/>", &rc);
    assert_int_equal(rc, 0);
    assert_string_equal(c->text, "header to=c.test component=1\n"
                                 "element kind=20 name=handshake text=aa\n"
                                 "stanza kind=3 id=1 raw=<iq id='1'/> insert_at=3\n"
                                 "stanza kind=3 id=2 raw=<iq id='2'/> insert_at=3\n"
                                 "element name=iq\n");
    recorder_free(c);
}

/* Only what a stanza does not say itself is inserted. */
static void test_inserts(void **state)
{
    struct recorder *c;
    int rc;

    (void)state;
    c = record("<stream:stream xmlns='jabber:server' xmlns:p='urn:p' xmlns:q='urn:q&quot;'"
               " xmlns:db='jabber:server:dialback' xml:lang='en'"
               " xmlns:stream='http://etherx.jabber.org/streams'>",
               "<iq/><iq xmlns:p='urn:z'/><iq xmlns:q='a' xmlns:p='b' xml:lang='c'/>"
               "<iq xmlns:q='a' xml:lang='c'/>", &rc);
    assert_int_equal(rc, 0);
    assert_non_null(strstr(c->text, "raw=<iq/> insert_at=3 insert= xmlns:p='urn:p'"
                                    " xmlns:q='urn:q\"' xml:lang='en'\n"));
    assert_non_null(strstr(c->text, "raw=<iq xmlns:p='urn:z'/> insert_at=3"
                                    " insert= xmlns:q='urn:q\"' xml:lang='en'\n"));
    assert_non_null(strstr(c->text, "xml:lang='c'/> insert_at=3\n"));
    assert_non_null(strstr(c->text, "raw=<iq xmlns:q='a' xml:lang='c'/> insert_at=3"
                                    " insert= xmlns:p='urn:p'\n"));
    recorder_free(c);
}

/* --- elements -------------------------------------------------------------------------------- */

static void element_gives(const char *text, const char *expected)
{
    struct recorder *c;
    char line[1024];
    int rc;

    c = record(RECORD_HEADER, text, &rc);
    assert_int_equal(rc, 0);
    snprintf(line, sizeof(line), "element %s\n", expected);
    assert_string_equal(strchr(c->text, '\n') + 1, line);
    recorder_free(c);
}

static void test_elements(void **state)
{
    (void)state;
    element_gives("<a xmlns='no uri: {\xc3\xa9}' xmlns:b='relative'/>", "name=a");
    element_gives("<starttls xmlns='" TLS "'/>", "kind=3 name=starttls");
    element_gives("<failure xmlns='" SASL "'><not-authorized/><text xml:lang='en'> no\n</text>"
                  "</failure>",
                  "kind=8 name=failure condition=not-authorized error_text=no");
    element_gives("<auth xmlns='" SASL "' mechanism='EXTERNAL'>YS50ZXN0</auth>",
                  "kind=6 name=auth mechanism=EXTERNAL text=YS50ZXN0");
    element_gives("<stream:error><host-unknown xmlns='urn:ietf:params:xml:ns:xmpp-streams'/>"
                  "<text xmlns='urn:ietf:params:xml:ns:xmpp-streams'>a<b/>c</text>"
                  "<app xmlns='urn:other'>x</app></stream:error>",
                  "kind=2 name=error condition=host-unknown error_text=c");
    element_gives("<bidi xmlns='urn:xmpp:bidi'><limits xmlns='urn:xmpp:stream-limits:0'>"
                  "<max-bytes>5</max-bytes></limits></bidi>",
                  "kind=14 name=bidi features=256 max_bytes=5");
    element_gives("<bidi xmlns='urn:xmpp:features:bidi'/>",
                  "kind=14 name=bidi");
    element_gives("<failed xmlns='urn:xmpp:sm:3'><item-not-found xmlns='" STANZAS "'/></failed>",
                  "kind=17 name=failed condition=item-not-found");
    element_gives("<dialback:result xmlns:dialback='jabber:server:dialback' from='b' to='a'"
                  " type='valid' id='S1'>KEY</dialback:result>",
                  "kind=12 name=result from=b to=a id=S1 type=valid text=KEY");
}

/* A text for people is cut, at a whole character. */
static void test_long_error_text(void **state)
{
    struct recorder *c;
    char text[2000] = "<stream:error><text xmlns='urn:ietf:params:xml:ns:xmpp-streams'>x";
    const char *cut;
    int rc;
    int i;

    (void)state;
    for (i = 0; i < 400; i++)
        strcat(text, "\xc3\xa9");
    strcat(text, "</text></stream:error>");
    c = record(RECORD_HEADER, text, &rc);
    assert_int_equal(rc, 0);
    cut = strstr(c->text, "error_text=x");
    assert_non_null(cut);
    assert_int_equal(strlen(cut), strlen("error_text=x") + 510 + 1);
    recorder_free(c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_in_one_piece),
        cmocka_unit_test(test_in_pieces_of_each_size),
        cmocka_unit_test(test_cut_at_each_octet),
        cmocka_unit_test(test_rests_wherever_it_can),
        cmocka_unit_test(test_rest_gives_memory_back),
        cmocka_unit_test(test_new_names_do_not_gather),
        cmocka_unit_test(test_large_stanza_leaves_nothing),
        cmocka_unit_test(test_event_stops_and_reading_goes_on),
        cmocka_unit_test(test_header_event_stops),
        cmocka_unit_test(test_whole_stanza_is_not_copied),
        cmocka_unit_test(test_headers),
        cmocka_unit_test(test_stanzas_that_name_their_namespace),
        cmocka_unit_test(test_component),
        cmocka_unit_test(test_inserts),
        cmocka_unit_test(test_elements),
        cmocka_unit_test(test_long_error_text),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
