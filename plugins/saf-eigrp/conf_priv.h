/* SPDX-License-Identifier: MIT */
/*
 * conf_priv.h - the parts of reading the configuration, shared by conf*.c.
 *
 * The schema has said which elements and attributes there are; here are ranges, names and what must
 * fit together. Every fault is reported, so no part stops at its first one: se_conf_worst keeps
 * the first error and goes on. All return 0, XMB_ECONF (reported) or XMB_ENOMEM. Whatever was
 * made so far hangs in the configuration, whose release frees it. Thread: control.
 */
#ifndef SE_CONF_PRIV_H
#define SE_CONF_PRIV_H

#include "conf.h"

#include <stddef.h>

#define SE_NBMA_HELLO_MS 60000 /* D14: links of T1 and below */
#define SE_NBMA_HOLD_S 180
#define SE_KEY_ID_DEFAULT 1    /* of a key that an interface has for itself */
#define SE_KEY_ID_MAX 2147483647
#define SE_KEY_ADVISED_BYTES 12

/* What all of it needs. */
struct se_reader {
    const struct xmb_conf_api *api;
    const struct xmb_conf *root; /* the module's element */
    struct se_conf *conf;
};

static inline void se_conf_worst(int *rc, int one)
{
    if (*rc == 0)
        *rc = one;
}

/* --- conf_get.c: attributes ------------------------------------------------------------------- */

enum se_setting_kind { SE_IS_COUNT, SE_IS_FLAG, SE_IS_SECONDS, SE_IS_MS };

/* An attribute and the unsigned member that it goes into; bounds in the member's unit. */
struct se_setting {
    const char *attribute;
    enum se_setting_kind kind;
    uint64_t min, max;
    size_t at, bytes;
};

#define SE_SETTING(type, member, attribute, kind, min, max)                                        \
    {attribute, kind, min, max, offsetof(type, member), sizeof(((type *)NULL)->member)}

/* Reads `count` settings of `node` into `object`; what is absent stays as it was. */
int se_conf_settings(const struct se_reader *r, const struct xmb_conf *node, void *object,
                     const struct se_setting *settings, size_t count);
/* A duration that must be whole seconds. */
int se_conf_seconds(const struct se_reader *r, const struct xmb_conf *node, const char *attribute,
                    uint64_t min_s, uint64_t max_s, uint64_t *out_s);
/* Text of 1 to `out_bytes` - 1 octets. */
int se_conf_name(const struct se_reader *r, const struct xmb_conf *node, const char *attribute,
                 char *out, size_t out_bytes);
/* An address of `family`, 4 or 6. Absent is a fault. */
int se_conf_address(const struct se_reader *r, const struct xmb_conf *node, const char *attribute,
                    unsigned family, struct xmb_addr *out);
/* An IPv4 address as the number that a router id is, not 0. */
int se_conf_router_id(const struct se_reader *r, const struct xmb_conf *node,
                      const char *attribute, uint32_t *out);
/* "10" (tens of microseconds), "100us", ... in picoseconds. */
int se_conf_delay(const struct se_reader *r, const struct xmb_conf *node, const char *attribute,
                  uint64_t *out_ps);
/* "2026-01-31" or "2026-01-31T12:00:00Z", as seconds since 1970. */
int se_conf_time(const struct se_reader *r, const struct xmb_conf *node, const char *attribute,
                 int64_t *out_s);
/* 1 when the attribute is `word`. */
int se_conf_is(const struct se_reader *r, const struct xmb_conf *node, const char *attribute,
               const char *word);
/* How many children are called so. */
size_t se_conf_count(const struct se_reader *r, const struct xmb_conf *node, const char *name);

/* --- conf_lists.c, conf_keys.c: what is named ------------------------------------------------- */

int se_conf_read_lists(const struct se_reader *r);
/* The list that the attribute names; absent leaves `*out`. */
int se_conf_find_services(const struct se_reader *r, const struct xmb_conf *node,
                          const char *attribute, const struct se_service_list **out);
int se_conf_find_addresses(const struct se_reader *r, const struct xmb_conf *node,
                           const char *attribute, const struct se_address_list **out);

/* Makes room for all chains, those of interfaces too, and reads <key-chain>. */
int se_conf_read_chains(const struct se_reader *r);
/* <authentication> into `out`. */
int se_conf_read_authentication(const struct se_reader *r, const struct xmb_conf *node,
                                struct se_iface_conf *out);
/* Wipes and frees the keys. */
void se_conf_free_chain(struct se_chain *chain);

/*
 * conf_type7.c: decodes a password as IOS shows it after "7": two decimal digits, then pairs of hex
 * digits. `out` is terminated. Its length; XMB_EINVAL: not of that form, or too long.
 */
int se_type7_decode(const char *text, char *out, size_t out_bytes);

/* --- a service family ------------------------------------------------------------------------- */

/* conf_family.c: all of them. */
int se_conf_read_families(const struct se_reader *r);
/* conf_topology.c: <topology>. */
int se_conf_read_topology(const struct se_reader *r, const struct xmb_conf *family,
                          struct se_family_conf *f);
/* conf_iface.c: <sf-interface>. */
int se_conf_read_ifaces(const struct se_reader *r, const struct xmb_conf *family,
                        struct se_family_conf *f);
/* conf_neighbor.c: <neighbor>, <remote-neighbors>. */
int se_conf_read_neighbors(const struct se_reader *r, const struct xmb_conf *family,
                           struct se_family_conf *f);
/* conf_domains.c: <xmpp-domains>. */
int se_conf_read_domains(const struct se_reader *r, const struct xmb_conf *family,
                         struct se_family_conf *f);

/* --- conf_lint.c, conf_lint_iface.c, conf_advice.c: advice ------------------------------------ */

/* Finds what is allowed but unwise, when all was read without a fault. */
void se_conf_lint(const struct se_reader *r);
void se_conf_lint_ifaces(const struct se_reader *r, const struct xmb_conf *family,
                         const struct se_family_conf *f);
/* Keeps one piece of advice about `object` (NULL: the module), written at `node`. */
void se_conf_say(const struct se_reader *r, const char *object, const struct xmb_conf *node,
                 const char *format, ...) XMB_PRINTF(4, 5);
void se_conf_free_advice(struct se_conf *c);
/* "ipv4 1228", "ipv4 1228 vrf red", with " eth0" behind it when there is `iface`. */
#define SE_OBJECT_MAX 80
const char *se_conf_object(const struct se_family_conf *f, const char *iface,
                           char out[SE_OBJECT_MAX]);

#endif
