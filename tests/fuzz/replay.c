/* SPDX-License-Identifier: MIT */
/*
 * replay.c - main() of a fuzz target in a build without libFuzzer.
 *
 * Runs LLVMFuzzerTestOneInput over files: those named as arguments or, without arguments, all
 * of $XMB_SRC/tests/fuzz/corpus/NAME and $XMB_SRC/tests/fuzz/regress/NAME, where NAME is the
 * program's. So the corpus is a regression test of every build, also with gcc and TSan. Each
 * input is given in a block of exactly its size, so that a read behind it is seen by ASan.
 *
 * It does not look for new inputs; an input that misbehaves ends the program.
 */
#include <dirent.h>
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

/* Beyond what any target needs; keeps a stray file from filling the memory. */
#define INPUT_MAX_BYTES (16u << 20)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerInitialize(int *argc, char ***argv) __attribute__((weak));

static void run_bytes(FILE *file, size_t size, const char *path)
{
    uint8_t *data = malloc(size > 0 ? size : 1);

    if (data == NULL || fread(data, 1, size, file) != size) {
        fprintf(stderr, "replay: %s: cannot read %zu bytes\n", path, size);
        exit(1);
    }
    LLVMFuzzerTestOneInput(data, size);
    free(data);
}

static void run_file(const char *path)
{
    struct stat st;
    FILE *file = fopen(path, "rb");

    if (file == NULL || fstat(fileno(file), &st) != 0) {
        fprintf(stderr, "replay: %s: %s\n", path, strerror(errno));
        exit(1);
    }
    if (st.st_size > (off_t)INPUT_MAX_BYTES) {
        fprintf(stderr, "replay: %s: larger than %u bytes\n", path, INPUT_MAX_BYTES);
        exit(1);
    }
    run_bytes(file, (size_t)st.st_size, path);
    fclose(file);
}

static unsigned run_folder(const char *source, const char *kind, const char *name)
{
    char folder[4096], path[4096 + 256 + 2];
    unsigned count = 0;
    struct dirent *entry;
    DIR *dir;

    snprintf(folder, sizeof folder, "%s/tests/fuzz/%s/%s", source, kind, name);
    dir = opendir(folder);
    if (dir == NULL)
        return 0;
    while ((entry = readdir(dir)) != NULL) {
        if (entry->d_name[0] == '.')
            continue;
        snprintf(path, sizeof path, "%s/%s", folder, entry->d_name);
        run_file(path);
        count++;
    }
    closedir(dir);
    return count;
}

/* The program's name without folder and without the `lt-` that libtool may put before it. */
static const char *program_name(const char *path)
{
    const char *slash = strrchr(path, '/');
    const char *name = slash != NULL ? slash + 1 : path;

    return strncmp(name, "lt-", 3) == 0 ? name + 3 : name;
}

int main(int argc, char **argv)
{
    const char *source = getenv("XMB_SRC");
    const char *name = program_name(argv[0]);
    unsigned count = 0;

    if (LLVMFuzzerInitialize != NULL)
        LLVMFuzzerInitialize(&argc, &argv);
    for (int i = 1; i < argc; i++, count++)
        run_file(argv[i]);
    if (argc < 2 && source != NULL) {
        count += run_folder(source, "corpus", name);
        count += run_folder(source, "regress", name);
    }
    printf("%s: %u inputs\n", name, count);
    if (count == 0)
        fprintf(stderr, "replay: no inputs: is tests/fuzz/corpus/%s missing?\n", name);
    return count > 0 ? 0 : 1;
}
