/* SPDX-License-Identifier: MIT */
/*
 * test_eigrp_announce.c - the XMPP domains of the configuration as services in the registry: at the
 * start, at a reload, and when the registry cannot or will not.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "announce.h"
#include "eigrp_domain_rig.h"

#define AS 1228
#define ANNOUNCED_MAX 600

static struct se_announcer *announcer;

/* The configuration of a test: filled anew for each reload, so nothing may keep pointing to it. */
static struct se_announce_conf announced[2][ANNOUNCED_MAX];
static struct se_family_conf families[2];
static struct se_conf conf = {.families = families, .family_count = 2};

static void clear(void)
{
    size_t i, k;

    for (i = 0; i < 2; i++) {
        for (k = 0; k < families[i].announced_count; k++)
            free(announced[i][k].domain);
        memset(&families[i], 0, sizeof(families[i]));
        memset(announced[i], 0xa5, sizeof(announced[i]));
        families[i].family = i == 0 ? 4 : 6;
        families[i].as_number = AS;
        families[i].announced = announced[i];
    }
}

static void announce(unsigned family, const char *domain, const char *ip, uint16_t port,
                     uint16_t priority)
{
    struct se_announce_conf *a = &announced[family][families[family].announced_count++];

    memset(a, 0, sizeof(*a));
    a->domain = strdup(domain);
    assert_non_null(a->domain);
    a->addr = rig_addr(ip, port);
    a->priority = priority;
}

/* Puts into force what was said since clear. */
static void configure(void)
{
    se_announcer_configure(announcer, &conf);
    clear();
    xmb_fakehost_run();
}

static int begin(void **state)
{
    (void)state;
    rig_open();
    clear();
    return se_announcer_new(xmb_fakehost_host(), rig_module, xmb_fakehost_worker(), &announcer);
}

static int end(void **state)
{
    (void)state;
    se_announcer_free(announcer);
    xmb_fakehost_run();
    assert_int_equal(xmb_fakehost_services(0), 0);
    clear();
    rig_close();
    return 0;
}

/* This host's identity of `domain`. */
static struct xmb_service_id id_of(const char *domain, const char *ip, uint16_t port)
{
    struct xmb_addr addr = rig_addr(ip, port);
    char host_name[256] = "";

    assert_int_equal(gethostname(host_name, sizeof(host_name) - 1), 0);
    return rig_id(domain, &addr, host_name);
}

static const struct xmb_service *service(const char *domain, const char *ip, uint16_t port)
{
    struct xmb_service_id id = id_of(domain, ip, port);

    return xmb_fakehost_service(AS, &id);
}

static uint64_t version(const char *domain, const char *ip, uint16_t port)
{
    const struct xmb_service *s = service(domain, ip, port);

    return s != NULL ? s->version : 0;
}

/* --- what is published ------------------------------------------------------------------------ */

static void test_published(void **state)
{
    const struct xmb_service *s;
    struct xmb_addr addr = rig_addr("192.0.2.1", 5270);

    (void)state;
    assert_int_equal(xmb_fakehost_services(0), 0);
    announce(0, "a.example", "192.0.2.1", 5270, 10);
    announced[0][0].weight = 3;
    announced[0][0].is_tls = 1;
    configure();
    assert_int_equal(xmb_fakehost_services(0), 1);
    s = service("a.example", "192.0.2.1", 5270);
    assert_non_null(s);
    assert_int_equal(s->ip_protocol, 6);
    assert_int_equal(s->flags, 0);
    assert_memory_equal(&s->addr, &addr, sizeof(addr));
    assert_true(xmb_str_eq(s->owner_name, XMB_STR("saf-eigrp")));
    assert_true(xmb_str_eq(s->data, XMB_STR(
        "<xmpp-domain xmlns=\"urn:xmb:saf:xmpp-domain:1\" name=\"a.example\" priority=\"10\" "
        "weight=\"3\" tls=\"yes\"/>")));
}

/* What one broker announces the other makes a route of. */
static void test_both_ends(void **state)
{
    struct se_domains *domains = se_domains_new(xmb_fakehost_host(), rig_module);
    const struct xmb_service *s;
    struct rig_process process;
    struct se_content *c;

    (void)state;
    rig_process(&process, AS, 1);
    announce(0, "a.example", "2001:db8::5", 5269, 10);
    configure();
    s = service("a.example", "2001:db8::5", 5269);
    assert_non_null(s);
    c = rig_content(s->data, &s->addr, (uint16_t)s->ip_protocol);
    se_domains_learned(domains, &process.process, &s->id, c);
    assert_string_equal(rig_routes("a.example"), "2001:db8::5:5269 10/0, ");
    se_content_free(c);
    se_domains_free(domains);
}

static void test_reload(void **state)
{
    uint64_t a, b, c;

    (void)state;
    announce(0, "a.example", "192.0.2.1", 5269, 10);
    announce(0, "b.example", "192.0.2.1", 5269, 10);
    announce(0, "c.example", "192.0.2.1", 5269, 10);
    configure();
    a = version("a.example", "192.0.2.1", 5269);
    b = version("b.example", "192.0.2.1", 5269);
    c = version("c.example", "192.0.2.1", 5269);
    assert_true(a > 0 && b > 0 && c > 0);

    announce(0, "d.example", "192.0.2.1", 5269, 10);
    announce(0, "c.example", "192.0.2.2", 5269, 10);
    announce(0, "b.example", "192.0.2.1", 5269, 20);
    announce(0, "a.example", "192.0.2.1", 5269, 10);
    configure();
    assert_int_equal(version("a.example", "192.0.2.1", 5269), a); /* not touched */
    assert_true(version("b.example", "192.0.2.1", 5269) > b);
    assert_int_equal(service("b.example", "192.0.2.1", 5269)->sequence, 2);
    assert_null(service("c.example", "192.0.2.1", 5269)); /* another address, another identity */
    assert_non_null(service("c.example", "192.0.2.2", 5269));
    assert_non_null(service("d.example", "192.0.2.1", 5269));
    assert_int_equal(xmb_fakehost_services(0), 4);

    configure();
    assert_int_equal(xmb_fakehost_services(0), 0);
    announce(0, "a.example", "192.0.2.1", 5269, 10);
    configure();
    assert_non_null(service("a.example", "192.0.2.1", 5269));
}

/* The data of the service has `part` in it. Data is not terminated. */
static int says(const struct xmb_service *s, const char *part)
{
    return memmem(s->data.p, s->data.n, part, strlen(part)) != NULL;
}

/* Reloads that follow each other before the registry has answered. */
static void test_overtaken(void **state)
{
    (void)state;
    announce(0, "a.example", "192.0.2.1", 5269, 10);
    se_announcer_configure(announcer, &conf);
    clear();
    se_announcer_configure(announcer, &conf); /* gone, while the publish is on its way */
    announce(0, "a.example", "192.0.2.1", 5269, 30);
    se_announcer_configure(announcer, &conf); /* and there again, with something else */
    clear();
    xmb_fakehost_run();
    assert_int_equal(xmb_fakehost_services(0), 1);
    assert_true(says(service("a.example", "192.0.2.1", 5269), "priority=\"30\""));

    se_announcer_configure(announcer, &conf); /* gone */
    announce(0, "a.example", "192.0.2.1", 5269, 30);
    configure(); /* there again, while the unpublish is on its way */
    assert_int_equal(xmb_fakehost_services(0), 1);
    se_announcer_configure(announcer, &conf);
    xmb_fakehost_run();
    assert_int_equal(xmb_fakehost_services(0), 0);
}

/* Families of one autonomous system spread the same services. */
static void test_families(void **state)
{
    (void)state;
    announce(0, "a.example", "192.0.2.1", 5269, 10);
    announce(1, "a.example", "192.0.2.1", 5269, 10);
    announce(1, "a.example", "2001:db8::1", 5269, 10);
    configure();
    assert_int_equal(xmb_fakehost_services(AS), 2);
    assert_null(strstr(xmb_fakehost_log(), "twice"));

    announce(0, "a.example", "192.0.2.1", 5269, 20);
    announce(1, "a.example", "192.0.2.1", 5269, 30);
    configure();
    assert_int_equal(xmb_fakehost_services(AS), 1);
    assert_true(says(service("a.example", "192.0.2.1", 5269), "priority=\"20\""));
    assert_non_null(strstr(xmb_fakehost_log(), "a.example: it is announced twice"));

    families[1].as_number = AS + 1;
    announce(0, "a.example", "192.0.2.1", 5269, 20);
    announce(1, "a.example", "192.0.2.1", 5269, 30);
    configure();
    assert_int_equal(xmb_fakehost_services(AS), 1);
    assert_int_equal(xmb_fakehost_services(AS + 1), 1);

    families[0].is_shutdown = 1;
    announce(0, "a.example", "192.0.2.1", 5269, 20);
    configure();
    assert_int_equal(xmb_fakehost_services(0), 0);
}

/* Two brokers behind one address are two announcements: the router id tells them apart. */
static void test_router_id(void **state)
{
    struct xmb_service_id id = id_of("a.example", "192.0.2.1", 5269);

    (void)state;
    families[0].has_router_id = 1;
    families[0].router_id = 0x0a000001;
    announce(0, "a.example", "192.0.2.1", 5269, 10);
    configure();
    assert_int_equal(xmb_fakehost_services(AS), 1);
    assert_null(xmb_fakehost_service(AS, &id));
}

/* A name that is none does not keep the others away. */
static void test_bad_name(void **state)
{
    (void)state;
    announce(0, "192.0.2.1", "192.0.2.1", 5269, 10);
    announce(0, "a.example", "192.0.2.1", 5269, 10);
    configure();
    assert_int_equal(xmb_fakehost_services(AS), 1);
    assert_non_null(strstr(xmb_fakehost_log(), "192.0.2.1: it is no domain name in ASCII"));
}

/* --- the registry ----------------------------------------------------------------------------- */

static void test_again(void **state)
{
    (void)state;
    announce(0, "a.example", "192.0.2.1", 5269, 10);
    announce(0, "b.example", "192.0.2.1", 5269, 10);
    xmb_fakehost_registry_error(XMB_EAGAIN);
    configure();
    xmb_fakehost_advance(1000);
    assert_int_equal(xmb_fakehost_services(0), 0);
    xmb_fakehost_registry_error(0);
    xmb_fakehost_advance(100);
    assert_int_equal(xmb_fakehost_services(0), 2);

    xmb_fakehost_registry_error(XMB_EAGAIN);
    announce(0, "b.example", "192.0.2.1", 5269, 11);
    configure();
    assert_int_equal(xmb_fakehost_services(0), 2);
    xmb_fakehost_registry_error(0);
    xmb_fakehost_advance(100);
    assert_int_equal(xmb_fakehost_services(0), 1);
    assert_int_equal(service("b.example", "192.0.2.1", 5269)->sequence, 2);
}

static unsigned lines_with(const char *part)
{
    const char *at = xmb_fakehost_log();
    unsigned n = 0;

    for (; (at = strstr(at, part)) != NULL; at += strlen(part))
        n++;
    return n;
}

static void ignore(void *arg, uint64_t tag, const struct xmb_publish_result *result)
{
    (void)arg;
    (void)tag;
    assert_int_equal(result->status, 0);
}

static const struct xmb_owner_ops client_ops = {.size = sizeof(client_ops), .done = ignore};

/* A client of `name` has published what we announce. */
static struct xmb_owner *client(const char *name, uint32_t sequence)
{
    const struct xmb_host *host = xmb_fakehost_host();
    const struct xmb_publish p = {
        .size = sizeof(p),
        .domain = AS,
        .id = id_of("a.example", "192.0.2.1", 5269),
        .sequence = sequence,
    };
    struct xmb_owner *o;

    assert_int_equal(host->service->owner_open(xmb_fakehost_worker(), rig_module, xmb_str(name), 0,
                                               &client_ops, NULL, &o), 0);
    assert_int_equal(host->service->publish(o, &p, 0), 0);
    xmb_fakehost_run();
    return o;
}

/* Who has it is not pushed aside; when it goes, ours comes. */
static void test_held_by_another(void **state)
{
    struct xmb_owner *o = client("somebody", 7);

    (void)state;
    announce(0, "a.example", "192.0.2.1", 5269, 10);
    announce(0, "b.example", "192.0.2.1", 5269, 10);
    configure();
    assert_int_equal(service("a.example", "192.0.2.1", 5269)->data.n, 0);
    assert_non_null(service("b.example", "192.0.2.1", 5269));
    xmb_fakehost_advance(100000);
    assert_int_equal(service("a.example", "192.0.2.1", 5269)->data.n, 0);
    assert_int_equal(lines_with("another client has published the same service"), 1);
    xmb_fakehost_host()->service->owner_close(o, XMB_GONE_SOURCE);
    xmb_fakehost_advance(30000);
    assert_int_not_equal(service("a.example", "192.0.2.1", 5269)->data.n, 0);
}

/* Refused, and then no longer wanted: nobody asks for it any more. */
static void test_refused_and_gone(void **state)
{
    struct xmb_owner *o = client("somebody", 7);

    (void)state;
    announce(0, "a.example", "192.0.2.1", 5269, 10);
    configure();
    configure();
    xmb_fakehost_host()->service->owner_close(o, XMB_GONE_SOURCE);
    xmb_fakehost_advance(100000);
    assert_int_equal(xmb_fakehost_services(0), 0);
}

/* A client of our name: its numbers are passed, and what it takes is taken back later. */
static void test_same_name(void **state)
{
    struct xmb_owner *first = client("saf-eigrp", 7), *second;

    (void)state;
    announce(0, "a.example", "192.0.2.1", 5269, 10);
    configure();
    assert_int_equal(service("a.example", "192.0.2.1", 5269)->sequence, 8);
    second = client("saf-eigrp", 20);
    assert_int_equal(service("a.example", "192.0.2.1", 5269)->data.n, 0);
    assert_int_equal(lines_with("took it over"), 1);
    xmb_fakehost_advance(30000);
    assert_int_not_equal(service("a.example", "192.0.2.1", 5269)->data.n, 0);
    assert_int_equal(service("a.example", "192.0.2.1", 5269)->sequence, 21);
    xmb_fakehost_host()->service->owner_close(first, XMB_GONE_SOURCE);
    xmb_fakehost_host()->service->owner_close(second, XMB_GONE_SOURCE);
    xmb_fakehost_run();
}

static void test_many(void **state)
{
    char name[32];
    unsigned i;

    (void)state;
    for (i = 0; i < ANNOUNCED_MAX; i++) {
        snprintf(name, sizeof(name), "d%u.example", i);
        announce(0, name, "192.0.2.1", 5269, 10);
    }
    configure();
    assert_int_equal(xmb_fakehost_services(AS), ANNOUNCED_MAX);
    for (i = 0; i < ANNOUNCED_MAX; i += 3) {
        snprintf(name, sizeof(name), "d%u.example", i);
        announce(0, name, "192.0.2.1", 5269, 10);
    }
    configure();
    assert_int_equal(xmb_fakehost_services(AS), ANNOUNCED_MAX / 3);
    assert_int_equal(service("d3.example", "192.0.2.1", 5269)->sequence, 1);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_published), TEST(test_both_ends), TEST(test_reload), TEST(test_overtaken),
        TEST(test_families), TEST(test_router_id), TEST(test_bad_name), TEST(test_again),
        TEST(test_held_by_another), TEST(test_refused_and_gone), TEST(test_same_name),
        TEST(test_many),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
