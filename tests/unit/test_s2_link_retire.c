/* SPDX-License-Identifier: MIT */
/*
 * test_s2_link_retire.c - a link that an operator clears: it ends when its users have let it go, or
 * in a while, and takes no new ones.
 */
#include "s2_link_verified.h"
#include "show.h"

static int open_heard(void **state)
{
    open_verified(state);
    rig_heard(c);
    return 0;
}

static void clear(void)
{
    assert_int_equal(s2_link_clear(rig.w, s2_host->conn->ref(c)), 1);
    xmb_fakehost_advance(0);
}

static void state_is(void *arg, const struct s2_connection *connection)
{
    unsigned *n = arg;

    ++*n;
    assert_string_equal(connection->state, "retired");
}

/* What is asked about what was sent before still goes; the end follows the last user. */
static void it_ends_with_its_last_user(void **state)
{
    unsigned n = 0;

    (void)state;
    rig_send(&u, "<message/>", NULL);
    clear();
    assert_int_equal(u.retired, 1);
    assert_null(xmb_fakehost_closed(c));
    s2_link_walk(rig.w, state_is, &n);
    assert_int_equal(n, 1);
    assert_int_equal(rig_send(&u, "<iq/>", NULL), 0);
    assert_string_equal(rig_heard(c), "<message/><iq/>");
    s2_lease_close(u.lease);
    xmb_fakehost_advance(0);
    assert_string_equal(rig_heard(c), "</stream:stream>");
    assert_string_equal(xmb_fakehost_closed(c), "cleared by an operator");
    assert_int_equal(u.ended, 0);
    assert_int_equal(rig.w->links->count, 0);
}

static void it_is_let_go_at_once(void **state)
{
    (void)state;
    u.close_when_retired = 1;
    clear();
    assert_string_equal(rig_heard(c), "</stream:stream>");
    assert_int_equal(rig.w->links->count, 0);
}

/* Two of one link, of which one needs a while. */
static void each_of_its_users_is_told(void **state)
{
    (void)state;
    rig_lease(&v, "c.test", "b.test");
    say_result("b.test", "c.test", "valid");
    assert_int_equal(v.ready, 1);
    u.close_when_retired = 1;
    rig_heard(c);
    clear();
    assert_int_equal(u.retired, 1);
    assert_int_equal(v.retired, 1);
    assert_null(xmb_fakehost_closed(c));
    s2_lease_close(v.lease);
    xmb_fakehost_advance(0);
    assert_string_equal(rig_heard(c), "</stream:stream>");
}

static void it_takes_no_new_users(void **state)
{
    struct rig_asker a;

    (void)state;
    clear();
    rig_lease(&v, "a.test", "b.test");
    assert_int_equal(rig_dialling(), 1);
    assert_int_equal(rig_ask(&a, "a.test", "b.test", "id9", "key"), 0);
    assert_string_equal(rig_heard(c), ""); /* it is asked on the one that is dialled */
}

static void a_guest_that_waits_gets_its_own_link(void **state)
{
    (void)state;
    rig_lease(&v, "c.test", "b.test");
    clear();
    assert_int_equal(v.failed, 0);
    assert_int_equal(v.retired, 0);
    assert_int_equal(rig_dialling(), 1);
    say_result("b.test", "c.test", "valid"); /* means nothing any more */
    assert_int_equal(v.ready, 0);
    assert_null(xmb_fakehost_closed(c));
}

static void it_ends_in_a_while_in_any_case(void **state)
{
    (void)state;
    clear();
    xmb_fakehost_advance(LINK_RETIRE_MS - 100);
    assert_int_equal(u.ended, 0);
    clear(); /* the while does not begin anew */
    assert_int_equal(u.retired, 1);
    xmb_fakehost_advance(200);
    assert_string_equal(xmb_fakehost_closed(c), "cleared by an operator");
    xmb_fakehost_advance(0);
    assert_int_equal(u.ended, 1);
    assert_int_equal(u.kind, S2_FAIL_IDLE);
    assert_string_equal(u.text, "cleared by an operator");
}

static void the_peer_may_end_it_before(void **state)
{
    (void)state;
    clear();
    rig_say(c, "</stream:stream>");
    xmb_fakehost_advance(0);
    assert_int_equal(u.ended, 1);
    assert_int_equal(u.kind, S2_FAIL_GOODBYE);
}

static void one_that_is_being_made_ends_at_once(void **state)
{
    (void)state;
    rig_route("d.test", "192.0.2.4", 5269, 0);
    rig_lease(&v, "a.test", "d.test");
    c = rig_connect(0);
    clear();
    assert_non_null(xmb_fakehost_closed(c));
    assert_int_equal(v.failed, 1);
    assert_int_equal(v.kind, S2_FAIL_IDLE);
}

/* What may not be used any more does not wait. */
static void it_ends_at_once_without_federation(void **state)
{
    (void)state;
    clear();
    rig.conf.enabled = 0;
    s2_link_recheck(rig.w);
    assert_non_null(xmb_fakehost_closed(c));
}

/* The broker stops: the users have until its end, as on any link. */
static void a_drain_calls_the_deadline_off(void **state)
{
    (void)state;
    clear();
    xmb_fakehost_drain(rig.m, 30000);
    xmb_fakehost_advance(2 * LINK_RETIRE_MS);
    assert_null(xmb_fakehost_closed(c));
    assert_int_equal(rig_send(&u, "<message/>", NULL), 0);
    s2_lease_close(u.lease);
    xmb_fakehost_advance(0);
    assert_non_null(xmb_fakehost_closed(c));
}

#define ONE(name) cmocka_unit_test_setup_teardown(name, open_heard, close_rig)

int main(void)
{
    static const struct CMUnitTest tests[] = {
        ONE(it_ends_with_its_last_user),
        ONE(it_is_let_go_at_once),
        ONE(each_of_its_users_is_told),
        ONE(it_takes_no_new_users),
        ONE(a_guest_that_waits_gets_its_own_link),
        ONE(it_ends_in_a_while_in_any_case),
        ONE(the_peer_may_end_it_before),
        ONE(one_that_is_being_made_ends_at_once),
        ONE(it_ends_at_once_without_federation),
        ONE(a_drain_calls_the_deadline_off),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
