// What checks found, for people and as JSON.
#pragma once
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "core/base/text_page.h"
#include "core/survey/check_row.h"

namespace pitr {

std::string CheckText(const std::vector<CheckRow>& rows, size_t width = kAnyWidth);
nlohmann::ordered_json CheckJson(const std::vector<CheckRow>& rows);

}  // namespace pitr
