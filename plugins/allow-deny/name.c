/* SPDX-License-Identifier: MIT */
/*
 * name.c - domain names of the configuration: libidn2 turns what is not ASCII
 * into A-labels and lowers letters (IDNA 2008 with UTS 46), and what remains is
 * held to the letters, digits, hyphens and underscores that the router takes.
 */
#include "name.h"

#include <idn2.h>

static int is_name_octet(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_' || c == '.';
}

/* Lengths and empty labels; octets were checked. Returns NULL when it is a name. */
static const char *fault_of(const char *name, size_t n)
{
    size_t label = 0;
    size_t i;

    if (n == 0)
        return "it is empty";
    if (n > XMB_DOMAIN_NAME_MAX)
        return "it is longer than 253 octets";
    for (i = 0; i <= n; i++) {
        size_t length = i - label;

        if (i < n && !is_name_octet(name[i]))
            return "a domain name has letters, digits, hyphens and dots only";
        if (i < n && name[i] != '.')
            continue;
        if (length == 0 || length > 63)
            return "between its dots are 1 to 63 octets each";
        if (name[label] == '-' || name[i - 1] == '-')
            return "a part of it begins or ends with a hyphen";
        label = i + 1;
    }
    return NULL;
}

int domains_name_read(const char *text, char out[XMB_DOMAIN_NAME_MAX + 1], const char **why)
{
    char *ascii = NULL;
    size_t n;
    int rc = idn2_to_ascii_8z(text, &ascii, IDN2_NONTRANSITIONAL | IDN2_NFC_INPUT);

    if (rc != IDN2_OK) {
        *why = idn2_strerror(rc);
        return XMB_EINVAL;
    }
    n = strlen(ascii);
    if (n > 1 && ascii[n - 1] == '.')
        n--;
    *why = fault_of(ascii, n);
    if (*why == NULL) {
        memcpy(out, ascii, n);
        out[n] = '\0';
    }
    idn2_free(ascii);
    return *why == NULL ? (int)n : XMB_EINVAL;
}
