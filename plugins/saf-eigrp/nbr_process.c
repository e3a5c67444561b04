/* SPDX-License-Identifier: MIT */
/*
 * nbr_process.c - the process comes, changes and goes.
 *
 * The tables that are indexed by number are made at once, so that a number is an index for ever;
 * what they point to is made when it is there.
 */
#include "nbr_priv.h"

static int is_valid(const struct se_nbr_conf *conf)
{
    unsigned i;

    for (i = 0; i < 6; i++)
        if (conf->k.k[i] > SE_K_MAX)
            return 0;
    return conf->as_number > 0 && (conf->family == 4 || conf->family == 6) &&
           conf->neighbours_max > 0 && conf->neighbours_max <= SE_NBR_NEIGHBOURS_MAX &&
           conf->hold_max_s > 0 && conf->hold_max_s <= 65535 && conf->messages_max > 0 &&
           conf->purge_ms > 0;
}

int se_nbr_new(const struct se_nbr_conf *conf, const struct se_nbr_ops *ops, void *arg,
               struct se_nbrs **out)
{
    struct se_nbrs *n;

    if (!is_valid(conf))
        return XMB_EINVAL;
    n = calloc(1, sizeof(*n));
    if (n == NULL)
        return XMB_ENOMEM;
    n->conf = *conf;
    n->ops = ops;
    n->arg = arg;
    n->random = conf->seed | 1;
    n->slots = calloc(SE_NBR_NEIGHBOURS_MAX, sizeof(struct nbr *));
    n->ifaces = calloc(SE_NBR_IFACES_MAX, sizeof(struct nbr_iface *));
    n->buckets = calloc(BUCKETS, sizeof(struct nbr *));
    if (n->slots == NULL || n->ifaces == NULL || n->buckets == NULL ||
        se_rtp_new(conf->as_number, conf->first_sequence, conf->messages_max, &n->timers,
                   &se_nbr__rtp_ops, n, &n->rtp) != 0) {
        se_nbr_free(n);
        return XMB_ENOMEM;
    }
    *out = n;
    return 0;
}

void se_nbr_free(struct se_nbrs *n)
{
    uint32_t i;

    if (n == NULL)
        return;
    for (i = 0; i < n->iface_end; i++)
        if (n->ifaces[i] != NULL)
            se_nbr__iface_free(n, n->ifaces[i]);
    se_rtp_free(n->rtp);
    se_timers_free(&n->timers);
    free(n->slots);
    free(n->ifaces);
    free(n->buckets);
    free(n);
}

/* What neighbours know of us would be wrong. */
static int is_other(const struct se_nbr_conf *a, const struct se_nbr_conf *b)
{
    return !se_kvalues_equal(&a->k, &b->k) || a->stub_flags != b->stub_flags ||
           a->as_number != b->as_number;
}

int se_nbr_configure(struct se_nbrs *n, const struct se_nbr_conf *conf, struct se_now now)
{
    int is_reset = is_other(&n->conf, conf);
    struct se_nbr_conf was = n->conf;
    uint32_t i;

    if (!is_valid(conf) || conf->family != was.family)
        return XMB_EINVAL;
    se_nbr__enter(n, now);
    for (i = 0; i < SE_NBR_NEIGHBOURS_MAX; i++)
        if (n->slots[i] != NULL && (is_reset || i >= conf->neighbours_max))
            se_nbr__doom(n, n->slots[i], SE_NBR_CONFIG);
    se_nbr__settle(n);
    n->conf = *conf;
    n->conf.seed = was.seed;
    n->conf.first_sequence = was.first_sequence;
    n->conf.messages_max = was.messages_max;
    se_rtp_set_as(n->rtp, conf->as_number);
    for (i = 0; i < n->iface_end && is_reset; i++)
        if (n->ifaces[i] != NULL && n->ifaces[i]->goodbyes_left == 0)
            se_nbr__hello_all(n, n->ifaces[i]);
    se_nbr__settle(n);
    return 0;
}
