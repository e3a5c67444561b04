/* SPDX-License-Identifier: MIT */
/*
 * writer_dialback.c - the elements of Server Dialback (XEP-0220): keys, verdicts and errors.
 *
 * The prefix is `db`, which the header declares: some peers know dialback by that name only.
 */
#include "errors.h"

static void open_tag(struct s2_text *t, const char *name, const struct s2_db_names *n)
{
    s2_text_add(t, "<");
    s2_text_add(t, name);
    s2_text_attribute(t, "from", n->from);
    s2_text_attribute(t, "to", n->to);
    s2_text_attribute(t, "id", n->id);
}

static void close_tag(struct s2_text *t, const char *name)
{
    s2_text_add(t, "</");
    s2_text_add(t, name);
    s2_text_add(t, ">");
}

static void write_key(struct s2_text *t, const char *name, const struct s2_db_names *n,
                      struct xmb_str key)
{
    open_tag(t, name, n);
    s2_text_add(t, ">");
    s2_text_escaped(t, key);
    close_tag(t, name);
}

static void write_verdict(struct s2_text *t, const char *name, const struct s2_db_names *n,
                          int valid)
{
    open_tag(t, name, n);
    s2_text_add(t, valid ? " type='valid'/>" : " type='invalid'/>");
}

static void write_error(struct s2_text *t, const char *name, const struct s2_db_names *n,
                        enum s2_condition c, const char *text_or_null)
{
    open_tag(t, name, n);
    s2_text_add(t, " type='error'>");
    s2_write_error(t, c, xmb_str(NULL), text_or_null);
    close_tag(t, name);
}

/* A db:result has no id of its own. */
static struct s2_db_names without_id(const struct s2_db_names *n)
{
    struct s2_db_names r = *n;

    r.id = xmb_str(NULL);
    return r;
}

void s2_write_db_result_key(struct s2_text *t, const struct s2_db_names *n, struct xmb_str key)
{
    struct s2_db_names r = without_id(n);

    write_key(t, "db:result", &r, key);
}

void s2_write_db_verify_key(struct s2_text *t, const struct s2_db_names *n, struct xmb_str key)
{
    write_key(t, "db:verify", n, key);
}

void s2_write_db_result(struct s2_text *t, const struct s2_db_names *n, int valid)
{
    struct s2_db_names r = without_id(n);

    write_verdict(t, "db:result", &r, valid);
}

void s2_write_db_verify(struct s2_text *t, const struct s2_db_names *n, int valid)
{
    write_verdict(t, "db:verify", n, valid);
}

void s2_write_db_result_error(struct s2_text *t, const struct s2_db_names *n, enum s2_condition c,
                              const char *text_or_null)
{
    struct s2_db_names r = without_id(n);

    write_error(t, "db:result", &r, c, text_or_null);
}

void s2_write_db_verify_error(struct s2_text *t, const struct s2_db_names *n, enum s2_condition c,
                              const char *text_or_null)
{
    write_error(t, "db:verify", n, c, text_or_null);
}
