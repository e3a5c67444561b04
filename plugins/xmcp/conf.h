/* SPDX-License-Identifier: MIT */
/*
 * conf.h - the settings of the module, as read from its element.
 *
 * A struct conf is made by prepare on the control thread and immutable afterwards; workers read
 * it until the host retires it.
 */
#ifndef XS_CONF_H
#define XS_CONF_H

#include <xmb/conf.h>

/* What a <listen> says, for `show`: the core does the listening. */
struct listen_conf {
    uint8_t family; /* 4, 6, or 0 for both */
    uint16_t port;
    char *address; /* text, or NULL: every address */
    char *vrf;     /* or NULL */
    char *tls;     /* profile, or NULL */
};

struct conf {
    struct listen_conf *listens;
    uint32_t listen_count;
    char *allow_ipv4; /* name of an address list, or NULL: no filter */
    char *allow_ipv6;
    uint32_t clients_max;
    uint32_t unauthenticated_max;
    uint32_t service_data_bytes_max;
    uint32_t services_max;      /* of one session */
    uint32_t subscriptions_max; /* of one session */
    uint32_t register_ms;       /* a connection must have registered by then */
    int32_t hide_users;         /* an unknown user gets the answer of a wrong password */
};

/* Reads `node`. 0 and *out, freed with xs_conf_free; XMB_ECONF (reported), XMB_ENOMEM. */
int xs_conf_read(const struct xmb_conf *node, struct conf **out);
void xs_conf_free(struct conf *conf); /* NULL is fine */

#endif
