/* SPDX-License-Identifier: MIT */
/*
 * bench_s2_reader.c - what reading a stanza costs: ns of processor time for stanzas of 300 octets
 * and of 4 KiB, in chunks as TLS gives them; and for what a hostile peer may send, where the cost
 * of an octet is what counts.
 *
 *     tests/bench/bench_s2_reader
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "reader.h"

#define MOST 262000u
#define ROOM (4u << 20)

static const char header[] =
    "<?xml version='1.0'?><stream:stream xmlns='jabber:server' "
    "xmlns:stream='http://etherx.jabber.org/streams' xmlns:db='jabber:server:dialback' "
    "from='a.test' to='b.test' id='x' version='1.0' xml:lang='en'>";

static struct s2_read_limits limits = {262144, 64, 8192, 64, 1024, 65536};
static unsigned long items;

static int on_header(void *arg, const struct s2_header *h)
{
    (void)arg;
    (void)h;
    return 0;
}

static int on_stanza(void *arg, const struct s2_stanza *s)
{
    (void)arg;
    (void)s;
    items++;
    return 0;
}

static const struct s2_reader_events events = {on_header, on_stanza, NULL, NULL};

static double cpu_ns(void)
{
    struct timespec t;

    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

static void run(const char *name, const char *text, size_t n, size_t chunk, int times)
{
    struct s2_reader *r = s2_reader_new(&events, NULL, &limits);
    size_t used;
    size_t at;
    double octets = (double)n * times;
    double ns;
    int rc;

    if (r == NULL)
        exit(1);
    rc = s2_reader_feed(r, xmb_str(header), &used);
    items = 0;
    ns = cpu_ns();
    for (; times > 0 && rc == 0; times--)
        for (at = 0; at < n && rc == 0; at += chunk)
            rc = s2_reader_feed(r, xmb_sub(xmb_str_n(text, n), at, chunk), &used);
    ns = cpu_ns() - ns;
    printf("%-24s %8zu %8zu octets  %10.0f ns a stanza  %7.2f ns an octet%s\n", name, chunk, n,
           items > 0 ? ns / (double)items : 0.0,
           ns / octets, rc != 0 ? "  (refused)" : "");
    s2_reader_free(r);
}

/* --- ordinary stanzas ------------------------------------------------------------------------ */

static size_t stanza(char *to, size_t want)
{
    static const char before[] = "<message from='juliet@a.test/balcony' to='romeo@b.test/orchard' "
                                 "id='4f2c9d0e' type='chat'><body>";
    static const char after[] = "</body><active xmlns='http://jabber.org/protocol/chatstates'/>"
                                "</message>";
    size_t body = want - strlen(before) - strlen(after);
    size_t i;

    memcpy(to, before, strlen(before));
    for (i = 0; i < body; i++)
        to[strlen(before) + i] = i % 7 == 6 ? ' ' : 'x';
    memcpy(to + want - strlen(after), after, strlen(after));
    return want;
}

static void ordinary(char *text, size_t want, size_t chunk, int times)
{
    char name[32];
    size_t n = 0;

    while (n + want <= ROOM / 2)
        n += stanza(text + n, want);
    snprintf(name, sizeof(name), "stanza of %zu", want);
    run(name, text, n, chunk, times);
}

/* --- hostile ones ---------------------------------------------------------------------------- */

static void hostile(char *text, const char *name, const char *before, const char *piece,
                    const char *after)
{
    size_t n = strlen(before);

    memcpy(text, before, n);
    while (n + strlen(piece) + strlen(after) <= MOST) {
        memcpy(text + n, piece, strlen(piece));
        n += strlen(piece);
    }
    memcpy(text + n, after, strlen(after));
    n += strlen(after);
    run(name, text, n, n, 5);
    run(name, text, n, 1, 1);
}

int main(void)
{
    static const size_t chunks[] = {16384, 1400, 1};
    char *text = malloc(ROOM);
    size_t i;

    if (text == NULL)
        return 1;
    for (i = 0; i < sizeof(chunks) / sizeof(chunks[0]); i++) {
        ordinary(text, 300, chunks[i], 20);
        ordinary(text, 4096, chunks[i], 20);
    }
    hostile(text, "long text", "<message><body>", "x", "</body></message>");
    hostile(text, "long attribute", "<message a='", "x", "'/>");
    hostile(text, "references", "<message><body>", "&amp;", "</body></message>");
    hostile(text, "CDATA", "<message><body>", "<![CDATA[]]>", "</body></message>");
    limits.elements = 100000;
    hostile(text, "elements", "<message>", "<a/>", "</message>");
    free(text);
    return 0;
}
