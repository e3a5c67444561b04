/* SPDX-License-Identifier: MIT */
/*
 * auth.h - the parts of auth-userpass, for its own files.
 *
 *     auth_userpass.c  the descriptor and the life of the module
 *     users_conf.c     configuration -> table of users
 *     users.c          the table: find by name, free
 *     check.c          the answer to one question
 *     show.c           show users
 *     type7.c          passwords of type 7
 *
 * A struct users is one configuration: immutable once prepared, shared by all
 * workers until it is retired. What a worker adds is its own: principals made so
 * far, so that the sessions of one user share one.
 */
#ifndef AUTH_H
#define AUTH_H

#include <xmb/xmb.h>

#define AUTH_NAME_MAX 255     /* octets of a username */
#define AUTH_PASSWORD_MIN 11  /* characters */
#define AUTH_PASSWORD_MAX 62
#define AUTH_PASSWORD_BYTES 256 /* room: 62 characters of UTF-8 and a NUL */
#define AUTH_USERS_MAX 65536
#define AUTH_REALM_MAX 255

struct user {
    struct user *next_hash;
    uint32_t index; /* in users.list */
    uint32_t place; /* of its element among the <client> elements */
    uint32_t line;
    uint32_t name_bytes;
    uint32_t password_bytes;
    char name[AUTH_NAME_MAX + 1]; /* "" for the unauthenticated client */
    char password[AUTH_PASSWORD_BYTES];
    uint32_t domain; /* 0: not said */
    uint32_t domain_only;
    uint32_t nonce; /* enum xmb_nonce_policy */
    uint64_t nonce_lifetime_ms;
    uint64_t keepalive_ms;
};

struct users {
    struct user **list;
    uint32_t count;
    uint32_t capacity;
    struct user *anonymous; /* in the list too; NULL: there is none */
    struct user **bucket;   /* by name */
    uint32_t bucket_mask;
};

/* Principals of one user that this worker has made. */
struct made {
    struct xmb_principal *keyed; /* with the long-term key for `realm` */
    struct xmb_principal *plain; /* without a key */
    uint8_t realm_bytes;
    char realm[AUTH_REALM_MAX];
};

enum auth_metric {
    METRIC_KNOWN,
    METRIC_ANONYMOUS,
    METRIC_UNKNOWN,
    METRIC_WRONG,
    METRIC_REQUIRED,
    METRIC_COUNT
};

struct auth_digest; /* check.c: MD5, fetched once */

struct auth_worker {
    const struct users *users;
    struct made *made; /* one for each user; NULL: no memory, nothing is kept */
    struct auth_digest *digest;
    uint64_t *cells;
};

struct auth {
    const struct xmb_host *host;
    struct xmb_module *module;
    const struct users *users; /* in force; NULL before the first and after the last */
};

extern const struct xmb_host *auth_host; /* written once in init */

/* users.c */
struct users *users_new(void);
/* Adds `u`, which the table owns from now on. XMB_ENOMEM: it is still the caller's. */
int users_add(struct users *users, struct user *u);
/* Builds the index, once, after the last add. XMB_ENOMEM. */
int users_index(struct users *users);
const struct user *users_find(const struct users *users, struct xmb_str name);
/* Passwords are wiped. NULL is fine. */
void users_free(struct users *users);
void user_free(struct user *u);

/* users_conf.c: XMB_ECONF with every fault reported, XMB_ENOMEM. */
int users_read(const struct xmb_conf *conf, struct users **out);

/* check.c */
struct auth_digest *auth_digest_new(void);
void auth_digest_free(struct auth_digest *d);
int auth_check(void *wself, const struct xmb_request *request, struct xmb_answer *answer,
               struct xmb_ticket *ticket);
/* Releases what was made for the users of `aw`. */
void auth_forget(struct auth_worker *aw);

/* show.c: the command, see control.h of the SDK. Thread: control. */
int auth_show_users(void *state, const struct xmb_call *call, struct xmb_out *out);

#endif
