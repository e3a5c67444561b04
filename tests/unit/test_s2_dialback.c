/* SPDX-License-Identifier: MIT */
/*
 * test_s2_dialback.c - dialback keys against the published vectors (XEP-0185, XEP-0220), and what
 * is refused.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "dialback.h"

static struct s2_domain domain(const char *text)
{
    struct s2_domain d;

    assert_int_equal(s2_domain_read(xmb_str(text), &d), 0);
    return d;
}

static struct s2_secret secret(const char *text)
{
    struct s2_secret s;

    assert_int_equal(s2_secret_set(xmb_str(text), &s), 0);
    return s;
}

static void gives(const char *text, const char *target, const char *sender, const char *id,
                  const char *expected)
{
    struct s2_secret s = secret(text);
    struct s2_domain t = domain(target);
    struct s2_domain f = domain(sender);
    char key[S2_KEY_HEX + 1] = "";

    assert_int_equal(s2_dialback_key(&s, &t, &f, xmb_str(id), key), 0);
    assert_string_equal(key, expected);
    assert_int_equal(s2_dialback_check(&s, &t, &f, xmb_str(id), xmb_str(expected)), 1);
}

static void test_vectors(void **state)
{
    struct s2_secret s = secret("s3cr3tf0rd14lb4ck");

    (void)state;
    assert_memory_equal(s.hex, "a7136eb1f46c9ef18c5e78c36ca257067c69b3d518285f0b18a96c33beae9acc",
                        S2_KEY_HEX);
    gives("s3cr3tf0rd14lb4ck", "montague.example", "capulet.example", "D60000229F",
          "b4835385f37fe2895af6c196b59097b16862406db80559900d96bf6fa7d23df3");
    gives("d14lb4ck43v3r", "capulet.example", "montague.example", "417GAF25",
          "225cc5aa6a071133249d25fef42ae516fc7a86c523aa1c6980a7f73e784c972d");
    gives("s3cr3tf0rd14lb4ck", "xmpp.example.com", "example.org", "D60000229F",
          "37c69b1cf07a3f67c04a5ef5902fa5114f2c76fe4a2686482ba5b89323075643");
}

static void test_check(void **state)
{
    static const char good[] = "b4835385f37fe2895af6c196b59097b16862406db80559900d96bf6fa7d23df3";
    struct s2_secret s = secret("s3cr3tf0rd14lb4ck");
    struct s2_domain t = domain("Montague.Example.");
    struct s2_domain f = domain("capulet.example");
    struct xmb_str id = XMB_STR("D60000229F");
    char key[80];

    (void)state;
    strcpy(key, " \n");
    strcat(strcat(key, good), "\r\n\t");
    assert_int_equal(s2_dialback_check(&s, &t, &f, id, xmb_str(key)), 1);
    assert_int_equal(s2_dialback_check(&s, &f, &t, id, xmb_str(good)), 0);
    assert_int_equal(s2_dialback_check(&s, &t, &f, XMB_STR("D60000229E"), xmb_str(good)), 0);
    assert_int_equal(s2_dialback_check(&s, &t, &f, id, xmb_str_n(good, 63)), 0);
    assert_int_equal(s2_dialback_check(&s, &t, &f, id, xmb_str(NULL)), 0);
    strcpy(key, good);
    key[63] ^= 1;
    assert_int_equal(s2_dialback_check(&s, &t, &f, id, xmb_str(key)), 0);
}

/* What would make the text that is hashed ambiguous. */
static void test_refused(void **state)
{
    struct s2_secret s = secret("x");
    struct s2_domain t = domain("a.test");
    struct s2_domain none = {0};
    char key[S2_KEY_HEX];
    char id[2000];

    (void)state;
    memset(id, 'i', sizeof(id));
    assert_int_equal(s2_dialback_key(&s, &t, &t, xmb_str(NULL), key), XMB_EINVAL);
    assert_int_equal(s2_dialback_key(&s, &t, &t, XMB_STR("a b"), key), XMB_EINVAL);
    assert_int_equal(s2_dialback_key(&s, &t, &t, xmb_str_n(id, sizeof(id)), key), XMB_EINVAL);
    assert_int_equal(s2_dialback_key(&s, &t, &none, XMB_STR("i"), key), XMB_EINVAL);
    assert_int_equal(s2_dialback_key(&s, &none, &t, XMB_STR("i"), key), XMB_EINVAL);
    assert_int_equal(s2_secret_set(xmb_str(""), &s), XMB_EINVAL);
}

static void test_random(void **state)
{
    struct s2_secret a;
    struct s2_secret b;
    char first[S2_ID + 1];
    char second[S2_ID + 1];

    (void)state;
    assert_int_equal(s2_secret_random(&a), 0);
    assert_int_equal(s2_secret_random(&b), 0);
    assert_memory_not_equal(&a, &b, sizeof(a));
    assert_int_equal(s2_stream_id(first), 0);
    assert_int_equal(s2_stream_id(second), 0);
    assert_int_equal(strlen(first), S2_ID);
    assert_int_equal(strspn(first, "0123456789abcdef"), S2_ID);
    assert_string_not_equal(first, second);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_vectors),
        cmocka_unit_test(test_check),
        cmocka_unit_test(test_refused),
        cmocka_unit_test(test_random),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
