/* SPDX-License-Identifier: MIT */
/*
 * octets.h - big-endian loads and stores, private to the wire side.
 *
 * Octet by octet, so that alignment and the machine's order never matter; compilers turn each into
 * one load or store and a swap. No bounds are checked here: whoever calls has done that.
 */
#ifndef SE_OCTETS_H
#define SE_OCTETS_H

#include <stdint.h>

static inline uint16_t get16(const uint8_t *p)
{
    return (uint16_t)((unsigned)p[0] << 8 | p[1]);
}

static inline uint32_t get24(const uint8_t *p)
{
    return (uint32_t)p[0] << 16 | (uint32_t)p[1] << 8 | p[2];
}

static inline uint32_t get32(const uint8_t *p)
{
    return (uint32_t)p[0] << 24 | get24(p + 1);
}

static inline uint64_t get48(const uint8_t *p)
{
    return (uint64_t)get16(p) << 32 | get32(p + 2);
}

static inline void put16(uint8_t *p, unsigned value)
{
    p[0] = (uint8_t)(value >> 8);
    p[1] = (uint8_t)value;
}

static inline void put24(uint8_t *p, uint32_t value)
{
    p[0] = (uint8_t)(value >> 16);
    put16(p + 1, value & 0xffff);
}

static inline void put32(uint8_t *p, uint32_t value)
{
    put16(p, value >> 16);
    put16(p + 2, value & 0xffff);
}

static inline void put48(uint8_t *p, uint64_t value)
{
    put16(p, (unsigned)(value >> 32) & 0xffff);
    put32(p + 2, (uint32_t)value);
}

#endif
