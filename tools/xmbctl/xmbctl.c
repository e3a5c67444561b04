/* SPDX-License-Identifier: MIT */
/*
 * xmbctl.c - the operator's command: words in, text or JSON out.
 *
 * The broker knows the commands; this only sends words and shows what comes
 * back. Exit status: 0 done, 1 failed (with a message), 2 usage.
 */
#include <config.h>

#include "xmbctl.h"

#include <getopt.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../../lib/control/socket_path.h"

struct options {
    char socket_path[CONTROL_PATH_MAX];
    int json;
    int complete; /* only the words that can follow, one a line: for shells */
};

static void usage(FILE *to)
{
    fputs("usage: xmbctl [-s SOCKET] [--json] WORDS...\n"
          "       xmbctl [-s SOCKET] [WORDS...] ?\n"
          "\n"
          "Words may be shortened as long as they stay unambiguous: xmbctl sh serv x c d\n"
          "\n"
          "  -s, --socket SOCKET  the broker's control socket\n"
          "  -j, --json           one JSON object instead of text\n"
          "      --complete       prints the words that can follow, for a shell\n"
          "  -V, --version        prints the version of xmbctl\n"
          "  -h, --help           prints this\n",
          to);
}

/* Returns -1 to go on, else the exit status. */
static int parse_options(int argc, char **argv, struct options *o)
{
    static const struct option longs[] = {
        {"socket", required_argument, NULL, 's'}, {"json", no_argument, NULL, 'j'},
        {"complete", no_argument, NULL, 'C'},     {"version", no_argument, NULL, 'V'},
        {"help", no_argument, NULL, 'h'},         {NULL, 0, NULL, 0}};
    int c;

    memset(o, 0, sizeof *o);
    while ((c = getopt_long(argc, argv, "s:jVh", longs, NULL)) != -1) {
        if (c == 's' && strlen(optarg) < sizeof o->socket_path) {
            strcpy(o->socket_path, optarg);
        } else if (c == 'j') {
            o->json = 1;
        } else if (c == 'C') {
            o->complete = 1;
        } else if (c == 'V') {
            puts("xmbctl " PACKAGE_VERSION);
            return 0;
        } else {
            usage(c == 'h' ? stdout : stderr);
            return c == 'h' ? 0 : 2;
        }
    }
    if (o->socket_path[0] == '\0' && control_default_path(geteuid(), o->socket_path) < 0)
        return 2;
    return -1;
}

/* {"words": [...]} or {"help": [...]} of what stands behind the options. */
static json_t *make_request(const char *kind, char **words, int count)
{
    json_t *array = json_array();
    int i;

    for (i = 0; i < count; i++)
        if (json_array_append_new(array, json_string(words[i])) < 0) {
            fprintf(stderr, "xmbctl: word %d is not UTF-8 text\n", i + 1);
            json_decref(array);
            return NULL;
        }
    return json_pack("{s:o}", kind, array);
}

static void show_words(json_t *help)
{
    size_t i;
    json_t *row;

    json_array_foreach(help, i, row)
        puts(json_string_value(json_object_get(row, "word")));
}

/* For scripts: the answer, with the error inside when there is one. */
static void show_json(json_t *reply, json_t *answer)
{
    json_t *error = json_object_get(reply, "error");
    json_t *object = answer != NULL ? json_incref(answer) : json_object();

    if (error != NULL)
        json_object_set(object, "error", error);
    json_dumpf(object, stdout, JSON_COMPACT);
    putchar('\n');
    json_decref(object);
}

static int show_reply(const struct options *o, json_t *reply)
{
    json_t *answer = json_object_get(reply, "answer");
    json_t *help = json_object_get(reply, "help");
    const char *error = json_string_value(json_object_get(reply, "error"));

    if (o->json)
        show_json(reply, help != NULL ? reply : answer);
    else if (help != NULL && o->complete)
        show_words(help);
    else if (help != NULL)
        render_help(stdout, help);
    else if (answer != NULL && json_object_size(answer) > 0)
        render_answer(error != NULL ? stderr : stdout, answer,
                      json_is_true(json_object_get(reply, "plain")));
    if (error != NULL)
        fprintf(stderr, "xmbctl: %s\n", error);
    return (int)json_integer_value(json_object_get(reply, "status"));
}

int main(int argc, char **argv)
{
    struct options o;
    int status = parse_options(argc, argv, &o);
    int asks_help;
    json_t *request;
    json_t *reply;

    if (status >= 0)
        return status;
    if (optind == argc && !o.complete) {
        usage(stderr);
        return 2;
    }
    asks_help = o.complete || strcmp(argv[argc - 1], "?") == 0;
    request = make_request(asks_help ? "help" : "words", argv + optind,
                           argc - optind - (asks_help && !o.complete));
    reply = request != NULL ? request_send(o.socket_path, request) : NULL;
    status = reply != NULL ? show_reply(&o, reply) : 1;
    json_decref(request);
    json_decref(reply);
    return status;
}
