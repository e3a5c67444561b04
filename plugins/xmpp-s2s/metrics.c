/* SPDX-License-Identifier: MIT */
/*
 * metrics.c - the table of metrics, in the order of enum s2_metric.
 */
#include "gateway.h"

#define COUNTER(name, unit, help) {XMB_METRIC_INIT, XMB_COUNTER, name, unit, help}
#define GAUGE(name, unit, help) {XMB_METRIC_INIT, XMB_GAUGE, name, unit, help}

const struct xmb_metric s2_metrics[S2_M_COUNT] = {
    [S2_M_STREAMS_IN] = GAUGE("streams_in", "streams", "Streams that peers have opened."),
    [S2_M_STREAMS_OUT] = GAUGE("streams_out", "streams", "Streams that the gateway has opened."),
    [S2_M_STREAMS_REFUSED] = COUNTER("streams_refused", "streams",
                                     "Incoming streams that were ended with a stream error."),
    [S2_M_STANZAS_IN] = COUNTER("stanzas_in", "stanzas", "Stanzas taken from verified pairs."),
    [S2_M_STANZAS_OUT] = COUNTER("stanzas_out", "stanzas", "Stanzas sent."),
    [S2_M_BYTES_IN] = COUNTER("stanza_bytes_in", "bytes", "Octets of the stanzas taken."),
    [S2_M_BYTES_OUT] = COUNTER("stanza_bytes_out", "bytes", "Octets of the stanzas sent."),
    [S2_M_BOUNCED] = COUNTER("bounced", "stanzas",
                             "Stanzas that were returned to their sender with an error."),
    [S2_M_DROPPED] = COUNTER("dropped", "stanzas",
                             "Stanzas that could neither be delivered nor be answered."),
    [S2_M_RESENT] = COUNTER("resent", "stanzas", "Stanzas sent once more on another stream."),
    [S2_M_CONFIRMED] = COUNTER("confirmed", "stanzas",
                               "Stanzas that the next server is known to have."),
    [S2_M_QUEUED] = GAUGE("queued", "stanzas", "Stanzas that wait for a stream."),
    [S2_M_UNCONFIRMED] = GAUGE("unconfirmed", "stanzas",
                               "Stanzas sent that the next server is not yet known to have."),
    [S2_M_BARRIERS] = COUNTER("barriers", "pings", "Pings sent to learn what has arrived."),
    [S2_M_BARRIERS_HERE] = COUNTER("barriers_here", "pings",
                                   "Of these pings, asked by dialback on our own stream as well."),
    [S2_M_BARRIER_TIMEOUTS] = COUNTER("barrier_timeouts", "pings",
                                      "Pings without an answer: the stream was given up."),
    [S2_M_DIALBACK_VALID] = COUNTER("dialback_valid", "pairs",
                                    "Incoming pairs of domains that dialback proved."),
    [S2_M_DIALBACK_INVALID] = COUNTER("dialback_invalid", "pairs",
                                      "Incoming pairs whose key the authoritative server denied."),
    [S2_M_DIALBACK_FAILED] = COUNTER("dialback_failed", "pairs",
                                     "Incoming pairs whose server could not be asked."),
    [S2_M_EXTERNAL] = COUNTER("external", "pairs",
                              "Incoming pairs that a certificate proved (SASL EXTERNAL)."),
    [S2_M_KEYS_RIGHT] = COUNTER("keys_right", "keys",
                                "Dialback keys that others asked about and that are ours."),
    [S2_M_KEYS_WRONG] = COUNTER("keys_wrong", "keys",
                                "Dialback keys that others asked about and that are not ours."),
    [S2_M_DENIED] = COUNTER("denied", "pairs", "Pairs of domains that policy refused."),
    [S2_M_SPOOFED] = COUNTER("spoofed", "streams",
                             "Streams and stanzas that claimed a domain of the other side."),
    [S2_M_DIALS] = COUNTER("dials", "connections", "Connections that were tried."),
    [S2_M_DIALS_FAILED] = COUNTER("dials_failed", "connections",
                                  "Connections that could not be made."),
    [S2_M_TLS_RESUMED] = COUNTER("tls_resumed", "streams",
                                 "Streams whose TLS session was resumed."),
};
