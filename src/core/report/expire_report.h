// An expiry as a page and as JSON.
#pragma once
#include <nlohmann/json_fwd.hpp>
#include <string>

#include "core/base/text_page.h"
#include "core/expire/expire.h"

namespace pitr {

// A table, or, where that does not fit into `width`, two lines and more for each row.
std::string ExpireText(const ExpireReport& report, bool dry_run, int64_t millis, size_t width = kAnyWidth);
nlohmann::ordered_json ExpireJson(const ExpireReport& report, bool dry_run, int64_t millis);

}  // namespace pitr
