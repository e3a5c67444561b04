/* SPDX-License-Identifier: MIT */
/*
 * malloc_count.c - loaded before a program's own libraries, counts what it asks of malloc.
 *
 * The count is a 64-bit number at the beginning of the file that XMB_MALLOC_COUNT names, mapped
 * shared, so that a test can read it at any time without disturbing the program. xmcp-noalloc.py
 * builds and loads it. Frees are not counted, and neither is what libc takes for itself.
 */
#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

/* glibc's own, under their second names. */
void *__libc_malloc(size_t n);
void *__libc_calloc(size_t count, size_t n);
void *__libc_realloc(void *p, size_t n);
void *__libc_memalign(size_t alignment, size_t n);

static _Atomic uint64_t *calls;

__attribute__((constructor)) static void map_count(void)
{
    const char *path = getenv("XMB_MALLOC_COUNT");
    int fd = path != NULL ? open(path, O_RDWR | O_CLOEXEC) : -1;
    void *p;

    if (fd < 0)
        return;
    p = mmap(NULL, sizeof *calls, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    close(fd);
    if (p != MAP_FAILED)
        calls = p;
}

static void count(void)
{
    if (calls != NULL)
        ++*calls;
}

void *malloc(size_t n)
{
    count();
    return __libc_malloc(n);
}

void *calloc(size_t k, size_t n)
{
    count();
    return __libc_calloc(k, n);
}

void *realloc(void *p, size_t n)
{
    count();
    return __libc_realloc(p, n);
}

void *memalign(size_t alignment, size_t n)
{
    count();
    return __libc_memalign(alignment, n);
}

void *aligned_alloc(size_t alignment, size_t n)
{
    count();
    return __libc_memalign(alignment, n);
}

int posix_memalign(void **p, size_t alignment, size_t n)
{
    count();
    *p = __libc_memalign(alignment, n);
    return *p != NULL ? 0 : ENOMEM;
}
