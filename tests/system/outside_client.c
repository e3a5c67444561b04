/* SPDX-License-Identifier: MIT */
/*
 * outside_client.c - a program of somebody else's on libxmcp: one session, one poll(2) loop.
 *
 * It has nothing of the project but the installed xmcp.h and libxmcp.so. It subscribes to its
 * service, publishes it, changes it and takes it back, each step when the one before was seen, and
 * ends with status 0 when it was told all that: two notifies and the withdrawal.
 *
 *     outside_client PORT USER PASSWORD
 */
#include <arpa/inet.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>
#include <xmcp.h>

struct seen {
    struct xmcp_service service;
    unsigned notifies;
    unsigned withdrawals;
    int closed;
    int failed;
};

static void must(struct seen *seen, int rc)
{
    if (rc == 0)
        return;
    fprintf(stderr, "outside_client: %s\n", xmcp_strerror(rc));
    seen->failed = 1;
}

/* What was sent is what comes back; the second time it is the change. */
static void on_notify(struct seen *seen, struct xmcp_client *client, const struct xmcp_event *e)
{
    const struct xmcp_service *s = &seen->service;

    if (!xmcp_identity_equal(&e->identity, &s->identity) || e->service_version != s->version ||
        e->service_protocol != s->ip_protocol || !e->have_transport ||
        e->transport.family != XMCP_FAMILY_IPV6 || e->transport.port != 5060 ||
        memcmp(e->transport.address, s->transport.address, 16) != 0 ||
        e->data.bytes != s->data.bytes || memcmp(e->data.data, s->data.data, e->data.bytes) != 0)
        must(seen, XMCP_EBADMSG);
    if (++seen->notifies == 1) {
        seen->service.version++;
        seen->service.data.bytes = 3;
        must(seen, xmcp_client_publish(client, &seen->service, NULL));
    } else {
        must(seen, xmcp_client_unpublish(client, &s->identity, NULL));
    }
}

static void on_event(void *user_data, struct xmcp_client *client, const struct xmcp_event *e)
{
    struct seen *seen = user_data;

    printf("event %d: %s\n", (int)e->type, e->reason != NULL ? e->reason : "fine");
    if (e->type == XMCP_EVENT_REGISTERED) {
        must(seen, xmcp_client_subscribe(client, &seen->service.identity, NULL));
    } else if (e->type == XMCP_EVENT_SUBSCRIBED) {
        must(seen, xmcp_client_publish(client, &seen->service, NULL));
    } else if (e->type == XMCP_EVENT_NOTIFY) {
        on_notify(seen, client, e);
    } else if (e->type == XMCP_EVENT_WITHDRAW) {
        seen->withdrawals += e->removed_reason == XMCP_REMOVED_SOURCE;
        must(seen, xmcp_client_unregister(client, NULL));
    } else if (e->type == XMCP_EVENT_ERROR || e->type == XMCP_EVENT_CLOSED) {
        seen->closed = e->type == XMCP_EVENT_CLOSED;
        must(seen, e->result);
    }
}

static uint64_t now_ms(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

static int connected(const char *port)
{
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons((uint16_t)atoi(port))};
    int fd = socket(AF_INET, SOCK_STREAM, 0);

    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (fd >= 0 && connect(fd, (const struct sockaddr *)&to, sizeof(to)) == 0)
        return fd;
    perror("outside_client");
    exit(EXIT_FAILURE);
}

/* All that is to be written, then a wait for octets or for the client's own time. */
static void turn(struct xmcp_client *client, int fd)
{
    uint64_t until_ms = xmcp_client_tick(client, now_ms());
    struct pollfd p = {.fd = fd, .events = POLLIN};
    uint8_t buffer[4096];
    const uint8_t *data;
    uint64_t left_ms;
    size_t bytes;
    ssize_t n;

    while (xmcp_client_output(client, &data, &bytes)) {
        n = send(fd, data, bytes, MSG_NOSIGNAL);
        if (n <= 0) {
            xmcp_client_lost(client);
            return;
        }
        xmcp_client_sent(client, (size_t)n);
    }
    left_ms = until_ms > now_ms() ? until_ms - now_ms() : 0;
    if (poll(&p, 1, left_ms < 1000 ? (int)left_ms : 1000) <= 0)
        return;
    n = read(fd, buffer, sizeof(buffer));
    if (n <= 0)
        xmcp_client_lost(client);
    else
        (void)xmcp_client_input(client, buffer, (size_t)n);
}

int main(int argc, char **argv)
{
    struct xmcp_client_options options = XMCP_CLIENT_OPTIONS_INIT;
    struct seen seen = {.service = {.ip_protocol = 17, .version = 1}};
    struct xmcp_client *client = NULL;
    int fd;

    if (argc != 4)
        return 2;
    options.user = argv[2];
    options.password = argv[3];
    options.on_event = on_event;
    options.user_data = &seen;
    seen.service.data.data = (const uint8_t *)"from outside";
    seen.service.data.bytes = 12;
    must(&seen, xmcp_identity_parse("101:1:1.2.3.4", &seen.service.identity, NULL));
    must(&seen, xmcp_transport_parse("2001:db8::1", 5060, &seen.service.transport));
    must(&seen, xmcp_client_new(&options, &client));
    if (seen.failed)
        return EXIT_FAILURE;
    fd = connected(argv[1]);
    must(&seen, xmcp_client_register(client, NULL));
    while (!seen.closed && !seen.failed)
        turn(client, fd);
    xmcp_client_free(client);
    close(fd);
    printf("%u notifies, %u withdrawals\n", seen.notifies, seen.withdrawals);
    return seen.failed || seen.notifies != 2 || seen.withdrawals != 1;
}
