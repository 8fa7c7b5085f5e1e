#include "core/expire/retention.h"

#include <algorithm>
#include <map>
#include <set>

#include "core/base/day.h"
#include "core/pg/civil_date.h"
#include "core/pg/timestamp.h"

namespace pitr {
namespace {

// Of the store against the server: a branch that was written until then counts as alive at the edge of the window.
constexpr int64_t kClockSlackMicros = int64_t{3600} * 1000000;

int64_t FloorDays(int64_t micros) {
  return micros >= 0 ? micros / kMicrosPerDay : -((-micros + kMicrosPerDay - 1) / kMicrosPerDay);
}

std::string Times(int count, const char* what) {
  return std::to_string(count) + " " + what + (count == 1 ? " backup" : " backups");
}

class Decision {
 public:
  Decision(const RetentionPolicy& policy, const RetentionFacts& facts) : policy_(policy), facts_(facts) {
    for (size_t i = 0; i < facts.backups.size(); i++) index_[facts.backups[i].label] = i;
    verdicts_.resize(facts.backups.size());
    if (!policy.age.empty()) since_ = TimeBefore(facts.now_micros, policy.age);
  }

  std::vector<Verdict> Make() {
    FindLive();
    if (policy_.LimitsBackups() && !live_.empty()) {
      for (Verdict& verdict : verdicts_) verdict = {Keep::kNo, "outside of " + LimitsText()};
      KeepFulls();
      KeepOthers();
      FollowFulls();
    } else {
      const std::string why = policy_.LimitsBackups() ? LiveProblem() : "neither number nor age of backups is limited";
      for (Verdict& verdict : verdicts_) verdict = {Keep::kWindow, why};
    }
    LimitDiffs();
    KeepMonthly();
    KeepHeld();
    KeepSomething();
    return std::move(verdicts_);
  }

 private:
  using Indexes = std::vector<size_t>;

  std::string LimitsText() const {
    std::string text;
    if (policy_.full > 0) text = "the newest " + Times(policy_.full, "full");
    if (!policy_.age.empty()) text += (text.empty() ? "" : " and ") + ("the last " + SpanText(policy_.age));
    return text;
  }

  // Alive: the highest timeline, the one written last, that of the newest backup.
  void FindLive() {
    const TimelineFacts* written_last = nullptr;
    for (const TimelineFacts& timeline : facts_.timelines)
      if (written_last == nullptr || timeline.newest_micros >= written_last->newest_micros) written_last = &timeline;
    if (written_last == nullptr) return;
    std::set<Timeline> live = {facts_.timelines.back().timeline, written_last->timeline};
    if (!facts_.backups.empty()) live.insert(facts_.backups.back().stop_timeline);
    for (const TimelineFacts& timeline : facts_.timelines) {
      if (!timeline.undated && !live.contains(timeline.timeline)) continue;
      if (!timeline.path) unknown_ = timeline.timeline;
      live_.push_back(&timeline);
    }
    if (unknown_.valid()) live_.clear();
  }
  std::string LiveProblem() const {
    if (!unknown_.valid()) return "the archive is empty";
    return "the history file of timeline " + std::to_string(unknown_.value) + " is not readable";
  }

  bool Leads(const BackupFacts& backup, const TimelineFacts& timeline) const {
    return timeline.path &&
           timeline.path->LeadsFrom(backup.timeline, backup.start_lsn, backup.stop_timeline, backup.stop_lsn);
  }

  // Sound full backups from which `timeline` can be reached, newest first.
  Indexes FullsOf(const TimelineFacts& timeline) const {
    Indexes found;
    for (size_t i = facts_.backups.size(); i-- > 0;) {
      const BackupFacts& backup = facts_.backups[i];
      if (backup.type == BackupType::kFull && IsSound(backup) && Leads(backup, timeline)) found.push_back(i);
    }
    return found;
  }

  void Mark(size_t i, Keep keep, const std::string& why) {
    if (verdicts_[i].keep == Keep::kNo) verdicts_[i] = {keep, why};
  }

  // What is not counted is kept when it is not older than this.
  void LowerEdge(int64_t micros) { edge_ = edge_ ? std::min(*edge_, micros) : micros; }

  void KeepFulls() {
    for (const TimelineFacts& timeline : facts_.timelines) {
      const bool live = std::find(live_.begin(), live_.end(), &timeline) != live_.end();
      const Indexes fulls = FullsOf(timeline);
      if (live) leading_.insert(fulls.begin(), fulls.end());
      if (live && policy_.full > 0) {
        const size_t count = std::min(fulls.size(), static_cast<size_t>(policy_.full));
        for (size_t n = 0; n < count; n++)
          Mark(fulls[n], Keep::kWindow, "one of the newest " + Times(policy_.full, "full"));
        LowerEdge(count == static_cast<size_t>(policy_.full) ? facts_.backups[fulls[count - 1]].stop_micros
                                                             : INT64_MIN);
      }
      if (!since_ || (!live && !timeline.undated && timeline.newest_micros < *since_ - kClockSlackMicros)) continue;
      const auto base =
          std::find_if(fulls.begin(), fulls.end(), [&](size_t i) { return facts_.backups[i].stop_micros <= *since_; });
      if (base != fulls.end()) Mark(*base, Keep::kWindow, "the way to recover to " + FormatToSecond(*since_));
      if (live) LowerEdge(base != fulls.end() ? facts_.backups[*base].stop_micros : INT64_MIN);
    }
  }

  // Full backups that no limit counts: of branches that were left, not restorable now, or with damaged pages; and
  // increments whose full backup is not there any more.
  void KeepOthers() {
    for (size_t i = 0; i < verdicts_.size(); i++) {
      const BackupFacts& backup = facts_.backups[i];
      const bool full = backup.type == BackupType::kFull;
      if (full && since_ && backup.stop_micros > *since_)
        Mark(i, Keep::kWindow, "not older than " + SpanText(policy_.age));
      const bool counted = full && leading_.contains(i);
      if (counted || (!full && RootOf(i))) continue;
      if (edge_ && backup.stop_micros >= *edge_)
        Mark(i, Keep::kWindow, "not older than the oldest full backup that is kept");
    }
  }

  // The full backup that an increment stands on; nullopt when the chain is broken.
  std::optional<size_t> RootOf(size_t i) const {
    for (size_t steps = 0; steps <= facts_.backups.size(); steps++) {
      if (facts_.backups[i].type == BackupType::kFull) return i;
      const auto parent = index_.find(facts_.backups[i].parent_label);
      if (parent == index_.end()) return std::nullopt;
      i = parent->second;
    }
    return std::nullopt;
  }

  void FollowFulls() {
    for (size_t i = 0; i < verdicts_.size(); i++) {
      const BackupFacts& backup = facts_.backups[i];
      if (backup.type == BackupType::kFull) continue;
      const auto root = RootOf(i);
      if (!root) continue;
      const std::string& label = facts_.backups[*root].label;
      if (verdicts_[*root].keep == Keep::kWindow)
        verdicts_[i] = {Keep::kWindow, "its full backup " + label + " is kept"};
      else
        verdicts_[i] = {Keep::kNo, "its full backup " + label + " expires"};
    }
  }

  void LimitDiffs() {
    if (policy_.diff <= 0) return;
    int seen = 0;
    std::set<std::string> gone;
    for (size_t i = verdicts_.size(); i-- > 0;) {
      const BackupFacts& backup = facts_.backups[i];
      if (backup.type != BackupType::kDiff || !IsSound(backup) || verdicts_[i].keep == Keep::kNo) continue;
      if (++seen <= policy_.diff) continue;
      verdicts_[i] = {Keep::kNo, "not one of the newest " + Times(policy_.diff, "differential")};
      gone.insert(backup.label);
    }
    // Ascending by stop time: a parent comes before its children.
    for (size_t i = 0; i < verdicts_.size(); i++) {
      const BackupFacts& backup = facts_.backups[i];
      if (backup.type != BackupType::kIncr || !gone.contains(backup.parent_label)) continue;
      gone.insert(backup.label);
      if (verdicts_[i].keep != Keep::kNo)
        verdicts_[i] = {Keep::kNo, "backup " + backup.parent_label + ", which it builds on, expires"};
    }
  }

  // The first restorable full backup of each month (UTC), of a living timeline when there is one, and a sound one.
  void KeepMonthly() {
    if (policy_.monthly.empty()) return;
    const int64_t since = TimeBefore(facts_.now_micros, policy_.monthly);
    std::map<std::pair<int64_t, int>, size_t> months;
    for (size_t i = 0; i < verdicts_.size(); i++) {
      const BackupFacts& backup = facts_.backups[i];
      if (backup.type != BackupType::kFull || !backup.restorable || backup.stop_micros < since) continue;
      const CivilDate date = CivilFromDays(FloorDays(backup.stop_micros));
      const auto [at, added] = months.try_emplace({date.year, date.month}, i);
      const auto rank = [&](size_t n) { return 2 * int{IsSound(facts_.backups[n])} + int{leading_.contains(n)}; };
      if (!added && rank(i) > rank(at->second)) at->second = i;
    }
    for (const auto& [month, i] : months) {
      const std::string name =
          std::to_string(month.first) + (month.second < 10 ? "-0" : "-") + std::to_string(month.second);
      Mark(i, Keep::kAlone, "the full backup of " + name + ", kept for " + SpanText(policy_.monthly));
    }
  }

  void KeepHeld() {
    for (size_t i = 0; i < verdicts_.size(); i++) {
      const BackupFacts& backup = facts_.backups[i];
      if (!backup.held_for.empty()) Mark(i, Keep::kAlone, backup.held_for);
      if (backup.held_for_restore && verdicts_[i].keep == Keep::kAlone) verdicts_[i] = {Keep::kWindow, backup.held_for};
    }
  }

  void KeepSomething() {
    bool any = false, left = false, any_sound = false, sound_left = false;
    for (size_t i = 0; i < verdicts_.size(); i++) {
      const BackupFacts& backup = facts_.backups[i];
      const bool stays = verdicts_[i].keep != Keep::kNo;
      any = any || backup.restorable;
      left = left || (backup.restorable && stays);
      any_sound = any_sound || IsSound(backup);
      sound_left = sound_left || (IsSound(backup) && stays);
    }
    if (any_sound ? sound_left : left) return;
    const std::string why = any_sound ? "nothing restorable without damaged pages would be left"
                            : any     ? "nothing restorable would be left"
                                      : "no backup is restorable now";
    for (Verdict& verdict : verdicts_)
      if (verdict.keep == Keep::kNo) verdict = {Keep::kWindow, why};
  }

  const RetentionPolicy& policy_;
  const RetentionFacts& facts_;
  std::map<std::string, size_t> index_;
  std::vector<Verdict> verdicts_;
  std::vector<const TimelineFacts*> live_;
  std::set<size_t> leading_;  // sound full backups that lead to a living timeline
  Timeline unknown_;          // alive, and nobody knows where it came from
  std::optional<int64_t> since_;
  std::optional<int64_t> edge_;
};

}  // namespace

int64_t TimeBefore(int64_t micros, const CalendarSpan& span) {
  const int64_t days = FloorDays(micros);
  const int64_t of_day = micros - days * kMicrosPerDay;
  CivilDate date = CivilFromDays(days);
  const int64_t month = date.year * 12 + (date.month - 1) - span.months;
  date.year = month >= 0 ? month / 12 : -((-month + 11) / 12);
  date.month = static_cast<int>(month - date.year * 12) + 1;
  const CivilDate next = date.month == 12 ? CivilDate{date.year + 1, 1, 1} : CivilDate{date.year, date.month + 1, 1};
  const int64_t length = DaysFromCivil(next) - DaysFromCivil({date.year, date.month, 1});
  date.day = std::min(date.day, static_cast<int>(length));
  return DaysFromCivil(date) * kMicrosPerDay + of_day - span.micros;
}

std::vector<Verdict> DecideRetention(const RetentionPolicy& policy, const RetentionFacts& facts) {
  return Decision(policy, facts).Make();
}

}  // namespace pitr
