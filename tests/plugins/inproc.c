/* SPDX-License-Identifier: MIT */
/*
 * inproc.c - publishes a service and subscribes to others inside the broker, with no network.
 *
 *     <module name="inproc" domain="100" text="hello"/>
 *
 * It publishes service 101:7 with `text` as its data, and follows all of service 101 in the same
 * domain, its own included. `show inproc seen` tells what is there now. A reload with another
 * text is an update of the same service.
 *
 * Everything happens on worker 0: an owner and a subscription belong to one worker. A plugin that
 * serves connections would have them on each connection's worker instead.
 */
#include <stdlib.h>
#include <string.h>
#include <xmb/xmb.h>

#define RETRY_MS 20
#define SEEN_MAX 64

static const struct xmb_host *host;
static struct xmb_module *module;

struct settings {
    uint32_t domain;
    const char *text; /* the host's, until retire */
};

struct inproc {
    struct xmb_worker *worker;
    const struct settings *settings;
    struct xmb_owner *owner;
    struct xmb_sub *sub;
    struct xmb_timer *again;
    uint32_t sequence; /* of our service, as it is or should be */
    int published;     /* what the settings say was accepted for publishing */
    size_t seen_count;
    const struct xmb_service *seen[SEEN_MAX]; /* a reference to each */
};

static const struct xmb_service_id our_id = {101, 7, {1, 2, 3, 4}};
static const struct xmb_service_id wanted = {
    101, XMB_ANY_SUBSERVICE, {XMB_ANY_WORD, XMB_ANY_WORD, XMB_ANY_WORD, XMB_ANY_WORD}};

/* --- publishing ------------------------------------------------------------------------------ */

static void catch_up(struct xmb_worker *w, void *arg);

/* The registry has decided. Not before publish returned, and on our worker. */
static void done(void *arg, uint64_t tag, const struct xmb_publish_result *result)
{
    struct inproc *p = arg;

    (void)tag;
    if (result->status == XMB_ESTALE) { /* it remembers a later one: go on from there */
        p->sequence = result->sequence + 1;
        p->published = 0;
        catch_up(p->worker, p);
    } else if (result->status < 0) {
        host->log->write(module, XMB_LOG_WARN, "101:7", "not published, error %d; it stays away",
                         result->status);
    }
}

static const struct xmb_owner_ops owner_ops = {.size = sizeof owner_ops, .done = done};

static int publish(struct inproc *p)
{
    const struct xmb_publish service = {
        .size = sizeof service,
        .domain = p->settings->domain,
        .id = our_id,
        .sequence = p->sequence,
        .ip_protocol = 6,
        .addr = {.family = 4, .port = 5060, .ip = {192, 0, 2, 7}},
        .data = xmb_str(p->settings->text),
    };
    int rc = host->service->publish(p->owner, &service, p->sequence);

    p->published = rc == 0;
    return rc;
}

/* --- subscribing ----------------------------------------------------------------------------- */

/* Where the service stands in `seen`, or seen_count. */
static size_t place_of(const struct inproc *p, const struct xmb_service_id *id)
{
    size_t i;

    for (i = 0; i < p->seen_count; i++)
        if (memcmp(&p->seen[i]->id, id, sizeof *id) == 0)
            break;
    return i;
}

static void forget(struct inproc *p, size_t i)
{
    host->service->release(p->seen[i]);
    p->seen[i] = p->seen[--p->seen_count];
}

static void take(struct inproc *p, const struct xmb_event *event)
{
    size_t i = place_of(p, &event->service->id);

    if (i < p->seen_count)
        forget(p, i);
    if (event->kind == XMB_EVENT_NOTIFY && p->seen_count < SEEN_MAX)
        p->seen[p->seen_count++] = host->service->hold(event->service);
}

/* A subscriber that is busy may stop before next() says 0, and go on when it likes. */
static void ready(void *arg)
{
    struct inproc *p = arg;
    struct xmb_event event = {.size = sizeof event};

    while (host->service->next(p->sub, &event) == 1)
        take(p, &event);
}

static int subscribe(struct inproc *p)
{
    const struct xmb_subscription spec = {
        .size = sizeof spec,
        .domain = p->settings->domain,
        .pattern = wanted,
        .view = XMB_VIEW_ALL,
        .ready = ready,
        .arg = p,
    };

    return host->service->subscribe(p->worker, module, &spec, &p->sub);
}

/* --- both ------------------------------------------------------------------------------------ */

/* Does what is not done yet. A full mailbox is no error: the rest is done a little later. */
static void catch_up(struct xmb_worker *w, void *arg)
{
    struct inproc *p = arg;
    int rc = 0;

    if (p->owner == NULL)
        rc = host->service->owner_open(w, module, XMB_STR("inproc"), 0, &owner_ops, p, &p->owner);
    if (rc == 0 && p->sub == NULL)
        rc = subscribe(p);
    if (rc == 0 && !p->published)
        rc = publish(p);
    if (rc == XMB_EAGAIN || rc == XMB_ENOMEM)
        host->timer->start(p->again, RETRY_MS);
    else if (rc < 0)
        host->log->write(module, XMB_LOG_ERROR, "101:7", "error %d; it stays away", rc);
}

static void leave(struct inproc *p)
{
    host->service->unsubscribe(p->sub);
    host->service->owner_close(p->owner, XMB_GONE_SOURCE);
    p->sub = NULL;
    p->owner = NULL;
    while (p->seen_count > 0)
        forget(p, 0);
}

/* --- life ------------------------------------------------------------------------------------ */

static int init(const struct xmb_host *h, struct xmb_module *m, void **self)
{
    if (!XMB_HAS(h, service) || !XMB_HAS(h->service, subscribe) || !XMB_HAS(h, timer))
        return XMB_EVERSION;
    host = h;
    module = m;
    *self = NULL; /* all that it has is on a worker */
    return 0;
}

static int prepare(void *self, const struct xmb_conf *conf, void **next)
{
    struct settings *s = calloc(1, sizeof *s);
    uint64_t domain = 7177;

    (void)self;
    if (s == NULL)
        return XMB_ENOMEM;
    if (host->conf->number(conf, "domain", 1, 65535, &domain) < 0) {
        free(s);
        return XMB_ECONF;
    }
    s->domain = (uint32_t)domain;
    s->text = host->conf->text(conf, "text", "");
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
    struct inproc *p = calloc(1, sizeof *p);

    (void)self;
    if (p == NULL)
        return XMB_ENOMEM;
    p->worker = w;
    p->again = host->timer->create(w, module, catch_up, p);
    if (p->again == NULL) {
        free(p);
        return XMB_ENOMEM;
    }
    *wself = p;
    return 0;
}

/* The old settings are still there, but must not be used after this returns. */
static void worker_conf(void *wself, void *next)
{
    struct inproc *p = wself;
    const struct settings *old = p->settings;

    p->settings = next;
    if (host->worker->index(p->worker) != 0)
        return;
    if (old != NULL && old->domain != p->settings->domain)
        leave(p);
    p->sequence++;
    p->published = 0;
    catch_up(p->worker, p);
}

/* The timer is gone already. */
static void worker_fini(void *wself)
{
    leave(wself);
    free(wself);
}

/* --- what it declares ------------------------------------------------------------------------ */

static int show_seen(void *state, const struct xmb_call *call, struct xmb_out *out)
{
    const struct inproc *p = state;
    size_t i;

    (void)call;
    host->control->list_begin(out, "seen");
    for (i = 0; i < p->seen_count; i++) {
        host->control->row_begin(out);
        host->control->number(out, "subservice", p->seen[i]->id.subservice);
        host->control->number(out, "sequence", p->seen[i]->sequence);
        host->control->text(out, "owner", p->seen[i]->owner_name);
        host->control->text(out, "data", p->seen[i]->data);
        host->control->row_end(out);
    }
    host->control->list_end(out);
    return 0;
}

static const struct xmb_command commands[] = {
    {XMB_COMMAND_INIT, XMB_SCOPE_EACH_WORKER, 0, 0, "show inproc seen", "",
     "the services of 101 that are there now", show_seen},
};

static const char schema[] =
    "<grammar xmlns='http://relaxng.org/ns/structure/1.0' ns='urn:xmb:config:1'><start><group>"
    "<optional><attribute name='domain'/></optional><optional><attribute name='text'/></optional>"
    "</group></start></grammar>";

static const struct xmb_module_ops ops = {
    .size = sizeof ops,
    .init = init,
    .prepare = prepare,
    .abort = drop,
    .worker_init = worker_init,
    .worker_conf = worker_conf,
    .worker_fini = worker_fini,
    .retire = drop,
};

XMB_PLUGIN(inproc, .version = "1.0", .summary = "publishes and subscribes in-process, for tests",
           .license = "MIT", .origin = "XMB", .schema = schema, .schema_bytes = sizeof schema - 1,
           .XMB_LIST(commands, commands), .ops = &ops);
