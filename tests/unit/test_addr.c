/* SPDX-License-Identifier: MIT */
/*
 * test_addr.c - addresses to text and to sockaddr and back.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <net/if.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>

#include "conn/conn.h"

static struct xmb_addr v4(const char *text, uint16_t port)
{
    struct xmb_addr a = {.family = 4, .port = port};

    assert_int_equal(inet_pton(AF_INET, text, a.ip), 1);
    return a;
}

static struct xmb_addr v6(const char *text, uint16_t port, uint32_t scope)
{
    struct xmb_addr a = {.family = 6, .port = port, .scope = scope};

    assert_int_equal(inet_pton(AF_INET6, text, a.ip), 1);
    return a;
}

static void assert_text(struct xmb_addr a, const char *expected)
{
    char text[XMB_ADDR_TEXT_MAX];

    assert_string_equal(addr_text(&a, text, sizeof(text)), expected);
}

static void texts(void **state)
{
    (void)state;
    assert_text(v4("192.0.2.1", 80), "192.0.2.1:80");
    assert_text(v4("192.0.2.1", 0), "192.0.2.1");
    assert_text(v6("2001:db8::1", 80, 0), "[2001:db8::1]:80");
    assert_text(v6("2001:db8::1", 0, 0), "2001:db8::1");
    assert_text(v6("fe80::1", 65535, if_nametoindex("lo")), "[fe80::1%lo]:65535");
    assert_text(v6("fe80::1", 0, 4000000000), "fe80::1%4000000000");
    assert_text((struct xmb_addr){0}, "none");
}

static void longest_text_fits(void **state)
{
    struct xmb_addr a = v6("1111:2222:3333:4444:5555:6666:7777:8888", 65535, 4294967295);
    char text[256];

    (void)state;
    assert_true(strlen(addr_text(&a, text, sizeof(text))) < XMB_ADDR_TEXT_MAX);
}

static void text_is_cut(void **state)
{
    struct xmb_addr a = v4("192.0.2.1", 80);
    char text[8] = "zzzzzzz";

    (void)state;
    assert_string_equal(addr_text(&a, text, 6), "192.0");
    assert_int_equal(text[6], 'z');
    assert_ptr_equal(addr_text(&a, text, 0), text);
    assert_string_equal(text, "192.0");
}

static void assert_round_trip(struct xmb_addr a, size_t expected_size)
{
    struct sockaddr_storage sa;
    struct xmb_addr back;

    memset(&back, 0xff, sizeof(back));
    assert_int_equal(addr_to_sockaddr(&a, &sa), expected_size);
    addr_from_sockaddr(&back, (struct sockaddr *)&sa);
    assert_memory_equal(&a, &back, sizeof(a));
}

static void sockaddrs(void **state)
{
    struct sockaddr_storage sa;
    struct xmb_addr none = {0};

    (void)state;
    assert_round_trip(v4("192.0.2.1", 4788), sizeof(struct sockaddr_in));
    assert_round_trip(v6("fe80::1", 4788, 3), sizeof(struct sockaddr_in6));
    assert_int_equal(addr_to_sockaddr(&none, &sa), 0);
}

/* One way to write an IPv4 address, or allow lists could be walked around. */
static void mapped_is_ipv4(void **state)
{
    struct xmb_addr mapped = v6("::ffff:192.0.2.1", 80, 0), plain = v4("192.0.2.1", 80), back;
    struct sockaddr_storage sa;

    (void)state;
    addr_to_sockaddr(&mapped, &sa);
    addr_from_sockaddr(&back, (struct sockaddr *)&sa);
    assert_memory_equal(&back, &plain, sizeof(back));
}

static void other_families_are_none(void **state)
{
    struct sockaddr sa = {.sa_family = AF_UNIX};
    struct xmb_addr a;

    (void)state;
    addr_from_sockaddr(&a, &sa);
    assert_int_equal(a.family, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(texts),          cmocka_unit_test(longest_text_fits),
        cmocka_unit_test(text_is_cut),    cmocka_unit_test(sockaddrs),
        cmocka_unit_test(mapped_is_ipv4), cmocka_unit_test(other_families_are_none),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
