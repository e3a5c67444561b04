/* SPDX-License-Identifier: MIT */
/*
 * plugin_check_main.c - xmb-plugin-check [--json] FILE.so
 *
 * The broker's own loader without a broker: opens the file, makes every check that a start would
 * make, and prints what the plugin declares. No function of the plugin is called, only its
 * constructors run, as they do at every load. Exit 0: a broker of this version would load it;
 * 1: it would not, and why; 2: usage. For authors, packagers and CI.
 */
#include "config.h"

#include "plugin/plugin_priv.h"

#include "conf/conf.h"
#include "crash.h"

#include <getopt.h>
#include <jansson.h>
#include <libxml/parser.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char usage[] = "usage: xmb-plugin-check [--json] FILE.so\n"
                            "Says whether this broker would load it, and what it declares.\n";

struct report {
    struct plugin_file file;
    char name[NAME_MAX + 1];
    struct xmb_module module;
    struct plugin_why why;
};

static int check(const char *path, struct report *r)
{
    struct conf_schema schema;
    int rc = plugin_open_init();

    if (rc < 0)
        return plugin_why(&r->why, rc, "libltdl cannot be started");
    rc = plugin_open_path(path, r->name, &r->file, &r->why);
    if (rc == 0)
        rc = plugin_check(r->file.descriptor, r->name, &r->module, &r->why);
    if (rc < 0)
        return rc;
    schema.module = r->module.name;
    schema.schema = r->module.plugin.schema;
    schema.schema_bytes = r->module.plugin.schema_bytes;
    return conf_schema_check(&schema, r->why.text, sizeof r->why.text);
}

static const char *or_none(const char *text)
{
    return text != NULL ? text : "-";
}

static const char *roles_text(const struct xmb_module *m, char *text, size_t cap)
{
    snprintf(text, cap, "%s%s%s%s", m->protocol.size != 0 ? " protocol" : "",
             m->routing.size != 0 ? " routing" : "", m->policy.size != 0 ? " policy" : "",
             m->datagram.size != 0 ? " datagram" : "");
    return text[0] != '\0' ? text + 1 : "none";
}

static void print_needs(const char *what, const struct xmb_need *list, size_t count)
{
    size_t i;

    for (i = 0; i < count; i++)
        printf("%-10s %s, revision %u%s\n", what, list[i].name,
               list[i].revision & ~XMB_NEED_OPTIONAL,
               (list[i].revision & XMB_NEED_OPTIONAL) != 0 ? ", or without it" : "");
}

/* Under the names that `show metrics` has: a dash of the module's name is a "_" there. */
static void print_metrics(const struct xmb_plugin *p)
{
    char module[NAME_MAX + 1];
    char *dash;
    size_t i;

    snprintf(module, sizeof module, "%s", p->name);
    while ((dash = strchr(module, '-')) != NULL)
        *dash = '_';
    for (i = 0; i < p->metrics_count; i++)
        printf("%-10s %s_%s, %s of %s: %s\n", "metric", module, p->metrics[i].name,
               p->metrics[i].type == XMB_GAUGE ? "gauge" : "counter", or_none(p->metrics[i].unit),
               or_none(p->metrics[i].help));
}

static void print_text(const struct report *r)
{
    const struct xmb_plugin *p = &r->module.plugin;
    char roles[64];
    size_t i;

    printf("%-10s %s %s: %s\n", "plugin", p->name, p->version, p->summary);
    printf("%-10s %s\n", "license", or_none(p->license));
    printf("%-10s %s\n", "origin", or_none(p->origin));
    printf("%-10s %u.%u, needs %u.%u\n", "abi", p->abi_major, p->abi_minor, p->abi_major,
           p->abi_need);
    printf("%-10s %s\n", "roles", roles_text(&r->module, roles, sizeof roles));
    if (p->schema != NULL)
        printf("%-10s RELAX NG, %zu octets\n", "schema", p->schema_bytes);
    else
        printf("%-10s none: its <module> is empty\n", "schema");
    print_needs("requires", p->requires_list, p->requires_list_count);
    print_needs("provides", p->provides, p->provides_count);
    print_metrics(p);
    for (i = 0; i < p->commands_count; i++)
        printf("%-10s %s%s%s: %s\n", "command", p->commands[i].words,
               p->commands[i].arguments != NULL ? " " : "",
               p->commands[i].arguments != NULL ? p->commands[i].arguments : "",
               or_none(p->commands[i].help));
    printf("%-10s %s\n", "sha256", r->file.hash);
}

static json_t *json_needs(const struct xmb_need *list, size_t count)
{
    json_t *array = json_array();
    size_t i;

    for (i = 0; i < count; i++)
        json_array_append_new(
            array, json_pack("{s:s, s:I, s:b}", "name", list[i].name, "revision",
                             (json_int_t)(list[i].revision & ~XMB_NEED_OPTIONAL), "optional",
                             (int)((list[i].revision & XMB_NEED_OPTIONAL) != 0)));
    return array;
}

static json_t *json_metrics(const struct xmb_plugin *p)
{
    json_t *array = json_array();
    size_t i;

    for (i = 0; i < p->metrics_count; i++)
        json_array_append_new(
            array, json_pack("{s:s, s:s, s:s?, s:s?}", "name", p->metrics[i].name, "type",
                             p->metrics[i].type == XMB_GAUGE ? "gauge" : "counter", "unit",
                             p->metrics[i].unit, "help", p->metrics[i].help));
    return array;
}

static json_t *json_commands(const struct xmb_plugin *p)
{
    json_t *array = json_array();
    size_t i;

    for (i = 0; i < p->commands_count; i++)
        json_array_append_new(array, json_pack("{s:s, s:s?, s:s?, s:b}", "words",
                                               p->commands[i].words, "arguments",
                                               p->commands[i].arguments, "help",
                                               p->commands[i].help, "changes",
                                               p->commands[i].flags & XMB_COMMAND_CHANGES));
    return array;
}

static json_t *json_roles(const struct xmb_module *m)
{
    json_t *array = json_array();

    if (m->protocol.size != 0)
        json_array_append_new(array, json_string("protocol"));
    if (m->routing.size != 0)
        json_array_append_new(array, json_string("routing"));
    if (m->policy.size != 0)
        json_array_append_new(array, json_string("policy"));
    if (m->datagram.size != 0)
        json_array_append_new(array, json_string("datagram"));
    return array;
}

static void print_json(const struct report *r, int rc)
{
    const struct xmb_plugin *p = &r->module.plugin;
    json_t *answer = rc < 0
        ? json_pack("{s:b, s:s}", "ok", 0, "error", r->why.text)
        : json_pack("{s:b, s:s, s:s, s:s, s:s?, s:s?, s:i, s:i, s:i, s:I, s:s, s:o, s:o, s:o, s:o, "
                    "s:o}",
                    "ok", 1, "name", p->name, "version", p->version, "summary", p->summary,
                    "license", p->license, "origin", p->origin, "abi_major", p->abi_major,
                    "abi_minor", p->abi_minor, "abi_need", p->abi_need, "schema_bytes",
                    (json_int_t)p->schema_bytes, "sha256", r->file.hash, "roles",
                    json_roles(&r->module), "requires",
                    json_needs(p->requires_list, p->requires_list_count), "provides",
                    json_needs(p->provides, p->provides_count), "metrics", json_metrics(p),
                    "commands", json_commands(p));

    if (answer != NULL) {
        json_dumpf(answer, stdout, JSON_INDENT(2));
        putchar('\n');
    }
    json_decref(answer);
}

int main(int argc, char **argv)
{
    static const struct option options[] = {{"json", no_argument, NULL, 'j'},
                                            {"help", no_argument, NULL, 'h'},
                                            {NULL, 0, NULL, 0}};
    static struct report r;
    int json = 0;
    int option;
    int rc;

    while ((option = getopt_long(argc, argv, "jh", options, NULL)) != -1) {
        if (option == 'h') {
            fputs(usage, stdout);
            return EXIT_SUCCESS;
        }
        if (option != 'j') {
            fputs(usage, stderr);
            return 2;
        }
        json = 1;
    }
    if (optind + 1 != argc) {
        fputs(usage, stderr);
        return 2;
    }
    crash_init();
    xmlInitParser();
    rc = check(argv[optind], &r);
    if (json)
        print_json(&r, rc);
    else if (rc == 0)
        print_text(&r);
    else
        fprintf(stderr, "%s: %s\n", argv[optind], r.why.text);
    plugin_check_free(&r.module);
    return rc == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
