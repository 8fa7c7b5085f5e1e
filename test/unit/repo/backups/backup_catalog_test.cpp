#include "core/repo/backups/backup_catalog.h"

#include <gtest/gtest.h>

#include <climits>

#include "core/backup/backup_session.h"
#include "core/base/process_name.h"
#include "core/repo/backups/backup_remarks.h"
#include "core/repo/layout.h"
#include "core/store/memory.h"
#include "lib/faulty_store.h"
#include "unit/backup/data_tree.h"

namespace pitr {
namespace {

class BackupCatalogTest : public ::testing::Test {
 protected:
  void SetUp() override {
    auto faulty = std::make_unique<test::FaultyStore>(memory_);
    faulty_ = faulty.get();
    ASSERT_NO_FATAL_FAILURE(OpenTestRepository(std::move(faulty), tree_, false, Config(), repo_));
  }
  void Put(const std::string& label, layout::BackupObject object, ObjectKind kind, const std::string& text) {
    ASSERT_TRUE(
        repo_.repository->CreateObject(kind, layout::BackupKey(label, object), AsBytes(text), OpContext()).ok());
  }
  void AddBackup(const std::string& label, int64_t stop_micros) {
    BackupManifest m;
    m.label = label;
    m.cluster = tree_.identity();
    m.timeline = m.stop_timeline = Timeline{1};
    m.start_lsn = m.checkpoint_lsn = m.stop_lsn = Lsn{100};
    m.stop_micros = stop_micros;
    m.file_map_key = layout::BackupKey(label, layout::BackupObject::kFiles);
    m.file_map_sha256 = std::string(64, '0');
    Put(label, layout::BackupObject::kStart, ObjectKind::kBackupStart, "{\"started_micros\":5,\"started_by\":\"me\"}");
    Put(label, layout::BackupObject::kManifest, ObjectKind::kManifest, EncodeManifest(m));
  }
  Result<BackupCatalog> Load() { return BackupCatalog::Load(*repo_.repository, OpContext()); }

  test::DataTree tree_;
  MemoryStore memory_;
  test::FaultyStore* faulty_ = nullptr;
  test::TestRepository repo_;
};

TEST_F(BackupCatalogTest, Empty) {
  auto catalog = Load();
  ASSERT_TRUE(catalog.ok()) << catalog.status().ToString();
  EXPECT_TRUE(catalog.value().backups.empty());
  EXPECT_EQ(catalog.value().Find("x"), nullptr);
}

TEST_F(BackupCatalogTest, SortsFinishedUnfinishedAndDamaged) {
  for (int i = 0; i < 30; i++) AddBackup("b" + std::to_string(i), 1000 - i);
  BackupOptions options;
  options.label = "running";
  options.started_by = "host db, process 7";
  ASSERT_TRUE(BackupSession::Begin(*repo_.repository, options, OpContext()).ok());
  Put("odd", layout::BackupObject::kStart, ObjectKind::kBackupStart, "not JSON");
  AddBackup("hurt", 5);
  memory_.FlipBit(layout::BackupKey("hurt", layout::BackupObject::kManifest), 8 * 100);
  AddBackup("newer", 6);
  memory_.Replace(layout::BackupKey("newer", layout::BackupObject::kManifest),
                  EncodeObject(ObjectKind::kManifest, layout::BackupKey("newer", layout::BackupObject::kManifest),
                               AsBytes("{\"pg_pitr_manifest\":9}"), nullptr, 3)
                      .value());
  auto catalog = Load();
  ASSERT_TRUE(catalog.ok()) << catalog.status().ToString();
  const BackupCatalog& c = catalog.value();
  ASSERT_EQ(c.backups.size(), 30U);
  EXPECT_EQ(c.backups.front().label, "b29");
  EXPECT_EQ(c.backups.back().label, "b0");
  ASSERT_NE(c.Find("b7"), nullptr);
  EXPECT_EQ(c.Find("b7")->stop_micros, 993);
  ASSERT_EQ(c.unfinished.size(), 2U);
  EXPECT_EQ(c.unfinished[0].label, "odd");
  EXPECT_EQ(c.unfinished[1].label, "running");
  EXPECT_EQ(c.unfinished[1].started_by, "host db, process 7");
  EXPECT_GT(c.unfinished[1].started_micros, 0);
  ASSERT_EQ(c.damaged.size(), 2U);
  EXPECT_EQ(c.damaged[0].label, "hurt");
  EXPECT_EQ(c.damaged[0].status.code(), Code::kCorruption) << c.damaged[0].status.ToString();
  EXPECT_EQ(c.damaged[1].status.code(), Code::kInvalidArgument);
}

TEST_F(BackupCatalogTest, KnowsWhichWritersOfThisHostHaveEnded) {
  const std::string here = ProcessName().substr(0, ProcessName().rfind(' ') + 1);
  const auto start = [&](const std::string& label, const std::string& by) {
    Put(label, layout::BackupObject::kStart, ObjectKind::kBackupStart,
        "{\"started_micros\":5,\"started_by\":\"" + by + "\"}");
  };
  start("elsewhere", "host of another name, process 2147483647");
  start("ended", here + "2147483647");
  start("runs", ProcessName());
  auto catalog = Load();
  ASSERT_TRUE(catalog.ok()) << catalog.status().ToString();
  ASSERT_EQ(catalog.value().unfinished.size(), 3U);
  const ResumeCandidates none;
  for (const UnfinishedBackup& backup : catalog.value().unfinished) {
    EXPECT_EQ(backup.ended, backup.label == "ended") << backup.label;
    EXPECT_EQ(DescribeUnfinished(none, backup).state, backup.ended ? "interrupted" : "running, or interrupted");
  }
}

TEST_F(BackupCatalogTest, AManifestUnderAnotherLabelIsDamaged) {
  AddBackup("a", 1);
  const std::string from = layout::BackupKey("a", layout::BackupObject::kManifest);
  auto bytes = GetAll(memory_, from, 1 << 20, OpContext());
  ASSERT_TRUE(bytes.ok());
  memory_.Replace(layout::BackupKey("copy", layout::BackupObject::kManifest), bytes.value());
  auto catalog = Load();
  ASSERT_TRUE(catalog.ok());
  ASSERT_EQ(catalog.value().damaged.size(), 1U);
  EXPECT_EQ(catalog.value().damaged[0].label, "copy");
}

TEST_F(BackupCatalogTest, AStoreThatDoesNotAnswerIsAnError) {
  AddBackup("a", 1);
  AddBackup("b", 2);
  faulty_->Inject({.op = test::StoreOp::kGet, .key_contains = "backup/b/manifest", .times = INT_MAX});
  EXPECT_EQ(Load().code(), Code::kUnavailable);
  faulty_->Inject({.op = test::StoreOp::kList, .times = INT_MAX});
  EXPECT_EQ(Load().code(), Code::kUnavailable);
}

TEST_F(BackupCatalogTest, ABackupDeletedMeanwhileIsNotListed) {
  AddBackup("a", 1);
  AddBackup("b", 2);
  faulty_->Inject(
      {.op = test::StoreOp::kGet, .status = {Code::kNotFound, "gone"}, .key_contains = "backup/b/manifest"});
  auto catalog = Load();
  ASSERT_TRUE(catalog.ok()) << catalog.status().ToString();
  EXPECT_EQ(catalog.value().backups.size(), 1U);
}

}  // namespace
}  // namespace pitr
