/* SPDX-License-Identifier: MIT */
/*
 * xmcp_vectors.c - loads tests/data/xmcp-vectors.json. See xmcp_vectors.h.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "xmcp_vectors.h"

static json_t *root;
static struct vector *vectors;
static size_t vector_count;

size_t hex_octets(const char *hex, uint8_t *out, size_t out_bytes)
{
    size_t count = strlen(hex) / 2;
    size_t i;
    unsigned octet;

    assert_true(count <= out_bytes);
    for (i = 0; i < count; i++) {
        assert_int_equal(sscanf(hex + 2 * i, "%2x", &octet), 1);
        out[i] = (uint8_t)octet;
    }
    return count;
}

static const json_t *object_or_null(const json_t *of, const char *key)
{
    const json_t *value = json_object_get(of, key);

    return json_is_object(value) ? value : NULL;
}

static void load_one(const json_t *from, struct vector *v)
{
    const char *hex = json_string_value(json_object_get(from, "hex"));
    const char *expect = json_string_value(json_object_get(from, "expect"));

    v->name = json_string_value(json_object_get(from, "name"));
    v->expect = expect != NULL ? expect : "";
    assert_non_null(v->name);
    assert_non_null(hex);
    v->octets = malloc(strlen(hex) / 2);
    assert_non_null(v->octets);
    v->bytes = hex_octets(hex, v->octets, strlen(hex) / 2);
    v->decoded = object_or_null(from, "decoded");
    v->credentials = object_or_null(from, "credentials");
    v->integrity = object_or_null(from, "integrity");
}

size_t vectors_load(struct vector **out)
{
    const char *src = getenv("XMB_SRC");
    char path[4096];
    const json_t *list;
    json_error_t error;
    size_t i;

    snprintf(path, sizeof(path), "%s/tests/data/xmcp-vectors.json", src != NULL ? src : ".");
    root = json_load_file(path, 0, &error);
    if (root == NULL)
        fail_msg("%s: %s (is XMB_SRC the source folder?)", path, error.text);
    list = json_object_get(root, "vectors");
    vector_count = json_array_size(list);
    vectors = calloc(vector_count, sizeof(*vectors));
    assert_non_null(vectors);
    for (i = 0; i < vector_count; i++)
        load_one(json_array_get(list, i), &vectors[i]);
    *out = vectors;
    return vector_count;
}

void vectors_free(void)
{
    size_t i;

    for (i = 0; i < vector_count; i++)
        free(vectors[i].octets);
    free(vectors);
    json_decref(root);
}

void vector_mac(const struct vector *v, struct xmcp_mac *mac)
{
    const char *user = json_string_value(json_object_get(v->credentials, "username"));
    const char *password = json_string_value(json_object_get(v->credentials, "password"));
    const char *want = json_string_value(json_object_get(v->credentials, "key_md5_hex"));
    uint8_t key[XMCP_KEY_BYTES];
    uint8_t expected[XMCP_KEY_BYTES];

    assert_int_equal(xmcp_key_derive(user, password, key), 0);
    assert_int_equal(hex_octets(want, expected, sizeof(expected)), sizeof(expected));
    assert_memory_equal(key, expected, sizeof(key));
    xmcp_mac_init(mac, key);
}

int vector_malformed(const struct vector *v)
{
    if (strncmp(v->name, "malformed/", 10) != 0)
        return 0;
    return strncmp(v->expect, "close", 5) == 0 ? XMCP_EFRAME : XMCP_EBADMSG;
}
