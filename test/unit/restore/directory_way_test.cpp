// Which links lead a restore to a directory, when it runs as root.
// Starts no thread.
#include "core/restore/directory_way.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>

#include "core/base/same_directory.h"
#include "core/repo/maps/file_map.h"
#include "core/restore/restore_guard.h"
#include "unit/backup/data_tree.h"

namespace pitr {
namespace {

namespace fs = std::filesystem;

class DirectoryWayTest : public testing::Test {
 protected:
  void SetUp() override {
    fs::create_directories(At("real/ts"));
    MakeLink("real", "link");
    MakeLink(At("real"), "whole");
  }
  std::string At(const std::string& path) const { return scratch_.path() + "/" + path; }
  // One that is not root's, whoever runs the test.
  void MakeLink(const std::string& target, const std::string& name) const {
    fs::create_symlink(target, At(name));
    if (geteuid() == 0) { ASSERT_EQ(lchown(At(name).c_str(), 65534, 65534), 0); }
  }
  static void ExpectSame(const Result<UniqueFd>& opened, const std::string& path) {
    ASSERT_TRUE(opened.ok()) << opened.status().ToString();
    struct stat a, b;
    ASSERT_EQ(fstat(opened.value().get(), &a), 0);
    ASSERT_EQ(stat(path.c_str(), &b), 0);
    EXPECT_TRUE(a.st_dev == b.st_dev && a.st_ino == b.st_ino) << path;
  }
  void ExpectRefused(const Result<UniqueFd>& opened, const std::string& link) {
    ASSERT_FALSE(opened.ok());
    EXPECT_EQ(opened.code(), Code::kInvalidArgument);
    EXPECT_NE(opened.status().message().find("\"" + At(link) + "\""), std::string::npos) << opened.status().ToString();
    EXPECT_NE(opened.status().hint(), "");
  }
  test::ScratchDirectory scratch_;
};

TEST_F(DirectoryWayTest, PlainPathsLeadToTheirDirectory) {
  for (const WayLinks links : {WayLinks::kAll, WayLinks::kOfRoot}) {
    ExpectSame(OpenDirectoryWay(At("real/ts"), links), At("real/ts"));
    ExpectSame(OpenDirectoryWay(At("real/./ts/../ts/"), links), At("real/ts"));
    ExpectSame(OpenDirectoryWay("/", links), "/");
    EXPECT_EQ(OpenDirectoryWay(At("none/ts"), links).code(), Code::kNotFound);
  }
}

TEST_F(DirectoryWayTest, RootFollowsNobodyElsesLinks) {
  for (const char* path : {"link/ts", "whole/ts"})
    ExpectSame(OpenDirectoryWay(At(path), WayLinks::kAll), At("real/ts"));
  ExpectRefused(OpenDirectoryWay(At("link/ts"), WayLinks::kOfRoot), "link");
  ExpectRefused(OpenDirectoryWay(At("whole"), WayLinks::kOfRoot), "whole");
  ExpectRefused(OpenDirectoryWay(At("whole/../real/ts"), WayLinks::kOfRoot), "whole");
  ExpectRefused(MakeDirectoryWay(At("link/new"), WayLinks::kOfRoot), "link");
  EXPECT_FALSE(fs::exists(At("real/new")));
  MakeLink("nowhere", "dangling");
  ExpectRefused(MakeDirectoryWay(At("dangling/new"), WayLinks::kOfRoot), "dangling");
}

TEST_F(DirectoryWayTest, RootFollowsItsOwnLinks) {
  struct stat info;
  const std::string own = "/proc/self";  // root's on every Linux
  if (lstat(own.c_str(), &info) == 0 && S_ISLNK(info.st_mode) && info.st_uid == 0)
    ExpectSame(OpenDirectoryWay(own, WayLinks::kOfRoot), own);
  MakeLink("circle", "circle");
  EXPECT_FALSE(OpenDirectoryWay(At("circle"), WayLinks::kAll).ok());
}

TEST_F(DirectoryWayTest, WhatIsMadeIsForTheOwnerOnlyAndWhatIsThereStays) {
  ASSERT_EQ(chmod(At("real").c_str(), 0755), 0);
  const mode_t before = umask(0177);
  const auto made = MakeDirectoryWay(At("real/a/b"), WayLinks::kOfRoot);
  umask(before);
  ExpectSame(made, At("real/a/b"));
  for (const auto& [path, mode] : {std::pair("real", 0755), std::pair("real/a", 0700), std::pair("real/a/b", 0700)}) {
    struct stat info;
    ASSERT_EQ(stat(At(path).c_str(), &info), 0);
    EXPECT_EQ(info.st_mode & 07777, static_cast<mode_t>(mode)) << path;
  }
  ExpectSame(MakeDirectoryWay(At("link/c"), WayLinks::kAll), At("real/c"));
}

TEST(TablespacePaths, AreBelowTheVersionOfTheBackup) {
  BackupManifest backup;
  backup.label = "b";
  backup.cluster.pg_major = 15;
  const auto with = [&](const std::string& path, MappedKind kind = MappedKind::kFile) {
    return CheckTablespacePath(backup, path, kind);
  };
  for (const char* path : {"PG_VERSION", "pg_tblspc/16400", "pg_tblspc/16400/PG_15_202209061/5/1", "base/5/1"})
    EXPECT_TRUE(with(path).ok()) << path;
  EXPECT_TRUE(with("pg_tblspc/16400/PG_15_202209061", MappedKind::kDirectory).ok());
  for (const char* path :
       {"pg_tblspc/16400/authorized_keys", "pg_tblspc/16400/PG_15_202209061", "pg_tblspc/16400/PG_14_202107181/5/1",
        "pg_tblspc/16400/PG_15_x/5/1", "pg_tblspc/16400/PG_150_202209061/5/1"}) {
    const Status refused = with(path);
    EXPECT_EQ(refused.code(), Code::kCorruption) << path;
    EXPECT_NE(refused.message().find(path), std::string::npos) << refused.ToString();
  }
}

}  // namespace
}  // namespace pitr
