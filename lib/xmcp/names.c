/* SPDX-License-Identifier: MIT */
/*
 * names.c - numbers to words, for logs, dumps and the reason text of an error response.
 *
 * Tables and lookups, nothing else. Words of methods, attributes and codes are those that
 * Wireshark's dissector shows, so that a log line and a capture can be laid side by side.
 */
#include <stdio.h>

#include "xmcp.h"

struct name {
    unsigned number;
    const char *text;
};

static const struct name methods[] = {
    {XMCP_REGISTER, "Register"},
    {XMCP_UNREGISTER, "Unregister"},
    {XMCP_REGISTER_REVOKE, "RegisterRevoke"},
    {XMCP_PUBLISH, "Publish"},
    {XMCP_UNPUBLISH, "Unpublish"},
    {XMCP_PUBLISH_REVOKE, "PublishRevoke"},
    {XMCP_SUBSCRIBE, "Subscribe"},
    {XMCP_UNSUBSCRIBE, "Unsubscribe"},
    {XMCP_WITHDRAW, "Withdraw"},
    {XMCP_NOTIFY, "Notify"},
    {XMCP_KEEPALIVE, "Keepalive"},
};

static const struct name classes[] = {
    {XMCP_REQUEST, "request"},
    {XMCP_SUCCESS, "success"},
    {XMCP_ERROR, "error"},
};

static const struct name attributes[] = {
    {XMCP_ATTR_USERNAME, "USERNAME"},
    {XMCP_ATTR_MESSAGE_INTEGRITY, "MESSAGE-INTEGRITY"},
    {XMCP_ATTR_ERROR_CODE, "ERROR-CODE"},
    {XMCP_ATTR_REALM, "REALM"},
    {XMCP_ATTR_NONCE, "NONCE"},
    {XMCP_ATTR_CLIENT_NAME, "CLIENT-NAME"},
    {XMCP_ATTR_CLIENT_HANDLE, "CLIENT-HANDLE"},
    {XMCP_ATTR_PROTOCOL_VERSION, "PROTOCOL-VERSION"},
    {XMCP_ATTR_PAGE_SIZE, "PAGE-SIZE"},
    {XMCP_ATTR_CLIENT_LABEL, "CLIENT-LABEL"},
    {XMCP_ATTR_KEEPALIVE, "KEEPALIVE"},
    {XMCP_ATTR_SERVICE_IDENTITY, "SERVICE-IDENTITY"},
    {XMCP_ATTR_SERVICE_TRANSPORT, "SERVICE-TRANSPORT"},
    {XMCP_ATTR_SERVICE_PROTOCOL, "SERVICE-PROTOCOL"},
    {XMCP_ATTR_FLAGS, "FLAGS"},
    {XMCP_ATTR_SERVICE_VERSION, "SERVICE-VERSION"},
    {XMCP_ATTR_SERVICE_DATA, "SERVICE-DATA"},
    {XMCP_ATTR_SERVICE_METRICS, "SERVICE-METRICS"},
    {XMCP_ATTR_SUBSCRIPTION_ID, "SUBSCRIPTION-ID"},
    {XMCP_ATTR_REMOVED_REASON, "SERVICE-REMOVED-REASON"},
    {XMCP_ATTR_DOMAIN, "DOMAIN"},
};

static const struct name codes[] = {
    {XMCP_CODE_BAD_REQUEST, "Bad Request"},
    {XMCP_CODE_UNAUTHORIZED, "Unauthorized"},
    {XMCP_CODE_TOO_LARGE, "Request Too Large"},
    {XMCP_CODE_INTEGRITY_FAILURE, "Integrity Check Failure"},
    {XMCP_CODE_NONCE_REQUIRED, "Nonce Required"},
    {XMCP_CODE_UNKNOWN_USERNAME, "Unknown Username"},
    {XMCP_CODE_STALE_NONCE, "Stale Nonce"},
    {XMCP_CODE_BAD_HANDLE, "Bad Client Handle"},
    {XMCP_CODE_VERSION_TOO_LOW, "Version Number Too Low"},
    {XMCP_CODE_UNKNOWN_SERVICE, "Unknown Service"},
    {XMCP_CODE_UNREGISTERED, "Unregistered"},
    {XMCP_CODE_INVALID_IDENTITY, "Invalid ServiceIdentity"},
    {XMCP_CODE_UNKNOWN_SUBSCRIPTION, "Unknown Subscription"},
    {XMCP_CODE_ALREADY_REGISTERED, "Already Registered"},
    {XMCP_CODE_UNSUPPORTED_VERSION, "Unsupported Protocol Version"},
    {XMCP_CODE_FORBIDDEN_DOMAIN, "Unknown or Forbidden Domain"},
    {XMCP_CODE_MISCELLANEOUS, "Miscellaneous Request Error"},
    {XMCP_CODE_RESPONDER_ERROR, "Responder Error"},
    {XMCP_CODE_NOT_IMPLEMENTED, "Not Implemented"},
};

static const struct name faults[] = {
    {XMCP_FAULT_NONE, "no fault"},
    {XMCP_FAULT_OVERRUN, "runs past the end of the message"},
    {XMCP_FAULT_TOO_MANY, "too many attributes"},
    {XMCP_FAULT_REPEATED, "repeated"},
    {XMCP_FAULT_LENGTH, "wrong length"},
    {XMCP_FAULT_TEXT, "not valid text"},
    {XMCP_FAULT_FAMILY, "wrong address family or address length"},
    {XMCP_FAULT_REALM, "not the realm \"SAF\""},
    {XMCP_FAULT_RESERVED, "reserved octets are not zero"},
    {XMCP_FAULT_AFTER_INTEGRITY, "stands behind MESSAGE-INTEGRITY"},
    {XMCP_FAULT_MISSING, "missing"},
};

/* Results are looked up by their magnitude. */
static const struct name results[] = {
    {0, "success"},
    {-XMCP_EAGAIN, "more octets are needed"},
    {-XMCP_EFRAME, "not XMCP, or message framing lost"},
    {-XMCP_EBADMSG, "malformed message"},
    {-XMCP_ENOSPC, "too large"},
    {-XMCP_EINVAL, "invalid argument"},
    {-XMCP_EAUTH, "message integrity missing or wrong"},
    {-XMCP_ENOMEM, "out of memory"},
    {-XMCP_ESTATE, "not possible in this state"},
    {-XMCP_EBUSY, "too many requests under way"},
    {-XMCP_ETIMEDOUT, "no answer"},
    {-XMCP_EREFUSED, "refused"},
};

static const char *lookup(const struct name *names, size_t count, unsigned number)
{
    size_t i;

    for (i = 0; i < count; i++) {
        if (names[i].number == number)
            return names[i].text;
    }
    return "unknown";
}

#define LOOKUP(names, number) lookup(names, sizeof(names) / sizeof((names)[0]), number)

const char *xmcp_method_name(unsigned method)
{
    return LOOKUP(methods, method);
}

const char *xmcp_class_name(unsigned msg_class)
{
    return LOOKUP(classes, msg_class);
}

const char *xmcp_attribute_name(unsigned type)
{
    return LOOKUP(attributes, type);
}

const char *xmcp_code_name(unsigned code)
{
    return LOOKUP(codes, code);
}

const char *xmcp_fault_name(enum xmcp_fault_reason reason)
{
    return LOOKUP(faults, (unsigned)reason);
}

const char *xmcp_strerror(int result)
{
    return result > 0 || result < -1000 ? "unknown" : LOOKUP(results, (unsigned)-result);
}

size_t xmcp_fault_format(const struct xmcp_fault *fault, char *text, size_t text_bytes)
{
    const char *why = xmcp_fault_name(fault->reason);
    const char *what = xmcp_attribute_name(fault->attribute);
    char number[24];
    int length;

    if (text_bytes == 0)
        return 0;
    if (what[0] == 'u') { /* no attribute's name begins so */
        snprintf(number, sizeof(number), "attribute 0x%04x", (unsigned)fault->attribute);
        what = number;
    }
    if (fault->reason == XMCP_FAULT_NONE || fault->reason == XMCP_FAULT_TOO_MANY)
        length = snprintf(text, text_bytes, "%s", why);
    else
        length = snprintf(text, text_bytes, "%s: %s", what, why);
    return (size_t)length < text_bytes ? (size_t)length : text_bytes - 1;
}
