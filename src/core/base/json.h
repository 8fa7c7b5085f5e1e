// JSON as the repository uses it: parsing that never throws and is bounded in depth, and one way of writing. Fields are
// read with core/repo/envelope/json_fields.h. Pure functions.
#pragma once
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

}  // namespace pitr
