// Proves what pg_pitr relies on, item by item: that the settings can work, that the store keeps its promises, that the
// repository can be read. The same rows from `pg_pitr check` and from pitr_check(). Writes only under probe/ and
// removes what it wrote.
#pragma once
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <vector>
#include "core/report/info_report.h"

#include "core/base/log.h"
#include "core/base/op_context.h"
#include "core/base/text_page.h"
#include "core/config/config.h"
#include "core/pg/lsn.h"
#include "core/store/object_store.h"

namespace pitr {

// kAbsent: there is no repository yet, or no more: nothing is wrong before the first use, but nothing would do either.
enum class CheckState { kOk, kWarning, kFailed, kSkipped, kAbsent };
std::string_view CheckStateName(CheckState state);  // "ok", "warning", "failed", "skipped", "absent"

struct CheckRow {
  std::string item;  // "store: create-once"
  CheckState state = CheckState::kOk;
  std::string detail;  // what was found, a phrase
  std::string hint;    // what to do, a sentence; empty when ok
};

// Every semantic of object_store.h that the format relies on, tried with objects under probe/<random>/: create,
// create-once (one after the other and racing), read, ranged read, absent key, stat, ordered and complete list, upload
// in parts, taken key at completion, abort, delete; and that nothing stands in the way of objects under other prefixes.
// Never fails as a whole: what could not be tried is a row.
std::vector<CheckRow> CheckStore(ObjectStore& store, const OpContext& ctx);

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

bool AllPassed(const std::vector<CheckRow>& rows);  // no kFailed and no kAbsent row
std::string CheckText(const std::vector<CheckRow>& rows, size_t width = kAnyWidth);
nlohmann::ordered_json CheckJson(const std::vector<CheckRow>& rows);

}  // namespace pitr
