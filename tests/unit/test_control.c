/* SPDX-License-Identifier: MIT */
/*
 * test_control.c - words, abbreviations, arguments and help of operator
 * commands, and how answers of several threads are joined.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "control/control_priv.h"

static int nothing(void *state, const struct xmb_call *call, struct xmb_out *out)
{
    (void)state;
    (void)call;
    (void)out;
    return 0;
}

#define CMD(words, args) {XMB_COMMAND_INIT, XMB_SCOPE_CONTROL, 0, 0, words, args, "help of " words, nothing}
static const struct xmb_command commands[] = {
    CMD("show version", ""),
    CMD("show services", "[domain N]"),
    CMD("show service-routing xmcp server", ""),
    CMD("show service-routing xmcp clients", "[ADDRESS|HANDLE] [detail]"),
    CMD("clear service-routing xmcp client", "ADDRESS|HANDLE|all"),
    CMD("show eigrp service-family", "ipv4|ipv6 [AS] neighbors|interfaces|topology|traffic"),
    CMD("config check", ""),
    CMD("config reload", ""),
};

static int set_up(void **state)
{
    size_t i;

    (void)state;
    words_clear();
    for (i = 0; i < sizeof commands / sizeof commands[0]; i++)
        assert_int_equal(words_add(NULL, &commands[i]), 0);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    words_clear();
    return 0;
}

/* Splits `line` at spaces into `words`; `scratch` holds the texts. */
static size_t split(const char *line, char *scratch, const char **words)
{
    size_t n = 0;
    char *save = NULL;
    char *w;

    strcpy(scratch, line);
    for (w = strtok_r(scratch, " ", &save); w != NULL; w = strtok_r(NULL, " ", &save))
        words[n++] = w;
    return n;
}

/* Matches `line`; checks the command's words and its arguments joined by spaces. */
static void matches(const char *line, const char *words, const char *args)
{
    char scratch[256];
    const char *typed[WORDS_MAX];
    char joined[256] = "";
    struct match m;
    size_t n = split(line, scratch, typed);
    uint32_t i;

    if (words_match(typed, n, &m) < 0)
        fail_msg("%s: %s", line, m.error);
    assert_string_equal(m.command->decl.words, words);
    for (i = 0; i < m.arg_count; i++) {
        strcat(joined, i > 0 ? " " : "");
        strcat(joined, m.args[i]);
    }
    assert_string_equal(joined, args);
    match_clear(&m);
}

static void refused(const char *line, const char *part)
{
    char scratch[256];
    const char *typed[WORDS_MAX];
    struct match m;
    size_t n = split(line, scratch, typed);

    assert_int_equal(words_match(typed, n, &m), XMB_EINVAL);
    if (strstr(m.error, part) == NULL)
        fail_msg("%s: \"%s\" does not say \"%s\"", line, m.error, part);
    match_clear(&m);
}

static void words_in_full_and_shortened(void **state)
{
    (void)state;
    matches("show version", "show version", "");
    matches("sh v", "show version", "");
    matches("SHOW Version", "show version", "");
    matches("show service-routing xmcp server", "show service-routing xmcp server", "");
    matches("sh service- x c d", "show service-routing xmcp clients", "detail");
    matches("conf rel", "config reload", "");
    /* The contract's own example: a later word decides between services and service-routing. */
    matches("sh serv x c d", "show service-routing xmcp clients", "detail");
}

static void shortest_unique_beginning_is_needed(void **state)
{
    (void)state;
    refused("c", "ambiguous");
    refused("show serv", "ambiguous");
    refused("show nonsense", "unknown word \"nonsense\"");
    refused("show", "incomplete");
    refused("", "incomplete");
    matches("show services", "show services", "");
}

static void arguments_are_told_apart(void **state)
{
    (void)state;
    matches("show service-routing xmcp clients 192.0.2.1", "show service-routing xmcp clients",
            "192.0.2.1");
    matches("show service-routing xmcp clients 192.0.2.1 det", "show service-routing xmcp clients",
            "192.0.2.1 detail");
    matches("show services domain 100", "show services", "domain 100");
    matches("show services dom 100", "show services", "domain 100");
    matches("clear service-routing xmcp client all", "clear service-routing xmcp client", "all");
    matches("clear service-routing xmcp client a::1", "clear service-routing xmcp client", "a::1");
    matches("show eigrp serv ipv4 1228 nei", "show eigrp service-family", "ipv4 1228 neighbors");
    matches("show eigrp serv ipv6 topology", "show eigrp service-family", "ipv6 topology");
}

static void wrong_arguments_are_said(void **state)
{
    (void)state;
    refused("show version now", "\"now\" is too much");
    refused("show services domain", "N is missing");
    refused("show services realm 1", "too much");
    refused("clear service-routing xmcp client", "ADDRESS|HANDLE|all is missing");
    refused("show eigrp serv ipv5 topology", "\"ipv5\" where ipv4|ipv6");
}

/* The words that can follow `line`, each between blanks. */
static void helps(const char *line, const char *expected)
{
    char scratch[256];
    char got[512] = "";
    const char *typed[WORDS_MAX];
    size_t n = split(line, scratch, typed);
    json_t *help = words_help(typed, n);
    size_t i;
    json_t *row;

    assert_non_null(help);
    json_array_foreach(help, i, row) {
        strcat(got, i > 0 ? " " : "");
        strcat(got, json_string_value(json_object_get(row, "word")));
    }
    assert_string_equal(got, expected);
    json_decref(help);
}

static void help_lists_what_can_follow(void **state)
{
    (void)state;
    helps("", "show clear config");
    helps("show", "version services service-routing eigrp");
    helps("sh service-", "xmcp");
    helps("show serv", "domain <cr> xmcp");
    helps("show version", "<cr>");
    helps("show services", "domain <cr>");
    helps("show services domain", "N");
    helps("clear service-routing xmcp client", "ADDRESS HANDLE all");
    helps("show service-routing xmcp clients", "ADDRESS HANDLE detail <cr>");
}

static void answers_of_workers_are_joined(void **state)
{
    struct xmb_out a;
    struct xmb_out b;
    json_t *rows;

    (void)state;
    assert_int_equal(out_init(&a), 0);
    assert_int_equal(out_init(&b), 0);
    control_api.sum(&a, "clients", 3);
    control_api.number(&a, "limit", 10);
    control_api.list_begin(&a, "rows");
    control_api.row_begin(&a);
    control_api.text(&a, "name", XMB_STR("one"));
    control_api.row_end(&a);
    control_api.list_end(&a);
    control_api.sum(&b, "clients", 4);
    control_api.number(&b, "limit", 10);
    control_api.list_begin(&b, "rows");
    control_api.row_begin(&b);
    control_api.text(&b, "name", XMB_STR("two\xff"));
    control_api.row_end(&b);
    control_api.list_end(&b);

    out_merge(&a, &b);
    out_clear(&b);
    assert_int_equal(json_integer_value(json_object_get(a.stack[0], "clients")), 7);
    assert_int_equal(json_integer_value(json_object_get(a.stack[0], "limit")), 10);
    rows = json_object_get(a.stack[0], "rows");
    assert_int_equal(json_array_size(rows), 2);
    assert_string_equal(json_string_value(json_object_get(json_array_get(rows, 1), "name")),
                        "two\\xff");
    assert_int_equal(a.failed, 0);
    out_clear(&a);
}

static void nesting_is_bounded(void **state)
{
    struct xmb_out out;
    int i;

    (void)state;
    assert_int_equal(out_init(&out), 0);
    for (i = 0; i < OUT_DEPTH_MAX; i++) {
        control_api.list_begin(&out, "list");
        control_api.row_begin(&out);
    }
    assert_int_equal(out.failed, 1);
    out_clear(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(words_in_full_and_shortened, set_up, tear_down),
        cmocka_unit_test_setup_teardown(shortest_unique_beginning_is_needed, set_up, tear_down),
        cmocka_unit_test_setup_teardown(arguments_are_told_apart, set_up, tear_down),
        cmocka_unit_test_setup_teardown(wrong_arguments_are_said, set_up, tear_down),
        cmocka_unit_test_setup_teardown(help_lists_what_can_follow, set_up, tear_down),
        cmocka_unit_test(answers_of_workers_are_joined),
        cmocka_unit_test(nesting_is_bounded),
    };

    return cmocka_run_group_tests_name("control", tests, NULL, NULL);
}
