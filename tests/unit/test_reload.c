/* SPDX-License-Identifier: MIT */
/*
 * test_reload.c - all or nothing: for three modules and every n, the n-th prepare refuses, and
 * then every module has the calls it had before plus prepare and abort, in reverse, and nothing
 * else. Without threads: what workers do with a reload is tests/system/reload.py's.
 */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "control/control.h"
#include "log/log.h"
#include "loop/loop.h"
#include "plugin/lifecycle.h"
#include "plugin/plugin_priv.h"
#include "tls/tls.h"

#include "../plugins/knob.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define KNOBS 3

static char folder[256];
static char file[300];
static struct conf_faults faults;
static uint64_t clock_of_all;
static struct knob_calls *knobs[KNOBS];

/* Knob i gets `value` + i; number `odd` has `attribute` besides; -1: none. */
static struct conf *conf_of(int value, int odd, const char *attribute)
{
    struct conf *c = NULL;
    FILE *f = fopen(file, "w");
    int i;

    assert_non_null(f);
    fprintf(f, "<xmb xmlns='urn:xmb:config:1'>\n<broker><control socket='%s/s'/></broker>\n",
            folder);
    for (i = 0; i < KNOBS; i++)
        fprintf(f, "<module name='knob-%c'><knob value='%d'%s/></module>\n", 'a' + i, value + i,
                i == odd ? attribute : "");
    fprintf(f, "</xmb>\n");
    assert_int_equal(fclose(f), 0);
    conf_faults_clear(&faults);
    assert_int_equal(conf_read(file, &c, &faults), 0);
    conf_collect(c, &faults);
    return c;
}

/* Number `failing` refuses; -1: none. */
static struct conf *conf_with(int value, int failing)
{
    return conf_of(value, failing, " fail='prepare'");
}

static struct change *prepared(struct conf *c, int *rc)
{
    struct change *ch = change_new(c, &faults);

    assert_non_null(ch);
    *rc = change_check(ch);
    if (*rc == 0)
        *rc = change_prepare_core(ch);
    if (*rc == 0)
        *rc = change_prepare_modules(ch, 1);
    conf_free(c); /* the change holds it */
    return ch;
}

static void commit(struct change *ch)
{
    change_commit_core(ch);
    change_commit_modules(ch);
    change_finish(ch);
}

static void find_knob(int i)
{
    char name[16];
    const void *table;
    struct xmb_module *m;

    snprintf(name, sizeof name, "knob-%c", 'a' + i);
    m = module_by_name(name);
    assert_non_null(m);
    assert_int_equal(m->ops.interface(m->self, "x-knob", 1, &table), 0);
    knobs[i] = (struct knob_calls *)(uintptr_t)table;
    knobs[i]->clock = &clock_of_all;
}

static void start(void **state)
{
    const char *folders[] = {getenv("XMB_TEST_PLUGINS")};
    struct conf *c;
    struct change *ch;
    int rc;
    int i;

    (void)state;
    if (folders[0] == NULL)
        skip();
    c = conf_with(1, -1);
    assert_int_equal(plugin_open_init(), 0);
    if (plugin_load(c, folders, 1, &faults) < 0) {
        conf_faults_print(&faults, STDERR_FILENO);
        fail();
    }
    for (i = 0; i < KNOBS; i++)
        find_knob(i);
    ch = prepared(c, &rc);
    assert_int_equal(rc, 0);
    commit(ch);
    for (i = 0; i < KNOBS; i++) {
        assert_int_equal(knobs[i]->init, 1);
        assert_int_equal(knobs[i]->commit, 1);
        assert_int_equal(knobs[i]->value, 1 + i);
        assert_int_equal(knobs[i]->retire, 0);
    }
}

static void nth_prepare_fails(void **state)
{
    struct knob_calls before[KNOBS];
    struct change *ch;
    uint64_t last;
    int failing;
    int rc;
    int i;

    (void)state;
    if (knobs[0] == NULL)
        skip();
    for (failing = 0; failing < KNOBS; failing++) {
        struct conf *running = change_running();

        for (i = 0; i < KNOBS; i++)
            before[i] = *knobs[i];
        ch = prepared(conf_with(50, failing), &rc);
        assert_int_equal(rc, XMB_ECONF);
        assert_int_equal(faults.count, 1);
        assert_int_equal(faults.list[0].line, 3 + failing);
        change_abort(ch);
        last = UINT64_MAX;
        for (i = 0; i < KNOBS; i++) {
            struct knob_calls now = *knobs[i];

            assert_int_equal(now.prepare, before[i].prepare + 1);
            assert_int_equal(now.abort, before[i].abort + (i != failing));
            if (i != failing) {
                assert_true(now.last_abort < last); /* the later one was aborted earlier */
                last = now.last_abort;
            }
            /* With these set aside, nothing is different. */
            now.prepare = before[i].prepare;
            now.failed = before[i].failed;
            now.abort = before[i].abort;
            now.last_abort = before[i].last_abort;
            assert_memory_equal(&now, &before[i], sizeof now);
        }
        assert_ptr_equal(change_running(), running);
    }
}

/* Whom its schema refuses is not asked; the others are, for their faults, and get it all back. */
static void nth_schema_refuses(void **state)
{
    struct knob_calls before[KNOBS];
    struct change *ch;
    struct conf *c;
    int refused;
    int i;

    (void)state;
    if (knobs[0] == NULL)
        skip();
    for (refused = 0; refused < KNOBS; refused++) {
        for (i = 0; i < KNOBS; i++)
            before[i] = *knobs[i];
        c = conf_of(70, refused, " vlaue='1'");
        ch = change_new(c, &faults);
        assert_non_null(ch);
        conf_free(c);
        assert_int_equal(change_check(ch), XMB_ECONF);
        assert_int_equal(change_prepare_core(ch), 0);
        assert_int_equal(change_prepare_modules(ch, 1), XMB_ECONF);
        assert_int_equal(faults.count, 1);
        assert_int_equal(faults.list[0].line, 3 + refused);
        change_abort(ch);
        for (i = 0; i < KNOBS; i++) {
            assert_int_equal(knobs[i]->prepare, before[i].prepare + (i != refused));
            assert_int_equal(knobs[i]->abort, before[i].abort + (i != refused));
            assert_int_equal(knobs[i]->commit, before[i].commit);
            assert_int_equal(knobs[i]->value, before[i].value);
        }
    }
}

static void unchanged_are_not_called(void **state)
{
    struct knob_calls before[KNOBS];
    struct change *ch;
    int rc;
    int i;

    (void)state;
    if (knobs[0] == NULL)
        skip();
    for (i = 0; i < KNOBS; i++)
        before[i] = *knobs[i];
    ch = prepared(conf_with(1, -1), &rc);
    assert_int_equal(rc, 0);
    for (i = 0; i < KNOBS; i++)
        assert_false(change_has(ch, module_at((uint32_t)i + 1)));
    commit(ch);
    for (i = 0; i < KNOBS; i++)
        assert_memory_equal(knobs[i], &before[i], sizeof before[i]);
}

/* After it, a module still compares with the element that it runs with, of an older file. */
static void changed_are_retired(void **state)
{
    struct change *ch;
    int rc;
    int i;

    (void)state;
    if (knobs[0] == NULL)
        skip();
    ch = prepared(conf_with(20, -1), &rc);
    assert_int_equal(rc, 0);
    commit(ch);
    for (i = 0; i < KNOBS; i++) {
        assert_int_equal(knobs[i]->value, 20 + i);
        assert_int_equal(knobs[i]->retire, 1);
    }
    ch = prepared(conf_with(20, -1), &rc);
    assert_int_equal(rc, 0);
    commit(ch);
    ch = prepared(conf_with(20, 1), &rc);
    assert_int_equal(rc, XMB_ECONF);
    assert_false(change_has(ch, module_at(1)));
    assert_true(change_has(ch, module_at(2)));
    change_abort(ch);
}

static void stop(void **state)
{
    uint64_t retired[KNOBS];
    int i;

    (void)state;
    if (knobs[0] == NULL)
        skip();
    for (i = 0; i < KNOBS; i++)
        retired[i] = knobs[i]->retire;
    lifecycle_stop();
    for (i = 0; i < KNOBS; i++) {
        assert_int_equal(knobs[i]->retire, retired[i] + 1); /* the last one too */
        assert_int_equal(knobs[i]->stop, 1);
    }
    assert_null(change_running());
}

static int set_up(void **state)
{
    const char *tmp = getenv("XMB_TMP");

    (void)state;
    snprintf(folder, sizeof folder, "%s/reload.XXXXXX", tmp != NULL ? tmp : "/tmp");
    if (mkdtemp(folder) == NULL)
        return -1;
    snprintf(file, sizeof file, "%s/xmbd.xml", folder);
    return loop_control_init();
}

static int tear_down(void **state)
{
    char command[300];

    (void)state;
    control_fini();
    tls_fini();
    loop_join(loop_control());
    log_fini();
    conf_faults_clear(&faults);
    snprintf(command, sizeof command, "rm -rf '%s'", folder);
    return system(command) == 0 ? 0 : -1;
}

/* With plugins linked in, configure --disable-shared may have left out the files of all others. */
static int has_no_files(void)
{
#ifdef XMB_STATIC_PLUGINS
    const char *plugins = getenv("XMB_TEST_PLUGINS");
    char path[PATH_MAX];

    snprintf(path, sizeof path, "%s/knob-a.so", plugins != NULL ? plugins : "");
    return plugins != NULL && access(path, F_OK) != 0;
#else
    return 0;
#endif
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(start),
        cmocka_unit_test(nth_prepare_fails),
        cmocka_unit_test(nth_schema_refuses),
        cmocka_unit_test(unchanged_are_not_called),
        cmocka_unit_test(changed_are_retired),
        cmocka_unit_test(stop),
    };

    if (has_no_files()) {
        printf("skipped: this build has no plugin files (--disable-shared)\n");
        return 77;
    }
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
