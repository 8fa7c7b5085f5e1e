// Backups that are taken in batches: what is in which, that it is what it would be at once, and that no page of the
// file map is there before what it tells of.
#include "core/backup/plan/copy_batch.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <set>

#include "core/backup/backup_session.h"
#include "core/backup/extents/stored_extents.h"
#include "core/base/bytes.h"
#include "core/pg/control.h"
#include "core/repo/maps/file_map_parser.h"
#include "core/store/memory.h"
#include "lib/faulty_store.h"
#include "unit/backup/data_tree.h"

namespace pitr {
namespace {

std::vector<MappedFile> Listing(std::vector<std::pair<std::string, uint64_t>> files) {
  std::vector<MappedFile> listing;
  for (auto& [path, bytes] : files) listing.push_back({std::move(path), bytes, 0600, 0, {}, {}});
  std::sort(listing.begin(), listing.end(), [](const MappedFile& a, const MappedFile& b) { return a.path < b.path; });
  return listing;
}

std::vector<MappedFile> LargeCluster(uint64_t segments) {
  std::vector<std::pair<std::string, uint64_t>> files = {
      {"PG_VERSION", 3}, {kControlFilePath, 0}, {"global/1262", 8192}, {"pg_xact/0000", 262144}};
  for (uint64_t i = 0; i < segments; i++)
    files.emplace_back((i % 3 == 0 ? "pg_tblspc/16400/PG_15_202209061/5/" : "base/5/") + std::to_string(100000 + i),
                       1024 * kMiB);
  return Listing(std::move(files));
}

// Every file is in one batch, ranges ascend, and the control file is in the last.
void ExpectAllOnce(const std::vector<MappedFile>& files, const std::vector<CopyBatch>& batches) {
  std::vector<int> seen(files.size(), 0);
  for (const CopyBatch& batch : batches) {
    uint32_t end = 0;
    for (const FileRange& range : batch.ranges) {
      EXPECT_LT(range.first, range.end);
      EXPECT_GE(range.first, end);
      end = range.end;
      for (uint32_t i = range.first; i < range.end; i++) {
        seen[i]++;
        if (&batch != &batches.back()) { EXPECT_TRUE(IsDatabaseFile(files[i].path)) << files[i].path; }
      }
    }
  }
  EXPECT_TRUE(std::all_of(seen.begin(), seen.end(), [](int times) { return times == 1; }));
}

TEST(CopyBatchTest, ASmallClusterIsOneBatch) {
  const std::vector<MappedFile> files = LargeCluster(5);
  const auto batches = PlanBatches(files, {}, nullptr, kHeldMapBytes);
  ASSERT_EQ(batches.size(), 1U);
  ExpectAllOnce(files, batches);
}

TEST(CopyBatchTest, ThereIsABatchForAnEmptyCluster) {
  EXPECT_EQ(PlanBatches({}, {}, nullptr, kHeldMapBytes).size(), 1U);
  const std::vector<MappedFile> files = Listing({{kControlFilePath, 0}});
  ExpectAllOnce(files, PlanBatches(files, {}, nullptr, 1));
}

// 10 TB, and what frames and extents of the largest batch take when all of it is stored.
TEST(CopyBatchTest, ABatchTakesNoMoreThanItIsPlannedFor) {
  const std::vector<MappedFile> files = LargeCluster(10240);
  const auto batches = PlanBatches(files, {}, nullptr, kHeldMapBytes);
  ExpectAllOnce(files, batches);
  EXPECT_GT(batches.size(), 20U);
  EXPECT_LT(batches.size(), 100U) << "jobs wait for each other at the end of each";
  const CopyBatch& batch = batches[1];
  StoredExtents stored;
  std::vector<MappedFrame> frames;
  std::vector<PendingExtent> pending;
  for (const FileRange& range : batch.ranges)
    for (uint32_t i = range.first; i < range.end; i++)
      for (uint64_t at = 0; at < files[i].size_bytes; at += kMiB) {
        const auto frame = static_cast<uint32_t>(frames.size());
        pending.push_back({i, {at, kMiB, frame, 0, true, at * 0x9E3779B97F4A7C15ULL}});
        frames.push_back({frame / 1000, {uint64_t{frame} * 500000, 500000, kMiB}});
        if (pending.size() < 4096) continue;
        stored.Add(pending);
        pending.clear();
      }
  stored.Add(pending);
  EXPECT_GT(frames.size(), 100000U);
  EXPECT_LE(stored.held_bytes() + frames.capacity() * sizeof(MappedFrame), kHeldMapBytes);
}

ParentBackup ParentOf(const std::vector<std::string>& first_paths, uint64_t page_bytes) {
  ParentBackup parent;
  for (const std::string& path : first_paths) {
    MapPage& page = parent.list.pages.emplace_back();
    page.first_path = path;
    page.stored_bytes = page_bytes;
  }
  return parent;
}

TEST(CopyBatchTest, RangesKnowTheirPageAndKeptPagesAreInNoBatch) {
  const std::vector<MappedFile> files = Listing({{"PG_VERSION", 3},
                                                 {"base/1/1", 1},
                                                 {"base/1/2", 1},
                                                 {"base/1/3", 1},
                                                 {kControlFilePath, 0},
                                                 {"pg_tblspc/1/PG_15_202209061/1/1", 1}});
  const ParentBackup parent = ParentOf({"PG_VERSION", "base/1/1", "base/1/3", "global/1"}, 100);
  const PagePlan pages{{false, true, false, false}, {0, 1, 3, 4, 6}};
  auto batches = PlanBatches(files, pages, &parent, kHeldMapBytes);
  ASSERT_EQ(batches.size(), 1U);
  EXPECT_EQ(batches[0].ranges, (std::vector<FileRange>{{0, 1, 0}, {3, 4, 2}, {4, 5, 3}, {5, 6, 3}}));
  // A new tablespace behind the last page is copied before the control file.
  batches = PlanBatches(files, pages, &parent, 1700);
  ASSERT_EQ(batches.size(), 3U);
  EXPECT_EQ(batches[0].ranges, (std::vector<FileRange>{{3, 4, 2}}));
  EXPECT_EQ(batches[1].ranges, (std::vector<FileRange>{{5, 6, 3}}));
  EXPECT_EQ(batches[2].ranges, (std::vector<FileRange>{{0, 1, 0}, {4, 5, 3}}));
}

class BatchedBackupTest : public testing::Test {
 protected:
  void SetUp() override {
    auto faults = std::make_unique<test::FaultyStore>(memory_);
    faults_ = faults.get();
    Config config;
    config.part_size_kb = 5120;
    config.pack_size_kb = 2048;
    ASSERT_NO_FATAL_FAILURE(OpenTestRepository(std::move(faults), tree_, /*encrypted=*/false, config, repo_));
    for (uint32_t i = 0; i < 900; i++) tree_.Add(Path(i), test::MakePages(0, 1 + i % 3, i));
    for (uint32_t i = 0; i < 5; i++) tree_.Add("base/5/" + std::to_string(16384 + i), test::MakePages(0, 700, i));
    tree_.Add("base/5/20000", {});
    tree_.Add("pg_xact/0000", Bytes(262144, 0x55));
  }
  static std::string Path(uint32_t i) { return "base/4/" + std::to_string(100000 + i); }

  Result<BackupManifest> Try(BackupType type) {
    BackupOptions options;
    options.type = type;
    options.label = "b" + std::to_string(++taken_);
    options.timeline = Timeline{1};
    options.data_directory = tree_.root();
    options.jobs = 3;
    options.held_map_bytes = held_map_bytes_;
    options.change_source = change_source_;
    options.record_after_millis = 0;
    OpContext ctx;
    ctx.clock = &clock_;
    PITR_ASSIGN(const auto session, BackupSession::Begin(*repo_.repository, options, ctx));
    Progress progress;
    const auto copied = test::CopyPlaced(*session, tree_, taken_, progress, ctx);
    if (!copied.ok()) {
      EXPECT_TRUE(session->Abandon(ctx).ok());
      return copied.status();
    }
    EXPECT_EQ(progress.files_done.load(), progress.files_total.load());
    EXPECT_EQ(progress.bytes_done.load(), progress.bytes_total.load());
    return session->Finish(copied.value(), ctx);
  }
  BackupManifest Take(BackupType type) { return test::ExpectTaken(*repo_.repository, Try(type), type, tree_); }
  std::vector<MapPage> PagesOf(const BackupManifest& manifest) {
    return test::ExpectPageList(*repo_.repository, manifest).pages;
  }
  std::set<std::string> KeysUnder(const std::string& prefix) {
    std::set<std::string> keys;
    EXPECT_TRUE(ListAll(memory_, prefix, OpContext(), [&](const ObjectInfo& object) {
                  keys.insert(object.key);
                  return Status::Ok();
                }).ok());
    return keys;
  }

  MemoryStore memory_;
  test::FaultyStore* faults_ = nullptr;
  test::LateClock clock_;
  test::DataTree tree_;
  test::TestRepository repo_;
  uint64_t held_map_bytes_ = 16000;
  std::string change_source_ = "full_read";
  uint64_t taken_ = 0;
};

TEST_F(BatchedBackupTest, InBatchesItIsTheSame) {
  const BackupManifest full = Take(BackupType::kFull);
  EXPECT_GT(PagesOf(full).size(), 6U);
  held_map_bytes_ = kHeldMapBytes;
  const BackupManifest at_once = Take(BackupType::kFull);
  EXPECT_LT(PagesOf(at_once).size(), 5U);
  EXPECT_EQ(full.database_bytes, at_once.database_bytes);
  EXPECT_EQ(full.file_count, at_once.file_count);
}

TEST_F(BatchedBackupTest, IncrementsInBatches) {
  Take(BackupType::kFull);
  for (const char* source : {"full_read", "page_lsn", "full_read"}) {
    change_source_ = source;
    for (uint32_t i = 0; i < 900; i += 7) tree_.Add(Path(i) + "x" + std::to_string(taken_), test::MakePages(0, 2, i));
    const BackupManifest increment = Take(BackupType::kIncr);
    const std::vector<MapPage> pages = PagesOf(increment);
    EXPECT_TRUE(std::is_sorted(pages.begin(), pages.end(),
                               [](const MapPage& a, const MapPage& b) { return a.first_path < b.first_path; }));
    EXPECT_LT(increment.stored_bytes, increment.database_bytes / 4);
  }
}

// A page may be read by whoever finds it, and says of packs that they are there.
TEST_F(BatchedBackupTest, APageIsStoredAfterItsPacks) {
  std::map<std::string, std::set<std::string>> there;  // when the page was created
  faults_->OnCallInTurn([&](test::StoreOp op, const std::string& key) {
    if (op == test::StoreOp::kCreate && key.find("/page.") != std::string::npos) there.emplace(key, KeysUnder("data/"));
  });
  for (const BackupType type : {BackupType::kFull, BackupType::kIncr}) {
    const BackupManifest manifest = Take(type);
    size_t checked = 0;
    for (const MapPage& page : PagesOf(manifest)) {
      if (page.label != manifest.label) continue;
      ASSERT_TRUE(there.contains(page.key())) << page.key();
      for (const uint32_t pack : page.packs)
        EXPECT_TRUE(there[page.key()].contains(manifest.packs.at(pack).key)) << page.key();
      checked++;
    }
    EXPECT_GT(checked, 5U);
  }
}

TEST_F(BatchedBackupTest, WhatFailedLeavesNoPageAndIsResumed) {
  faults_->Inject({.op = test::StoreOp::kCreate, .key_contains = "/page.", .skip = 5});
  EXPECT_FALSE(Try(BackupType::kFull).ok());
  size_t packs = 0;
  for (const std::string& key : KeysUnder("data/")) {
    EXPECT_EQ(key.find("/page."), std::string::npos) << key;
    packs++;
  }
  EXPECT_GT(packs, 3U);
  const BackupManifest resumed = Take(BackupType::kFull);
  EXPECT_TRUE(std::any_of(resumed.packs.begin(), resumed.packs.end(),
                          [](const PackEntry& pack) { return pack.key.starts_with("data/b1/"); }));
  EXPECT_TRUE(resumed.annotations.contains("resumed from"));
}

}  // namespace
}  // namespace pitr
