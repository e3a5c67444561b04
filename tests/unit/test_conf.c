/* SPDX-License-Identifier: MIT */
/*
 * test_conf.c - the configuration file: what is refused and with which words, what the getters
 * make of an attribute, when two elements are the same, and secrets in files.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "conf/conf.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define HEAD "<xmb xmlns=\"urn:xmb:config:1\">\n"
#define TAIL "</xmb>\n"

static char folder[256];
static char file[300];
static struct conf_faults faults;

static void write_as(const char *path, const char *text, mode_t mode)
{
    FILE *f = fopen(path, "w");

    assert_non_null(f);
    assert_int_equal(fputs(text, f) < 0, 0);
    assert_int_equal(fclose(f), 0);
    assert_int_equal(chmod(path, mode), 0);
}

static struct conf *read_text(const char *text)
{
    struct conf *c = NULL;

    conf_faults_clear(&faults);
    write_as(file, text, 0644);
    if (conf_read(file, &c, &faults) < 0) {
        assert_true(faults.count > 0);
        return NULL;
    }
    assert_int_equal(faults.count, 0);
    conf_collect(c, &faults);
    return c;
}

static struct conf *read_good(const char *text)
{
    struct conf *c = read_text(text);

    assert_non_null(c);
    return c;
}

static void assert_fault(size_t i, uint32_t line, const char *part)
{
    assert_true(i < faults.count);
    assert_string_equal(faults.list[i].file, file);
    assert_int_equal(faults.list[i].line, line);
    if (strstr(faults.list[i].text, part) == NULL)
        fail_msg("fault %zu is \"%s\", without \"%s\"", i, faults.list[i].text, part);
}

static void assert_refused(const char *text, uint32_t line, const char *part)
{
    assert_null(read_text(text));
    assert_fault(0, line, part);
}

/* --- the frame --- */

static void frame(void **state)
{
    (void)state;
    assert_refused("<xmb>", 1, "not well-formed");
    assert_refused("<xmb/>", 1, "write <xmb xmlns=");
    assert_refused("<broker xmlns='urn:xmb:config:1'/>", 1, "not <xmb>");
    assert_refused(HEAD "<modul name='x'/>" TAIL, 2, "unknown element <modul> in <xmb>");
    assert_refused(HEAD "<module/>" TAIL, 2, "has no name");
    assert_refused(HEAD "\n<module name='../x'/>" TAIL, 3, "'../x' is not made of");
    assert_refused(HEAD "<module name='x' optional='maybe'/>" TAIL, 2, "expected yes or no");
    assert_refused(HEAD "<broker/><broker/>" TAIL, 2, "only once");
    assert_refused(HEAD "<module name='x'/>\n<broker/>" TAIL, 3, "before every <module>");
    assert_refused(HEAD "text" TAIL, 2, "text is not allowed");
    assert_refused(HEAD "<module name='x'><y xmlns='urn:other'/></module>" TAIL, 2,
                   "not in the namespace");
}

static void nothing_from_outside(void **state)
{
    (void)state;
    assert_refused("<!DOCTYPE xmb>\n" HEAD TAIL, 1, "DOCTYPE");
    assert_refused("<!DOCTYPE xmb [<!ENTITY e SYSTEM '/etc/passwd'>]>\n" HEAD
                   "<module name='&e;'/>" TAIL,
                   1, "DOCTYPE");
    assert_int_equal(faults.count, 1);
    assert_refused(HEAD "<module name='&e;'/>" TAIL, 2, "not well-formed");
}

static void missing_file(void **state)
{
    struct conf *c;

    (void)state;
    conf_faults_clear(&faults);
    assert_int_equal(conf_read("/nonexistent/xmbd.xml", &c, &faults), XMB_ECONF);
    assert_int_equal(faults.list[0].line, 0);
    conf_faults_clear(&faults);
    assert_int_equal(conf_read(folder, &c, &faults), XMB_ECONF);
}

static void broker_left_out(void **state)
{
    struct conf *c = read_good(HEAD "<module name='a'/><module name='b'/>" TAIL);

    (void)state;
    assert_string_equal(conf_api.name(conf_broker(c)), "broker");
    assert_null(conf_api.child(conf_broker(c), NULL));
    assert_int_equal(conf_check_broker(c, &faults), 0);
    assert_int_equal(conf_module_count(c), 2);
    assert_string_equal(conf_api.text(conf_module(c, 1), "name", ""), "b");
    assert_null(conf_module(c, 2));
    conf_free(c);
}

/* --- the schema --- */

static const char schema[] =
    "<grammar xmlns='http://relaxng.org/ns/structure/1.0'"
    " datatypeLibrary='http://www.w3.org/2001/XMLSchema-datatypes'><start><interleave>"
    "<zeroOrMore><parentRef name='listen'/></zeroOrMore>"
    "<optional><element name='limit'><attribute name='clients'>"
    "<data type='unsignedShort'><param name='minInclusive'>1</param></data></attribute>"
    "</element></optional>"
    "<zeroOrMore><ref name='user'/></zeroOrMore>"
    "</interleave></start>"
    "<define name='user'><element name='user'><attribute name='name'/>"
    "<optional><attribute name='mode'><choice><value>only</value><value>default</value></choice>"
    "</attribute></optional></element></define></grammar>";

/* <broker>, and the modules that stand in `list`. */
static int check_all(struct conf *c, const struct conf_schema *list, size_t count)
{
    const struct xmb_conf *node;
    int rc = conf_check_broker(c, &faults);
    size_t i, k;

    for (i = 0; (node = conf_module(c, i)) != NULL; i++)
        for (k = 0; k < count; k++)
            if (strcmp(conf_api.text(node, "name", ""), list[k].module) == 0 &&
                conf_check_module(node, &list[k], &faults) < 0)
                rc = XMB_ECONF;
    return rc;
}

static int check_text(const char *text)
{
    struct conf_schema list[] = {{"m", schema, sizeof schema - 1}, {"n", NULL, 0}};
    struct conf *c = read_good(text);
    int rc = check_all(c, list, 2);

    assert_int_equal(rc < 0, faults.count > 0);
    conf_free(c);
    return rc;
}

static void assert_invalid(const char *inside, uint32_t line, const char *part)
{
    char text[2048];

    snprintf(text, sizeof text, HEAD "<module name='m'>%s</module>" TAIL, inside);
    assert_int_equal(check_text(text), XMB_ECONF);
    assert_fault(0, line, part);
    assert_int_equal(faults.count, 1);
}

static void schema_good(void **state)
{
    (void)state;
    assert_int_equal(check_text(HEAD "<broker workers='auto'><control socket='/s'/>"
                                     "<tls name='t' minimum='1.2'/><log level='info'/></broker>"
                                     "<module name='m' optional='yes'><user name='a' mode='only'/>"
                                     "<listen port='1'/><limit clients='3'/><listen/>"
                                     "</module><module name='n'/>" TAIL),
                     0);
    assert_int_equal(faults.count, 0);
}

static void schema_words(void **state)
{
    (void)state;
    assert_invalid("<listen prot='1'/>", 2,
                   "module m: unknown attribute 'prot' of <listen>; known: family, address, port");
    assert_invalid("\n<users/>", 3, "unknown element <users> in <module>; known: listen, limit, "
                                    "user");
    assert_invalid("<listen port='70000'/>", 2,
                   "attribute 'port' of <listen> is '70000'; expected a whole number from 0 to "
                   "65535");
    assert_invalid("<limit clients='0'/>", 2, "expected a whole number from 1 to 65535");
    assert_invalid("<user name='x' mode='no'/>", 2, "expected only or default");
    assert_invalid("<user/>", 2, "attribute 'name' is missing in <user>");
    assert_invalid("<limit clients='1'/><limit clients='2'/>", 2, "<limit> may stand only once");
    assert_invalid("words", 2, "text is not allowed here");
}

static int check_choice(const char *inside)
{
    static const char choice[] =
        "<grammar xmlns='http://relaxng.org/ns/structure/1.0'><start><choice>"
        "<attribute name='off'/><group><attribute name='user'/><choice><attribute name='p'/>"
        "<attribute name='q'/><element name='key'><empty/></element></choice></group>"
        "</choice></start></grammar>";
    struct conf_schema list[] = {{"m", choice, sizeof choice - 1}};
    char text[512];
    struct conf *c;
    int rc;

    snprintf(text, sizeof text, HEAD "<module name='m' %s</module>" TAIL, inside);
    c = read_good(text);
    rc = check_all(c, list, 1);
    conf_free(c);
    return rc;
}

static void schema_choices(void **state)
{
    (void)state;
    assert_int_equal(check_choice("off=''>"), 0);
    assert_int_equal(check_choice("user='' p=''>"), 0);
    assert_int_equal(check_choice("user=''><key/>"), 0);
    assert_int_equal(check_choice(">"), XMB_ECONF);
    assert_fault(0, 2, "module m: 'off' or 'user' is missing in <module>");
    assert_int_equal(check_choice("user=''>"), XMB_ECONF);
    assert_fault(0, 2, "'p' or 'q' or <key> is missing in <module>");
    assert_int_equal(check_choice("user='' p=''><key/>"), XMB_ECONF);
    assert_fault(0, 2, "'p' and <key> of <module> exclude each other");
    assert_int_equal(check_choice("off='' q=''>"), XMB_ECONF);
    assert_fault(0, 2, "'off' and 'q' of <module> exclude each other");
    assert_int_equal(check_choice("q=''>"), XMB_ECONF);
    assert_fault(0, 2, "attribute 'user' is missing in <module>");
}

static void schema_all_at_once(void **state)
{
    (void)state;
    assert_int_equal(check_text(HEAD "<broker wrkers='2'>\n<logg/></broker>\n"
                                     "<module name='m'><user/>\n<listen x='1'/></module>\n"
                                     "<module name='n'><z/></module>" TAIL),
                     XMB_ECONF);
    assert_int_equal(faults.count, 5);
    assert_fault(0, 2, "'wrkers' of <broker>");
    assert_fault(1, 3, "<logg> in <broker>");
    assert_fault(2, 4, "'name' is missing in <user>");
    assert_fault(3, 5, "'x' of <listen>");
    assert_fault(4, 6, "module n: unknown element <z> in <module>; it has none");
}

static void schema_broken(void **state)
{
    struct conf_schema bad = {"m", "<grammar", 8};
    char text[400];

    (void)state;
    assert_int_equal(conf_schema_check(&bad, text, sizeof text), XMB_ECONF);
    assert_non_null(strstr(text, "not usable"));
    bad.schema = "<grammar xmlns='http://relaxng.org/ns/structure/1.0'><start><ref name='x'/>"
                 "</start></grammar>";
    bad.schema_bytes = strlen(bad.schema);
    assert_int_equal(conf_schema_check(&bad, text, sizeof text), XMB_ECONF);
    bad.schema = schema;
    bad.schema_bytes = sizeof schema - 1;
    assert_int_equal(conf_schema_check(&bad, text, sizeof text), 0);
}

/* --- getters --- */

static struct conf *one(const char *attributes, const struct xmb_conf **node)
{
    char text[1024];
    struct conf *c;

    snprintf(text, sizeof text, HEAD "<module name='m'>\n<e %s/></module>" TAIL, attributes);
    c = read_good(text);
    *node = conf_api.child(conf_module(c, 0), "e");
    return c;
}

static void numbers(void **state)
{
    const struct xmb_conf *e;
    struct conf *c = one("a='7' b='-1' c='7x' d='18446744073709551616' e=''", &e);
    uint64_t n = 5;

    (void)state;
    assert_int_equal(conf_api.number(e, "none", 0, 9, &n), 0);
    assert_int_equal(n, 5);
    assert_int_equal(conf_api.number(e, "a", 0, 9, &n), 0);
    assert_int_equal(n, 7);
    assert_int_equal(conf_api.number(e, "a", 8, 9, &n), XMB_ECONF);
    assert_fault(0, 3, "module m: attribute 'a' of <e> is '7'; expected a whole number from 8 to 9");
    assert_int_equal(conf_api.number(e, "b", 0, 9, &n), XMB_ECONF);
    assert_int_equal(conf_api.number(e, "c", 0, 9, &n), XMB_ECONF);
    assert_int_equal(conf_api.number(e, "d", 0, UINT64_MAX, &n), XMB_ECONF);
    assert_int_equal(conf_api.number(e, "e", 0, 9, &n), XMB_ECONF);
    assert_int_equal(n, 7);
    conf_free(c);
}

static void units(void **state)
{
    const struct xmb_conf *e;
    struct conf *c = one("s='10' ms='15ms' m='2m' d='1D' k='64k' g='1g' bad='1w'"
                         " huge='99999999999999999d'",
                         &e);
    uint64_t n = 0;

    (void)state;
    assert_int_equal(conf_api.duration(e, "s", 0, UINT64_MAX, &n), 0);
    assert_int_equal(n, 10000);
    assert_int_equal(conf_api.duration(e, "ms", 0, 20, &n), 0);
    assert_int_equal(n, 15);
    assert_int_equal(conf_api.duration(e, "m", 0, UINT64_MAX, &n), 0);
    assert_int_equal(n, 120000);
    assert_int_equal(conf_api.duration(e, "d", 0, UINT64_MAX, &n), 0);
    assert_int_equal(n, 86400000);
    assert_int_equal(conf_api.duration(e, "bad", 0, UINT64_MAX, &n), XMB_ECONF);
    assert_int_equal(conf_api.duration(e, "huge", 0, UINT64_MAX, &n), XMB_ECONF);
    assert_int_equal(conf_api.bytes(e, "k", 0, 65536, &n), 0);
    assert_int_equal(n, 65536);
    assert_int_equal(conf_api.bytes(e, "g", 0, 65536, &n), XMB_ECONF);
    assert_int_equal(conf_api.bytes(e, "ms", 0, 65536, &n), XMB_ECONF);
    conf_free(c);
}

static void flags(void **state)
{
    const struct xmb_conf *e;
    struct conf *c = one("a='yes' b='0' c='on'", &e);
    int32_t flag = 7;

    (void)state;
    assert_int_equal(conf_api.flag(e, "none", &flag), 0);
    assert_int_equal(flag, 7);
    assert_int_equal(conf_api.flag(e, "a", &flag), 0);
    assert_int_equal(flag, 1);
    assert_int_equal(conf_api.flag(e, "b", &flag), 0);
    assert_int_equal(flag, 0);
    assert_int_equal(conf_api.flag(e, "c", &flag), XMB_ECONF);
    conf_free(c);
}

static void addresses(void **state)
{
    const struct xmb_conf *e;
    struct conf *c = one("a='192.0.2.1' b='2001:db8::1' c='192.0.2.256' n='10.11.12.13/12'"
                         " six='2001:db8:ffff::/33' host='192.0.2.7' wide='1.2.3.4/33' z='0.0.0.0/0'",
                         &e);
    static const uint8_t ten[4] = {10, 0, 0, 0};
    struct xmb_addr a;
    uint32_t bits;

    (void)state;
    memset(&a, 0, sizeof a);
    assert_int_equal(conf_api.address(e, "a", &a), 0);
    assert_int_equal(a.family, 4);
    assert_int_equal(a.ip[0], 192);
    assert_int_equal(conf_api.address(e, "b", &a), 0);
    assert_int_equal(a.family, 6);
    assert_int_equal(conf_api.address(e, "c", &a), XMB_ECONF);
    assert_int_equal(conf_api.network(e, "n", &a, &bits), 0);
    assert_int_equal(bits, 12);
    assert_memory_equal(a.ip, ten, 4);
    assert_int_equal(conf_api.network(e, "six", &a, &bits), 0);
    assert_int_equal(a.ip[4], 0x80);
    assert_int_equal(a.ip[5], 0);
    assert_int_equal(conf_api.network(e, "host", &a, &bits), 0);
    assert_int_equal(bits, 32);
    assert_int_equal(a.ip[3], 7);
    assert_int_equal(conf_api.network(e, "z", &a, &bits), 0);
    assert_int_equal(bits, 0);
    assert_int_equal(conf_api.network(e, "wide", &a, &bits), XMB_ECONF);
    conf_free(c);
}

/* --- secrets --- */

static void secrets(void **state)
{
    const struct xmb_conf *e;
    struct conf *c;
    const char *text = NULL;
    char path[300];
    char large[5000];

    (void)state;
    snprintf(path, sizeof path, "%s/good", folder);
    write_as(path, "correct horse\r\nsecond line\n", 0600);
    snprintf(path, sizeof path, "%s/open", folder);
    write_as(path, "x\n", 0644);
    memset(large, 'x', sizeof large - 1);
    large[sizeof large - 1] = '\0';
    snprintf(path, sizeof path, "%s/large", folder);
    write_as(path, large, 0600);
    snprintf(path, sizeof path, "%s/empty", folder);
    write_as(path, "", 0600);
    c = one("a='plain' b-file='good' c='x' c-file='good' d-file='open' e-file='large'"
            " f-file='none' g-file='empty' h-file='.'",
            &e);
    assert_int_equal(conf_api.secret(e, "nothing", &text), XMB_ENOENT);
    assert_int_equal(conf_api.secret(e, "a", &text), 0);
    assert_string_equal(text, "plain");
    assert_int_equal(conf_api.secret(e, "b", &text), 0);
    assert_string_equal(text, "correct horse");
    assert_int_equal(faults.count, 0);
    assert_int_equal(conf_api.secret(e, "c", &text), XMB_ECONF);
    assert_fault(0, 3, "both 'c' and 'c-file'");
    assert_int_equal(conf_api.secret(e, "d", &text), XMB_ECONF);
    assert_fault(1, 3, "everybody can read it");
    assert_int_equal(conf_api.secret(e, "e", &text), XMB_ECONF);
    assert_int_equal(conf_api.secret(e, "f", &text), XMB_ECONF);
    assert_fault(3, 3, strerror(ENOENT));
    assert_int_equal(conf_api.secret(e, "g", &text), XMB_ECONF);
    assert_int_equal(conf_api.secret(e, "h", &text), XMB_ECONF);
    assert_int_equal(faults.count, 6);
    conf_free(c);
}

/* --- the same? --- */

static int same(const char *a, const char *b)
{
    struct conf *one_of;
    struct conf *other;
    char text[1024];
    int rc;

    snprintf(text, sizeof text, HEAD "<module name='m'>%s</module>" TAIL, a);
    one_of = read_good(text);
    snprintf(text, sizeof text, HEAD "<module name='m'>%s</module>" TAIL, b);
    other = read_good(text);
    rc = conf_same(conf_module(one_of, 0), conf_module(other, 0));
    assert_int_equal(rc, conf_same(conf_module(other, 0), conf_module(one_of, 0)));
    conf_free(one_of);
    conf_free(other);
    return rc;
}

static void sameness(void **state)
{
    char path[300];
    struct conf *before;
    struct conf *after;

    (void)state;
    assert_true(same("<a x='1' y='2'/>", "\n <!-- c --> <a y='2' x='1'></a>\n"));
    assert_false(same("<a x='1'/>", "<a x='2'/>"));
    assert_false(same("<a x='1'/>", "<a x='1' y='1'/>"));
    assert_false(same("<a/><b/>", "<b/><a/>"));
    assert_false(same("<a/>", "<a/><a/>"));
    assert_true(same("<a> t </a>", "<a>t</a>"));
    assert_false(same("<a>t</a>", "<a>u</a>"));
    snprintf(path, sizeof path, "%s/secret", folder);
    write_as(path, "one\n", 0600);
    before = read_good(HEAD "<module name='m' p-file='secret'/>" TAIL);
    after = read_good(HEAD "<module name='m' p-file='secret'/>" TAIL);
    assert_true(conf_same(conf_module(before, 0), conf_module(after, 0)));
    conf_free(after);
    write_as(path, "two\n", 0600);
    after = read_good(HEAD "<module name='m' p-file='secret'/>" TAIL);
    assert_false(conf_same(conf_module(before, 0), conf_module(after, 0)));
    conf_free(after);
    conf_free(before);
}

/* --- faults --- */

static void faults_in_order(void **state)
{
    struct conf_faults list = {NULL, 0};
    int i;

    (void)state;
    conf_faults_add(&list, "f", 3, "c");
    conf_faults_add(&list, "f", 1, "a");
    conf_faults_add(&list, "f", 3, "c");
    conf_faults_add(&list, "f", 3, "d");
    conf_faults_add(&list, "f", 2, "b %d", 7);
    assert_int_equal(list.count, 4);
    assert_string_equal(list.list[0].text, "a");
    assert_string_equal(list.list[1].text, "b 7");
    assert_string_equal(list.list[2].text, "c");
    assert_string_equal(list.list[3].text, "d");
    for (i = 0; i < 200; i++)
        conf_faults_add(&list, "f", 9, "%d", i);
    assert_int_equal(list.count, 100);
    conf_faults_clear(&list);
    assert_int_equal(list.count, 0);
}

static int make_folder(void **state)
{
    const char *tmp = getenv("XMB_TMP");

    (void)state;
    snprintf(folder, sizeof folder, "%s/conf.XXXXXX", tmp != NULL ? tmp : "/tmp");
    if (mkdtemp(folder) == NULL)
        return -1;
    snprintf(file, sizeof file, "%s/xmbd.xml", folder);
    return 0;
}

static int drop_folder(void **state)
{
    char command[300];

    (void)state;
    conf_faults_clear(&faults);
    snprintf(command, sizeof command, "rm -rf '%s'", folder);
    return system(command) == 0 ? 0 : -1;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(frame),          cmocka_unit_test(nothing_from_outside),
        cmocka_unit_test(missing_file),   cmocka_unit_test(broker_left_out),
        cmocka_unit_test(schema_good),    cmocka_unit_test(schema_words),
        cmocka_unit_test(schema_choices), cmocka_unit_test(schema_all_at_once),
        cmocka_unit_test(schema_broken),
        cmocka_unit_test(numbers),        cmocka_unit_test(units),
        cmocka_unit_test(flags),          cmocka_unit_test(addresses),
        cmocka_unit_test(secrets),        cmocka_unit_test(sameness),
        cmocka_unit_test(faults_in_order),
    };

    return cmocka_run_group_tests(tests, make_folder, drop_folder);
}
