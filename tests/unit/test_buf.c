/* SPDX-License-Identifier: MIT */
/*
 * test_buf.c - slabs and chains: references, recycling, joining, lines, and a long random
 * run against a flat array.
 */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "buf/buf.h"

/* Appends `text` in slabs of `piece` octets, so that it straddles. */
static void append_pieces(struct xmb_buf *b, const char *text, size_t n, size_t piece)
{
    size_t at;

    for (at = 0; at < n; at += piece) {
        size_t part = n - at < piece ? n - at : piece;
        struct xmb_slab *s = slab_new(part);

        assert_non_null(s);
        memcpy(s->data, text + at, part);
        assert_int_equal(buf_append(b, s, s->data, part), 0);
        slab_release(s);
    }
}

static void expect_peek(struct xmb_buf *b, const char *text)
{
    struct xmb_str out;

    assert_int_equal(buf_peek(b, strlen(text), &out), 0);
    assert_true(xmb_str_eq(out, xmb_str(text)));
}

static void slab_is_counted_and_recycled(void **state)
{
    struct xmb_slab *a = slab_new(600);
    struct xmb_slab *again;
    uint64_t mallocs;
    int i;

    (void)state;
    assert_int_equal(a->capacity_bytes, SLAB_MEDIUM_BYTES);
    assert_false(slab_is_shared(a));
    assert_ptr_equal(slab_hold(a), a);
    assert_true(slab_is_shared(a));
    slab_release(a);
    assert_false(slab_is_shared(a));
    slab_release(a);
    slab_release(NULL);
    mallocs = slab_malloc_count();
    for (i = 0; i < 1000; i++) {
        again = slab_new(SLAB_MEDIUM_BYTES);
        assert_ptr_equal(again, a);
        memset(again->data, i, again->capacity_bytes);
        slab_release(again);
    }
    assert_int_equal(slab_malloc_count(), mallocs);
}

static void slab_sizes(void **state)
{
    static const struct {
        size_t asked;
        uint32_t given;
    } sizes[] = {{0, SLAB_SMALL_BYTES},          {512, SLAB_SMALL_BYTES},
                 {513, SLAB_MEDIUM_BYTES},       {2049, SLAB_LARGE_BYTES},
                 {8193, SLAB_HUGE_BYTES},        {65552, SLAB_HUGE_BYTES},
                 {69633, 69633},                 {1000000, 1000000}};
    size_t i;

    (void)state;
    for (i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        struct xmb_slab *s = slab_new(sizes[i].asked);

        assert_non_null(s);
        assert_int_equal(s->capacity_bytes, sizes[i].given);
        memset(s->data, 1, s->capacity_bytes);
        slab_release(s);
    }
    assert_null(slab_new((size_t)UINT32_MAX + 1));
}

/* Hardly more room than asked for, and recycled all the same, up to a kibibyte. */
static void snug_sizes(void **state)
{
    static const struct {
        size_t asked;
        uint32_t given;
        int recycled;
    } sizes[] = {{0, 64, 1},    {64, 64, 1},      {65, 128, 1},      {512, 512, 1},
                 {513, 576, 1}, {1024, 1024, 1},  {1025, 1025, 0},   {2000, 2000, 0},
                 {2048, 2048, 1}, {69633, 69633, 0}};
    struct xmb_slab *s;
    uint64_t mallocs;
    size_t i;

    (void)state;
    for (i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        s = slab_new_snug(sizes[i].asked);
        assert_non_null(s);
        assert_int_equal(s->capacity_bytes, sizes[i].given);
        memset(s->data, 1, s->capacity_bytes);
        slab_release(s);
        mallocs = slab_malloc_count();
        slab_release(sizes[i].given == SLAB_MEDIUM_BYTES ? slab_new(2048)
                                                         : slab_new_snug(sizes[i].asked));
        assert_int_equal(slab_malloc_count() - mallocs, !sizes[i].recycled);
    }
    assert_null(slab_new_snug((size_t)UINT32_MAX + 1));
    slab_thread_fini();
}

/* The lists are bounded: after many are let go, the next many are not all recycled. */
static void slab_lists_are_bounded(void **state)
{
    enum { MANY = 5000, KEPT = 2048 };
    struct xmb_slab *all[MANY];
    uint64_t mallocs;
    int i;

    (void)state;
    for (i = 0; i < MANY; i++)
        all[i] = slab_new(1);
    for (i = 0; i < MANY; i++)
        slab_release(all[i]);
    mallocs = slab_malloc_count();
    for (i = 0; i < MANY; i++)
        all[i] = slab_new(1);
    assert_int_equal(slab_malloc_count() - mallocs, MANY - KEPT);
    for (i = 0; i < MANY; i++)
        slab_release(all[i]);
    slab_thread_fini();
}

static void *release_there(void *arg)
{
    struct xmb_slab *s = arg;
    int i;

    for (i = 0; i < 10000; i++)
        slab_release(slab_hold(s));
    slab_release(s);
    return NULL;
}

static void slab_crosses_threads(void **state)
{
    struct xmb_slab *s = slab_new(100);
    pthread_t threads[3];
    size_t i;

    (void)state;
    memset(s->data, 7, 100);
    for (i = 0; i < 3; i++)
        pthread_create(&threads[i], NULL, release_there, slab_hold(s));
    for (i = 0; i < 1000; i++)
        slab_release(slab_hold(s));
    for (i = 0; i < 3; i++)
        pthread_join(threads[i], NULL);
    assert_false(slab_is_shared(s));
    slab_release(s);
}

static void peek_joins_what_straddles(void **state)
{
    struct xmb_buf b = {.max_bytes = 16};
    struct xmb_str out;

    (void)state;
    assert_int_equal(buf_peek(&b, 1, &out), XMB_EAGAIN);
    assert_int_equal(buf_peek(&b, 0, &out), 0);
    assert_int_equal(out.n, 0);
    append_pieces(&b, "abcdefghij", 10, 3);
    assert_int_equal(b.count, 4);
    expect_peek(&b, "abc");
    assert_int_equal(b.count, 4);
    expect_peek(&b, "abcde");
    assert_int_equal(b.count, 4); /* abcde f ghi j */
    expect_peek(&b, "abcdefghij");
    assert_int_equal(b.count, 1);
    assert_int_equal(b.bytes, 10);
    assert_int_equal(buf_peek(&b, 11, &out), XMB_EAGAIN);
    assert_int_equal(buf_peek(&b, 16, &out), XMB_EAGAIN);
    assert_int_equal(buf_peek(&b, 17, &out), XMB_ETOOBIG);
    buf_drop(&b, 4);
    expect_peek(&b, "efghij");
    buf_drop(&b, 6);
    assert_int_equal(buf_api.length(&b), 0);
    buf_clear(&b);
}

static void append_lengthens_the_last_slice(void **state)
{
    struct xmb_buf b = {0};
    struct xmb_slab *s = slab_new(100);
    struct iovec iov[4];

    (void)state;
    memcpy(s->data, "hello, world", 12);
    assert_int_equal(buf_append(&b, s, s->data, 0), 0);
    assert_int_equal(b.count, 0);
    buf_append(&b, s, s->data, 5);
    buf_append(&b, s, s->data + 5, 7);
    assert_int_equal(b.count, 1);
    buf_append(&b, s, s->data, 5);
    assert_int_equal(b.count, 2);
    assert_int_equal(buf_iovec(&b, iov, 4), 2);
    assert_int_equal(iov[0].iov_len, 12);
    assert_ptr_equal(iov[1].iov_base, s->data);
    assert_int_equal(buf_iovec(&b, iov, 1), 1);
    buf_clear(&b);
    assert_false(slab_is_shared(s));
    slab_release(s);
}

static void take_line_finds_lines(void **state)
{
    struct xmb_buf b = {0};
    struct xmb_str line;

    (void)state;
    append_pieces(&b, "one\r\ntwo\n\n\r\nthr", 15, 2);
    assert_int_equal(buf_take_line(&b, 80, &line), 1);
    assert_true(xmb_str_eq(line, XMB_STR("one")));
    assert_int_equal(buf_take_line(&b, 80, &line), 1);
    assert_true(xmb_str_eq(line, XMB_STR("two")));
    assert_int_equal(buf_take_line(&b, 80, &line), 1);
    assert_int_equal(line.n, 0);
    assert_int_equal(buf_take_line(&b, 80, &line), 1);
    assert_int_equal(line.n, 0);
    assert_int_equal(buf_take_line(&b, 80, &line), 0);
    append_pieces(&b, "ee", 2, 1);
    assert_int_equal(buf_take_line(&b, 80, &line), 0);
    append_pieces(&b, "\n", 1, 1);
    assert_int_equal(buf_take_line(&b, 80, &line), 1);
    assert_true(xmb_str_eq(line, XMB_STR("three")));
    assert_int_equal(b.bytes, 0);
    buf_clear(&b);
}

/* The bound counts the octets before the LF, and does not depend on how they arrive. */
static void take_line_is_bounded(void **state)
{
    size_t piece;

    (void)state;
    for (piece = 1; piece < 8; piece++) {
        struct xmb_buf b = {0};
        struct xmb_str line;

        append_pieces(&b, "12345", 5, piece);
        assert_int_equal(buf_take_line(&b, 5, &line), 0);
        assert_int_equal(buf_take_line(&b, 4, &line), XMB_ETOOBIG);
        append_pieces(&b, "\n", 1, 1);
        assert_int_equal(buf_take_line(&b, 4, &line), XMB_ETOOBIG);
        assert_int_equal(buf_take_line(&b, 5, &line), 1);
        assert_true(xmb_str_eq(line, XMB_STR("12345")));
        buf_clear(&b);
    }
}

/* The search remembers how far it came; a drop and a peek in between must not fool it. */
static void take_line_after_other_calls(void **state)
{
    struct xmb_buf b = {0};
    struct xmb_str out;

    (void)state;
    append_pieces(&b, "abcdef", 6, 2);
    assert_int_equal(buf_take_line(&b, 80, &out), 0);
    expect_peek(&b, "abcde");
    buf_drop(&b, 5);
    append_pieces(&b, "\nxy\n", 4, 3);
    assert_int_equal(buf_take_line(&b, 80, &out), 1);
    assert_true(xmb_str_eq(out, XMB_STR("f")));
    assert_int_equal(buf_take_line(&b, 80, &out), 1);
    assert_true(xmb_str_eq(out, XMB_STR("xy")));
    buf_clear(&b);
}

/* Everything at random against a flat array of the same octets. */
static void random_against_a_flat_array(void **state)
{
    enum { TOTAL = 200000 };
    char *all = malloc(TOTAL);
    struct xmb_buf b = {0};
    size_t in = 0;
    size_t out = 0;
    size_t i;
    unsigned seed = 4788;

    (void)state;
    for (i = 0; i < TOTAL; i++)
        all[i] = rand_r(&seed) % 40 == 0 ? '\n' : (char)('a' + i % 26);
    while (out < TOTAL) {
        size_t n = (size_t)rand_r(&seed) % 700;
        struct xmb_str run;

        n = n < TOTAL - in ? n : TOTAL - in;
        append_pieces(&b, all + in, n, 1 + (size_t)rand_r(&seed) % 300);
        in += n;
        n = (size_t)rand_r(&seed) % (in - out + 1);
        assert_int_equal(buf_peek(&b, n, &run), 0);
        assert_memory_equal(run.p, all + out, n);
        if (rand_r(&seed) % 2 == 0) {
            buf_drop(&b, n);
            out += n;
        } else if (buf_take_line(&b, SIZE_MAX, &run) == 1) {
            assert_memory_equal(run.p, all + out, run.n);
            out += run.n;
            assert_true(all[out++] == '\n');
        }
        assert_int_equal(b.bytes, in - out);
    }
    buf_clear(&b);
    free(all);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(slab_is_counted_and_recycled),
        cmocka_unit_test(slab_sizes),
        cmocka_unit_test(snug_sizes),
        cmocka_unit_test(slab_lists_are_bounded),
        cmocka_unit_test(slab_crosses_threads),
        cmocka_unit_test(peek_joins_what_straddles),
        cmocka_unit_test(append_lengthens_the_last_slice),
        cmocka_unit_test(take_line_finds_lines),
        cmocka_unit_test(take_line_is_bounded),
        cmocka_unit_test(take_line_after_other_calls),
        cmocka_unit_test(random_against_a_flat_array),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
