/* SPDX-License-Identifier: MIT */
/*
 * wire.h - big-endian loads and stores, private to libxmcp.
 *
 * Octet by octet, so that alignment and the machine's order never matter; compilers turn each into
 * one load or store and a swap. No bounds are checked here: whoever calls has done that.
 */
#ifndef XMCP_WIRE_H
#define XMCP_WIRE_H

#include <stdint.h>

static inline uint16_t get16(const uint8_t *p)
{
    return (uint16_t)((unsigned)p[0] << 8 | p[1]);
}

static inline uint32_t get32(const uint8_t *p)
{
    return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

static inline void put16(uint8_t *p, unsigned value)
{
    p[0] = (uint8_t)(value >> 8);
    p[1] = (uint8_t)value;
}

static inline void put32(uint8_t *p, uint32_t value)
{
    p[0] = (uint8_t)(value >> 24);
    p[1] = (uint8_t)(value >> 16);
    p[2] = (uint8_t)(value >> 8);
    p[3] = (uint8_t)value;
}

/* A value's length with its padding. */
static inline uint32_t padded(uint32_t bytes)
{
    return (bytes + 3u) & ~3u;
}

#endif
