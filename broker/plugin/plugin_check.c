/* SPDX-License-Identifier: MIT */
/*
 * plugin_check.c - is this descriptor one that we can work with?
 *
 * A descriptor is data, and is read as data before any code of the plugin runs. What is there is
 * copied into zeroed structures of our own, at most as many octets as both sides know: an older
 * plugin's missing members read as NULL, a newer one's extra members are not touched. The order of
 * the checks is that of trust: magic before version, version before size, size before content.
 */
#include "log/log.h"
#include "plugin/plugin_priv.h"

#include <stdlib.h>
#include <string.h>

#define LIST_MAX 1024                 /* elements in a declared array */
#define FIRST_FROZEN 12               /* octets of a descriptor that never change */
#define COPIES(dst, src) copy_sized(&(dst), sizeof(dst), (src))

/* Copies a size-stamped structure, min(its size, ours). 0 when it is too short to have a stamp. */
static int copy_sized(void *to, size_t room, const void *from)
{
    uint32_t size;

    memset(to, 0, room);
    memcpy(&size, from, sizeof size);
    if (size < sizeof size)
        return 0;
    memcpy(to, from, size < room ? size : room);
    return 1;
}

/*
 * The lowest minor whose plugins still work. Raised whenever a minor breaks what was, which only
 * happens while the major is 0 (sdk/CHANGES says so then); never again from 1.0 on.
 */
#define ABI_OLDEST_MINOR 1

static int check_version(const struct xmb_plugin *d, struct plugin_why *why)
{
    if (d->magic != XMB_PLUGIN_MAGIC)
        return plugin_why(why, XMB_EINVAL, "its descriptor does not begin with the plugin magic");
    if (d->abi_major != XMB_ABI_MAJOR)
        return plugin_why(why, XMB_EVERSION,
                          "it was built for plugin ABI %u.%u and this broker has %u.%u; get a "
                          "build of the plugin for this broker",
                          d->abi_major, d->abi_minor, XMB_ABI_MAJOR, XMB_ABI_MINOR);
    if (d->abi_minor < ABI_OLDEST_MINOR)
        return plugin_why(why, XMB_EVERSION,
                          "it was built for plugin ABI %u.%u, and %u.%u changed what that "
                          "promised; build the plugin again",
                          d->abi_major, d->abi_minor, XMB_ABI_MAJOR, ABI_OLDEST_MINOR);
    if (d->size < offsetof(struct xmb_plugin, abi_need) + sizeof d->abi_need ||
        d->size < FIRST_FROZEN)
        return plugin_why(why, XMB_EINVAL, "its descriptor says it is %u octets long: too short",
                          d->size);
    if (d->abi_need > XMB_ABI_MINOR)
        return plugin_why(why, XMB_EVERSION,
                          "it needs plugin ABI %u.%u or later and this broker has %u.%u; "
                          "update the broker",
                          XMB_ABI_MAJOR, d->abi_need, XMB_ABI_MAJOR, XMB_ABI_MINOR);
    return 0;
}

/* Everything up to `ops` has been there since 0.1: a shorter descriptor is damaged. */
static int copy_descriptor(const struct xmb_plugin *d, const char *name, struct xmb_module *m,
                           struct plugin_why *why)
{
    if (d->size < offsetof(struct xmb_plugin, ops) + sizeof d->ops)
        return plugin_why(why, XMB_EINVAL, "its descriptor says it is %u octets long: too short",
                          d->size);
    memcpy(&m->plugin, d, d->size < sizeof m->plugin ? d->size : sizeof m->plugin);
    if (m->plugin.name == NULL || strcmp(m->plugin.name, name) != 0)
        return plugin_why(why, XMB_EINVAL, "it calls itself '%s'; its file must have that name",
                          m->plugin.name != NULL ? m->plugin.name : "");
    if (m->plugin.version == NULL)
        m->plugin.version = "?";
    if (m->plugin.summary == NULL)
        m->plugin.summary = "";
    if (m->plugin.schema == NULL && m->plugin.schema_bytes != 0)
        return plugin_why(why, XMB_EINVAL, "it declares a schema of %zu octets that is not there",
                          m->plugin.schema_bytes);
    return 0;
}

static int check_ops(const struct xmb_plugin *d, struct xmb_module *m, struct plugin_why *why)
{
    if (m->plugin.ops == NULL)
        return plugin_why(why, XMB_EINVAL, "it has no ops");
    if (!COPIES(m->ops, d->ops) || m->ops.init == NULL)
        return plugin_why(why, XMB_EINVAL, "its ops have no init");
    return 0;
}

static int check_protocol(struct xmb_module *m, struct plugin_why *why)
{
    static const char *const names[] = {"open", "data", "closed"};
    const void *members[3];
    int i;

    if (m->plugin.protocol == NULL)
        return 0;
    if (!COPIES(m->protocol, m->plugin.protocol))
        return plugin_why(why, XMB_EINVAL, "its protocol has no size");
    members[0] = m->protocol.open != NULL ? m : NULL;
    members[1] = m->protocol.data != NULL ? m : NULL;
    members[2] = m->protocol.closed != NULL ? m : NULL;
    for (i = 0; i < 3; i++)
        if (members[i] == NULL)
            return plugin_why(why, XMB_EINVAL, "its protocol has no %s", names[i]);
    return 0;
}

static int check_policy(struct xmb_module *m, struct plugin_why *why)
{
    if (m->plugin.policy == NULL)
        return 0;
    if (!COPIES(m->policy, m->plugin.policy) || m->policy.check == NULL)
        return plugin_why(why, XMB_EINVAL, "its policy has no check");
    if (m->policy.points == 0)
        return plugin_why(why, XMB_EINVAL, "its policy declares no points, so is never asked");
    return 0;
}

static int check_routing(struct xmb_module *m, struct plugin_why *why)
{
    if (m->plugin.routing == NULL)
        return 0;
    if (!COPIES(m->routing, m->plugin.routing))
        return plugin_why(why, XMB_EINVAL, "its routing has no size");
    return 0;
}

static int check_datagram(struct xmb_module *m, struct plugin_why *why)
{
    if (m->plugin.datagram == NULL)
        return 0;
    if (!COPIES(m->datagram, m->plugin.datagram) || m->datagram.received == NULL)
        return plugin_why(why, XMB_EINVAL, "its datagram has no received");
    return 0;
}

/*
 * Copies a declared array, whose stride is its first element's size, into one of ours with
 * elements of `element` octets. `*list` is replaced.
 */
static int copy_list(const void **list, size_t *count, size_t element, const char *what,
                     struct plugin_why *why)
{
    const char *from = *list;
    uint32_t stride;
    char *copy;
    size_t i;

    if (*count == 0) {
        *list = NULL;
        return 0;
    }
    if (from == NULL || *count > LIST_MAX)
        return plugin_why(why, XMB_EINVAL, "its list of %s says %zu and is not usable", what,
                          *count);
    memcpy(&stride, from, sizeof stride);
    if (stride < sizeof stride || stride % sizeof(void *) != 0 || stride > 4096)
        return plugin_why(why, XMB_EINVAL, "an element of its %s says it is %u octets long", what,
                          stride);
    copy = calloc(*count, element);
    if (copy == NULL)
        return plugin_why(why, XMB_ENOMEM, "out of memory");
    for (i = 0; i < *count; i++) {
        uint32_t size = (uint32_t)element; /* whoever walks by stride walks our copy */

        memcpy(copy + i * element, from + i * stride, stride < element ? stride : element);
        memcpy(copy + i * element, &size, sizeof size);
    }
    *list = copy;
    return 0;
}

#define COPY_LIST(m, member, what, why)                                                            \
    copy_list((const void **)&(m)->plugin.member, &(m)->plugin.member##_count,                     \
              sizeof *(m)->plugin.member, what, why)

static int is_metric_name(const char *name)
{
    return name != NULL && name[0] >= 'a' && name[0] <= 'z' &&
           name[strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789_")] == '\0';
}

static int check_metrics(const struct xmb_plugin *p, struct plugin_why *why)
{
    size_t i;
    size_t k;

    for (i = 0; i < p->metrics_count; i++) {
        const struct xmb_metric *metric = &p->metrics[i];

        if (!is_metric_name(metric->name) ||
            (metric->type != XMB_COUNTER && metric->type != XMB_GAUGE))
            return plugin_why(why, XMB_EINVAL, "its metric number %zu has no usable name or type",
                              i);
        for (k = 0; k < i; k++)
            if (strcmp(p->metrics[k].name, metric->name) == 0)
                return plugin_why(why, XMB_EINVAL, "it declares the metric '%s' twice",
                                  metric->name);
    }
    return 0;
}

static int check_commands(const struct xmb_plugin *p, struct plugin_why *why)
{
    size_t i;

    for (i = 0; i < p->commands_count; i++) {
        const struct xmb_command *command = &p->commands[i];

        if (command->words == NULL || command->words[0] == '\0')
            return plugin_why(why, XMB_EINVAL, "its command number %zu has no words", i);
        if (command->run == NULL || command->scope < XMB_SCOPE_CONTROL ||
            command->scope > XMB_SCOPE_ROUTING)
            return plugin_why(why, XMB_EINVAL, "its command '%s' has no run or no scope",
                              command->words);
    }
    return 0;
}

static int check_needs(const struct xmb_need *list, size_t count, const char *what,
                       struct plugin_why *why)
{
    size_t i;

    for (i = 0; i < count; i++)
        if (list[i].name == NULL || list[i].name[0] == '\0')
            return plugin_why(why, XMB_EINVAL, "number %zu of what it %s has no name", i, what);
    return 0;
}

static int copy_lists(struct xmb_module *m, struct plugin_why *why)
{
    struct xmb_plugin *p = &m->plugin;
    int rc = COPY_LIST(m, requires_list, "requirements", why);

    /* From here on a pointer is ours or NULL, whatever fails. */
    if (rc < 0)
        p->requires_list = NULL;
    if (rc < 0 || (rc = COPY_LIST(m, provides, "interfaces", why)) < 0)
        p->provides = NULL;
    if (rc < 0 || (rc = COPY_LIST(m, metrics, "metrics", why)) < 0)
        p->metrics = NULL;
    if (rc < 0 || (rc = COPY_LIST(m, commands, "commands", why)) < 0)
        p->commands = NULL;
    if (rc == 0)
        rc = check_needs(p->requires_list, p->requires_list_count, "requires", why);
    if (rc == 0)
        rc = check_needs(p->provides, p->provides_count, "provides", why);
    if (rc == 0)
        rc = check_metrics(p, why);
    if (rc == 0)
        rc = check_commands(p, why);
    if (rc < 0)
        plugin_check_free(m);
    return rc;
}

void plugin_check_free(struct xmb_module *m)
{
    free((void *)(uintptr_t)m->plugin.requires_list);
    free((void *)(uintptr_t)m->plugin.provides);
    free((void *)(uintptr_t)m->plugin.metrics);
    free((void *)(uintptr_t)m->plugin.commands);
    m->plugin.requires_list = NULL;
    m->plugin.provides = NULL;
    m->plugin.metrics = NULL;
    m->plugin.commands = NULL;
}

int plugin_check(const struct xmb_plugin *d, const char *name, struct xmb_module *m,
                 struct plugin_why *why)
{
    int rc = check_version(d, why);

    if (rc == 0)
        rc = copy_descriptor(d, name, m, why);
    if (rc == 0)
        rc = check_ops(d, m, why);
    if (rc == 0)
        rc = check_protocol(m, why);
    if (rc == 0)
        rc = check_policy(m, why);
    if (rc == 0)
        rc = check_routing(m, why);
    if (rc == 0)
        rc = check_datagram(m, why);
    if (rc == 0)
        rc = copy_lists(m, why);
    if (rc < 0)
        return rc;
    m->name = m->plugin.name;
    m->state = MODULE_LOADED;
    m->log_level = log_level_for(m->name);
    return 0;
}
