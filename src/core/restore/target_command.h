// A target as the options of a command that a person can copy. Pure functions.
#pragma once
#include <string>

#include "core/restore/target.h"

namespace pitr {

// " --target-time '2026-05-22 12:29:00+00' --target-exclusive", each option after a space; without the timeline.
std::string TargetOptionText(const RecoveryTarget& target);

}  // namespace pitr
