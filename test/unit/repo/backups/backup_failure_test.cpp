// Starts no thread.
#include "core/repo/backups/backup_failure.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "core/repo/layout.h"
#include "lib/repository_fixture.h"

namespace pitr {
namespace {

class BackupFailureTest : public test::RepositoryTest {
 protected:
  BackupFailureTest() : repository_(MustOpenOrCreate(config_)) {
    directory_ = ::testing::TempDir() + "failures." + std::to_string(getpid());
    std::filesystem::create_directories(directory_);
  }
  ~BackupFailureTest() override { std::filesystem::remove_all(directory_); }

  static BackupFailure Failure(const std::string& label, int64_t ended) {
    return {label, "incr", 1000, ended, "copying files", "53100", "no room \xE9", "disk", "buy one", "role", "host"};
  }

  std::unique_ptr<Repository> repository_;
  std::string directory_;
};

TEST_F(BackupFailureTest, IsReadAsItWasWritten) {
  const BackupFailure failure = Failure("a", 2000);
  auto read = DecodeFailure(EncodeFailure(failure));
  ASSERT_TRUE(read.ok()) << read.status().ToString();
  EXPECT_EQ(read.value(), failure);
  EXPECT_EQ(DecodeFailure("{\"pg_pitr_failure\": 2}").code(), Code::kInvalidArgument);
  EXPECT_EQ(DecodeFailure("{}").code(), Code::kCorruption);
  EXPECT_EQ(DescribeFailure(failure),
            "Failed while copying files: no room \xE9 (SQLSTATE 53100). disk It was asked for by role.");
  EXPECT_EQ(DescribeFailure({.message = "archiving is held"}), "Refused: archiving is held.");
}

TEST_F(BackupFailureTest, TheRepositoryKeepsTheNewest) {
  for (int i = 0; i < static_cast<int>(kFailuresKept) + 3; i++)
    ASSERT_TRUE(StoreBackupFailure(*repository_, Failure(std::to_string(i), 5000 + i / 2), ctx_).ok());
  auto failures = LoadBackupFailures(*repository_, ctx_);
  ASSERT_TRUE(failures.ok());
  ASSERT_EQ(failures.value().size(), kFailuresKept);
  EXPECT_EQ(failures.value().front().label, "3");  // those at the same moment get the next numbers
  EXPECT_EQ(failures.value().back().label, std::to_string(kFailuresKept + 2));
}

TEST_F(BackupFailureTest, WhatTheDataDirectoryKeepsIsMoved) {
  auto none = KeptBackupFailures(directory_);
  ASSERT_TRUE(none.ok());
  EXPECT_TRUE(none.value().empty());
  for (int i = 0; i < static_cast<int>(kFailuresKept) + 1; i++)
    ASSERT_TRUE(KeepBackupFailure(directory_, Failure(std::to_string(i), 6000 + i)).ok());
  auto kept = KeptBackupFailures(directory_);
  ASSERT_TRUE(kept.ok());
  ASSERT_EQ(kept.value().size(), kFailuresKept);
  EXPECT_EQ(kept.value().front().label, "1");
  ASSERT_TRUE(MoveBackupFailures(directory_, *repository_, ctx_).ok());
  EXPECT_FALSE(std::filesystem::exists(directory_ + "/" + kBackupFailuresFile));
  auto failures = LoadBackupFailures(*repository_, ctx_);
  ASSERT_TRUE(failures.ok());
  EXPECT_EQ(failures.value(), kept.value());
}

TEST_F(BackupFailureTest, KeysAreOnlyThoseThatAreWritten) {
  EXPECT_EQ(layout::FailureKey(1779460000000001), "failure/01779460000000001");
  EXPECT_EQ(layout::ParseFailureKey("failure/01779460000000001"), 1779460000000001u);
  for (const char* other :
       {"failure/1", "failure/00000000000000000", "failure/01779460000000001x", "failed/01779460000000001"})
    EXPECT_FALSE(layout::ParseFailureKey(other)) << other;
}

}  // namespace
}  // namespace pitr
