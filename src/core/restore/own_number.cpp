#include "core/restore/own_number.h"

#include <algorithm>

#include "core/repo/timelines/timeline_number.h"
#include "core/restore/directory_server.h"

namespace pitr {
namespace {

constexpr size_t kMaxServerSettings = size_t{8} << 20;
constexpr const char* kFollowedTimeline = "recovery_target_timeline";

// Somebody may have told the server to follow another timeline: then it reads the history files that it finds.
bool FollowsAsRestored(const ClusterTree& tree, const RestoreMark& mark) {
  const auto written = std::find_if(mark.settings.begin(), mark.settings.end(),
                                    [](const RecoverySetting& setting) { return setting.name == kFollowedTimeline; });
  if (written == mark.settings.end() || written->value != std::to_string(mark.timeline.value)) return false;
  const auto text = tree.ReadWhole(kAutoConfPath, kMaxServerSettings);
  return text.ok() && SettingIn(AsText(text.value()), kFollowedTimeline) == written->value;
}

}  // namespace

Status ForgetUsedNumber(const ClusterTree& tree, bool unfinished_restore, Timeline last) {
  const auto read = ReadRestoreMark(tree);
  // One that cannot be understood is replaced.
  if (!read.ok() || !read.value()) return Status::Ok();
  RestoreMark mark = *read.value();
  // The server removes the file when it opens.
  if (!mark.outcome && (unfinished_restore || tree.Stat(kRecoverySignal).ok())) return Status::Ok();
  Timeline used = std::max(mark.used, mark.reserved);
  if (mark.outcome) used = std::max(used, mark.outcome->timeline);
  if (last > mark.timeline) used = std::max(used, last);
  if (!mark.reserved.valid() && used == mark.used) return Status::Ok();
  mark.used = used;
  mark.reserved = Timeline();
  PITR_ASSIGN(const struct stat info, tree.Stat(kRestoreMarkPath));
  return WriteRestoreMark(tree, mark, info.st_mode & 07777);
}

Timeline UsedNumber(const ClusterTree& tree) {
  const auto earlier = ReadRestoreMark(tree);
  return earlier.ok() && earlier.value() ? earlier.value()->used : Timeline();
}

Timeline NumberOfDirectory(Timeline used, const RestorePlan& plan) {
  if (!used.valid()) return used;
  return Timeline{std::max({used, plan.highest, plan.target_timeline}).value + 1};
}

Result<Timeline> OwnNumber(const Repository& repository, const ClusterTree& tree, const RestorePlan& plan,
                           const std::string& by, const OpContext& ctx) {
  const Timeline highest = std::max(plan.highest, plan.target_timeline);
  if (const auto earlier = ReadRestoreMark(tree); earlier.ok() && earlier.value()) {
    const RestoreMark& mark = *earlier.value();
    if (mark.reserved > highest && mark.repository_id == repository.marker().repository_id) return mark.reserved;
  }
  return TakeTimelineNumber(repository, highest, by, ctx);
}

bool IsNumberOfAnother(const std::string& data_directory, Timeline timeline, const std::string& archives_to) {
  const auto tree = ClusterTree::Open(data_directory);
  if (!tree.ok()) return false;
  const auto read = ReadRestoreMark(tree.value());
  if (!read.ok() || !read.value()) return false;
  const RestoreMark& mark = *read.value();
  if (mark.mode != RecoveryMode::kRecover || mark.outcome) return false;
  if (timeline <= mark.timeline || timeline >= mark.reserved) return false;
  if (!mark.as_copy && (archives_to.empty() || archives_to == mark.repository)) return false;
  // A standby that was made of it follows the timelines that there are.
  return RoleOf(data_directory) == RecoveryRole::kRecovery && FollowsAsRestored(tree.value(), mark);
}

}  // namespace pitr
