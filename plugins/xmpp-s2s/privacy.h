/* SPDX-License-Identifier: MIT */
/*
 * privacy.h - the interface "federation-privacy", revision 1: what the module with the lists of
 * domains says about itself (R28), for `show`. allow-deny offers it and has a copy of this file; no
 * other way leads from one plugin to another. Nothing is decided by it: that is the policy chain's
 * business.
 */
#ifndef S2_PRIVACY_H
#define S2_PRIVACY_H

#include <stdint.h>

#define S2_PRIVACY_INTERFACE "federation-privacy"
#define S2_PRIVACY_REVISION 1

struct s2_privacy {
    uint32_t size;
    uint32_t reserved;
    /* "off", "allow-list" or "deny-list": static text. NULL: no configuration yet. Thread: any. */
    const char *(*mode)(void);
    /* How many domains are listed. Thread: any. */
    uint32_t (*listed)(void);
};

#endif
