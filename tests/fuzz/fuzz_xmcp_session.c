/* SPDX-License-Identifier: MIT */
/*
 * fuzz_xmcp_session.c - the XMCP server plugin on the fake host, driven by a script.
 *
 * The input is a list of steps: an octet says what to do, on which of four connections, and the
 * octets behind it how. Messages can be octets as they are, cut anywhere, or be written by us
 * and signed with the right key, so that the search gets past authentication. Time moves in
 * steps, the registry and policy get slow or fail, output is taken or not.
 *
 * Beyond "no crash" it holds the server to: everything it sends is well formed; the fake host
 * aborts on handles that are used too long or never given back.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <xmb/fakehost.h>

#include "fuzz_input.h"
#include "xmcp.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int xs_entropy(void *out, size_t bytes);

extern const struct xmb_plugin xmcp_LTX_xmb_plugin;

#define PEERS 4
#define STEPS_MAX 400

struct peer {
    struct xmb_conn *conn;
    int anonymous;
    uint32_t handle;
    uint8_t nonce[32];
    size_t nonce_bytes;
    uint8_t asked[XMCP_TRANSACTION_BYTES]; /* of the server's last request */
    unsigned asked_method;
    struct xmcp_form form;
};

static struct xmb_module *module;
static struct xmcp_mac mac;
static struct peer peers[PEERS];
static int drained;
static uint8_t counter;

int xs_entropy(void *out, size_t bytes)
{
    memset(out, ++counter, bytes);
    return 0;
}

/* --- what the server says -------------------------------------------------------------------- */

static void learn(struct peer *p, const struct xmcp_msg *m)
{
    if (m->msg_class == XMCP_REQUEST) {
        memcpy(p->asked, m->transaction, sizeof(p->asked));
        p->asked_method = m->method;
    }
    if (m->msg_class == XMCP_SUCCESS && m->have & XMCP_HAVE_CLIENT_HANDLE)
        p->handle = m->client_handle;
    if (m->have & XMCP_HAVE_NONCE) {
        REQUIRE(m->nonce.bytes == sizeof(p->nonce));
        memcpy(p->nonce, m->nonce.data, m->nonce.bytes);
        p->nonce_bytes = m->nonce.bytes;
    }
}

/* Takes up to `most` messages off the output. */
static void take(struct peer *p, unsigned most)
{
    struct xmb_str out;
    struct xmcp_msg m;

    while (p->conn != NULL && most-- > 0) {
        out = xmb_fakehost_output(p->conn);
        if (out.n == 0)
            return;
        REQUIRE(xmcp_decode(out.p, out.n, &m) == 0);
        REQUIRE(m.unknown_count == 0);
        if (m.have & XMCP_HAVE_INTEGRITY)
            REQUIRE(xmcp_mac_verify(&mac, out.p, &m, NULL) == 0);
        learn(p, &m);
        xmb_fakehost_take(p->conn, m.frame_bytes);
    }
}

/* --- what the client says -------------------------------------------------------------------- */

static void put_identity(struct xmcp_writer *w, uint8_t how)
{
    struct xmcp_identity id = {101, (uint16_t)(how & 7), {1, 2, 3, 4}};

    if (how & 8)
        id.subservice = XMCP_ANY16;
    if (how & 16)
        memset(id.instance, 0xff, sizeof(id.instance));
    xmcp_put_identity(w, &id);
}

static void put_service(struct xmcp_writer *w, uint8_t how)
{
    static const uint8_t octets[3000];
    struct xmcp_transport t = {how & 1 ? XMCP_FAMILY_IPV6 : XMCP_FAMILY_IPV4, 1, {127, 0, 0, 1}};
    struct xmcp_flag flag = {XMCP_FLAG_VISIBILITY, how >> 1 & 1};

    xmcp_put_transport(w, &t);
    xmcp_put_protocol(w, how);
    xmcp_put_u32(w, XMCP_ATTR_SERVICE_VERSION, how >> 3);
    xmcp_put_bytes(w, XMCP_ATTR_SERVICE_DATA, octets, how & 4 ? sizeof(octets) : how);
    xmcp_put_flags(w, &flag, 1);
}

/* The attributes that the bits of `which` name. */
static void put_attributes(struct xmcp_writer *w, const struct peer *p, struct input *in,
                           uint8_t which)
{
    if (which & 1)
        xmcp_put_u32(w, XMCP_ATTR_CLIENT_HANDLE, p->handle);
    if (which & 2 && p->nonce_bytes > 0)
        xmcp_put_text(w, XMCP_ATTR_NONCE, p->nonce, p->nonce_bytes);
    if (which & 4)
        xmcp_put_text(w, XMCP_ATTR_USERNAME, "ann", 3);
    if (which & 8)
        put_identity(w, octet(in));
    if (which & 16)
        put_service(w, octet(in));
    if (which & 32)
        xmcp_put_u32(w, XMCP_ATTR_SUBSCRIPTION_ID, octet(in));
    if (which & 64)
        xmcp_put_u32(w, XMCP_ATTR_PAGE_SIZE, octet(in));
    if (which & 128) {
        xmcp_put_version(w, octet(in) & 3, 0);
        xmcp_put_u32(w, XMCP_ATTR_DOMAIN, octet(in));
    }
}

static void feed(struct peer *p, const uint8_t *data, size_t n, size_t cut)
{
    if (cut > n)
        cut = n;
    if (xmb_fakehost_closed(p->conn) == NULL)
        xmb_fakehost_feed(p->conn, (struct xmb_str){(const char *)data, cut});
    if (cut < n && xmb_fakehost_closed(p->conn) == NULL)
        xmb_fakehost_feed(p->conn, (struct xmb_str){(const char *)data + cut, n - cut});
}

static void say(struct peer *p, struct input *in, int answer)
{
    static uint8_t out[8192];
    uint8_t transaction[XMCP_TRANSACTION_BYTES] = {counter++};
    uint8_t method = octet(in);
    uint8_t which = octet(in);
    struct xmcp_form form = {method >> 4 & 3, method >> 6 & 1};
    struct xmcp_writer w;
    size_t bytes = 0;

    if (form.digest > XMCP_DIGEST_SHA256)
        form.digest = XMCP_DIGEST_SHA1;
    if (answer)
        xmcp_write_begin(&w, out, sizeof(out), p->asked_method,
                         method & 1 ? XMCP_ERROR : XMCP_SUCCESS, p->asked);
    else
        xmcp_write_begin(&w, out, sizeof(out), method & 15, XMCP_REQUEST, transaction);
    put_attributes(&w, p, in, which);
    if (xmcp_write_finish(&w, &mac, form, &bytes) == 0)
        feed(p, out, bytes, octet(in));
}

static void say_raw(struct peer *p, struct input *in)
{
    size_t n = octet(in);

    if (n > in->n)
        n = in->n;
    feed(p, in->p, n, n / 2);
    in->p += n;
    in->n -= n;
}

/* --- the world around ------------------------------------------------------------------------ */

static void connect_peer(struct peer *p, uint8_t how)
{
    struct xmb_addr remote = {.family = how & 1 ? 6 : 4, .port = 1000};

    if (p->conn != NULL)
        xmb_fakehost_forget(p->conn);
    memset(p, 0, sizeof(*p));
    remote.ip[3] = how >> 1 & 3;
    p->conn = xmb_fakehost_accept(module, 0, &remote);
    if (p->conn != NULL && how & 128)
        xmb_fakehost_bound(p->conn, 4096);
}

static void run_command(uint8_t how)
{
    static const char *const all[] = {"all"};
    static const char *const detail[] = {"detail"};
    const char *text;

    switch (how & 3) {
    case 0:
        xmb_fakehost_command(module, "show service-routing xmcp server", NULL, 0, &text);
        break;
    case 1:
        xmb_fakehost_command(module, "clear service-routing xmcp client", all, 1, &text);
        break;
    default:
        xmb_fakehost_command(module, "show service-routing xmcp clients", detail, 1, &text);
        break;
    }
}

static void disturb(uint8_t how)
{
    static const int errors[] = {0, XMB_EAGAIN, XMB_ENOMEM, XMB_ETOOBIG};

    switch (how >> 4) {
    case 0:
        xmb_fakehost_registry_error(errors[how & 3]);
        break;
    case 1:
        xmb_fakehost_late(how & 1);
        break;
    case 2:
        xmb_fakehost_verdict(XMB_POINT_AUTHENTICATE, how & 1 ? XMB_DENY : 0, how >> 1 & 7);
        break;
    case 3:
        run_command(how);
        break;
    case 4:
        if (!drained) /* a broker does that once */
            xmb_fakehost_drain(module, 1000);
        drained = 1;
        break;
    case 5:
        xmb_fakehost_configure(module, how & 1 ? "<listen/><limits services='2'/>" : "<listen/>");
        break;
    default:
        break;
    }
}

static void step(struct input *in)
{
    uint8_t what = octet(in);
    struct peer *p = &peers[what & (PEERS - 1)];

    what >>= 2;
    if (p->conn == NULL || what % 16 == 0) {
        connect_peer(p, octet(in));
        return;
    }
    switch (what % 16) {
    case 1:
        say_raw(p, in);
        break;
    case 2:
        xmb_fakehost_hangup(p->conn, "gone");
        break;
    case 3:
        xmb_fakehost_advance((uint64_t)octet(in) * octet(in));
        break;
    case 4:
        disturb(octet(in));
        break;
    case 5:
        take(p, octet(in));
        break;
    case 6:
        say(p, in, 1);
        break;
    case 7:
        xmb_fakehost_run();
        break;
    default:
        say(p, in, 0);
        if (what & 1) {
            xmb_fakehost_run();
            take(p, 100);
        }
        break;
    }
}

static void open_host(void)
{
    static const uint64_t settings[2][2] = {{XMB_SETTING_NONCE_LIFETIME_MS, 60000},
                                            {XMB_SETTING_KEEPALIVE_MS, 20000}};
    uint8_t key[XMCP_KEY_BYTES];

    counter = 0;
    REQUIRE(xmcp_key_derive("ann", "password", key) == 0);
    xmcp_mac_init(&mac, key);
    xmb_fakehost_open();
    xmb_fakehost_log_level(XMB_LOG_ERROR);
    module = xmb_fakehost_load(&xmcp_LTX_xmb_plugin);
    REQUIRE(module != NULL);
    REQUIRE(xmb_fakehost_configure(module, "<listen/>") == 0);
    xmb_fakehost_user("ann", "password", settings, 2);
    xmb_fakehost_user("", "", settings, 2);
    memset(peers, 0, sizeof(peers));
    drained = 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct input in = {data, size};
    unsigned steps = 0;
    unsigned i;

    open_host();
    while (in.n > 0 && steps++ < STEPS_MAX)
        step(&in);
    xmb_fakehost_run();
    for (i = 0; i < PEERS; i++)
        take(&peers[i], UINT16_MAX);
    xmb_fakehost_close();
    return 0;
}
