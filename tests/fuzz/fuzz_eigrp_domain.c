/* SPDX-License-Identifier: MIT */
/*
 * fuzz_eigrp_domain.c - announced XMPP domains, as neighbours may send them.
 *
 * The input is lines, each an event: an octet that says which, an octet for the address and who
 * announces, and data. Beyond "no crash": what was read is a name and can be written and read again
 * with the same result; there are never more routes than announcements; only a domain whose name
 * fits the identity gets a route; and when all processes have forgotten, nothing is left.
 */
#include <stdlib.h>

#include "eigrp_domain_rig.h"
#include "fuzz_input.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { OTHER_PROCESS = 1, WITHDRAW = 2, FORGET = 4, WRONG_NAME = 8, BY_UDP = 16, LOOPBACK = 32 };

static int read_data(struct xmb_str data, struct se_xmpp_domain *d)
{
    char text[SE_XMPP_DOMAIN_TEXT_MAX];
    struct se_xmpp_domain again;
    const char *why = NULL;
    int n;

    if (se_xmpp_domain_read(data, d, &why) < 0) {
        REQUIRE(why != NULL);
        return 0;
    }
    REQUIRE(se_xmpp_domain_is_name(xmb_str(d->name)));
    n = se_xmpp_domain_write(d, text);
    REQUIRE(n > 0 && n < SE_XMPP_DOMAIN_TEXT_MAX);
    REQUIRE(se_xmpp_domain_read(xmb_str_n(text, (size_t)n), &again, &why) == 0);
    REQUIRE(memcmp(d, &again, sizeof(again)) == 0);
    return 1;
}

/* The data in memory of its exact length, so that a sanitizer sees what reads behind it. */
static char *copy(struct xmb_str data)
{
    char *p = malloc(data.n > 0 ? data.n : 1);

    REQUIRE(p != NULL);
    if (data.n > 0)
        memcpy(p, data.p, data.n);
    return p;
}

static void event(struct se_domains *domains, struct rig_process *p, uint8_t what, uint8_t where,
                  struct xmb_str data)
{
    struct xmb_addr addr = rig_addr(what & LOOPBACK ? "127.0.0.1" : "192.0.2.0", 5269);
    struct se_xmpp_domain d;
    int is_domain = read_data(data, &d);
    struct xmb_service_id id;
    struct se_content *c;

    addr.ip[3] = where & 15;
    id = rig_id(is_domain && !(what & WRONG_NAME) ? d.name : "other.example", &addr,
                where & 16 ? "x" : "y");
    c = rig_content(data, &addr, what & BY_UDP ? 17 : 6);
    if (what & FORGET)
        se_domains_forget(domains, &p->process);
    else
        se_domains_learned(domains, &p->process, &id, what & WITHDRAW ? NULL : c);
    if (is_domain && (what & WRONG_NAME) && strcmp(d.name, "other.example") != 0)
        REQUIRE(!se_xmpp_domain_is_of(&id, xmb_str(d.name)));
    if (is_domain && (what & ~OTHER_PROCESS) == 0)
        REQUIRE(xmb_fakehost_routes(rig_module, xmb_str(d.name), NULL, 0) > 0);
    se_content_free(c);
}

static void check_figures(const struct se_domains *domains, uint32_t events)
{
    struct se_domains_figures f;

    se_domains_figures(domains, &f);
    REQUIRE(f.routes <= events && f.domains <= f.routes);
}

static void play(struct se_domains *domains, struct xmb_str in)
{
    struct rig_process processes[2];
    uint32_t events = 0;

    rig_process(&processes[0], 1, 1);
    rig_process(&processes[1], 2, 1);
    while (in.n >= 2) {
        const char *end = memchr(in.p + 2, '\n', in.n - 2);
        size_t n = end != NULL ? (size_t)(end - in.p) : in.n;
        char *data = copy(xmb_sub(in, 2, n - 2));
        uint8_t what = (uint8_t)in.p[0];

        event(domains, &processes[what & OTHER_PROCESS], what & 63, (uint8_t)in.p[1],
              xmb_str_n(data, n - 2));
        free(data);
        check_figures(domains, ++events);
        in = xmb_sub(in, n + 1, in.n);
    }
    se_domains_forget(domains, &processes[0].process);
    se_domains_forget(domains, &processes[1].process);
    check_figures(domains, 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct se_domains *domains;

    if (size > 10000)
        return 0;
    rig_open();
    xmb_fakehost_log_level(XMB_LOG_ERROR);
    domains = se_domains_new(xmb_fakehost_host(), rig_module);
    REQUIRE(domains != NULL);
    play(domains, (struct xmb_str){(const char *)data, size});
    se_domains_free(domains);
    rig_close();
    return 0;
}
