/* SPDX-License-Identifier: MIT */
/*
 * metrics.c - the table of metrics, in the order of enum metric, and the way from an error code
 * to its counter.
 */
#include "metrics.h"

#define COUNTER(name, unit, help) {XMB_METRIC_INIT, XMB_COUNTER, name, unit, help}
#define GAUGE(name, unit, help) {XMB_METRIC_INIT, XMB_GAUGE, name, unit, help}
#define CODE(code, words) \
    COUNTER("errors_" #code, "responses", "Error responses " #code " sent: " words ".")

const struct xmb_metric xs_metrics[M_COUNT] = {
    [M_CONNECTIONS] = GAUGE("connections", "connections", "Open connections, registered or not."),
    [M_CLIENTS] = GAUGE("clients", "clients", "Registered clients."),
    [M_UNAUTHENTICATED] = GAUGE("clients_unauthenticated", "clients",
                                "Registered clients without a user name."),
    [M_SERVICES] = GAUGE("services", "services", "Services that clients have published."),
    [M_SUBSCRIPTIONS] = GAUGE("subscriptions", "subscriptions", "Subscriptions of clients."),
    [M_ACCEPTED] = COUNTER("accepted", "connections", "Connections accepted."),
    [M_REFUSED_LIST] = COUNTER("refused_list", "connections",
                               "Connections refused by an address list or another policy."),
    [M_REFUSED_LIMIT] = COUNTER("refused_limit", "connections",
                                "Connections and Registers refused for the client limits."),
    [M_REFUSED_RATE] = COUNTER("refused_rate", "connections",
                               "Connections refused because the address keeps failing."),
    [M_REGISTERS] = COUNTER("registers", "requests", "Successful Registers."),
    [M_REGISTER_FAILURES] = COUNTER("register_failures", "requests",
                                    "Registers refused, challenges not counted."),
    [M_REGISTER_TIMEOUTS] = COUNTER("register_timeouts", "connections",
                                    "Connections closed because they did not register."),
    [M_KEEPALIVE_TIMEOUTS] = COUNTER("keepalive_timeouts", "clients",
                                     "Sessions ended for silence."),
    [M_REVOKES] = COUNTER("revokes", "requests", "RegisterRevoke requests sent."),
    [M_PUBLISH_REVOKES] = COUNTER("publish_revokes", "requests", "PublishRevoke requests sent."),
    [M_MALFORMED] = COUNTER("malformed", "messages", "Messages with a malformed attribute."),
    [M_FRAMING] = COUNTER("framing_errors", "connections",
                          "Connections closed for octets that are not XMCP."),
    [M_UNMATCHED] = COUNTER("unmatched_responses", "messages",
                            "Responses to nothing that was asked."),
    [M_BAD_RESPONSES] = COUNTER("bad_responses", "messages",
                                "Responses dropped because their integrity does not verify."),
    [M_MESSAGES_IN] = COUNTER("messages_in", "messages", "Messages received."),
    [M_MESSAGES_OUT] = COUNTER("messages_out", "messages", "Messages sent."),
    [M_NOTIFIES] = COUNTER("notifies", "messages", "Notify requests sent."),
    [M_WITHDRAWS] = COUNTER("withdraws", "messages", "Withdraw requests sent."),
    [M_NOTIFY_TIMEOUTS] = COUNTER("notify_timeouts", "messages",
                                  "Notify and Withdraw requests that were not answered."),
    [M_NOTIFY_REFUSED] = COUNTER("notify_refused", "messages",
                                 "Notify and Withdraw requests answered with an error."),
    [M_NOTIFY_TOO_LARGE] = COUNTER("notify_too_large", "services",
                                   "Services left out because no XMCP message can hold them."),
    [M_ENCODINGS] = COUNTER("notify_encodings", "services",
                            "Services encoded; fewer than notifies when several clients get one."),
    [M_CODE_400] = CODE(400, "malformed or incomplete request"),
    [M_CODE_401] = CODE(401, "credentials needed"),
    [M_CODE_413] = CODE(413, "service data too large"),
    [M_CODE_431] = CODE(431, "integrity does not verify, as with a wrong password"),
    [M_CODE_435] = CODE(435, "nonce needed"),
    [M_CODE_436] = CODE(436, "unknown user"),
    [M_CODE_438] = CODE(438, "nonce expired or not ours"),
    [M_CODE_471] = CODE(471, "handle not of this connection"),
    [M_CODE_472] = CODE(472, "service version too low"),
    [M_CODE_473] = CODE(473, "service not published by this client"),
    [M_CODE_474] = CODE(474, "not registered"),
    [M_CODE_475] = CODE(475, "wildcard where none may stand"),
    [M_CODE_476] = CODE(476, "unknown subscription"),
    [M_CODE_477] = CODE(477, "registered already"),
    [M_CODE_478] = CODE(478, "protocol version not spoken"),
    [M_CODE_479] = CODE(479, "domain unknown or forbidden"),
    [M_CODE_499] = CODE(499, "service held by another client"),
    [M_CODE_500] = CODE(500, "limit reached or out of resources"),
    [M_CODE_501] = CODE(501, "undefined method"),
};

static const uint16_t codes[XS_CODE_COUNT] = {400, 401, 413, 431, 435, 436, 438, 471, 472, 473,
                                              474, 475, 476, 477, 478, 479, 499, 500, 501};

enum metric xs_metric_of_code(unsigned code)
{
    unsigned i;

    for (i = 0; i < XS_CODE_COUNT; i++) {
        if (codes[i] == code)
            return (enum metric)(XS_CODE_FIRST + i);
    }
    return M_CODE_500;
}
