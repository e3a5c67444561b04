/* SPDX-License-Identifier: MIT */
/*
 * s2_flow_rig.c - a fake host of several workers, and fake streams. See s2_flow_rig.h; its leases are
 * s2_flow_leases.c's.
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
struct rig_stream rig_stream[RIG_STREAMS];
size_t rig_slabs;
size_t rig_slab_bytes;
uint64_t rig_random = 1;
uint32_t rig_full_mailbox;
uint32_t rig_dead;
int rig_stopped;
enum s2_admission rig_admission;

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
    rig_leases_free();
    asked_count = 0;
    xmb_fakehost_close();
}
