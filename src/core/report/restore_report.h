// What a restore did, for people and for programs. Pure.
#pragma once
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "core/restore/restorer.h"

namespace pitr {

// One line, and one for each note.
std::string DescribeRestore(const RestoreResult& result, const std::string& data_directory, int64_t millis);
std::string DescribeNotes(const std::vector<std::string>& notes);
// One JSON object: {"plan": what PlanJson gives, "restore": {...}}.
nlohmann::ordered_json RestoreJson(const RestorePlan& plan, const std::string& config_path, const RestoreResult& result,
                                   const RestoreOptions& options, int64_t millis);
// What a dry run has shown, and what it has not looked at.
std::string DescribeDryRun();
// The same of a dry run: "restore" is null, and "dry_run" has what CheckRestore noted, and what was not checked.
nlohmann::ordered_json DryRunJson(const RestorePlan& plan, const std::string& config_path,
                                  const RestoreOptions& options, const std::vector<std::string>& notes);

}  // namespace pitr
