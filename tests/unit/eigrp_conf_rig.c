/* SPDX-License-Identifier: MIT */
/*
 * eigrp_conf_rig.c - the plugin around se_conf_read, and short ways to ask for what it made.
 */
#include "eigrp_conf_rig.h"

#include <stdio.h>
#include <stdlib.h>

#include "saf-eigrp.rng.h"

static struct xmb_module *module;
static const struct xmb_host *the_host;
static struct xmb_module *the_module;
static const struct se_conf *current;

static int init(const struct xmb_host *host, struct xmb_module *m, void **self)
{
    the_host = host;
    the_module = m;
    *self = &the_module;
    return 0;
}

static int prepare(void *self, const struct xmb_conf *conf, void **next)
{
    struct se_conf *c = NULL;
    int rc = se_conf_read(the_host, the_module, conf, &c);

    (void)self;
    if (rc == 0)
        *next = c;
    return rc;
}

/* By way of a second reference, so that holding is tried each time. */
static void drop(void *self, void *old)
{
    struct se_conf *c = se_conf_hold(old);

    (void)self;
    if (current == c)
        current = NULL;
    se_conf_release(old);
    se_conf_release(c);
}

static void commit(void *self, void *next)
{
    (void)self;
    current = next;
    se_conf_advise(the_host, the_module, current);
}

static const struct xmb_module_ops ops = {
    .size = sizeof(ops),
    .init = init,
    .prepare = prepare,
    .abort = drop,
    .commit = commit,
    .retire = drop,
};

XMB_PLUGIN_NAMED(saf_eigrp, "saf-eigrp",
                 .version = "1.0",
                 .summary = "reads the configuration",
                 .license = "MIT",
                 .origin = "XMB",
                 .schema = saf_eigrp_rng,
                 .schema_bytes = sizeof(saf_eigrp_rng) - 1,
                 .ops = &ops);

int eigrp_conf_begin(void **state)
{
    (void)state;
    xmb_fakehost_open();
    module = xmb_fakehost_load(&saf_eigrp_LTX_xmb_plugin);
    return module != NULL ? 0 : -1;
}

int eigrp_conf_end(void **state)
{
    (void)state;
    xmb_fakehost_close();
    return 0;
}

const struct se_conf *eigrp_conf(const char *inner)
{
    xmb_fakehost_log_clear();
    if (xmb_fakehost_configure(module, inner) != 0)
        fail_msg("refused: %s", xmb_fakehost_faults());
    return current;
}

void eigrp_refused(const char *inner, const char *fault)
{
    assert_int_equal(xmb_fakehost_check(module, inner), XMB_ECONF);
    if (strstr(xmb_fakehost_faults(), fault) == NULL)
        fail_msg("expected \"%s\" in: %s", fault, xmb_fakehost_faults());
}

static char *in_family(const char *inner)
{
    size_t bytes = strlen(inner) + 200;
    char *text = malloc(bytes);

    assert_non_null(text);
    snprintf(text, bytes, "<service-family address-family='ipv4' autonomous-system='1228'>\n%s\n"
                          "</service-family>",
             inner);
    return text;
}

const struct se_family_conf *eigrp_family(const char *inner)
{
    char *text = in_family(inner);
    const struct se_conf *c = eigrp_conf(text);

    free(text);
    assert_int_equal(c->family_count, 1);
    return c->families;
}

void eigrp_family_refused(const char *inner, const char *fault)
{
    char *text = in_family(inner);

    eigrp_refused(text, fault);
    free(text);
}

char *eigrp_source_file(const char *path)
{
    const char *source = getenv("XMB_SRC");
    char name[1024];
    char *text = calloc(1, 65536);
    FILE *f;

    assert_non_null(text);
    snprintf(name, sizeof(name), "%s/%s", source != NULL ? source : ".", path);
    f = fopen(name, "r");
    if (f == NULL)
        fail_msg("cannot open %s (is XMB_SRC the source folder?)", name);
    assert_true(fread(text, 1, 65535, f) > 0);
    fclose(f);
    return text;
}

char *eigrp_module_of(char *text, const char *name)
{
    char *at = text, *end;

    while ((at = strstr(at, "<module ")) != NULL) {
        end = strchr(at, '>');
        assert_non_null(end);
        *end = '\0';
        if (strstr(at, name) != NULL) {
            at = end + 1;
            end = strstr(at, "</module>");
            assert_non_null(end);
            *end = '\0';
            return at;
        }
        at = end + 1;
    }
    fail_msg("no module %s", name);
    return NULL;
}
