#include "core/restore/copy_guard.h"

#include <algorithm>
#include <filesystem>

#include "core/pg/timestamp.h"
#include "core/pg/wal_name.h"
#include "core/repo/layout.h"
#include "core/repo/opening/archive_hold.h"
#include "core/restore/directory_home.h"
#include "core/restore/live_servers.h"
#include "core/restore/recovery_end.h"
#include "core/restore/timeline_fork.h"

namespace pitr {
namespace {

constexpr int64_t kWatchMicros = int64_t{24} * 3600 * 1000000;
constexpr int64_t kLookAgainMillis = 60000;
constexpr int64_t kLookAgainWhileHeldMillis = 2000;
// Somebody stops production, starts what was restored, and starts production again: within an hour, as a rule.
constexpr int64_t kYoungMicros = int64_t{3600} * 1000000;
constexpr int64_t kLookAgainWhileYoungMillis = 10000;  // a request to the store
constexpr int64_t kLookForProcessesMillis = 1000;      // files in /proc only

constexpr const char* kGivenAsCopy = "The restore was given --as-copy.";

std::string NumberOf(Timeline timeline) { return std::to_string(timeline.value); }

std::string Absolute(const std::string& data_directory) {
  std::error_code error;
  const std::string absolute = std::filesystem::canonical(data_directory, error).string();
  return error ? data_directory : absolute;
}

// Nobody looks for its original any more.
bool IsSettled(const RestoreMark& mark, int64_t now_micros) {
  return mark.admitted_micros != 0 && now_micros - mark.admitted_micros > kWatchMicros && !mark.as_copy;
}

Status Held(const RestoreMark& mark, const std::string& why, const std::string& evidence,
            const std::string& data_directory) {
  return ArchivingHeld("this server was restored " + FormatToSecond(mark.restored_micros) + " from the repository, " +
                       why)
      .WithDetail(evidence)
      .WithHint(
          "If this is a copy, set archive_mode = off and restart it, as pg_pitr restore --as-copy does, or give it a "
          "repository of its own in pg_pitr.repository. If it takes over, see to it that the other server never runs "
          "again, and run: pg_pitr take-over -D " +
          Absolute(data_directory) + ".");
}

// `where`: where it may be done, a sentence.
Status RefusedToCopy(const RestoreMark& mark, const std::string& evidence, const std::string& data_directory,
                     const std::string& where) {
  return Status(Code::kConflict, "a copy changes nothing in the repository that it was made from")
      .WithDetail("This server was restored " + FormatToSecond(mark.restored_micros) + ". " + evidence)
      .WithHint(where +
                " If this one continues the cluster, see to it that the other never runs again, and run: pg_pitr "
                "take-over -D " +
                Absolute(data_directory) + ".");
}

// The first whole segment of `timeline` that nobody but another server can have stored after the restore.
Result<std::string> GrownTo(const Repository& repository, const RestoreMark& mark, Timeline timeline,
                            const std::optional<TimelineFork>& fork, const OpContext& ctx) {
  const uint32_t segment_size = repository.segment_size();
  SegmentNo first{0};
  if (const auto newest = mark.newest.find(timeline); newest != mark.newest.end())
    first.value = SegmentOf(newest->second, segment_size).value + 1;
  // Up to where this server left it, its WAL is also ours.
  if (fork && fork->parent == timeline) first = std::max(first, SegmentOf(fork->lsn, segment_size));
  const std::string before =
      first.value == 0 ? "" : layout::WalKey(SegmentFileName(timeline, {first.value - 1}, segment_size));
  PITR_ASSIGN(const ListPage page, repository.store().List(layout::WalTimelinePrefix(timeline), before, ctx));
  std::string grown;
  for (const ObjectInfo& object : page.objects) {
    const auto name = layout::WalNameOfKey(object.key);
    const auto parsed = name ? ParseWalFileName(*name, segment_size) : std::nullopt;
    if (parsed && parsed->kind == WalFileKind::kSegment && parsed->segment >= first) grown = *name;
  }
  return grown;
}

// Of the timelines on which the original would write; copies of it have others.
Status CheckProcesses(const std::string& data_directory, const RestoreMark& mark) {
  const auto server = OriginalOnThisMachine(data_directory, mark);
  return server ? Held(mark, "and the server it was made from runs on this machine", DescribeLiveServer(*server),
                       data_directory)
                : Status::Ok();
}

Status CheckGrowth(const Repository& repository, const std::string& data_directory, const RestoreMark& mark,
                   const OpContext& ctx) {
  PITR_ASSIGN(const auto growth, GrowthSinceRestore(repository, data_directory, mark, ctx));
  if (!growth) return Status::Ok();
  return Held(mark, "and timeline " + NumberOf(growth->timeline) + " has gone on there since",
              growth->evidence + ". Either its server still runs, or somebody has pushed what was left of its WAL.",
              data_directory);
}

}  // namespace

std::optional<LiveServer> OriginalOnThisMachine(const std::string& data_directory, const RestoreMark& mark) {
  for (const LiveServer& server : OtherServersOfCluster(mark.system_id, data_directory))
    if (server.control.timeline == mark.timeline || mark.newest.contains(server.control.timeline)) return server;
  return std::nullopt;
}

Result<std::optional<TimelineGrowth>> GrowthSinceRestore(const Repository& repository,
                                                         const std::string& data_directory, const RestoreMark& mark,
                                                         const OpContext& ctx) {
  PITR_ASSIGN(const ClusterTree tree, ClusterTree::OpenWithWal(data_directory));
  PITR_ASSIGN(const auto fork, NewestFork(tree, mark.timeline));
  std::map<Timeline, Lsn> watched = mark.newest;
  watched.try_emplace(mark.timeline, Lsn{});
  for (const auto& [timeline, newest] : watched) {
    if (fork && fork->timeline == timeline) continue;
    PITR_ASSIGN(const std::string grown, GrownTo(repository, mark, timeline, fork, ctx));
    if (grown.empty()) continue;
    const uint32_t segment_size = repository.segment_size();
    TimelineGrowth growth{timeline, "The repository has WAL segment " + grown + ", stored after the restore"};
    if (newest.valid())
      growth.evidence += "; the newest of timeline " + NumberOf(timeline) + " was " +
                         SegmentFileName(timeline, SegmentOf(newest, segment_size), segment_size) + " then";
    return std::optional<TimelineGrowth>(std::move(growth));
  }
  return std::optional<TimelineGrowth>();
}

Status CheckRestoredServer(const Repository& repository, const std::string& data_directory, const RestoreMark& mark,
                           const OpContext& ctx) {
  if (mark.taken_over || mark.repository_id != repository.marker().repository_id) return Status::Ok();
  if (mark.outcome && mark.outcome->undone)
    return ArchivingHeld("the recovery of this server is undone, and it writes on the timeline that it was to leave")
        .WithDetail(mark.outcome->text + ".")
        .WithHint(
            "Stop the server and restore once more, to the same target: what the archive has stays there. Are the "
            "rows that it has now what you want: pg_pitr take-over -D " +
            Absolute(data_directory) + ".");
  if (mark.as_copy) return Held(mark, "as a copy of the cluster that archives there", kGivenAsCopy, data_directory);
  // A standby is promoted when its primary is gone, and must archive at once.
  if (mark.mode == RecoveryMode::kStandby) return Status::Ok();
  PITR_TRY(CheckProcesses(data_directory, mark));
  return CheckGrowth(repository, data_directory, mark, ctx);
}

Status CheckMayChange(const Repository& repository, const std::string& data_directory, const OpContext& ctx) {
  PITR_TRY(CheckNoClone(repository.marker().cluster.system_id, data_directory));
  PITR_ASSIGN(const ClusterTree tree, ClusterTree::Open(data_directory));
  PITR_ASSIGN(const std::optional<RestoreMark> mark, ReadRestoreMark(tree));
  if (!mark || IsSettled(*mark, ctx.clock->WallMicros())) return Status::Ok();
  const Status held = CheckRestoredServer(repository, data_directory, *mark, ctx);
  if (held.ok() || !IsArchivingHeld(held)) return held;
  return RefusedToCopy(*mark, held.detail(), data_directory,
                       "Do it on the server that archives there, or with pg_pitr and that server's settings.");
}

Status CheckBackupOfNoCopy(const std::string& data_directory) {
  PITR_ASSIGN(const ClusterTree tree, ClusterTree::Open(data_directory));
  PITR_ASSIGN(const std::optional<RestoreMark> mark, ReadRestoreMark(tree));
  if (!mark || !mark->as_copy) return Status::Ok();
  return RefusedToCopy(*mark, kGivenAsCopy, data_directory, "Take the backup on the server that archives there.");
}

Status CopyGuard::Look(const Repository& repository, const OpContext& ctx) {
  PITR_TRY(CheckNoClone(repository.marker().cluster.system_id, data_directory_));
  const int64_t now = ctx.clock->WallMicros();
  auto found = FinishRecovery(data_directory_, now);
  // It may be a copy: better nothing is archived until somebody has looked.
  if (!found.ok())
    return std::move(found)
        .status()
        .Annotate("finding out how this server was restored")
        .WithHint("Mend what keeps " + std::string(kRestoreMarkPath) +
                  " from being read. If this server may archive, whatever it was restored from, remove that file.");
  std::optional<RestoreMark>& mark = found.value();
  if (!mark || IsSettled(*mark, now)) {
    settled_ = true;
    return Status::Ok();
  }
  if (mark->outcome && !mark->outcome->as_planned && mark->admitted_micros == 0)
    repository.log().Warning("this server was restored, and not to where the plan said: " + mark->outcome->text);
  PITR_TRY(CheckRestoredServer(repository, data_directory_, *mark, ctx));
  if (mark->admitted_micros == 0) {
    mark->admitted_micros = now;
    PITR_ASSIGN(const ClusterTree tree, ClusterTree::Open(data_directory_));
    PITR_TRY(WriteRestoreMark(tree, *mark));
  }
  const bool watched = !mark->taken_over && mark->repository_id == repository.marker().repository_id &&
                       mark->mode != RecoveryMode::kStandby && !mark->as_copy;
  if (watched && now - mark->admitted_micros < kYoungMicros) young_ = std::move(mark);
  return Status::Ok();
}

Status CopyGuard::Check(const Repository& repository, const OpContext& ctx) {
  std::lock_guard lock(mutex_);
  if (settled_) return Status::Ok();
  const int64_t now = ctx.clock->SteadyMillis();
  if (now >= next_look_millis_) {
    young_.reset();
    last_ = Look(repository, ctx);
    next_look_millis_ = now + (!last_.ok() ? kLookAgainWhileHeldMillis
                               : young_    ? kLookAgainWhileYoungMillis
                                           : kLookAgainMillis);
    next_processes_millis_ = now + kLookForProcessesMillis;
  } else if (young_ && last_.ok() && now >= next_processes_millis_) {
    last_ = CheckProcesses(data_directory_, *young_);
    if (!last_.ok()) next_look_millis_ = now + kLookAgainWhileHeldMillis;
    next_processes_millis_ = now + kLookForProcessesMillis;
  }
  return last_;
}

}  // namespace pitr
