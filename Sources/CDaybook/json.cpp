// Picks the JSON walk for this processor; see json_walk.inc.
#include "CDaybook.h"
#include "json_variant.h"
#include <new>

struct daybook_json {
    const daybook_json_variant *variant;
    void *state;
};

static const daybook_json_variant *best() {
#if defined(__x86_64__)
    __builtin_cpu_init();
    if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("bmi") &&
        __builtin_cpu_supports("pclmul") && __builtin_cpu_supports("lzcnt") &&
        __builtin_cpu_supports("popcnt"))
        return &daybook_json_avx2;
#endif
    return &daybook_json_any;
}

daybook_json *daybook_json_create(void) {
    const daybook_json_variant *variant = best();
    void *state = variant->create();
    if (!state) return nullptr;
    daybook_json *parser = new (std::nothrow) daybook_json{variant, state};
    if (!parser) variant->destroy(state);
    return parser;
}

void daybook_json_destroy(daybook_json *parser) {
    parser->variant->destroy(parser->state);
    delete parser;
}

const char *daybook_json_parse(daybook_json *parser, const uint8_t *bytes, size_t length,
                               uint32_t depth_max) {
    return parser->variant->parse(parser->state, bytes, length, depth_max);
}

const daybook_json_token *daybook_json_tokens(const daybook_json *parser) {
    return parser->variant->tokens(parser->state);
}

size_t daybook_json_count(const daybook_json *parser) {
    return parser->variant->count(parser->state);
}
