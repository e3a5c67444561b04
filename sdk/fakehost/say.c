/* SPDX-License-Identifier: MIT */
/*
 * say.c - what a plugin says: log lines, metrics, answers to commands.
 */
#include "fake_priv.h"

#include <stdio.h>

void fake_fail(const char *format, ...)
{
    va_list args;

    fputs("fakehost: ", stderr);
    va_start(args, format);
    vfprintf(stderr, format, args);
    va_end(args);
    fputc('\n', stderr);
    abort();
}

void *fake_alloc(size_t bytes)
{
    void *p = calloc(1, bytes > 0 ? bytes : 1);

    if (p == NULL)
        fake_fail("out of memory");
    return p;
}

/* --- text ------------------------------------------------------------------------------------ */

void fake_text_add(struct fake_text *t, const void *p, size_t n)
{
    if (t->n + n + 1 > t->cap) {
        t->cap = (t->n + n + 1) * 2;
        t->p = realloc(t->p, t->cap);
        if (t->p == NULL)
            fake_fail("out of memory");
    }
    if (n > 0)
        memcpy(t->p + t->n, p, n);
    t->n += n;
    t->p[t->n] = '\0';
}

void fake_text_vprintf(struct fake_text *t, const char *format, va_list args)
{
    char *line;
    va_list again;
    int n;

    va_copy(again, args);
    n = vsnprintf(NULL, 0, format, again);
    va_end(again);
    if (n < 0)
        fake_fail("a format that cannot be written: %s", format);
    line = fake_alloc((size_t)n + 1);
    vsnprintf(line, (size_t)n + 1, format, args);
    fake_text_add(t, line, (size_t)n);
    free(line);
}

void fake_text_printf(struct fake_text *t, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    fake_text_vprintf(t, format, args);
    va_end(args);
}

const char *fake_text_get(const struct fake_text *t)
{
    return t->p != NULL ? t->p : "";
}

void fake_text_clear(struct fake_text *t)
{
    t->n = 0;
    if (t->p != NULL)
        t->p[0] = '\0';
}

void fake_text_free(struct fake_text *t)
{
    free(t->p);
    memset(t, 0, sizeof(*t));
}

/* --- log ------------------------------------------------------------------------------------- */

static pthread_mutex_t log_lock = PTHREAD_MUTEX_INITIALIZER;

static const char *name_in_log(const struct xmb_module *m)
{
    if (m == NULL)
        return "host";
    if (XMB_HAS(m->plugin, log_name))
        return m->plugin->log_name;
    return m->plugin->name;
}

static XMB_PRINTF(4, 0) void log_line(const struct xmb_module *m, uint32_t level,
                                      const char *object, const char *format, va_list args)
{
    static const char *const names[] = {"?", "error", "warn", "notice", "info", "debug"};

    if (level > fake.log_level)
        return;
    pthread_mutex_lock(&log_lock);
    fake_text_printf(&fake.log, "%s %s %s: ", names[level <= XMB_LOG_DEBUG ? level : 0],
                     name_in_log(m), object != NULL ? object : "-");
    fake_text_vprintf(&fake.log, format, args);
    fake_text_add(&fake.log, "\n", 1);
    pthread_mutex_unlock(&log_lock);
}

static uint32_t log_level_(const struct xmb_module *m)
{
    (void)m;
    return fake.log_level;
}

static XMB_PRINTF(4, 5) void log_write_(const struct xmb_module *m, uint32_t level,
                                        const char *object, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    log_line(m, level, object, format, args);
    va_end(args);
}

/* No limit here: a test wants to see each. */
static XMB_PRINTF(6, 7) void log_limited_(const struct xmb_module *m, uint32_t level,
                                          const char *key, uint32_t per_second,
                                          const char *object, const char *format, ...)
{
    va_list args;

    (void)key;
    (void)per_second;
    va_start(args, format);
    log_line(m, level, object, format, args);
    va_end(args);
}

const struct xmb_log_api fake_log_api = {
    .size = sizeof(fake_log_api),
    .rev = 1,
    .level = log_level_,
    .write = log_write_,
    .limited = log_limited_,
};

const char *xmb_fakehost_log(void)
{
    return fake_text_get(&fake.log);
}

void xmb_fakehost_log_clear(void)
{
    fake_text_clear(&fake.log);
}

void xmb_fakehost_log_level(uint32_t level)
{
    fake.log_level = level;
}

/* --- metrics --------------------------------------------------------------------------------- */

static uint64_t *cells_(struct xmb_worker *w, const struct xmb_module *m)
{
    (void)w;
    return m->cells;
}

static uint64_t *routing_cells_(const struct xmb_module *m)
{
    return m->cells;
}

const struct xmb_metrics_api fake_metrics_api = {
    .size = sizeof(fake_metrics_api),
    .rev = 1,
    .cells = cells_,
    .routing_cells = routing_cells_,
};

uint64_t xmb_fakehost_metric(const struct xmb_module *m, const char *name)
{
    size_t i;

    for (i = 0; i < m->plugin->metrics_count; i++)
        if (strcmp(m->plugin->metrics[i].name, name) == 0)
            return m->cells[i];
    fake_fail("module %s has no metric %s", m->plugin->name, name);
}

/* --- commands -------------------------------------------------------------------------------- */

struct xmb_out {
    int open; /* rows and lists that are open */
    int failed;
    int may_last; /* its scope allows `later` */
    int is_later; /* `finish` is to come */
};
static struct xmb_out current; /* the last command's */

static void out_text(struct xmb_out *out, const char *key, struct xmb_str value)
{
    (void)out;
    fake_text_printf(&fake.answer, "%s=%.*s\n", key, (int)value.n, value.n > 0 ? value.p : "");
}

static void out_number(struct xmb_out *out, const char *key, int64_t value)
{
    (void)out;
    fake_text_printf(&fake.answer, "%s=%lld\n", key, (long long)value);
}

static void out_flag(struct xmb_out *out, const char *key, int32_t value)
{
    (void)out;
    fake_text_printf(&fake.answer, "%s=%s\n", key, value ? "true" : "false");
}

static void out_null(struct xmb_out *out, const char *key)
{
    (void)out;
    fake_text_printf(&fake.answer, "%s=null\n", key);
}

static void out_address(struct xmb_out *out, const char *key, const struct xmb_addr *a)
{
    char text[XMB_ADDR_TEXT_MAX];

    (void)out;
    fake_text_printf(&fake.answer, "%s=%s\n", key,
                     fake_conn_api.addr_text(a, text, sizeof(text)));
}

static void out_list_begin(struct xmb_out *out, const char *key)
{
    out->open++;
    fake_text_printf(&fake.answer, "%s[\n", key);
}

static void out_close(struct xmb_out *out, const char *text)
{
    if (--out->open < 0)
        fake_fail("a command closes a list or a row that it did not open");
    fake_text_printf(&fake.answer, "%s\n", text);
}

static void out_list_end(struct xmb_out *out)
{
    out_close(out, "]");
}

static void out_row_begin(struct xmb_out *out)
{
    out->open++;
    fake_text_printf(&fake.answer, "{\n");
}

static void out_row_end(struct xmb_out *out)
{
    out_close(out, "}");
}

static void out_item(struct xmb_out *out, struct xmb_str value)
{
    (void)out;
    fake_text_printf(&fake.answer, "%.*s\n", (int)value.n, value.n > 0 ? value.p : "");
}

static XMB_PRINTF(2, 3) int out_error(struct xmb_out *out, const char *format, ...)
{
    va_list args;

    out->failed = 1;
    fake_text_printf(&fake.answer, "error: ");
    va_start(args, format);
    fake_text_vprintf(&fake.answer, format, args);
    va_end(args);
    fake_text_add(&fake.answer, "\n", 1);
    return XMB_EINVAL;
}

static int out_later(struct xmb_out *out, uint32_t within_ms)
{
    if (!out->may_last || within_ms > 300000)
        return XMB_EINVAL;
    out->is_later = 1;
    return 0;
}

static void out_finish(struct xmb_out *out)
{
    if (out->open != 0)
        fake_fail("a command is finished with a list or a row open");
    out->is_later = 0;
}

const struct xmb_control_api fake_control_api = {
    .size = sizeof(fake_control_api),
    .rev = 1,
    .text = out_text,
    .number = out_number,
    .sum = out_number,
    .flag = out_flag,
    .null = out_null,
    .address = out_address,
    .list_begin = out_list_begin,
    .list_end = out_list_end,
    .row_begin = out_row_begin,
    .row_end = out_row_end,
    .item = out_item,
    .error = out_error,
    .later = out_later,
    .finish = out_finish,
};

static const struct xmb_command *command_named(const struct xmb_plugin *p, const char *words)
{
    const char *at = (const char *)p->commands;
    size_t i;

    for (i = 0; i < p->commands_count; i++) {
        const struct xmb_command *c =
            (const struct xmb_command *)(const void *)(at + i * p->commands[0].size);

        if (strcmp(c->words, words) == 0)
            return c;
    }
    fake_fail("module %s has no command \"%s\"", p->name, words);
}

int xmb_fakehost_command(struct xmb_module *m, const char *words, const char *const *args,
                         uint32_t arg_count, const char **text)
{
    const struct xmb_command *c = command_named(m->plugin, words);
    struct xmb_call call = {sizeof(call), arg_count, args};
    int each = c->scope == XMB_SCOPE_EACH_WORKER, rc;

    if (current.is_later)
        fake_fail("command \"%s\" is run before the last one was finished", words);
    current = (struct xmb_out){.may_last = each};
    fake_text_clear(&fake.answer);
    rc = c->run(each ? m->wself : m->self, &call, &current);
    if (rc >= 0 && !current.is_later && current.open != 0)
        fake_fail("command \"%s\" left a list or a row open", words);
    if (text != NULL)
        *text = fake_text_get(&fake.answer);
    return rc;
}

void fake_say_end(void)
{
    if (current.is_later)
        fake_fail("a command was not finished when its worker ended");
}

int xmb_fakehost_answer(const char **text)
{
    *text = fake_text_get(&fake.answer);
    return !current.is_later;
}
