/* SPDX-License-Identifier: MIT */
/*
 * s2_flow_rig.c - a fake host of several workers, fake leases and fake streams. See s2_flow_rig.h.
 */
#include "s2_flow_rig.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "admit.h"
#include "incoming.h"

struct s2_worker rig_worker[RIG_WORKERS];
struct s2_conf rig_conf;
struct s2_lease *rig_lease[RIG_LEASES];
size_t rig_lease_count;
struct rig_stream rig_stream[RIG_STREAMS];
size_t rig_slabs;
size_t rig_slab_bytes;
int rig_open_error;
uint64_t rig_random = 1;
uint32_t rig_full_mailbox;
uint32_t rig_dead;
int rig_stopped;
enum s2_admission rig_admission;
void (*rig_on_write)(const struct s2_lease *l, const struct rig_sent *sent);
void (*rig_on_read)(const struct s2_lease *l, const struct rig_sent *sent);

const struct xmb_host *s2_host;

static struct s2_module module;
static uint64_t cells[RIG_WORKERS][S2_M_COUNT];
static uint32_t worker_count;

/* --- the host -------------------------------------------------------------------------------- */

struct letter {
    struct letter *next;
    uint32_t to;
    void (*fn)(struct xmb_worker *w, void *arg);
    void *arg;
};
static struct letter *first_letter;
static struct letter **last_letter = &first_letter;

/* A worker's handle is the address of its state. */
static struct xmb_worker *handle_of(uint32_t i)
{
    return (struct xmb_worker *)(void *)&rig_worker[i];
}

static uint32_t count_(void)
{
    return worker_count;
}

static struct xmb_worker *at_(uint32_t i)
{
    return i < worker_count ? handle_of(i) : NULL;
}

static uint32_t index_(const struct xmb_worker *w)
{
    return ((const struct s2_worker *)(const void *)w)->index;
}

static void *state_(const struct xmb_worker *w, const struct xmb_module *m)
{
    (void)m;
    return &rig_worker[index_(w)];
}

static uint64_t now_ms_(const struct xmb_worker *w)
{
    (void)w;
    return xmb_fakehost_now_ms();
}

static int post_(struct xmb_worker *w, struct xmb_module *m,
                 void (*fn)(struct xmb_worker *w, void *arg), void *arg, size_t cost_bytes)
{
    struct letter *letter;

    (void)m;
    (void)cost_bytes;
    if (rig_stopped)
        return XMB_ECANCELED;
    if ((rig_full_mailbox & (1u << index_(w))) != 0)
        return XMB_EAGAIN;
    letter = calloc(1, sizeof(*letter));
    letter->to = index_(w);
    letter->fn = fn;
    letter->arg = arg;
    *last_letter = letter;
    last_letter = &letter->next;
    return 0;
}

static struct letter *take_letter(void)
{
    struct letter *letter = first_letter;

    if (letter != NULL && (first_letter = letter->next) == NULL)
        last_letter = &first_letter;
    return letter;
}

size_t rig_run(void)
{
    struct letter *letter;
    size_t n = 0;

    while ((letter = take_letter()) != NULL) {
        letter->fn(handle_of(letter->to), letter->arg);
        free(letter);
        n++;
    }
    return n;
}

static struct xmb_slab *slab_new_(size_t bytes)
{
    rig_slabs++;
    rig_slab_bytes += bytes;
    return xmb_fakehost_host()->buf->slab_new(bytes);
}

static struct xmb_worker_api worker_api;
static struct xmb_buf_api buf_api;
static struct xmb_host host;

static void make_host(void)
{
    host = *xmb_fakehost_host();
    worker_api = *host.worker;
    worker_api.count = count_;
    worker_api.at = at_;
    worker_api.index = index_;
    worker_api.state = state_;
    worker_api.now_ms = now_ms_;
    worker_api.post = post_;
    buf_api = *host.buf;
    buf_api.slab_new = slab_new_;
    host.worker = &worker_api;
    host.buf = &buf_api;
    s2_host = &host;
}

void rig_advance(uint64_t ms)
{
    while (ms > 0) {
        uint64_t step = ms < 20 ? ms : 20;

        xmb_fakehost_advance(step);
        rig_run();
        ms -= step;
    }
}

/* --- what the gateway has besides ------------------------------------------------------------ */

const struct s2_local *s2_conf_local(const struct s2_conf *c, const struct s2_domain *d)
{
    static const struct s2_local local;

    (void)c;
    return strcmp(d->text, "a.test") == 0 || strcmp(d->text, "a2.test") == 0 ? &local : NULL;
}

/*
 * Instead of the system's, so that a run can be repeated: it seeds the hash of domains, hence says
 * who owns what.
 */
ssize_t getrandom(void *p, size_t n, unsigned flags)
{
    (void)flags;
    memset(p, 0x29, n);
    return (ssize_t)n;
}

/* Where jitter and the marks of pings come from. */
int s2_stream_id(char id[S2_ID + 1])
{
    rig_random = rig_random * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    snprintf(id, S2_ID + 1, "%016llx%016llx", (unsigned long long)(rig_random ^ (rig_random >> 29)),
             (unsigned long long)rig_random);
    return 0;
}

static struct {
    void (*late)(void *arg, enum s2_admission result);
    void *arg;
} asked[256];
static size_t asked_count;

enum s2_admission s2_admit(struct s2_worker *w, enum s2_side side, const struct s2_domain *from,
                           const struct s2_domain *to, const struct xmb_addr *remote,
                           void (*late)(void *arg, enum s2_admission result), void *arg,
                           uint64_t *ask_id)
{
    (void)w;
    (void)side;
    (void)from;
    (void)to;
    (void)remote;
    if (rig_admission != S2_ADMIT_LATER)
        return rig_admission;
    asked[asked_count].late = late;
    asked[asked_count].arg = arg;
    *ask_id = ++asked_count;
    return S2_ADMIT_LATER;
}

void s2_admit_cancel(struct s2_worker *w, uint64_t ask_id)
{
    (void)w;
    asked[ask_id - 1].late = NULL;
}

const char *s2_admission_text(enum s2_admission a)
{
    return a == S2_ADMIT_OK ? "allowed" : "denied";
}

void rig_admit_late(enum s2_admission a)
{
    size_t i;

    for (i = 0; i < asked_count; i++) {
        if (asked[i].late != NULL)
            asked[i].late(asked[i].arg, a);
    }
    asked_count = 0;
}

void s2_in_dead(struct s2_worker *w, enum s2_side side, const struct s2_domain *remote,
                uint64_t since_ms)
{
    assert_true(remote->n > 0);
    assert_true(side == S2_OUTSIDE || side == S2_INSIDE);
    assert_true(since_ms <= xmb_fakehost_now_ms());
    rig_dead |= 1u << w->index;
}

void s2_in_resume(struct s2_worker *w, xmb_ref ref)
{
    struct rig_stream *s = &rig_stream[ref - 1];

    assert_ptr_equal(s->path.w, w);
    s->stopped = 0;
    s->resumed++;
}

/* --- leases ---------------------------------------------------------------------------------- */

int s2_lease_open(struct s2_worker *w, enum s2_side side, const struct s2_domain *local,
                  const struct s2_domain *remote, const struct s2_lease_events *events, void *arg,
                  struct s2_lease **out)
{
    struct s2_lease *l;

    if (rig_open_error != 0)
        return rig_open_error;
    assert_true(rig_lease_count < RIG_LEASES);
    l = calloc(1, sizeof(*l));
    l->state = LEASE_OPENING;
    l->w = w;
    l->side = side;
    l->local = *local;
    l->remote = *remote;
    l->events = events;
    l->arg = arg;
    l->room_bytes = 1u << 20;
    rig_lease[rig_lease_count++] = l;
    *out = l;
    return 0;
}

static void note(struct s2_lease *l, const struct xmb_part *parts, size_t n, uint32_t bytes)
{
    struct rig_sent *sent;
    size_t i, used = 0;

    if (l->sent_count == l->sent_capacity) {
        l->sent_capacity = l->sent_capacity == 0 ? 16 : l->sent_capacity * 2;
        l->sent = realloc(l->sent, l->sent_capacity * sizeof(*l->sent));
    }
    sent = &l->sent[l->sent_count++];
    memset(sent, 0, sizeof(*sent));
    for (i = 0; i < n; i++) {
        size_t m = parts[i].n < RIG_TEXT - 1 - used ? parts[i].n : RIG_TEXT - 1 - used;

        memcpy(sent->text + used, parts[i].p, m);
        used += m;
    }
    sent->bytes = bytes;
    sent->end = l->written;
    sent->is_ping = strncmp(rig_attribute(sent->text, "id"), "xmb", 3) == 0;
    if (rig_on_write != NULL)
        rig_on_write(l, sent);
}

int s2_lease_send(struct s2_lease *l, const struct xmb_part *parts, size_t n, uint64_t *end)
{
    uint32_t bytes = 0;
    size_t i;

    assert_int_equal(l->state, LEASE_READY);
    for (i = 0; i < n; i++)
        bytes += (uint32_t)parts[i].n;
    if (l->killed)
        return XMB_ECLOSED;
    if (l->too_big != 0 && bytes >= l->too_big)
        return XMB_ETOOBIG;
    if (l->written - l->left + bytes > l->room_bytes && l->written != l->left) {
        l->wants_room = 1;
        return XMB_EAGAIN;
    }
    l->written += bytes;
    note(l, parts, n, bytes);
    *end = l->written;
    return 0;
}

int s2_lease_ask(struct s2_lease *l, struct xmb_str octets, uint64_t *end)
{
    struct xmb_part part = {NULL, octets.p, octets.n};
    int wanted_room = l->wants_room, rc = s2_lease_send(l, &part, 1, end);

    l->wants_room = wanted_room;
    return rc;
}

uint64_t s2_lease_proved_ms(const struct s2_lease *l)
{
    assert_int_equal(l->state, LEASE_READY);
    return l->proved_ms;
}

uint64_t s2_lease_acked(struct s2_lease *l)
{
    assert_int_equal(l->state, LEASE_READY);
    return l->acked;
}

int s2_lease_has_sm(const struct s2_lease *l)
{
    assert_int_equal(l->state, LEASE_READY);
    return l->has_sm;
}

int s2_lease_request(struct s2_lease *l)
{
    assert_int_equal(l->state, LEASE_READY);
    if (l->request_error != 0)
        return l->request_error;
    l->sm_asked++;
    return 0;
}

uint64_t s2_lease_heard_ms(const struct s2_lease *l)
{
    assert_int_equal(l->state, LEASE_READY);
    return l->heard_ms;
}

void s2_lease_read(struct s2_lease *l, uint64_t end)
{
    assert_int_equal(l->state, LEASE_READY);
    assert_true(end <= l->written);
    l->proved_ms = xmb_fakehost_now_ms();
    if (end > l->read_end)
        l->read_end = end;
}

uint64_t s2_lease_read_end(const struct s2_lease *l)
{
    assert_int_equal(l->state, LEASE_READY);
    return l->read_end;
}

#define QUESTION_BYTES 100

int s2_lease_can_answer(const struct s2_lease *l)
{
    assert_int_equal(l->state, LEASE_READY);
    return l->has_dialback && !l->has_sm;
}

int s2_lease_question(struct s2_lease *l, struct xmb_str id)
{
    assert_int_equal(l->state, LEASE_READY);
    assert_true(id.n > 0);
    if (l->killed)
        return XMB_ECLOSED;
    if (!s2_lease_can_answer(l))
        return XMB_ENOSYS;
    if (l->question_end != 0)
        return XMB_EAGAIN;
    l->written += QUESTION_BYTES;
    l->question_end = l->written;
    l->questions++;
    return 0;
}

int rig_answer(struct s2_lease *l)
{
    uint64_t end = l->question_end;

    if (l->state != LEASE_READY || l->killed || end == 0 || end > l->left ||
        (l->read < l->sent_count && l->sent[l->read].end < end))
        return 0;
    l->question_end = 0;
    s2_lease_read(l, end);
    l->events->answered(l->arg, l, 1);
    return 1;
}

void rig_shun(struct s2_lease *l, enum s2_failure_kind kind)
{
    assert_true(l->question_end != 0);
    l->events->answered(l->arg, l, 0);
    rig_end(l, kind);
}

uint64_t s2_lease_held_ms(const struct s2_lease *l)
{
    assert_int_equal(l->state, LEASE_READY);
    return l->held_ms;
}

void s2_lease_close(struct s2_lease *l)
{
    assert_true(l->state == LEASE_READY || l->state == LEASE_OPENING);
    l->state = LEASE_GONE;
}

void s2_lease_kill(struct s2_lease *l, const char *why)
{
    assert_int_equal(l->state, LEASE_READY);
    assert_non_null(why);
    assert_false(l->killed);
    l->killed = 1;
}

const char *s2_lease_peer(const struct s2_lease *l)
{
    (void)l;
    return "192.0.2.9:5269";
}

struct s2_lease *rig_lease_of(const char *from, const char *to)
{
    size_t i;

    for (i = rig_lease_count; i > 0; i--) {
        struct s2_lease *l = rig_lease[i - 1];

        if (l->state != LEASE_GONE && strcmp(l->local.text, from) == 0 &&
            strcmp(l->remote.text, to) == 0)
            return l;
    }
    return NULL;
}

void rig_ready(struct s2_lease *l)
{
    assert_non_null(l);
    assert_int_equal(l->state, LEASE_OPENING);
    l->state = LEASE_READY;
    l->heard_ms = xmb_fakehost_now_ms();
    l->events->ready(l->arg, l);
}

void rig_fail(struct s2_lease *l, enum s2_failure_kind kind, enum s2_condition c)
{
    struct s2_failure failure = {kind, c, "a test says so"};

    assert_non_null(l);
    assert_int_equal(l->state, LEASE_OPENING);
    l->state = LEASE_GONE;
    l->events->failed(l->arg, &failure);
}

void rig_leave(struct s2_lease *l, uint64_t position)
{
    if (position > l->written)
        position = l->written;
    if (position > l->left)
        l->left = position;
    if (l->state != LEASE_READY || !l->wants_room || l->written - l->left > l->room_bytes / 2)
        return;
    l->wants_room = 0;
    l->events->writable(l->arg, l);
}

static void pong(const struct s2_lease *l, const struct rig_sent *sent)
{
    char id[64];

    snprintf(id, sizeof(id), "%s", rig_attribute(sent->text, "id"));
    assert_int_equal(rig_pong(0, l->remote.text, l->local.text, id), 1);
}

int rig_read(struct s2_lease *l, int answers)
{
    struct rig_sent sent;

    if (l->state != LEASE_READY || l->read == l->sent_count || l->sent[l->read].end > l->left)
        return 0;
    sent = l->sent[l->read++];
    if (sent.end > l->acked)
        l->acked = sent.end;
    if (rig_on_read != NULL)
        rig_on_read(l, &sent);
    if (sent.is_ping && answers)
        pong(l, &sent);
    return 1;
}

void rig_read_all(struct s2_lease *l, int answers)
{
    do
        rig_leave(l, UINT64_MAX);
    while (rig_read(l, answers));
    if (l->state != LEASE_READY || !l->has_sm || l->sm_asked == 0)
        return;
    l->sm_asked = 0;
    l->events->handled(l->arg, l->read);
}

void rig_end(struct s2_lease *l, enum s2_failure_kind kind)
{
    struct s2_failure failure = {kind, S2_C_REMOTE_SERVER_TIMEOUT, "a test ended it"};

    assert_non_null(l);
    assert_int_equal(l->state, LEASE_READY);
    l->state = LEASE_GONE;
    l->events->ended(l->arg, &failure, l->left, l->acked);
}

void rig_retire(struct s2_lease *l)
{
    assert_non_null(l);
    assert_int_equal(l->state, LEASE_READY);
    l->events->retired(l->arg, l);
}

void rig_bury(void)
{
    size_t i;

    for (i = 0; i < rig_lease_count; i++) {
        if (rig_lease[i]->state == LEASE_READY && rig_lease[i]->killed)
            rig_end(rig_lease[i], S2_FAIL_LOST);
    }
}

int rig_pong(uint32_t w, const char *from, const char *to, const char *id)
{
    struct s2_domain d_from = rig_domain(from), d_to = rig_domain(to);
    struct s2_stanza s = {.kind = S2_IQ, .type = S2_TYPE_RESULT};
    int rc;

    s.from = xmb_str(from);
    s.to = xmb_str(to);
    s.id = xmb_str(id);
    rc = s2_barrier_answer(&rig_worker[w], &d_from, &d_to, &s);
    rig_run();
    return rc;
}

/* --- streams --------------------------------------------------------------------------------- */

struct s2_domain rig_domain(const char *text)
{
    struct s2_domain d;

    assert_int_equal(s2_domain_read(xmb_str(text), &d), 0);
    return d;
}

void rig_stream_open(size_t i, uint32_t w, enum s2_side to_side, const char *from, const char *to)
{
    struct s2_domain d_from = rig_domain(from), d_to = rig_domain(to);

    assert_int_equal(
        s2_path_open(&rig_worker[w], to_side, &d_from, &d_to, i + 1, &rig_stream[i].path), 0);
}

static int put(size_t i, const char *element, const char *type, const char *id, size_t bytes,
               const char *insert)
{
    static const char *const types[] = {"", "chat", "error", "result", "get", "set"};
    struct rig_stream *stream = &rig_stream[i];
    struct s2_path *p = &stream->path;
    struct s2_stanza s = {.kind = S2_MESSAGE};
    char from[300], to[300], *raw = malloc(bytes + 1024);
    size_t n, at, t;
    int rc;

    snprintf(from, sizeof(from), "u@%s/r", p->from.text);
    snprintf(to, sizeof(to), "v@%s", p->to.text);
    at = (size_t)sprintf(raw, "<%s", element);
    n = at + (size_t)sprintf(raw + at, " from='%s' to='%s' id='%s'", from, to, id);
    if (type != NULL)
        n += (size_t)sprintf(raw + n, " type='%s'", type);
    n += (size_t)sprintf(raw + n, ">");
    while (n + strlen(element) + 3 < bytes)
        raw[n++] = 'x';
    n += (size_t)sprintf(raw + n, "</%s>", element);
    s.raw = xmb_str_n(raw, n);
    s.insert = xmb_str(insert);
    s.insert_at = (uint32_t)at;
    s.kind = element[0] == 'm' ? S2_MESSAGE : element[0] == 'p' ? S2_PRESENCE : S2_IQ;
    for (t = 0; type != NULL && t < sizeof(types) / sizeof(types[0]); t++) {
        if (strcmp(types[t], type) == 0)
            s.type = (uint32_t)t;
    }
    s.from = xmb_str(from);
    s.to = xmb_str(to);
    s.id = xmb_str(id);
    rc = s2_path_put(p, &s);
    free(raw);
    if (rc == 1)
        stream->stopped = 1;
    return rc;
}

int rig_put(size_t i, const char *element, const char *type, const char *id, size_t bytes)
{
    return put(i, element, type, id, bytes, NULL);
}

int rig_put_insert(size_t i, const char *id, const char *insert)
{
    return put(i, "message", NULL, id, 0, insert);
}

void rig_flush(void)
{
    uint32_t i;

    for (i = 0; i < worker_count; i++)
        s2_path_flush(&rig_worker[i]);
    rig_run();
}

/* --- looking --------------------------------------------------------------------------------- */

const char *rig_attribute(const char *text, const char *name)
{
    static char value[RIG_TEXT];
    char key[64];
    const char *p, *end = strchr(text, '>');
    size_t n;

    value[0] = '\0';
    snprintf(key, sizeof(key), " %s='", name);
    p = strstr(text, key);
    if (p == NULL || (end != NULL && p > end))
        return value;
    p += strlen(key);
    n = strcspn(p, "'");
    memcpy(value, p, n);
    value[n] = '\0';
    return value;
}

size_t rig_written(const char *from, const char *to, const char *id, const char *type)
{
    size_t i, j, n = 0;

    for (i = 0; i < rig_lease_count; i++) {
        const struct s2_lease *l = rig_lease[i];

        if (strcmp(l->local.text, from) != 0 || strcmp(l->remote.text, to) != 0)
            continue;
        for (j = 0; j < l->sent_count; j++)
            n += strcmp(rig_attribute(l->sent[j].text, "id"), id) == 0 &&
                 (type == NULL || strcmp(rig_attribute(l->sent[j].text, "type"), type) == 0);
    }
    return n;
}

uint64_t rig_metric(enum s2_metric m)
{
    uint64_t sum = 0;
    uint32_t i;

    for (i = 0; i < worker_count; i++)
        sum += cells[i][m];
    return sum;
}

/* --- life ------------------------------------------------------------------------------------ */

static int init(const struct xmb_host *h, struct xmb_module *m, void **self)
{
    (void)h;
    *self = m;
    return 0;
}
static const struct xmb_module_ops ops = {.size = sizeof(ops), .init = init};
static const struct xmb_plugin plugin = {.magic = XMB_PLUGIN_MAGIC,
                                         .abi_major = XMB_ABI_MAJOR,
                                         .abi_minor = XMB_ABI_MINOR,
                                         .size = sizeof(plugin),
                                         .name = "flows",
                                         .ops = &ops};

static void usual_conf(void)
{
    memset(&rig_conf, 0, sizeof(rig_conf));
    rig_conf.enabled = 1;
    rig_conf.queue_bytes = 1u << 20;
    rig_conf.queue_ms = 60000;
    rig_conf.idle_ms = 600000;
    rig_conf.window_bytes = 4u << 20;
    rig_conf.barrier_ms = 1000;
    rig_conf.barrier_timeout_ms = 25000;
    rig_conf.hold_ms = 2000;
    rig_conf.backoff_min_ms = 2000;
    rig_conf.backoff_max_ms = 300000;
}

void rig_open(uint32_t workers)
{
    uint32_t i;

    xmb_fakehost_open();
    xmb_fakehost_log_level(XMB_LOG_INFO);
    make_host();
    usual_conf();
    memset(&module, 0, sizeof(module));
    memset(rig_worker, 0, sizeof(rig_worker));
    memset(cells, 0, sizeof(cells));
    memset(rig_stream, 0, sizeof(rig_stream));
    module.module = xmb_fakehost_load(&plugin);
    rig_slabs = rig_slab_bytes = 0;
    rig_open_error = rig_stopped = 0;
    rig_dead = 0;
    rig_full_mailbox = 0;
    rig_admission = S2_ADMIT_OK;
    rig_on_write = rig_on_read = NULL;
    worker_count = workers;
    for (i = 0; i < workers; i++) {
        rig_worker[i].module = &module;
        rig_worker[i].worker = handle_of(i);
        rig_worker[i].conf = &rig_conf;
        rig_worker[i].cells = cells[i];
        rig_worker[i].index = i;
        rig_worker[i].count = workers;
        assert_int_equal(s2_flows_init(&rig_worker[i]), 0);
    }
}

void rig_close(void)
{
    struct letter *letter;
    size_t i;

    for (i = 0; i < RIG_STREAMS; i++)
        s2_path_close(&rig_stream[i].path);
    for (i = 0; i < worker_count; i++)
        s2_flows_fini(&rig_worker[i]);
    while ((letter = take_letter()) != NULL) {
        letter->fn(NULL, letter->arg);
        free(letter);
    }
    for (i = 0; i < rig_lease_count; i++) {
        assert_int_equal(rig_lease[i]->state, LEASE_GONE);
        free(rig_lease[i]->sent);
        free(rig_lease[i]);
    }
    rig_lease_count = asked_count = 0;
    xmb_fakehost_close();
}
