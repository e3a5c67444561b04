/* SPDX-License-Identifier: MIT */
/*
 * test_type7.c - decoding of passwords of type 7: known ones, the ring's end, and text that
 * is not one.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "type7.h"

static void decodes(const char *text, const char *password)
{
    char out[256];

    assert_int_equal(type7_decode(text, out, sizeof(out)), (int)strlen(password));
    assert_string_equal(out, password);
}

static void refuses(const char *text)
{
    char out[256];

    memset(out, 'x', sizeof(out));
    assert_int_equal(type7_decode(text, out, sizeof(out)), -1);
    assert_int_equal(out[0], '\0');
}

static void test_known(void **state)
{
    (void)state;
    decodes("0822455D0A16", "cisco");
    decodes("02050D480809", "cisco");
    decodes("060506324F41", "cisco");
    decodes("070c285f4d06", "cisco");
    decodes("09404B0E18060E5F1B0D17393C2B3A37", "legacy-password");
}

/* 62 octets from place 15 go once round the ring of 53. */
static void test_round_the_ring(void **state)
{
    (void)state;
    decodes("151E0E0B0529326938322631040804074C595F15405D1617015B4D4F581E51"
            "5D55195A05135D45175E120C5A1F4B"
            "082E495D440B0A021C0F4110222E693A3A",
            "legacy-password-of-sixty-two-characters-that-goes-round-the-ri");
}

static void test_not_one(void **state)
{
    (void)state;
    refuses("");
    refuses("0");
    refuses("08");
    refuses("082");
    refuses("0822455D0A1"); /* half an octet */
    refuses("0822455D0A1G"); /* no hex digit */
    refuses("x822455D0A16"); /* no place */
    refuses("5322455D0A16"); /* beyond the ring */
    refuses("0841"); /* a NUL: place 8 of the ring is an A */
}

static void test_bound(void **state)
{
    char out[6];

    (void)state;
    assert_int_equal(type7_decode("0822455D0A16", out, sizeof(out)), 5);
    assert_int_equal(type7_decode("0822455D0A16", out, sizeof(out) - 1), -1);
    assert_int_equal(type7_decode("0822455D0A16", out, 0), -1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_known),
        cmocka_unit_test(test_round_the_ring),
        cmocka_unit_test(test_not_one),
        cmocka_unit_test(test_bound),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
