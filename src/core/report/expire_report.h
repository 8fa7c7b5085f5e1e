// An expiry as a page and as JSON.
#pragma once
#include <string>

#include "core/expire/expire.h"

namespace pitr {

std::string ExpireText(const ExpireReport& report, bool dry_run);
// One JSON object.
std::string ExpireJson(const ExpireReport& report, bool dry_run);

}  // namespace pitr
