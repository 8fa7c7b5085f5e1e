#include "core/restore/restorer.h"
#include "core/repo/opening/open_repository.h"

#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/base/sha256.h"
#include "core/pg/control.h"
#include "core/pg/wal_name.h"
#include "core/repo/layout.h"
#include "core/report/restore_report.h"
#include "unit/restore/restore_fixture.h"
#include "unit/store/sync_faults.h"

namespace pitr {
namespace {

namespace fs = std::filesystem;
using test::MakePages;
using test::ReadFileText;
using test::WriteFileText;

class RestorerTest : public test::RestoreFixture {};

TEST_F(RestorerTest, BringsEveryByteBack) {
  ASSERT_NO_FATAL_FAILURE(Prepare(true, /*encrypted=*/true));
  ASSERT_NO_FATAL_FAILURE(MustRun());
  ExpectRestored();

  // The tablespace went where it was mapped to, by a link.
  EXPECT_EQ(fs::read_symlink(At("pg_tblspc/16400")), scratch_.path() + "/new ts");
  EXPECT_EQ(ReadFileText(At("tablespace_map")), "16400 " + scratch_.path() + "/new ts\n")
      << "and no link is to be made to a place that the backup knows nothing of";
  EXPECT_TRUE(fs::is_directory(fs::symlink_status(At("pg_tblspc/16401")))) << "in place";
  EXPECT_TRUE(fs::is_directory(fs::symlink_status(At("pg_wal")))) << "never a link of the old machine";
  EXPECT_TRUE(fs::exists(At("recovery.signal")));
  struct stat info;
  ASSERT_EQ(stat(At("").c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777, 0700U);
}

TEST_F(RestorerTest, FetchesNoFrameTwice) {
  ASSERT_NO_FATAL_FAILURE(Prepare(true));
  ASSERT_NO_FATAL_FAILURE(MustRun());
  uint64_t packs = 0;
  for (const PackEntry& pack : plan_.backup.packs) packs += pack.size_bytes;
  EXPECT_LE(result_.bytes_fetched, packs + (2U << 20)) << "the frame of the control file may be read again";
}

TEST_F(RestorerTest, WritesRecoverySettingsIntoWhatWasThere) {
  ASSERT_NO_FATAL_FAILURE(Prepare(false));
  plan_.target.kind = TargetKind::kLsn;
  plan_.target.lsn = Lsn{0x7000200};
  ASSERT_NO_FATAL_FAILURE(MustRun());
  const std::string conf = ReadFileText(At("postgresql.auto.conf"));
  EXPECT_NE(conf.find("work_mem = '8MB'"), std::string::npos);
  EXPECT_EQ(conf.find("recovery_target_xid = '7'"), std::string::npos) << conf;
  EXPECT_NE(conf.find("recovery_target_lsn = '0/7000200'"), std::string::npos) << conf;
}

TEST_F(RestorerTest, StandbyAndFilesOnly) {
  ASSERT_NO_FATAL_FAILURE(Prepare(false));
  options_.mode = RecoveryMode::kStandby;
  ASSERT_NO_FATAL_FAILURE(MustRun());
  EXPECT_TRUE(fs::exists(At("standby.signal")));
  EXPECT_FALSE(fs::exists(At("recovery.signal")));
  options_.delta = true;
  plan_.target.kind = TargetKind::kLsn;
  ExpectRefused("does not stop at a target");
  plan_.target.kind = TargetKind::kLatest;
  options_.mode = RecoveryMode::kNone;
  options_.delta = true;
  ASSERT_NO_FATAL_FAILURE(MustRun());
  EXPECT_FALSE(fs::exists(At("standby.signal")));
  EXPECT_TRUE(fs::exists(At("backup_label"))) << "without it the server would start from the wrong checkpoint";
}

TEST_F(RestorerTest, DeltaFetchesOnlyWhatDiffersAndRemovesTheRest) {
  ASSERT_NO_FATAL_FAILURE(Prepare(false));
  ASSERT_NO_FATAL_FAILURE(MustRun());
  const uint64_t all = result_.bytes_written;
  const std::string outside = scratch_.path() + "/outside";
  WriteFileText(outside + "/precious", "keep");
  // One changed page, one file too long, one too short, one missing, and things that do not belong.
  std::string pages = ReadFileText(At("base/5/16384"));
  pages[100 * 8192 + 17] ^= 1;
  WriteFileText(At("base/5/16384"), pages);
  WriteFileText(At("base/5/16386"), "not empty any more");
  WriteFileText(At("base/5/16385"), "short");
  fs::remove(At("pg_xact/0000"));
  WriteFileText(At("base/5/99999"), "foreign");
  WriteFileText(At("base/77/1"), "foreign");
  fs::create_symlink(outside, At("base/link"));
  fs::create_symlink(outside + "/precious", At("base/5/link"));
  WriteFileText(At("log/server.log"), "what happened");
  options_.delta = true;
  ASSERT_NO_FATAL_FAILURE(MustRun());
  ExpectRestored();
  EXPECT_LT(result_.bytes_written, all / 2) << "only extents that differ";
  EXPECT_GT(result_.files_kept, 0U);
  for (const char* gone : {"base/5/99999", "base/77", "base/link", "base/5/link"})
    EXPECT_FALSE(fs::exists(fs::symlink_status(At(gone)))) << gone;
  EXPECT_EQ(ReadFileText(outside + "/precious"), "keep");
  EXPECT_EQ(ReadFileText(At("log/server.log")), "what happened");
}

TEST_F(RestorerTest, ALinkInTheWayIsNeverFollowed) {
  ASSERT_NO_FATAL_FAILURE(Prepare(false));
  ASSERT_NO_FATAL_FAILURE(MustRun());
  const std::string outside = scratch_.path() + "/outside";
  WriteFileText(outside + "/16384", "precious");
  fs::remove_all(At("base/5"));
  fs::create_symlink(outside, At("base/5"));
  options_.delta = true;
  ASSERT_NO_FATAL_FAILURE(MustRun());
  ExpectRestored();
  EXPECT_EQ(ReadFileText(outside + "/16384"), "precious");
  EXPECT_TRUE(fs::is_directory(fs::symlink_status(At("base/5"))));
}

TEST_F(RestorerTest, RefusesWhatItMustNotTouch) {
  ASSERT_NO_FATAL_FAILURE(Prepare(false));
  WriteFileText(At("mine"), "x");
  ExpectRefused("is not empty");
  options_.delta = options_.force = true;
  ExpectRefused("is not a data directory");
  WriteFileText(At("PG_VERSION"), "15\n");
  options_.force = false;
  ExpectRefused("cannot tell whose cluster");
  EXPECT_EQ(ReadFileText(At("mine")), "x");
  options_.force = true;
  ASSERT_NO_FATAL_FAILURE(MustRun());
  ExpectRestored();
  EXPECT_FALSE(fs::exists(At("mine")));
}

TEST_F(RestorerTest, AHardLinkedCopyIsNotChanged) {
  ASSERT_NO_FATAL_FAILURE(Prepare(false));
  ASSERT_NO_FATAL_FAILURE(MustRun());
  const std::string copy = scratch_.path() + "/copy";
  WriteFileText(At("base/5/16385"), "as it was when the copy was made");
  fs::create_hard_link(At("base/5/16385"), copy);
  options_.delta = true;
  ASSERT_NO_FATAL_FAILURE(MustRun());
  ExpectRestored();
  EXPECT_EQ(ReadFileText(copy), "as it was when the copy was made");
}

TEST_F(RestorerTest, ARefusedDirectoryIsLeftAsItIs) {
  ASSERT_NO_FATAL_FAILURE(Prepare(false));
  WriteFileText(At("mine"), "x");
  ASSERT_EQ(chmod(options_.data_directory.c_str(), 0755), 0);
  ExpectRefused("is not empty");
  struct stat info;
  ASSERT_EQ(stat(options_.data_directory.c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777, 0755U);
  fs::remove(At("mine"));
  ASSERT_NO_FATAL_FAILURE(MustRun());
  ASSERT_EQ(stat(options_.data_directory.c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777, 0700U) << "or the server would not start";
}

TEST_F(RestorerTest, RefusesAnotherCluster) {
  ASSERT_NO_FATAL_FAILURE(Prepare(false));
  ASSERT_NO_FATAL_FAILURE(MustRun());
  std::string control = ReadFileText(At("global/pg_control"));
  Bytes bytes(control.begin(), control.end());
  StoreLe<uint64_t>(bytes.data(), 4711);
  ASSERT_TRUE(SealControlFile(bytes).ok());
  WriteFileText(At("global/pg_control"), AsText(bytes));
  options_.delta = true;
  ExpectRefused("holds another cluster");
  EXPECT_TRUE(HasControl());
}

TEST_F(RestorerTest, RefusesARunningServer) {
  ASSERT_NO_FATAL_FAILURE(Prepare(false));
  ASSERT_NO_FATAL_FAILURE(MustRun());
  options_.delta = true;
  int ready[2];
  ASSERT_EQ(pipe(ready), 0);
  const pid_t server = fork();
  if (server == 0) {
    if (chdir(options_.data_directory.c_str()) != 0 || write(ready[1], "x", 1) != 1) _exit(1);
    for (;;) pause();
  }
  char byte;
  ASSERT_EQ(read(ready[0], &byte, 1), 1);
  WriteFileText(At("postmaster.pid"), std::to_string(server) + "\n" + options_.data_directory + "\n");
  ExpectRefused("a server is running");
  ExpectRefused("Choose another directory and add --as-copy, to restore beside it");
  options_.as_copy = true;
  ExpectRefused("Choose another directory, to restore beside it");
  options_.as_copy = false;
  EXPECT_TRUE(HasControl());
  kill(server, SIGKILL);
  waitpid(server, nullptr, 0);
  close(ready[0]);
  close(ready[1]);
  ASSERT_NO_FATAL_FAILURE(MustRun());
  ExpectRestored();
  EXPECT_FALSE(fs::exists(At("postmaster.pid")));
}

TEST_F(RestorerTest, KeepsWalThatIsNotArchived) {
  ASSERT_NO_FATAL_FAILURE(Prepare(false));
  ASSERT_NO_FATAL_FAILURE(MustRun());
  const uint32_t size = plan_.backup.cluster.segment_size_bytes;
  const std::string last = SegmentFileName(Timeline{1}, SegmentNo{9}, size),
                    recycled = SegmentFileName(Timeline{1}, SegmentNo{10}, size);
  WriteFileText(At("pg_wal/" + last), "the last transactions");
  WriteFileText(At("pg_wal/" + recycled), std::string(8192, '\0'));
  WriteFileText(At("pg_wal/archive_status/" + last + ".ready"), "");
  options_.delta = true;
  ASSERT_NO_FATAL_FAILURE(MustRun());
  ExpectRestored();
  const std::string said = DescribeNotes(result_.notes);
  EXPECT_NE(said.find(last + ", which the repository does not have, was set aside"), std::string::npos) << said;
  std::string aside;
  for (const auto& entry : fs::directory_iterator(At("pg_wal")))
    if (entry.path().filename().string().starts_with("pg_pitr.before-restore-")) aside = entry.path();
  ASSERT_FALSE(aside.empty());
  EXPECT_EQ(ReadFileText(aside + "/" + last), "the last transactions");
  EXPECT_FALSE(fs::exists(aside + "/" + recycled));
  EXPECT_TRUE(fs::is_empty(At("pg_wal/archive_status")));
  // The next restore leaves it alone, and sets nothing more aside.
  ASSERT_NO_FATAL_FAILURE(MustRun());
  EXPECT_EQ(DescribeNotes(result_.notes).find("was set aside"), std::string::npos) << DescribeNotes(result_.notes);
  EXPECT_EQ(ReadFileText(aside + "/" + last), "the last transactions");
}

TEST_F(RestorerTest, ALinkedWalDirectoryStaysALink) {
  ASSERT_NO_FATAL_FAILURE(Prepare(false));
  ASSERT_NO_FATAL_FAILURE(MustRun());
  const std::string elsewhere = scratch_.path() + "/wal-disk";
  WriteFileText(elsewhere + "/000000010000000000000009", "WAL");
  WriteFileText(elsewhere + "/notes", "not PostgreSQL's");
  fs::create_directory(elsewhere + "/lost+found");
  fs::remove_all(At("pg_wal"));
  fs::create_symlink(elsewhere, At("pg_wal"));
  options_.delta = true;
  ASSERT_NO_FATAL_FAILURE(MustRun());
  ExpectRestored();
  EXPECT_EQ(fs::read_symlink(At("pg_wal")), elsewhere);
  EXPECT_TRUE(fs::is_directory(elsewhere + "/archive_status"));
  EXPECT_TRUE(fs::exists(elsewhere + "/lost+found"));
  EXPECT_EQ(ReadFileText(elsewhere + "/notes"), "not PostgreSQL's");
  EXPECT_FALSE(fs::exists(elsewhere + "/000000010000000000000009"));
  std::string aside;
  for (const auto& entry : fs::directory_iterator(elsewhere))
    if (entry.path().filename().string().starts_with("pg_pitr.before-restore-")) aside = entry.path();
  EXPECT_EQ(ReadFileText(aside + "/000000010000000000000009"), "WAL") << "on its own file system";

  // A link that leads nowhere is refused before anything is touched; --waldir says where instead.
  fs::rename(elsewhere, elsewhere + ".unmounted");
  ExpectRefused("pg_wal is a symbolic link to");
  EXPECT_TRUE(HasControl());
  options_.wal_directory = scratch_.path() + "/other-disk";
  WriteFileText(options_.wal_directory + "/precious", "x");
  ExpectRefused("is not empty");
  EXPECT_TRUE(HasControl());
  fs::remove(options_.wal_directory + "/precious");
  ASSERT_NO_FATAL_FAILURE(MustRun());
  ExpectRestored();
  EXPECT_EQ(fs::read_symlink(At("pg_wal")), options_.wal_directory);
  ASSERT_NO_FATAL_FAILURE(MustRun()) << "it is there already";

  // And back into the data directory; what the link led to stays.
  WriteFileText(options_.wal_directory + "/000000010000000000000009", "WAL");
  const std::string other = options_.wal_directory;
  options_.wal_directory = At("pg_wal");
  ASSERT_NO_FATAL_FAILURE(MustRun());
  ExpectRestored();
  EXPECT_TRUE(fs::is_directory(fs::symlink_status(At("pg_wal"))));
  EXPECT_EQ(ReadFileText(other + "/000000010000000000000009"), "WAL");
}

TEST_F(RestorerTest, AWalDirectoryMakesRoomForALink) {
  ASSERT_NO_FATAL_FAILURE(Prepare(false));
  options_.wal_directory = scratch_.path() + "/wal-disk";
  ASSERT_NO_FATAL_FAILURE(MustRun()) << "a new directory";
  EXPECT_EQ(fs::read_symlink(At("pg_wal")), options_.wal_directory);
  fs::remove(At("pg_wal"));
  WriteFileText(At("pg_wal/000000010000000000000009"), "WAL");
  options_.delta = true;
  options_.wal_directory = scratch_.path() + "/another";
  ASSERT_NO_FATAL_FAILURE(MustRun());
  ExpectRestored();
  EXPECT_EQ(fs::read_symlink(At("pg_wal")), options_.wal_directory);
  std::string found;
  for (const auto& entry : fs::recursive_directory_iterator(options_.data_directory))
    if (entry.path().filename() == "000000010000000000000009") found = ReadFileText(entry.path());
  EXPECT_EQ(found, "WAL");
  const std::string said = DescribeNotes(result_.notes);
  EXPECT_NE(said.find("000000010000000000000009"), std::string::npos) << said;
}

TEST_F(RestorerTest, PreparedDirectoriesAreAnEmptyDirectory) {
  ASSERT_NO_FATAL_FAILURE(Prepare(false));
  fs::create_directories(At("pg_wal/lost+found"));
  fs::create_directories(At("log"));
  fs::create_directories(At("lost+found"));
  ASSERT_NO_FATAL_FAILURE(MustRun());
  ExpectRestored();
}

TEST_F(RestorerTest, TablespacesMustBeEmptyOrDelta) {
  ASSERT_NO_FATAL_FAILURE(Prepare(true));
  const std::string there = scratch_.path() + "/new ts/" + tree_.tablespace_directory() + "/5/7";
  const std::string other = scratch_.path() + "/new ts/PG_14_202107181/1";
  WriteFileText(there, "x");
  WriteFileText(other, "another cluster's");
  ExpectRefused("may be using it");
  EXPECT_FALSE(fs::exists(options_.data_directory)) << "what was made for a restore that is refused goes again";
  const std::string own = options_.data_directory;
  options_.data_directory = own + "/some/where";
  ExpectRefused("is not empty");
  EXPECT_FALSE(fs::exists(own)) << "with the directories above it";
  fs::create_directory(own);
  ExpectRefused("is not empty");
  EXPECT_TRUE(fs::is_empty(own)) << "but nothing that was there before";
  fs::remove(own);
  options_.data_directory = own;
  fs::remove_all(scratch_.path() + "/new ts/" + tree_.tablespace_directory());
  ASSERT_NO_FATAL_FAILURE(MustRun());
  WriteFileText(there, "x");
  options_.delta = true;
  ASSERT_NO_FATAL_FAILURE(MustRun());
  ExpectRestored();
  EXPECT_FALSE(fs::exists(there));
  EXPECT_EQ(ReadFileText(other), "another cluster's");
}

TEST_F(RestorerTest, ACopyWithAMappedTablespaceIsMadeAnew) {
  ASSERT_NO_FATAL_FAILURE(Prepare(true));
  options_.as_copy = true;
  for (const std::string& name : {std::string("16400"), tree_.outside() + "/ts one"}) {
    options_.tablespace_map = {{name, scratch_.path() + "/new ts/"}};
    ASSERT_NO_FATAL_FAILURE(MustRun());
    options_.delta = true;
    ASSERT_NO_FATAL_FAILURE(MustRun());
  }
  options_.tablespace_map.clear();
  std::filesystem::remove(At("pg_tblspc/16400"));
  std::filesystem::create_directory_symlink(tree_.outside() + "/ts one", At("pg_tblspc/16400"));
  ExpectRefused("place of the original");
}

TEST_F(RestorerTest, TablespaceMappingsAreChecked) {
  ASSERT_NO_FATAL_FAILURE(Prepare(true));
  const auto original = options_.tablespace_map;
  options_.tablespace_map = {{"/no/such", "/x"}};
  ExpectRefused("has no tablespace \"/no/such\"");
  options_.tablespace_map = {{"16400", "relative"}};
  ExpectRefused("not an absolute path");
  options_.tablespace_map = {{"16400", At("inside")}};
  ExpectRefused("inside the data directory");
  options_.tablespace_map = {{"16401", "/x"}};
  ExpectRefused("cannot be mapped elsewhere");
  EXPECT_FALSE(fs::exists(options_.data_directory)) << "nothing was made";
  options_.tablespace_map = {{tree_.outside() + "/ts one", scratch_.path() + "/by path"}};
  ASSERT_NO_FATAL_FAILURE(MustRun());
  EXPECT_EQ(fs::read_symlink(At("pg_tblspc/16400")), scratch_.path() + "/by path");
}

TEST_F(RestorerTest, AFlippedBitIsNamedAndNothingCanStart) {
  ASSERT_NO_FATAL_FAILURE(Prepare(false));
  ASSERT_TRUE(memory_.FlipBit(plan_.backup.packs[0].key, 8 * 2000));
  auto result = Run();
  ASSERT_EQ(result.code(), Code::kCorruption) << result.status().ToString();
  EXPECT_NE(result.status().ToString().find(plan_.backup.packs[0].key), std::string::npos)
      << result.status().ToString();
  EXPECT_FALSE(HasControl());
}

TEST_F(RestorerTest, AnInterruptedRestoreIsContinuedByTheSameCommand) {
  ASSERT_NO_FATAL_FAILURE(Prepare(true));
  faults_->Inject({.op = test::StoreOp::kGet,
                   .status = {Code::kUnavailable, "gone"},
                   .key_contains = "F/00000",
                   .skip = 3,
                   .times = 1000000});
  auto result = Run();
  ASSERT_EQ(result.code(), Code::kUnavailable);
  EXPECT_FALSE(HasControl());
  EXPECT_TRUE(fs::exists(At("pg_pitr.restore")));
  faults_->Inject({.op = test::StoreOp::kStat, .times = 0});
  // A second repository over the same objects has no faults.
  auto calm = std::make_unique<test::FaultyStore>(memory_);
  auto reopened = OpenRepositoryOn(std::move(calm), repo_.repository->config(), NullLog(), OpContext());
  ASSERT_TRUE(reopened.ok()) << reopened.status().ToString();
  Progress progress;
  auto again = RunRestore(*reopened.value(), plan_, options_, progress, OpContext());
  ASSERT_TRUE(again.ok()) << again.status().ToString();
  ExpectRestored();
}

TEST_F(RestorerTest, TwoRestoresIntoOneDirectoryExcludeEachOther) {
  ASSERT_NO_FATAL_FAILURE(Prepare(false));
  bool tried = false;
  faults_->OnCall([&](test::StoreOp op, const std::string& key) {
    if (tried || op != test::StoreOp::kGet || !layout::LabelOfPackKey(key)) return;
    tried = true;
    ExpectRefused("another restore is running");
  });
  options_.jobs = 1;
  ASSERT_NO_FATAL_FAILURE(MustRun());
  EXPECT_TRUE(tried);
  ExpectRestored();
}

TEST_F(RestorerTest, CancelLeavesADirectoryThatCannotStart) {
  ASSERT_NO_FATAL_FAILURE(Prepare(false));
  CancelToken cancel;
  faults_->OnCall([&](test::StoreOp op, const std::string& key) {
    if (op == test::StoreOp::kGet && layout::LabelOfPackKey(key)) cancel.Cancel();
  });
  OpContext ctx;
  ctx.cancel = &cancel;
  Progress progress;
  auto result = RunRestore(*repo_.repository, plan_, options_, progress, ctx);
  EXPECT_EQ(result.code(), Code::kCancelled) << result.status().ToString();
  EXPECT_FALSE(HasControl());
  faults_->OnCall(nullptr);
  ASSERT_NO_FATAL_FAILURE(MustRun());
  ExpectRestored();
}

// Killed before any of its first requests, and at any moment: never startable half-way, always continued.
TEST_F(RestorerTest, KilledAnywhereItIsContinued) {
  ASSERT_NO_FATAL_FAILURE(Prepare(false));
  options_.jobs = 1;
  bool finished = false;
  for (int point = 0; point < 60 && !finished; ++point) {
    fs::remove_all(options_.data_directory);
    const pid_t child = fork();
    ASSERT_GE(child, 0);
    if (child == 0) {
      int calls = 0;
      if (point < 20)
        faults_->OnCall([&](test::StoreOp, const std::string&) {
          if (calls++ == point) raise(SIGKILL);
        });
      _exit(Run().ok() ? 0 : 1);
    }
    if (point >= 20) {
      usleep(static_cast<useconds_t>((point - 20) * 400));
      kill(child, SIGKILL);
    }
    int status = 0;
    ASSERT_EQ(waitpid(child, &status, 0), child);
    const bool killed = WIFSIGNALED(status);
    if (killed && HasControl()) {
      // It was all there; at most the removal of the mark was left.
      EXPECT_TRUE(fs::exists(At("backup_label")));
      EXPECT_TRUE(fs::exists(At("recovery.signal")));
      if (!fs::exists(At("pg_pitr.restore"))) {
        ExpectRestored();
        continue;
      }
    }
    if (!killed) {
      ASSERT_EQ(WEXITSTATUS(status), 0);
      if (point < 20) point = 19;  // there are no more requests; go on with moments
      continue;
    }
    ASSERT_NO_FATAL_FAILURE(MustRun()) << "point " << point;
    ExpectRestored();
  }
}

// Killed at its very end, and wanted at another target: at each fsync from pg_control's on, and before the mark goes.
TEST_F(RestorerTest, InterruptedAfterPgControlItTakesTheNewTarget) {
  ASSERT_NO_FATAL_FAILURE(Prepare(false));
  options_.jobs = 1;
  plan_.target.kind = TargetKind::kImmediate;
  bool survived = false;
  for (int point = 0; !survived; ++point) {
    ASSERT_LT(point, 20);
    fs::remove_all(options_.data_directory);
    const pid_t child = fork();
    ASSERT_GE(child, 0);
    if (child == 0) {
      int syncs = 0;
      bool counting = false;
      const test::SyncFaults kill_there([&](const std::string& path) {
        counting |= path.find("global/pg_control") != std::string::npos;
        if (counting && syncs++ == point) raise(SIGKILL);
        return 0;
      });
      _exit(Run().ok() ? 0 : 1);
    }
    int status = 0;
    ASSERT_EQ(waitpid(child, &status, 0), child);
    survived = !WIFSIGNALED(status);
    if (survived || !fs::exists(At("pg_pitr.restore"))) continue;
    RestorePlan other = plan_;
    other.target.kind = TargetKind::kXid;
    other.target.xid = 4711;
    Progress progress;
    const auto again = RunRestore(*repo_.repository, other, options_, progress, OpContext());
    ASSERT_TRUE(again.ok()) << "point " << point << ": " << again.status().ToString();
    ExpectRestored();
    const std::string settings = ReadFileText(At("postgresql.auto.conf"));
    EXPECT_NE(settings.find("recovery_target_xid = '4711'"), std::string::npos) << "point " << point << settings;
    EXPECT_EQ(settings.find("recovery_target = 'immediate'"), std::string::npos) << "point " << point << settings;
  }
}

// The server was started after a restore that was killed at its very end: then the directory is a cluster like any
// other.
TEST_F(RestorerTest, AMarkLeftBesideALiveClusterDoesNotInviteOverwriting) {
  ASSERT_NO_FATAL_FAILURE(Prepare(false));
  ASSERT_NO_FATAL_FAILURE(MustRun());
  WriteFileText(At("pg_pitr.restore"), "{\"label\":\"" + plan_.backup.label + "\",\"system_identifier\":\"" +
                                           std::to_string(plan_.backup.cluster.system_id.value) +
                                           "\",\"control_sha256\":\"" +
                                           Sha256Hex(AsBytes(ReadFileText(At("global/pg_control")))) + "\"}");
  ASSERT_NO_FATAL_FAILURE(MustRun());
  EXPECT_FALSE(fs::exists(At("pg_pitr.restore"))) << "nothing had changed: it is finished";
  WriteFileText(At("pg_pitr.restore"), "{\"label\":\"" + plan_.backup.label + "\"}");
  std::string control = ReadFileText(At("global/pg_control"));
  control[200] ^= 1;
  WriteFileText(At("global/pg_control"), control);
  ExpectRefused("the server has been started since");
}

}  // namespace
}  // namespace pitr
