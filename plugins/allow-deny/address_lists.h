/* SPDX-License-Identifier: MIT */
/*
 * address_lists.h - the interface "address-lists", revision 1: is there an address list of that
 * name? For a module whose configuration names lists, so that a name that nobody has is found when
 * the configuration is read. A module that asks has a copy of this file; the answer at run time
 * comes from the policy chain all the same.
 */
#ifndef ADDRESS_LISTS_H
#define ADDRESS_LISTS_H

#include <stdint.h>

#define ADDRESS_LISTS_NAME "address-lists"
#define ADDRESS_LISTS_REVISION 1

struct address_lists {
    uint32_t size;
    uint32_t reserved;
    /*
     * 0: neither the configuration in preparation nor, without one, that in force has a list
     * `name`. 1: it has, or its lists have faults of their own, which are told. Ask in prepare,
     * commit, or when policy changed. Thread: control, and any in policy_changed.
     */
    int (*known)(const char *name);
};

#endif
