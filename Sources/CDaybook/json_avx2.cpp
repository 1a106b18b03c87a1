#if defined(__x86_64__)
#define SIMDJSON_BUILTIN_IMPLEMENTATION haswell
#include "CDaybook.h"
#include "json_variant.h"
#include <cstring>
#include <new>
#include <simdjson.h>
#include <vector>

#pragma clang attribute push(__attribute__((target("avx2,bmi,pclmul,lzcnt,popcnt"))), apply_to = function)
using namespace simdjson;
#include "json_walk.inc"
#pragma clang attribute pop

extern const daybook_json_variant daybook_json_avx2 = {create, destroy, parse, tokens, count};
#endif
