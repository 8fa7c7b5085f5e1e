// A directory that is no store: it does not exist, or is empty and was never set up as one. Most likely its file system
// is not mounted, or nothing was stored there yet. The setting may be wrong as well, so both are kInvalidArgument, as
// many errors are that say nothing of what is there; these two are told by what they say. Pure.
#pragma once
#include <string>
#include <string_view>

#include "core/base/status.h"

namespace pitr {

inline constexpr std::string_view kDirectoryMissing = " of the store does not exist";
inline constexpr std::string_view kNeverSetUp = " is empty and was never set up as a store";

inline Status MissingStore(const std::string& root, std::string_view why) {
  return {Code::kInvalidArgument, "directory \"" + root + "\"" + std::string(why)};
}

inline bool IsMissingStore(const Status& status) {
  return status.code() == Code::kInvalidArgument && (status.message().find(kDirectoryMissing) != std::string::npos ||
                                                     status.message().find(kNeverSetUp) != std::string::npos);
}

}  // namespace pitr
