/* SPDX-License-Identifier: MIT */
/*
 * test_dial.c - what a dial may be told besides an address: our own end, the VRF, TLS; and giving
 * it up.
 */
#include "conn_rig.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static struct {
    _Atomic uint32_t accepted, dialled, failed;
    struct xmb_addr local, remote; /* of the dialled, of the accepted; written before they count */
    char vrf[32], why[160];
} seen;

static int dial_user;

static int on_open(void *wself, struct xmb_conn *c, void **cs)
{
    struct xmb_conn_info info = {.size = sizeof(info)};

    (void)wself;
    *cs = c;
    conn_api.info(c, &info);
    if (info.direction == XMB_OUTGOING) {
        seen.local = info.local;
        snprintf(seen.vrf, sizeof(seen.vrf), "%s", info.vrf != NULL ? info.vrf : "none");
        atomic_fetch_add(&seen.dialled, 1);
    } else {
        seen.remote = info.remote;
        atomic_fetch_add(&seen.accepted, 1);
    }
    return 0;
}

static int on_data(void *cs, struct xmb_conn *c, struct xmb_buf *in)
{
    (void)cs;
    (void)c;
    buf_api.drop(in, buf_api.length(in));
    return 0;
}

static void on_closed(void *cs, struct xmb_conn *c, const char *why)
{
    (void)cs;
    (void)c;
    (void)why;
}

static void on_dial_failed(void *wself, void *user, const char *why)
{
    (void)wself;
    assert_ptr_equal(user, &dial_user);
    snprintf(seen.why, sizeof(seen.why), "%s", why);
    atomic_fetch_add(&seen.failed, 1);
}

static int start(void **state)
{
    (void)state;
    rig_module.protocol = (struct xmb_protocol){
        .open = on_open, .data = on_data, .closed = on_closed, .dial_failed = on_dial_failed};
    rig_start();
    return rig_configure("<tls name='client'/>", "<listen address='127.0.0.1' port='0'/>") != 0;
}

static int stop(void **state)
{
    (void)state;
    rig_stop();
    return 0;
}

static void drop_all(struct xmb_worker *w, void *arg)
{
    (void)arg;
    conn_worker_drain(w);
}

static void hang_up(void)
{
    rig_on(0, drop_all, NULL);
    rig_on(1, drop_all, NULL);
    rig_wait_no_conns();
}

static int fresh(void **state)
{
    (void)state;
    hang_up();
    memset(&seen, 0, sizeof(seen));
    return 0;
}

struct dial {
    struct xmb_target target;
    struct xmb_tls_setup setup;
    uint64_t id;
    int rc, cancels;
};

static struct dial dial_to(uint16_t port)
{
    struct dial d = {.target = {.size = sizeof(d.target),
                                .address = {.family = 4, .port = port, .ip = {127, 0, 0, 1}}},
                     .setup = {.size = sizeof(d.setup), .profile = "client"}};

    return d;
}

static void run_it(struct xmb_worker *w, void *arg)
{
    struct dial *d = arg;

    d->target.dial_id = &d->id;
    d->rc = conn_api.dial(w, &rig_module, &d->target, &dial_user);
    if (d->cancels)
        conn_api.dial_cancel(w, d->id);
}

static void cancel_it(struct xmb_worker *w, void *arg)
{
    conn_api.dial_cancel(w, ((struct dial *)arg)->id);
}

static int run(struct dial *d)
{
    rig_on(0, run_it, d);
    return d->rc;
}

/* --- our end ---------------------------------------------------------------------------------- */

static void source_address(void **state)
{
    struct dial d = dial_to(rig_port(0));

    (void)state;
    d.target.source = (struct xmb_addr){.family = 4, .ip = {127, 0, 0, 5}};
    assert_int_equal(run(&d), 0);
    rig_wait_flag(&seen.accepted, 1);
    rig_wait_flag(&seen.dialled, 1);
    assert_int_equal(seen.remote.ip[3], 5);
    assert_int_equal(seen.local.ip[3], 5);
    assert_int_equal(seen.local.port, seen.remote.port);
    assert_string_equal(seen.vrf, "none");
}

static void source_that_is_not_ours(void **state)
{
    struct dial d = dial_to(rig_port(0));

    (void)state;
    d.target.source = (struct xmb_addr){.family = 4, .ip = {192, 0, 2, 1}};
    assert_int_equal(run(&d), 0);
    rig_wait_flag(&seen.failed, 1);
    assert_int_equal(strncmp(seen.why, "source address: ", 16), 0);
}

static void vrf(void **state)
{
    struct dial d = dial_to(rig_port(0));

    (void)state;
    d.target.vrf = "no-such-device";
    assert_int_equal(run(&d), 0);
    rig_wait_flag(&seen.failed, 1);
    assert_int_equal(strncmp(seen.why, "vrf: ", 5), 0);
    d = dial_to(rig_port(0));
    d.target.vrf = "lo"; /* any device will do */
    assert_int_equal(run(&d), 0);
    rig_wait_flag(&seen.dialled, 1);
    assert_string_equal(seen.vrf, "lo");
}

static void nonsense(void **state)
{
    struct dial d = dial_to(rig_port(0));

    (void)state;
    d.target.source.family = 6;
    assert_int_equal(run(&d), XMB_EINVAL);
    d = dial_to(rig_port(0));
    d.target.vrf = "a-name-too-long-for-a-device";
    assert_int_equal(run(&d), XMB_EINVAL);
    d = dial_to(rig_port(0));
    d.target.tls = &d.setup;
    d.setup.profile = NULL;
    assert_int_equal(run(&d), XMB_EINVAL);
    d.setup.profile = "nobody";
    assert_int_equal(run(&d), XMB_EINVAL);
    rig_wait_no_conns();
    assert_int_equal(atomic_load(&seen.failed), 0);
}

/* A plugin that was built when xmb_target ended at tls_name. */
static void old_target(void **state)
{
    struct dial d = dial_to(rig_port(0));

    (void)state;
    d.target.size = offsetof(struct xmb_target, source);
    memset((char *)&d.target + d.target.size, 0xa5, sizeof(d.target) - d.target.size);
    rig_on(0, run_it, &d);
    assert_int_equal(d.rc, 0);
    assert_int_equal(d.id, 0); /* it did not look there */
    rig_wait_flag(&seen.dialled, 1);
}

/* --- giving up -------------------------------------------------------------------------------- */

static void cancelled_at_once(void **state)
{
    struct dial d = dial_to(rig_port(0));

    (void)state;
    d.cancels = 1;
    assert_int_equal(run(&d), 0);
    assert_int_not_equal(d.id, 0);
    rig_wait_no_conns();
    assert_int_equal(atomic_load(&seen.dialled), 0);
    assert_int_equal(atomic_load(&seen.failed), 0);
}

/* It has failed already, and only the callback is owed. */
static void cancelled_after_it_failed(void **state)
{
    struct dial d = dial_to(rig_port(0));

    (void)state;
    d.cancels = 1;
    d.target.source = (struct xmb_addr){.family = 4, .ip = {192, 0, 2, 1}};
    assert_int_equal(run(&d), 0);
    rig_wait_no_conns();
    assert_int_equal(atomic_load(&seen.failed), 0);
}

static void cancelled_in_the_handshake(void **state)
{
    struct sockaddr_in sa = {.sin_family = AF_INET};
    socklen_t size = sizeof(sa);
    int peer, fd = rig_socket();
    struct dial d;
    char hello[2048];
    long n;

    (void)state;
    sa.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    assert_int_equal(bind(fd, (struct sockaddr *)&sa, size), 0);
    assert_int_equal(listen(fd, 1), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&sa, &size), 0);
    d = dial_to(ntohs(sa.sin_port));
    d.target.tls = &d.setup;
    assert_int_equal(run(&d), 0);
    peer = accept(fd, NULL, NULL);
    assert_true(rig_receive_some(peer, hello, sizeof(hello)) > 0); /* and no answer */
    rig_on(0, cancel_it, &d);
    while ((n = rig_receive_some(peer, hello, sizeof(hello))) > 0)
        ;
    rig_wait_no_conns();
    assert_int_equal(atomic_load(&seen.failed), 0);
    assert_int_equal(atomic_load(&seen.dialled), 0);
    close(peer);
    close(fd);
}

static void cancelled_too_late(void **state)
{
    struct dial d = dial_to(rig_port(0)), unknown = {.id = UINT64_MAX};

    (void)state;
    assert_int_equal(run(&d), 0);
    rig_wait_flag(&seen.dialled, 1);
    rig_wait_flag(&seen.accepted, 1);
    rig_on(0, cancel_it, &d);
    rig_on(1, cancel_it, &d); /* another worker knows no such id */
    rig_on(0, cancel_it, &unknown);
    unknown.id = 0;
    rig_on(0, cancel_it, &unknown);
    assert_int_equal(rig_conns(), 2);
}

int main(void)
{
#define TEST(fn) cmocka_unit_test_setup(fn, fresh)
    const struct CMUnitTest tests[] = {
        TEST(source_address),
        TEST(source_that_is_not_ours),
        TEST(vrf),
        TEST(nonsense),
        TEST(old_target),
        TEST(cancelled_at_once),
        TEST(cancelled_after_it_failed),
        TEST(cancelled_in_the_handshake),
        TEST(cancelled_too_late),
    };

    return cmocka_run_group_tests(tests, start, stop);
}
