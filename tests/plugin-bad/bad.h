/* SPDX-License-Identifier: MIT */
/*
 * bad.h - what the broken plugins have in common: ops that are right. Each of them differs from
 * a good plugin in the one thing that its file is named for.
 */
#ifndef TESTS_BAD_H
#define TESTS_BAD_H

#include <xmb/xmb.h>

static inline int bad_good_init(const struct xmb_host *host, struct xmb_module *module,
                                void **self)
{
    (void)host;
    *self = module;
    return 0;
}

/* Not every one of them uses it. */
__attribute__((unused)) static const struct xmb_module_ops bad_good_ops = {
    .size = sizeof bad_good_ops, .init = bad_good_init};

#endif
