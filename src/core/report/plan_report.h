// A plan as rows for people and as JSON. Pure. `map`: where a restore was asked to put tablespaces.
#pragma once
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <utility>
#include <vector>

#include "core/restore/plan.h"
#include "core/restore/tablespace_map.h"

namespace pitr {

// (item, value), in reading order; the same from SQL and from the binary.
std::vector<std::pair<std::string, std::string>> DescribePlan(const RestorePlan& plan, const std::string& config_path,
                                                              const TablespaceMap& map = {});
nlohmann::ordered_json PlanJson(const RestorePlan& plan, const std::string& config_path, const TablespaceMap& map = {});

}  // namespace pitr
