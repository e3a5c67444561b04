/* SPDX-License-Identifier: MIT */
/*
 * key_chain.c - which key of a chain is used: to sign the lowest-numbered one whose sending
 * lifetime holds, to verify any whose accepting lifetime holds. Lifetimes overlap while keys are
 * exchanged, so both ends need not change at the same moment.
 *
 * The clock is the caller's. The digests are in tlv_auth.c.
 */
#include "wire_priv.h"

/* Tries the keys that may be accepted; `*any` becomes 1 when there was one at all. */
static const struct se_key *match(const struct se_packet *packet, const struct se_auth *auth,
                                  const struct se_auth_policy *policy,
                                  const struct xmb_addr *source, int64_t now_s, int *any)
{
    const struct se_key *key;
    size_t i;

    for (i = 0; i < policy->key_count; i++) {
        key = &policy->keys[i];
        if (now_s < key->accept_from_s || now_s >= key->accept_until_s)
            continue;
        if (auth->mode == SE_AUTH_MD5 && auth->key_id != key->id)
            continue;
        *any = 1;
        if (se_auth_verify(packet, auth, key, source) == 0)
            return key;
    }
    return NULL;
}

int se_auth_check(const struct se_packet *packet, const struct se_auth_policy *policy,
                  const struct xmb_addr *source, int64_t now_s, const struct se_key **matched,
                  enum se_reason *reason)
{
    const struct se_key *key = NULL;
    struct se_auth auth;
    int any = 0;
    int rc = se_auth_read(packet, &auth, reason);

    if (rc < 0)
        return rc;
    if (rc == 0 && policy->mode != SE_AUTH_NONE)
        return se__fault(reason, SE_DROP_AUTH_MISSING, XMB_EDENIED);
    if (rc == 1 && policy->mode == SE_AUTH_NONE)
        return se__fault(reason, SE_DROP_AUTH_UNEXPECTED, XMB_EDENIED);
    if (rc == 1) {
        if (auth.mode != policy->mode)
            return se__fault(reason, SE_DROP_AUTH_TYPE, XMB_EDENIED);
        key = match(packet, &auth, policy, source, now_s, &any);
        if (key == NULL)
            return se__fault(reason, any ? SE_DROP_AUTH_DIGEST : SE_DROP_AUTH_KEY, XMB_EDENIED);
    }
    if (matched != NULL)
        *matched = key;
    return 0;
}

int se_auth_signer(const struct se_auth_policy *policy, int64_t now_s, struct se_signer *out)
{
    const struct se_key *best = NULL;
    const struct se_key *key;
    size_t i;

    for (i = 0; policy->mode != SE_AUTH_NONE && i < policy->key_count; i++) {
        key = &policy->keys[i];
        if (now_s >= key->send_from_s && now_s < key->send_until_s &&
            (best == NULL || key->id < best->id))
            best = key;
    }
    if (best == NULL && policy->mode != SE_AUTH_NONE)
        return XMB_ENOENT;
    out->mode = policy->mode;
    out->key = best;
    return 0;
}
