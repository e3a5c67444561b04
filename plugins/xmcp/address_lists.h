/* SPDX-License-Identifier: MIT */
/*
 * address_lists.h - the interface "address-lists", revision 1: is there an address list of that
 * name? allow-deny offers it and has a copy of this file. It finds a mistyped name when the
 * configuration is read; who may connect is decided by the policy chain all the same.
 */
#ifndef XS_ADDRESS_LISTS_H
#define XS_ADDRESS_LISTS_H

#include <stdint.h>

#define XS_ADDRESS_LISTS_NAME "address-lists"
#define XS_ADDRESS_LISTS_REVISION 1

struct xs_address_lists {
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
