/* SPDX-License-Identifier: MIT */
/*
 * eigrp_verify.c - says whether the digests of EIGRP packets are right; for saf-frr.py and
 * saf-auth.py.
 *
 * Each line of standard input is a packet, with the key it should have been signed with:
 *
 *     SOURCE PASSWORD OCTETSHEX
 *
 * and each line of output an answer: "md5 KEYID good", "md5 KEYID bad", likewise "hmac-sha-256",
 * "none" for a packet without authentication, or "broken" with the reason.
 */
#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

#include "eigrp_wire.h"

#define LINE_MAX_BYTES 4096

static int octets_of(const char *hex, uint8_t *out, size_t most)
{
    unsigned octet;
    size_t n;

    for (n = 0; n < most && sscanf(hex + 2 * n, "%2x", &octet) == 1; n++)
        out[n] = (uint8_t)octet;
    return (int)n;
}

static void verify(const struct xmb_addr *source, const char *password, const uint8_t *octets,
                   size_t bytes)
{
    struct se_packet packet;
    struct se_auth auth;
    struct se_key key = {.password = xmb_str(password)};
    enum se_reason reason;
    int rc = se_packet_open(octets, bytes, &packet, &reason);

    if (rc == 0)
        rc = se_auth_read(&packet, &auth, &reason);
    if (rc < 0) {
        printf("broken: %s\n", se_reason_name(reason));
        return;
    }
    if (rc == 0) {
        puts("none");
        return;
    }
    key.id = auth.key_id;
    printf("%s %u %s\n", se_auth_mode_name(auth.mode), (unsigned)auth.key_id,
           se_auth_verify(&packet, &auth, &key, source) == 0 ? "good" : "bad");
}

int main(void)
{
    static char line[LINE_MAX_BYTES];
    static uint8_t octets[LINE_MAX_BYTES / 2];
    char *rest, *source, *password, *hex;

    while (fgets(line, sizeof(line), stdin) != NULL) {
        struct xmb_addr addr = {.family = 4};

        source = strtok_r(line, " \n", &rest);
        password = strtok_r(NULL, " \n", &rest);
        hex = strtok_r(NULL, " \n", &rest);
        if (hex == NULL || inet_pton(AF_INET, source, addr.ip) != 1) {
            fprintf(stderr, "eigrp_verify: expected SOURCE PASSWORD OCTETSHEX\n");
            return 1;
        }
        verify(&addr, password, octets, (size_t)octets_of(hex, octets, sizeof(octets)));
    }
    return fflush(stdout) == 0 ? 0 : 1;
}
