#include "core/report/plan_report.h"

#include <nlohmann/json.hpp>

#include "core/base/describe_size.h"
#include "core/base/json_page.h"
#include "core/base/shell_word.h"
#include "core/pg/timestamp.h"
#include "core/report/json_values.h"
#include "core/restore/target_command.h"

namespace pitr {
namespace {

const char* KindName(TargetKind kind) {
  switch (kind) {
    case TargetKind::kLatest:
      return "latest";
    case TargetKind::kImmediate:
      return "immediate";
    case TargetKind::kTime:
      return "time";
    case TargetKind::kXid:
      return "xid";
    case TargetKind::kName:
      return "name";
    case TargetKind::kLsn:
      return "lsn";
  }
  return "?";
}

std::string StopText(const RestorePlan& plan) {
  const StopPoint& stop = plan.stop;
  const std::string at = " at " + stop.lsn.ToString();
  if (plan.target.kind == TargetKind::kLatest)
    return "after everything in the archive, which ends at " + stop.lsn.ToString();
  if (plan.target.kind == TargetKind::kImmediate) return "as soon as the backup is consistent" + at;
  const std::string side = stop.applied ? "after " : "before ";
  if (stop.what == "restore point")
    return side + "restore point \"" + stop.name + "\"" + at + ", made " + DescribeTimestamp(stop.time_micros);
  if (stop.what == "position") return side + "the record" + at;
  return side + "the " + stop.what + " of transaction " + std::to_string(stop.xid) + at + ", " +
         DescribeTimestamp(stop.time_micros);
}

std::string ThenText(const RestorePlan& plan) {
  if (plan.target.action == TargetAction::kPromote) return "the server opens for writing on a new timeline";
  if (plan.target.action == TargetAction::kShutdown) return "the server shuts down";
  if (plan.replay.without_hot_standby)
    return "the server shuts down instead of pausing: this replay needs hot_standby = off";
  return "the server stays in recovery, open for reading (with hot_standby = off it shuts down instead); SELECT "
         "pg_wal_replay_resume() promotes it";
}

std::string TablespaceText(const TablespaceEntry& entry, const TablespaceMap& map) {
  const std::string oid = std::to_string(entry.oid);
  if (const auto place = MappedPlace(map, entry.oid, entry.path))
    return oid + " into " + *place + ", by --tablespace; the backup records it in " + entry.path;
  return oid + " in " + entry.path + " as the backup records it; --tablespace puts it elsewhere";
}

std::string NewTablespaceText(const ReplayEffects::NewTablespace& made, const TablespaceMap& map) {
  const std::string oid = std::to_string(made.oid);
  if (made.path.empty()) return oid + ", inside the data directory, made at " + made.at.ToString();
  if (const auto place = MappedPlace(map, made.oid, made.path))
    return oid + " in " + *place + ", by --tablespace, made at " + made.at.ToString() +
           ", after the backup: replay makes it in " + made.path +
           ", which has to be a link to there; where nothing is "
           "yet, the restore makes that link";
  return oid + " in " + made.path + ", made at " + made.at.ToString() +
         ", after the backup: replay makes it in that very place, on whatever machine. The restore refuses where "
         "that is in use";
}

// Empty when WAL says nothing of them.
std::string LimitsText(const RecoveryLimits& limits) {
  std::string text;
  for (const auto& [name, value] : NamedLimits(limits))
    if (value != 0) text += (text.empty() ? "" : ", ") + std::string(name) + " = " + std::to_string(value);
  return text;
}

std::string WalText(const RestorePlan& plan) {
  const uint32_t segment_size = plan.backup.cluster.segment_size_bytes;
  std::string text;
  for (const WalSpan& span : plan.wal) text += (text.empty() ? "" : "\n") + DescribeSpan(span, segment_size);
  return text + "\nall " + std::to_string(plan.wal_segments) + " found";
}

std::string Command(const RestorePlan& plan, const std::string& config_path, const TablespaceMap& map) {
  const RecoveryTarget& target = plan.target;
  std::string command = "pg_pitr restore";
  if (!config_path.empty()) command += " --config " + ShellWord(config_path);
  command += " --pgdata DIRECTORY";
  command += TargetOptionText(target);
  command += " --target-timeline " + std::to_string(plan.target_timeline.value);
  if (target.action != TargetAction::kPromote)
    command += " --target-action " + std::string(TargetActionName(target.action));
  command += " --backup " + plan.backup.label;
  for (const auto& [from, to] : map) command += " --tablespace " + ShellWord(from + "=" + to);
  return command;
}

}  // namespace

std::vector<std::pair<std::string, std::string>> DescribePlan(const RestorePlan& plan, const std::string& config_path,
                                                              const TablespaceMap& map) {
  std::vector<std::pair<std::string, std::string>> rows;
  rows.emplace_back("target", DescribeTarget(plan.target));
  rows.emplace_back("backup", plan.backup.label + " (" + std::string(BackupTypeName(plan.backup.type)) + ", ended " +
                                  DescribeToSecond(plan.backup.stop_micros) + ", " +
                                  DescribeBytes(plan.backup.database_bytes) + ")");
  rows.emplace_back("timeline", std::to_string(plan.target_timeline.value) +
                                    (plan.timeline_why.empty() ? "" : ": " + plan.timeline_why));
  rows.emplace_back("replay stops", StopText(plan));
  if (plan.stop.last_commit_xid != 0)
    rows.emplace_back("last transaction", std::to_string(plan.stop.last_commit_xid) + ", committed " +
                                              DescribeTimestamp(plan.stop.last_commit_micros));
  if (plan.target.kind != TargetKind::kLatest) rows.emplace_back("then", ThenText(plan));
  for (const TablespaceEntry& entry : plan.backup.tablespaces)
    if (!entry.in_place) rows.emplace_back("tablespace", TablespaceText(entry, map));
  for (const ReplayEffects::NewTablespace& made : plan.replay.tablespaces)
    rows.emplace_back("new tablespace", NewTablespaceText(made, map));
  if (const std::string limits = LimitsText(plan.replay.limits); !limits.empty())
    rows.emplace_back("settings", "replay needs at least " + limits + "; the restore sees to it");
  if (plan.NeedsInPlaceTablespaces())
    rows.emplace_back("settings",
                      "recovery needs allow_in_place_tablespaces = on: there are tablespaces inside the data "
                      "directory; the restore sees to it");
  rows.emplace_back("WAL to replay", WalText(plan));
  rows.emplace_back("objects checked", std::to_string(plan.objects_checked) + ", all there with the right size");
  rows.emplace_back("to fetch", "at most about " + DescribeBytes(plan.fetch_bytes) + ", writing " +
                                    DescribeBytes(plan.restore_bytes) + " in " +
                                    DescribeCount(plan.backup.file_count, "file", "files"));
  if (plan.estimated_seconds > 0) rows.emplace_back("rough estimate", DescribeSeconds(plan.estimated_seconds));
  for (const std::string& note : plan.notes) rows.emplace_back("note", note);
  rows.emplace_back("command", Command(plan, config_path, map));
  return rows;
}

OrderedJson PlanJson(const RestorePlan& plan, const std::string& config_path, const TablespaceMap& map) {
  const uint32_t segment_size = plan.backup.cluster.segment_size_bytes;
  OrderedJson wal = OrderedJson::array();
  for (const WalSpan& span : plan.wal)
    wal.push_back({{"timeline", span.timeline.value},
                   {"first", SegmentFileName(span.timeline, span.first, segment_size)},
                   {"last", SegmentFileName(span.timeline, span.last, segment_size)},
                   {"segments", span.last.value - span.first.value + 1}});
  const StopPoint& stop = plan.stop;
  OrderedJson tablespaces = OrderedJson::array();
  for (const ReplayEffects::NewTablespace& made : plan.replay.tablespaces)
    tablespaces.push_back({{"oid", made.oid},
                           {"path", made.path},
                           {"directory", PlaceOf(map, made.oid, made.path)},
                           {"lsn", made.at.ToString()}});
  OrderedJson recorded = OrderedJson::array();
  for (const TablespaceEntry& entry : plan.backup.tablespaces)
    if (!entry.in_place)
      recorded.push_back(
          {{"oid", entry.oid}, {"path", entry.path}, {"directory", PlaceOf(map, entry.oid, entry.path)}});
  OrderedJson settings = OrderedJson::object();
  for (const auto& [name, value] : NamedLimits(plan.replay.limits))
    if (value != 0) settings[std::string(name)] = value;
  if (plan.NeedsInPlaceTablespaces()) settings["allow_in_place_tablespaces"] = "on";
  return {{"target",
           {{"kind", KindName(plan.target.kind)},
            {"text", DescribeTarget(plan.target)},
            {"inclusive", plan.target.inclusive},
            {"action", TargetActionName(plan.target.action)}}},
          {"backup", plan.backup.label},
          {"timeline", plan.target_timeline.value},
          {"timeline_why", JsonOrNull(plan.timeline_why)},
          {"stop",
           {{"known", stop.known},
            {"what", stop.what},
            {"lsn", stop.lsn.ToString()},
            {"applied", stop.applied},
            {"xid", stop.xid == 0 ? OrderedJson(nullptr) : OrderedJson(stop.xid)},
            {"time", JsonTime(stop.time_micros)},
            {"name", JsonOrNull(stop.name)}}},
          {"last_transaction",
           {{"xid", stop.last_commit_xid == 0 ? OrderedJson(nullptr) : OrderedJson(stop.last_commit_xid)},
            {"time", JsonTime(stop.last_commit_micros)}}},
          {"server_target", DescribeTarget(plan.ServerTarget())},
          {"tablespaces", recorded},
          {"new_tablespaces", tablespaces},
          {"settings_needed", settings},
          {"wal", wal},
          {"wal_segments", plan.wal_segments},
          {"objects_checked", plan.objects_checked},
          {"fetch_bytes", plan.fetch_bytes},
          {"restore_bytes", plan.restore_bytes},
          {"estimated_seconds", plan.estimated_seconds},
          {"notes", plan.notes},
          {"command", Command(plan, config_path, map)}};
}

}  // namespace pitr
