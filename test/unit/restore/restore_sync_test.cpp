// A restore says that it is done when everything is on disk, and compares what is on disk.
#include <fcntl.h>

#include <cerrno>
#include <set>

#include "core/restore/written_files.h"
#include "unit/restore/restore_fixture.h"
#include "unit/store/sync_faults.h"

namespace pitr {
namespace {

namespace fs = std::filesystem;
using test::SyncFaults;
using test::WriteFileText;

class RestoreSync : public test::RestoreFixture {};

TEST_F(RestoreSync, EveryFileIsSyncedThroughTheDescriptorItWasWrittenWith) {
  ASSERT_NO_FATAL_FAILURE(Prepare(true));
  std::set<std::string> synced;
  const std::string bad = At("base/5/16384");
  {
    const SyncFaults fail([&](const std::string& path) { return path == bad ? EIO : 0; });
    const auto result = Run();
    ASSERT_FALSE(result.ok());
    EXPECT_NE(result.status().message().find(bad), std::string::npos) << result.status().ToString();
    EXPECT_FALSE(fs::exists(At("global/pg_control")));
  }
  const SyncFaults watch([&](const std::string& path) {
    synced.insert(path);
    return 0;
  });
  ASSERT_NO_FATAL_FAILURE(MustRun());
  for (const auto& entry : fs::recursive_directory_iterator(options_.data_directory)) {
    const std::string path = entry.path().string();
    const bool reached = synced.contains(path) || synced.contains(path + ".pg_pitr.tmp");
    EXPECT_TRUE(reached || !entry.is_regular_file()) << path;
  }
}

// Everything is in place when the mark is gone: the same command would find a directory that is not empty.
TEST_F(RestoreSync, AMarkWhoseRemovalIsNotDurableIsNoFailure) {
  ASSERT_NO_FATAL_FAILURE(Prepare(false));
  int failures = 0;
  const SyncFaults fail([&](const std::string& path) {
    const bool last = path == options_.data_directory && HasControl() && !fs::exists(At("pg_pitr.restore"));
    failures += last ? 1 : 0;
    return last ? EIO : 0;
  });
  ASSERT_NO_FATAL_FAILURE(MustRun());
  ExpectRestored();
  EXPECT_EQ(failures, 1);
  ASSERT_FALSE(result_.notes.empty());
  EXPECT_NE(result_.notes.back().find("may not have reached the disk"), std::string::npos) << result_.notes.back();
}

TEST_F(RestoreSync, WhatIsThereAndNeverReachedTheDiskIsWrittenAnew) {
  ASSERT_NO_FATAL_FAILURE(Prepare(false));
  ASSERT_NO_FATAL_FAILURE(MustRun());
  options_.delta = true;
  int failures = 0;
  const std::string bad = At("base/5/16384");
  const SyncFaults fail([&](const std::string& path) { return path == bad && failures++ == 0 ? EIO : 0; });
  ASSERT_NO_FATAL_FAILURE(MustRun());
  EXPECT_EQ(failures, 2) << "before it was compared, and when it had been written";
  EXPECT_GE(result_.bytes_written, 300 * 8192u) << "all of it";
}

TEST_F(RestoreSync, AFileThatIsClosedEarlyWasSynced) {
  ASSERT_NO_FATAL_FAILURE(Prepare(false));
  const std::string directory = scratch_.path() + "/tree";
  fs::create_directories(directory);
  auto tree = ClusterTree::Open(directory);
  ASSERT_TRUE(tree.ok());
  std::multiset<std::string> synced;
  const SyncFaults watch([&](const std::string& path) {
    synced.insert(fs::path(path).filename());
    return path.ends_with("/bad") ? EIO : 0;
  });
  WrittenFiles files(tree.value(), 2);
  const auto keep = [&](uint32_t number, const std::string& name) {
    auto fd = tree.value().OpenFile(name, O_RDWR | O_CREAT, 0600);
    return files.Keep(number, name, std::move(fd).value());
  };
  EXPECT_TRUE(keep(1, "a").ok());
  auto held = files.Open(1, "a");
  ASSERT_TRUE(held.ok());
  EXPECT_TRUE(keep(2, "b").ok());
  EXPECT_TRUE(keep(3, "bad").ok());
  EXPECT_EQ(synced, (std::multiset<std::string>{"b"})) << "the one used last of those that nobody holds";
  EXPECT_EQ(fcntl(held.value()->get(), F_GETFD), FD_CLOEXEC);
  held.value().reset();
  EXPECT_TRUE(files.Open(1, "a").ok());
  EXPECT_EQ(keep(4, "d").code(), Code::kUnavailable) << "the error is told when the file is closed";
  EXPECT_TRUE(files.SyncAll(2, OpContext()).ok());
  EXPECT_EQ(synced, (std::multiset<std::string>{"a", "b", "bad", "d"}));
  EXPECT_EQ(files.open_files(), 0u);
}

}  // namespace
}  // namespace pitr
