#include "core/base/status.h"

namespace pitr {

std::string_view CodeName(Code code) {
  switch (code) {
    case Code::kOk:
      return "ok";
    case Code::kNotFound:
      return "not_found";
    case Code::kAlreadyExists:
      return "already_exists";
    case Code::kConflict:
      return "conflict";
    case Code::kInvalidArgument:
      return "invalid_argument";
    case Code::kCorruption:
      return "corruption";
    case Code::kUnavailable:
      return "unavailable";
    case Code::kPermission:
      return "permission";
    case Code::kCancelled:
      return "cancelled";
    case Code::kInternal:
      return "internal";
  }
  return "internal";
}

std::string Status::WithoutHint() const { return detail_.empty() ? message_ : message_ + " (" + detail_ + ")"; }

std::string Status::ToString() const {
  std::string text = WithoutHint();
  if (!hint_.empty()) text += " HINT: " + hint_;
  return text;
}

}  // namespace pitr
