// What a directory store says about files that were never synced, and when syncing fails.
// Starts no thread.
#include <gtest/gtest.h>

#include <cerrno>
#include <filesystem>
#include <fstream>
#include <set>

#include "core/store/directory.h"
#include "core/store/retry.h"
#include "lib/memory_log.h"
#include "unit/store/directory_fixture.h"
#include "unit/store/sync_faults.h"

namespace pitr {
namespace {

namespace fs = std::filesystem;
using test::SyncFaults;

constexpr RetryPolicy kNoWaiting{.max_attempts = 3, .base_delay_millis = 1, .max_delay_millis = 1};

class DirectorySync : public test::DirectoryFixture<> {
 protected:
  void SetUp() override { store_ = Open(); }

  std::unique_ptr<ObjectStore> Open() {
    auto store = DirectoryStore::Open(root_, true);
    EXPECT_TRUE(store.ok()) << store.status().ToString();
    return std::move(store).value();
  }
  // A file under its key that nobody has synced: its creator was killed after giving it its name.
  void LeaveUnsynced(const std::string& key, std::string_view body) {
    fs::create_directories((root_ / key).parent_path());
    std::ofstream(root_ / key, std::ios::binary) << body;
  }
  std::string At(const std::string& key) const { return (root_ / key).string(); }
  SyncFaults::Hook Record() {
    return [this](const std::string& path) {
      synced_.insert(path);
      return path == failing_ ? EIO : 0;
    };
  }
  bool Synced(const std::string& key) const { return synced_.contains(key.empty() ? root_.string() : At(key)); }

  std::unique_ptr<ObjectStore> store_;
  test::MemoryLog log_;
  std::set<std::string> synced_;
  std::string failing_;
};

TEST_F(DirectorySync, WhatExistsAlreadyIsSyncedBeforeItIsCalledStored) {
  LeaveUnsynced("wal/1/a", "x");
  const SyncFaults watch(Record());
  EXPECT_EQ(store_->Create("wal/1/a", AsBytes("x"), {}).code(), Code::kAlreadyExists);
  for (const char* path : {"wal/1/a", "wal/1", "wal", ""}) EXPECT_TRUE(Synced(path)) << path;
}

TEST_F(DirectorySync, WhatExistsAlreadyAndCannotBeSyncedIsNotCalledStored) {
  LeaveUnsynced("wal/1/a", "x");
  for (const char* failing : {"wal/1/a", "wal/1", "wal"}) {
    failing_ = At(failing);
    const SyncFaults watch(Record());
    EXPECT_EQ(store_->Create("wal/1/a", AsBytes("x"), {}).code(), Code::kUnavailable) << failing;
    EXPECT_EQ(store_->Settle({"wal/1/a"}, {}).code(), Code::kUnavailable) << failing;
  }
  EXPECT_TRUE(store_->Settle({"wal/1/a"}, {}).ok());
  EXPECT_EQ(store_->Settle({"wal/1/b"}, {}).code(), Code::kNotFound);
}

TEST_F(DirectorySync, AnErrorInSyncingTheDirectoryIsNotForgottenByTheNextAttempt) {
  // The object has its name when the directory cannot be synced; the attempt after that finds it there.
  RetryingStore retrying(Open(), kNoWaiting, log_, [] { return 1.0; });
  failing_ = At("wal/1");
  {
    const SyncFaults watch(Record());
    EXPECT_EQ(retrying.Create("wal/1/a", AsBytes("x"), {}).code(), Code::kUnavailable);
    EXPECT_TRUE(fs::exists(At("wal/1/a")));
  }
  failing_.clear();
  synced_.clear();
  const SyncFaults watch(Record());
  EXPECT_EQ(retrying.Create("wal/1/a", AsBytes("x"), {}).code(), Code::kAlreadyExists);
  EXPECT_TRUE(Synced("wal/1"));
}

TEST_F(DirectorySync, NorIsThatOfAnUploadInParts) {
  RetryingStore retrying(Open(), kNoWaiting, log_, [] { return 1.0; });
  const auto id = retrying.BeginUpload("data/b/1", {});
  ASSERT_TRUE(id.ok());
  const auto part = retrying.PutPart("data/b/1", id.value(), 1, 0, AsBytes("0123"), {});
  ASSERT_TRUE(part.ok());
  failing_ = At("data/b");
  const SyncFaults watch(Record());
  const Status completed = retrying.CompleteUpload("data/b/1", id.value(), {part.value()}, {});
  EXPECT_TRUE(fs::exists(At("data/b/1")));
  EXPECT_EQ(completed.code(), Code::kUnavailable) << completed.ToString();
}

}  // namespace
}  // namespace pitr
