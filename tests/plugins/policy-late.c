/* SPDX-License-Identifier: MIT */
/*
 * policy-late.c - a policy plugin that answers PENDING, and completes from a thread of its
 * own, from a timer, or never, with the verdict of its configuration:
 *
 *     <module name="policy-late" verdict="allow|deny|abstain" by="thread|timer|never|now"
 *             points="63" after="20ms"/>
 *
 * `points` (a sum of enum xmb_point; 2 = AUTHENTICATE unless it is said) are where it has an
 * opinion; elsewhere it abstains at once. With "never" tickets are kept until the module stops.
 * It shows what a plugin needs to do to answer late, and is not an example in any other way.
 */
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <xmb/xmb.h>

static const char schema[] =
    "<grammar xmlns='http://relaxng.org/ns/structure/1.0' ns='urn:xmb:config:1'><start><group>"
    "<optional><attribute name='verdict'><choice><value>allow</value><value>deny</value>"
    "<value>abstain</value></choice></attribute></optional>"
    "<optional><attribute name='by'><choice><value>thread</value><value>timer</value>"
    "<value>never</value><value>now</value></choice></attribute></optional>"
    "<optional><attribute name='points'/></optional>"
    "<optional><attribute name='after'/></optional>"
    "</group></start></grammar>";

static const struct xmb_host *host;
static struct xmb_module *module;

enum by { BY_THREAD, BY_TIMER, BY_NEVER, BY_NOW };

struct settings {
    enum by by;
    uint32_t verdict;
    uint64_t points;
    uint64_t after_ms;
};

/* A question that waits, with the answer that it will get. */
struct waiting {
    struct waiting *next;
    struct xmb_ticket *ticket;
    struct xmb_timer *timer;
    uint32_t verdict;
    struct xmb_answer answer;
};

struct late {
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t more;
    struct waiting *first; /* for the thread */
    struct waiting *kept;  /* for never */
    int stopping;
};

struct worker {
    struct late *late;
    struct xmb_worker *worker;
    const struct settings *settings;
};

/* --- completing ------------------------------------------------------------------------------ */

static void finish(struct waiting *w)
{
    host->policy->complete(w->ticket, w->verdict, &w->answer);
    free(w);
}

static void *thread_main(void *arg)
{
    struct late *late = arg;

    pthread_mutex_lock(&late->lock);
    while (late->first != NULL || !late->stopping) {
        struct waiting *w = late->first;

        if (w == NULL) {
            pthread_cond_wait(&late->more, &late->lock);
            continue;
        }
        late->first = w->next;
        pthread_mutex_unlock(&late->lock);
        finish(w);
        pthread_mutex_lock(&late->lock);
    }
    pthread_mutex_unlock(&late->lock);
    return NULL;
}

static void give(struct late *late, struct waiting **list, struct waiting *w)
{
    pthread_mutex_lock(&late->lock);
    w->next = *list;
    *list = w;
    pthread_cond_signal(&late->more);
    pthread_mutex_unlock(&late->lock);
}

static void timer_fired(struct xmb_worker *worker, void *arg)
{
    struct waiting *w = arg;

    (void)worker;
    host->timer->destroy(w->timer);
    finish(w);
}

static int wait_for(struct worker *pw, struct waiting *w)
{
    switch (pw->settings->by) {
    case BY_TIMER:
        w->timer = host->timer->create(pw->worker, module, timer_fired, w);
        if (w->timer == NULL)
            return XMB_ENOMEM;
        host->timer->start(w->timer, pw->settings->after_ms);
        return 0;
    case BY_NEVER:
        give(pw->late, &pw->late->kept, w);
        return 0;
    default:
        give(pw->late, &pw->late->first, w);
        return 0;
    }
}

/* --- the policy ------------------------------------------------------------------------------ */

static void set_answer(const struct settings *s, const struct xmb_request *request,
                       struct xmb_answer *answer)
{
    answer->size = sizeof(*answer);
    if (s->verdict == XMB_DENY) {
        answer->reason = XMB_DENY_POLICY;
        answer->text = "policy-late was told to say no";
    }
    if (s->verdict == XMB_ALLOW && request->point == XMB_POINT_AUTHENTICATE)
        answer->principal = host->policy->principal_new(request->username,
                                                        (struct xmb_str){NULL, 0});
}

static int check(void *wself, const struct xmb_request *request, struct xmb_answer *answer,
                 struct xmb_ticket *ticket)
{
    struct worker *pw = wself;
    struct waiting *w;

    if ((pw->settings->points & request->point) == 0)
        return XMB_ABSTAIN;
    if (pw->settings->by == BY_NOW) {
        set_answer(pw->settings, request, answer);
        return (int)pw->settings->verdict;
    }
    if (ticket == NULL)
        return XMB_EAGAIN; /* it cannot wait, so it has failed */
    w = calloc(1, sizeof(*w));
    if (w == NULL)
        return XMB_ENOMEM;
    w->ticket = ticket;
    w->verdict = pw->settings->verdict;
    set_answer(pw->settings, request, &w->answer);
    if (wait_for(pw, w) < 0) {
        host->policy->principal_release(w->answer.principal);
        free(w);
        return XMB_ENOMEM;
    }
    return XMB_PENDING;
}

/* --- life ------------------------------------------------------------------------------------ */

static int init(const struct xmb_host *h, struct xmb_module *m, void **self)
{
    struct late *late = calloc(1, sizeof(*late));

    if (late == NULL)
        return XMB_ENOMEM;
    host = h;
    module = m;
    pthread_mutex_init(&late->lock, NULL);
    pthread_cond_init(&late->more, NULL);
    if (pthread_create(&late->thread, NULL, thread_main, late) != 0) {
        free(late);
        return XMB_EIO;
    }
    *self = late;
    return 0;
}

static int one_of(const char *text, const char *const *words)
{
    int i;

    for (i = 0; strcmp(text, words[i]) != 0;)
        i++;
    return i; /* the schema lets nothing else through */
}

static int prepare(void *self, const struct xmb_conf *conf, void **next)
{
    static const char *const verdicts[] = {"abstain", "allow", "deny"};
    static const char *const bys[] = {"thread", "timer", "never", "now"};
    struct settings *s = calloc(1, sizeof(*s));

    (void)self;
    if (s == NULL)
        return XMB_ENOMEM;
    s->points = XMB_POINT_AUTHENTICATE;
    s->verdict = (uint32_t)one_of(host->conf->text(conf, "verdict", "allow"), verdicts);
    s->by = (enum by)one_of(host->conf->text(conf, "by", "thread"), bys);
    if (host->conf->number(conf, "points", 0, 127, &s->points) < 0 ||
        host->conf->duration(conf, "after", 0, 60000, &s->after_ms) < 0) {
        free(s);
        return XMB_ECONF;
    }
    *next = s;
    return 0;
}

static void drop(void *self, void *settings)
{
    (void)self;
    free(settings);
}

static int worker_init(void *self, struct xmb_worker *w, void **wself)
{
    struct worker *pw = calloc(1, sizeof(*pw));

    if (pw == NULL)
        return XMB_ENOMEM;
    pw->late = self;
    pw->worker = w;
    *wself = pw;
    return 0;
}

static void worker_conf(void *wself, void *next)
{
    struct worker *pw = wself;

    pw->settings = next;
}

/* Tickets may be given back at any time, also now. */
static void stop(void *self)
{
    struct late *late = self;

    pthread_mutex_lock(&late->lock);
    late->stopping = 1;
    pthread_cond_signal(&late->more);
    pthread_mutex_unlock(&late->lock);
    pthread_join(late->thread, NULL);
    while (late->kept != NULL) {
        struct waiting *w = late->kept;

        late->kept = w->next;
        finish(w);
    }
    pthread_cond_destroy(&late->more);
    pthread_mutex_destroy(&late->lock);
    free(late);
}

static const struct xmb_module_ops ops = {
    .size = sizeof(ops),
    .init = init,
    .prepare = prepare,
    .abort = drop,
    .worker_init = worker_init,
    .worker_fini = free,
    .worker_conf = worker_conf,
    .retire = drop,
    .stop = stop,
};

static const struct xmb_policy role = {
    .size = sizeof(role),
    .points = XMB_POINT_ACCEPT | XMB_POINT_AUTHENTICATE | XMB_POINT_AUTHORIZE |
              XMB_POINT_PUBLISH | XMB_POINT_SUBSCRIBE | XMB_POINT_ROUTE | XMB_POINT_CONTROL,
    .check = check,
};

XMB_PLUGIN_NAMED(policy_late, "policy-late",
                 .version = "1.0",
                 .summary = "a policy that answers late, for tests",
                 .license = "MIT",
                 .origin = "XMB",
                 .schema = schema,
                 .schema_bytes = sizeof(schema) - 1,
                 .ops = &ops,
                 .policy = &role);
