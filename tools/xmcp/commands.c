/* SPDX-License-Identifier: MIT */
/*
 * commands.c - publish, subscribe and ping as reactions to events. No I/O on the socket here:
 * requests go into the client's output, and main.c moves it.
 */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "commands.h"
#include "connect.h"
#include "report.h"

uint64_t clock_ns(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

uint64_t clock_ms(void)
{
    return clock_ns() / 1000000u;
}

void commands_fail(struct run *run, const char *reason)
{
    if (!run->reported)
        report_error(run->options->json, 0, reason);
    run->reported = 1;
    run->exit_code = EXIT_FAILURE;
}

/* A request that could not even be sent. */
static void check_sent(struct run *run, int rc)
{
    if (rc == 0)
        return;
    commands_fail(run, xmcp_strerror(rc));
    commands_finish(run);
}

static void unregister(struct run *run)
{
    run->phase = PHASE_UNREGISTERING;
    if (xmcp_client_unregister(run->client, NULL) != 0)
        run->phase = PHASE_DONE;
}

void commands_finish(struct run *run)
{
    int published = run->options->command == COMMAND_PUBLISH && run->phase == PHASE_RUNNING;

    if (run->phase >= PHASE_UNPUBLISHING)
        return;
    if (!published) {
        unregister(run);
        return;
    }
    run->phase = PHASE_UNPUBLISHING;
    if (xmcp_client_unpublish(run->client, &run->options->service, NULL) != 0)
        unregister(run);
}

static void publish(struct run *run, uint32_t version)
{
    const struct options *o = run->options;
    struct xmcp_service s = {
        .identity = o->service,
        .ip_protocol = o->ip_protocol,
        .version = version,
        .visible_to_all = o->visible_to_all,
        .data = {o->data, o->data_bytes},
    };
    int rc = XMCP_EINVAL;

    if (o->address != NULL)
        rc = xmcp_transport_parse(o->address, o->port, &s.transport);
    else if (connect_local(run->fd, o->port, &s.transport) == 0)
        rc = 0;
    if (rc == 0)
        rc = xmcp_client_publish(run->client, &s, NULL);
    check_sent(run, rc);
}

static void on_registered(struct run *run, const struct xmcp_event *event)
{
    const struct options *o = run->options;

    report_event(o->json, event);
    if (run->phase != PHASE_REGISTERING)
        return;
    run->phase = PHASE_ASKING;
    run->asked_ns = clock_ns();
    if (o->command == COMMAND_PUBLISH)
        publish(run, o->sequence);
    else if (o->command == COMMAND_SUBSCRIBE)
        check_sent(run, xmcp_client_subscribe(run->client, &o->service, NULL));
    else
        check_sent(run, xmcp_client_keepalive(run->client, NULL));
}

static void on_running(struct run *run, const struct xmcp_event *event)
{
    report_event(run->options->json, event);
    if (run->phase != PHASE_ASKING)
        return;
    run->phase = PHASE_RUNNING;
    if (run->options->for_ms != 0)
        run->end_ms = clock_ms() + run->options->for_ms;
}

static void on_pong(struct run *run)
{
    report_round_trip(run->options->json, (double)(clock_ns() - run->asked_ns) / 1e6);
    commands_finish(run);
}

static void on_service(struct run *run, const struct xmcp_event *event)
{
    if (run->phase > PHASE_RUNNING)
        return;
    report_event(run->options->json, event);
    run->seen++;
    if (run->seen == run->options->count)
        commands_finish(run);
}

/*
 * Somebody with our user name (an earlier run of this command) still holds the service with a
 * higher version: the one after that replaces it.
 */
static int publish_above(struct run *run, const struct xmcp_event *event)
{
    if (event->code != XMCP_CODE_VERSION_TOO_LOW || event->method != XMCP_PUBLISH ||
        run->phase != PHASE_ASKING || run->republished || event->service_version == UINT32_MAX)
        return 0;
    run->republished = 1;
    publish(run, event->service_version + 1);
    return 1;
}

static void on_error(struct run *run, const struct xmcp_event *event)
{
    if (publish_above(run, event))
        return;
    if (!run->reported)
        report_error(run->options->json, event->code, event->reason);
    run->reported = 1;
    run->exit_code = EXIT_FAILURE;
    if (!xmcp_client_registered(run->client))
        return; /* CLOSED follows */
    if (run->phase == PHASE_UNPUBLISHING || run->phase < PHASE_RUNNING)
        unregister(run);
    else
        commands_finish(run);
}

static void on_closed(struct run *run, const struct xmcp_event *event)
{
    if (event->result != 0 && run->phase != PHASE_DONE)
        commands_fail(run, event->reason);
    run->phase = PHASE_DONE;
}

void commands_on_event(void *user_data, struct xmcp_client *client,
                       const struct xmcp_event *event)
{
    struct run *run = user_data;

    (void)client;
    switch (event->type) {
    case XMCP_EVENT_REGISTERED:
        on_registered(run, event);
        break;
    case XMCP_EVENT_PUBLISHED:
    case XMCP_EVENT_SUBSCRIBED:
        on_running(run, event);
        break;
    case XMCP_EVENT_KEPT_ALIVE:
        on_pong(run);
        break;
    case XMCP_EVENT_NOTIFY:
    case XMCP_EVENT_WITHDRAW:
        on_service(run, event);
        break;
    case XMCP_EVENT_UNPUBLISHED:
        unregister(run);
        break;
    case XMCP_EVENT_PUBLISH_REVOKED:
        commands_fail(run, "the server took the service back");
        unregister(run);
        break;
    case XMCP_EVENT_ERROR:
        on_error(run, event);
        break;
    case XMCP_EVENT_CLOSED:
        on_closed(run, event);
        break;
    case XMCP_EVENT_UNREGISTERED:
    case XMCP_EVENT_UNSUBSCRIBED:
    case XMCP_EVENT_REVOKED: /* CLOSED follows and is reported */
        break;
    }
}
