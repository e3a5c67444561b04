/* SPDX-License-Identifier: MIT */
/*
 * limits.c - how many connections and clients there may be, over all workers.
 *
 * Atomic counters. A worker counts itself in first and takes that back when the bound was
 * passed; so two workers that race for the last place may both be refused, but never both let in.
 */
#include "server.h"

static int enter(_Atomic uint32_t *count, uint64_t most)
{
    if (atomic_fetch_add_explicit(count, 1, memory_order_relaxed) < most)
        return 0;
    atomic_fetch_sub_explicit(count, 1, memory_order_relaxed);
    return XMB_ELIMIT;
}

static void leave(_Atomic uint32_t *count)
{
    atomic_fetch_sub_explicit(count, 1, memory_order_relaxed);
}

/* Registered or not, connections never exceed twice the client limit. */
int xs_connection_enter(struct worker *w)
{
    int rc = enter(&w->server->counts.connections, 2 * (uint64_t)w->conf->clients_max);

    if (rc == 0)
        w->cells[M_CONNECTIONS]++;
    return rc;
}

void xs_connection_leave(struct worker *w)
{
    leave(&w->server->counts.connections);
    w->cells[M_CONNECTIONS]--;
}

static _Atomic uint32_t *silent_at(struct worker *w, uint32_t row, uint32_t cells)
{
    uint32_t i;

    for (i = 0; i < row; i++)
        cells /= XS_SILENT_CELLS;
    return &w->server->counts.silent[row][cells % XS_SILENT_CELLS];
}

/*
 * Others may share a cell of one row, so the lowest of an address' counts is nearest to its own:
 * it is refused for what others do only if it meets such in every row. All are counted before the
 * first is read, in one order for all workers: of two that race the later sees both.
 */
int xs_silent_enter(struct worker *w, uint32_t cells)
{
    uint32_t most = w->conf->clients_max / 2, least = UINT32_MAX, row, n;

    for (row = 0; row < XS_SILENT_ROWS; row++)
        atomic_fetch_add(silent_at(w, row, cells), 1);
    for (row = 0; row < XS_SILENT_ROWS; row++) {
        n = atomic_load(silent_at(w, row, cells));
        least = n < least ? n : least;
    }
    if (least <= (most > 0 ? most : 1))
        return 0;
    xs_silent_leave(w, cells);
    return XMB_ELIMIT;
}

void xs_silent_leave(struct worker *w, uint32_t cells)
{
    uint32_t row;

    for (row = 0; row < XS_SILENT_ROWS; row++)
        leave(silent_at(w, row, cells));
}

int xs_client_enter(struct worker *w, int anonymous)
{
    struct counts *counts = &w->server->counts;
    int rc = enter(&counts->clients, w->conf->clients_max);

    if (rc != 0)
        return rc;
    if (anonymous) {
        rc = enter(&counts->unauthenticated, w->conf->unauthenticated_max);
        if (rc != 0) {
            leave(&counts->clients);
            return rc;
        }
        w->cells[M_UNAUTHENTICATED]++;
    }
    w->cells[M_CLIENTS]++;
    return 0;
}

void xs_client_leave(struct worker *w, int anonymous)
{
    leave(&w->server->counts.clients);
    w->cells[M_CLIENTS]--;
    if (!anonymous)
        return;
    leave(&w->server->counts.unauthenticated);
    w->cells[M_UNAUTHENTICATED]--;
}
