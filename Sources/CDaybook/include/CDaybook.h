// The C face of what Swift cannot say or a library already does well: hardware checksums,
// SHA-256 of libcrypto, SipHash, and a flat token array over simdjson.
#ifndef CDAYBOOK_H
#define CDAYBOOK_H
#include "CDaybookPlatform.h"

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/// CRC-32C (Castagnoli) of `length` bytes, continuing from `crc` (0 to begin).
uint32_t daybook_crc32c(uint32_t crc, const void *bytes, size_t length);

/// SipHash-1-3 of `length` bytes under the key (k0, k1).
uint64_t daybook_siphash13(uint64_t k0, uint64_t k1, const void *bytes, size_t length);

/// memcmp.
int daybook_compare(const void *left, const void *right, size_t length);

/// memset with zeros.
void daybook_zero(void *bytes, size_t length);

/// memchr: the offset of the first such byte, or -1.
int64_t daybook_find(const void *bytes, size_t length, uint8_t byte);

/// Bytes that a SHA-256 state takes.
enum { DAYBOOK_SHA256_STATE_BYTES = 128 };
void daybook_sha256_init(void *state);
void daybook_sha256_update(void *state, const void *bytes, size_t length);
void daybook_sha256_final(void *state, uint8_t digest[32]);

/// One token of a JSON document, in document order.
typedef struct {
    /// Text of a string, key or number; for an object or array the index after its subtree.
    union { const uint8_t *text; uint64_t next; } at;
    /// Bytes of the text, or members of the object or array.
    uint32_t count;
    uint32_t tag;
} daybook_json_token;

enum {
    DAYBOOK_JSON_NULL = 0, DAYBOOK_JSON_FALSE = 1, DAYBOOK_JSON_TRUE = 2, DAYBOOK_JSON_NUMBER = 3,
    DAYBOOK_JSON_STRING = 4, DAYBOOK_JSON_KEY = 5, DAYBOOK_JSON_OBJECT = 6, DAYBOOK_JSON_ARRAY = 7
};

typedef struct daybook_json daybook_json;
daybook_json *daybook_json_create(void);
void daybook_json_destroy(daybook_json *parser);
/// Parses one document of `length` bytes of which at least 64 more are readable. Returns NULL, or a
/// static message of what is wrong. Tokens stay valid until the next call.
const char *daybook_json_parse(daybook_json *parser, const uint8_t *bytes, size_t length,
                               uint32_t depth_max);
const daybook_json_token *daybook_json_tokens(const daybook_json *parser);
size_t daybook_json_count(const daybook_json *parser);

#ifdef __cplusplus
}
#endif
#endif
