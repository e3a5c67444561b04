/* SPDX-License-Identifier: MIT */
/*
 * test_dns_srv_wire.c - what libunbound hands out, good and broken, as the dns-srv plugin reads it.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <unbound.h>

#include "wire.h"

#define RECORDS_MAX 64

/* An answer under construction; records are copied into heap blocks of their exact length. */
static struct {
    struct ub_result result;
    char *data[RECORDS_MAX + 1];
    int len[RECORDS_MAX + 1];
    int count;
} made;

static int begin(void **state)
{
    (void)state;
    memset(&made, 0, sizeof(made));
    made.result.data = made.data;
    made.result.len = made.len;
    made.result.ttl = 300;
    return 0;
}

static int end(void **state)
{
    (void)state;
    while (made.count > 0)
        free(made.data[--made.count]);
    return 0;
}

static void record(const void *p, size_t n)
{
    assert_true(made.count < RECORDS_MAX);
    made.data[made.count] = malloc(n > 0 ? n : 1);
    assert_non_null(made.data[made.count]);
    memcpy(made.data[made.count], p, n);
    made.len[made.count++] = (int)n;
    made.result.havedata = 1;
}

/* "a.b" in wire form; returns its length. */
static size_t wire_name(const char *text, uint8_t *out)
{
    size_t n = 0;

    while (*text != '\0') {
        size_t label = strcspn(text, ".");

        out[n++] = (uint8_t)label;
        memcpy(out + n, text, label);
        n += label;
        text += label + (text[label] == '.');
    }
    out[n++] = 0;
    return n;
}

static void srv(uint16_t priority, uint16_t weight, uint16_t port, const char *target)
{
    uint8_t p[300] = {(uint8_t)(priority >> 8), (uint8_t)priority, (uint8_t)(weight >> 8),
                      (uint8_t)weight, (uint8_t)(port >> 8), (uint8_t)port};

    record(p, 6 + wire_name(target, p + 6));
}

/* --- outcomes -------------------------------------------------------------------------------- */

static enum dsrv_outcome outcome(int error, const struct ub_result *r)
{
    struct dsrv_srv s;
    struct dsrv_addrs a;
    struct dsrv_tlsas t;

    dsrv_read_srv(error, r, &s);
    dsrv_read_addrs(error, r, 4, &a);
    dsrv_read_tlsas(error, r, &t);
    assert_int_equal(s.outcome, a.outcome);
    assert_int_equal(s.outcome, t.outcome);
    return s.outcome;
}

static void test_outcomes(void **state)
{
    (void)state;
    assert_int_equal(outcome(UB_SERVFAIL, NULL), DSRV_FAILED);
    assert_int_equal(outcome(0, NULL), DSRV_FAILED);
    assert_int_equal(outcome(0, &made.result), DSRV_NONE);
    made.result.rcode = 3;
    made.result.nxdomain = 1;
    assert_int_equal(outcome(0, &made.result), DSRV_NONE);
    made.result.rcode = 2;
    made.result.nxdomain = 0;
    assert_int_equal(outcome(0, &made.result), DSRV_FAILED);
    made.result.rcode = 5;
    assert_int_equal(outcome(0, &made.result), DSRV_FAILED);
    made.result.bogus = 1;
    assert_int_equal(outcome(0, &made.result), DSRV_BOGUS);
    srv(1, 1, 1, "a.example");
    made.result.rcode = 0;
    assert_int_equal(outcome(0, &made.result), DSRV_BOGUS);
}

static void test_secure_and_ttl(void **state)
{
    struct dsrv_srv s;

    (void)state;
    srv(1, 1, 1, "a.example");
    made.result.secure = 1;
    dsrv_read_srv(0, &made.result, &s);
    assert_int_equal(s.secure, 1);
    assert_int_equal(s.ttl_s, 300);
    made.result.bogus = 1;
    made.result.ttl = -1;
    dsrv_read_srv(0, &made.result, &s);
    assert_int_equal(s.secure, 0);
    assert_int_equal(s.ttl_s, 0);
}

/* --- names ----------------------------------------------------------------------------------- */

static int name(const void *p, size_t n, char *out)
{
    uint8_t *exact = malloc(n > 0 ? n : 1);
    int rc;

    assert_non_null(exact);
    memcpy(exact, p, n);
    rc = dsrv_read_name(exact, n, out);
    free(exact);
    return rc;
}

static void test_names(void **state)
{
    char out[XMB_DOMAIN_NAME_MAX + 1];
    uint8_t p[300];
    size_t n;

    (void)state;
    n = wire_name("XMPP.a-b.Example", p);
    assert_int_equal(name(p, n, out), 0);
    assert_string_equal(out, "xmpp.a-b.example");
    assert_int_equal(name("", 1, out), 0);
    assert_string_equal(out, "");
    assert_int_equal(name(p, n - 1, out), XMB_EINVAL); /* no end */
    assert_int_equal(name(p, n - 2, out), XMB_EINVAL); /* a label cut off */
    assert_int_equal(name(p, 0, out), XMB_EINVAL);
    assert_int_equal(name("\xc0\x0c", 3, out), XMB_EINVAL); /* a pointer */
    assert_int_equal(name("\x01*", 3, out), XMB_EINVAL);
    assert_int_equal(name("\x03" "a.b", 5, out), XMB_EINVAL);
    assert_int_equal(name("\x02" "a\0", 4, out), XMB_EINVAL);
    assert_int_equal(name("\x02-a", 4, out), XMB_EINVAL);
    assert_int_equal(name("\x02" "a-", 4, out), XMB_EINVAL);
}

/* 253 octets of text are the most. */
static void test_long_names(void **state)
{
    char out[XMB_DOMAIN_NAME_MAX + 1];
    char text[400];
    uint8_t p[400];
    size_t last;

    (void)state;
    for (last = 55; last <= 63; last++) {
        size_t n = (size_t)sprintf(text, "%063d.%063d.%063d.%0*d", 1, 2, 3, (int)last, 4);

        n = wire_name(text, p);
        if (last <= 61) {
            assert_int_equal(name(p, n, out), 0);
            assert_string_equal(out, text);
        } else {
            assert_int_equal(name(p, n, out), XMB_EINVAL);
        }
    }
    memset(p, 1, sizeof(p));
    assert_int_equal(name(p, sizeof(p), out), XMB_EINVAL);
}

/* --- SRV ------------------------------------------------------------------------------------- */

static void test_srv(void **state)
{
    struct dsrv_srv s;

    (void)state;
    srv(20, 1, 5269, "late.example");
    srv(10, 2, 5270, "First.example");
    srv(10, 3, 5271, "second.example");
    record("\0\1\0\1\0", 5);              /* too short */
    record("\0\1\0\1\0\1", 6);            /* no name */
    srv(1, 1, 0, "port0.example");
    srv(1, 1, 5269, "b*d.example");
    srv(1, 1, 5269, "");                  /* "." beside others */
    dsrv_read_srv(0, &made.result, &s);
    assert_int_equal(s.outcome, DSRV_DATA);
    assert_int_equal(s.refused, 0);
    assert_int_equal(s.count, 3);
    assert_string_equal(s.target[0].host, "first.example");
    assert_int_equal(s.target[0].priority, 10);
    assert_int_equal(s.target[0].weight, 2);
    assert_int_equal(s.target[0].port, 5270);
    assert_string_equal(s.target[1].host, "second.example");
    assert_string_equal(s.target[2].host, "late.example");
}

static void test_srv_refused(void **state)
{
    struct dsrv_srv s;

    (void)state;
    srv(0, 0, 0, "");
    dsrv_read_srv(0, &made.result, &s);
    assert_int_equal(s.outcome, DSRV_DATA);
    assert_int_equal(s.refused, 1);
    assert_int_equal(s.count, 0);
}

/* Of more than there is room for, those of lowest priority, in the order that they came. */
static void test_srv_many(void **state)
{
    struct dsrv_srv s;
    char host[32];
    uint32_t i;

    (void)state;
    for (i = 0; i < 40; i++) {
        snprintf(host, sizeof(host), "h%u.example", i);
        srv((uint16_t)(100 - i / 10), 0, 5269, host); /* priorities 100, 99, 98, 97 */
    }
    dsrv_read_srv(0, &made.result, &s);
    assert_int_equal(s.count, DSRV_TARGETS_MAX);
    for (i = 0; i < DSRV_TARGETS_MAX; i++) {
        snprintf(host, sizeof(host), "h%u.example", i < 10 ? 30 + i : 20 + i - 10);
        assert_string_equal(s.target[i].host, host);
        assert_int_equal(s.target[i].priority, i < 10 ? 97 : 98);
    }
}

/* --- addresses, TLSA ------------------------------------------------------------------------- */

static void test_addresses(void **state)
{
    struct dsrv_addrs a;
    uint32_t i;

    (void)state;
    record("\xc0\0\2", 3);
    for (i = 0; i < 12; i++)
        record((uint8_t[]){192, 0, 2, (uint8_t)i}, 4);
    dsrv_read_addrs(0, &made.result, 4, &a);
    assert_int_equal(a.outcome, DSRV_DATA);
    assert_int_equal(a.family, 4);
    assert_int_equal(a.count, DSRV_ADDRS_MAX);
    for (i = 0; i < a.count; i++)
        assert_memory_equal(a.ip[i], ((uint8_t[16]){192, 0, 2, (uint8_t)i}), 16);
    dsrv_read_addrs(0, &made.result, 6, &a); /* none has 16 octets */
    assert_int_equal(a.outcome, DSRV_FAILED);
    assert_int_equal(a.count, 0);
}

static void test_tlsa(void **state)
{
    struct dsrv_tlsas t;
    int i;

    (void)state;
    record("\3\1\1", 3); /* no data */
    record("\3\1\1abcd", 7);
    record("\2\0\2x", 4);
    dsrv_read_tlsas(0, &made.result, &t);
    assert_int_equal(t.outcome, DSRV_DATA);
    assert_int_equal(t.count, 2);
    assert_int_equal(t.record[0].size, sizeof(struct xmb_tlsa));
    assert_int_equal(t.record[0].usage, 3);
    assert_int_equal(t.record[0].selector, 1);
    assert_int_equal(t.record[0].matching, 1);
    assert_int_equal(t.record[0].data.n, 4);
    assert_memory_equal(t.record[0].data.p, "abcd", 4);
    assert_int_equal(t.record[1].usage, 2);
    for (i = 0; i < 40; i++)
        record("\3\1\1abcd", 7);
    dsrv_read_tlsas(0, &made.result, &t);
    assert_int_equal(t.count, XMB_TLSA_MAX);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_outcomes), TEST(test_secure_and_ttl), TEST(test_names), TEST(test_long_names),
        TEST(test_srv), TEST(test_srv_refused), TEST(test_srv_many), TEST(test_addresses),
        TEST(test_tlsa),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
