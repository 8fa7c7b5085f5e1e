// What a directory store keeps back for an expiry on a full file system.
// Starts no thread.
#include "core/store/directory_reserve.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <cerrno>
#include <filesystem>

#include "core/store/directory.h"
#include "core/store/full_store.h"
#include "core/store/retry.h"
#include "lib/memory_log.h"
#include "lib/test_clock.h"
#include "unit/store/directory_fixture.h"
#include "unit/store/sync_faults.h"

namespace pitr {
namespace {

namespace fs = std::filesystem;
using test::SyncFaults;

class DirectoryReserve : public test::DirectoryFixture<> {
 protected:
  void SetUp() override {
    auto opened = DirectoryStore::Open(root_, true);
    ASSERT_TRUE(opened.ok()) << opened.status().ToString();
    store_ = std::move(opened).value();
  }

  // Pieces that are whole, and on disk.
  int Pieces() const {
    int whole = 0;
    for (const auto& entry : fs::directory_iterator(root_ / ".tmp~" / "reserve")) {
      struct stat info {};
      EXPECT_EQ(stat(entry.path().c_str(), &info), 0);
      whole += info.st_size == kReservePieceBytes && info.st_blocks * 512 >= info.st_size;
    }
    return whole;
  }
  // There is no room for what `path` names before so many pieces were given up.
  SyncFaults::Hook FullUntil(int pieces, const std::string& part) const {
    return [=, this](const std::string& path) {
      return path.find(part) != std::string::npos && Pieces() > pieces ? ENOSPC : 0;
    };
  }

  std::unique_ptr<ObjectStore> store_;
};

TEST_F(DirectoryReserve, IsMadeWithTheStoreAndIsNothingOfIt) {
  EXPECT_EQ(Pieces(), kReservePieces);
  EXPECT_TRUE(store_->List("", "", {}).value().objects.empty());
  EXPECT_TRUE(store_->ListUploads("", {}).value().empty());
}

TEST_F(DirectoryReserve, OnlyAnExpiryTakesOfIt) {
  const SyncFaults full(FullUntil(kReservePieces - 3, "~mark~"));
  const Status refused = store_->Create("mark", AsBytes("x"), {});
  EXPECT_EQ(refused.code(), Code::kUnavailable);
  EXPECT_NE(refused.hint().find("pg_pitr expire"), std::string::npos) << refused.ToString();
  EXPECT_EQ(Pieces(), kReservePieces);

  store_->OpenReserve();
  EXPECT_TRUE(store_->Create("mark", AsBytes("x"), {}).ok());
  EXPECT_EQ(Pieces(), kReservePieces - 3) << "no more than it needs";
  EXPECT_TRUE(store_->RefillReserve().ok());
  EXPECT_EQ(Pieces(), kReservePieces);
}

TEST_F(DirectoryReserve, AFullStoreIsTriedAgainForSecondsOnly) {
  bool full = true;
  const SyncFaults faults([&](const std::string& path) {
    return path.find("~object~") != std::string::npos && full ? ENOSPC
           : path.find("~away~") != std::string::npos         ? EIO
                                                              : 0;
  });
  test::MemoryLog log;
  test::TestClock clock;
  RetryingStore retrying(std::move(store_), {.max_attempts = 1000}, log);
  const OpContext ctx{&clock, nullptr, INT64_MAX};
  const int64_t begun = clock.SteadyMillis();
  const Status refused = retrying.Create("object", AsBytes("x"), ctx);
  EXPECT_LE(clock.SteadyMillis() - begun, kFullMillis);
  EXPECT_GT(clock.SteadyMillis(), begun) << "somebody may be making room just now";
  EXPECT_TRUE(IsFull(refused)) << refused.ToString();
  EXPECT_NE(refused.message().find("No space left on device"), std::string::npos) << refused.ToString();
  EXPECT_NE(refused.message().find("gave up after"), std::string::npos) << refused.ToString();
  EXPECT_FALSE(IsFull(retrying.Create("away", AsBytes("x"), ctx)));
  EXPECT_GT(clock.SteadyMillis() - begun, 60000) << "other failures pass";
  full = false;
  EXPECT_TRUE(retrying.Create("object", AsBytes("x"), ctx).ok());
}

TEST_F(DirectoryReserve, IsClosedAgain) {
  store_->OpenReserve();
  ASSERT_TRUE(store_->RefillReserve().ok());
  const SyncFaults full(FullUntil(0, "~mark~"));
  EXPECT_EQ(store_->Create("mark", AsBytes("x"), {}).code(), Code::kUnavailable);
  EXPECT_EQ(Pieces(), kReservePieces);
}

TEST_F(DirectoryReserve, WhereNothingIsLeftItIsSaidWhatToFree) {
  store_->OpenReserve();
  const SyncFaults full(FullUntil(-1, "~mark~"));
  const Status refused = store_->Create("mark", AsBytes("x"), {});
  EXPECT_EQ(refused.code(), Code::kUnavailable);
  EXPECT_NE(refused.hint().find("\"" + (root_ / "probe").string() + "\""), std::string::npos) << refused.ToString();
  EXPECT_EQ(Pieces(), 0);
  EXPECT_EQ(store_->Stat("mark", {}).code(), Code::kNotFound);
}

TEST_F(DirectoryReserve, AnObjectWhoseDirectoryCouldNotBeSyncedIsNotTakenForAnothersObject) {
  store_->OpenReserve();
  test::MemoryLog log;
  bool full = true;
  const SyncFaults faults([&](const std::string& path) {
    const bool here = path == (root_ / "backup" / "x").string() && full;
    if (here) full = false;
    return here ? ENOSPC : 0;
  });
  EXPECT_EQ(store_->Create("backup/x/mark", AsBytes("x"), {}).code(), Code::kUnavailable);
  full = true;
  RetryingStore retrying(std::move(store_), {.max_attempts = 3, .base_delay_millis = 1, .max_delay_millis = 1}, log);
  EXPECT_TRUE(retrying.Create("backup/x/again", AsBytes("x"), {}).ok());
}

TEST_F(DirectoryReserve, WhatACrashLeftOfItIsMadeWhole) {
  fs::resize_file(root_ / ".tmp~" / "reserve" / "07", 100);
  fs::remove(root_ / ".tmp~" / "reserve" / "31");
  EXPECT_EQ(Pieces(), kReservePieces - 2);
  EXPECT_TRUE(store_->RefillReserve().ok());
  EXPECT_EQ(Pieces(), kReservePieces);
  fs::remove_all(root_ / ".tmp~" / "reserve");
  EXPECT_TRUE(store_->RefillReserve().ok());
  EXPECT_EQ(Pieces(), kReservePieces);
}

}  // namespace
}  // namespace pitr
