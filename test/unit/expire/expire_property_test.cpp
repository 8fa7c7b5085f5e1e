// Random histories of a cluster and random policies: whatever expires, what was promised can still be done. The
// promises are worked out from the objects before and after, not with the code that decides.
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <random>
#include <tuple>

#include "core/repo/backups/backup_pin.h"
#include "lib/rounds.h"
#include "unit/expire/expire_fixture.h"

namespace pitr {
namespace {

using namespace test;

constexpr int64_t kMicrosOfDay = kDayMillis * 1000;

// A cluster that writes, takes backups, crashes and is recovered to earlier points.
class Cluster final : public ExpireTest {
 public:
  explicit Cluster(unsigned seed) : random_(seed) {}
  void TestBody() override {}

  int Pick(int below) { return std::uniform_int_distribution<int>(0, below - 1)(random_); }

  void Live(int days) {
    for (int day = 0; day < days; day++) {
      for (int n = 1 + Pick(3); n > 0; n--) Archive();
      const int what = Pick(12);
      if (what < 5) Backup(BackupType::kFull);
      if (what == 5 || what == 6) Backup(BackupType::kDiff);
      if (what == 7 || what == 8) Backup(BackupType::kIncr);
      if (what == 9 && Pick(3) == 0) Branch();
      if (what == 10) BeginBackup({.label = "dead" + std::to_string(dead_++)});
      Archive();
      clock_.Advance(kDayMillis - 1000);
    }
  }

  void Archive() {
    AddWal(timeline_, next_, next_);
    stored_[{timeline_, next_}] = clock_.WallMicros();
    if (Pick(60) == 0) {  // a segment that never came
      EXPECT_TRUE(memory_.Delete({Key(timeline_, next_)}, ctx_).ok());
    }
    next_++;
    clock_.Advance(1);
  }

  void Backup(BackupType type) {
    BackupSpec spec{.label = "b" + std::to_string(labels_.size()),
                    .type = type,
                    .timeline = timeline_,
                    .first = next_,
                    .last = next_ + 1};
    if (type != BackupType::kFull) {
      const std::string* parent = nullptr;
      for (const BackupSpec& known : made_)
        if (type == BackupType::kIncr || known.type == BackupType::kFull) parent = &known.label;
      if (parent == nullptr || !Has(layout::BackupKey(*parent, layout::BackupObject::kManifest))) return;
      spec.parent = *parent;
      for (const BackupSpec& known : made_) {
        if (known.label != spec.parent) continue;
        spec.borrowed = known.borrowed;
        spec.borrowed.push_back(layout::PackKey(known.label, 1));
      }
    }
    labels_.push_back(spec.label);
    Archive();
    Archive();
    AddBackup(spec);
    made_.push_back(spec);
    if (Pick(10) == 0) { EXPECT_TRUE(PinBackup(*repository_, {.label = spec.label}, ctx_).ok()); }
  }

  // A recovery to somewhere on the present timeline; segments after that are written again under a new number.
  void Branch() {
    if (next_ < 12) return;
    const uint64_t at = next_ - 1 - static_cast<uint64_t>(Pick(8));
    if (SegmentStart({at}, kCluster.segment_size_bytes).value <= switch_) return;
    history_ += std::to_string(timeline_) + "\t" + Lsn{at * kCluster.segment_size_bytes + 100}.ToString() + "\tx\n";
    switch_ = at * kCluster.segment_size_bytes + 100;
    timeline_ = ++newest_;
    AddHistory(timeline_, history_);
    next_ = at;
    made_.clear();  // no increments across
    Archive();
  }

  // Which (timeline, segment) pairs recovery can end in, starting from a backup that ended before `until`.
  struct Goal {
    uint32_t timeline;
    uint64_t segment;
    bool operator<(const Goal& other) const {
      return std::tie(timeline, segment) < std::tie(other.timeline, other.segment);
    }
  };
  std::set<Goal> Reachable() {
    std::set<Goal> goals;
    const Inventory inventory = std::move(Inventory::Load(*repository_, ctx_)).value();
    const RetentionFacts facts = inventory.Facts(clock_.WallMicros());
    for (const TimelineFacts& timeline : facts.timelines) {
      for (const BackupFacts& backup : facts.backups) {
        if (!backup.restorable ||
            !timeline.path->LeadsFrom(backup.timeline, backup.start_lsn, backup.stop_timeline, backup.stop_lsn))
          continue;
        const SegmentNo last = SegmentBefore(backup.stop_lsn, kCluster.segment_size_bytes);
        for (SegmentNo at = SegmentOf(backup.start_lsn, kCluster.segment_size_bytes);; at.value++) {
          const Timeline of = timeline.path->TimelineOfSegment(at, kCluster.segment_size_bytes);
          if (!inventory.wal.Has(of, at)) break;
          if (at >= last) goals.insert({of.value, at.value});
        }
      }
    }
    return goals;
  }

  std::vector<std::string> Fulls() {  // restorable, leading to the highest timeline, newest first
    const Inventory inventory = std::move(Inventory::Load(*repository_, ctx_)).value();
    const RetentionFacts facts = inventory.Facts(clock_.WallMicros());
    std::vector<std::string> fulls;
    for (auto at = facts.backups.rbegin(); at != facts.backups.rend(); ++at)
      if (at->type == BackupType::kFull && at->restorable &&
          facts.timelines.back().path->LeadsFrom(at->timeline, at->start_lsn, at->stop_timeline, at->stop_lsn))
        fulls.push_back(at->label);
    return fulls;
  }

  std::string Key(uint32_t timeline, uint64_t segment) const {
    return layout::WalKey(SegmentFileName({timeline}, {segment}, kCluster.segment_size_bytes));
  }

  std::map<std::pair<uint32_t, uint64_t>, int64_t> stored_;  // when each segment was archived
  using ExpireTest::clock_;
  using ExpireTest::ctx_;
  using ExpireTest::KeysUnder;
  using ExpireTest::memory_;
  using ExpireTest::repository_;
  using ExpireTest::request_;
  using ExpireTest::Run;

 private:
  std::mt19937 random_;
  uint32_t timeline_ = 1, newest_ = 1;
  uint64_t next_ = 1, switch_ = 0;
  int dead_ = 0;
  std::string history_;
  std::vector<std::string> labels_;
  std::vector<BackupSpec> made_;  // on this timeline
};

RetentionPolicy RandomPolicy(Cluster& cluster) {
  RetentionPolicy policy;
  const int kind = cluster.Pick(3);
  if (kind != 1) policy.full = 1 + cluster.Pick(4);
  if (kind != 0) policy.age.micros = kMicrosOfDay * (1 + cluster.Pick(20));
  // Behind a gap a differential backup can be the only way to a point in time, and may be trimmed all the same.
  if (policy.age.empty() && cluster.Pick(2) == 0) policy.diff = 1 + cluster.Pick(2);
  if (cluster.Pick(3) == 0) policy.monthly.months = 1 + cluster.Pick(3);
  return policy;
}

struct Before {
  std::vector<std::string> fulls;
  std::set<Cluster::Goal> reachable;
  std::vector<std::string> histories;
  std::map<std::string, bool> restorable;
};

std::map<std::string, bool> Restorable(Cluster& cluster) {
  std::map<std::string, bool> restorable;
  const Inventory inventory = std::move(Inventory::Load(*cluster.repository_, cluster.ctx_)).value();
  for (const BackupFacts& fact : inventory.Facts(cluster.clock_.WallMicros()).backups)
    restorable[fact.label] = fact.restorable;
  return restorable;
}

std::vector<std::string> Histories(Cluster& cluster) {
  std::vector<std::string> keys = cluster.KeysUnder("wal/");
  std::erase_if(keys, [](const std::string& key) { return !key.ends_with(".history"); });
  return keys;
}

void ExpectPromisesKept(Cluster& cluster, const Before& before, const std::string& world) {
  for (const auto& [label, restorable] : Restorable(cluster))
    EXPECT_EQ(restorable, before.restorable.at(label)) << world << ": backup " << label;
  const BackupCatalog catalog = std::move(BackupCatalog::Load(*cluster.repository_, cluster.ctx_)).value();
  for (const auto& [label, pin] : catalog.pins)
    EXPECT_NE(catalog.Find(label), nullptr) << world << ": pinned " << label;
  EXPECT_EQ(Histories(cluster), before.histories) << world;
  const RetentionPolicy& policy = cluster.request_.policy;
  const size_t promised = std::max(policy.full, 1);
  const auto left = cluster.Fulls();
  for (size_t i = 0; i < std::min(promised, before.fulls.size()); i++)
    EXPECT_NE(std::find(left.begin(), left.end(), before.fulls[i]), left.end())
        << world << ": full " << before.fulls[i];
  if (policy.age.empty()) return;
  const auto reachable = cluster.Reachable();
  const int64_t since = cluster.clock_.WallMicros() - policy.age.micros;
  for (const Cluster::Goal& goal : before.reachable) {
    const auto stored = cluster.stored_.find({goal.timeline, goal.segment});
    if (stored == cluster.stored_.end() || stored->second < since) continue;
    EXPECT_TRUE(reachable.contains(goal)) << world << ": timeline " << goal.timeline << " segment " << goal.segment;
  }
}

TEST(ExpireProperty, WhatWasPromisedCanStillBeDone) {
  constexpr unsigned kSeeds = test::Rounds(60);
  unsigned deleted = 0, kept = 0;
  for (unsigned seed = 1; seed <= kSeeds; seed++) {
    Cluster cluster(seed);
    cluster.Live(15 + cluster.Pick(50));
    for (int round = 0; round < 2; round++) {
      cluster.request_.policy = RandomPolicy(cluster);
      const std::string world = "seed " + std::to_string(seed) + ", round " + std::to_string(round) + ", full " +
                                std::to_string(cluster.request_.policy.full) + ", age " +
                                SpanText(cluster.request_.policy.age);
      const Before before{cluster.Fulls(), cluster.Reachable(), Histories(cluster), Restorable(cluster)};
      const auto report = cluster.Run();
      ASSERT_TRUE(report.ok()) << world << TextOf(report);
      for (const ExpireRow& row : report.value().rows)
        if (row.what == "backup") (row.action == ExpireAction::kDelete ? deleted : kept)++;
      ExpectPromisesKept(cluster, before, world);
      const auto objects = cluster.memory_.Keys();
      ASSERT_TRUE(cluster.Run().ok());
      EXPECT_EQ(cluster.memory_.Keys(), objects) << world << ": a second run finds nothing to do";
      if (testing::Test::HasFailure()) return;
      cluster.Live(10);
    }
  }
  EXPECT_GT(deleted, 8 * kSeeds);
  EXPECT_GT(kept, 8 * kSeeds);
}

}  // namespace
}  // namespace pitr
