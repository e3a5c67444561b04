/* SPDX-License-Identifier: MIT */
/*
 * options.c - the command line of xmcp.
 *
 * Options may stand before and behind the command. Values are read in options_values.c; here is
 * which options there are, and what each command cannot do without. An option that the command
 * has no use for is accepted and does nothing.
 */
#include <config.h>

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "options.h"

enum {
    OPT_PASSWORD_FILE = 256,
    OPT_NAME,
    OPT_LABEL,
    OPT_DOMAIN,
    OPT_JSON,
    OPT_SERVICE,
    OPT_PROTOCOL,
    OPT_ADDRESS,
    OPT_PORT,
    OPT_DATA,
    OPT_DATA_FILE,
    OPT_FOR,
    OPT_SEQUENCE,
    OPT_VISIBLE,
    OPT_COUNT,
    OPT_TIMEOUT,
    OPT_VERSION1,
    OPT_SHA256,
    OPT_PAD64,
};

static const struct option longs[] = {
    {"server", required_argument, NULL, 's'},
    {"user", required_argument, NULL, 'u'},
    {"password", required_argument, NULL, 'p'},
    {"password-file", required_argument, NULL, OPT_PASSWORD_FILE},
    {"name", required_argument, NULL, OPT_NAME},
    {"label", required_argument, NULL, OPT_LABEL},
    {"domain", required_argument, NULL, OPT_DOMAIN},
    {"json", no_argument, NULL, OPT_JSON},
    {"service", required_argument, NULL, OPT_SERVICE},
    {"protocol", required_argument, NULL, OPT_PROTOCOL},
    {"address", required_argument, NULL, OPT_ADDRESS},
    {"port", required_argument, NULL, OPT_PORT},
    {"data", required_argument, NULL, OPT_DATA},
    {"data-file", required_argument, NULL, OPT_DATA_FILE},
    {"for", required_argument, NULL, OPT_FOR},
    {"sequence", required_argument, NULL, OPT_SEQUENCE},
    {"visible", no_argument, NULL, OPT_VISIBLE},
    {"count", required_argument, NULL, OPT_COUNT},
    {"timeout", required_argument, NULL, OPT_TIMEOUT},
    {"version1", no_argument, NULL, OPT_VERSION1},
    {"sha256", no_argument, NULL, OPT_SHA256},
    {"pad64", no_argument, NULL, OPT_PAD64},
    {"help", no_argument, NULL, 'h'},
    {"version", no_argument, NULL, 'V'},
    {NULL, 0, NULL, 0},
};

static const char help[] =
    "Usage: xmcp [-s HOST[:PORT]] [-u USER] [-p PASSWORD | --password-file FILE]\n"
    "            [OPTIONS] COMMAND [OPTIONS]\n"
    "\n"
    "Commands\n"
    "  publish    publish a service until interrupted, then take it back\n"
    "  subscribe  print each service that appears, changes or goes\n"
    "  ping       register, send one keepalive, print the round trip\n"
    "\n"
    "Connection\n"
    "  -s, --server HOST[:PORT]  the XMCP server [localhost:4788]; [IPV6]:PORT\n"
    "  -u, --user USER           user name; left out: an unauthenticated session\n"
    "  -p, --password PASSWORD   seen by others in the list of processes\n"
    "      --password-file FILE  the password is the first line of FILE (- is standard input)\n"
    "      --name NAME           product name shown on the server\n"
    "      --label LABEL         client label [the user]\n"
    "      --domain N            SAF domain, 1 to 65535 [the server's]\n"
    "      --version1            speak XMCP 1.0\n"
    "      --sha256              sign with HMAC-SHA256 instead of HMAC-SHA1\n"
    "      --pad64               pad what is signed as Cisco's 1.0 client does\n"
    "\n"
    "publish\n"
    "      --service S:SS[:INSTANCE]  four hex words (1.2.3.4) or a UUID; left out: random\n"
    "      --protocol N          IP protocol of the service [6, TCP]\n"
    "      --address A --port P  where it is reached [this end of the connection, 0]\n"
    "      --data TEXT           service data\n"
    "      --data-file FILE      service data from a file (- is standard input)\n"
    "      --sequence N          version of the service [1]\n"
    "      --visible             let unauthenticated clients see it\n"
    "      --for SECONDS         end by itself\n"
    "\n"
    "subscribe\n"
    "      --service S:SS:INSTANCE  * stands for any, in each part and each word\n"
    "      --count N             end after N lines\n"
    "      --timeout SECONDS     end with exit status 1 when that long has passed\n"
    "\n"
    "      --json                one JSON object a line\n"
    "  -h, --help    -V, --version\n"
    "\n"
    "Exit status: 0; 1 refused, failed or timed out; 2 wrong usage.\n";

/* Options with a value that is just kept. */
static int take_text(int option, const char *value, struct options *o)
{
    switch (option) {
    case 'u':
        o->user = value;
        return 1;
    case 'p':
        o->password = value;
        return 1;
    case OPT_NAME:
        o->name = value;
        return 1;
    case OPT_LABEL:
        o->label = value;
        return 1;
    case OPT_ADDRESS:
        o->address = value;
        return 1;
    default:
        return 0;
    }
}

static int take_switch(int option, struct options *o)
{
    switch (option) {
    case OPT_JSON:
        o->json = 1;
        return 1;
    case OPT_VISIBLE:
        o->visible_to_all = 1;
        return 1;
    case OPT_VERSION1:
        o->client_flags |= XMCP_CLIENT_VERSION_1;
        return 1;
    case OPT_SHA256:
        o->client_flags |= XMCP_CLIENT_SHA256;
        return 1;
    case OPT_PAD64:
        o->client_flags |= XMCP_CLIENT_PADDING_64;
        return 1;
    default:
        return 0;
    }
}

/* Returns 1 when it was a number and fine, 0 when it is not such an option, -1 when wrong. */
static int take_number(int option, const char *value, struct options *o)
{
    unsigned long n = 0;
    int rc;

    switch (option) {
    case OPT_DOMAIN:
        rc = value_number("--domain", value, 1, 65535, &n);
        o->domain = (uint32_t)n;
        break;
    case OPT_PROTOCOL:
        rc = value_number("--protocol", value, 0, 255, &n);
        o->ip_protocol = (uint8_t)n;
        break;
    case OPT_PORT:
        rc = value_number("--port", value, 0, 65535, &n);
        o->port = (uint16_t)n;
        break;
    case OPT_SEQUENCE:
        rc = value_number("--sequence", value, 0, UINT32_MAX, &n);
        o->sequence = (uint32_t)n;
        break;
    case OPT_COUNT:
        rc = value_number("--count", value, 1, 1000000000, &n);
        o->count = n;
        break;
    default:
        return 0;
    }
    return rc == 0 ? 1 : -1;
}

static int take_other(int option, const char *value, struct options *o)
{
    switch (option) {
    case 's':
        return value_server(value, o);
    case OPT_PASSWORD_FILE:
        return value_password_file(value, o);
    case OPT_SERVICE:
        return value_service(value, o);
    case OPT_DATA:
        return value_data(value, o);
    case OPT_DATA_FILE:
        return value_data_file(value, o);
    case OPT_FOR:
        return value_seconds("--for", value, &o->for_ms);
    case OPT_TIMEOUT:
        return value_seconds("--timeout", value, &o->timeout_ms);
    default: /* getopt_long has said what is wrong */
        return -1;
    }
}

static int take(int option, const char *value, struct options *o)
{
    int rc;

    if (take_text(option, value, o) || take_switch(option, o))
        return 0;
    rc = take_number(option, value, o);
    if (rc != 0)
        return rc > 0 ? 0 : -1;
    return take_other(option, value, o);
}

static int wrong(const char *what)
{
    fprintf(stderr, "xmcp: %s\nTry 'xmcp --help'.\n", what);
    return EXIT_USAGE;
}

static int take_command(int argc, char **argv, struct options *o)
{
    const char *word = optind < argc ? argv[optind] : NULL;

    if (word == NULL)
        return wrong("a command is missing: publish, subscribe or ping");
    if (optind + 1 < argc)
        return wrong("more than one command");
    if (strcmp(word, "publish") == 0)
        o->command = COMMAND_PUBLISH;
    else if (strcmp(word, "subscribe") == 0)
        o->command = COMMAND_SUBSCRIBE;
    else if (strcmp(word, "ping") == 0)
        o->command = COMMAND_PING;
    else
        return wrong("no such command: there are publish, subscribe and ping");
    return -1;
}

static int check_publish(struct options *o)
{
    struct xmcp_transport unused;

    if (!o->have_service)
        return wrong("publish: --service is missing");
    if (!(o->given & XMCP_GIVEN_SUBSERVICE))
        return wrong("publish: --service needs a subservice, as in 101:1");
    if (!(o->given & XMCP_GIVEN_INSTANCE) && value_random_instance(o) != 0)
        return EXIT_FAILURE;
    if (!xmcp_identity_concrete(&o->service))
        return wrong("publish: --service must not be a wildcard in any part (*, 65535)");
    if (o->address != NULL && xmcp_transport_parse(o->address, 0, &unused) != 0)
        return wrong("publish: --address is not an IPv4 or IPv6 address");
    return -1;
}

static int check(struct options *o)
{
    if (o->user != NULL && o->password == NULL)
        return wrong("-u needs -p or --password-file");
    if (o->user == NULL && o->password != NULL)
        return wrong("a password needs -u");
    if (o->command == COMMAND_PUBLISH)
        return check_publish(o);
    if (o->command == COMMAND_SUBSCRIBE && !o->have_service)
        return wrong("subscribe: --service is missing ('*' is every service)");
    return -1;
}

int options_parse(int argc, char **argv, struct options *o)
{
    int option;
    int rc;

    memset(o, 0, sizeof(*o));
    o->ip_protocol = 6;
    o->sequence = 1;
    if (value_server("localhost", o) != 0)
        return EXIT_USAGE;
    while ((option = getopt_long(argc, argv, "s:u:p:hV", longs, NULL)) != -1) {
        if (option == 'h') {
            fputs(help, stdout);
            return EXIT_SUCCESS;
        }
        if (option == 'V') {
            puts("xmcp " PACKAGE_VERSION ", XMCP 1.0 and 2.0");
            return EXIT_SUCCESS;
        }
        if (take(option, optarg, o) != 0)
            return EXIT_USAGE;
    }
    rc = take_command(argc, argv, o);
    return rc >= 0 ? rc : check(o);
}

void options_free(struct options *o)
{
    free(o->data);
    o->data = NULL;
}
