/* SPDX-License-Identifier: MIT */
/*
 * main_args.c - xmbd [-c FILE] [-t] [-p DIR]... [-V] [-h]. Everything else is in the file.
 */
#include "config.h"

#include "main_args.h"

#include <getopt.h>
#include <stdio.h>
#include <string.h>
#include <xmb/abi.h>

static const char usage[] =
    "usage: xmbd [-c FILE] [-t] [-p DIR]... [-V] [-h]\n"
    "  -c, --config FILE   the configuration; default " XMB_CONFIG_DIR "/xmbd.xml\n"
    "  -t, --test          check the configuration and exit: 0 and no word, or 1 and FILE:LINE: "
    "message\n"
    "  -p, --plugins DIR   look for plugins there, and not where the configuration says; may be\n"
    "                      given more than once\n"
    "  -V, --version       print the version\n"
    "  -h, --help          print this\n"
    "It stays in the foreground. SIGTERM ends it, SIGHUP reloads the configuration.\n";

static int wrong(const char *text)
{
    fprintf(stderr, "xmbd: %s\n%s", text, usage);
    return -1;
}

int main_args_parse(int argc, char **argv, struct main_args *args)
{
    static const struct option options[] = {{"config", required_argument, NULL, 'c'},
                                            {"test", no_argument, NULL, 't'},
                                            {"plugins", required_argument, NULL, 'p'},
                                            {"version", no_argument, NULL, 'V'},
                                            {"help", no_argument, NULL, 'h'},
                                            {NULL, 0, NULL, 0}};
    int option;

    memset(args, 0, sizeof *args);
    args->config = XMB_CONFIG_DIR "/xmbd.xml";
    while ((option = getopt_long(argc, argv, "c:tp:Vh", options, NULL)) != -1) {
        if (option == 'c') {
            args->config = optarg;
        } else if (option == 't') {
            args->test = 1;
        } else if (option == 'p') {
            if (args->folder_count == MAIN_FOLDERS_MAX)
                return wrong("too many -p");
            args->folders[args->folder_count++] = optarg;
        } else if (option == 'V') {
            printf("xmbd %s, plugin ABI %d.%d\n", PACKAGE_VERSION, XMB_ABI_MAJOR, XMB_ABI_MINOR);
            return 1;
        } else if (option == 'h') {
            fputs(usage, stdout);
            return 1;
        } else {
            fputs(usage, stderr);
            return -1;
        }
    }
    return optind < argc ? wrong("there are no arguments beside options") : 0;
}
