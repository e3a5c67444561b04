/* SPDX-License-Identifier: MIT */
/*
 * federation_privacy.h - the interface "federation-privacy", revision 1: what this module says
 * about its list of domains, for a gateway's `show`. A module that asks has a copy of this file.
 */
#ifndef FEDERATION_PRIVACY_H
#define FEDERATION_PRIVACY_H

#include <stdint.h>

#define FEDERATION_PRIVACY_NAME "federation-privacy"
#define FEDERATION_PRIVACY_REVISION 1

struct federation_privacy {
    uint32_t size;
    uint32_t reserved;
    /* "off", "allow-list" or "deny-list": static text. NULL: no configuration yet. Thread: any. */
    const char *(*mode)(void);
    /* How many domains are listed. Thread: any. */
    uint32_t (*listed)(void);
};

#endif
