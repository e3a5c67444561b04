/* SPDX-License-Identifier: MIT */
/*
 * session.c - one operator on the control socket.
 *
 * Protocol: one JSON object a line in, one a line out, in turn.
 *   in:  {"words": ["show", "version"]}            runs a command
 *        {"help": ["show"]}                        what may follow
 *   out: {"status": 0, "answer": {...}}
 *        {"status": 0, "answer": {...}, "plain": true}    its keys are to be shown as they are
 *        {"status": 1, "error": "...", "answer": {...}}   it failed
 *        {"status": 2, "error": "..."}                    not a command
 *        {"status": 0, "help": [{"word": "...", "help": "..."}]}
 *
 * The socket's file permissions decide who may speak here; that was settled
 * before the first octet. Bounded: 32 operators, 64 KiB a request.
 */
#include "control/control_priv.h"

#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "log/log.h"

#define SESSIONS_MAX 32
#define REQUEST_MAX 65536

struct session {
    uv_pipe_t pipe;
    struct session *next;
    struct session **prev;
    char object[48]; /* "uid 0 pid 123", for the log */
    char *in;
    size_t used;
    int taking; /* session_take_line is at work */
    int busy;   /* a command runs; its answer keeps this alive */
    int writing; /* a reply is on its way: who does not read is not answered further */
    int stopped; /* `in` is full: nothing is read until a line was taken */
    int closed; /* the operator went away meanwhile */
};

struct write_job {
    uv_write_t req;
    char *text;
};

static char newline[] = "\n"; /* libuv may write it after reply_send has returned */
static struct session *sessions;
static size_t session_count;

static void session_take_line(struct session *s);
static void read_room(uv_handle_t *handle, size_t suggested, uv_buf_t *buf);
static void read_done(uv_stream_t *stream, ssize_t n, const uv_buf_t *buf);

static void session_freed(uv_handle_t *handle)
{
    struct session *s = handle->data;

    s->closed = 2;
    if (!s->busy) {
        free(s->in);
        free(s);
    }
}

static void session_close(struct session *s)
{
    if (s->closed)
        return;
    s->closed = 1;
    *s->prev = s->next;
    if (s->next != NULL)
        s->next->prev = s->prev;
    session_count--;
    uv_close((uv_handle_t *)&s->pipe, session_freed);
}

static void written(uv_write_t *req, int status)
{
    struct write_job *job = req->data;
    struct session *s = req->handle->data;

    free(job->text);
    free(job);
    s->writing = 0;
    if (status < 0)
        session_close(s);
    else
        session_take_line(s);
}

/* Sends `reply` as a line; consumes it. */
static void reply_send(struct session *s, json_t *reply)
{
    struct write_job *job = calloc(1, sizeof *job);
    char *text = reply != NULL ? json_dumps(reply, JSON_COMPACT) : NULL;
    uv_buf_t bufs[2];

    json_decref(reply);
    if (job == NULL || text == NULL) {
        free(job);
        free(text);
        session_close(s);
        return;
    }
    job->text = text;
    job->req.data = job;
    s->writing = 1;
    bufs[0] = uv_buf_init(text, (unsigned)strlen(text));
    bufs[1] = uv_buf_init(newline, 1);
    if (uv_write(&job->req, (uv_stream_t *)&s->pipe, bufs, 2, written) < 0) {
        free(text);
        free(job);
        session_close(s);
    }
}

/* The command's answer is there. */
static void answered(void *arg, struct xmb_out *out)
{
    struct session *s = arg;

    s->busy = 0;
    if (s->closed == 2) {
        free(s->in);
        free(s);
        return;
    }
    if (s->closed)
        return; /* session_freed will come */
    if (out->error != NULL)
        reply_send(s, json_pack("{s:i, s:s, s:O}", "status", 1, "error", out->error, "answer",
                                out->stack[0]));
    else if (out->plain_keys)
        reply_send(s, json_pack("{s:i, s:O, s:b}", "status", 0, "answer", out->stack[0], "plain", 1));
    else
        reply_send(s, json_pack("{s:i, s:O}", "status", 0, "answer", out->stack[0]));
    session_take_line(s);
}

/* Gathers an array of texts; how many, or negative. */
static int words_of(json_t *array, const char **words)
{
    size_t i;
    json_t *word;

    if (!json_is_array(array) || json_array_size(array) > WORDS_MAX)
        return XMB_EINVAL;
    json_array_foreach(array, i, word) {
        words[i] = json_string_value(word);
        if (words[i] == NULL)
            return XMB_EINVAL;
    }
    return (int)json_array_size(array);
}

static void refuse(struct session *s, int status, const char *why)
{
    reply_send(s, json_pack("{s:i, s:s}", "status", status, "error", why));
}

static void request_run(struct session *s, const char **words, size_t count)
{
    struct match m;
    int rc = words_match(words, count, &m);

    if (rc < 0) {
        refuse(s, 2, m.error);
    } else {
        if (m.command->decl.flags & XMB_COMMAND_CHANGES)
            LOG(NOTICE, s->object, "operator runs \"%s\" with %u argument(s)",
                m.command->decl.words, m.arg_count);
        s->busy = 1;
        rc = run_command(&m, answered, s);
        if (rc < 0) {
            s->busy = 0;
            refuse(s, 1, "the broker is stopping, or its mailbox is full; try again");
        }
    }
    match_clear(&m);
}

/* Takes over the reference `in`. */
static void request(struct session *s, json_t *in)
{
    const char *words[WORDS_MAX];
    json_t *help = json_object_get(in, "help");
    int count = words_of(help != NULL ? help : json_object_get(in, "words"), words);

    if (count < 0)
        refuse(s, 2, "not a request: {\"words\": [at most 24 texts]} is expected");
    else if (help != NULL)
        reply_send(s, json_pack("{s:i, s:o}", "status", 0, "help",
                                words_help(words, (size_t)count)));
    else
        request_run(s, words, (size_t)count);
    json_decref(in);
}

/*
 * Runs the next whole request that is there, unless one still runs or its reply has not left. A
 * command may be answered before it returns: its line is taken off first, and the loop here goes
 * on, not a second one.
 */
static void session_take_line(struct session *s)
{
    if (s->taking)
        return;
    s->taking = 1;
    while (!s->busy && !s->writing && !s->closed) {
        char *end = memchr(s->in, '\n', s->used);
        json_t *in;
        size_t n;

        if (end == NULL) {
            if (s->used == REQUEST_MAX)
                session_close(s);
            break;
        }
        n = (size_t)(end - s->in);
        in = json_loadb(s->in, n, 0, NULL);
        s->used -= n + 1;
        memmove(s->in, end + 1, s->used);
        request(s, in);
    }
    s->taking = 0;
    if (s->closed || s->stopped == (s->used == REQUEST_MAX))
        return;
    s->stopped = !s->stopped;
    if (s->stopped)
        uv_read_stop((uv_stream_t *)&s->pipe);
    else if (uv_read_start((uv_stream_t *)&s->pipe, read_room, read_done) < 0)
        session_close(s);
}

static void read_room(uv_handle_t *handle, size_t suggested, uv_buf_t *buf)
{
    struct session *s = handle->data;

    (void)suggested;
    *buf = uv_buf_init(s->in + s->used, (unsigned)(REQUEST_MAX - s->used));
}

static void read_done(uv_stream_t *stream, ssize_t n, const uv_buf_t *buf)
{
    struct session *s = stream->data;

    (void)buf;
    if (n < 0) {
        session_close(s);
        return;
    }
    s->used += (size_t)n;
    session_take_line(s);
}

static void name_peer(struct session *s, int fd)
{
    struct ucred peer = {0};
    socklen_t n = sizeof peer;

    getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &n);
    snprintf(s->object, sizeof s->object, "uid %u pid %d", peer.uid, peer.pid);
}

void session_accept(int fd)
{
    struct session *s = session_count < SESSIONS_MAX ? calloc(1, sizeof *s) : NULL;

    if (s != NULL)
        s->in = malloc(REQUEST_MAX);
    if (s == NULL || s->in == NULL || uv_pipe_init(&loop_control()->uv, &s->pipe, 0) < 0) {
        if (s != NULL)
            free(s->in);
        free(s);
        close(fd);
        return;
    }
    s->pipe.data = s;
    s->next = sessions;
    if (s->next != NULL)
        s->next->prev = &s->next;
    s->prev = &sessions;
    sessions = s;
    session_count++;
    name_peer(s, fd);
    if (uv_pipe_open(&s->pipe, fd) < 0) {
        close(fd);
        session_close(s);
    } else if (uv_read_start((uv_stream_t *)&s->pipe, read_room, read_done) < 0) {
        session_close(s);
    }
}

void sessions_close(void)
{
    while (sessions != NULL)
        session_close(sessions);
}
