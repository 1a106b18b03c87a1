// One compiled variant of the JSON walk.
#ifndef DAYBOOK_JSON_VARIANT_H
#define DAYBOOK_JSON_VARIANT_H
#include "CDaybook.h"

struct daybook_json_variant {
    void *(*create)();
    void (*destroy)(void *);
    const char *(*parse)(void *, const uint8_t *, size_t, uint32_t);
    const daybook_json_token *(*tokens)(const void *);
    size_t (*count)(const void *);
};

extern const daybook_json_variant daybook_json_any;
#if defined(__x86_64__)
extern const daybook_json_variant daybook_json_avx2;
#endif
#endif
