/* SPDX-License-Identifier: MIT */
/*
 * test_loader.c - descriptors as data: short ones, long ones, old and new ones; the order that
 * requirements make; the mark of a thread. Files and libltdl are tests/system/plugin-bad.sh's.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "plugin/plugin_load.h"
#include "plugin/plugin_priv.h"

#include <stdlib.h>
#include <string.h>

static int good_init(const struct xmb_host *host, struct xmb_module *m, void **self)
{
    (void)host;
    *self = m;
    return 0;
}

static const struct xmb_module_ops good_ops = {.size = sizeof good_ops, .init = good_init};

static struct xmb_plugin good_plugin(void)
{
    struct xmb_plugin p = {.magic = XMB_PLUGIN_MAGIC,
                           .abi_major = XMB_ABI_MAJOR,
                           .abi_minor = XMB_ABI_MINOR,
                           .size = sizeof p,
                           .name = "good",
                           .version = "1.0",
                           .ops = &good_ops};

    return p;
}

static int check(const struct xmb_plugin *p, struct xmb_module *m)
{
    struct plugin_why why = {""};
    int rc;

    memset(m, 0, sizeof *m);
    rc = plugin_check(p, "good", m, &why);
    assert_int_equal(rc < 0, why.text[0] != '\0');
    return rc;
}

static void good(void **state)
{
    struct xmb_plugin p = good_plugin();
    struct xmb_module m;

    (void)state;
    assert_int_equal(check(&p, &m), 0);
    assert_string_equal(m.name, "good");
    assert_int_equal(m.protocol.size, 0);
    assert_int_equal(m.policy.size, 0);
    assert_true(m.ops.init == good_init);
    plugin_check_free(&m);
}

static void versions(void **state)
{
    struct xmb_plugin p = good_plugin();
    struct xmb_module m;

    (void)state;
    p.magic++;
    assert_int_equal(check(&p, &m), XMB_EINVAL);
    p = good_plugin();
    p.abi_major++;
    assert_int_equal(check(&p, &m), XMB_EVERSION);
    p = good_plugin();
    p.abi_minor = 999; /* newer, but content with what we are */
    assert_int_equal(check(&p, &m), 0);
    plugin_check_free(&m);
    p.abi_need = XMB_ABI_MINOR + 1;
    assert_int_equal(check(&p, &m), XMB_EVERSION);
}

/* Nothing behind a descriptor's own size is read: the memory behind it is poison here. */
static void short_descriptor(void **state)
{
    size_t n = offsetof(struct xmb_plugin, protocol);
    struct xmb_plugin whole = good_plugin();
    struct xmb_plugin *p = malloc(n);
    struct xmb_module m;

    (void)state;
    assert_non_null(p);
    whole.size = (uint32_t)n;
    memcpy(p, &whole, n);
    assert_int_equal(check(p, &m), 0);
    assert_null(m.plugin.protocol);
    assert_null(m.plugin.policy);
    plugin_check_free(&m);
    free(p);

    whole.size = (uint32_t)offsetof(struct xmb_plugin, ops);
    assert_int_equal(check(&whole, &m), XMB_EINVAL);
    whole.size = 0;
    assert_int_equal(check(&whole, &m), XMB_EINVAL);
}

static void long_descriptor(void **state)
{
    struct {
        struct xmb_plugin p;
        void *later[4];
    } longer = {.p = good_plugin()};
    struct xmb_module m;

    (void)state;
    longer.p.size = sizeof longer;
    memset(longer.later, 0xff, sizeof longer.later);
    assert_int_equal(check(&longer.p, &m), 0);
    plugin_check_free(&m);
}

static void short_ops(void **state)
{
    static const struct {
        uint32_t size;
        uint32_t hole;
        int (*init)(const struct xmb_host *host, struct xmb_module *m, void **self);
    } ops = {16, 0, good_init};
    struct xmb_plugin p = good_plugin();
    struct xmb_module m;

    (void)state;
    p.ops = (const void *)&ops;
    assert_int_equal(check(&p, &m), 0);
    assert_null(m.ops.prepare);
    assert_null(m.ops.stop);
    plugin_check_free(&m);
}

static void roles(void **state)
{
    struct xmb_protocol protocol = {.size = sizeof protocol};
    struct xmb_policy policy = {.size = sizeof policy, .points = XMB_POINT_ACCEPT};
    struct xmb_plugin p = good_plugin();
    struct xmb_module m;

    (void)state;
    p.protocol = &protocol;
    assert_int_equal(check(&p, &m), XMB_EINVAL);
    p = good_plugin();
    p.policy = &policy;
    assert_int_equal(check(&p, &m), XMB_EINVAL);
    p = good_plugin();
    p.name = "better";
    assert_int_equal(check(&p, &m), XMB_EINVAL);
    p = good_plugin();
    p.schema_bytes = 7;
    assert_int_equal(check(&p, &m), XMB_EINVAL);
}

/* A later SDK's metric is longer than ours: the array is walked by its stride. */
static void long_metrics(void **state)
{
    static const struct {
        struct xmb_metric m;
        void *later;
    } metrics[2] = {{{sizeof metrics[0], XMB_COUNTER, "one", "x", "h"}, NULL},
                    {{sizeof metrics[0], XMB_GAUGE, "two", "x", "h"}, NULL}};
    struct xmb_plugin p = good_plugin();
    struct xmb_module m;

    (void)state;
    p.metrics = &metrics[0].m;
    p.metrics_count = 2;
    assert_int_equal(check(&p, &m), 0);
    assert_string_equal(m.plugin.metrics[1].name, "two");
    assert_int_equal(m.plugin.metrics[1].size, sizeof(struct xmb_metric));
    plugin_check_free(&m);
    p.metrics_count = 100000;
    assert_int_equal(check(&p, &m), XMB_EINVAL);
    p.metrics = NULL;
    p.metrics_count = 1;
    assert_int_equal(check(&p, &m), XMB_EINVAL);
}

static void bad_stride(void **state)
{
    static const struct xmb_metric metric = {3, XMB_COUNTER, "one", "x", "h"};
    struct xmb_plugin p = good_plugin();
    struct xmb_module m;

    (void)state;
    p.metrics = &metric;
    p.metrics_count = 1;
    assert_int_equal(check(&p, &m), XMB_EINVAL);
}

/* --- order --- */

static const struct xmb_need need_a[] = {{sizeof(struct xmb_need), 0, "a"}};
static const struct xmb_need need_b[] = {{sizeof(struct xmb_need), 2, "x-b"}};
static const struct xmb_need offer_b[] = {{sizeof(struct xmb_need), 2, "x-b"}};
static const struct xmb_need need_c[] = {{sizeof(struct xmb_need), 0, "c"}};

static struct xmb_module fake(const char *name, const struct xmb_need *needs,
                              const struct xmb_need *offers)
{
    struct xmb_module m;

    memset(&m, 0, sizeof m);
    m.name = name;
    m.plugin.requires_list = needs;
    m.plugin.requires_list_count = needs != NULL;
    m.plugin.provides = offers;
    m.plugin.provides_count = offers != NULL;
    return m;
}

static void order(void **state)
{
    struct xmb_module c = fake("c", need_b, NULL);
    struct xmb_module b = fake("b", need_a, offer_b);
    struct xmb_module z = fake("z", NULL, NULL);
    struct xmb_module a = fake("a", NULL, NULL);
    struct xmb_module *list[] = {&c, &b, &z, &a};
    struct xmb_module *out[4];

    (void)state;
    assert_null(order_missing(list, 4, &c));
    assert_int_equal(order_sort(list, 4, out), 4);
    assert_ptr_equal(out[0], &z);
    assert_ptr_equal(out[1], &a);
    assert_ptr_equal(out[2], &b);
    assert_ptr_equal(out[3], &c);
}

static void missing(void **state)
{
    static const struct xmb_need older[] = {{sizeof(struct xmb_need), 1, "x-b"}};
    struct xmb_module c = fake("c", need_b, NULL);
    struct xmb_module b = fake("b", NULL, older);
    struct xmb_module *list[] = {&c, NULL, &b};

    (void)state;
    assert_ptr_equal(order_missing(list, 3, &c), need_b);
}

/* Who is only preferred may be missing, and goes before when it is there. */
static void optional(void **state)
{
    static const struct xmb_need wish[] = {
        {sizeof(struct xmb_need), 2 | XMB_NEED_OPTIONAL, "x-b"}};
    struct xmb_module c = fake("c", wish, NULL);
    struct xmb_module b = fake("b", NULL, offer_b);
    struct xmb_module *alone[] = {&c};
    struct xmb_module *list[] = {&c, &b};
    struct xmb_module *out[2];

    (void)state;
    assert_null(order_missing(alone, 1, &c));
    assert_int_equal(order_sort(list, 2, out), 2);
    assert_ptr_equal(out[0], &b);
    assert_ptr_equal(out[1], &c);
}

static void circle(void **state)
{
    struct xmb_module a = fake("a", need_c, NULL);
    struct xmb_module b = fake("b", need_a, offer_b);
    struct xmb_module c = fake("c", need_b, NULL);
    struct xmb_module d = fake("d", NULL, NULL);
    struct xmb_module *list[] = {&a, &b, &c, &d};
    struct xmb_module *out[4];
    char text[200];

    (void)state;
    assert_int_equal(order_sort(list, 4, out), 1);
    assert_ptr_equal(out[0], &d);
    order_cycle_text(list, 4, &a, text, sizeof text);
    assert_string_equal(text, "a requires c, which requires b, which requires a");
}

/* --- marks --- */

static void marks(void **state)
{
    struct xmb_module a = fake("a", NULL, NULL);
    struct xmb_module b = fake("b", NULL, NULL);
    struct module_mark outer;
    struct module_mark inner;

    (void)state;
    assert_ptr_equal(module_current(), module_core());
    outer = module_enter(&a);
    assert_ptr_equal(module_current(), &a);
    inner = module_enter(&b);
    assert_ptr_equal(module_current(), &b);
    module_leave(inner);
    assert_ptr_equal(module_current(), &a);
    module_leave(outer);
    assert_ptr_equal(module_current(), module_core());
}

static void table(void **state)
{
    struct xmb_module a = fake("a", NULL, NULL);
    struct xmb_module b = fake("b", NULL, NULL);

    (void)state;
    assert_int_equal(module_count(), 1);
    assert_int_equal(module_add(&a), 0);
    assert_int_equal(module_add(&b), 0);
    assert_int_equal(b.index, 2);
    assert_ptr_equal(module_by_name("b"), &b);
    module_remove(&a);
    assert_int_equal(b.index, 1);
    assert_ptr_equal(module_at(1), &b);
    assert_null(module_at(2));
    assert_null(module_by_name("a"));
    module_remove(&b);
    assert_int_equal(module_count(), 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(good),         cmocka_unit_test(versions),
        cmocka_unit_test(short_descriptor), cmocka_unit_test(long_descriptor),
        cmocka_unit_test(short_ops),    cmocka_unit_test(roles),
        cmocka_unit_test(long_metrics), cmocka_unit_test(bad_stride),
        cmocka_unit_test(order),        cmocka_unit_test(missing),
        cmocka_unit_test(optional), cmocka_unit_test(circle),       cmocka_unit_test(marks),
        cmocka_unit_test(table),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
