/* SPDX-License-Identifier: MIT */
/* s2_link_verified.c - a link that stands. */
#include "s2_link_verified.h"

#include <stdio.h>
#include <string.h>

struct rig_user u, v;
struct xmb_conn *c;

int open_rig(void **state)
{
    (void)state;
    rig_open();
    memset(&u, 0, sizeof(u));
    memset(&v, 0, sizeof(v));
    return 0;
}

int close_rig(void **state)
{
    (void)state;
    rig_close();
    return 0;
}

int open_verified(void **state)
{
    open_rig(state);
    c = rig_verified(&u, "a.test", "b.test");
    return 0;
}

void heard(const char *part)
{
    const char *text = rig_heard(c);

    if (strstr(text, part) == NULL)
        fail_msg("\"%s\" is not in \"%s\"", part, text);
}

void authenticated(const char *features)
{
    rig_route("b.test", "192.0.2.1", 5269, 0);
    rig_lease(&u, "a.test", "b.test");
    c = rig_connect(0);
    rig_secured(c, "tls");
    rig_features(c, RIG_EXTERNAL RIG_DIALBACK);
    rig_say(c, RIG_SUCCESS);
    rig_header(c, "sasl");
    rig_heard(c);
    rig_features(c, features);
}

void say_result(const char *from, const char *to, const char *type)
{
    char text[256];

    snprintf(text, sizeof(text), "<db:result from='%s' to='%s' type='%s'/>", from, to, type);
    rig_say(c, text);
}

void ended_with(enum s2_failure_kind kind)
{
    xmb_fakehost_advance(0);
    assert_int_equal(u.ended, 1);
    assert_int_equal(u.failed, 0);
    assert_int_equal(u.kind, kind);
}
