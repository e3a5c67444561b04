/* SPDX-License-Identifier: MIT */
/*
 * s2_flow_leases.c - the fake leases of s2_flow_rig.h: what is written on them, and what the peer
 * reads of it.
 */
#include "s2_flow_rig.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct s2_lease *rig_lease[RIG_LEASES];
size_t rig_lease_count;
int rig_open_error;
void (*rig_on_write)(const struct s2_lease *l, const struct rig_sent *sent);
void (*rig_on_read)(const struct s2_lease *l, const struct rig_sent *sent);

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

/* --- what a test has them do ------------------------------------------------------------------ */

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

void rig_leases_free(void)
{
    size_t i;

    for (i = 0; i < rig_lease_count; i++) {
        assert_int_equal(rig_lease[i]->state, LEASE_GONE);
        free(rig_lease[i]->sent);
        free(rig_lease[i]);
    }
    rig_lease_count = 0;
}
