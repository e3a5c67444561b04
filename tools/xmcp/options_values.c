/* SPDX-License-Identifier: MIT */
/*
 * options_values.c - the values of options: numbers, HOST:PORT, services, files.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "options.h"

/* What libxmcp has room for in a message, a little rounded; a server's limit is lower (413). */
#define DATA_BYTES_MAX 63000
#define PASSWORD_BYTES_MAX 512

int value_number(const char *option, const char *text, unsigned long min, unsigned long max,
                 unsigned long *out)
{
    char *end = NULL;
    unsigned long value;

    errno = 0;
    value = strtoul(text, &end, 10);
    if (text[0] < '0' || text[0] > '9' || *end != '\0' || errno != 0 || value < min ||
        value > max) {
        fprintf(stderr, "xmcp: %s: '%s' is not a number from %lu to %lu\n", option, text, min,
                max);
        return -1;
    }
    *out = value;
    return 0;
}

int value_seconds(const char *option, const char *text, uint64_t *out_ms)
{
    char *end = NULL;
    double seconds;

    errno = 0;
    seconds = strtod(text, &end);
    if (text[0] < '0' || text[0] > '9' || *end != '\0' || errno != 0 || seconds < 0.001 ||
        seconds > 1e9) {
        fprintf(stderr, "xmcp: %s: '%s' is not a number of seconds\n", option, text);
        return -1;
    }
    *out_ms = (uint64_t)(seconds * 1000);
    return 0;
}

/* Splits at the port's colon: HOST, HOST:PORT, [V6], [V6]:PORT, or a bare V6 without a port. */
static int split_server(const char *text, size_t *host_at, size_t *host_bytes, const char **port)
{
    const char *close = strchr(text, ']');
    const char *colon = strchr(text, ':');

    *port = NULL;
    *host_at = 0;
    *host_bytes = strlen(text);
    if (text[0] == '[') {
        if (close == NULL || (close[1] != '\0' && close[1] != ':'))
            return -1;
        *host_at = 1;
        *host_bytes = (size_t)(close - text) - 1;
        *port = close[1] == ':' ? close + 2 : NULL;
    } else if (colon != NULL && strchr(colon + 1, ':') == NULL) {
        *host_bytes = (size_t)(colon - text);
        *port = colon + 1;
    }
    return *host_bytes > 0 ? 0 : -1;
}

int value_server(const char *text, struct options *o)
{
    size_t host_at;
    size_t host_bytes;
    const char *port;
    unsigned long number = XMCP_PORT;

    if (split_server(text, &host_at, &host_bytes, &port) != 0 || host_bytes >= sizeof(o->host)) {
        fprintf(stderr, "xmcp: -s: '%s' is not HOST, HOST:PORT or [IPV6]:PORT\n", text);
        return -1;
    }
    if (port != NULL && value_number("-s", port, 1, 65535, &number) != 0)
        return -1;
    memcpy(o->host, text + host_at, host_bytes);
    o->host[host_bytes] = '\0';
    snprintf(o->server_port, sizeof(o->server_port), "%lu", number);
    return 0;
}

int value_service(const char *text, struct options *o)
{
    if (xmcp_identity_parse(text, &o->service, &o->given) != 0) {
        fprintf(stderr,
                "xmcp: --service: '%s' is not SERVICE:SUBSERVICE:INSTANCE (101:1:1.2.3.4, "
                "101:1:UUID, 101:*:*)\n",
                text);
        return -1;
    }
    o->have_service = 1;
    return 0;
}

static int set_data(const char *option, const void *data, size_t bytes, struct options *o)
{
    if (bytes > DATA_BYTES_MAX) {
        fprintf(stderr, "xmcp: %s: more than %d octets do not fit into a message\n", option,
                DATA_BYTES_MAX);
        return -1;
    }
    free(o->data);
    o->data = malloc(bytes + 1);
    if (o->data == NULL) {
        fprintf(stderr, "xmcp: %s: out of memory\n", option);
        return -1;
    }
    memcpy(o->data, data, bytes);
    o->data_bytes = bytes;
    return 0;
}

int value_data(const char *text, struct options *o)
{
    return set_data("--data", text, strlen(text), o);
}

/* Reads at most `room` octets; "-" is standard input, once. Returns their number, or -1. */
static long read_file(const char *option, const char *path, char *buffer, size_t room)
{
    static int stdin_taken;
    int from_stdin = strcmp(path, "-") == 0;
    FILE *file = from_stdin ? stdin : fopen(path, "rb");
    size_t bytes;
    int failed;

    if (from_stdin && stdin_taken++) {
        fprintf(stderr, "xmcp: %s: only one option can read standard input\n", option);
        return -1;
    }
    if (file == NULL) {
        fprintf(stderr, "xmcp: %s: %s: %s\n", option, path, strerror(errno));
        return -1;
    }
    bytes = fread(buffer, 1, room, file);
    failed = ferror(file);
    if (failed)
        fprintf(stderr, "xmcp: %s: %s: cannot be read\n", option, path);
    if (!from_stdin)
        fclose(file);
    return failed ? -1 : (long)bytes;
}

int value_data_file(const char *path, struct options *o)
{
    char *buffer = malloc(DATA_BYTES_MAX + 1);
    long bytes;
    int rc = -1;

    if (buffer == NULL)
        return -1;
    bytes = read_file("--data-file", path, buffer, DATA_BYTES_MAX + 1);
    if (bytes >= 0)
        rc = set_data("--data-file", buffer, (size_t)bytes, o);
    free(buffer);
    return rc;
}

/* The first line is the password. */
int value_password_file(const char *path, struct options *o)
{
    static char password[PASSWORD_BYTES_MAX];
    long bytes = read_file("--password-file", path, password, sizeof(password) - 1);

    if (bytes < 0)
        return -1;
    password[bytes] = '\0';
    if (bytes == PASSWORD_BYTES_MAX - 1 && strpbrk(password, "\r\n") == NULL) {
        fprintf(stderr, "xmcp: --password-file: %s: its first line is longer than a password\n",
                path);
        return -1;
    }
    password[strcspn(password, "\r\n")] = '\0';
    if (password[0] == '\0') {
        fprintf(stderr, "xmcp: --password-file: %s: no password on its first line\n", path);
        return -1;
    }
    o->password = password;
    return 0;
}

/* Random as a UUID of version 4 is; its fixed bits keep it from being all ones, the wildcard. */
int value_random_instance(struct options *o)
{
    uint32_t words[4];

    if (getrandom(words, sizeof(words), 0) != (ssize_t)sizeof(words)) {
        fprintf(stderr, "xmcp: no random number for the instance: %s\n", strerror(errno));
        return -1;
    }
    words[1] = (words[1] & 0xffff0fffu) | 0x00004000u;
    words[2] = (words[2] & 0x3fffffffu) | 0x80000000u;
    memcpy(o->service.instance, words, sizeof(words));
    return 0;
}
