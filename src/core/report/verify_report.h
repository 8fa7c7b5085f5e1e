// The outcome of a verification as a page and as JSON. Pure.
#pragma once
#include <nlohmann/json_fwd.hpp>
#include <string>

#include "core/base/text_page.h"
#include "core/verify/verify.h"

namespace pitr {

// For a terminal of `width` columns, in UTC.
std::string VerifyText(const VerifyReport& report, size_t width = kAnyWidth);
nlohmann::ordered_json VerifyJson(const VerifyReport& report);
// One line: "full verification of 2026-05-22 09:00:14+00: 3 backups, 120 WAL files, 12.1 GB read; nothing wrong".
std::string DescribeVerify(const VerifyRecord& record);

}  // namespace pitr
