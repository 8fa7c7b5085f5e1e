#include "core/restore/restore_finish.h"

#include <algorithm>

#include "core/config/settings_file.h"
#include "core/pg/backup_label.h"
#include "core/pg/relation_file.h"
#include "core/pg/wal_name.h"
#include "core/repo/opening/known_repository.h"

namespace pitr {
namespace {

constexpr size_t kMaxKnownRepositoriesBytes = size_t{1} << 20;

// What the server would run at the end of recovery if nobody wrote another command. Configuration that cannot be read
// here is not known.
std::string OwnEndCommand(const ClusterTree& tree, std::string_view auto_conf) {
  std::string command;
  (void)VisitSettings(tree.Locate("postgresql.conf"), [&](const std::string& name, const std::string& value) {
    if (name == "recovery_end_command") command = value;
    return Status::Ok();
  });
  const std::string set = SettingIn(auto_conf, "recovery_end_command");
  return set.empty() ? command : set;
}

}  // namespace

Result<std::string> AdjustTablespaceMap(std::string_view text, const std::map<std::string, std::string>& mapped) {
  PITR_ASSIGN(const std::vector<TablespaceLink> links, ParseTablespaceMap(text));
  std::vector<TablespaceLink> held;
  for (const TablespaceLink& link : links) {
    const auto found = mapped.find(std::to_string(link.oid));
    if (found != mapped.end()) held.push_back({link.oid, found->second});
  }
  return FormatTablespaceMap(held);
}

Status CheckBackupFiles(const BackupManifest& backup, const std::map<std::string, std::string>& mapped) {
  if (auto label = ParseBackupLabel(backup.backup_label); !label.ok())
    return std::move(label).status().Annotate("reading backup_label of backup \"" + backup.label + "\"");
  if (backup.tablespace_map.empty()) return Status::Ok();
  return AdjustTablespaceMap(backup.tablespace_map, mapped).status();
}

Status WriteBackupFiles(const ClusterTree& tree, const BackupManifest& backup,
                        const std::map<std::string, std::string>& mapped, mode_t mode) {
  PITR_TRY(CheckBackupFiles(backup, mapped));
  if (!backup.tablespace_map.empty()) {
    PITR_ASSIGN(const std::string map, AdjustTablespaceMap(backup.tablespace_map, mapped));
    PITR_TRY(tree.WriteWhole(kTablespaceMapPath, AsBytes(map), mode));
  }
  return tree.WriteWhole(kBackupLabelPath, AsBytes(backup.backup_label), mode);
}

Status LeaveKnownRepositories(const ClusterTree& tree, mode_t mode) {
  const auto text = tree.ReadWhole(kKnownRepositoriesFile, kMaxKnownRepositoriesBytes);
  if (text.code() == Code::kNotFound) return Status::Ok();
  if (!text.ok()) return text.status();
  const std::string left = RestoredKnownRepositories(std::string(AsText(text.value())));
  return tree.WriteWhole(kKnownRepositoriesFile, AsBytes(left), mode);
}

RestoreMark MarkOfPlan(const Repository& repository, const RestorePlan& plan, int64_t now_micros) {
  RestoreMark mark;
  mark.repository = repository.config().repository;
  mark.repository_id = repository.marker().repository_id;
  mark.system_id = plan.backup.cluster.system_id;
  mark.backup = plan.backup.label;
  mark.restored_micros = now_micros;
  mark.segment_size_bytes = plan.backup.cluster.segment_size_bytes;
  mark.target = DescribeTarget(plan.target);
  mark.kind = plan.ServerTarget().kind;
  mark.timeline = plan.target_timeline;
  mark.stop_lsn = plan.stop.lsn;
  mark.stop_end = plan.stop.end;
  mark.applied = plan.stop.applied;
  if (!plan.wal.empty()) mark.last_segment = SegmentStart(plan.wal.back().last, mark.segment_size_bytes);
  mark.last_xid = plan.stop.last_commit_xid;
  mark.last_commit_micros = plan.stop.last_commit_micros;
  mark.last_commit_end = plan.stop.last_commit_end;
  mark.newest = plan.newest;
  return mark;
}

Status NoteWalAside(const ClusterTree& tree, RestoreMark& mark) {
  const std::string wal(kWalDirectory);
  const auto names = tree.List(wal);
  if (!names.ok()) return Status::Ok();  // nothing was there
  for (const std::string& directory : names.value()) {
    if (directory.find(kSetAsideMark) == std::string::npos) continue;
    PITR_ASSIGN(const std::vector<std::string> files, tree.List(wal + "/" + directory));
    for (const std::string& file : files) {
      const auto parsed = ParseWalFileName(file, mark.segment_size_bytes);
      if (!parsed || parsed->kind != WalFileKind::kSegment) continue;
      // Of another timeline it is not known how far the archive goes.
      if (parsed->timeline != mark.timeline && !mark.newest.contains(parsed->timeline)) continue;
      Lsn& newest = mark.newest[parsed->timeline];
      newest = std::max(newest, SegmentStart(parsed->segment, mark.segment_size_bytes));
    }
  }
  return Status::Ok();
}

Status WriteRecoveryFiles(const ClusterTree& tree, RecoverySettings settings, RestoreMark mark, mode_t mode) {
  PITR_TRY(tree.Unlink(kRecoverySignal));
  PITR_TRY(tree.Unlink(kStandbySignal));
  if (settings.mode == RecoveryMode::kNone) return WriteRestoreMark(tree, mark, mode);
  auto existing = tree.ReadWhole(kAutoConfPath, kMaxAutoConfBytes);
  if (!existing.ok() && existing.code() != Code::kNotFound) return existing.status();
  std::string before = existing.ok() ? std::string(AsText(existing.value())) : "# Do not edit this file manually!\n";
  settings.recovery_end_command =
      RecoveryEndCommand(settings.recovery_end_command, mark.as_copy ? "" : OwnEndCommand(tree, before));
  // Of an earlier restore here, which may have been to another target, or as a copy.
  if (const auto earlier = ReadRestoreMark(tree); earlier.ok() && earlier.value())
    before = RemoveSettings(before, earlier.value()->settings);
  mark.settings = RecoverySettingList(settings, before);
  for (const auto& [name, value, stays] : mark.settings) {
    if (auto quoted = QuoteSetting(value); !quoted.ok()) return std::move(quoted).status().Annotate("writing " + name);
  }
  PITR_TRY(WriteRestoreMark(tree, mark, mode));
  PITR_TRY(tree.WriteWhole(kAutoConfPath, AsBytes(EditAutoConf(before, settings)), mode));
  return tree.WriteWhole(settings.mode == RecoveryMode::kStandby ? kStandbySignal : kRecoverySignal, {}, mode);
}

}  // namespace pitr
