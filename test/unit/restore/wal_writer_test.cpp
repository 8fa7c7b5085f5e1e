// Which server writes into a directory of WAL.
#include "core/restore/wal_writer.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "unit/backup/data_tree.h"

namespace pitr {
namespace {

namespace fs = std::filesystem;

class ServerWritingToTest : public testing::Test {
 protected:
  void TearDown() override { Stop(); }
  // A process that works in the data directory, and says in postmaster.pid that it is its server.
  void Start() {
    int ready[2];
    ASSERT_EQ(pipe2(ready, O_CLOEXEC), 0);
    pid_ = fork();
    ASSERT_GE(pid_, 0);
    if (pid_ == 0) {
      if (chdir(data_.c_str()) == 0) execl("/bin/sleep", "sleep", "60", nullptr);
      _exit(1);
    }
    close(ready[1]);
    char byte;
    EXPECT_EQ(read(ready[0], &byte, 1), 0) << "closed by exec";
    close(ready[0]);
    std::ofstream(data_ + "/postmaster.pid") << pid_ << "\n" << data_ << "\n";
  }
  void Stop() {
    if (pid_ <= 0) return;
    kill(pid_, SIGKILL);
    waitpid(pid_, nullptr, 0);
    pid_ = 0;
  }

  test::ScratchDirectory dir_;
  const std::string data_ = dir_.path() + "/data";
  pid_t pid_ = 0;
};

TEST_F(ServerWritingToTest, TheOneWhoseDirectoryItIsWhereverItLies) {
  fs::create_directories(dir_.path() + "/disk/wal");
  fs::create_directory(data_);
  fs::create_directory_symlink(dir_.path() + "/disk/wal", data_ + "/pg_wal");
  EXPECT_EQ(ServerWritingTo(data_ + "/pg_wal"), "");
  Start();
  for (const std::string& wal : {data_ + "/pg_wal", dir_.path() + "/disk/wal"})
    EXPECT_EQ(ServerWritingTo(wal), "Process " + std::to_string(pid_) + " serves \"" + data_ + "\".") << wal;
  EXPECT_EQ(ServerWritingTo(dir_.path() + "/disk"), "");
  // One that died leaves its file behind: its WAL is what has to be saved.
  Stop();
  EXPECT_TRUE(fs::exists(data_ + "/postmaster.pid"));
  EXPECT_EQ(ServerWritingTo(data_ + "/pg_wal"), "");
  EXPECT_EQ(ServerWritingTo(dir_.path() + "/nowhere"), "");
}

}  // namespace
}  // namespace pitr
