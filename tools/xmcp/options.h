/* SPDX-License-Identifier: MIT */
/*
 * options.h - what the user asked for, checked. Everything wrong with a command line is found
 * here, before a connection is made.
 */
#ifndef XMCP_TOOL_OPTIONS_H
#define XMCP_TOOL_OPTIONS_H

#include <stddef.h>
#include <stdint.h>

#include "xmcp.h"

#define EXIT_USAGE 2

enum command { COMMAND_NONE, COMMAND_PUBLISH, COMMAND_SUBSCRIBE, COMMAND_PING };

struct options {
    enum command command;
    char host[256];
    char server_port[8];
    const char *user;
    const char *password;
    const char *name;
    const char *label;
    uint32_t domain; /* 0: the server's default */
    int json;
    unsigned client_flags; /* XMCP_CLIENT_* */

    int have_service;
    struct xmcp_identity service;
    unsigned given; /* XMCP_GIVEN_* */
    uint8_t ip_protocol;
    const char *address; /* NULL: our end of the connection */
    uint16_t port;
    uint32_t sequence;
    int visible_to_all;
    uint8_t *data; /* allocated, or NULL */
    size_t data_bytes;
    uint64_t for_ms; /* 0: until interrupted */
    unsigned long count; /* 0: no end */
    uint64_t timeout_ms; /* 0: none */
};

/*
 * Reads the command line. Returns -1 to go on, or the exit code: --help, --version, or a mistake,
 * which has been reported on standard error. options_free() either way.
 */
int options_parse(int argc, char **argv, struct options *o);
void options_free(struct options *o);

/* options_values.c: one value each. Return 0, or -1 after reporting what is wrong with it. */
int value_number(const char *option, const char *text, unsigned long min, unsigned long max,
                 unsigned long *out);
int value_seconds(const char *option, const char *text, uint64_t *out_ms);
int value_server(const char *text, struct options *o);
int value_service(const char *text, struct options *o);
int value_data(const char *text, struct options *o);
int value_data_file(const char *path, struct options *o);
int value_password_file(const char *path, struct options *o);
int value_random_instance(struct options *o);

#endif
