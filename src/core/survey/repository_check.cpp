#include "core/survey/repository_check.h"

#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <map>

#include "core/base/describe_size.h"
#include "core/config/named_files.h"
#include "core/config/settings.h"
#include "core/config/settings_file.h"
#include "core/config/store_config.h"
#include "core/pg/control.h"
#include "core/pg/timestamp.h"
#include "core/repo/opening/open_repository.h"
#include "core/repo/repository.h"
#include "core/restore/planner.h"
#include "core/store/creation_probe.h"
#include "core/store/file_error.h"
#include "core/store/missing_store.h"
#include "core/store/open.h"
#include "core/store/s3.h"
#include "core/store/store_url.h"
#include "core/survey/store_check.h"
#include "core/verify/known_damage.h"

namespace pitr {
namespace {

void CheckBackups(const RepositoryInfo& report, std::vector<CheckRow>& rows) {
  size_t good = 0;
  for (const BackupRow& row : report.backups) {
    if (row.status == "ok" || row.status == "page errors") ++good;
    if (row.status == "page errors")
      rows.push_back({"backup " + row.label, CheckState::kWarning, row.problem, "Find the table with pg_amcheck."});
    if (row.status == "wal missing" || row.status == "not restorable" || row.status == "damaged")
      rows.push_back(
          {"backup " + row.label, CheckState::kFailed, row.problem, "Take a new backup with SELECT pitr_backup()."});
    if (row.status == "unfinished")
      rows.push_back(
          {"backup " + row.label, CheckState::kWarning, row.problem, "It does no harm; nothing has to be done."});
  }
  if (good == 0) {
    rows.push_back({"backups", CheckState::kFailed, "there is none that could be restored",
                    "Take one with SELECT pitr_backup()."});
  } else {
    rows.push_back({"backups", CheckState::kOk, DescribeCount(good, "backup", "backups") + " can be restored", ""});
  }
}

void CheckArchive(const RepositoryInfo& report, std::vector<CheckRow>& rows) {
  for (const GapRow& gap : report.gaps) {
    std::string detail = "missing: " + gap.missing;
    if (gap.behind_newest) {
      rows.push_back({kArchiveGapsItem, CheckState::kFailed,
                      detail + "; recovery to the newest state ends before this gap, at " + gap.from_lsn.ToString(),
                      gap.remedy + ". If they are lost, take a new backup: SELECT pitr_backup()."});
    } else {
      detail += gap.expiring ? "; they follow a backup that is kept alone, and expired"
                             : "; recovery from a backup before this gap ends at " + gap.from_lsn.ToString();
      rows.push_back({kArchiveGapsItem, CheckState::kWarning, detail + "; the newest backup is behind it",
                      gap.expiring ? "Nothing has to be done." : gap.remedy + "."});
    }
  }
  if (report.gaps.empty() && report.window.latest_timeline.valid())
    rows.push_back({kArchiveGapsItem, CheckState::kOk,
                    "nothing is missing from the oldest backup to the end of timeline " +
                        std::to_string(report.window.latest_timeline.value),
                    ""});
  for (const TimelineRow& row : report.timelines) {
    if (row.history_missing)
      rows.push_back({"archive", CheckState::kFailed,
                      "the history file of timeline " + std::to_string(row.timeline.value) + " is missing",
                      "Push it from the server's pg_wal with pg_pitr wal-push."});
  }
  if (report.window.possible) {
    rows.push_back(
        {kRecoveryWindowItem, CheckState::kOk,
         "from " + FormatTimestamp(report.window.earliest_micros) + " to the end of " + report.window.latest_segment,
         ""});
  } else {
    rows.push_back(
        {kRecoveryWindowItem, CheckState::kFailed, report.window.problem,
         report.window.remedy.empty() ? "Take a backup and let the archive catch up." : report.window.remedy});
  }
  for (const TimelineRow& row : report.timelines) {
    if (row.note.empty()) continue;
    const std::string timeline = "timeline " + std::to_string(row.timeline.value) + ": ";
    const bool quiet = row.set_aside && !row.endangers;
    const CheckState state = row.endangers ? CheckState::kFailed : quiet ? CheckState::kOk : CheckState::kWarning;
    rows.push_back(
        {kTimelinesItem, state, timeline + row.note,
         quiet ? ""
               : "Plans, the recovery window and standbys pass it over only while they know which is the real one."});
  }
}

// What the worst day would ask for, planned in full.
void CheckPlan(const Repository& repository, std::optional<Timeline> own_timeline, const OpContext& ctx,
               std::vector<CheckRow>& rows) {
  PlanRequest request;
  request.target.kind = TargetKind::kLatest;
  request.own_timeline = own_timeline;
  request.damage_of = KnownDamage(repository, ctx);
  const auto plan = MakeRestorePlan(repository, request, ctx);
  if (plan.ok()) {
    rows.push_back({kPlanItem, CheckState::kOk,
                    "from backup \"" + plan.value().backup.label + "\" along timeline " +
                        std::to_string(plan.value().target_timeline.value) + ", " +
                        DescribeCount(plan.value().wal_segments, "segment", "segments") + " of WAL",
                    ""});
    return;
  }
  rows.push_back(FailedRow(kPlanItem, plan.status()));
  // Which branch is for a person to say; each can be restored.
  if (plan.code() == Code::kInvalidArgument) rows.back().state = CheckState::kWarning;
}

// A rule is about what begins with its prefix: everything, the repository and what is beside it, or a part of it.
bool Concerns(const S3LifecycleRule& rule, const std::string& repository_prefix) {
  const std::string prefix = repository_prefix.empty() ? "" : repository_prefix + "/";
  return prefix.starts_with(rule.prefix) || rule.prefix.starts_with(prefix);
}

// Rules by which the bucket deletes or moves objects know nothing of what needs what: the marker and the key slots are
// the oldest objects.
void CheckLifecycle(const Config& config, const OpContext& ctx, std::vector<CheckRow>& rows) {
  const std::string item = "store: lifecycle rules";
  if (!config.repository.starts_with("s3:")) return;
  auto settings = MakeStoreConfig(config);
  auto where = settings.ok() ? ParseS3Url(config.repository) : Result<S3Config>(settings.status());
  if (!where.ok()) return;  // other rows say why
  settings.value().s3.bucket = where.value().bucket;
  settings.value().s3.prefix = where.value().prefix;
  const auto rules = ReadLifecycleRules(settings.value().s3, *ctx.clock, ctx);
  if (!rules.ok()) {
    rows.push_back({item, CheckState::kSkipped, rules.status().message(),
                    "See in the store's console that no rule deletes or archives objects of the repository."});
    return;
  }
  std::string taking;
  for (const S3LifecycleRule& rule : rules.value()) {
    if (!(rule.expires || rule.archives) || !Concerns(rule, where.value().prefix)) continue;
    taking += (taking.empty() ? "" : ", ") + ("\"" + rule.id + "\"") + (rule.expires ? "" : " (archives)") +
              (rule.tagged ? " (objects with certain tags)" : "");
  }
  if (taking.empty()) {
    rows.push_back({item, CheckState::kOk, "none takes objects of the repository", ""});
    return;
  }
  rows.push_back({item, CheckState::kWarning, "by age, the bucket takes objects of the repository: rule " + taking,
                  "It would take the marker and the key slots as well as packs that later backups refer to. Remove "
                  "it, or limit it to another prefix; let pg_pitr expire backups (pg_pitr.retention_...)."});
}

// Of a store in which nothing is yet: how it creates is found out before anything relies on it.
void CheckUnusedStore(const Config& config, Log& log, const OpContext& ctx, std::vector<CheckRow>& rows) {
  CheckLifecycle(config, ctx, rows);
  const auto check = [&]() -> Status {
    PITR_ASSIGN(StoreConfig settings, MakeStoreConfig(config));
    if (StoreDirectory(config.repository).empty()) {
      PITR_ASSIGN(settings.s3.conditional_create, ProbeConditionalCreate(settings, log, *ctx.clock, ctx));
    }
    PITR_ASSIGN(const auto store, OpenStore(settings, log));
    for (CheckRow& row : CheckStore(*store, ctx)) rows.push_back(std::move(row));
    return Status::Ok();
  };
  const Status checked = check();
  if (!checked.ok()) rows.push_back(FailedRow("store", checked));
}

// Before the first use: what will happen, and whether the store will do. False when that is not what is the matter.
bool AddAbsent(const Config& config, const Status& status, Log& log, const OpContext& ctx,
               std::vector<CheckRow>& rows) {
  const std::string directory = StoreDirectory(config.repository);
  std::error_code error;
  const bool unmade = IsMissingStore(status) && std::filesystem::is_directory(directory, error);
  // What holds data and has lost its marker is no new place.
  const bool lost = status.code() == Code::kNotFound && status.message().starts_with("the marker of ");
  if (lost || (status.code() != Code::kNotFound && !unmade)) return false;
  rows.push_back(
      {"repository", CheckState::kAbsent, "there is none at " + config.repository + " yet",
       "The server makes it when it first archives, and in SQL: SELECT * FROM pitr_check(). If there was one "
       "here before, everything in it is gone."});
  rows.push_back({"encryption", CheckState::kOk,
                  config.passphrase_file.empty()
                      ? "a new repository is not encrypted, and stays so: no passphrase_file is set"
                      : "a new repository is encrypted; the passphrase file can be used",
                  ""});
  if (!unmade) {
    CheckUnusedStore(config, log, ctx, rows);
  } else if (access(directory.c_str(), W_OK | X_OK) != 0) {
    // Only the server makes a store of it: an empty directory may be one whose file system is not mounted.
    const int why = errno;
    rows.push_back(FailedRow("store", FileError(why, "writing to directory \"" + directory + "\"")));
  }
  return true;
}

// "; pg_pitr.pack_size = 1048576 is 1GB" for each value that was understood otherwise than it is written.
std::string Understood(const std::string& path) {
  std::map<std::string, std::string> values;  // the last of a name counts
  const Status read = VisitSettings(path, [&](const std::string& name, const std::string& value) {
    values[name] = value;
    return Status::Ok();
  });
  std::string text;
  if (!read.ok()) return text;
  for (const auto& [name, value] : values) {
    const Setting* setting = name.starts_with(kSettingPrefix) ? FindSetting(name) : nullptr;
    const std::string understood = setting == nullptr ? "" : UnderstoodAs(*setting, value);
    if (!understood.empty()) text += "; " + name + " = " + value + " is " + understood;
  }
  return text;
}

}  // namespace

std::vector<CheckRow> CheckSettingsFile(const std::string& path) {
  const std::string item = "settings file";
  const auto loaded = LoadSettings(path);
  if (!loaded.ok()) return {FailedRow(item, loaded.status())};
  std::vector<CheckRow> rows;
  for (const SettingProblem& problem : loaded.value().problems) rows.push_back(FailedRow(item, problem.status));
  if (rows.empty()) rows.push_back({item, CheckState::kOk, path + Understood(path), ""});
  return rows;
}

std::vector<CheckRow> CheckRepository(const Config& config, InfoOptions options, Log& log, const OpContext& ctx) {
  std::vector<CheckRow> rows;
  if (Status valid = ValidateConfig(config); !valid.ok()) {
    rows.push_back(FailedRow("settings", valid));
    return rows;
  }
  if (Status readable = CheckNamedFiles(config); !readable.ok()) {
    rows.push_back(FailedRow("settings", readable));
    return rows;
  }
  rows.push_back({"settings", CheckState::kOk, "repository " + config.repository, ""});
  auto repository = OpenRepository(config, log, ctx);
  if (!repository.ok()) {
    if (!AddAbsent(config, repository.status(), log, ctx, rows))
      rows.push_back(FailedRow("repository", repository.status()));
    return rows;
  }
  const Repository& repo = *repository.value();
  const ClusterIdentity& cluster = repo.marker().cluster;
  rows.push_back({"repository", CheckState::kOk,
                  "of PostgreSQL " + std::to_string(cluster.pg_major) + ", system identifier " +
                      std::to_string(cluster.system_id.value),
                  ""});
  CheckLifecycle(config, ctx, rows);
  rows.push_back({"encryption", CheckState::kOk, repo.marker().encrypted ? "the passphrase fits" : "not used", ""});
  for (CheckRow& row : CheckStore(repo.store(), ctx)) rows.push_back(std::move(row));
  options.read_last_commit = false;
  auto report = LoadRepositoryInfo(repo, options, ctx);
  if (!report.ok()) {
    rows.push_back(FailedRow("contents", report.status()));
    return rows;
  }
  CheckBackups(report.value(), rows);
  CheckArchive(report.value(), rows);
  if (!report.value().backups.empty()) CheckPlan(repo, options.own_timeline, ctx, rows);
  return rows;
}

std::vector<CheckRow> CheckDataDirectory(const Config& config, const std::string& data_directory, Log& log,
                                         const OpContext& ctx) {
  std::vector<CheckRow> rows;
  auto control = ReadControlFile(data_directory + "/" + kControlFilePath);
  if (!control.ok()) {
    rows.push_back(FailedRow("data directory", control.status()));
    return rows;
  }
  const ControlData& data = control.value().data;
  rows.push_back({"data directory", CheckState::kOk,
                  data_directory + ", PostgreSQL " + std::to_string(data.pg_major) + ", state \"" +
                      std::string(ClusterStateName(data.state)) + "\"",
                  ""});
  if (data.wal_level == WalLevel::kMinimal)
    rows.push_back(
        {"wal_level", CheckState::kFailed, "minimal", "Set wal_level = replica (or logical) and restart the server."});
  if (data.data_checksums == DataChecksums::kOff)
    rows.push_back({"data checksums", CheckState::kWarning,
                    "off: damaged pages are not noticed when they are backed up",
                    "Enable them with pg_checksums --enable while the server is stopped."});
  auto repository = OpenRepository(config, log, ctx);
  if (!repository.ok()) return rows;  // CheckRepository says why
  const Status same = repository.value()->CheckCluster({data.system_id, data.segment_size, data.pg_major});
  rows.push_back(same.ok()
                     ? CheckRow{"same cluster", CheckState::kOk, "data directory and repository belong together", ""}
                     : FailedRow("same cluster", same));
  return rows;
}

}  // namespace pitr
