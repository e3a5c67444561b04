/* SPDX-License-Identifier: MIT */
/*
 * tls_priv.h - a profile from the inside. For this folder only.
 */
#ifndef BROKER_TLS_PRIV_H
#define BROKER_TLS_PRIV_H

#include "tls/tls.h"

struct tls_profile {
    char *name;
    SSL_CTX *server; /* NULL: no certificate, so it cannot serve */
    SSL_CTX *client;
};

/* Makes both contexts from the attributes of `node`. XMB_ECONF: reported. XMB_ENOMEM. */
int tls_profile_init(struct tls_profile *p, const struct xmb_conf *node);
void tls_profile_fini(struct tls_profile *p);

#endif
