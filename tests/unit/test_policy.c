/* SPDX-License-Identifier: MIT */
/*
 * test_policy.c - the policy chain on real workers: its rules, late verdicts from other threads,
 * deadlines, cancelling, bounds, and plugins that break the rules.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <pthread.h>
#include <stdlib.h>

#include "chain_rig.h"
#include "metrics/metrics.h"
#include "policy/policy.h"
#include "policy/policy_priv.h"

#define LONG_MS 120000

/* What a module does when it is asked; its wself on every worker. */
struct script {
    int verdict;              /* what check returns */
    uint32_t reason;
    const char *principal;    /* vouches for this name */
    int also_completes;       /* gives the ticket back although it answers at once */
    _Atomic int asked;
    struct xmb_ticket *ticket; /* the last one, when PENDING; read after `asked` */
    char user[16];
    char foreign[16];
    uint32_t request_bytes; /* the size that the request said */
};

static struct script script[3];
static struct xmb_module *module[3];

static int play(void *wself, const struct xmb_request *request, struct xmb_answer *answer,
                struct xmb_ticket *ticket)
{
    struct script *s = wself;
    int verdict = s->verdict;

    answer->reason = s->reason;
    if (s->principal != NULL)
        answer->principal = principal_new(xmb_str(s->principal), XMB_STR("key"));
    if (request->username.n < sizeof(s->user))
        memcpy(s->user, request->username.n > 0 ? request->username.p : "", request->username.n);
    if (request->foreign.n < sizeof(s->foreign))
        memcpy(s->foreign, request->foreign.n > 0 ? request->foreign.p : "", request->foreign.n);
    s->request_bytes = request->size;
    if (verdict == XMB_PENDING)
        s->ticket = ticket;
    if (s->also_completes)
        policy_api.complete(ticket, XMB_ALLOW, NULL);
    atomic_fetch_add(&s->asked, 1);
    return verdict;
}

static void give_scripts(struct xmb_worker *w, void *arg)
{
    int i;

    (void)arg;
    for (i = 0; i < 3; i++)
        w->wself[module[i]->index] = &script[i];
}

static int begin(void **state)
{
    static const char *const names[] = {"first", "second", "third"};
    uint32_t i;

    (void)state;
    memset(script, 0, sizeof(script));
    for (i = 0; i < 3; i++) {
        module[i] = rig_module(names[i]);
        module[i]->policy = (struct xmb_policy){sizeof(struct xmb_policy),
                                                XMB_POINT_AUTHENTICATE | XMB_POINT_PUBLISH, play};
    }
    policy_deadline_set(LONG_MS);
    rig_up();
    for (i = 0; i < RIG_WORKERS; i++)
        rig_on_worker(i, give_scripts, NULL);
    return 0;
}

static int end(void **state)
{
    (void)state;
    rig_down();
    return 0;
}

/* --- asking ---------------------------------------------------------------------------------- */

/* One question, from the test's thread, and what became of it. */
struct ask {
    struct xmb_request request;
    struct xmb_answer answer;
    int can_wait;
    int rc;
    uint64_t id;
    pthread_t thread; /* that `late` ran on */
    _Atomic int late;
};

static void late(void *arg, const struct xmb_answer *answer)
{
    struct ask *a = arg;

    a->answer = *answer;
    a->thread = pthread_self();
    atomic_fetch_add(&a->late, 1);
}

static void ask_there(struct xmb_worker *w, void *arg)
{
    struct ask *a = arg;

    a->answer.size = sizeof(a->answer);
    a->rc = policy_api.ask(w, &a->request, &a->answer, a->can_wait ? late : NULL, a, &a->id);
}

static _Atomic int large_late;

static void count_late(void *arg, const struct xmb_answer *answer)
{
    (void)answer;
    atomic_fetch_add((_Atomic int *)arg, 1);
}

static void ask_large(struct xmb_worker *w, void *arg)
{
    struct xmb_answer answer = {.size = sizeof(answer)};
    uint64_t id;

    RIG_CHECK(policy_api.ask(w, arg, &answer, count_late, &large_late, &id) == XMB_PENDING);
}

static void ask(struct ask *a, uint32_t point)
{
    memset(a, 0, sizeof(*a));
    a->can_wait = 1;
    a->request = (struct xmb_request){
        .size = sizeof(a->request),
        .point = point,
        .mechanism = XMB_MECH_PLAIN,
        .username = XMB_STR("ann"),
        .remote = {.family = 4, .port = 1, .ip = {192, 0, 2, 1}},
    };
    rig_on_worker(0, ask_there, a);
}

static void denied(const struct ask *a, uint32_t reason)
{
    assert_int_equal(a->answer.verdict, XMB_DENY);
    assert_int_equal(a->answer.reason, reason);
    assert_null(a->answer.principal);
}

static void verdicts(int first, int second, int third)
{
    script[0].verdict = first;
    script[1].verdict = second;
    script[2].verdict = third;
}

static void asked(int first, int second, int third)
{
    assert_int_equal(atomic_load(&script[0].asked), first);
    assert_int_equal(atomic_load(&script[1].asked), second);
    assert_int_equal(atomic_load(&script[2].asked), third);
}

static void complete(struct script *s, int verdict, const char *principal)
{
    struct xmb_answer answer = {.size = sizeof(answer), .reason = XMB_DENY_CREDENTIALS};

    if (principal != NULL)
        answer.principal = principal_new(xmb_str(principal), XMB_STR(""));
    policy_api.complete(s->ticket, (uint32_t)verdict, &answer);
}

/* --- the rules ------------------------------------------------------------------------------- */

static void test_one_allow_is_enough(void **state)
{
    struct ask a;

    (void)state;
    verdicts(XMB_ABSTAIN, XMB_ALLOW, XMB_ABSTAIN);
    ask(&a, XMB_POINT_PUBLISH);
    assert_int_equal(a.rc, XMB_ALLOW);
    assert_int_equal(a.answer.verdict, XMB_ALLOW);
    asked(1, 1, 1);
}

static void test_first_deny_ends_it(void **state)
{
    struct ask a;

    (void)state;
    verdicts(XMB_ALLOW, XMB_DENY, XMB_ALLOW);
    script[1].reason = XMB_DENY_CREDENTIALS;
    ask(&a, XMB_POINT_PUBLISH);
    assert_int_equal(a.rc, XMB_DENY);
    denied(&a, XMB_DENY_CREDENTIALS);
    asked(1, 1, 0);
}

static void test_silence_is_deny(void **state)
{
    struct ask a;

    (void)state;
    ask(&a, XMB_POINT_PUBLISH);
    assert_int_equal(a.rc, XMB_DENY);
    denied(&a, XMB_DENY_SILENCE);
    asked(1, 1, 1);
    ask(&a, XMB_POINT_SUBSCRIBE); /* nobody declares it */
    denied(&a, XMB_DENY_SILENCE);
    asked(1, 1, 1);
}

static void test_failure_is_deny(void **state)
{
    struct ask a;

    (void)state;
    verdicts(XMB_ALLOW, XMB_ENOMEM, XMB_ALLOW);
    ask(&a, XMB_POINT_PUBLISH);
    denied(&a, XMB_DENY_FAILED);
    verdicts(XMB_ALLOW, 77, XMB_ALLOW);
    ask(&a, XMB_POINT_PUBLISH);
    denied(&a, XMB_DENY_FAILED);
    script[1].reason = 0;
    verdicts(XMB_ALLOW, XMB_DENY, XMB_ALLOW);
    ask(&a, XMB_POINT_PUBLISH);
    denied(&a, XMB_DENY_POLICY);
}

static void test_accept_is_the_exception(void **state)
{
    struct ask a;

    (void)state;
    ask(&a, XMB_POINT_ACCEPT);
    assert_int_equal(a.rc, XMB_ALLOW);
    /* A list must permit it, and nobody knows lists: closed. */
    a.request.list = "campus";
    rig_on_worker(0, ask_there, &a);
    assert_int_equal(a.rc, XMB_DENY);
    denied(&a, XMB_DENY_POLICY);
    /* Declared, and silent. */
    module[0]->policy.points |= XMB_POINT_ACCEPT;
    ask(&a, XMB_POINT_ACCEPT);
    denied(&a, XMB_DENY_SILENCE);
}

static void test_principal(void **state)
{
    struct ask a;

    (void)state;
    verdicts(XMB_ALLOW, XMB_ALLOW, XMB_ABSTAIN);
    script[0].principal = "ann";
    script[1].principal = "bob";   /* comes too late */
    script[2].principal = "carol"; /* has no say */
    ask(&a, XMB_POINT_AUTHENTICATE);
    assert_int_equal(a.rc, XMB_ALLOW);
    assert_true(xmb_str_eq(principal_name(a.answer.principal), XMB_STR("ann")));
    principal_release(a.answer.principal);
    /* Vouched for, then denied. */
    verdicts(XMB_ALLOW, XMB_ALLOW, XMB_DENY);
    ask(&a, XMB_POINT_AUTHENTICATE);
    denied(&a, XMB_DENY_POLICY);
    /* Allowed, but by nobody who says who it is. */
    verdicts(XMB_ALLOW, XMB_ABSTAIN, XMB_ABSTAIN);
    script[0].principal = NULL;
    ask(&a, XMB_POINT_AUTHENTICATE);
    denied(&a, XMB_DENY_FAILED);
    /* Elsewhere a principal is not asked for. */
    script[0].principal = "ann";
    ask(&a, XMB_POINT_PUBLISH);
    assert_int_equal(a.rc, XMB_ALLOW);
    assert_null(a.answer.principal);
}

static void read_denied(struct xmb_worker *w, void *arg)
{
    *(uint64_t *)arg = w->cells[0][CORE_POLICY_DENIED];
}

static void test_denials_are_counted(void **state)
{
    uint64_t before, after;
    struct ask a;

    (void)state;
    rig_on_worker(0, read_denied, &before);
    ask(&a, XMB_POINT_PUBLISH);
    verdicts(XMB_ALLOW, XMB_ALLOW, XMB_ALLOW);
    ask(&a, XMB_POINT_PUBLISH);
    rig_on_worker(0, read_denied, &after);
    assert_int_equal(after - before, 1);
}

/* --- late ------------------------------------------------------------------------------------ */

static void test_late_allow(void **state)
{
    struct ask a;
    char user[] = "bob";

    (void)state;
    verdicts(XMB_ABSTAIN, XMB_PENDING, XMB_ABSTAIN);
    ask(&a, XMB_POINT_AUTHENTICATE);
    assert_int_equal(a.rc, XMB_PENDING);
    asked(1, 1, 0);
    assert_int_equal(atomic_load(&a.late), 0);
    a.request.username = xmb_str(user); /* the chain has its own copy */
    complete(&script[1], XMB_ALLOW, "ann");
    rig_wait(&a.late, 1);
    assert_int_equal(a.answer.verdict, XMB_ALLOW);
    assert_true(xmb_str_eq(principal_name(a.answer.principal), XMB_STR("ann")));
    principal_release(a.answer.principal);
    assert_true(pthread_equal(a.thread, worker_at(0)->loop.thread));
    asked(1, 1, 1);
    assert_string_equal(script[2].user, "ann");
}

static void test_late_deny_ends_it(void **state)
{
    struct ask a;

    (void)state;
    verdicts(XMB_ALLOW, XMB_PENDING, XMB_ALLOW);
    script[0].principal = "ann";
    ask(&a, XMB_POINT_AUTHENTICATE);
    assert_int_equal(a.rc, XMB_PENDING);
    complete(&script[1], XMB_DENY, NULL);
    rig_wait(&a.late, 1);
    denied(&a, XMB_DENY_CREDENTIALS);
    asked(1, 1, 0);
}

/* What ABI 0.2 added, from askers before, of and after it. */
static void test_foreign(void **state)
{
    struct {
        struct xmb_request request;
        char newer[64];
    } large = {.request = {.size = sizeof(large), .point = XMB_POINT_PUBLISH}};
    struct ask a = {.can_wait = 1, .request = {.size = sizeof(a.request)}};
    char foreign[] = "far.example";

    (void)state;
    verdicts(XMB_ABSTAIN, XMB_PENDING, XMB_ALLOW);
    a.request.point = XMB_POINT_PUBLISH;
    a.request.foreign = xmb_str(foreign);
    rig_on_worker(0, ask_there, &a);
    memset(foreign, 0, sizeof(foreign)); /* the chain has its own copy */
    complete(&script[1], XMB_ABSTAIN, NULL);
    rig_wait(&a.late, 1);
    assert_string_equal(script[0].foreign, "far.example");
    assert_string_equal(script[2].foreign, "far.example");
    memset(script[2].foreign, 0, sizeof(script[2].foreign));
    verdicts(XMB_ABSTAIN, XMB_ABSTAIN, XMB_ALLOW);
    a.request.size = offsetof(struct xmb_request, foreign);
    a.request.foreign = XMB_STR("not there");
    rig_on_worker(0, ask_there, &a);
    assert_string_equal(script[2].foreign, "");
    verdicts(XMB_PENDING, XMB_ABSTAIN, XMB_ALLOW);
    rig_on_worker(0, ask_large, &large.request);
    complete(&script[0], XMB_ABSTAIN, NULL);
    rig_wait(&large_late, 1);
    assert_int_equal(script[2].request_bytes, sizeof(struct xmb_request)); /* of the copy */
}

static void test_two_late_in_a_row(void **state)
{
    struct ask a;

    (void)state;
    verdicts(XMB_PENDING, XMB_PENDING, XMB_PENDING);
    ask(&a, XMB_POINT_PUBLISH);
    complete(&script[0], XMB_ABSTAIN, "nobody");
    rig_wait(&script[1].asked, 1);
    complete(&script[1], XMB_ALLOW, NULL);
    rig_wait(&script[2].asked, 1);
    assert_int_equal(atomic_load(&a.late), 0);
    complete(&script[2], XMB_ABSTAIN, NULL);
    rig_wait(&a.late, 1);
    assert_int_equal(a.answer.verdict, XMB_ALLOW);
}

static void test_late_nonsense_is_deny(void **state)
{
    struct ask a;

    (void)state;
    verdicts(XMB_PENDING, XMB_ALLOW, XMB_ALLOW);
    ask(&a, XMB_POINT_PUBLISH);
    complete(&script[0], XMB_PENDING, "ann");
    rig_wait(&a.late, 1);
    denied(&a, XMB_DENY_FAILED);
    ask(&a, XMB_POINT_PUBLISH);
    complete(&script[0], 99, "ann");
    rig_wait(&a.late, 1);
    denied(&a, XMB_DENY_FAILED);
    ask(&a, XMB_POINT_PUBLISH);
    policy_api.complete(script[0].ticket, XMB_DENY, NULL);
    rig_wait(&a.late, 1);
    denied(&a, XMB_DENY_POLICY);
    asked(3, 0, 0);
}

static void test_pending_without_ticket(void **state)
{
    struct ask a = {.can_wait = 0};

    (void)state;
    verdicts(XMB_PENDING, XMB_ALLOW, XMB_ALLOW);
    a.request = (struct xmb_request){.size = sizeof(a.request), .point = XMB_POINT_PUBLISH};
    rig_on_worker(0, ask_there, &a);
    assert_int_equal(a.rc, XMB_DENY);
    denied(&a, XMB_DENY_FAILED);
    assert_null(script[0].ticket);
}

static void test_completes_and_answers(void **state)
{
    struct ask a;

    (void)state;
    verdicts(XMB_ALLOW, XMB_ALLOW, XMB_ALLOW);
    script[0].also_completes = 1;
    script[0].principal = "ann";
    ask(&a, XMB_POINT_AUTHENTICATE);
    assert_int_equal(a.rc, XMB_DENY);
    denied(&a, XMB_DENY_FAILED);
    /* The next question is a new one. */
    script[0].also_completes = 0;
    ask(&a, XMB_POINT_PUBLISH);
    assert_int_equal(a.rc, XMB_ALLOW);
}

/* Before check has returned, on the asking thread: still never before ask returns. */
static void test_completed_inside(void **state)
{
    struct ask a;

    (void)state;
    verdicts(XMB_PENDING, XMB_ALLOW, XMB_ALLOW);
    script[0].also_completes = 1;
    ask(&a, XMB_POINT_PUBLISH);
    assert_int_equal(a.rc, XMB_PENDING);
    rig_wait(&a.late, 1);
    assert_int_equal(a.answer.verdict, XMB_ALLOW);
}

/* --- deadline and cancel --------------------------------------------------------------------- */

static void test_deadline(void **state)
{
    struct ask a;

    (void)state;
    policy_deadline_set(20);
    verdicts(XMB_ALLOW, XMB_PENDING, XMB_ALLOW);
    script[0].principal = "ann";
    ask(&a, XMB_POINT_AUTHENTICATE);
    rig_wait(&a.late, 1);
    denied(&a, XMB_DENY_LATE);
    /* Too late: it changes nothing and frees all. */
    complete(&script[1], XMB_ALLOW, "bob");
    script[0].verdict = XMB_DENY;
    ask(&a, XMB_POINT_PUBLISH); /* behind it in the mailbox */
    assert_int_equal(atomic_load(&a.late), 0);
    assert_int_equal(a.rc, XMB_DENY);
}

static void cancel_there(struct xmb_worker *w, void *arg)
{
    const struct ask *a = arg;

    policy_api.cancel(w, a->id);
    policy_api.cancel(w, a->id);
    policy_api.cancel(w, 0);
    policy_api.cancel(w, UINT64_MAX);
}

static void nothing(struct xmb_worker *w, void *arg)
{
    (void)w;
    (void)arg;
}

static void test_cancel(void **state)
{
    struct ask a;

    (void)state;
    verdicts(XMB_ALLOW, XMB_PENDING, XMB_ALLOW);
    script[0].principal = "ann";
    ask(&a, XMB_POINT_AUTHENTICATE);
    rig_on_worker(0, cancel_there, &a);
    complete(&script[1], XMB_ALLOW, "bob");
    rig_on_worker(0, nothing, NULL); /* behind the verdict */
    assert_int_equal(atomic_load(&a.late), 0);
    asked(1, 1, 0);
}

/* --- bounds and the end ---------------------------------------------------------------------- */

static void ask_many(struct xmb_worker *w, void *arg)
{
    struct ask *a = arg;
    struct xmb_ticket **tickets = calloc(POLICY_TICKETS_MAX, sizeof(*tickets));
    uint32_t i;

    RIG_CHECK(tickets != NULL);
    for (i = 0; i < POLICY_TICKETS_MAX; i++) {
        ask_there(w, a);
        RIG_CHECK(a->rc == XMB_PENDING);
        tickets[i] = script[1].ticket;
        policy_api.cancel(w, a->id); /* the module has the ticket still */
    }
    ask_there(w, a);
    RIG_CHECK(a->rc == XMB_DENY && a->answer.reason == XMB_DENY_FAILED);
    RIG_CHECK(atomic_load(&script[1].asked) == (int)POLICY_TICKETS_MAX);
    for (i = 0; i < POLICY_TICKETS_MAX; i++)
        policy_api.complete(tickets[i], XMB_ALLOW, NULL);
    free(tickets);
}

static void test_bound_of_tickets(void **state)
{
    struct ask a = {.can_wait = 1};

    (void)state;
    verdicts(XMB_ABSTAIN, XMB_PENDING, XMB_ABSTAIN);
    a.request = (struct xmb_request){.size = sizeof(a.request), .point = XMB_POINT_PUBLISH};
    rig_on_worker(0, ask_many, &a);
    /* All have come back: it is asked again. */
    ask(&a, XMB_POINT_PUBLISH);
    assert_int_equal(a.rc, XMB_PENDING);
    complete(&script[1], XMB_ALLOW, NULL);
    rig_wait(&a.late, 1);
    assert_int_equal(a.answer.verdict, XMB_ALLOW);
}

/* The worker has ended; the module gives the ticket back all the same. */
static void test_completed_after_the_end(void **state)
{
    struct ask a;

    verdicts(XMB_ALLOW, XMB_PENDING, XMB_ALLOW);
    script[0].principal = "ann";
    ask(&a, XMB_POINT_AUTHENTICATE);
    end(state);
    complete(&script[1], XMB_ALLOW, "bob");
    assert_int_equal(atomic_load(&a.late), 0);
    begin(state);
}

/* --- many threads ---------------------------------------------------------------------------- */

#define ROUNDS 2000 /* below POLICY_TICKETS_MAX */

struct pool {
    pthread_mutex_t lock;
    pthread_cond_t more;
    struct xmb_ticket *ticket[ROUNDS * RIG_WORKERS];
    int count;
    int stop;
};

static struct pool pool;

static int into_pool(void *wself, const struct xmb_request *request, struct xmb_answer *answer,
                     struct xmb_ticket *ticket)
{
    (void)wself;
    (void)request;
    (void)answer;
    pthread_mutex_lock(&pool.lock);
    pool.ticket[pool.count++] = ticket;
    pthread_cond_signal(&pool.more);
    pthread_mutex_unlock(&pool.lock);
    return XMB_PENDING;
}

/* The scripts belong to one worker; here two ask at once. */
static int no_opinion(void *wself, const struct xmb_request *request, struct xmb_answer *answer,
                      struct xmb_ticket *ticket)
{
    (void)wself;
    (void)request;
    (void)answer;
    (void)ticket;
    return XMB_ABSTAIN;
}

static void *empty_pool(void *arg)
{
    (void)arg;
    pthread_mutex_lock(&pool.lock);
    while (pool.count > 0 || !pool.stop) {
        struct xmb_answer answer = {.size = sizeof(answer)};
        struct xmb_ticket *t;

        if (pool.count == 0) {
            pthread_cond_wait(&pool.more, &pool.lock);
            continue;
        }
        t = pool.ticket[--pool.count];
        pthread_mutex_unlock(&pool.lock);
        answer.principal = principal_new(XMB_STR("ann"), XMB_STR("key"));
        policy_api.complete(t, XMB_ALLOW, &answer);
        pthread_mutex_lock(&pool.lock);
    }
    pthread_mutex_unlock(&pool.lock);
    return NULL;
}

struct flood {
    _Atomic int allowed;
    _Atomic int answered;
};

static void flood_late(void *arg, const struct xmb_answer *answer)
{
    struct flood *f = arg;

    if (answer->verdict == XMB_ALLOW)
        atomic_fetch_add(&f->allowed, 1);
    principal_release(answer->principal);
    atomic_fetch_add(&f->answered, 1);
}

static void flood_there(struct xmb_worker *w, void *arg)
{
    struct xmb_request r = {.size = sizeof(r), .point = XMB_POINT_AUTHENTICATE,
                            .username = XMB_STR("ann")};
    struct xmb_answer answer = {.size = sizeof(answer)};
    int i;

    for (i = 0; i < ROUNDS; i++)
        RIG_CHECK(policy_api.ask(w, &r, &answer, flood_late, arg, NULL) == XMB_PENDING);
}

static void test_many_threads(void **state)
{
    struct flood f = {0, 0};
    pthread_t thread[3];
    uint32_t i;

    (void)state;
    pthread_mutex_init(&pool.lock, NULL);
    pthread_cond_init(&pool.more, NULL);
    module[0]->policy.check = no_opinion;
    module[1]->policy.check = into_pool;
    module[2]->policy.check = no_opinion;
    for (i = 0; i < 3; i++)
        assert_int_equal(pthread_create(&thread[i], NULL, empty_pool, NULL), 0);
    for (i = 0; i < RIG_WORKERS; i++)
        rig_on_worker(i, flood_there, &f);
    rig_wait(&f.answered, ROUNDS * RIG_WORKERS);
    assert_int_equal(atomic_load(&f.allowed), ROUNDS * RIG_WORKERS);
    pthread_mutex_lock(&pool.lock);
    pool.stop = 1;
    pthread_cond_broadcast(&pool.more);
    pthread_mutex_unlock(&pool.lock);
    for (i = 0; i < 3; i++)
        pthread_join(thread[i], NULL);
}

/* --- principals ------------------------------------------------------------------------------ */

static void test_principals(void **state)
{
    char key[65] = {0};
    struct xmb_principal *p = principal_new(XMB_STR("ann"), (struct xmb_str){key, 64});

    (void)state;
    assert_non_null(p);
    assert_int_equal(principal_key(p).n, 64);
    assert_int_equal(principal_get(p, XMB_SETTING_DOMAIN, 7), 7);
    principal_set(p, XMB_SETTING_DOMAIN, 0);
    assert_int_equal(principal_get(p, XMB_SETTING_DOMAIN, 7), 0);
    assert_int_equal(principal_get(p, XMB_SETTING_MAX, 9), 9);
    assert_ptr_equal(principal_hold(p), p);
    principal_release(p);
    assert_true(xmb_str_eq(principal_name(p), XMB_STR("ann")));
    principal_release(p);
    principal_release(NULL);
    assert_null(principal_new(XMB_STR("ann"), (struct xmb_str){key, 65}));
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_one_allow_is_enough),
        TEST(test_first_deny_ends_it),
        TEST(test_silence_is_deny),
        TEST(test_failure_is_deny),
        TEST(test_accept_is_the_exception),
        TEST(test_principal),
        TEST(test_denials_are_counted),
        TEST(test_late_allow),
        TEST(test_late_deny_ends_it),
        TEST(test_foreign),
        TEST(test_two_late_in_a_row),
        TEST(test_late_nonsense_is_deny),
        TEST(test_pending_without_ticket),
        TEST(test_completes_and_answers),
        TEST(test_completed_inside),
        TEST(test_deadline),
        TEST(test_cancel),
        TEST(test_bound_of_tickets),
        TEST(test_completed_after_the_end),
        TEST(test_many_threads),
        cmocka_unit_test(test_principals),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
