#include "core/backup/backup_session.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <thread>

#include "core/backup/reserved_label.h"
#include "core/pg/page.h"
#include "core/repo/layout.h"
#include "core/repo/opening/open_repository.h"
#include "core/store/directory.h"
#include "core/store/memory.h"
#include "unit/backup/data_tree.h"

namespace pitr {
namespace {

using test::DataTree;
using test::TestRepository;

Config SmallConfig() {
  Config config;
  config.part_size_kb = 5120;
  config.pack_size_kb = 8192;
  config.compression_level = 1;
  return config;
}

Result<BackupManifest> TakeBackup(const Repository& repository, const DataTree& tree, const BackupOptions& options,
                                  Progress& progress) {
  PITR_ASSIGN(const std::unique_ptr<BackupSession> session, BackupSession::Begin(repository, options, OpContext()));
  PITR_TRY(session->CopyFiles(tree.Start(), progress, OpContext()));
  return session->Finish(tree.Stop(), OpContext());
}

struct Variant {
  bool directory_store;
  bool encrypted;
  int jobs;
};

class BackupRoundTrip : public ::testing::TestWithParam<Variant> {};

TEST_P(BackupRoundTrip, BringsEveryByteBack) {
  DataTree tree;
  tree.AddEverything(/*with_large=*/true);
  test::ScratchDirectory scratch;
  std::unique_ptr<ObjectStore> store = std::make_unique<MemoryStore>();
  if (GetParam().directory_store) {
    auto opened = DirectoryStore::Open(scratch.path() + "/repo", /*create=*/true);
    ASSERT_TRUE(opened.ok()) << opened.status().ToString();
    store = std::move(opened).value();
  }
  TestRepository repo;
  ASSERT_NO_FATAL_FAILURE(OpenTestRepository(std::move(store), tree, GetParam().encrypted, SmallConfig(), repo));
  BackupOptions options;
  options.jobs = GetParam().jobs;
  options.annotations = {{"why", "test"}};
  Progress progress;
  auto manifest = TakeBackup(*repo.repository, tree, options, progress);
  ASSERT_TRUE(manifest.ok()) << manifest.status().ToString();
  ExpectBackupEquals(*repo.repository, manifest.value(), tree);

  const BackupManifest& m = manifest.value();
  EXPECT_EQ(progress.bytes_done.load(), progress.bytes_total.load());
  EXPECT_EQ(progress.files_done.load(), progress.files_total.load());
  EXPECT_EQ(progress.bytes_done.load(), m.database_bytes);
  EXPECT_EQ(progress.bytes_stored.load() + m.file_map_bytes + m.map_page_bytes, m.stored_bytes);
  EXPECT_EQ(m.start_lsn, test::kTreeStartLsn);
  EXPECT_EQ(m.checkpoint_lsn.ToString(), "0/5000060");
  EXPECT_EQ(m.encrypted, GetParam().encrypted);
  EXPECT_EQ(m.annotations.at("why"), "test");
  EXPECT_EQ(m.tablespaces.size(), 2U);
  EXPECT_GT(m.packs.size(), 2U) << "packs are closed at their size";
  EXPECT_LT(m.stored_bytes, m.database_bytes);

  auto again = ReadManifest(*repo.repository, m.label, OpContext());
  ASSERT_TRUE(again.ok()) << again.status().ToString();
  EXPECT_EQ(EncodeManifest(again.value()), EncodeManifest(m));
}

INSTANTIATE_TEST_SUITE_P(Variants, BackupRoundTrip,
                         ::testing::Values(Variant{false, false, 1}, Variant{false, true, 4}, Variant{true, false, 4},
                                           Variant{true, true, 1}),
                         [](const auto& param) {
                           return std::string(param.param.directory_store ? "Directory" : "Memory") +
                                  (param.param.encrypted ? "Encrypted" : "Plain") + std::to_string(param.param.jobs);
                         });

class BackupSessionTest : public ::testing::Test {
 protected:
  void SetUp() override {
    ASSERT_NO_FATAL_FAILURE(OpenTestRepository(std::make_unique<MemoryStore>(), tree_, false, SmallConfig(), repo_));
  }
  const Repository& repository() { return *repo_.repository; }
  DataTree tree_;
  TestRepository repo_;
  Progress progress_;
  BackupOptions options_;
};

TEST_F(BackupSessionTest, ABadPageFailsTheBackupAndIsNamed) {
  Bytes pages = test::MakePages(kBlocksPerSegment, 4, 1);
  pages[2 * kPageSize + 5000] ^= 1;
  tree_.Add("base/5/16384.1", pages);
  auto session = BackupSession::Begin(repository(), options_, OpContext());
  ASSERT_TRUE(session.ok());
  const Status copied = session.value()->CopyFiles(tree_.Start(), progress_, OpContext());
  EXPECT_EQ(copied.code(), Code::kCorruption);
  EXPECT_NE(copied.detail().find("\"base/5/16384.1\" block 2"), std::string::npos) << copied.ToString();
  EXPECT_FALSE(session.value()->Finish(tree_.Stop(), OpContext()).ok());
}

TEST_F(BackupSessionTest, ABadPageIsRecordedWhenAllowed) {
  Bytes pages = test::MakePages(0, 4, 1);
  pages[2 * kPageSize + 5000] ^= 1;
  tree_.Add("base/5/16384", pages);
  options_.allow_page_errors = true;
  auto manifest = TakeBackup(repository(), tree_, options_, progress_);
  ASSERT_TRUE(manifest.ok()) << manifest.status().ToString();
  ASSERT_EQ(manifest.value().page_errors.size(), 1U);
  EXPECT_EQ(manifest.value().page_errors[0].path, "base/5/16384");
  EXPECT_EQ(manifest.value().page_errors[0].block, 2U);
  ExpectBackupEquals(repository(), manifest.value(), tree_);
}

TEST_F(BackupSessionTest, APageFromBeyondTheEndFailsFinish) {
  Bytes pages = test::MakePages(0, 1, 1, Lsn{test::kTreeStopLsn.value + 1});
  pages[5000] ^= 1;
  tree_.Add("base/5/16384", pages);
  auto session = BackupSession::Begin(repository(), options_, OpContext());
  ASSERT_TRUE(session.ok());
  ASSERT_TRUE(session.value()->CopyFiles(tree_.Start(), progress_, OpContext()).ok());
  EXPECT_EQ(session.value()->Finish(tree_.Stop(), OpContext()).code(), Code::kCorruption);
}

TEST_F(BackupSessionTest, WithoutChecksumsPagesAreNotLookedAt) {
  tree_.Add("base/5/16384", test::MakeBytes(4 * kPageSize, 1, true));
  auto session = BackupSession::Begin(repository(), options_, OpContext());
  ASSERT_TRUE(session.ok());
  EXPECT_TRUE(session.value()->CopyFiles(tree_.Start(/*checksums=*/false), progress_, OpContext()).ok());
}

TEST_F(BackupSessionTest, AnotherClustersDirectoryIsRefused) {
  Config config = SmallConfig();
  TestRepository other;
  auto opened = OpenOrCreateRepositoryOn(std::make_unique<MemoryStore>(), config, {SystemId{12345}, 16 << 20, 15},
                                         other.log, OpContext());
  ASSERT_TRUE(opened.ok());
  auto session = BackupSession::Begin(*opened.value(), options_, OpContext());
  ASSERT_TRUE(session.ok());
  EXPECT_EQ(session.value()->CopyFiles(tree_.Start(), progress_, OpContext()).code(), Code::kConflict);
}

TEST_F(BackupSessionTest, LabelsAreReserved) {
  options_.label = "before-upgrade.1";
  auto first = BackupSession::Begin(repository(), options_, OpContext());
  ASSERT_TRUE(first.ok());
  EXPECT_EQ(first.value()->label(), "before-upgrade.1");
  auto second = BackupSession::Begin(repository(), options_, OpContext());
  EXPECT_EQ(second.code(), Code::kAlreadyExists);
  EXPECT_NE(second.status().hint(), "");
  EXPECT_TRUE(first.value()->Abandon(OpContext()).ok());
  EXPECT_TRUE(BackupSession::Begin(repository(), options_, OpContext()).ok());
}

TEST_F(BackupSessionTest, TwoBackupsInOneSecondGetTwoLabels) {
  auto first = BackupSession::Begin(repository(), options_, OpContext());
  auto second = BackupSession::Begin(repository(), options_, OpContext());
  ASSERT_TRUE(first.ok() && second.ok());
  EXPECT_NE(first.value()->label(), second.value()->label());
  EXPECT_EQ(DefaultLabel(1779440414000000, BackupType::kFull), "20260522-090014F");
  EXPECT_EQ(DefaultLabel(1779440414999999, BackupType::kIncr), "20260522-090014I");
}

TEST_F(BackupSessionTest, WrongOptionsAreRefusedBeforeAnythingIsStored) {
  std::vector<BackupOptions> wrong(6);
  wrong[0].label = "../x";
  wrong[1].label = "a/b";
  wrong[2].jobs = 0;
  wrong[3].jobs = 65;
  wrong[4].annotations = {{"", "x"}};
  wrong[5].annotations = {{"x", "\xFF"}};
  for (const BackupOptions& options : wrong)
    EXPECT_EQ(BackupSession::Begin(repository(), options, OpContext()).code(), Code::kInvalidArgument);
  auto page = repository().store().List("backup/", "", OpContext());
  ASSERT_TRUE(page.ok());
  EXPECT_TRUE(page.value().objects.empty());
}

TEST_F(BackupSessionTest, AFinishedBackupCannotBeAbandoned) {
  auto session = BackupSession::Begin(repository(), options_, OpContext());
  ASSERT_TRUE(session.ok());
  EXPECT_EQ(session.value()->Finish(tree_.Stop(), OpContext()).code(), Code::kInternal) << "nothing was copied";
  ASSERT_TRUE(session.value()->CopyFiles(tree_.Start(), progress_, OpContext()).ok());
  BackupStop bad = tree_.Stop();
  bad.backup_label = "nonsense";
  EXPECT_EQ(session.value()->Finish(bad, OpContext()).code(), Code::kInvalidArgument);
  bad = tree_.Stop();
  bad.stop_lsn = Lsn{1};
  EXPECT_EQ(session.value()->Finish(bad, OpContext()).code(), Code::kInvalidArgument);
  ASSERT_TRUE(session.value()->Finish(tree_.Stop(), OpContext()).ok());
  EXPECT_EQ(session.value()->Abandon(OpContext()).code(), Code::kInternal);
  EXPECT_TRUE(ReadManifest(repository(), session.value()->label(), OpContext()).ok());
}

// Files that grow, shrink, are replaced and vanish while they are read: the copy succeeds and the map describes bytes
// that exist.
TEST_F(BackupSessionTest, AChangingDirectoryIsCopied) {
  for (int i = 0; i < 400; i++)
    tree_.Add("base/5/" + std::to_string(16384 + i), test::MakePages(0, 8, static_cast<uint32_t>(i)));
  tree_.Add("base/5/40000", test::MakePages(0, 12 * 128, 1));
  std::atomic<bool> stop{false};
  std::thread changer([&] {
    for (int round = 0; !stop.load(); round++) {
      const std::string path = tree_.root() + "/base/5/" + std::to_string(16384 + round % 400);
      std::error_code ignored;
      if (round % 3 == 0) std::filesystem::remove(path, ignored);
      if (round % 3 == 1) std::filesystem::resize_file(path, 8192, ignored);
      if (round % 3 == 2)
        tree_.Add("base/5/new" + std::to_string(round % 50), test::MakeBytes(static_cast<size_t>(round) % 20000, 7),
                  false);
      std::filesystem::resize_file(tree_.root() + "/base/5/40000", (6 + static_cast<uintmax_t>(round) % 7) << 20,
                                   ignored);
    }
  });
  for (int round = 0; round < 10; round++) {
    options_.jobs = 1 + round % 4;
    options_.label = "round" + std::to_string(round);
    auto manifest = TakeBackup(repository(), tree_, options_, progress_);
    ASSERT_TRUE(manifest.ok()) << manifest.status().ToString();
    EXPECT_EQ(progress_.bytes_done.load(), progress_.bytes_total.load());
    auto map = ReadFileMap(repository(), manifest.value(), OpContext());
    EXPECT_TRUE(map.ok()) << map.status().ToString();
    progress_.bytes_done = 0;
  }
  stop = true;
  changer.join();
}

TEST_F(BackupSessionTest, TheRateIsLimited) {
  tree_.Add("big", test::MakeBytes(3 << 20, 1));
  options_.rate = std::make_shared<RateLimit>(6 << 20);
  const int64_t before = SystemClock().SteadyMillis();
  ASSERT_TRUE(TakeBackup(repository(), tree_, options_, progress_).ok());
  EXPECT_GE(SystemClock().SteadyMillis() - before, 150);
}

}  // namespace
}  // namespace pitr
