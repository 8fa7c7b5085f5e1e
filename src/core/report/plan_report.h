// A plan as rows for people and as JSON. Pure.
#pragma once
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <utility>
#include <vector>

#include "core/restore/plan.h"

namespace pitr {

// (item, value), in reading order; the same from SQL and from the binary.
std::vector<std::pair<std::string, std::string>> DescribePlan(const RestorePlan& plan, const std::string& config_path);
nlohmann::ordered_json PlanJson(const RestorePlan& plan, const std::string& config_path);

}  // namespace pitr
