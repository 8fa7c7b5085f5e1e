// What a check found, item by item; the same from `pg_pitr check` and from pitr_check().
#pragma once
#include <string>
#include <string_view>
#include <vector>

#include "core/base/status.h"

namespace pitr {

// kAbsent: there is no repository yet, or no more: nothing is wrong before the first use, but nothing would do either.
enum class CheckState { kOk, kWarning, kFailed, kSkipped, kAbsent };
std::string_view CheckStateName(CheckState state);  // "ok", "warning", "failed", "skipped", "absent"

struct CheckRow {
  std::string item;  // "store: create-once"
  CheckState state = CheckState::kOk;
  std::string detail;  // what was found, a phrase
  std::string hint;    // what to do, a sentence; empty when ok
};

// `status` as a row, whole: detail and hint too.
CheckRow FailedRow(const std::string& item, const Status& status);

bool AllPassed(const std::vector<CheckRow>& rows);  // no kFailed and no kAbsent row

}  // namespace pitr
