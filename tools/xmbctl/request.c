/* SPDX-License-Identifier: MIT */
/*
 * request.c - one request to the broker and its reply, over the control socket.
 */
#include "xmbctl.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

static int open_socket(const char *path)
{
    struct sockaddr_un sa = {.sun_family = AF_UNIX};
    int fd;

    if (strlen(path) >= sizeof sa.sun_path) {
        fprintf(stderr, "xmbctl: socket path %s is too long\n", path);
        return -1;
    }
    strcpy(sa.sun_path, path);
    fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0 || connect(fd, (struct sockaddr *)&sa, sizeof sa) < 0) {
        fprintf(stderr, "xmbctl: no broker answers at %s: %s%s\n", path, strerror(errno),
                errno == EACCES ? "; are you in the group of <control group=>?" : "");
        if (fd >= 0)
            close(fd);
        return -1;
    }
    return fd;
}

json_t *request_send(const char *socket_path, json_t *request)
{
    int fd = open_socket(socket_path);
    FILE *stream = fd >= 0 ? fdopen(fd, "r+") : NULL;
    json_error_t error;
    json_t *reply = NULL;

    if (stream == NULL)
        return NULL;
    if (json_dumpf(request, stream, JSON_COMPACT) == 0 && fputc('\n', stream) != EOF &&
        fflush(stream) == 0)
        reply = json_loadf(stream, JSON_DISABLE_EOF_CHECK, &error);
    if (reply == NULL)
        fprintf(stderr, "xmbctl: the broker at %s closed the connection without an answer\n",
                socket_path);
    fclose(stream);
    return reply;
}
