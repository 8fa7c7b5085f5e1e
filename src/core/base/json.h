// JSON as the repository uses it: parsing that never throws and is bounded in depth, and typed access with errors that
// name the field. Integers beyond 2^53 are stored as strings where a stranger's parser must not round them (system
// identifiers, checks). Pure functions.
#pragma once
#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

#include "core/base/status.h"

namespace pitr {

using Json = nlohmann::json;
inline constexpr int kMaxJsonDepth = 32;

// One value and nothing after it. kCorruption: not JSON, not UTF-8, or nested deeper than kMaxJsonDepth; the message
// gives the byte.
Result<Json> ParseJson(std::string_view text);

// One line, keys in order of name. Text that is not UTF-8 is a caller's mistake: its bad bytes are replaced.
std::string JsonText(const Json& json);

// A member of an object. kCorruption naming the field when it is missing, of another type, or out of range.
Result<std::string> JsonString(const Json& object, const char* field);
Result<uint64_t> JsonUint(const Json& object, const char* field, uint64_t max = UINT64_MAX);
Result<int64_t> JsonInt(const Json& object, const char* field);
Result<bool> JsonBool(const Json& object, const char* field);
// A decimal number in a string, for values that may exceed 2^53.
Result<uint64_t> JsonUintText(const Json& object, const char* field);
Result<const Json*> JsonArray(const Json& object, const char* field);
Result<const Json*> JsonObject(const Json& object, const char* field);
bool JsonHas(const Json& object, const char* field);

}  // namespace pitr
