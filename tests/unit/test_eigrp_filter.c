/* SPDX-License-Identifier: MIT */
/*
 * test_eigrp_filter.c - service lists and address lists of the SAF forwarder: what they let
 * through, what they may not say, and what names them without their being there.
 */
#include "eigrp_conf_rig.h"

static int allows(const struct se_conf *c, uint16_t service, uint16_t sub, uint32_t last,
                  uint32_t tag, uint32_t origin)
{
    struct xmb_service_id id = {service, sub, {1, 2, 3, last}};

    return se_service_list_allows(&c->service_lists[0], &id, tag, origin);
}

static void service_lists(void **state)
{
    const struct se_conf *c = eigrp_conf(
        "<service-list name='L'><deny service='101' subservice='2' instance='1.2.3.4'/>"
        "<allow service='101' instance='1.*.*.*' origin='192.0.2.9'/>"
        "<deny tag='7'/><allow service='0'/><allow tag='0' subservice='9'/></service-list>");
    const uint32_t nine = 0xc0000209;

    (void)state;
    assert_int_equal(c->service_lists[0].count, 5);
    assert_int_equal(allows(c, 101, 2, 4, 0, nine), 0);
    assert_int_equal(allows(c, 101, 2, 5, 7, nine), 1);
    assert_int_equal(allows(c, 101, 2, 5, 7, 1), 0);
    assert_int_equal(allows(c, 0, 5, 5, 7, nine), 0);
    assert_int_equal(allows(c, 0, 5, 5, 8, nine), 1);
    assert_int_equal(allows(c, 5, 9, 5, 0, nine), 1);
    assert_int_equal(allows(c, 5, 9, 5, 1, nine), 0); /* none matches */
    assert_int_equal(se_service_list_allows(NULL, &(struct xmb_service_id){0}, 0, 0), 1);
}

static int admits(const struct se_conf *c, uint8_t family, const uint8_t ip[16])
{
    struct xmb_addr a = {.family = family};

    memcpy(a.ip, ip, 16);
    return se_address_list_allows(&c->address_lists[0], &a);
}

static void address_lists(void **state)
{
    const struct se_conf *c = eigrp_conf(
        "<address-list name='L'><deny address='10.9.0.0/17'/><allow address='10.0.0.1/8'/>"
        "<allow address='2001:db8::/33'/><allow address='192.0.2.1/32'/></address-list>");

    (void)state;
    assert_int_equal(admits(c, 4, (const uint8_t[16]){10, 9, 127, 255}), 0);
    assert_int_equal(admits(c, 4, (const uint8_t[16]){10, 9, 128, 0}), 1);
    assert_int_equal(admits(c, 4, (const uint8_t[16]){11, 0, 0, 1}), 0);
    assert_int_equal(admits(c, 4, (const uint8_t[16]){192, 0, 2, 1}), 1);
    assert_int_equal(admits(c, 4, (const uint8_t[16]){192, 0, 2, 0}), 0);
    assert_int_equal(admits(c, 6, (const uint8_t[16]){0x20, 1, 0xd, 0xb8, 0x7f}), 1);
    assert_int_equal(admits(c, 6, (const uint8_t[16]){0x20, 1, 0xd, 0xb8, 0x80}), 0);
    assert_int_equal(admits(c, 6, (const uint8_t[16]){10, 1}), 0);
    assert_int_equal(se_address_list_allows(NULL, &(struct xmb_addr){.family = 4}), 1);
    c = eigrp_conf("<address-list name='L'/>");
    assert_int_equal(admits(c, 4, (const uint8_t[16]){10}), 0);
}

static void faults_of_lists(void **state)
{
    (void)state;
    eigrp_refused("<service-list name='a'>\n<allow instance='1.2.3'/></service-list>",
                  "3: attribute 'instance' of <allow> is '1.2.3'; expected four hexadecimal");
    eigrp_refused("<service-list name='a'><allow instance='1.2.3.4.5'/></service-list>", "2: ");
    eigrp_refused("<service-list name='a'><allow instance='1.2.3.ffffffff'/></service-list>",
                  "below ffffffff");
    eigrp_refused("<service-list name='a'><allow service='65535'/></service-list>",
                  "expected 0 to 65534");
    eigrp_refused("<service-list name='a'><deny subservice='65535'/></service-list>",
                  "expected 0 to 65534");
    eigrp_refused("<service-list name='a'><deny tag='4294967296'/></service-list>",
                  "expected 0 to 4294967295");
    eigrp_refused("<service-list name='a'><deny origin='::1'/></service-list>",
                  "a router id is written as an IPv4 address");
    eigrp_refused("<service-list name='a'/>\n\n<service-list name='a'/>",
                  "4: <service-list name=\"a\"> is here a second time; the first is in line 2");
    eigrp_refused("<address-list name='a'/>\n<address-list name='a'/>",
                  "3: <address-list name=\"a\"> is here a second time; the first is in line 2");
    eigrp_refused("<address-list name='a'>\n<allow address='10.0.0.0/33'/></address-list>",
                  "3: attribute 'address' of <allow> is '10.0.0.0/33'; expected a network");
    eigrp_refused("<address-list name='0123456789012345678901234567890123456789012345678901234567"
                  "890123'/>\n<address-list name='012345678901234567890123456789012345678901234567"
                  "8901234567890123'/>", "3: attribute 'name' of <address-list> has 64 octets; 1 "
                  "to 63 are allowed");
}

static void unknown_names(void **state)
{
    (void)state;
    eigrp_family_refused("<sf-interface name='a' inbound='x'/>",
                         "3: attribute 'inbound' of <sf-interface> is 'x', but there is no "
                         "<service-list> of that name");
    eigrp_family_refused("<topology outbound='x'/>", "3: attribute 'outbound' of <topology>");
    eigrp_family_refused("<remote-neighbors source='lo' mode='unicast-listen' allow-list='x'/>",
                         "3: attribute 'allow-list' of <remote-neighbors> is 'x', but there is no "
                         "<address-list> of that name");
    eigrp_family_refused("<sf-interface name='a'>\n<authentication key-chain='x'/></sf-interface>",
                         "4: attribute 'key-chain' of <authentication> is 'x', but there is no "
                         "<key-chain> of that name");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define T(f) cmocka_unit_test_setup_teardown(f, eigrp_conf_begin, eigrp_conf_end)
        T(service_lists), T(address_lists), T(faults_of_lists), T(unknown_names),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
