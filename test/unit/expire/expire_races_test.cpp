// Expiry that is killed at every step, and others at work at every step of it.
#include <gtest/gtest.h>

#include <atomic>
#include <functional>
#include <optional>

#include "core/repo/backups/backup_pin.h"
#include "core/repo/backups/expire_mark.h"
#include "core/repo/opening/open_repository.h"
#include "core/restore/hold_keeper.h"
#include "unit/expire/expire_fixture.h"

namespace pitr {
namespace {

using namespace test;

// A repository with two fulls to go, a pinned increment that borrows from the first, a dead backup, two fulls to keep.
// Each step of each test has one of its own. Every object that is deleted is a step, also within a batch.
class World final : public ExpireTest {
 public:
  using Batches = FaultyStore::Batches;
  explicit World(Batches batches = Batches::kInOrder) : batches_(batches) {
    AddDays({"a"}, 10, 2);
    AddBackup({.label = "i",
               .type = BackupType::kIncr,
               .parent = "a",
               .first = 12,
               .last = 13,
               .borrowed = {kLent, "data/a/page.000002"},
               .pages = 1});
    EXPECT_TRUE(PinBackup(*repository_, {.label = "i"}, ctx_).ok());
    AddDays({"b"}, 20);
    BeginBackup(kDead);
    AddDays({"c", "d"}, 30);
    AddWal(1, 50, 59);
    clock_.Advance(kDayMillis + kHourMillis);
    request_.policy.full = 2;
  }
  void TestBody() override {}

  // The repository as another process has it.
  std::unique_ptr<Repository> Other() {
    return std::move(OpenRepositoryOn(std::make_unique<FaultyStore>(memory_), config_, NullLog(), ctx_)).value();
  }
  // Expires, calling `act` before the n-th operation; false when there were fewer.
  bool ExpireWith(int n, const std::function<void()>& act) {
    std::atomic<int> calls = 0;  // several threads read manifests
    faults().SetBatches(batches_);
    faults().OnCall([&](StoreOp, const std::string&) {
      if (++calls == n) act();
    });
    outcome = Run();
    faults().OnCall({});
    return calls >= n;
  }
  // The n-th operation is the last one that is carried out, or (`after`) the first one whose answer is lost.
  bool ExpireAndDie(int n, bool after) {
    return ExpireWith(n, [&, after] {
      if (!after) return faults().SetDead(true);
      for (StoreOp op : {StoreOp::kCreate, StoreOp::kDelete, StoreOp::kAbortUpload})
        faults().Inject({.op = op, .times = 1, .after = true});
    });
  }
  void Revive() { repository_ = Open(config_).value(); }
  std::vector<std::string> Objects() {
    std::vector<std::string> keys = memory_.Keys();
    std::erase_if(
        keys, [](const std::string& key) { return layout::ParsePinKey(key) || key.starts_with(layout::kProbePrefix); });
    return keys;
  }
  // What a restore of the backup does first, with a plan that was made before the expiry began: it replays the WAL up
  // to the end of the archive. The clock is the machine's, on which nobody sleeps here.
  Result<std::unique_ptr<HoldKeeper>> BeginRestore(const Repository& repository, const std::string& label,
                                                   uint64_t first, uint64_t last) {
    RestorePlan plan;
    plan.backup = Manifest({.label = label, .first = first, .last = first + 1});
    plan.wal = {{{1}, {first}, {last}}};
    return HoldKeeper::Take(repository, plan, {kDayMillis * 1000, "test", false}, OpContext());
  }
  static inline const std::string kLent = "data/a/000001";
  static inline const BackupSpec kDead{.label = "dead", .first = 32, .last = 33};
  std::optional<Result<ExpireReport>> outcome;

  using ExpireTest::clock_;
  using ExpireTest::CreateManifest;
  using ExpireTest::CreateStart;
  using ExpireTest::ctx_;
  using ExpireTest::ExpectWhole;
  using ExpireTest::Has;
  using ExpireTest::HasSegment;
  using ExpireTest::Labels;
  using ExpireTest::PutRaw;
  using ExpireTest::Run;

 private:
  const Batches batches_;
};

TEST(ExpireRaces, KilledAtEveryStep) {
  World undisturbed;
  ASSERT_TRUE(undisturbed.Run().ok());
  EXPECT_EQ(undisturbed.Labels(), "i c d");
  const std::vector<std::string> finished = undisturbed.Objects();
  struct Way {
    bool after;
    World::Batches batches;
  };
  for (const auto& [after, batches] : {Way{false, World::Batches::kInOrder}, Way{false, World::Batches::kReversed},
                                       Way{true, World::Batches::kInOrder}, Way{true, World::Batches::kWhole}}) {
    int step = 1;
    for (bool reached = true; reached; step++) {
      World world(batches);
      reached = world.ExpireAndDie(step, after);
      world.Revive();
      const std::string when = (after ? "answer lost at step " : "killed at step ") + std::to_string(step) +
                               (batches == World::Batches::kReversed ? ", batches reversed" : "");
      world.ExpectWhole(when);
      const auto again = world.Run();
      ASSERT_TRUE(again.ok()) << when << TextOf(again);
      EXPECT_EQ(world.Objects(), finished) << when;
      world.ExpectWhole(when + ", then finished");
    }
    EXPECT_GT(step, batches == World::Batches::kWhole ? 20 : 60);
  }
}

TEST(ExpireRaces, ASecondExpiryAtEveryStep) {
  World undisturbed;
  ASSERT_TRUE(undisturbed.Run().ok());
  const std::vector<std::string> finished = undisturbed.Objects();
  bool reached = true;
  for (int step = 1; reached; step++) {
    World world;
    reached = world.ExpireWith(step, [&] {
      ExpireRequest request;
      request.policy.full = 2;
      const auto second = Expire(*world.Other(), request, world.ctx_);
      EXPECT_TRUE(second.ok()) << TextOf(second);
    });
    EXPECT_TRUE(world.outcome->ok()) << step << TextOf(*world.outcome);
    // The first may have marked what the second had just deleted.
    EXPECT_TRUE(world.Run().ok());
    EXPECT_EQ(world.Objects(), finished) << step;
    world.ExpectWhole("second expiry at step " + std::to_string(step));
  }
}

// An increment on top of a backup that is about to go: either it learns that in time, or its parent stays.
TEST(ExpireRaces, AnIncrementBegunAtEveryStep) {
  int refused = 0, done = 0;
  bool reached = true;
  for (int step = 1; reached; step++) {
    World world;
    bool begun = false;
    const BackupSpec child{.label = "child",
                           .type = BackupType::kIncr,
                           .parent = "b",
                           .first = 52,
                           .last = 53,
                           .borrowed = {"data/b/000002"}};
    reached = world.ExpireWith(step, [&] {
      const auto other = world.Other();
      if (!world.CreateStart("child", "b").ok()) return;
      begun = CheckNotExpiring(*other, "b", layout::BackupObject::kManifest, world.ctx_).ok();
    });
    EXPECT_TRUE(world.outcome->ok()) << step;
    if (begun) {
      for (const char* key : {"data/child/000001", "data/child/000002"}) world.PutRaw(key, 1000);
      world.PutRaw("backup/child/files", 500);
      ASSERT_TRUE(world.CreateManifest(child).ok());
      world.ExpectWhole("increment begun at step " + std::to_string(step));
    }
    (begun ? done : refused)++;
  }
  EXPECT_GT(refused, 3);
  EXPECT_GT(done, 3);
}

// A full backup that takes over from one that is about to be swept: either it learns that in time, or all it may list
// stays.
TEST(ExpireRaces, AResumptionBegunAtEveryStep) {
  int refused = 0, done = 0;
  bool reached = true;
  for (int step = 1; reached; step++) {
    World world;
    world.PutRaw("backup/dead/partial.000001", 10);
    world.clock_.Advance(kDayMillis + kHourMillis);
    bool begun = false;
    const BackupSpec taker{.label = "taker", .first = 52, .last = 53, .borrowed = {"data/dead/000001"}};
    reached = world.ExpireWith(step, [&] {
      const auto other = world.Other();
      if (!world.CreateStart("taker", "", {"dead"}).ok()) return;
      begun = CheckNotExpiring(*other, "dead", layout::BackupObject::kStart, world.ctx_).ok();
    });
    EXPECT_TRUE(world.outcome->ok()) << step;
    if (begun) {
      EXPECT_TRUE(world.Has("backup/dead/partial.000001")) << step;
      for (const char* key : {"data/taker/000001", "data/taker/000002"}) world.PutRaw(key, 1000);
      world.PutRaw("backup/taker/files", 500);
      ASSERT_TRUE(world.CreateManifest(taker).ok());
      world.ExpectWhole("resumption begun at step " + std::to_string(step));
      EXPECT_TRUE(world.Run().ok());
      world.ExpectWhole("swept after the resumption of step " + std::to_string(step));
    }
    (begun ? done : refused)++;
  }
  EXPECT_GT(refused, 3);
  EXPECT_GT(done, 3);
}

// A backup that was slower than the age guard: either its manifest counts and all is there, or it fails.
TEST(ExpireRaces, ABackupThatFinishesAtEveryStep) {
  int failed = 0, finished = 0;
  bool reached = true;
  for (int step = 1; reached; step++) {
    World world;
    bool counts = false;
    reached = world.ExpireWith(step, [&] {
      const auto other = world.Other();
      ASSERT_TRUE(world.CreateManifest(World::kDead).ok());
      counts = CheckNotExpiring(*other, "dead", layout::BackupObject::kStart, world.ctx_).ok();
      if (counts) return;
      ASSERT_TRUE(other->store().Delete({"backup/dead/manifest"}, world.ctx_).ok());
    });
    EXPECT_TRUE(world.outcome->ok()) << step << TextOf(*world.outcome);
    world.ExpectWhole("finished at step " + std::to_string(step));
    (counts ? finished : failed)++;
  }
  EXPECT_GT(failed, 3);
  EXPECT_GT(finished, 3);
}

TEST(ExpireRaces, APinAtEveryStep) {
  int refused = 0, held = 0;
  bool reached = true;
  for (int step = 1; reached; step++) {
    World world;
    bool pinned = false;
    reached = world.ExpireWith(step, [&] { pinned = PinBackup(*world.Other(), {.label = "b"}, world.ctx_).ok(); });
    EXPECT_TRUE(world.outcome->ok()) << step;
    world.ExpectWhole("pinned at step " + std::to_string(step));
    EXPECT_TRUE(!pinned || world.Has("backup/b/manifest")) << step;
    (pinned ? held : refused)++;
  }
  EXPECT_GT(refused, 3);
  EXPECT_GT(held, 3);
}

// A restore of a backup that is about to go ("b"), or of one that stays without the WAL after it ("i"): either it
// learns that in time, or the backup and all WAL after it stay as long as the hold does.
class ExpireRacesRestore : public testing::TestWithParam<const char*> {};
INSTANTIATE_TEST_SUITE_P(OfABackup, ExpireRacesRestore, testing::Values("b", "i"));

TEST_P(ExpireRacesRestore, BegunAtEveryStep) {
  const std::string label = GetParam();
  const uint64_t first = label == "b" ? 20 : 12;
  int refused = 0, begun = 0;
  bool reached = true;
  for (int step = 1; reached; step++) {
    World world;
    const std::string when = label + " at step " + std::to_string(step);
    std::unique_ptr<Repository> other;
    std::optional<Result<std::unique_ptr<HoldKeeper>>> restore;
    reached = world.ExpireWith(step, [&] {
      other = world.Other();
      restore = world.BeginRestore(*other, label, first, 59);
    });
    EXPECT_TRUE(world.outcome->ok()) << when << TextOf(*world.outcome);
    world.ExpectWhole(when);
    if (!reached) break;
    ASSERT_TRUE(restore.has_value()) << when;
    if (!restore->ok()) {
      EXPECT_EQ(restore->code(), Code::kConflict) << when << TextOf(*restore);
      refused++;
      continue;
    }
    begun++;
    EXPECT_TRUE(world.Run().ok()) << when;
    EXPECT_TRUE(world.Has("backup/" + label + "/manifest")) << when;
    world.ExpectWhole(when + ", then once more");
    for (uint64_t segment = first; segment <= 59; segment++)
      EXPECT_TRUE(world.HasSegment(1, segment)) << when << ": " << segment;
  }
  EXPECT_GT(refused, 3);
  EXPECT_GT(begun, 3);
}

}  // namespace
}  // namespace pitr
