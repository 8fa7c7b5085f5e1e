// What a backup shows of itself while it is taken, and what it sees to before it is called complete.
#include <gtest/gtest.h>

#include "core/backup/backup_session.h"
#include "core/backup/merge.h"
#include "core/pg/wal_name.h"
#include "core/repo/backups/backup_catalog.h"
#include "core/repo/layout.h"
#include "core/store/memory.h"
#include "core/survey/repository_info.h"
#include "lib/faulty_store.h"
#include "unit/backup/data_tree.h"

namespace pitr {
namespace {

using test::FaultyStore;
using test::StoreOp;

constexpr int64_t kDay = int64_t{86400} * 1000000;

// The machine's clock, put forward.
class Later final : public Clock {
 public:
  int64_t WallMicros() const override { return SystemClock().WallMicros() + ahead; }
  int64_t SteadyMillis() const override { return SystemClock().SteadyMillis(); }
  void SleepMillis(int64_t millis) const override { SystemClock().SleepMillis(millis); }
  int64_t ahead = 0;
};

class BackupClaims : public testing::Test {
 protected:
  void Open(int64_t lock_micros) {
    MemoryStore::Options options;
    options.lock_micros = lock_micros;
    memory_ = std::make_unique<MemoryStore>(options);
    auto store = std::make_unique<FaultyStore>(*memory_);
    faults_ = store.get();
    Config config;
    config.part_size_kb = 5120;
    config.pack_size_kb = 8192;
    tree_.Add("base/5/16384", test::MakePages(0, 100, 1));
    ASSERT_NO_FATAL_FAILURE(OpenTestRepository(std::move(store), tree_, false, config, repo_));
    options_.timeline = Timeline{1};
    options_.data_directory = tree_.root();
    ctx_.clock = &clock_;
  }
  Result<std::unique_ptr<BackupSession>> Begin(BackupType type, const std::string& label) {
    options_.type = type;
    options_.label = label;
    return BackupSession::Begin(*repo_.repository, options_, ctx_);
  }
  Result<BackupManifest> Finish(BackupSession& session, uint64_t number) {
    Progress progress;
    PITR_ASSIGN(const BackupStop stop, test::CopyPlaced(session, tree_, number, progress, ctx_));
    return session.Finish(stop, ctx_);
  }
  size_t Signs(const std::string& label) const {
    size_t signs = 0;
    for (const std::string& key : memory_->Keys()) {
      const auto parts = layout::ParseHoldKey(key);
      signs += parts && parts->label == label ? 1 : 0;
    }
    return signs;
  }
  int64_t LockedUntil(const std::string& key) {
    const auto lock = memory_->GetLock(key, ctx_);
    return lock.ok() && lock.value() ? lock.value()->until_micros : 0;
  }

  Later clock_;
  OpContext ctx_;
  std::unique_ptr<MemoryStore> memory_;
  FaultyStore* faults_ = nullptr;
  test::DataTree tree_;
  test::TestRepository repo_;
  BackupOptions options_;
};

TEST_F(BackupClaims, ShowsThatItIsBeingTaken) {
  ASSERT_NO_FATAL_FAILURE(Open(0));
  options_.life_sign_millis = 1;
  faults_->Inject({.op = StoreOp::kCreate, .key_contains = "/hold.", .times = 2});
  auto session = Begin(BackupType::kFull, "a");
  ASSERT_TRUE(session.ok()) << session.status().ToString();
  for (int i = 0; Signs("a") < 3 && i < 2000; i++) SystemClock().SleepMillis(5);
  EXPECT_GE(Signs("a"), 3u) << "although the store refused the first ones";
  ASSERT_TRUE(Finish(*session.value(), 1).ok());
  EXPECT_EQ(Signs("a"), 0u) << "nobody needs them any more";
  session = Begin(BackupType::kFull, "b");
  ASSERT_TRUE(session.ok());
  for (int i = 0; Signs("b") < 1 && i < 2000; i++) SystemClock().SleepMillis(5);
  EXPECT_TRUE(session.value()->Abandon(ctx_).ok());
  EXPECT_EQ(Signs("b"), 0u);
}

TEST_F(BackupClaims, InfoTellsWhenItLastShowedLife) {
  ASSERT_NO_FATAL_FAILURE(Open(0));
  options_.life_sign_millis = 60000;
  auto session = Begin(BackupType::kFull, "a");
  ASSERT_TRUE(session.ok());
  const auto problem = [&]() -> std::string {
    auto report = LoadRepositoryInfo(*repo_.repository, {.read_last_commit = false}, ctx_);
    return report.ok() && report.value().backups.size() == 1 ? report.value().backups[0].problem : "";
  };
  EXPECT_EQ(problem().find("sign of life"), std::string::npos) << problem();
  ASSERT_TRUE(CreateHold(*repo_.repository, "a", kDay, "host, taking it", ctx_).ok());
  EXPECT_NE(problem().find("Its last sign of life was at "), std::string::npos) << problem();
}

TEST_F(BackupClaims, IsNotCompleteInARepositoryWithoutItsMarker) {
  ASSERT_NO_FATAL_FAILURE(Open(0));
  auto session = Begin(BackupType::kFull, "a");
  ASSERT_TRUE(session.ok());
  ASSERT_TRUE(memory_->Delete({std::string(layout::kMarkerKey)}, ctx_).ok());
  const auto finished = Finish(*session.value(), 1);
  EXPECT_EQ(finished.code(), Code::kConflict);
  EXPECT_NE(finished.status().message().find("marker"), std::string::npos) << finished.status().ToString();
}

TEST_F(BackupClaims, IsNotTakenForExpiredOnOneNotFound) {
  ASSERT_NO_FATAL_FAILURE(Open(0));
  auto session = Begin(BackupType::kFull, "a");
  ASSERT_TRUE(session.ok());
  faults_->Inject({.op = StoreOp::kStat, .status = {Code::kNotFound, "no"}, .key_contains = "backup/a/start"});
  const auto finished = Finish(*session.value(), 1);
  EXPECT_TRUE(finished.ok()) << finished.status().ToString();
}

TEST_F(BackupClaims, IsNotMergedInARepositoryWithoutItsMarker) {
  ASSERT_NO_FATAL_FAILURE(Open(0));
  ASSERT_TRUE(Finish(*Begin(BackupType::kFull, "a").value(), 1).ok());
  ASSERT_TRUE(Finish(*Begin(BackupType::kIncr, "b").value(), 2).ok());
  ASSERT_TRUE(memory_->Delete({std::string(layout::kMarkerKey)}, ctx_).ok());
  EXPECT_EQ(MergeBackup(*repo_.repository, {"b", "merged", "test"}, ctx_).code(), Code::kConflict);
  EXPECT_EQ(memory_->Stat("backup/merged/manifest", ctx_).code(), Code::kNotFound);
}

TEST_F(BackupClaims, LocksOfWhatAnIncrementRefersToLastAsLongAsItsOwn) {
  ASSERT_NO_FATAL_FAILURE(Open(10 * kDay));
  auto full = Begin(BackupType::kFull, "a");
  ASSERT_TRUE(full.ok());
  const auto first = Finish(*full.value(), 1);
  ASSERT_TRUE(first.ok()) << first.status().ToString();
  ASSERT_FALSE(first.value().packs.empty());
  const std::string pack = first.value().packs[0].key;
  const int64_t before = LockedUntil(pack);
  const uint32_t size = repo_.repository->segment_size();
  const std::string segment =
      layout::WalKey(SegmentFileName(Timeline{1}, SegmentOf(Lsn{2 * 0x4000000 + 0x28}, size), size));
  ASSERT_TRUE(memory_->Create(segment, AsBytes("x"), ctx_).ok());
  clock_.ahead = 5 * kDay;
  auto incr = Begin(BackupType::kIncr, "b");
  ASSERT_TRUE(incr.ok()) << incr.status().ToString();
  const auto second = Finish(*incr.value(), 2);
  ASSERT_TRUE(second.ok()) << second.status().ToString();
  const int64_t own = LockedUntil(layout::BackupKey("b", layout::BackupObject::kManifest));
  EXPECT_GE(own, before + 4 * kDay);
  EXPECT_GE(LockedUntil(pack), own) << "the increment needs it";
  EXPECT_GE(LockedUntil(segment), own) << "and its WAL, which was stored before";
  // A store that refuses leaves a complete backup, and a warning.
  clock_.ahead = 7 * kDay;
  faults_->Inject({.op = StoreOp::kExtendLock, .status = {Code::kPermission, "no"}, .times = 100});
  incr = Begin(BackupType::kIncr, "c");
  ASSERT_TRUE(incr.ok());
  EXPECT_TRUE(Finish(*incr.value(), 3).ok());
  EXPECT_TRUE(repo_.log.Has("could not all be made to last"));
}

}  // namespace
}  // namespace pitr
