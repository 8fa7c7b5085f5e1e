#include "core/survey/check_row.h"

namespace pitr {

std::string_view CheckStateName(CheckState state) {
  switch (state) {
    case CheckState::kOk:
      return "ok";
    case CheckState::kWarning:
      return "warning";
    case CheckState::kFailed:
      return "failed";
    case CheckState::kSkipped:
      return "skipped";
    case CheckState::kAbsent:
      return "absent";
  }
  return "?";
}

CheckRow FailedRow(const std::string& item, const Status& status) {
  std::string detail = status.message();
  if (!status.detail().empty()) detail += ". " + status.detail();
  return {item, CheckState::kFailed, detail, status.hint()};
}

bool AllPassed(const std::vector<CheckRow>& rows) {
  for (const CheckRow& row : rows)
    if (row.state == CheckState::kFailed || row.state == CheckState::kAbsent) return false;
  return true;
}

}  // namespace pitr
