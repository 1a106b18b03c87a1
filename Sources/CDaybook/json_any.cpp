#define SIMDJSON_BUILTIN_IMPLEMENTATION fallback
#include "CDaybook.h"
#include "json_variant.h"
#include <cstring>
#include <new>
#include <simdjson.h>
#include <vector>

using namespace simdjson;
#include "json_walk.inc"

extern const daybook_json_variant daybook_json_any = {create, destroy, parse, tokens, count};
