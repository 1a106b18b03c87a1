#define OPENSSL_SUPPRESS_DEPRECATED
#include "CDaybook.h"
#include <openssl/sha.h>
#include <string.h>

static uint32_t table[256];
static void fill_table(void) {
    for (uint32_t n = 0; n < 256; n++) {
        uint32_t c = n;
        for (int k = 0; k < 8; k++) c = c & 1 ? 0x82F63B78u ^ (c >> 1) : c >> 1;
        table[n] = c;
    }
}

static uint32_t crc_portable(uint32_t crc, const uint8_t *p, size_t n) {
    for (; n; n--) crc = table[(crc ^ *p++) & 0xFF] ^ (crc >> 8);
    return crc;
}

#if defined(__x86_64__)
#include <nmmintrin.h>
__attribute__((target("sse4.2"))) static uint32_t crc_hardware(uint32_t crc, const uint8_t *p,
                                                                size_t n) {
    uint64_t c = crc;
    for (; n >= 8; n -= 8, p += 8) {
        uint64_t word;
        memcpy(&word, p, 8);
        c = _mm_crc32_u64(c, word);
    }
    for (; n; n--) c = _mm_crc32_u8((uint32_t)c, *p++);
    return (uint32_t)c;
}
#endif

typedef uint32_t (*crc_function)(uint32_t, const uint8_t *, size_t);
static crc_function crc_best = crc_portable;
__attribute__((constructor)) static void choose(void) {
    fill_table();
#if defined(__x86_64__)
    if (__builtin_cpu_supports("sse4.2")) crc_best = crc_hardware;
#endif
}

uint32_t daybook_crc32c(uint32_t crc, const void *bytes, size_t length) {
    return ~crc_best(~crc, bytes, length);
}

_Static_assert(sizeof(SHA256_CTX) <= DAYBOOK_SHA256_STATE_BYTES, "the state fits");
void daybook_sha256_init(void *state) { SHA256_Init(state); }
void daybook_sha256_update(void *state, const void *bytes, size_t length) {
    SHA256_Update(state, bytes, length);
}
void daybook_sha256_final(void *state, uint8_t digest[32]) { SHA256_Final(digest, state); }

#define ROTL(x, b) (((x) << (b)) | ((x) >> (64 - (b))))
#define ROUND                                                                                      \
    do {                                                                                           \
        v0 += v1; v1 = ROTL(v1, 13); v1 ^= v0; v0 = ROTL(v0, 32);                                  \
        v2 += v3; v3 = ROTL(v3, 16); v3 ^= v2;                                                     \
        v0 += v3; v3 = ROTL(v3, 21); v3 ^= v0;                                                     \
        v2 += v1; v1 = ROTL(v1, 17); v1 ^= v2; v2 = ROTL(v2, 32);                                  \
    } while (0)

uint64_t daybook_siphash13(uint64_t k0, uint64_t k1, const void *bytes, size_t length) {
    const uint8_t *p = bytes;
    uint64_t v0 = k0 ^ 0x736f6d6570736575ull, v1 = k1 ^ 0x646f72616e646f6dull;
    uint64_t v2 = k0 ^ 0x6c7967656e657261ull, v3 = k1 ^ 0x7465646279746573ull;
    uint64_t last = (uint64_t)length << 56, word;
    size_t n = length;
    for (; n >= 8; n -= 8, p += 8) {
        memcpy(&word, p, 8);
        v3 ^= word; ROUND; v0 ^= word;
    }
    for (size_t i = 0; i < n; i++) last |= (uint64_t)p[i] << (8 * i);
    v3 ^= last; ROUND; v0 ^= last;
    v2 ^= 0xff; ROUND; ROUND; ROUND;
    return v0 ^ v1 ^ v2 ^ v3;
}
void daybook_zero(void *bytes, size_t length) { memset(bytes, 0, length); }

int daybook_compare(const void *left, const void *right, size_t length) { return memcmp(left, right, length); }

int64_t daybook_find(const void *bytes, size_t length, uint8_t byte) {
    const uint8_t *found = memchr(bytes, byte, length);
    return found == NULL ? -1 : found - (const uint8_t *)bytes;
}
