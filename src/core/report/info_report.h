// What a repository holds, for people and as JSON.
#pragma once
#include <nlohmann/json_fwd.hpp>
#include <string>

#include "core/base/text_page.h"
#include "core/survey/repository_info.h"

namespace pitr {

// A page for a terminal of `width` columns, in UTC; where not all columns of the table of backups fit the rest are left
// out.
std::string InfoText(const RepositoryInfo& report, size_t width = kAnyWidth);
// Times in RFC 3339 UTC, LSNs as text, sizes in bytes.
nlohmann::ordered_json InfoJson(const RepositoryInfo& report);

}  // namespace pitr
