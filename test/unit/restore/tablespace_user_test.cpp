// Starts no thread.
#include "core/restore/tablespace_user.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>

#include "unit/backup/data_tree.h"

namespace pitr {
namespace {

namespace fs = std::filesystem;

// A data directory with a link to a tablespace, and a process that works there.
class TablespaceUserTest : public testing::Test {
 protected:
  void SetUp() override {
    fs::create_directories(data_ + "/pg_tblspc");
    fs::create_directory(space_);
    fs::create_directory_symlink(space_, data_ + "/pg_tblspc/16400");
  }
  void TearDown() override {
    if (pid_ <= 0) return;
    kill(pid_, SIGKILL);
    waitpid(pid_, nullptr, 0);
  }
  // Runs a copy of sleep under that name.
  void Start(const std::string& name, const char* seconds) {
    const std::string program = dir_.path() + "/" + name;
    fs::copy_file("/bin/sleep", program);
    int ready[2];
    ASSERT_EQ(pipe2(ready, O_CLOEXEC), 0);
    pid_ = fork();
    ASSERT_GE(pid_, 0);
    if (pid_ == 0) {
      if (chdir(data_.c_str()) == 0) execl(program.c_str(), program.c_str(), seconds, nullptr);
      _exit(1);
    }
    close(ready[1]);
    char byte;
    EXPECT_EQ(read(ready[0], &byte, 1), 0) << "closed by exec";
    close(ready[0]);
  }
  std::optional<TablespaceUser> Find() { return FindTablespaceUser(space_, dir_.path() + "/own"); }

  test::ScratchDirectory dir_;
  const std::string data_ = dir_.path() + "/data", space_ = dir_.path() + "/space";
  pid_t pid_ = 0;
};

TEST_F(TablespaceUserTest, AServerWhosePostmasterFileWasRemovedIsOne) {
  Start("postgres", "60");
  const auto user = Find();
  ASSERT_TRUE(user.has_value());
  EXPECT_EQ(user->pid, pid_);
  EXPECT_EQ(user->data_directory, data_);
}

TEST_F(TablespaceUserTest, AServerThatIsJustEndingIsNone) {
  signal(SIGCHLD, SIG_IGN);  // reaped at once
  Start("postgres", "0.3");
  EXPECT_FALSE(Find().has_value());
  signal(SIGCHLD, SIG_DFL);
  pid_ = 0;
}

TEST_F(TablespaceUserTest, WhatFetchesAheadForAServerThatHasEndedIsNone) {
  Start("pg_pitr_wal_get", "60");
  EXPECT_FALSE(Find().has_value());
}

}  // namespace
}  // namespace pitr
