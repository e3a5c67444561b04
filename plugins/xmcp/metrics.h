/* SPDX-License-Identifier: MIT */
/*
 * metrics.h - every counter and gauge of the module; metrics.c has the table with their words.
 */
#ifndef XS_METRICS_H
#define XS_METRICS_H

#include <stddef.h>
#include <xmb/metrics.h>

enum metric {
    M_CONNECTIONS,
    M_CLIENTS,
    M_UNAUTHENTICATED,
    M_SERVICES,
    M_SUBSCRIPTIONS,
    M_ACCEPTED,
    M_REFUSED_LIST,
    M_REFUSED_LIMIT,
    M_REFUSED_RATE,
    M_REGISTERS,
    M_REGISTER_FAILURES,
    M_REGISTER_TIMEOUTS,
    M_KEEPALIVE_TIMEOUTS,
    M_REVOKES,
    M_PUBLISH_REVOKES,
    M_MALFORMED,
    M_FRAMING,
    M_UNMATCHED,
    M_BAD_RESPONSES,
    M_MESSAGES_IN,
    M_MESSAGES_OUT,
    M_NOTIFIES,
    M_WITHDRAWS,
    M_NOTIFY_TIMEOUTS,
    M_NOTIFY_REFUSED,
    M_NOTIFY_TOO_LARGE,
    M_ENCODINGS,
    M_CODE_400,
    M_CODE_401,
    M_CODE_413,
    M_CODE_431,
    M_CODE_435,
    M_CODE_436,
    M_CODE_438,
    M_CODE_471,
    M_CODE_472,
    M_CODE_473,
    M_CODE_474,
    M_CODE_475,
    M_CODE_476,
    M_CODE_477,
    M_CODE_478,
    M_CODE_479,
    M_CODE_499,
    M_CODE_500,
    M_CODE_501,
    M_COUNT
};

#define XS_CODE_FIRST M_CODE_400
#define XS_CODE_COUNT (M_COUNT - XS_CODE_FIRST)

extern const struct xmb_metric xs_metrics[M_COUNT];

/* The counter of an error code; the one of 500 for a code that has none. */
enum metric xs_metric_of_code(unsigned code);

#endif
