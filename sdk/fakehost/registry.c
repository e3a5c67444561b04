/* SPDX-License-Identifier: MIT */
/*
 * registry.c - services and their owners, in memory, by the rules of
 * <xmb/service.h>.
 *
 * A call is put into the queue of work and decided there, so results come in
 * order and in a later run. An identity that was ever seen keeps its entry
 * until the host closes; tests are short.
 */
#include "fake_priv.h"

#define BUCKETS 4096

struct xmb_owner {
    struct xmb_owner *next;
    struct xmb_module *module;
    char *name;
    uint32_t flags;
    const struct xmb_owner_ops *ops;
    void *arg;
    int closed; /* nothing is called any more; freed when its close is reached in the queue */
};

static struct fake_entry *bucket[BUCKETS];
static struct xmb_owner *owners;
static uint64_t last_version;
static int forced_error;

int fake_registry_error(void)
{
    return forced_error;
}

void xmb_fakehost_registry_error(int error)
{
    forced_error = error;
}

/* --- records --------------------------------------------------------------------------------- */

static struct fake_record *record_new(const struct xmb_publish *p, const char *owner_name)
{
    struct fake_record *r = fake_alloc(sizeof(*r));
    size_t name_bytes = owner_name != NULL ? strlen(owner_name) : 0;

    r->refs = 1;
    r->text = fake_alloc(name_bytes + p->data.n);
    if (name_bytes > 0)
        memcpy(r->text, owner_name, name_bytes);
    if (p->data.n > 0)
        memcpy(r->text + name_bytes, p->data.p, p->data.n);
    r->service = (struct xmb_service){
        .size = sizeof(r->service),
        .domain = p->domain,
        .id = p->id,
        .sequence = p->sequence,
        .flags = p->flags & XMB_SERVICE_PUBLIC,
        .ip_protocol = p->ip_protocol,
        .addr = p->addr,
        .data = {r->text + name_bytes, p->data.n},
        .owner_name = {name_bytes > 0 ? r->text : NULL, name_bytes},
        .since_ms = fake.now_ms,
    };
    return r;
}

struct fake_record *fake_record_hold(struct fake_record *r)
{
    r->refs++;
    return r;
}

void fake_record_release(struct fake_record *r)
{
    if (r == NULL)
        return;
    if (r->refs == 0)
        fake_fail("a service record is released too often");
    if (--r->refs > 0)
        return;
    free(r->text);
    free(r);
}

static int same_content(const struct xmb_service *a, const struct xmb_service *b)
{
    return a->ip_protocol == b->ip_protocol && a->flags == b->flags &&
           memcmp(&a->addr, &b->addr, sizeof(a->addr)) == 0 && xmb_str_eq(a->data, b->data);
}

/* --- entries --------------------------------------------------------------------------------- */

static struct fake_entry *entry_of(uint32_t domain, const struct xmb_service_id *id, int make)
{
    uint32_t h = domain * 31 + id->service * 7 + id->subservice +
                 (id->instance[0] ^ id->instance[1] ^ id->instance[2] ^ id->instance[3]);
    struct fake_entry **at = &bucket[h % BUCKETS];

    while (*at != NULL &&
           ((*at)->domain != domain || memcmp(&(*at)->id, id, sizeof(*id)) != 0))
        at = &(*at)->next;
    if (*at == NULL && make) {
        *at = fake_alloc(sizeof(**at));
        (*at)->domain = domain;
        (*at)->id = *id;
    }
    return *at;
}

void fake_entries(void (*fn)(void *arg, struct fake_entry *e), void *arg)
{
    struct fake_entry *e;
    int i;

    for (i = 0; i < BUCKETS; i++)
        for (e = bucket[i]; e != NULL; e = e->next)
            fn(arg, e);
}

/* Decides which record stands, and tells whoever subscribed when it is another one. */
static void settle(struct fake_entry *e, uint32_t gone)
{
    struct fake_record *now = e->local != NULL ? e->local : e->learned;

    if (now == e->now)
        return;
    if (now != NULL) {
        now->service.version = ++last_version;
        if (e->now != NULL)
            now->service.since_ms = e->now->service.since_ms;
    }
    fake_record_release(e->last);
    e->last = e->now; /* its reference */
    e->now = now != NULL ? fake_record_hold(now) : NULL;
    e->gone = gone;
    fake_entry_changed(e);
}

static void tell_modules(const struct fake_record *now, const struct fake_record *was,
                         uint32_t reason)
{
    uint32_t i;

    for (i = 0; i < fake.module_count; i++) {
        const struct xmb_routing *routing = fake.module[i]->plugin->routing;

        if (fake.module[i]->is_up && XMB_HAS(routing, service_changed))
            routing->service_changed(fake.module[i]->self, now != NULL ? &now->service : NULL,
                                     was != NULL ? &was->service : NULL, reason);
    }
}

static void set_local(struct fake_entry *e, struct fake_record *r, struct xmb_owner *owner,
                      uint32_t gone)
{
    struct fake_record *was = e->local;

    e->local = r;
    e->owner = owner;
    settle(e, gone);
    tell_modules(r, was, gone);
    fake_record_release(was);
}

/* --- publish --------------------------------------------------------------------------------- */

struct call {
    struct xmb_owner *owner;
    struct fake_record *record; /* NULL: unpublish */
    uint32_t domain;
    struct xmb_service_id id;
    uint64_t tag;
};

static void done(const struct call *call, int status, uint32_t sequence, uint32_t created)
{
    struct xmb_publish_result result = {sizeof(result), status, sequence, created};

    if (!call->owner->closed && XMB_HAS(call->owner->ops, done))
        call->owner->ops->done(call->owner->arg, call->tag, &result);
}

static int may_take_over(const struct xmb_owner *a, const struct xmb_owner *b)
{
    return a->name[0] != '\0' && strcmp(a->name, b->name) == 0 && a->flags == b->flags;
}

/* 0: store it; 1: nothing to do, a success; else the error. */
static int judge(const struct fake_entry *e, const struct call *call)
{
    const struct xmb_service *old = &e->local->service;
    const struct xmb_service *new = &call->record->service;
    int mine = e->owner == call->owner;

    if (!mine && !may_take_over(e->owner, call->owner))
        return XMB_EEXIST;
    if (new->sequence < old->sequence)
        return XMB_ESTALE;
    if (new->sequence == old->sequence && same_content(old, new))
        return 1;
    return mine && new->sequence == old->sequence ? XMB_ESTALE : 0;
}

static void change_owner(struct fake_entry *e, const struct call *call)
{
    struct xmb_owner *old = e->owner;

    e->owner = call->owner;
    if (old != NULL && old != call->owner && !old->closed && XMB_HAS(old->ops, taken_over))
        old->ops->taken_over(old->arg, e->domain, &e->id);
}

static void publish_work(void *arg)
{
    struct call *call = arg;
    struct fake_entry *e = entry_of(call->domain, &call->id, 1);
    uint32_t created = e->now == NULL;
    int verdict = e->local != NULL ? judge(e, call) : 0;

    if (verdict < 0) {
        done(call, verdict, e->local->service.sequence, 0);
        fake_record_release(call->record);
    } else {
        change_owner(e, call);
        done(call, 0, call->record->service.sequence, created);
        if (verdict == 0)
            set_local(e, call->record, call->owner, 0);
        else
            fake_record_release(call->record);
    }
    free(call);
}

static void unpublish_work(void *arg)
{
    struct call *call = arg;
    struct fake_entry *e = entry_of(call->domain, &call->id, 0);

    if (e == NULL || e->local == NULL || e->owner != call->owner) {
        done(call, XMB_ENOENT, 0, 0);
    } else {
        uint32_t sequence = e->local->service.sequence;

        set_local(e, NULL, NULL, XMB_GONE_SOURCE);
        done(call, 0, sequence, 0);
    }
    free(call);
}

static void call_dropped(void *arg)
{
    struct call *call = arg;

    fake_record_release(call->record);
    free(call);
}

static int check_publish(const struct xmb_publish *p)
{
    if (p->domain < 1 || p->domain > 65535 || xmb_service_id_is_wild(&p->id))
        return XMB_EINVAL;
    return p->data.n > XMB_SERVICE_DATA_MAX ? XMB_ETOOBIG : 0;
}

static struct call *call_new(struct xmb_owner *owner, uint32_t domain,
                             const struct xmb_service_id *id, uint64_t tag)
{
    struct call *call = fake_alloc(sizeof(*call));

    if (owner->closed)
        fake_fail("a plugin uses an owner after owner_close");
    call->owner = owner;
    call->domain = domain;
    call->id = *id;
    call->tag = tag;
    return call;
}

static int publish(struct xmb_owner *owner, const struct xmb_publish *p, uint64_t tag)
{
    int rc = forced_error != 0 ? forced_error : check_publish(p);
    struct call *call;

    if (rc < 0)
        return rc;
    call = call_new(owner, p->domain, &p->id, tag);
    call->record = record_new(p, owner->name);
    if (owner->flags & XMB_OWNER_ANONYMOUS)
        call->record->service.flags |= XMB_SERVICE_ANONYMOUS;
    fake_work_or(publish_work, call_dropped, call);
    return 0;
}

static int unpublish(struct xmb_owner *owner, uint32_t domain, const struct xmb_service_id *id,
                     uint64_t tag)
{
    if (forced_error != 0)
        return forced_error;
    if (domain < 1 || domain > 65535 || xmb_service_id_is_wild(id))
        return XMB_EINVAL;
    fake_work_or(unpublish_work, call_dropped, call_new(owner, domain, id, tag));
    return 0;
}

/* --- owners ---------------------------------------------------------------------------------- */

static int owner_open(struct xmb_worker *w, struct xmb_module *module, struct xmb_str name,
                      uint32_t flags, const struct xmb_owner_ops *ops, void *arg,
                      struct xmb_owner **out)
{
    struct xmb_owner *o = fake_alloc(sizeof(*o));

    (void)w;
    o->module = module;
    o->name = fake_alloc(name.n + 1);
    if (name.n > 0)
        memcpy(o->name, name.p, name.n);
    o->flags = flags;
    o->ops = ops;
    o->arg = arg;
    o->next = owners;
    owners = o;
    *out = o;
    return 0;
}

static void owner_free(struct xmb_owner *o)
{
    struct xmb_owner **at = &owners;

    while (*at != o)
        at = &(*at)->next;
    *at = o->next;
    free(o->name);
    free(o);
}

struct owner_end {
    struct xmb_owner *owner;
    uint32_t reason;
};

static void withdraw_of(void *arg, struct fake_entry *e)
{
    const struct owner_end *end = arg;

    if (e->owner == end->owner)
        set_local(e, NULL, NULL, end->reason);
}

static void owner_end_work(void *arg)
{
    struct owner_end *end = arg;

    fake_entries(withdraw_of, end);
    owner_free(end->owner);
    free(end);
}

static void owner_close(struct xmb_owner *owner, uint32_t reason)
{
    struct owner_end *end;

    if (owner == NULL)
        return;
    if (owner->closed)
        fake_fail("a plugin closes an owner twice");
    owner->closed = 1;
    end = fake_alloc(sizeof(*end));
    end->owner = owner;
    end->reason = reason;
    fake_work_or(owner_end_work, owner_end_work, end);
}

size_t xmb_fakehost_owners(void)
{
    const struct xmb_owner *o;
    size_t n = 0;

    for (o = owners; o != NULL; o = o->next)
        n += !o->closed;
    return n;
}

/* --- learned --------------------------------------------------------------------------------- */

static int learn(struct xmb_module *module, const struct xmb_publish *p)
{
    struct fake_entry *e;
    struct fake_record *was;
    int rc = check_publish(p);

    (void)module;
    if (rc < 0)
        return rc;
    e = entry_of(p->domain, &p->id, 1);
    was = e->learned;
    e->learned = record_new(p, NULL);
    e->learned->service.flags |= XMB_SERVICE_LEARNED;
    settle(e, 0);
    fake_record_release(was);
    return 0;
}

static int unlearn(struct xmb_module *module, uint32_t domain, const struct xmb_service_id *id,
                   uint32_t reason)
{
    struct fake_entry *e = entry_of(domain, id, 0);
    struct fake_record *was;

    (void)module;
    if (e == NULL || e->learned == NULL)
        return XMB_ENOENT;
    was = e->learned;
    e->learned = NULL;
    settle(e, reason);
    fake_record_release(was);
    return 0;
}

int xmb_fakehost_learn(const struct xmb_publish *publish_, uint32_t gone)
{
    return gone != 0 ? unlearn(NULL, publish_->domain, &publish_->id, gone)
                     : learn(NULL, publish_);
}

/* --- reading --------------------------------------------------------------------------------- */

struct walk {
    uint32_t domain;
    int (*fn)(void *arg, const struct xmb_service *s);
    void *arg;
    int stopped;
};

static void walk_entry(void *arg, struct fake_entry *e)
{
    struct walk *walk = arg;

    if (!walk->stopped && e->now != NULL && (walk->domain == 0 || walk->domain == e->domain))
        walk->stopped = walk->fn(walk->arg, &e->now->service);
}

static void walk_(uint32_t domain, int (*fn)(void *arg, const struct xmb_service *s), void *arg)
{
    struct walk walk = {domain, fn, arg, 0};

    fake_entries(walk_entry, &walk);
}

static int count_one(void *arg, const struct xmb_service *s)
{
    (void)s;
    ++*(size_t *)arg;
    return 0;
}

size_t xmb_fakehost_services(uint32_t domain)
{
    size_t n = 0;

    walk_(domain, count_one, &n);
    return n;
}

const struct xmb_service *xmb_fakehost_service(uint32_t domain, const struct xmb_service_id *id)
{
    const struct fake_entry *e = entry_of(domain, id, 0);

    return e != NULL && e->now != NULL ? &e->now->service : NULL;
}

static const struct xmb_service *hold(const struct xmb_service *s)
{
    fake_record_hold((struct fake_record *)(uintptr_t)s);
    return s;
}

static void release(const struct xmb_service *s)
{
    fake_record_release((struct fake_record *)(uintptr_t)s);
}

void fake_registry_free(void)
{
    int i;

    for (i = 0; i < BUCKETS; i++)
        while (bucket[i] != NULL) {
            struct fake_entry *e = bucket[i];

            bucket[i] = e->next;
            fake_record_release(e->local);
            fake_record_release(e->learned);
            fake_record_release(e->now);
            fake_record_release(e->last);
            free(e);
        }
    while (owners != NULL)
        owner_free(owners);
    forced_error = 0;
}

const struct xmb_service_api fake_service_api = {
    .size = sizeof(fake_service_api),
    .rev = 1,
    .owner_open = owner_open,
    .publish = publish,
    .unpublish = unpublish,
    .owner_close = owner_close,
    .subscribe = fake_subscribe,
    .next = fake_next,
    .unsubscribe = fake_unsubscribe,
    .hold = hold,
    .release = release,
    .learn = learn,
    .unlearn = unlearn,
    .walk = walk_,
};
