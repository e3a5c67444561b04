/* SPDX-License-Identifier: MIT */
/*
 * xmcp_vectors.h - tests/data/xmcp-vectors.json for the tests of libxmcp.
 *
 * The file lists whole messages in hex with every decoded attribute, the user and password that
 * they are signed with, and what a server has to do with them. Loading fails the test.
 */
#ifndef TEST_XMCP_VECTORS_H
#define TEST_XMCP_VECTORS_H

#include <jansson.h>
#include <stdint.h>

#include "xmcp.h"

struct vector {
    const char *name;
    const char *expect; /* "" when the vector asks nothing of a server */
    uint8_t *octets;    /* a block of exactly `bytes`, so that ASan sees a read behind it */
    size_t bytes;
    const json_t *decoded; /* NULL when it cannot be decoded at all */
    const json_t *credentials;
    const json_t *integrity;
};

/* Loads all; returns their number. The array lives until vectors_free(). */
size_t vectors_load(struct vector **out);
void vectors_free(void);

/* Hex to octets; returns their number. */
size_t hex_octets(const char *hex, uint8_t *out, size_t out_bytes);

/* The keyed state for a vector with credentials. */
void vector_mac(const struct vector *v, struct xmcp_mac *mac);

/* 1 when the vector must be refused: framing (XMCP_EFRAME) or content (XMCP_EBADMSG). */
int vector_malformed(const struct vector *v);

#endif
