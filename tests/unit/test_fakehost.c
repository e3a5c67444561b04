/* SPDX-License-Identifier: MIT */
/*
 * test_fakehost.c - the fake host keeps the SDK's promises: a small protocol made on the spot
 * talks, publishes and subscribes in it, and policy-late answers late.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>
#include <xmb/fakehost.h>

extern const struct xmb_plugin policy_late_LTX_xmb_plugin;

/* --- a protocol: lines are echoed; "pause", "close" and "bad" do what they say --------------- */

static const struct xmb_host *host;
static struct xmb_module *echo_module;
static int closed_count;
static int writable_count;
static uint32_t expired_which;
static char closed_why[64];

static int echo_init(const struct xmb_host *h, struct xmb_module *m, void **self)
{
    host = h;
    echo_module = m;
    *self = NULL;
    return 0;
}

static int echo_open(void *wself, struct xmb_conn *c, void **cs)
{
    struct xmb_conn_info info = {.size = sizeof(info)};

    (void)wself;
    host->conn->info(c, &info);
    if (info.remote.port == 13)
        return XMB_EDENIED;
    *cs = malloc(1);
    host->conn->deadline(c, XMB_DEADLINE_IDLE, 1000);
    return *cs != NULL ? 0 : XMB_ENOMEM;
}

static int echo_data(void *cs, struct xmb_conn *c, struct xmb_buf *in)
{
    struct xmb_str line;
    int rc;

    (void)cs;
    while ((rc = host->buf->take_line(in, 100, &line)) == 1) {
        if (xmb_str_eq(line, XMB_STR("bad")))
            return XMB_EPROTO;
        if (xmb_str_eq(line, XMB_STR("close")))
            host->conn->close(c, "as asked");
        if (xmb_str_eq(line, XMB_STR("pause")))
            host->conn->pause(c);
        host->conn->write(c, line);
        host->conn->write(c, XMB_STR("\n"));
    }
    return rc;
}

static void echo_writable(void *cs, struct xmb_conn *c)
{
    (void)cs;
    (void)c;
    writable_count++;
}

static void echo_expired(void *cs, struct xmb_conn *c, uint32_t which)
{
    (void)cs;
    (void)c;
    expired_which = which;
}

static void echo_closed(void *cs, struct xmb_conn *c, const char *why)
{
    assert_int_equal(host->conn->write(c, XMB_STR("x")), XMB_ECLOSED);
    closed_count++;
    strncpy(closed_why, why, sizeof(closed_why) - 1);
    free(cs);
}

static const struct xmb_module_ops echo_ops = {.size = sizeof(echo_ops), .init = echo_init};
static const struct xmb_protocol echo_protocol = {
    .size = sizeof(echo_protocol),
    .scheme = "echo",
    .open = echo_open,
    .data = echo_data,
    .writable = echo_writable,
    .expired = echo_expired,
    .closed = echo_closed,
};
static const struct xmb_plugin echo = {
    .magic = XMB_PLUGIN_MAGIC,
    .abi_major = XMB_ABI_MAJOR,
    .abi_minor = XMB_ABI_MINOR,
    .size = sizeof(echo),
    .name = "echo",
    .ops = &echo_ops,
    .protocol = &echo_protocol,
};

static int begin(void **state)
{
    (void)state;
    closed_count = writable_count = 0;
    expired_which = 0;
    xmb_fakehost_open();
    if (xmb_fakehost_load(&echo) == NULL)
        return -1;
    return xmb_fakehost_configure(echo_module, "");
}

static int end(void **state)
{
    (void)state;
    xmb_fakehost_close();
    return 0;
}

/* --- connections ----------------------------------------------------------------------------- */

static void wrote(struct xmb_conn *c, const char *text)
{
    assert_string_equal(xmb_fakehost_output(c).p, text);
    xmb_fakehost_take(c, strlen(text));
}

static void test_octets(void **state)
{
    struct xmb_conn *c = xmb_fakehost_accept(echo_module, 0, NULL);

    (void)state;
    assert_int_equal(xmb_fakehost_feed(c, XMB_STR("one\ntw")), 0);
    wrote(c, "one\n");
    assert_int_equal(xmb_fakehost_unread(c), 2);
    assert_int_equal(xmb_fakehost_feed(c, XMB_STR("o\n")), 0);
    wrote(c, "two\n");
    assert_null(xmb_fakehost_closed(c));
}

static void test_refused(void **state)
{
    struct xmb_addr from = {.family = 4, .port = 13};

    (void)state;
    assert_null(xmb_fakehost_accept(echo_module, 0, &from));
    assert_int_equal(closed_count, 0);
}

static void test_close(void **state)
{
    struct xmb_conn *c = xmb_fakehost_accept(echo_module, 0, NULL);

    (void)state;
    assert_int_equal(xmb_fakehost_feed(c, XMB_STR("close\n")), 0);
    assert_int_equal(closed_count, 0); /* never inside the call */
    xmb_fakehost_run();
    assert_int_equal(closed_count, 1);
    assert_string_equal(closed_why, "as asked");
    assert_int_equal(xmb_fakehost_feed(c, XMB_STR("x\n")), XMB_ECLOSED);
    xmb_fakehost_forget(c);
    c = xmb_fakehost_accept(echo_module, 0, NULL);
    assert_int_equal(xmb_fakehost_feed(c, XMB_STR("bad\n")), XMB_EPROTO);
    assert_int_equal(closed_count, 2);
    c = xmb_fakehost_accept(echo_module, 0, NULL);
    xmb_fakehost_hangup(c, "gone");
    assert_string_equal(closed_why, "gone");
    assert_int_equal(closed_count, 3);
}

static void test_pause(void **state)
{
    struct xmb_conn *c = xmb_fakehost_accept(echo_module, 0, NULL);

    (void)state;
    xmb_fakehost_feed(c, XMB_STR("pause\n"));
    wrote(c, "pause\n");
    xmb_fakehost_feed(c, XMB_STR("later\n"));
    xmb_fakehost_run();
    wrote(c, "");
    assert_true(xmb_fakehost_paused(c));
    host->conn->resume(c);
    xmb_fakehost_run();
    wrote(c, "later\n");
}

static void test_backpressure(void **state)
{
    struct xmb_conn *c = xmb_fakehost_accept(echo_module, 0, NULL);

    (void)state;
    xmb_fakehost_bound(c, 8);
    assert_int_equal(host->conn->write(c, XMB_STR("123456789")), XMB_ETOOBIG);
    assert_int_equal(host->conn->write(c, XMB_STR("12345")), 0);
    assert_int_equal(host->conn->room(c), 3);
    assert_int_equal(host->conn->write(c, XMB_STR("6789")), XMB_EAGAIN);
    wrote(c, "12345");
    assert_int_equal(writable_count, 0);
    xmb_fakehost_run();
    assert_int_equal(writable_count, 1);
    xmb_fakehost_run();
    assert_int_equal(writable_count, 1);
}

static void test_deadlines(void **state)
{
    struct xmb_conn *c = xmb_fakehost_accept(echo_module, 0, NULL);

    (void)state;
    xmb_fakehost_advance(999);
    xmb_fakehost_feed(c, XMB_STR("x"));
    xmb_fakehost_advance(999);
    assert_int_equal(expired_which, 0);
    xmb_fakehost_advance(1);
    assert_int_equal(expired_which, XMB_DEADLINE_IDLE);
    assert_int_equal(xmb_fakehost_now_ms(), 1000000 + 1999);
}

/* --- the registry ---------------------------------------------------------------------------- */

static struct xmb_publish_result result;
static uint64_t result_tag;
static int taken_over;
static int ready_count;

static void on_done(void *arg, uint64_t tag, const struct xmb_publish_result *r)
{
    (void)arg;
    result = *r;
    result_tag = tag;
}

static void on_taken_over(void *arg, uint32_t domain, const struct xmb_service_id *id)
{
    (void)arg;
    (void)domain;
    (void)id;
    taken_over++;
}

static void on_ready(void *arg)
{
    (void)arg;
    ready_count++;
}

static const struct xmb_owner_ops owner_ops = {sizeof(owner_ops), on_done, on_taken_over};

static struct xmb_owner *owner(const char *name)
{
    struct xmb_owner *o = NULL;

    assert_int_equal(host->service->owner_open(xmb_fakehost_worker(), echo_module, xmb_str(name),
                                               0, &owner_ops, NULL, &o),
                     0);
    return o;
}

static int publish(struct xmb_owner *o, uint32_t instance, uint32_t sequence, const char *data)
{
    struct xmb_publish p = {.size = sizeof(p), .domain = 1, .id = {101, 1, {instance, 0, 0, 0}},
                            .sequence = sequence, .data = xmb_str(data)};

    result.status = 1;
    assert_int_equal(host->service->publish(o, &p, sequence), 0);
    assert_int_equal(result.status, 1); /* never at once */
    xmb_fakehost_run();
    assert_int_equal(result_tag, sequence);
    return result.status;
}

static struct xmb_sub *subscribe_all(void)
{
    struct xmb_subscription spec = {
        .size = sizeof(spec),
        .domain = 1,
        .pattern = {XMB_ANY_SERVICE, XMB_ANY_SUBSERVICE,
                    {XMB_ANY_WORD, XMB_ANY_WORD, XMB_ANY_WORD, XMB_ANY_WORD}},
        .view = XMB_VIEW_ALL,
        .ready = on_ready,
    };
    struct xmb_sub *sub = NULL;

    ready_count = 0;
    assert_int_equal(host->service->subscribe(xmb_fakehost_worker(), echo_module, &spec, &sub), 0);
    assert_int_equal(ready_count, 0);
    return sub;
}

static void next_is(struct xmb_sub *sub, uint32_t kind, uint32_t sequence)
{
    struct xmb_event e = {.size = sizeof(e)};

    assert_int_equal(host->service->next(sub, &e), 1);
    assert_int_equal(e.kind, kind);
    assert_int_equal(e.service->sequence, sequence);
}

static void nothing_next(struct xmb_sub *sub)
{
    struct xmb_event e = {.size = sizeof(e)};

    assert_int_equal(host->service->next(sub, &e), 0);
}

static void test_sequences(void **state)
{
    struct xmb_owner *a = owner("ann");
    struct xmb_owner *b = owner("bob");
    struct xmb_owner *again = owner("ann");

    (void)state;
    taken_over = 0;
    assert_int_equal(publish(a, 1, 5, "x"), 0);
    assert_int_equal(result.created, 1);
    assert_int_equal(publish(a, 1, 5, "x"), 0);
    assert_int_equal(publish(a, 1, 5, "y"), XMB_ESTALE);
    assert_int_equal(publish(a, 1, 4, "y"), XMB_ESTALE);
    assert_int_equal(result.sequence, 5);
    assert_int_equal(publish(b, 1, 9, "y"), XMB_EEXIST);
    assert_int_equal(publish(again, 1, 5, "y"), 0);
    assert_int_equal(taken_over, 1);
    assert_int_equal(xmb_fakehost_services(1), 1);
    host->service->owner_close(a, XMB_GONE_SOURCE);
    xmb_fakehost_run();
    assert_int_equal(xmb_fakehost_services(1), 1);
    host->service->owner_close(again, XMB_GONE_NETWORK);
    host->service->owner_close(b, XMB_GONE_SOURCE);
    xmb_fakehost_run();
    assert_int_equal(xmb_fakehost_services(0), 0);
    assert_int_equal(xmb_fakehost_owners(), 0);
}

static void test_events(void **state)
{
    struct xmb_owner *a = owner("ann");
    struct xmb_sub *sub;

    (void)state;
    publish(a, 1, 1, "x");
    sub = subscribe_all();
    xmb_fakehost_run();
    assert_int_equal(ready_count, 1);
    publish(a, 1, 2, "y"); /* overtakes what was not taken */
    publish(a, 2, 7, "z");
    assert_int_equal(ready_count, 1);
    next_is(sub, XMB_EVENT_NOTIFY, 2);
    next_is(sub, XMB_EVENT_NOTIFY, 7);
    nothing_next(sub);
    publish(a, 3, 1, "came"); /* and goes untaken */
    host->service->owner_close(a, XMB_GONE_NETWORK);
    xmb_fakehost_run();
    assert_int_equal(ready_count, 2);
    next_is(sub, XMB_EVENT_WITHDRAW, 2);
    next_is(sub, XMB_EVENT_WITHDRAW, 7);
    nothing_next(sub);
    host->service->unsubscribe(sub);
    assert_int_equal(xmb_fakehost_subscriptions(), 0);
}

static void test_local_stands_before_learned(void **state)
{
    struct xmb_publish p = {.size = sizeof(p), .domain = 1, .id = {101, 1, {1, 0, 0, 0}},
                            .sequence = 9, .data = XMB_STR("learned")};
    struct xmb_owner *a = owner("ann");

    (void)state;
    assert_int_equal(xmb_fakehost_learn(&p, 0), 0);
    assert_int_equal(publish(a, 1, 1, "local"), 0);
    assert_int_equal(xmb_fakehost_service(1, &p.id)->sequence, 1);
    host->service->owner_close(a, XMB_GONE_SOURCE);
    xmb_fakehost_run();
    assert_int_equal(xmb_fakehost_service(1, &p.id)->flags, XMB_SERVICE_LEARNED);
    assert_int_equal(xmb_fakehost_learn(&p, XMB_GONE_NETWORK), 0);
    assert_int_equal(xmb_fakehost_learn(&p, XMB_GONE_NETWORK), XMB_ENOENT);
}

/* --- policy ---------------------------------------------------------------------------------- */

static int authenticate(struct xmb_answer *answer)
{
    struct xmb_request r = {.size = sizeof(r), .point = XMB_POINT_AUTHENTICATE,
                            .mechanism = XMB_MECH_PLAIN, .username = XMB_STR("ann"),
                            .password = XMB_STR("secret")};

    return xmb_fakehost_ask(&r, answer);
}

static void test_built_in_policy(void **state)
{
    static const uint64_t settings[][2] = {{XMB_SETTING_DOMAIN, 100}};
    struct xmb_answer answer;

    (void)state;
    assert_int_equal(authenticate(&answer), XMB_DENY);
    assert_int_equal(answer.reason, XMB_DENY_UNKNOWN_USER);
    xmb_fakehost_user("ann", "secret", settings, 1);
    xmb_fakehost_late(1);
    assert_int_equal(authenticate(&answer), XMB_ALLOW);
    assert_int_equal(host->policy->principal_get(answer.principal, XMB_SETTING_DOMAIN, 0), 100);
    assert_int_equal(xmb_fakehost_principals(), 1);
    host->policy->principal_release(answer.principal);
    xmb_fakehost_verdict(XMB_POINT_AUTHENTICATE, XMB_DENY, XMB_DENY_LATE);
    assert_int_equal(authenticate(&answer), XMB_DENY);
    assert_int_equal(answer.reason, XMB_DENY_LATE);
    assert_int_equal(xmb_fakehost_principals(), 0);
}

static struct xmb_module *policy_late(const char *attributes)
{
    struct xmb_module *m = xmb_fakehost_load(&policy_late_LTX_xmb_plugin);

    assert_non_null(m);
    assert_int_equal(xmb_fakehost_configure_with(m, attributes, ""), 0);
    return m;
}

static void test_late_by_timer(void **state)
{
    struct xmb_answer answer;

    (void)state;
    policy_late("by='timer' after='100ms'");
    assert_int_equal(authenticate(&answer), XMB_PENDING);
    xmb_fakehost_advance(99);
    assert_int_equal(answer.verdict, 0);
    xmb_fakehost_advance(1);
    assert_int_equal(answer.verdict, XMB_ALLOW);
    host->policy->principal_release(answer.principal);
}

static void test_late_by_thread(void **state)
{
    struct xmb_answer answer;
    int rc;

    (void)state;
    policy_late("by='thread' verdict='deny'");
    for (rc = authenticate(&answer); answer.verdict == 0;) /* the runner ends a hang */
        xmb_fakehost_run();
    assert_int_equal(answer.verdict, XMB_DENY);
    assert_in_range(rc, XMB_DENY, XMB_PENDING);
}

static void test_never(void **state)
{
    struct xmb_answer answer;

    (void)state;
    policy_late("by='never'");
    assert_int_equal(authenticate(&answer), XMB_PENDING);
    xmb_fakehost_advance(5000);
    assert_int_equal(answer.verdict, XMB_DENY);
    assert_int_equal(answer.reason, XMB_DENY_LATE);
}

static void test_schema(void **state)
{
    struct xmb_module *m = policy_late("by='now'");

    (void)state;
    assert_int_equal(xmb_fakehost_configure_with(m, "by='pigeon'", ""), XMB_ECONF);
    assert_true(strlen(xmb_fakehost_faults()) > 0);
    assert_int_equal(xmb_fakehost_check(m, "<child/>"), XMB_ECONF);
    assert_int_equal(xmb_fakehost_configure_with(m, "points='500'", ""), XMB_ECONF);
    assert_int_equal(xmb_fakehost_check(echo_module, "<child/>"), XMB_ECONF);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_octets),        TEST(test_refused),
        TEST(test_close),         TEST(test_pause),
        TEST(test_backpressure),  TEST(test_deadlines),
        TEST(test_sequences),     TEST(test_events),
        TEST(test_local_stands_before_learned),
        TEST(test_built_in_policy), TEST(test_late_by_timer),
        TEST(test_late_by_thread), TEST(test_never),
        TEST(test_schema),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
