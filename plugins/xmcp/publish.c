/* SPDX-License-Identifier: MIT */
/*
 * publish.c - Publish and Unpublish: from the request to the registry, and its answer back.
 *
 * Who owns what is the registry's to decide, by the owner's name: the user name, so that a client
 * that comes back on a new connection takes its services over. Unauthenticated clients are known
 * by their address instead, behind an octet that no user name may contain.
 *
 * A service that another session of the same user took over is refused to this one for a minute
 * (499): two clients that are set up alike would take it from each other for ever.
 */
#include "answer.h"
#include "identity.h"
#include "pending.h"
#include "revoke.h"
#include "session.h"

#define REFUSED_MS 60000
#define RETRY_MS 20
#define ANONYMOUS_MARK '\001'

static const char taken_over_reason[] = "Taken over by another session of this user";

/* --- the registry answers -------------------------------------------------------------------- */

static unsigned code_of(int status, int unpublish)
{
    switch (status) {
    case 0:
        return 0;
    case XMB_ESTALE:
        return XMCP_CODE_VERSION_TOO_LOW;
    case XMB_EEXIST:
        return unpublish ? XMCP_CODE_UNKNOWN_SERVICE : XMCP_CODE_MISCELLANEOUS;
    case XMB_ENOENT:
        return XMCP_CODE_UNKNOWN_SERVICE;
    case XMB_ETOOBIG:
        return XMCP_CODE_TOO_LARGE;
    default:
        return XMCP_CODE_RESPONDER_ERROR;
    }
}

static void own(struct session *s, struct service *e, const struct pending *p)
{
    if (!(e->flags & SERVICE_OWNED)) {
        e->since_ms = xs_now(s->worker);
        s->services.owned++;
        s->worker->cells[M_SERVICES]++;
    }
    s->services.refused -= (e->flags & SERVICE_REFUSED) != 0;
    e->flags = SERVICE_ENTRY | SERVICE_OWNED | (p->visible ? SERVICE_VISIBLE : 0);
    e->addr = p->addr;
    e->version = p->version;
    e->data_bytes = p->data_bytes;
    e->ip_protocol = p->ip_protocol;
}

static void disown(struct session *s, struct service *e)
{
    if (!(e->flags & SERVICE_OWNED))
        return;
    e->flags &= (uint8_t)~SERVICE_OWNED;
    s->services.owned--;
    s->worker->cells[M_SERVICES]--;
}

static void drop_if_idle(struct session *s, struct service *e)
{
    if (e->under_way == 0 && !(e->flags & (SERVICE_OWNED | SERVICE_REFUSED)))
        xs_services_drop(&s->services, e);
}

static void done(void *arg, uint64_t tag, const struct xmb_publish_result *result)
{
    struct session *s = arg;
    struct pending *p = xs_pending_find(s, tag);
    struct service *e;
    int unpublish;

    if (p == NULL || !p->waiting)
        return;
    unpublish = p->answer.method == XMCP_UNPUBLISH;
    p->waiting = 0;
    p->answer.code = (uint16_t)code_of(result->status, unpublish);
    p->answer.value = result->sequence;
    e = xs_services_find(&s->services, &p->id);
    if (e != NULL) {
        e->under_way--;
        if (result->status == 0 && unpublish)
            disown(s, e);
        else if (result->status == 0)
            own(s, e, p);
        drop_if_idle(s, e);
    }
    xs_pending_flush(s);
    xs_unblock(s, BLOCK_RING);
}

static void refuse_for_a_while(struct session *s, struct service *e)
{
    if (s->services.refused >= s->worker->conf->services_max) {
        drop_if_idle(s, e); /* too many to remember */
        return;
    }
    s->services.refused += !(e->flags & SERVICE_REFUSED);
    e->flags |= SERVICE_REFUSED;
    e->until_ms = xs_now(s->worker) + REFUSED_MS;
}

static void taken_over(void *arg, uint32_t domain, const struct xmb_service_id *id)
{
    struct session *s = arg;
    struct service *e = xs_services_find(&s->services, id);

    (void)domain;
    if (e != NULL) {
        disown(s, e);
        refuse_for_a_while(s, e);
    }
    xs_revoke_service(s, id);
}

static const struct xmb_owner_ops owner_ops = {sizeof(owner_ops), done, taken_over};

/* --- asking it ------------------------------------------------------------------------------- */

static int open_owner(struct session *s)
{
    struct xmb_str name;
    char text[1 + XMB_ADDR_TEXT_MAX];
    struct xmb_addr remote;

    if (s->owner != NULL)
        return 0;
    if (s->anonymous) {
        xs_session_remote(s, &remote);
        remote.port = 0;
        text[0] = ANONYMOUS_MARK;
        xs_host->conn->addr_text(&remote, text + 1, sizeof(text) - 1);
        name = xmb_str(text);
    } else {
        name = xs_host->policy->principal_name(s->principal);
    }
    return xs_host->service->owner_open(s->worker->w, s->worker->server->module, name,
                                        s->anonymous ? XMB_OWNER_ANONYMOUS : 0, &owner_ops, s,
                                        &s->owner);
}

/* The registry takes nothing now: the message stays where it is. */
static enum outcome later(struct session *s)
{
    xs_block(s, BLOCK_REGISTRY);
    xs_alarm(s, ALARM_RETRY, RETRY_MS);
    return LATER;
}

static void fill_request(const struct session *s, const struct xmcp_msg *m, struct xmb_publish *p)
{
    uint16_t visibility = 0;

    memset(p, 0, sizeof(*p));
    p->size = sizeof(*p);
    p->domain = s->domain;
    p->id = xs_identity_in(&m->identity);
    p->sequence = m->service_version;
    p->ip_protocol = m->service_protocol;
    p->addr = xs_transport_in(&m->transport);
    p->data = (struct xmb_str){(const char *)m->service_data.data, m->service_data.bytes};
    if (xmcp_flag_find(m->flags, XMCP_FLAG_VISIBILITY, &visibility) &&
        visibility & XMCP_VISIBLE_TO_ALL)
        p->flags = XMB_SERVICE_PUBLIC;
}

static void fill_pending(struct pending *entry, const struct xmcp_msg *m,
                         const struct xmb_publish *p)
{
    entry->answer = xs_answer_to(m);
    entry->id = p->id;
    entry->addr = p->addr;
    entry->version = p->sequence;
    entry->data_bytes = (uint32_t)p->data.n;
    entry->ip_protocol = (uint8_t)p->ip_protocol;
    entry->visible = (p->flags & XMB_SERVICE_PUBLIC) != 0;
}

/*
 * Puts the request into the ring and asks. `e` is its entry in the table.
 * Returns 0, or what the registry said instead of promising an answer.
 */
static int ask_registry(struct session *s, const struct xmcp_msg *m, const struct xmb_publish *p,
                        struct service *e)
{
    uint64_t tag = 0;
    struct pending *entry = xs_pending_add(s, &tag);
    int rc;

    if (entry == NULL)
        return XMB_ENOMEM;
    fill_pending(entry, m, p);
    if (m->method == XMCP_PUBLISH)
        rc = xs_host->service->publish(s->owner, p, tag);
    else
        rc = xs_host->service->unpublish(s->owner, p->domain, &p->id, tag);
    if (rc < 0)
        xs_pending_undo(s);
    else
        e->under_way++;
    return rc;
}

static enum outcome submit(struct session *s, const struct xmcp_msg *m, const struct xmb_publish *p,
                           struct service *e)
{
    int rc = ask_registry(s, m, p, e);

    if (rc == 0)
        return DONE;
    drop_if_idle(s, e);
    if (rc == XMB_EAGAIN)
        return later(s);
    return xs_refuse(s, m, code_of(rc, m->method == XMCP_UNPUBLISH), NULL, 0);
}

/* --- the two methods ------------------------------------------------------------------------- */

/* A new service of this session: is there place for one more? */
static int full(const struct session *s, const struct service *e)
{
    if (e != NULL && (e->flags & SERVICE_OWNED || e->under_way > 0))
        return 0;
    return s->services.used - s->services.refused >= s->worker->conf->services_max;
}

enum outcome xs_publish(struct session *s, const struct xmcp_msg *m)
{
    struct xmb_publish p;
    struct service *e;

    if (!xmcp_identity_concrete(&m->identity))
        return xs_refuse(s, m, XMCP_CODE_INVALID_IDENTITY, NULL, 0);
    if (m->service_data.bytes > s->worker->conf->service_data_bytes_max)
        return xs_refuse(s, m, XMCP_CODE_TOO_LARGE, NULL, 0);
    fill_request(s, m, &p);
    e = xs_services_find(&s->services, &p.id);
    if (e != NULL && e->flags & SERVICE_REFUSED && xs_now(s->worker) < e->until_ms)
        return xs_refuse(s, m, XMCP_CODE_MISCELLANEOUS, taken_over_reason, 0);
    if (full(s, e))
        return xs_refuse(s, m, XMCP_CODE_RESPONDER_ERROR, "Too many services of this client", 0);
    if (open_owner(s) != 0)
        return xs_refuse(s, m, XMCP_CODE_RESPONDER_ERROR, NULL, 0);
    if (e == NULL)
        e = xs_services_add(&s->services, &p.id, xs_now(s->worker));
    if (e == NULL)
        return xs_refuse(s, m, XMCP_CODE_RESPONDER_ERROR, NULL, 0);
    return submit(s, m, &p, e);
}

enum outcome xs_unpublish(struct session *s, const struct xmcp_msg *m)
{
    struct xmb_publish p;
    struct service *e;

    if (!xmcp_identity_concrete(&m->identity))
        return xs_refuse(s, m, XMCP_CODE_INVALID_IDENTITY, NULL, 0);
    fill_request(s, m, &p);
    e = xs_services_find(&s->services, &p.id);
    if (e == NULL || (!(e->flags & SERVICE_OWNED) && e->under_way == 0))
        return xs_refuse(s, m, XMCP_CODE_UNKNOWN_SERVICE, NULL, 0);
    return submit(s, m, &p, e);
}

void xs_publish_end(struct session *s, uint32_t gone)
{
    xs_host->service->owner_close(s->owner, gone);
    s->owner = NULL;
    s->worker->cells[M_SERVICES] -= s->services.owned;
    xs_services_clear(&s->services);
    xs_pending_clear(s);
    s->blocked &= (uint8_t)~(BLOCK_RING | BLOCK_REGISTRY);
}
