/* SPDX-License-Identifier: MIT */
/*
 * main_args.h - the command line of xmbd.
 */
#ifndef BROKER_MAIN_ARGS_H
#define BROKER_MAIN_ARGS_H

#include <stddef.h>

#define MAIN_FOLDERS_MAX 16

struct main_args {
    const char *config;
    int test; /* -t */
    const char *folders[MAIN_FOLDERS_MAX]; /* -p, in order */
    size_t folder_count;
};

/* 0: go on; 1: all was said (-h, -V), exit 0; -1: wrong usage was said, exit 2. */
int main_args_parse(int argc, char **argv, struct main_args *args);

#endif
