/* SPDX-License-Identifier: MIT */
/*
 * test_log.c - lines as text and JSON, what is escaped and cut, levels, limits, and the
 * change of settings with a file, a reload and a pipe that nobody reads.
 *
 * The configuration is a fake: one <log> element with attributes and <module> children.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>
#include <jansson.h>

#include "conf/conf.h"
#include "core_fakes.h"
#include "log/log_priv.h"

/* --- a configuration ---------------------------------------------------------------------- */

struct xmb_conf {
    const char *name;
    const struct xmb_conf *child;
    const struct xmb_conf *next;
    const char *level, *format, *to, *of; /* attributes; of: name */
};

static char fault_text[512];
static int fault_count;

static const struct xmb_conf *named(const struct xmb_conf *node, const char *name)
{
    while (node != NULL && strcmp(node->name, name) != 0)
        node = node->next;
    return node;
}

static const struct xmb_conf *fake_child(const struct xmb_conf *node, const char *name)
{
    return named(node->child, name);
}

static const struct xmb_conf *fake_next(const struct xmb_conf *node, const char *name)
{
    return named(node->next, name);
}

static const char *fake_text(const struct xmb_conf *node, const char *attribute,
                             const char *absent)
{
    const char *value = strcmp(attribute, "level") == 0    ? node->level
                        : strcmp(attribute, "format") == 0 ? node->format
                        : strcmp(attribute, "to") == 0     ? node->to
                                                           : node->of;

    return value != NULL ? value : absent;
}

static XMB_PRINTF(2, 3) int fake_fault(const struct xmb_conf *node, const char *format, ...)
{
    va_list args;

    assert_non_null(node);
    va_start(args, format);
    vsnprintf(fault_text, sizeof fault_text, format, args);
    va_end(args);
    fault_count++;
    return XMB_ECONF;
}

const struct xmb_conf_api conf_api = {
    .size = sizeof(struct xmb_conf_api),
    .rev = 1,
    .child = fake_child,
    .next = fake_next,
    .text = fake_text,
    .fault = fake_fault,
};

static char folder[] = "/tmp/test_log.XXXXXX";
static char path[64];

static int use(const struct xmb_conf *log)
{
    static const struct xmb_conf loaded = {.name = "module", .of = "module2"};
    struct xmb_conf broker = {.name = "broker", .child = log, .next = &loaded};
    struct log_next *next = NULL;
    int rc = log_prepare(&broker, &next);

    if (rc == 0)
        log_commit(next);
    return rc;
}

/* What the file holds, as a string that the caller frees. */
static char *read_file(const char *name)
{
    char *text = calloc(1, 1 << 20);
    FILE *f = fopen(name, "r");

    assert_non_null(f);
    assert_true(fread(text, 1, (1 << 20) - 1, f) > 0);
    fclose(f);
    return text;
}

/* --- lines -------------------------------------------------------------------------------- */

static struct log_event event(const char *object, const char *message)
{
    struct log_event e = {
        .when = {1795608000, 123456789}, /* 2026-11-25T12:00:00Z */
        .level = XMB_LOG_WARN,
        .module = "xmcp",
        .object = object,
        .message = message,
    };

    return e;
}

static void expect_text(const struct log_event *e, const char *expected)
{
    char line[LOG_LINE_MAX + 1];
    size_t n = log_format(e, LOG_TEXT, 0, line);

    line[n] = '\0';
    assert_string_equal(line, expected);
}

static void text_lines(void **state)
{
    struct log_event e = event("192.0.2.1:80", "peer went away; it may come back");

    (void)state;
    expect_text(&e, "2026-11-25T12:00:00.123Z warn xmcp 192.0.2.1:80: peer went away; it may "
                    "come back\n");
    e = event(NULL, "ready");
    e.level = XMB_LOG_NOTICE;
    expect_text(&e, "2026-11-25T12:00:00.123Z notice xmcp: ready\n");
    e.left_out = 12;
    expect_text(&e, "2026-11-25T12:00:00.123Z notice xmcp: ready (12 more like this left out "
                    "before)\n");
}

static void expect_message(const char *raw, const char *shown)
{
    struct log_event e = event(NULL, raw);
    char expected[256];

    snprintf(expected, sizeof expected, "2026-11-25T12:00:00.123Z warn xmcp: %s\n", shown);
    expect_text(&e, expected);
}

static void text_is_escaped(void **state)
{
    (void)state;
    expect_message("a\nb\r\tc\033[31m", "a\\x0ab\\x0d\\x09c\\x1b[31m");
    expect_message("\x7f", "\\x7f");
    expect_message("Gr\xc3\xbc\xc3\x9f"
                   "e \xe2\x82\xac \xf0\x9f\x98\x80",
                   "Gr\xc3\xbc\xc3\x9f"
                   "e \xe2\x82\xac \xf0\x9f\x98\x80");
    expect_message("\xc2\x9b[31m", "\\x9b[31m");                /* C1: CSI */
    expect_message("\xe2\x80\xae", "\\u202e");                  /* writes backwards */
    expect_message("\xff \x80 \xc3", "\\xff \\x80 \\xc3");      /* no UTF-8, or cut off */
    expect_message("\xc0\xaf", "\\xc0\\xaf");                   /* overlong */
    expect_message("\xe0\x80\xaf", "\\xe0\\x80\\xaf");          /* overlong */
    expect_message("\xed\xa0\x80", "\\xed\\xa0\\x80");          /* a surrogate */
    expect_message("\xf4\x90\x80\x80", "\\xf4\\x90\\x80\\x80"); /* above U+10FFFF */
}

static json_t *as_json(const struct log_event *e)
{
    char line[LOG_LINE_MAX + 1];
    size_t n = log_format(e, LOG_JSON, 0, line);
    json_error_t error;
    json_t *json;

    assert_true(n <= LOG_LINE_MAX);
    assert_true(line[n - 1] == '\n');
    assert_null(memchr(line, '\n', n - 1));
    json = json_loadb(line, n, 0, &error);
    if (json == NULL)
        fail_msg("%s in %.*s", error.text, (int)n, line);
    return json;
}

static void expect_member(json_t *json, const char *key, const char *value)
{
    const char *is = json_string_value(json_object_get(json, key));

    assert_non_null(is);
    assert_string_equal(is, value);
}

static void json_lines(void **state)
{
    struct log_event e = event("a \"b\" \\c", "one\ntwo \xff \xc3\xbc \x01");
    json_t *json = as_json(&e);

    (void)state;
    expect_member(json, "time", "2026-11-25T12:00:00.123Z");
    expect_member(json, "level", "warn");
    expect_member(json, "module", "xmcp");
    expect_member(json, "object", "a \"b\" \\c");
    expect_member(json, "message", "one\ntwo \xef\xbf\xbd \xc3\xbc \x01");
    assert_null(json_object_get(json, "left_out"));
    json_decref(json);
    e = event(NULL, "m");
    e.left_out = 7;
    json = as_json(&e);
    assert_null(json_object_get(json, "object"));
    assert_int_equal(json_integer_value(json_object_get(json, "left_out")), 7);
    json_decref(json);
}

/* However long and nasty, a line is one line of at most the maximum, and shows its cut. */
static void long_lines_are_cut(void **state)
{
    static const char *const fill[] = {"x", "\xc3\xbc", "\n", "\xff", "\""};
    char long_text[8192];
    size_t i;

    (void)state;
    for (i = 0; i < sizeof fill / sizeof fill[0]; i++) {
        struct log_event e = event(long_text, long_text);
        size_t unit = strlen(fill[i]);
        char line[LOG_LINE_MAX];
        size_t at;
        size_t n;
        json_t *json;

        for (at = 0; at + unit < sizeof long_text; at += unit)
            memcpy(long_text + at, fill[i], unit);
        long_text[at] = '\0';
        e.left_out = INT64_MAX;
        n = log_format(&e, LOG_TEXT, 1, line);
        assert_true(n <= LOG_LINE_MAX && line[n - 1] == '\n');
        assert_non_null(memmem(line, n, " [cut]", 6));
        json = as_json(&e);
        assert_non_null(strstr(json_string_value(json_object_get(json, "message")), " [cut]"));
        json_decref(json);
    }
}

static void colours_only_when_asked(void **state)
{
    struct log_event e = event(NULL, "m");
    char line[LOG_LINE_MAX];
    size_t n;

    (void)state;
    n = log_format(&e, LOG_TEXT, 0, line);
    assert_null(memchr(line, '\033', n));
    n = log_format(&e, LOG_TEXT, 1, line);
    assert_non_null(memchr(line, '\033', n));
    n = log_format(&e, LOG_JSON, 1, line);
    assert_null(memchr(line, '\033', n));
}

static void level_names(void **state)
{
    (void)state;
    assert_int_equal(log_level_of("error"), XMB_LOG_ERROR);
    assert_int_equal(log_level_of("debug"), XMB_LOG_DEBUG);
    assert_int_equal(log_level_of("loud"), 0);
    assert_string_equal(log_level_name(XMB_LOG_NOTICE), "notice");
    assert_string_equal(log_level_name(99), "debug");
}

/* --- limits ------------------------------------------------------------------------------- */

static void limit_counts_by_key_and_second(void **state)
{
    static const char a[] = "a";
    static const char b[] = "b";
    uint64_t left_out = 99;

    (void)state;
    assert_true(log_limit(a, 2, 100, &left_out));
    assert_int_equal(left_out, 0);
    assert_true(log_limit(a, 2, 100, &left_out));
    assert_false(log_limit(a, 2, 100, &left_out));
    assert_false(log_limit(a, 2, 100, &left_out));
    assert_true(log_limit(b, 2, 100, &left_out));
    assert_int_equal(left_out, 0);
    assert_true(log_limit(a, 2, 101, &left_out));
    assert_int_equal(left_out, 2);
    assert_true(log_limit(a, 2, 101, &left_out));
    assert_int_equal(left_out, 0);
    assert_false(log_limit(a, 0, 102, &left_out));
}

/* More keys than places: no crash, and each key is still held to its number within a run. */
static void limit_survives_many_keys(void **state)
{
    static const char keys[1000];
    uint64_t left_out;
    size_t i;

    (void)state;
    for (i = 0; i < sizeof keys; i++) {
        assert_true(log_limit(&keys[i], 1, 200, &left_out));
        assert_false(log_limit(&keys[i], 1, 200, &left_out));
    }
}

/* --- the whole way to a file -------------------------------------------------------------- */

static int make_folder(void **state)
{
    (void)state;
    fake_modules_make(3);
    if (mkdtemp(folder) == NULL)
        return -1;
    snprintf(path, sizeof path, "%s/log", folder);
    return 0;
}

static int remove_folder(void **state)
{
    (void)state;
    log_fini();
    unlink(path);
    return rmdir(folder);
}

static void levels_are_kept(void **state)
{
    struct xmb_conf own = {.name = "module", .of = "module2", .level = "debug"};
    struct xmb_conf log = {.name = "log", .level = "warn", .to = path, .child = &own};
    char *text;

    (void)state;
    assert_int_equal(log_api.level(module_at(1)), XMB_LOG_INFO); /* before all */
    assert_int_equal(use(&log), 0);
    assert_int_equal(log_api.level(module_at(1)), XMB_LOG_WARN);
    assert_int_equal(log_api.level(module_at(2)), XMB_LOG_DEBUG);
    log_api.write(module_at(1), XMB_LOG_INFO, NULL, "hidden %d", 1);
    log_api.write(module_at(1), XMB_LOG_WARN, "thing", "shown %d", 2);
    log_api.write(module_at(2), XMB_LOG_DEBUG, NULL, "shown %d", 3);
    fake_modules[2].plugin.log_name = "Federation"; /* the level is still that of its own name */
    log_api.write(module_at(2), XMB_LOG_DEBUG, NULL, "named %d", 3);
    fake_modules[2].plugin.log_name = NULL;
    log_api.write(NULL, XMB_LOG_ERROR, NULL, "shown %d", 4);
    LOG(ERROR, "x", "shown %d", 5);
    text = read_file(path);
    assert_null(strstr(text, "hidden"));
    assert_non_null(strstr(text, "Z warn module1 thing: shown 2\n"));
    assert_non_null(strstr(text, "Z debug module2: shown 3\n"));
    assert_non_null(strstr(text, "Z debug Federation: named 3\n"));
    assert_non_null(strstr(text, "Z error core: shown 4\n"));
    assert_non_null(strstr(text, "Z error core x: shown 5\n"));
    free(text);
}

static void limited_says_what_it_left_out(void **state)
{
    struct xmb_conf log = {.name = "log", .format = "json", .to = path};
    char *text;
    size_t lines = 0;
    char *at;
    int i;

    (void)state;
    unlink(path);
    assert_int_equal(use(&log), 0);
    for (i = 0; i < 1000; i++)
        log_api.limited(module_at(1), XMB_LOG_WARN, "key", 1, "stranger", "event %d", i);
    text = read_file(path);
    for (at = text; (at = strchr(at, '\n')) != NULL; at++)
        lines++;
    assert_true(lines >= 1 && lines < 500); /* one for each second that this took */
    assert_true(strncmp(text, "{\"time\":\"", 9) == 0);
    assert_true((strstr(text, "left_out") != NULL) == (lines > 1));
    free(text);
}

/* Rotation: the file was moved away, a reload makes a new one under the old name. */
static void reload_opens_the_file_again(void **state)
{
    struct xmb_conf log = {.name = "log", .to = path};
    char moved[80];
    char *text;

    (void)state;
    unlink(path);
    snprintf(moved, sizeof moved, "%s.1", path);
    assert_int_equal(use(&log), 0);
    LOG(INFO, NULL, "before");
    assert_int_equal(rename(path, moved), 0);
    LOG(INFO, NULL, "between");
    assert_int_equal(use(&log), 0);
    LOG(INFO, NULL, "after");
    text = read_file(moved);
    assert_non_null(strstr(text, "before"));
    assert_non_null(strstr(text, "between"));
    assert_null(strstr(text, "after"));
    free(text);
    text = read_file(path);
    assert_null(strstr(text, "between"));
    assert_non_null(strstr(text, "after"));
    free(text);
    unlink(moved);
}

static void faults_change_nothing(void **state)
{
    static const struct {
        struct xmb_conf log;
        const char *says;
    } bad[] = {
        {{.name = "log", .level = "loud"}, "\"loud\" is no log level"},
        {{.name = "log", .format = "xml"}, "\"xml\" is no log format"},
        {{.name = "log", .to = "file"}, "absolute path"},
        {{.name = "log", .to = "/nowhere/at/all"}, "No such file or directory"},
    };
    struct xmb_conf own = {.name = "module", .of = "nobody", .level = "debug"};
    struct xmb_conf own_log = {.name = "log", .child = &own};
    struct xmb_conf log = {.name = "log", .level = "notice", .to = path};
    size_t i;

    (void)state;
    assert_int_equal(use(&log), 0);
    for (i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        fault_count = 0;
        assert_int_equal(use(&bad[i].log), XMB_ECONF);
        assert_int_equal(fault_count, 1);
        assert_non_null(strstr(fault_text, bad[i].says));
    }
    assert_int_equal(use(&own_log), XMB_ECONF);
    assert_non_null(strstr(fault_text, "no module \"nobody\""));
    own_log.to = "/nowhere/at/all";
    fault_count = 0;
    assert_int_equal(use(&own_log), XMB_ECONF);
    assert_int_equal(fault_count, 2); /* one does not hide the other */
    assert_int_equal(log_api.level(module_at(1)), XMB_LOG_NOTICE);
}

static void abort_leaves_the_old(void **state)
{
    struct xmb_conf log = {.name = "log", .level = "error", .to = path};
    struct xmb_conf broker = {.name = "broker", .child = &log};
    struct log_next *next = NULL;

    (void)state;
    assert_int_equal(log_prepare(&broker, &next), 0);
    log_abort(next);
    log_abort(NULL);
    assert_int_equal(log_api.level(module_at(1)), XMB_LOG_NOTICE);
}

/*
 * The first configuration is used before it is committed: place, form and level. A module that is
 * loaded meanwhile begins with its own level.
 */
static void a_start_logs_where_it_will(void **state)
{
    struct xmb_conf own = {.name = "module", .of = "module2", .level = "debug"};
    struct xmb_conf log = {
        .name = "log", .level = "warn", .format = "json", .to = path, .child = &own};
    static const struct xmb_conf loaded = {.name = "module", .of = "module2"};
    struct xmb_conf broker = {.name = "broker", .child = &log, .next = &loaded};
    struct log_next *next = NULL;
    char *text;

    (void)state;
    unlink(path);
    assert_int_equal(log_prepare(&broker, &next), 0);
    log_begin(next);
    LOG(NOTICE, "start", "held back by the level");
    LOG(WARN, "start", "before the commit");
    assert_int_equal(log_level_for("module2"), XMB_LOG_DEBUG);
    assert_int_equal(log_level_for("another"), XMB_LOG_WARN);
    log_commit(next);
    LOG(WARN, "start", "after it");
    assert_int_equal(log_level_for("another"), XMB_LOG_WARN);
    text = read_file(path);
    assert_null(strstr(text, "held back"));
    assert_non_null(strstr(text, "\"object\":\"start\",\"message\":\"before the commit\"}\n"));
    assert_non_null(strstr(text, "\"message\":\"after it\"}\n"));
    free(text);
    next = NULL;
    assert_int_equal(log_prepare(&broker, &next), 0);
    log_begin(next);
    log_abort(next); /* a start that fails says the rest there, too */
    LOG(WARN, "start", "after the abort");
    text = read_file(path);
    assert_non_null(strstr(text, "\"message\":\"after the abort\"}\n"));
    free(text);
}

/* A reader that does not read: lines are dropped, not waited for, and the gap is told. */
static void a_full_pipe_is_not_waited_for(void **state)
{
    struct xmb_conf log = {.name = "log", .to = path};
    char *taken = calloc(1, 1 << 20);
    size_t n = 0;
    ssize_t got;
    int pipe_end;
    int i;

    (void)state;
    unlink(path);
    assert_int_equal(mkfifo(path, 0600), 0);
    pipe_end = open(path, O_RDONLY | O_NONBLOCK);
    assert_true(pipe_end >= 0);
    assert_int_equal(use(&log), 0);
    for (i = 0; i < 5000; i++)
        LOG(INFO, NULL, "line %d of many that fill the pipe up", i);
    assert_true(log_dropped_count() > 0);
    assert_true(log_dropped_count() < 5000);
    while ((got = read(pipe_end, taken, 1 << 20)) > 0)
        ;
    LOG(INFO, NULL, "the reader is back");
    while ((got = read(pipe_end, taken + n, (1 << 20) - 1 - n)) > 0)
        n += (size_t)got;
    assert_non_null(strstr(taken, "warn core: "));
    assert_non_null(strstr(taken, "log lines were dropped"));
    assert_non_null(strstr(taken, "the reader is back\n"));
    close(pipe_end);
    free(taken);
    log_fini();
    unlink(path);
}

/* --- many threads, and a reload in the middle ---------------------------------------------- */

enum { WRITERS = 4, LINES = 500 };

static void *write_lines(void *arg)
{
    int i;

    for (i = 0; i < LINES; i++)
        log_api.write(module_at(1), XMB_LOG_INFO, arg, "%0*d", 200, i);
    return NULL;
}

static void lines_of_threads_do_not_mix(void **state)
{
    static char names[WRITERS][8] = {"t0", "t1", "t2", "t3"};
    struct xmb_conf log = {.name = "log", .to = path};
    pthread_t threads[WRITERS];
    size_t lines = 0;
    char *text;
    char *line;
    size_t i;

    (void)state;
    assert_int_equal(use(&log), 0);
    for (i = 0; i < WRITERS; i++)
        pthread_create(&threads[i], NULL, write_lines, names[i]);
    for (i = 0; i < 20; i++)
        assert_int_equal(use(&log), 0);
    for (i = 0; i < WRITERS; i++)
        pthread_join(threads[i], NULL);
    text = read_file(path);
    for (line = strtok(text, "\n"); line != NULL; line = strtok(NULL, "\n")) {
        assert_int_equal(strlen(line), strlen("2026-11-25T12:00:00.123Z info module1 t0: ") + 200);
        lines++;
    }
    assert_int_equal(lines, WRITERS * LINES);
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(text_lines),
        cmocka_unit_test(text_is_escaped),
        cmocka_unit_test(json_lines),
        cmocka_unit_test(long_lines_are_cut),
        cmocka_unit_test(colours_only_when_asked),
        cmocka_unit_test(level_names),
        cmocka_unit_test(limit_counts_by_key_and_second),
        cmocka_unit_test(limit_survives_many_keys),
        cmocka_unit_test(levels_are_kept),
        cmocka_unit_test(limited_says_what_it_left_out),
        cmocka_unit_test(reload_opens_the_file_again),
        cmocka_unit_test(faults_change_nothing),
        cmocka_unit_test(abort_leaves_the_old),
        cmocka_unit_test(a_start_logs_where_it_will),
        cmocka_unit_test(a_full_pipe_is_not_waited_for),
        cmocka_unit_test(lines_of_threads_do_not_mix),
    };

    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
