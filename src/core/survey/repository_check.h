// Whether settings, store, repository and archive would do when they are needed, item by item.
#pragma once
#include <string>
#include <vector>

#include "core/base/log.h"
#include "core/base/op_context.h"
#include "core/config/config.h"
#include "core/survey/check_row.h"
#include "core/survey/repository_info.h"

namespace pitr {

// The item of what is missing of the archive along the recovery window's timeline. A failed one says nothing about the
// store: archiving can work, and a new backup leaves the gap behind.
inline constexpr const char* kArchiveGapsItem = "archive: gaps";
// Nor do these: a timeline for which somebody has to say whether it is the real one, that a recovery is possible at
// all, and that the plan of a restore to the newest state succeeds.
inline constexpr const char* kTimelinesItem = "archive: timelines";
inline constexpr const char* kRecoveryWindowItem = "recovery window";
inline constexpr const char* kPlanItem = "restore: the plan to the newest state";

// What of the settings file `path`, and of what it includes, has no effect: a row for each name that does not exist and
// each value that is not allowed, kFailed, with the nearest name; one that is ok when there is none.
std::vector<CheckRow> CheckSettingsFile(const std::string& path);

// Settings, store, marker, key, backups and archive of the repository that `config` names. `options`: of the running
// server.
std::vector<CheckRow> CheckRepository(const Config& config, InfoOptions options, Log& log, const OpContext& ctx);

// Adds what a data directory on this machine tells: its pg_control against the marker, archive settings are the
// server's business.
std::vector<CheckRow> CheckDataDirectory(const Config& config, const std::string& data_directory, Log& log,
                                         const OpContext& ctx);

}  // namespace pitr
