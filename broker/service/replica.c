/* SPDX-License-Identifier: MIT */
/*
 * replica.c - idents, log and holes of a replica. See replica.h for the picture.
 *
 * Every operation is O(1) amortised: an append, or a hash look-up. Squeezing the
 * holes out walks log and subscribers, and is due only after as many appends.
 *
 * There is no way to refuse a change that the registry has accepted, so an
 * allocation that fails here ends the process (service_must).
 */
#include "service/replica.h"
#include "service/service_priv.h"

#include <stdlib.h>

#define NONE UINT32_MAX
#define FIRST_IDENTS 2
#define SLACK 64 /* holes that are never worth a squeeze */

struct replica *replica_new(uint32_t domain, uint32_t view, const struct xmb_service_id *pattern)
{
    struct replica *r = calloc(1, sizeof(*r));

    if (r == NULL)
        return NULL;
    r->domain = domain;
    r->view = view;
    r->pattern = *pattern;
    r->hash = service_hash(service_scope(domain, view), pattern);
    r->ident_free = NONE;
    r->compact_at = SLACK;
    list_init(&r->all);
    list_init(&r->subs);
    list_init(&r->hungry);
    list_init(&r->touched);
    list_init(&r->of_group);
    list_init(&r->queued);
    list_init(&r->pending);
    return r;
}

void replica_clear(struct replica *r)
{
    uint32_t i;

    for (i = 0; i < r->ident_used; i++)
        record_release(r->idents[i].record);
    free(r->idents);
    free(r->heads);
    free(r->log);
    r->idents = NULL;
    r->heads = NULL;
    r->log = NULL;
    r->ident_size = r->ident_used = r->ident_count = 0;
    r->log_size = r->log_count = 0;
}

void replica_free(struct replica *r)
{
    replica_clear(r);
    free(r);
}

/* --- idents ---------------------------------------------------------------------------------- */

static uint32_t *chain(struct replica *r, uint64_t hash)
{
    return &r->heads[hash & (r->ident_size - 1)];
}

static uint32_t find(struct replica *r, const struct record *record)
{
    uint32_t i;

    if (r->ident_size == 0)
        return NONE;
    for (i = *chain(r, record->hash); i != NONE; i = r->idents[i].next)
        if (r->idents[i].hash == record->hash && !r->idents[i].outlived &&
            service_id_equal(&r->idents[i].record->pub.id, &record->pub.id))
            return i;
    return NONE;
}

/* Twice the room. Called when there is no free entry, so each one belongs into a chain. */
static void grow_idents(struct replica *r)
{
    uint32_t i, size = r->ident_size > 0 ? r->ident_size * 2 : FIRST_IDENTS;

    r->idents = service_must(reallocarray(r->idents, size, sizeof(*r->idents)));
    r->heads = service_must(reallocarray(r->heads, size, sizeof(*r->heads)));
    r->ident_size = size;
    memset(r->heads, 0xff, size * sizeof(*r->heads));
    for (i = 0; i < r->ident_used; i++) {
        r->idents[i].next = *chain(r, r->idents[i].hash);
        *chain(r, r->idents[i].hash) = i;
    }
}

static uint32_t add_ident(struct replica *r, struct record *record)
{
    struct ident *id;
    uint32_t i;

    if (r->ident_free == NONE && r->ident_used == r->ident_size)
        grow_idents(r);
    if (r->ident_free != NONE) {
        i = r->ident_free;
        r->ident_free = r->idents[i].next;
    } else {
        i = r->ident_used++;
    }
    id = &r->idents[i];
    id->record = record;
    id->hash = record->hash;
    id->place = NONE;
    id->holders = 0;
    id->gone = 0;
    id->outlived = 0;
    id->next = *chain(r, id->hash);
    *chain(r, id->hash) = i;
    r->ident_count++;
    return i;
}

static void drop_ident(struct replica *r, uint32_t i)
{
    struct ident *id = &r->idents[i];
    uint32_t *p = chain(r, id->hash);

    while (*p != i)
        p = &r->idents[*p].next;
    *p = id->next;
    r->log[id->place] = NONE;
    record_release(id->record);
    id->record = NULL;
    id->next = r->ident_free;
    r->ident_free = i;
    r->ident_count--;
}

/* --- log ------------------------------------------------------------------------------------- */

/* Cursors first: each becomes the number of idents that stood before it. */
static void move_cursors(struct replica *r)
{
    uint32_t *before = malloc((r->log_count + 1) * sizeof(*before));
    uint32_t i, n = 0;
    struct list *l;
    struct xmb_sub *s;

    before = service_must(before);
    for (i = 0; i < r->log_count; i++) {
        before[i] = n;
        n += r->log[i] != NONE;
    }
    before[i] = n;
    for (l = r->subs.next; l != &r->subs; l = l->next) {
        s = LIST_OF(l, struct xmb_sub, of_replica);
        s->cursor = before[s->cursor];
    }
    r->passed = before[r->passed];
    free(before);
}

static void compact(struct replica *r)
{
    uint32_t i, n = 0;

    move_cursors(r);
    for (i = 0; i < r->log_count; i++)
        if (r->log[i] != NONE) {
            r->idents[r->log[i]].place = n;
            r->log[n++] = r->log[i];
        }
    r->log_count = n;
    r->compact_at = 2 * n + r->sub_count + SLACK;
}

static void grow_log(struct replica *r)
{
    r->log_size = r->log_size > 0 ? r->log_size * 2 : FIRST_IDENTS;
    r->log = service_must(reallocarray(r->log, r->log_size, sizeof(*r->log)));
}

/* Puts ident `i` where every subscriber has yet to come by. */
static void move_to_end(struct replica *r, uint32_t i)
{
    struct ident *id = &r->idents[i];

    if (id->place != NONE) {
        if (id->place >= r->passed)
            return; /* nobody was there yet: it keeps its turn */
        r->log[id->place] = NONE;
    }
    id->place = NONE;
    if (r->log_count >= r->compact_at)
        compact(r);
    if (r->log_count == r->log_size)
        grow_log(r);
    id->place = r->log_count++;
    r->log[id->place] = i;
}

/*
 * The withdraw between the two lives may have been left out on the way here, and its reason with
 * it: an owner that goes back in sequence has been away.
 */
static void outlive(struct replica *r, uint32_t i)
{
    r->idents[i].outlived = 1;
    if (r->idents[i].gone == 0) {
        r->idents[i].gone = XMB_GONE_NETWORK;
        move_to_end(r, i);
    }
}

/* Sequences of a local and of a learned service of the same identity do not compare. */
static int is_older(const struct record *now, const struct record *was)
{
    return ((now->pub.flags ^ was->pub.flags) & XMB_SERVICE_LEARNED) == 0 &&
           now->pub.sequence < was->pub.sequence;
}

void replica_notify(struct replica *r, struct record *record)
{
    uint32_t i = find(r, record);

    if (i != NONE && r->idents[i].holders > 0 && is_older(record, r->idents[i].record)) {
        outlive(r, i);
        i = NONE;
    }
    if (i == NONE) {
        i = add_ident(r, record);
    } else {
        record_release(r->idents[i].record);
        r->idents[i].record = record;
        r->idents[i].gone = 0;
    }
    move_to_end(r, i);
}

int replica_withdraw(struct replica *r, struct record *record, uint32_t reason)
{
    uint32_t i = find(r, record);

    if (i == NONE || r->idents[i].gone != 0) {
        record_release(record);
        return 0;
    }
    record_release(r->idents[i].record);
    r->idents[i].record = record;
    r->idents[i].gone = reason;
    if (r->idents[i].holders == 0) {
        drop_ident(r, i);
        return 0;
    }
    move_to_end(r, i);
    return 1;
}

/* --- subscribers ----------------------------------------------------------------------------- */

struct xmb_sub *sub_new(struct replica *r)
{
    struct xmb_sub *s = calloc(1, sizeof(*s));

    if (s == NULL)
        return NULL;
    s->replica = r;
    s->bits = &s->few;
    s->bit_words = 1;
    list_init(&s->waiting);
    list_append(&r->subs, &s->of_replica);
    r->sub_count++;
    return s;
}

static int has_bit(const struct xmb_sub *s, uint32_t i)
{
    return i / 64 < s->bit_words && (s->bits[i / 64] >> (i % 64) & 1) != 0;
}

/* Room for every ident that the replica has room for, so that growing is rare. 0 or XMB_ENOMEM. */
static int room_for_bit(struct xmb_sub *s, uint32_t i)
{
    uint32_t words = (s->replica->ident_size + 63) / 64;
    uint64_t *more;

    if (i / 64 < s->bit_words)
        return 0;
    more = calloc(words, sizeof(*more));
    if (more == NULL)
        return XMB_ENOMEM;
    memcpy(more, s->bits, s->bit_words * sizeof(*more));
    if (s->bits != &s->few)
        free(s->bits);
    s->bits = more;
    s->bit_words = words;
    return 0;
}

/* Fills no more than the caller's structure has: an older plugin's is shorter than ours. */
static void give(struct xmb_sub *s, const struct ident *id, struct xmb_event *event)
{
    struct xmb_event ours = {
        .size = event->size < sizeof(ours) ? event->size : (uint32_t)sizeof(ours),
        .kind = id->gone != 0 ? XMB_EVENT_WITHDRAW : XMB_EVENT_NOTIFY,
        .reason = id->gone,
    };

    s->taken = record_hold(id->record);
    ours.service = &s->taken->pub;
    memcpy(event, &ours, ours.size);
}

/* Looks at one ident: 1 when it makes an event for this subscriber. */
static int take(struct xmb_sub *s, uint32_t i, struct xmb_event *event)
{
    struct ident *id = &s->replica->idents[i];
    uint64_t bit = UINT64_C(1) << (i % 64);

    if (id->gone == 0) {
        id->holders += !has_bit(s, i);
        s->bits[i / 64] |= bit;
        give(s, id, event);
        return 1;
    }
    if (!has_bit(s, i))
        return 0;
    s->bits[i / 64] &= ~bit;
    give(s, id, event);
    if (--id->holders == 0)
        drop_ident(s->replica, i);
    return 1;
}

int sub_next(struct xmb_sub *s, struct xmb_event *event)
{
    struct replica *r = s->replica;
    uint32_t i;
    int found = 0;

    record_release(s->taken);
    s->taken = NULL;
    while (!found && sub_behind(s)) {
        i = r->log[s->cursor];
        /* Without memory for its bits it waits here for the next change. */
        if (i != NONE && room_for_bit(s, i) < 0)
            break;
        s->cursor++;
        if (s->cursor > r->passed)
            r->passed = s->cursor;
        found = i != NONE && take(s, i, event);
    }
    return found;
}

/* It will not take the withdrawals it was owed. */
static void give_up_bits(struct xmb_sub *s)
{
    struct replica *r = s->replica;
    uint64_t word;
    uint32_t w, i;

    for (w = 0; w < s->bit_words; w++)
        for (word = s->bits[w]; word != 0; word &= word - 1) {
            i = w * 64 + (uint32_t)__builtin_ctzll(word);
            if (--r->idents[i].holders == 0 && r->idents[i].gone != 0)
                drop_ident(r, i);
        }
}

void sub_free(struct xmb_sub *s)
{
    list_remove(&s->waiting);
    list_remove(&s->of_replica);
    s->replica->sub_count--;
    if (s->replica->sub_count > 0)
        give_up_bits(s);
    record_release(s->taken);
    if (s->bits != &s->few)
        free(s->bits);
    free(s);
}
