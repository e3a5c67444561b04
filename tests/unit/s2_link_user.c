/* SPDX-License-Identifier: MIT */
/* s2_link_user.c - one user of a link that is being made. */
#include "s2_link_user.h"

#include <stdio.h>
#include <string.h>

struct rig_user u;

int open_rig(void **state)
{
    (void)state;
    rig_open();
    memset(&u, 0, sizeof(u));
    return 0;
}

int close_rig(void **state)
{
    (void)state;
    rig_close();
    return 0;
}

void mode(enum s2_mode m)
{
    rig.conf.security[S2_OUTSIDE].mode = m;
    if (m == S2_NO_TLS)
        rig.conf.security[S2_OUTSIDE].tls = NULL;
}

struct xmb_conn *connected(void)
{
    rig_route("b.test", "192.0.2.1", 5269, 0);
    rig_lease(&u, "a.test", "b.test");
    return rig_connect(0);
}

struct xmb_conn *connected_of_two(void)
{
    rig_route("b.test", "192.0.2.1", 5269, 0);
    rig_route_priority(1);
    rig_route("b.test", "192.0.2.2", 5269, 0);
    rig_lease(&u, "a.test", "b.test");
    return rig_connect(0);
}

struct xmb_conn *secured(void)
{
    struct xmb_conn *c = connected_of_two();

    rig_header(c, "plain");
    rig_features(c, RIG_OFFER);
    rig_heard(c);
    rig_say(c, RIG_PROCEED);
    return c;
}

void next_target_follows(void)
{
    assert_int_equal(u.failed, 0);
    assert_int_equal(rig_dialling(), 1);
    assert_int_equal(rig_dial(0)->address.ip[3], 2);
}

void failed_with(enum s2_failure_kind kind, enum s2_condition condition)
{
    assert_int_equal(u.ready, 0);
    assert_int_equal(u.failed, 1);
    assert_int_equal(u.kind, kind);
    assert_int_equal(u.condition, condition);
    assert_true(u.text[0] != '\0');
}

void heard(struct xmb_conn *c, const char *part)
{
    const char *text = rig_heard(c);

    if (strstr(text, part) == NULL)
        fail_msg("\"%s\" is not in \"%s\"", part, text);
}

void say_result(struct xmb_conn *c, const char *from, const char *to, const char *type)
{
    char text[256];

    snprintf(text, sizeof(text), "<db:result from='%s' to='%s' type='%s'/>", from, to, type);
    rig_say(c, text);
}

void stream_error(struct xmb_conn *c, const char *condition)
{
    char text[256];

    snprintf(text, sizeof(text),
             "<stream:error><%s xmlns='urn:ietf:params:xml:ns:xmpp-streams'/></stream:error>"
             "</stream:stream>", condition);
    rig_say(c, text);
}
