/* SPDX-License-Identifier: MIT */
/*
 * policy.c - the chain, as the SDK promises it, over the modules that were
 * loaded, with a built-in policy where none declares the point.
 *
 * Late verdicts come through the queue of work, from whatever thread.
 */
#include "fake_priv.h"

#include <openssl/evp.h>

struct user {
    struct user *next;
    char *name;
    char *password;
    uint64_t settings[XMB_SETTING_MAX];
    uint32_t set;
};

struct ask {
    struct ask *next;
    struct fake_timer deadline;
    uint64_t id;
    uint32_t module; /* to be asked next */
    uint32_t asked;
    uint32_t allowed;
    struct xmb_request request; /* with copies */
    char *octets;
    struct xmb_answer answer;
    void (*late)(void *arg, const struct xmb_answer *answer);
    void *arg;
};

struct ticket {
    struct xmb_ticket base; /* first */
    uint32_t verdict;
    struct xmb_answer answer;
};

static struct user *users;
static struct ask *asks;
static uint64_t last_id;
static uint32_t forced_points;
static uint32_t forced_verdict;
static uint32_t forced_reason;
static int built_in_late;

/* --- tickets, the router's too --------------------------------------------------------------- */

void fake_ticket_out(struct xmb_ticket *t, uint32_t kind)
{
    t->kind = kind;
    atomic_init(&t->given, 0);
    atomic_fetch_add(&fake.tickets, 1);
}

void fake_ticket_back(struct xmb_ticket *t, uint32_t kind)
{
    if (t == NULL || t->kind != kind || atomic_exchange(&t->given, 1) != 0)
        fake_fail("a plugin gives back a ticket that is not its own, or gives one back twice");
    atomic_fetch_sub(&fake.tickets, 1);
}

/* --- built-in policy ------------------------------------------------------------------------- */

void xmb_fakehost_user(const char *username, const char *password, const uint64_t (*settings)[2],
                       size_t count)
{
    struct user *u = fake_alloc(sizeof(*u));
    size_t i;

    u->name = strdup(username);
    u->password = strdup(password);
    for (i = 0; i < count; i++) {
        if (settings[i][0] >= XMB_SETTING_MAX)
            fake_fail("there is no setting %u", (unsigned)settings[i][0]);
        u->settings[settings[i][0]] = settings[i][1];
        u->set |= UINT32_C(1) << settings[i][0];
    }
    u->next = users;
    users = u;
}

void xmb_fakehost_verdict(uint32_t points, uint32_t verdict, uint32_t reason)
{
    forced_points = points;
    forced_verdict = verdict;
    forced_reason = reason;
}

void xmb_fakehost_late(int late)
{
    built_in_late = late;
}

static const struct user *user_named(struct xmb_str name)
{
    const struct user *u;

    for (u = users; u != NULL; u = u->next)
        if (xmb_str_eq(xmb_str(u->name), name))
            return u;
    return NULL;
}

static struct xmb_principal *principal_of(const struct user *u, const struct xmb_request *r)
{
    struct fake_text t = {NULL, 0, 0};
    unsigned char key[EVP_MAX_MD_SIZE];
    unsigned int key_bytes = 0;
    struct xmb_principal *p;
    uint32_t i;

    fake_text_printf(&t, "%s:%.*s:%s", u->name, (int)r->realm.n,
                     r->realm.n > 0 ? r->realm.p : "", u->password);
    if (r->mechanism == XMB_MECH_LONG_TERM_KEY &&
        EVP_Digest(t.p, t.n, key, &key_bytes, EVP_md5(), NULL) != 1)
        fake_fail("libcrypto offers no MD5");
    fake_text_free(&t);
    p = fake_principal_new(xmb_str(u->name), (struct xmb_str){(const char *)key, key_bytes});
    for (i = 0; i < XMB_SETTING_MAX; i++)
        if (u->set & UINT32_C(1) << i)
            fake_principal_set(p, i, u->settings[i]);
    return p;
}

static int deny(struct xmb_answer *answer, uint32_t reason)
{
    answer->reason = reason;
    answer->text = "the fake host's own policy";
    return XMB_DENY;
}

static int built_in_authenticate(const struct xmb_request *r, struct xmb_answer *answer)
{
    int anonymous = r->mechanism == XMB_MECH_ANONYMOUS;
    const struct user *u = user_named(anonymous ? XMB_STR("") : r->username);

    if (u == NULL)
        return deny(answer, anonymous ? XMB_DENY_REQUIRED : XMB_DENY_UNKNOWN_USER);
    if (r->mechanism == XMB_MECH_PLAIN && !xmb_str_eq(xmb_str(u->password), r->password))
        return deny(answer, XMB_DENY_CREDENTIALS);
    answer->principal = principal_of(u, r);
    return XMB_ALLOW;
}

static int built_in(const struct xmb_request *r, struct xmb_answer *answer)
{
    if (forced_points & r->point) {
        if (forced_verdict == XMB_DENY)
            return deny(answer, forced_reason);
        if (r->point != XMB_POINT_AUTHENTICATE || forced_verdict != XMB_ALLOW)
            return (int)forced_verdict;
    }
    return r->point == XMB_POINT_AUTHENTICATE ? built_in_authenticate(r, answer) : XMB_ALLOW;
}

/* --- the chain ------------------------------------------------------------------------------- */

static int end_in_deny(struct ask *ask, uint32_t reason, const char *text)
{
    fake_principal_release(ask->answer.principal);
    ask->answer.principal = NULL;
    ask->answer.verdict = XMB_DENY;
    ask->answer.reason = reason != 0 ? reason : XMB_DENY_POLICY;
    ask->answer.text = text;
    return XMB_DENY;
}

/* XMB_ABSTAIN: go on. */
static int take(struct ask *ask, int verdict, const struct xmb_answer *answer)
{
    if (verdict == XMB_ALLOW) {
        ask->allowed++;
        if (ask->answer.principal == NULL)
            ask->answer.principal = answer->principal;
        else
            fake_principal_release(answer->principal);
        return XMB_ABSTAIN;
    }
    fake_principal_release(answer->principal);
    if (verdict == XMB_ABSTAIN)
        return XMB_ABSTAIN;
    if (verdict == XMB_DENY)
        return end_in_deny(ask, answer->reason, answer->text);
    return end_in_deny(ask, XMB_DENY_FAILED, answer->text);
}

static struct ticket *ticket_new(const struct ask *ask)
{
    struct ticket *t = fake_alloc(sizeof(*t));

    fake_ticket_out(&t->base, FAKE_TICKET_POLICY);
    t->base.id = ask->id;
    return t;
}

static int ask_module(struct ask *ask, struct xmb_module *m)
{
    struct xmb_answer answer = {.size = sizeof(answer)};
    struct ticket *t = ask->late != NULL ? ticket_new(ask) : NULL;
    int verdict = m->plugin->policy->check(m->wself, &ask->request, &answer,
                                           t != NULL ? &t->base : NULL);

    if (verdict == XMB_PENDING && t != NULL)
        return XMB_PENDING;
    if (t != NULL) {
        fake_ticket_back(&t->base, FAKE_TICKET_POLICY);
        free(t);
    }
    return take(ask, verdict, &answer);
}

static void complete(struct xmb_ticket *ticket, uint32_t verdict, const struct xmb_answer *answer);

static int ask_built_in(struct ask *ask)
{
    struct xmb_answer answer = {.size = sizeof(answer)};
    int verdict = built_in(&ask->request, &answer);

    ask->asked++;
    if (!built_in_late || ask->late == NULL)
        return take(ask, verdict, &answer);
    complete(&ticket_new(ask)->base, (uint32_t)verdict, &answer);
    return XMB_PENDING;
}

static int end(struct ask *ask)
{
    uint32_t point = ask->request.point;

    if (ask->allowed == 0)
        return end_in_deny(ask, XMB_DENY_SILENCE, NULL);
    if (point == XMB_POINT_AUTHENTICATE && ask->answer.principal == NULL)
        return end_in_deny(ask, XMB_DENY_FAILED, "allowed, but without a principal");
    if (point != XMB_POINT_AUTHENTICATE) {
        fake_principal_release(ask->answer.principal);
        ask->answer.principal = NULL;
    }
    ask->answer.verdict = XMB_ALLOW;
    return XMB_ALLOW;
}

static int go_on(struct ask *ask)
{
    while (ask->module < fake.module_count) {
        struct xmb_module *m = fake.module[ask->module++];
        const struct xmb_policy *policy = m->plugin->policy;
        int rc;

        if (policy == NULL || !m->is_up || (policy->points & ask->request.point) == 0)
            continue;
        ask->asked++;
        rc = ask_module(ask, m);
        if (rc != XMB_ABSTAIN)
            return rc;
    }
    if (ask->asked == 0) {
        int rc = ask_built_in(ask);

        if (rc != XMB_ABSTAIN)
            return rc;
    }
    return end(ask);
}

/* --- asks ------------------------------------------------------------------------------------ */

static struct xmb_str put(char **at, struct xmb_str s)
{
    struct xmb_str out = {*at, s.n};

    if (s.p == NULL)
        return s;
    if (s.n > 0)
        memcpy(*at, s.p, s.n);
    *at += s.n;
    return out;
}

/* Copied at once: a plugin that keeps a view of it is found when the ask is freed. */
static void copy_request(struct ask *ask, const struct xmb_request *r)
{
    size_t list = r->list != NULL ? strlen(r->list) + 1 : 0;
    char *at;

    memcpy(&ask->request, r, r->size < sizeof(*r) ? r->size : sizeof(*r));
    at = ask->octets = fake_alloc(r->username.n + r->realm.n + r->password.n + r->from.n +
                                  r->to.n + ask->request.foreign.n + list);
    ask->request.username = put(&at, r->username);
    ask->request.realm = put(&at, r->realm);
    ask->request.password = put(&at, r->password);
    ask->request.from = put(&at, r->from);
    ask->request.to = put(&at, r->to);
    ask->request.foreign = put(&at, ask->request.foreign);
    if (r->list != NULL)
        ask->request.list = put(&at, (struct xmb_str){r->list, list}).p;
    if (r->principal != NULL)
        fake_principal_hold((struct xmb_principal *)(uintptr_t)r->principal);
}

static void ask_free(struct ask *ask)
{
    struct ask **at = &asks;

    while (*at != NULL && *at != ask)
        at = &(*at)->next;
    if (*at != NULL)
        *at = ask->next;
    fake_timer_stop(&ask->deadline);
    fake_principal_release(ask->answer.principal);
    fake_principal_release((struct xmb_principal *)(uintptr_t)ask->request.principal);
    free(ask->octets);
    free(ask);
}

static struct ask *ask_by_id(uint64_t id)
{
    struct ask *ask;

    for (ask = asks; ask != NULL && ask->id != id;)
        ask = ask->next;
    return ask;
}

static void answer_late(struct ask *ask)
{
    struct xmb_answer answer = ask->answer;
    void (*late)(void *, const struct xmb_answer *) = ask->late;
    void *arg = ask->arg;

    ask->answer.principal = NULL;
    ask_free(ask);
    late(arg, &answer);
}

static void expired(struct fake_timer *t)
{
    struct ask *ask = (struct ask *)((char *)t - offsetof(struct ask, deadline));

    end_in_deny(ask, XMB_DENY_LATE, NULL);
    answer_late(ask);
}

static void arrived(void *arg)
{
    struct ticket *t = arg;
    struct ask *ask = ask_by_id(t->base.id);
    int rc;

    if (ask == NULL) {
        fake_principal_release(t->answer.principal);
        free(t);
        return;
    }
    rc = take(ask, (int)t->verdict, &t->answer);
    free(t);
    if (rc == XMB_ABSTAIN)
        rc = go_on(ask);
    if (rc != XMB_PENDING)
        answer_late(ask);
}

static void dropped(void *arg)
{
    struct ticket *t = arg;

    fake_principal_release(t->answer.principal);
    free(t);
}

static void complete(struct xmb_ticket *ticket, uint32_t verdict, const struct xmb_answer *answer)
{
    struct ticket *t = (struct ticket *)ticket;

    fake_ticket_back(ticket, FAKE_TICKET_POLICY);
    t->verdict = verdict;
    if (answer != NULL)
        memcpy(&t->answer, answer,
               answer->size < sizeof(*answer) ? answer->size : sizeof(*answer));
    fake_work_or(arrived, dropped, t);
}

static int ask_(struct xmb_worker *w, const struct xmb_request *request, struct xmb_answer *answer,
                void (*late)(void *arg, const struct xmb_answer *answer), void *arg,
                uint64_t *ask_id)
{
    struct ask *ask = fake_alloc(sizeof(*ask));
    int rc;

    (void)w;
    copy_request(ask, request);
    ask->id = ++last_id;
    ask->late = late;
    ask->arg = arg;
    ask->answer.size = sizeof(ask->answer);
    ask->deadline.fn = expired;
    rc = go_on(ask);
    if (rc == XMB_PENDING) {
        ask->next = asks;
        asks = ask;
        fake_timer_start(&ask->deadline, 5000);
        if (ask_id != NULL)
            *ask_id = ask->id;
        return rc;
    }
    *answer = ask->answer;
    ask->answer.principal = NULL;
    ask_free(ask);
    return rc;
}

static void cancel(struct xmb_worker *w, uint64_t ask_id)
{
    struct ask *ask = ask_by_id(ask_id);

    (void)w;
    if (ask != NULL)
        ask_free(ask);
}

static void asked_late(void *arg, const struct xmb_answer *answer)
{
    *(struct xmb_answer *)arg = *answer;
}

int xmb_fakehost_ask(const struct xmb_request *request, struct xmb_answer *answer)
{
    int rc;

    memset(answer, 0, sizeof(*answer));
    rc = ask_(&fake.worker, request, answer, asked_late, answer, NULL);
    xmb_fakehost_run();
    return rc == XMB_PENDING && answer->verdict != 0 ? (int)answer->verdict : rc;
}

void fake_policy_free(void)
{
    while (asks != NULL)
        ask_free(asks);
    while (users != NULL) {
        struct user *u = users;

        users = u->next;
        free(u->name);
        free(u->password);
        free(u);
    }
    forced_points = 0;
    built_in_late = 0;
}

const struct xmb_policy_api fake_policy_api = {
    .size = sizeof(fake_policy_api),
    .rev = 1,
    .ask = ask_,
    .cancel = cancel,
    .complete = complete,
    .principal_new = fake_principal_new,
    .principal_set = fake_principal_set,
    .principal_get = fake_principal_get,
    .principal_name = fake_principal_name,
    .principal_key = fake_principal_key,
    .principal_hold = fake_principal_hold,
    .principal_release = fake_principal_release,
};
