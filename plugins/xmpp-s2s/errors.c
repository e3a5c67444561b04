/* SPDX-License-Identifier: MIT */
/*
 * errors.c - the conditions of stanza errors and of stream errors, each in one table: name and,
 * for stanza errors, the type that goes with it (RFC 6120, 4.9.3 and 8.3.3).
 */
#include "errors.h"

struct condition {
    const char *name;
    const char *type;
};

static const struct condition conditions[S2_C_COUNT] = {
    [S2_C_NONE] = {"none", "cancel"},
    [S2_C_BAD_REQUEST] = {"bad-request", "modify"},
    [S2_C_CONFLICT] = {"conflict", "cancel"},
    [S2_C_FORBIDDEN] = {"forbidden", "auth"},
    [S2_C_INTERNAL_SERVER_ERROR] = {"internal-server-error", "cancel"},
    [S2_C_ITEM_NOT_FOUND] = {"item-not-found", "cancel"},
    [S2_C_JID_MALFORMED] = {"jid-malformed", "modify"},
    [S2_C_NOT_ACCEPTABLE] = {"not-acceptable", "modify"},
    [S2_C_NOT_ALLOWED] = {"not-allowed", "cancel"},
    [S2_C_NOT_AUTHORIZED] = {"not-authorized", "auth"},
    [S2_C_POLICY_VIOLATION] = {"policy-violation", "modify"},
    [S2_C_REMOTE_SERVER_NOT_FOUND] = {"remote-server-not-found", "cancel"},
    [S2_C_REMOTE_SERVER_TIMEOUT] = {"remote-server-timeout", "wait"},
    [S2_C_RESOURCE_CONSTRAINT] = {"resource-constraint", "wait"},
    [S2_C_SERVICE_UNAVAILABLE] = {"service-unavailable", "cancel"},
    [S2_C_UNDEFINED_CONDITION] = {"undefined-condition", "cancel"},
};

static const char *const stream_errors[S2_E_COUNT] = {
    [S2_E_NONE] = "none",
    [S2_E_BAD_FORMAT] = "bad-format",
    [S2_E_BAD_NAMESPACE_PREFIX] = "bad-namespace-prefix",
    [S2_E_CONFLICT] = "conflict",
    [S2_E_CONNECTION_TIMEOUT] = "connection-timeout",
    [S2_E_HOST_GONE] = "host-gone",
    [S2_E_HOST_UNKNOWN] = "host-unknown",
    [S2_E_IMPROPER_ADDRESSING] = "improper-addressing",
    [S2_E_INTERNAL_SERVER_ERROR] = "internal-server-error",
    [S2_E_INVALID_FROM] = "invalid-from",
    [S2_E_INVALID_NAMESPACE] = "invalid-namespace",
    [S2_E_INVALID_XML] = "invalid-xml",
    [S2_E_NOT_AUTHORIZED] = "not-authorized",
    [S2_E_NOT_WELL_FORMED] = "not-well-formed",
    [S2_E_POLICY_VIOLATION] = "policy-violation",
    [S2_E_REMOTE_CONNECTION_FAILED] = "remote-connection-failed",
    [S2_E_RESET] = "reset",
    [S2_E_RESOURCE_CONSTRAINT] = "resource-constraint",
    [S2_E_RESTRICTED_XML] = "restricted-xml",
    [S2_E_SEE_OTHER_HOST] = "see-other-host",
    [S2_E_SYSTEM_SHUTDOWN] = "system-shutdown",
    [S2_E_UNDEFINED_CONDITION] = "undefined-condition",
    [S2_E_UNSUPPORTED_ENCODING] = "unsupported-encoding",
    [S2_E_UNSUPPORTED_FEATURE] = "unsupported-feature",
    [S2_E_UNSUPPORTED_STANZA_TYPE] = "unsupported-stanza-type",
    [S2_E_UNSUPPORTED_VERSION] = "unsupported-version",
};

const char *s2_condition_name(enum s2_condition c)
{
    return (unsigned)c < S2_C_COUNT ? conditions[c].name : "undefined-condition";
}

const char *s2_condition_type(enum s2_condition c)
{
    return (unsigned)c < S2_C_COUNT ? conditions[c].type : "cancel";
}

enum s2_condition s2_condition_of(struct xmb_str name)
{
    int c;

    for (c = S2_C_NONE + 1; c < S2_C_COUNT; c++)
        if (xmb_str_eq(name, xmb_str(conditions[c].name)))
            return (enum s2_condition)c;
    return S2_C_UNDEFINED_CONDITION;
}

const char *s2_stream_error_name(enum s2_stream_error e)
{
    return (unsigned)e < S2_E_COUNT ? stream_errors[e] : "undefined-condition";
}

enum s2_stream_error s2_stream_error_of(struct xmb_str name)
{
    int e;

    for (e = S2_E_NONE + 1; e < S2_E_COUNT; e++)
        if (xmb_str_eq(name, xmb_str(stream_errors[e])))
            return (enum s2_stream_error)e;
    return S2_E_UNDEFINED_CONDITION;
}

enum s2_stream_error s2_stream_error_of_read(int read_error)
{
    switch (read_error) {
    case S2_READ_NOT_WELL_FORMED:
        return S2_E_NOT_WELL_FORMED;
    case S2_READ_RESTRICTED:
        return S2_E_RESTRICTED_XML;
    case S2_READ_TOO_BIG:
        return S2_E_POLICY_VIOLATION;
    case S2_READ_BAD_FORMAT:
        return S2_E_BAD_FORMAT;
    case S2_READ_BAD_NAMESPACE:
        return S2_E_INVALID_NAMESPACE;
    case S2_READ_BAD_ENCODING:
        return S2_E_UNSUPPORTED_ENCODING;
    case S2_READ_BAD_PREFIX:
        return S2_E_BAD_NAMESPACE_PREFIX;
    case XMB_ENOMEM:
        return S2_E_RESOURCE_CONSTRAINT;
    default:
        return S2_E_INTERNAL_SERVER_ERROR;
    }
}

int s2_stream_error_is_orderly(enum s2_stream_error e)
{
    return e == S2_E_SYSTEM_SHUTDOWN || e == S2_E_RESET || e == S2_E_CONNECTION_TIMEOUT ||
           e == S2_E_SEE_OTHER_HOST;
}
