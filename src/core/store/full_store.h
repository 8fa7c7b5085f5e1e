// A store that has no room: a full disk, a quota that is used up. That does not pass by waiting, so it is tried again
// for seconds only, where other failures are for minutes. Any thread.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

#include "core/base/status.h"

namespace pitr {

inline constexpr std::string_view kFullDetail = "There is no room, which does not pass by waiting.";
// Somebody else may be removing something just now.
inline constexpr int64_t kFullMillis = 3000;

// `failed`, kUnavailable, with what to do.
inline Status FullStore(Status failed, std::string hint) {
  std::string detail = failed.detail() + (failed.detail().empty() ? "" : " ") + std::string(kFullDetail);
  return std::move(failed).WithDetail(std::move(detail)).WithHint(std::move(hint));
}
inline bool IsFull(const Status& status) { return status.detail().find(kFullDetail) != std::string::npos; }

}  // namespace pitr
