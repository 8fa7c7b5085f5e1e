// Directories in every state of disrepair, brought to a backup.
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <nlohmann/json.hpp>
#include <thread>

#include "core/report/restore_report.h"
#include "unit/restore/restore_fixture.h"

namespace pitr {
namespace {

namespace fs = std::filesystem;
using test::ReadFileText;
using test::WriteFileText;

constexpr uint64_t kBlock = 8192;

class DeltaTest : public test::RestoreFixture {
 protected:
  void Restored(bool everything = false) {
    ASSERT_NO_FATAL_FAILURE(Prepare(everything));
    ASSERT_NO_FATAL_FAILURE(MustRun());
    options_.delta = true;
  }
  void ChangeBlock(const std::string& path, uint64_t block) {
    std::string text = ReadFileText(At(path));
    text[block * kBlock + 100] ^= 1;
    // In place: a new file would hide what is written.
    std::fstream file(At(path), std::ios::in | std::ios::out | std::ios::binary);
    file.seekp(static_cast<std::streamoff>(block * kBlock));
    file.write(text.data() + block * kBlock, static_cast<std::streamsize>(kBlock));
  }
  // Written however little differs: the control file.
  uint64_t AlwaysWritten() { return ReadFileText(At("global/pg_control")).size(); }
  mode_t ModeOf(const std::string& path) {
    struct stat info {};
    EXPECT_EQ(lstat(At(path).c_str(), &info), 0) << path;
    return info.st_mode & 07777;
  }
  std::string Outside(const std::string& name) {
    const std::string path = scratch_.path() + "/outside/" + name;
    WriteFileText(path, "precious");
    return path;
  }
};

TEST_F(DeltaTest, NothingChangedNothingWritten) {
  ASSERT_NO_FATAL_FAILURE(Restored());
  const uint64_t all = result_.bytes_fetched;
  EXPECT_EQ(result_.bytes_compared, 0U) << "there was nothing to compare with";
  ASSERT_NO_FATAL_FAILURE(MustRun());
  ExpectRestored();
  EXPECT_GE(result_.bytes_compared, 300 * kBlock);
  EXPECT_EQ(result_.bytes_written, AlwaysWritten());
  EXPECT_LT(result_.bytes_fetched, all / 2);
}

TEST_F(DeltaTest, OnlyBlocksThatDifferAreWritten) {
  ASSERT_NO_FATAL_FAILURE(Restored());
  for (const uint64_t block : {3, 4, 130, 299}) ChangeBlock("base/5/16384", block);
  ASSERT_NO_FATAL_FAILURE(MustRun());
  ExpectRestored();
  EXPECT_EQ(result_.bytes_written, 4 * kBlock + AlwaysWritten());
}

TEST_F(DeltaTest, ShortLongAndMissingFilesAreCompleted) {
  ASSERT_NO_FATAL_FAILURE(Restored());
  fs::resize_file(At("base/5/16384"), 200 * kBlock + 5);
  fs::resize_file(At("base/5/16385"), 100 * kBlock);
  fs::remove(At("pg_xact/0000"));
  ASSERT_NO_FATAL_FAILURE(MustRun());
  ExpectRestored();
  EXPECT_EQ(result_.bytes_written, 100 * kBlock + kBlock + AlwaysWritten())
      << "the rest of the short file, and the missing one";
}

TEST_F(DeltaTest, WhatIsOfAnotherKindIsReplacedAndNothingIsFollowed) {
  ASSERT_NO_FATAL_FAILURE(Restored());
  const std::string file = Outside("file"), directory = fs::path(file).parent_path();
  const auto replace = [&](const std::string& path) {
    fs::remove_all(At(path));
    return At(path);
  };
  fs::create_directories(replace("base/5/16384") + "/below/deeper");
  WriteFileText(At("base/5/16384/below/deeper/x"), "x");
  ASSERT_EQ(symlink(file.c_str(), replace("base/5/16385").c_str()), 0);
  ASSERT_EQ(mkfifo(replace("base/5/16386").c_str(), 0600), 0);
  WriteFileText(replace("pg_xact"), "a file");
  ASSERT_EQ(symlink(directory.c_str(), replace("pg_tblspc").c_str()), 0);
  ASSERT_EQ(mkfifo(At("base/5/pipe").c_str(), 0600), 0);
  ASSERT_EQ(symlink("nowhere", At("dangling").c_str()), 0);
  ASSERT_NO_FATAL_FAILURE(MustRun());
  ExpectRestored();
  EXPECT_EQ(ReadFileText(file), "precious");
  EXPECT_TRUE(fs::is_directory(fs::symlink_status(At("pg_tblspc"))));
  EXPECT_FALSE(fs::exists(fs::symlink_status(At("base/5/pipe"))));
  EXPECT_TRUE(fs::is_symlink(At("dangling"))) << "at the top, and not the server's";
}

TEST_F(DeltaTest, AControlFileOfAnyKindIsDisarmed) {
  ASSERT_NO_FATAL_FAILURE(Restored());
  const std::string elsewhere = scratch_.path() + "/elsewhere";
  fs::rename(At("global"), elsewhere);
  const std::string control = ReadFileText(elsewhere + "/pg_control");
  ASSERT_EQ(symlink(elsewhere.c_str(), At("global").c_str()), 0);
  ASSERT_NO_FATAL_FAILURE(MustRun()) << "its own, behind a link";
  ExpectRestored();
  EXPECT_EQ(ReadFileText(elsewhere + "/pg_control"), control) << "not touched";
  EXPECT_TRUE(fs::is_directory(fs::symlink_status(At("global"))));
  fs::remove(At("global/pg_control"));
  ASSERT_EQ(mkfifo(At("global/pg_control").c_str(), 0600), 0);
  ExpectRefused("cannot tell whose cluster");
  fs::remove(At("global/pg_control"));
  fs::create_directories(At("global/pg_control/x"));
  ExpectRefused("cannot tell whose cluster");
  options_.force = true;
  ASSERT_NO_FATAL_FAILURE(MustRun());
  ExpectRestored();
}

// Who fetched WAL ahead for the server that has just stopped ends a moment after it, and takes its files along.
TEST_F(DeltaTest, FilesThatComeAndGoMeanwhileDoNotEndIt) {
  ASSERT_NO_FATAL_FAILURE(Restored());
  const std::string spool = At("pg_wal/pg_pitr.spool");
  std::atomic<bool> end = false;
  std::thread others([&] {
    while (!end) {
      std::error_code ignored;
      fs::create_directory(spool, ignored);
      for (char name = 'a'; name < 'k'; ++name) {
        std::ofstream(spool + "/" + name) << "x";
        fs::create_directory(spool + "/" + name + name, ignored);
      }
      fs::remove_all(spool, ignored);
    }
  });
  std::string failures;
  for (int round = 0; round < 15; ++round)
    if (const auto result = Run(); !result.ok()) failures += result.status().ToString() + "\n";
  end = true;
  others.join();
  EXPECT_EQ(failures, "");
}

TEST_F(DeltaTest, ModesAreAsInTheBackup) {
  ASSERT_NO_FATAL_FAILURE(Restored());
  const mode_t relation = ModeOf("base/5/16384"), directory = ModeOf("base/5");
  ASSERT_EQ(chmod(At("base/5/16384").c_str(), 0400), 0);
  ASSERT_EQ(chmod(At("base/5/16385").c_str(), 0), 0);
  WriteFileText(At("base/foreign/a/b"), "x");
  for (const char* path : {"base/foreign/a", "base/foreign", "base/5", "global", "pg_wal/archive_status", "pg_wal"})
    ASSERT_EQ(chmod(At(path).c_str(), path == std::string("base/5") ? 0 : 0500), 0) << path;
  ASSERT_EQ(chmod(options_.data_directory.c_str(), 0500), 0);
  ASSERT_NO_FATAL_FAILURE(MustRun());
  ExpectRestored();
  EXPECT_EQ(ModeOf("base/5/16384"), relation);
  EXPECT_EQ(ModeOf("base/5/16385"), relation);
  EXPECT_EQ(ModeOf("base/5"), directory);
  EXPECT_EQ(ModeOf(""), 0700U);
  EXPECT_FALSE(fs::exists(At("base/foreign")));
  EXPECT_EQ(result_.bytes_written, AlwaysWritten()) << "the bytes were right";
}

TEST_F(DeltaTest, AHardLinkedFileIsCopiedNotFetched) {
  ASSERT_NO_FATAL_FAILURE(Restored());
  const std::string copy = scratch_.path() + "/copy";
  ChangeBlock("base/5/16384", 7);
  const std::string before = ReadFileText(At("base/5/16384"));
  fs::create_hard_link(At("base/5/16384"), copy);
  ASSERT_NO_FATAL_FAILURE(MustRun());
  ExpectRestored();
  EXPECT_EQ(ReadFileText(copy), before);
  EXPECT_EQ(result_.bytes_written, kBlock + AlwaysWritten());
}

TEST_F(DeltaTest, AnotherMajorVersionIsRefused) {
  ASSERT_NO_FATAL_FAILURE(Prepare(false));
  options_.delta = true;
  WriteFileText(At("PG_VERSION"), "12\n");
  WriteFileText(At("global/pg_control"), "of a version with another layout");
  ExpectRefused("holds a cluster of PostgreSQL 12");
  EXPECT_EQ(ReadFileText(At("global/pg_control")), "of a version with another layout");
  options_.force = true;
  ASSERT_NO_FATAL_FAILURE(MustRun());
  ExpectRestored();
}

TEST_F(DeltaTest, ItsOwnDirectoryIsKnownWithoutPgVersion) {
  ASSERT_NO_FATAL_FAILURE(Restored());
  fs::remove(At("PG_VERSION"));
  ASSERT_NO_FATAL_FAILURE(MustRun());
  ExpectRestored();
}

TEST_F(DeltaTest, ATablespaceThatAnotherClusterMayUseIsRefused) {
  ASSERT_NO_FATAL_FAILURE(Restored(/*everything=*/true));
  const std::string other = scratch_.path() + "/other ts";
  const std::string theirs = other + "/" + tree_.tablespace_directory() + "/5/7";
  WriteFileText(theirs, "precious");
  options_.tablespace_map["16400"] = other;
  ExpectRefused("is not empty");
  EXPECT_TRUE(HasControl());
  EXPECT_EQ(ReadFileText(theirs), "precious");
  // Its own one, whatever the link calls it.
  options_.tablespace_map["16400"] = scratch_.path() + "/new ts";
  fs::remove(At("pg_tblspc/16400"));
  ExpectRefused("no link to it");
  fs::create_directory_symlink(scratch_.path() + "/./new ts", At("pg_tblspc/16400"));
  ASSERT_NO_FATAL_FAILURE(MustRun());
  ExpectRestored();
  // The backup's tablespace was dropped, and another one of this very cluster was made in its place.
  fs::rename(At("pg_tblspc/16400"), At("pg_tblspc/16999"));
  ASSERT_NO_FATAL_FAILURE(MustRun());
  ExpectRestored();
  EXPECT_FALSE(fs::exists(fs::symlink_status(At("pg_tblspc/16999"))));
  // Moved elsewhere: what is in the old place stays, and is named.
  const auto said = [&](const std::string& text) {
    const auto checked = CheckRestore(*repo_.repository, plan_, options_, OpContext());
    EXPECT_TRUE(checked.ok()) << checked.status().ToString();
    return checked.ok() && DescribeNotes(checked.value()).find(text) != std::string::npos;
  };
  const std::string moved =
      "new ts\", which is not touched; the restore puts it into \"" + scratch_.path() + "/third\".";
  options_.tablespace_map["16400"] = scratch_.path() + "/third";
  EXPECT_TRUE(said(moved)) << "beforehand, too";
  ASSERT_NO_FATAL_FAILURE(MustRun());
  ExpectRestored();
  EXPECT_NE(DescribeRestore(result_, "d", 0).find(moved), std::string::npos);
  EXPECT_FALSE(said("which is not touched"));
  // Where the backup had it is another place: whoever has moved it may not want that.
  options_.tablespace_map.clear();
  options_.recorded_tablespaces = true;
  plan_.backup.tablespaces[0].path = scratch_.path() + "/fourth";
  EXPECT_TRUE(said("fourth\", where the backup had it. To have it where it is now: --tablespace 16400=" +
                   scratch_.path() + "/third."));
  EXPECT_TRUE(fs::exists(scratch_.path() + "/new ts/" + tree_.tablespace_directory() + "/5/30000"));
  options_.tablespace_map["16400"] = other;
  options_.force = true;
  ASSERT_NO_FATAL_FAILURE(MustRun());
  ExpectRestored();
}

TEST_F(DeltaTest, ADirectoryInPlaceOfATablespaceLinkIsRefusedBeforeAnythingIsTouched) {
  ASSERT_NO_FATAL_FAILURE(Restored(/*everything=*/true));
  fs::remove(At("pg_tblspc/16400"));
  WriteFileText(At("pg_tblspc/16400/" + tree_.tablespace_directory() + "/5/30000"), "copied");
  ExpectRefused("is a directory where a tablespace's link must be");
  EXPECT_TRUE(HasControl());
}

TEST_F(DeltaTest, TheInterruptedRestoreOfAnotherPlaceIsNoLicence) {
  ASSERT_NO_FATAL_FAILURE(Prepare(/*everything=*/true));
  ASSERT_NO_FATAL_FAILURE(MustRun());
  // As an interrupted restore leaves it.
  fs::remove(At("global/pg_control"));
  WriteFileText(At("pg_pitr.restore"), "{\"label\":\"other\",\"system_identifier\":\"" +
                                           std::to_string(plan_.backup.cluster.system_id.value) +
                                           "\",\"tablespaces\":{\"16400\":\"" + scratch_.path() + "/new ts\"}}");
  ChangeBlock("base/5/16386", 2);
  const std::string theirs = scratch_.path() + "/other ts/" + tree_.tablespace_directory() + "/5/7";
  WriteFileText(theirs, "precious");
  options_.tablespace_map["16400"] = scratch_.path() + "/other ts";
  ExpectRefused("is not empty");
  EXPECT_EQ(ReadFileText(theirs), "precious");
  options_.tablespace_map["16400"] = scratch_.path() + "/new ts";
  ASSERT_NO_FATAL_FAILURE(MustRun()) << "of another backup, continued with this one";
  ExpectRestored();
  EXPECT_LT(result_.bytes_written, 20 * kBlock);
}

TEST_F(DeltaTest, TheReportSaysWhatWasDone) {
  ASSERT_NO_FATAL_FAILURE(Restored());
  WriteFileText(At("base/5/99999"), "foreign");
  ASSERT_NO_FATAL_FAILURE(MustRun());
  EXPECT_EQ(result_.files_removed, 3U) << "what a restore leaves for the server, too: " << result_.files_removed;
  const std::string text = DescribeRestore(result_, "/data", 1500);
  EXPECT_NE(text.find(" compared, "), std::string::npos) << text;
  EXPECT_NE(text.find("3 removed"), std::string::npos) << text;
  EXPECT_EQ(RestoreJson(plan_, "/c", result_, options_, 1500)["restore"]["bytes_compared"], result_.bytes_compared);
  const auto dry = DryRunJson(plan_, "/c", options_, {"files stay"});
  EXPECT_TRUE(dry["restore"].is_null());
  EXPECT_EQ(dry["dry_run"]["notes"][0], "files stay");
}

}  // namespace
}  // namespace pitr
