/* SPDX-License-Identifier: MIT */
/*
 * no-points.c - a broken plugin: its policy declares no points
 *
 * Everything else about it is right, so that this is what the loader must stumble over.
 */
#include "bad.h"

static int no_points_check(void *wself, const struct xmb_request *request,
                           struct xmb_answer *answer, struct xmb_ticket *ticket)
{
    (void)wself;
    (void)request;
    (void)answer;
    (void)ticket;
    return XMB_ABSTAIN;
}

static const struct xmb_policy policy = {.size = sizeof policy, .check = no_points_check};

XMB_PLUGIN_NAMED(no_points, "no-points", .version = "1.0", .ops = &bad_good_ops, .policy = &policy);
