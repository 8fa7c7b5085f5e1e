// The version of this program, as it is recorded in backups and shown to people. The same as in pg_pitr.control.
#pragma once
#include <string_view>

namespace pitr {

inline constexpr std::string_view kToolVersion = "1.0";

}  // namespace pitr
