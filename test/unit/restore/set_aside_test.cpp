// What a restore over an existing directory removes, leaves and sets aside.
#include <sys/stat.h>

#include "core/repo/opening/known_repository.h"
#include "core/repo/opening/open_repository.h"
#include "core/repo/wal/wal_push.h"
#include "core/report/restore_report.h"
#include "core/restore/restore_mark.h"
#include "core/restore/wal_aside.h"
#include "core/restore/wal_origin.h"
#include "unit/pg/wal_builder.h"
#include "unit/restore/restore_fixture.h"

namespace pitr {
namespace {

namespace fs = std::filesystem;
using test::ReadFileText;
using test::WriteFileText;

class SetAsideTest : public test::RestoreFixture {
 protected:
  void Restored() {
    tree_.Add("postgresql.conf", AsBytes("log_directory = 'serverlog'\ninclude_dir 'conf.d'\n"));
    tree_.Add("pg_hba.conf", AsBytes("local all all trust\n"));
    tree_.Add("conf.d/old.conf", AsBytes("work_mem = '1MB'\n"));
    tree_.Add("serverlog/server.log", AsBytes("as it was\n"));
    ASSERT_NO_FATAL_FAILURE(Prepare(false));
    ASSERT_NO_FATAL_FAILURE(MustRun());
    options_.delta = true;
    // Life goes on.
    WriteFileText(At("pg_hba.conf"), "local all all reject\n");
    WriteFileText(At("conf.d/new.conf"), "work_mem = '7MB'\n");
    WriteFileText(At("server.key"), "secret");
    WriteFileText(At("serverlog/server.log"), "as it was\nthe evidence\n");
    WriteFileText(At("serverlog/later.log"), "more\n");
    WriteFileText(At("base/5/NOTES"), "a stranger");
    WriteFileText(At("base/77/1"), "a newer database");
    WriteFileText(At("base/77/NOTES"), "another stranger");
  }
  std::string Notes() const { return DescribeNotes(result_.notes); }
  std::string Aside(const std::string& path) const { return ReadFileText(result_.aside_directory + "/" + path); }
  bool Has(const std::string& path) const { return fs::exists(fs::symlink_status(At(path))); }
};

TEST_F(SetAsideTest, WhatPeoplePutThereStays) {
  ASSERT_NO_FATAL_FAILURE(Restored());
  fs::remove(At("conf.d/old.conf"));
  auto checked = CheckRestore(*repo_.repository, plan_, options_, OpContext());
  ASSERT_TRUE(checked.ok()) << checked.status().ToString();
  const std::string dry = DescribeNotes(checked.value());
  EXPECT_NE(dry.find("stay as they are; other than in the backup: pg_hba.conf, postgresql.auto.conf; not in the "
                     "backup: conf.d/new.conf, server.key."),
            std::string::npos)
      << dry;
  EXPECT_NE(dry.find("base/5/NOTES, base/77/NOTES"), std::string::npos) << dry;
  EXPECT_TRUE(Has("base/77/1")) << "nothing was written";
  ASSERT_NO_FATAL_FAILURE(MustRun());
  EXPECT_EQ(ReadFileText(At("pg_hba.conf")), "local all all reject\n");
  EXPECT_EQ(ReadFileText(At("conf.d/new.conf")), "work_mem = '7MB'\n");
  EXPECT_EQ(ReadFileText(At("conf.d/old.conf")), "work_mem = '1MB'\n") << "it may have been lost";
  EXPECT_NE(Notes().find("had none: conf.d/old.conf"), std::string::npos) << Notes();
  EXPECT_EQ(ReadFileText(At("server.key")), "secret");
  EXPECT_EQ(ReadFileText(At("serverlog/server.log")), "as it was\nthe evidence\n");
  EXPECT_EQ(ReadFileText(At("serverlog/later.log")), "more\n");
  EXPECT_FALSE(Has("base/77"));
  EXPECT_FALSE(Has("base/5/NOTES"));
  EXPECT_EQ(Aside("base/5/NOTES"), "a stranger");
  EXPECT_EQ(Aside("base/77/NOTES"), "another stranger");
  EXPECT_EQ(result_.set_aside, (std::vector<std::string>{"base/5/NOTES", "base/77/NOTES"}));
}

// A second restore before the first one's recovery has ended; the backup's own file had nothing of recovery.
TEST_F(SetAsideTest, WhatTheRestoreItselfWroteIsNoChange) {
  ASSERT_NO_FATAL_FAILURE(Prepare(false));
  ASSERT_NO_FATAL_FAILURE(MustRun());
  options_.delta = true;
  const std::string had = "# ours\nwork_mem = '8MB'\n", restored = ReadFileText(At("postgresql.auto.conf"));
  ASSERT_EQ(restored.find(had), 0U) << restored;
  WriteFileText(At("postgresql.auto.conf"), had + "recovery_target_xid = '7'\n" + restored.substr(had.size()));
  WriteFileText(At("pg_pitr.repository"), "of the module");
  auto checked = CheckRestore(*repo_.repository, plan_, options_, OpContext());
  ASSERT_TRUE(checked.ok()) << checked.status().ToString();
  EXPECT_EQ(DescribeNotes(checked.value()).find("other than in the backup"), std::string::npos)
      << DescribeNotes(checked.value());
}

TEST_F(SetAsideTest, OrTheBackupsTakesItsPlace) {
  ASSERT_NO_FATAL_FAILURE(Restored());
  options_.configuration = Configuration::kBackup;
  ASSERT_NO_FATAL_FAILURE(MustRun());
  ExpectRestoredBut("serverlog/server.log");
  EXPECT_EQ(Aside("pg_hba.conf"), "local all all reject\n");
  EXPECT_EQ(Aside("conf.d/new.conf"), "work_mem = '7MB'\n");
  EXPECT_EQ(Aside("server.key"), "secret");
  EXPECT_FALSE(fs::exists(result_.aside_directory + "/postgresql.conf")) << "it is the backup's already";
  EXPECT_FALSE(Has("conf.d/new.conf"));
  EXPECT_EQ(ReadFileText(At("serverlog/server.log")), "as it was\nthe evidence\n") << "evidence stays";
}

TEST_F(SetAsideTest, AnEmptiedConfigurationFileIsReplaced) {
  ASSERT_NO_FATAL_FAILURE(Restored());
  WriteFileText(At("pg_hba.conf"), "");
  WriteFileText(At("postgresql.conf"), std::string("port = 1\0\0\0", 11));
  WriteFileText(At("postgresql.auto.conf"), "work_mem = 'half a li");
  ASSERT_NO_FATAL_FAILURE(MustRun());
  EXPECT_EQ(ReadFileText(At("pg_hba.conf")), "local all all trust\n");
  EXPECT_NE(ReadFileText(At("postgresql.conf")).find("serverlog"), std::string::npos);
  EXPECT_EQ(Aside("postgresql.auto.conf"), "work_mem = 'half a li");
  EXPECT_NE(Notes().find("pg_hba.conf, postgresql.auto.conf, postgresql.conf are empty or damaged"), std::string::npos)
      << Notes();
}

TEST_F(SetAsideTest, LinksToConfigurationStay) {
  ASSERT_NO_FATAL_FAILURE(Restored());
  const std::string etc = scratch_.path() + "/etc";
  WriteFileText(etc + "/pg_hba.conf", "elsewhere");
  WriteFileText(etc + "/conf.d/x.conf", "elsewhere");
  fs::remove(At("pg_hba.conf"));
  fs::remove_all(At("conf.d"));
  fs::create_symlink(etc + "/pg_hba.conf", At("pg_hba.conf"));
  fs::create_symlink(etc + "/conf.d", At("conf.d"));
  fs::remove_all(At("serverlog"));
  fs::create_symlink(etc, At("serverlog"));
  ASSERT_NO_FATAL_FAILURE(MustRun());
  EXPECT_EQ(fs::read_symlink(At("pg_hba.conf")), etc + "/pg_hba.conf");
  EXPECT_EQ(fs::read_symlink(At("conf.d")), etc + "/conf.d");
  EXPECT_EQ(fs::read_symlink(At("serverlog")), etc);
  EXPECT_EQ(ReadFileText(etc + "/pg_hba.conf"), "elsewhere");
  EXPECT_FALSE(fs::exists(etc + "/conf.d/old.conf"));
}

// Of a restore that is continued: what was there before is told from what the interrupted one wrote.
TEST_F(SetAsideTest, WhoeverContinuesGoesByWhatWasDecided) {
  for (const Configuration choice : {Configuration::kKeep, Configuration::kBackup}) {
    if (choice == Configuration::kKeep) {
      ASSERT_NO_FATAL_FAILURE(Restored());
    } else {
      WriteFileText(At("pg_hba.conf"), "local all all reject\n");
    }
    options_.configuration = choice;
    fs::remove(At("conf.d/old.conf"));
    faults_->Inject({.op = test::StoreOp::kGet,
                     .status = {Code::kUnavailable, "gone"},
                     .key_contains = "F/00000",
                     .times = 1000000});
    ASSERT_FALSE(Run().ok());
    EXPECT_FALSE(HasControl());
    EXPECT_TRUE(Has("conf.d/old.conf")) << "begun, not finished";
    auto calm = std::make_unique<test::FaultyStore>(memory_);
    auto reopened = OpenRepositoryOn(std::move(calm), repo_.repository->config(), NullLog(), OpContext());
    ASSERT_TRUE(reopened.ok());
    Progress progress;
    auto again = RunRestore(*reopened.value(), plan_, options_, progress, OpContext());
    ASSERT_TRUE(again.ok()) << again.status().ToString();
    EXPECT_EQ(ReadFileText(At("conf.d/old.conf")), "work_mem = '1MB'\n");
    EXPECT_EQ(ReadFileText(At("pg_hba.conf")),
              choice == Configuration::kKeep ? "local all all reject\n" : "local all all trust\n");
    if (choice == Configuration::kKeep) continue;
    int copies = 0;
    for (const auto& entry : fs::recursive_directory_iterator(options_.data_directory))
      copies += entry.path().filename() == "pg_hba.conf" && ReadFileText(entry.path()) == "local all all reject\n";
    EXPECT_EQ(copies, 1);
  }
}

// A tablespace that the backup does not have is renamed before anything is fetched; then the restore fails.
TEST_F(SetAsideTest, WhatAnInterruptedRestoreSetAsideElsewhereIsListed) {
  ASSERT_NO_FATAL_FAILURE(Restored());
  const std::string space = scratch_.path() + "/space";
  WriteFileText(space + "/PG_" + std::to_string(plan_.backup.cluster.pg_major) + "_1/5/7", "rows");
  fs::create_directories(At("pg_tblspc"));
  fs::create_directory_symlink(space, At("pg_tblspc/777"));
  WriteFileText(At("base/5/16384"), "to be fetched");
  faults_->Inject(
      {.op = test::StoreOp::kGet, .status = {Code::kUnavailable, "gone"}, .key_contains = "F/00000", .times = 1000000});
  ASSERT_FALSE(Run().ok());
  auto calm = OpenRepositoryOn(std::make_unique<test::FaultyStore>(memory_), repo_.repository->config(), NullLog(),
                               OpContext());
  ASSERT_TRUE(calm.ok());
  for (int again = 0; again < 3; ++again) {
    const auto dry = CheckRestore(*calm.value(), plan_, options_, OpContext());
    ASSERT_TRUE(dry.ok()) << dry.status().ToString();
    const std::string said = DescribeNotes(dry.value());
    EXPECT_NE(said.find("Earlier restores set aside"), std::string::npos) << again << said;
    EXPECT_NE(said.find("\"" + space + "/PG_"), std::string::npos) << again << said;
    EXPECT_NE(said.find(space + "/PG_", said.find(": rm -r ")), std::string::npos) << again << said;
    Progress progress;
    const auto done = RunRestore(*calm.value(), plan_, options_, progress, OpContext());
    ASSERT_TRUE(done.ok()) << done.status().ToString();
  }
}

// --- WAL ---------------------------------------------------------------------------------------------------------

class UnstoredWalTest : public test::RestoreFixture {
 protected:
  void SetUp() override {
    ASSERT_NO_FATAL_FAILURE(Prepare(false));
    segment_size_ = repo_.repository->segment_size();
    fs::create_directories(At("pg_wal/archive_status"));
  }
  // A segment of the cluster with these records: checkpoints, and perhaps a commit.
  Bytes Segment(uint64_t number, bool commit, bool whole = false, uint32_t cleaned_by = 0) {
    WalBuilder builder(15, SegmentStart(SegmentNo{number}, segment_size_));
    builder.AddFiller(100);
    builder.AddData(Rmgr{9}, 0x10, Bytes(8), cleaned_by);  // Heap2, PRUNE
    if (commit) {
      Bytes data(8);
      StoreLe<int64_t>(data.data(), 800000000000000);
      builder.AddData(Rmgr::kTransaction, 0x00, data, 777);
    }
    builder.AddFiller(200);
    if (whole) builder.Switch();
    Bytes bytes(segment_size_);
    const Bytes& built = builder.SegmentAt(SegmentStart(SegmentNo{number}, segment_size_));
    std::copy_n(built.begin(), std::min<size_t>(built.size(), bytes.size()), bytes.begin());
    StoreLe(&bytes[24], repo_.repository->marker().cluster.system_id.value);
    StoreLe(&bytes[32], segment_size_);
    return bytes;
  }
  std::string Put(uint64_t number, const Bytes& bytes, const char* mark = "") {
    const std::string name = SegmentFileName(Timeline{1}, SegmentNo{number}, segment_size_);
    WriteFileText(At("pg_wal/" + name), AsText(bytes));
    if (*mark != '\0') WriteFileText(At("pg_wal/archive_status/" + name + mark), "");
    return name;
  }
  UnstoredWal Find() {
    auto tree = ClusterTree::Open(options_.data_directory);
    auto archive = WalCatalog::Load(*repo_.repository, OpContext());
    EXPECT_TRUE(tree.ok() && archive.ok());
    auto found = FindUnstoredWal(*repo_.repository, archive.value(), tree.value(), "pg_wal", OpContext());
    EXPECT_TRUE(found.ok()) << found.status().ToString();
    return found.ok() ? found.value() : UnstoredWal();
  }
  void Push(const std::string& name) {
    auto pushed = PushWalFile(*repo_.repository, name, At("pg_wal/" + name), OpContext());
    ASSERT_TRUE(pushed.ok()) << pushed.status().ToString();
  }
  uint32_t segment_size_ = 0;
};

TEST_F(UnstoredWalTest, WhatAnIdleServerLeavesIsNotMissed) {
  Put(9, Segment(9, /*commit=*/false));
  EXPECT_TRUE(Find().names.empty());
  Put(9, Segment(9, /*commit=*/false, false, /*cleaned_by=*/777));
  EXPECT_EQ(Find().names.size(), 1U) << "a transaction was under way";
  const std::string name = Put(9, Segment(9, /*commit=*/true));
  const UnstoredWal found = Find();
  EXPECT_EQ(found.names, std::vector<std::string>{name});
  ASSERT_TRUE(found.last_commit);
  EXPECT_EQ(found.last_commit->xid, 777U);
  const std::string text = DescribeUnstoredWal(found, "/aside", true);
  EXPECT_NE(text.find("set aside in \"/aside\". It holds transactions that are nowhere else"), std::string::npos)
      << text;
}

// As of a staging server that was opened, archived to a repository of its own, and was not used.
TEST_F(UnstoredWalTest, ATimelineOnWhichNothingHappenedIsNotMissed) {
  const auto history = [&](uint32_t timeline) {
    const std::string name = HistoryFileName(Timeline{timeline});
    WriteFileText(At("pg_wal/" + name), "1\t0/900100\tno recovery target specified\n");
    return name;
  };
  const std::string mine = SegmentFileName(Timeline{7}, SegmentNo{9}, segment_size_);
  history(7);
  WriteFileText(At("pg_wal/" + mine), AsText(Segment(9, false)));
  EXPECT_TRUE(Find().names.empty());
  WriteFileText(At("pg_wal/" + mine), AsText(Segment(9, true)));
  UnstoredWal found = Find();
  EXPECT_EQ(found.names.size(), 2U);
  EXPECT_TRUE(found.all_read);
  EXPECT_NE(DescribeUnstoredWal(found, "/aside", true).find("nowhere else"), std::string::npos);
  EXPECT_NE(DescribeUnstoredWal(found, "/aside", true).find("restore again with --target-timeline 7;"),
            std::string::npos);
  // Its server says that it archived that, and where.
  WriteFileText(At("pg_wal/archive_status/" + mine + ".done"), "");
  EXPECT_TRUE(Find().last_commit) << "to this repository, which has lost it";
  WriteFileText(At(kKnownRepositoriesFile), "0123 file:///srv/staging\n");
  found = Find();
  EXPECT_EQ(found.names.size(), 2U);
  EXPECT_FALSE(found.last_commit);
  const std::string text = DescribeUnstoredWal(found, "/aside", true);
  EXPECT_EQ(text.find("nowhere else"), std::string::npos) << text;
  EXPECT_NE(text.find("(xid 777) they were archived to another repository, file:///srv/staging"), std::string::npos)
      << text;
  // Without the history file what is stored of a timeline cannot be reached.
  std::filesystem::remove(At("pg_wal/" + mine));
  EXPECT_TRUE(Find().names.empty());
  Put(9, Segment(9, true, true));
  const std::string name = SegmentFileName(Timeline{7}, SegmentNo{10}, segment_size_);
  WriteFileText(At("pg_wal/" + name), AsText(Segment(10, true, true)));
  ASSERT_NO_FATAL_FAILURE(Push(name));
  std::filesystem::remove(At("pg_wal/" + SegmentFileName(Timeline{1}, SegmentNo{9}, segment_size_)));
  std::filesystem::remove(At("pg_wal/" + name));
  EXPECT_EQ(Find().names, std::vector<std::string>{HistoryFileName(Timeline{7})});
}

// Made beside production, and refreshed over itself: what it wrote is nobody's history but its own.
TEST_F(UnstoredWalTest, WhatACopyWroteIsNotOfferedToProduction) {
  RestoreMark mark;
  mark.repository_id = repo_.repository->marker().repository_id;
  mark.system_id = repo_.repository->marker().cluster.system_id;
  mark.segment_size_bytes = segment_size_;
  mark.timeline = Timeline{1};
  mark.as_copy = true;
  mark.restored_micros = 1795393800'000000;
  auto tree = ClusterTree::Open(options_.data_directory);
  ASSERT_TRUE(tree.ok());
  ASSERT_TRUE(WriteRestoreMark(tree.value(), mark).ok());
  const std::string own = SegmentFileName(Timeline{2}, SegmentNo{9}, segment_size_);
  WriteFileText(At("pg_wal/" + own), AsText(Segment(9, true)));
  UnstoredWal found = Find();
  EXPECT_FALSE(found.last_commit);
  ASSERT_TRUE(found.others_commit);
  const std::string text = DescribeUnstoredWal(found, "/aside", true);
  EXPECT_EQ(text.find("wal-push"), std::string::npos) << text;
  EXPECT_NE(text.find("of the copy that was made here by the restore of 2026-11-23"), std::string::npos) << text;
  // Set aside, it is still known, whatever is restored over the directory.
  ASSERT_TRUE(SetWalAside(tree.value(), found.names, "aside").ok());
  std::filesystem::remove(At("pg_pitr.restored"));
  auto archive = WalCatalog::Load(*repo_.repository, OpContext());
  const auto aside = FindUnstoredWal(*repo_.repository, archive.value(), tree.value(), "pg_wal/aside", OpContext());
  ASSERT_TRUE(aside.ok());
  EXPECT_EQ(aside.value().names, std::vector<std::string>{own});
  EXPECT_FALSE(aside.value().last_commit);
  EXPECT_FALSE(aside.value().others.empty());
  // Of the timeline that it followed it may be the only one that has a segment.
  ASSERT_TRUE(WriteRestoreMark(tree.value(), mark).ok());
  Put(9, Segment(9, true));
  EXPECT_TRUE(Find().last_commit);
  std::filesystem::remove_all(At("pg_wal/aside"));
  WriteFileText(At("pg_wal/" + own), AsText(Segment(9, true)));
  mark.taken_over = true;
  ASSERT_TRUE(WriteRestoreMark(tree.value(), mark).ok());
  EXPECT_FALSE(Find().others_commit) << "it is production now";
}

// A staging server whose own archiving sticks.
TEST_F(UnstoredWalTest, WhatWaitsForAnotherRepositoryIsNotOfferedToThisOne) {
  const std::string name = Put(9, Segment(9, true), ".ready");
  WriteFileText(At(kKnownRepositoriesFile), "0123 file:///srv/staging\n");
  const UnstoredWal found = Find();
  EXPECT_EQ(found.names, std::vector<std::string>{name});
  const std::string text = DescribeUnstoredWal(found, "/aside", true);
  EXPECT_EQ(text.find("wal-push"), std::string::npos) << text;
  EXPECT_NE(text.find("of a server that archives to file:///srv/staging, and had not yet"), std::string::npos) << text;
}

TEST(WalOriginTest, IsAbovePgWalOrTheDirectoryItself) {
  EXPECT_EQ(WalOrigin("pg_wal"), ".") << "archive_command's %p is relative to the data directory";
  EXPECT_EQ(WalOrigin("/srv/pg/pg_wal"), "/srv/pg");
  EXPECT_EQ(WalOrigin("/srv/pg/pg_wal/pg_pitr.before-restore-x"), "/srv/pg/pg_wal/pg_pitr.before-restore-x");
  EXPECT_EQ(WalOrigin(""), ".");
}

TEST_F(UnstoredWalTest, StoredIsWhatIsEqual) {
  const std::string name = Put(9, Segment(9, true, true));
  ASSERT_NO_FATAL_FAILURE(Push(name));
  EXPECT_TRUE(Find().names.empty()) << "without a mark, by its content";
  Bytes other = Segment(9, true, true);
  other[5000] ^= 1;
  Put(9, other);
  EXPECT_EQ(Find().differing, std::vector<std::string>{name}) << "another history";
  Put(9, other, ".ready");
  EXPECT_EQ(Find().names.size(), 1U);
  // Archived and expired: older than all there is.
  Put(9, Segment(9, true, true));
  Put(3, Segment(3, true), ".done");
  EXPECT_TRUE(Find().names.empty());
  Put(11, Segment(11, true), ".done");
  EXPECT_EQ(Find().names.size(), 1U) << "marked, newer, and not there: the repository has lost it";
}

// The local file goes on account of the stored one.
TEST_F(UnstoredWalTest, StoredIsWhatIsDurable) {
  for (const char* mark : {"", ".done"}) {
    const std::string name = Put(*mark == '\0' ? 9 : 10, Segment(*mark == '\0' ? 9 : 10, true, true), mark);
    ASSERT_NO_FATAL_FAILURE(Push(name));
    faults_->Inject({.op = test::StoreOp::kSettle, .status = {Code::kUnavailable, "EIO"}});
    auto tree = ClusterTree::Open(options_.data_directory);
    auto archive = WalCatalog::Load(*repo_.repository, OpContext());
    EXPECT_EQ(FindUnstoredWal(*repo_.repository, archive.value(), tree.value(), "pg_wal", OpContext()).code(),
              Code::kUnavailable)
        << mark;
    EXPECT_TRUE(Find().names.empty());
  }
}

TEST_F(UnstoredWalTest, OfAnUnfinishedSegmentItIsEnoughWhatItHas) {
  const std::string name = Put(9, Segment(9, true));
  ASSERT_NO_FATAL_FAILURE(Push(name));
  EXPECT_TRUE(Find().names.empty());
  Put(9, Segment(9, false));
  EXPECT_EQ(Find().differing, std::vector<std::string>{name}) << "another history";
}

TEST(AsideNameTest, SaysWhenToTheMillisecond) {
  EXPECT_EQ(AsideName(1795393800'123456), "pg_pitr.before-restore-20261123T003000.123Z");
  EXPECT_NE(AsideName(1795393800'123456), AsideName(1795393800'124456));
}

}  // namespace
}  // namespace pitr
