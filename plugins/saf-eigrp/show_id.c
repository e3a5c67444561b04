/* SPDX-License-Identifier: MIT */
/*
 * show_id.c - services as operators write them: service, sub-service, and an instance of four
 * hexadecimal words.
 *
 * What is shown has leading zeros, what is typed may leave them out, as with xmcp. A pattern names
 * less: a part that is left out, or is a star, matches everything.
 */
#include "show.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

char *se_show_id_text(const struct xmb_service_id *id, char *out, size_t out_bytes)
{
    const uint32_t *w = id->instance;

    snprintf(out, out_bytes, "%u:%u:%08" PRIx32 ".%08" PRIx32 ".%08" PRIx32 ".%08" PRIx32,
             id->service, id->subservice, w[0], w[1], w[2], w[3]);
    return out;
}

/* A number at `*at`, which moves behind it; 0: there is none, or it is too large. */
static int read_number(const char **at, int base, unsigned long max, unsigned long *out)
{
    static const char digits[] = "0123456789abcdefABCDEF";
    size_t n = strspn(*at, base == 10 ? "0123456789" : digits);
    char *end;

    if (n == 0 || n > 10)
        return 0;
    errno = 0;
    *out = strtoul(*at, &end, base);
    if (errno != 0 || end != *at + n || *out > max)
        return 0;
    *at += n;
    return 1;
}

/* A star at `*at`, which moves behind it. */
static int read_star(const char **at)
{
    if (**at != '*')
        return 0;
    ++*at;
    return 1;
}

static int read_part(const char **at, uint16_t *out, uint8_t *any, uint8_t bit)
{
    unsigned long value = 0;

    if (read_star(at)) {
        *any |= bit;
        return 1;
    }
    if (!read_number(at, 10, UINT16_MAX, &value))
        return 0;
    *out = (uint16_t)value;
    return 1;
}

static int read_instance(const char **at, struct se_show_pattern *out)
{
    unsigned long value = 0;
    int i;

    if (read_star(at)) {
        out->any |= SE_SHOW_ANY_INSTANCE;
        return 1;
    }
    for (i = 0; i < 4; i++) {
        if ((i > 0 && *(*at)++ != '.') || !read_number(at, 16, UINT32_MAX, &value))
            return 0;
        out->instance[i] = (uint32_t)value;
    }
    return 1;
}

int se_show_pattern_read(const char *text, struct se_show_pattern *out)
{
    struct se_show_pattern p = {0};

    if (!read_part(&text, &p.service, &p.any, SE_SHOW_ANY_SERVICE))
        return XMB_EINVAL;
    if (*text == '\0') {
        p.any |= SE_SHOW_ANY_SUBSERVICE | SE_SHOW_ANY_INSTANCE;
        goto done;
    }
    if (*text++ != ':' || !read_part(&text, &p.subservice, &p.any, SE_SHOW_ANY_SUBSERVICE))
        return XMB_EINVAL;
    if (*text == '\0') {
        p.any |= SE_SHOW_ANY_INSTANCE;
        goto done;
    }
    if (*text++ != ':' || !read_instance(&text, &p) || *text != '\0')
        return XMB_EINVAL;
done:
    *out = p;
    return 0;
}

int se_show_pattern_fits(const struct se_show_pattern *p, const struct xmb_service_id *id)
{
    return (p->any & SE_SHOW_ANY_SERVICE || p->service == id->service) &&
           (p->any & SE_SHOW_ANY_SUBSERVICE || p->subservice == id->subservice) &&
           (p->any & SE_SHOW_ANY_INSTANCE ||
            memcmp(p->instance, id->instance, sizeof(p->instance)) == 0);
}
