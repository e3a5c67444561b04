/* SPDX-License-Identifier: MIT */
/*
 * test_metrics.c - cells of modules with and without metrics, sums over threads' cells, and
 * a plugin whose metric structure is longer than ours.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "buf/buf.h"
#include "core_fakes.h"
#include "metrics/metrics.h"

static const struct xmb_metric two[] = {
    {XMB_METRIC_INIT, XMB_COUNTER, "first", "things", "One."},
    {XMB_METRIC_INIT, XMB_GAUGE, "second", "things", "Two."},
};

/* As a plugin of a later minor would have it. */
struct longer_metric {
    struct xmb_metric known;
    uint64_t later;
};
static const struct longer_metric longer[] = {
    {{sizeof(struct longer_metric), XMB_COUNTER, "a", "x", "A."}, 1},
    {{sizeof(struct longer_metric), XMB_COUNTER, "b", "x", "B."}, 2},
    {{sizeof(struct longer_metric), XMB_COUNTER, "c", "x", "C."}, 3},
};

static int make_modules(void **state)
{
    (void)state;
    fake_modules_make(4);
    fake_modules[1].plugin.metrics = two;
    fake_modules[1].plugin.metrics_count = 2;
    fake_modules[3].plugin.metrics = &longer[0].known;
    fake_modules[3].plugin.metrics_count = 3;
    return 0;
}

static void layout(void **state)
{
    (void)state;
    assert_int_equal(metrics_count(module_at(0)), CORE_METRIC_COUNT);
    assert_string_equal(metrics_at(module_at(0), CORE_WRITES)->name, "writes");
    assert_int_equal(metrics_count(module_at(1)), 2);
    assert_string_equal(metrics_at(module_at(1), 1)->name, "second");
    assert_int_equal(metrics_count(module_at(2)), 0);
    assert_string_equal(metrics_at(module_at(3), 2)->name, "c");
}

static void every_core_metric_is_described(void **state)
{
    size_t i;

    (void)state;
    for (i = 0; i < CORE_METRIC_COUNT; i++) {
        assert_non_null(core_metrics[i].name);
        assert_non_null(core_metrics[i].unit);
        assert_non_null(core_metrics[i].help);
        assert_int_equal(core_metrics[i].size, sizeof(struct xmb_metric));
    }
}

static void cells_do_not_share_lines(void **state)
{
    struct xmb_worker *w = calloc(1, sizeof *w);
    uint64_t *cells;

    (void)state;
    core_count(w, CORE_WRITES, 1); /* before there are cells: nothing happens */
    assert_int_equal(metrics_worker_init(w), 0);
    cells = metrics_api.cells(w, module_at(1));
    assert_int_equal((uintptr_t)cells % 64, 0);
    assert_int_equal((uintptr_t)metrics_api.cells(w, module_at(3)) % 64, 0);
    assert_null(metrics_api.cells(w, module_at(2)));
    assert_int_equal(cells[0], 0);
    metrics_worker_fini(w);
    assert_null(metrics_api.cells(w, module_at(1)));
    free(w);
}

static void sums(void **state)
{
    struct xmb_worker *a = calloc(1, sizeof *a);
    struct xmb_worker *b = calloc(1, sizeof *b);
    uint64_t **sum = metrics_sums_new();

    (void)state;
    slab_release(slab_new(100)); /* the first and only one of this process */
    assert_non_null(sum);
    assert_int_equal(metrics_worker_init(a), 0);
    assert_int_equal(metrics_worker_init(b), 0);
    assert_int_equal(metrics_routing_init(), 0);
    core_count(a, CORE_ACCEPTED, 3);
    core_count(b, CORE_ACCEPTED, 4);
    metrics_api.cells(a, module_at(1))[1] = 5;
    metrics_api.cells(b, module_at(1))[1] -= 2; /* a gauge that went up elsewhere */
    metrics_api.cells(b, module_at(3))[2] = 9;
    metrics_api.routing_cells(module_at(3))[2] = 100;
    metrics_add(a, sum);
    metrics_add(b, sum);
    metrics_add_routing(sum);
    assert_int_equal(sum[0][CORE_ACCEPTED], 7);
    assert_int_equal(sum[0][CORE_SLAB_MALLOCS], 1);
    assert_int_equal(sum[1][0], 0);
    assert_int_equal(sum[1][1], 3);
    assert_int_equal(sum[3][2], 109);
    metrics_sums_free(sum);
    metrics_sums_free(NULL);
    metrics_worker_fini(a);
    metrics_worker_fini(b);
    metrics_routing_fini();
    free(a);
    free(b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(layout),
        cmocka_unit_test(every_core_metric_is_described),
        cmocka_unit_test(cells_do_not_share_lines),
        cmocka_unit_test(sums),
    };

    return cmocka_run_group_tests(tests, make_modules, NULL);
}
