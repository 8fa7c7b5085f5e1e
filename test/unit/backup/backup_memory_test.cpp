// What a backup holds of file maps does not grow with them.
#include <gtest/gtest.h>

#include <algorithm>

#include "core/backup/backup_session.h"
#include "core/backup/copy/pack_record.h"
#include "core/backup/plan/work_plan.h"
#include "core/base/hash.h"
#include "core/pg/page.h"
#include "core/repo/backups/backup_catalog.h"
#include "core/repo/layout.h"
#include "core/repo/maps/file_map_parser.h"
#include "core/store/directory.h"
#include "lib/peak_memory.h"
#include "unit/backup/data_tree.h"

namespace pitr {
namespace {

#ifndef PITR_SANITIZED
constexpr uint32_t kFiles = 128;
constexpr uint32_t kFileBytes = 65536;
constexpr uint32_t kPieceBytes = 4;  // of what the map says of a file

std::string Path(uint32_t i) { return "base/5/" + std::to_string(50000 + i); }
Bytes Content(uint32_t i) { return test::MakePages(0, kFileBytes / kPageSize, i); }

class BackupMemoryTest : public testing::Test {
 protected:
  Result<BackupManifest> Take(BackupType type, const std::string& label, uint64_t number, uint64_t held_map_bytes) {
    BackupOptions options;
    options.type = type;
    options.label = label;
    options.timeline = Timeline{1};
    options.data_directory = tree_.root();
    options.jobs = 1;
    options.change_source = "full_read";
    options.held_map_bytes = held_map_bytes;
    options.resume = resume_;
    options.record_after_millis = 0;
    OpContext ctx;
    ctx.clock = &clock_;
    PITR_ASSIGN(const auto session, BackupSession::Begin(*repo_.repository, options, ctx));
    Progress progress;
    PITR_ASSIGN(const BackupStop stop, test::CopyPlaced(*session, tree_, number, progress, ctx));
    return session->Finish(stop, ctx);
  }

  // As if each file had been put together by many increments.
  void Shatter(FileMap& map) {
    for (uint32_t i = 0; i < kFiles; i++) {
      const std::string path = Path(i);
      const auto file =
          std::find_if(map.files.begin(), map.files.end(), [&](const MappedFile& each) { return each.path == path; });
      ASSERT_NE(file, map.files.end());
      ASSERT_EQ(file->extents.size(), 1U);
      const Extent whole = file->extents[0];
      const Bytes bytes = Content(i);
      file->extents.clear();
      for (uint32_t at = 0; at < kFileBytes; at += kPieceBytes)
        file->extents.push_back({at, kPieceBytes, whole.frame, whole.frame_offset + at, true,
                                 Xxh3Of(ByteView(bytes).subspan(at, kPieceBytes))});
    }
  }

  bool resume_ = false;
  test::LateClock clock_;
  test::DataTree tree_;
  test::TestRepository repo_;
};

// Two million extents: some 18 MB when all are held, packed.
TEST_F(BackupMemoryTest, AnIncrementHoldsAPartOfItsParentsMap) {
  auto store = DirectoryStore::Open(tree_.outside() + "/repository", /*create=*/true);
  ASSERT_TRUE(store.ok()) << store.status().ToString();
  ASSERT_NO_FATAL_FAILURE(OpenTestRepository(std::move(store).value(), tree_, /*encrypted=*/false, {}, repo_));
  for (uint32_t i = 0; i < kFiles; i++) tree_.Add(Path(i), Content(i));
  auto taken = Take(BackupType::kFull, "full", 1, kHeldMapBytes);
  ASSERT_TRUE(taken.ok()) << taken.status().ToString();
  BackupManifest manifest = std::move(taken).value();
  {
    auto map = ReadFileMap(*repo_.repository, manifest, OpContext());
    ASSERT_TRUE(map.ok()) << map.status().ToString();
    ASSERT_NO_FATAL_FAILURE(Shatter(map.value()));
    ObjectStore& objects = repo_.repository->store();
    std::vector<std::string> old = {manifest.file_map_key, layout::BackupKey("full", layout::BackupObject::kManifest)};
    ForEachMapPage(manifest, [&](std::string key) { old.push_back(std::move(key)); });
    ASSERT_TRUE(objects.Delete(old, OpContext()).ok());
    auto stored = WriteFileMap(*repo_.repository, "full", manifest.packs, map.value(), OpContext());
    ASSERT_TRUE(stored.ok()) << stored.status().ToString();
    stored.value().EnterIn(manifest);
    ASSERT_TRUE(
        repo_.repository->CreateObject(ObjectKind::kManifest, old[1], AsBytes(EncodeManifest(manifest)), OpContext())
            .ok());
  }
  const auto grown = [&](uint64_t number, uint64_t held_map_bytes) {
    return test::PeakGrowth([&]() -> Status {
      const std::string label = "i" + std::to_string(number);
      PITR_ASSIGN(const BackupManifest increment, Take(BackupType::kIncr, label, number, held_map_bytes));
      const bool whole = increment.type == BackupType::kIncr && increment.stored_bytes > 0;
      return whole ? Status::Ok() : Status(Code::kInternal, "another backup was taken");
    });
  };
  const uint64_t in_parts = grown(2, kMiB);
  const uint64_t at_once = grown(3, SIZE_MAX);
  RecordProperty("in_parts", std::to_string(in_parts));
  RecordProperty("at_once", std::to_string(at_once));
  EXPECT_LT(in_parts, 32 * kMiB);
  EXPECT_GT(at_once, in_parts + 8 * kMiB) << "the test does not see what it is for";
}

// So that it can be resumed, a backup notes of each pack what is in it: of a pack that holds all of these files 30 MB.
TEST_F(BackupMemoryTest, WhatIsRecordedOfAPackHasABound) {
  constexpr uint32_t kSmallFiles = 60000;
  auto store = DirectoryStore::Open(tree_.outside() + "/repository", /*create=*/true);
  ASSERT_TRUE(store.ok()) << store.status().ToString();
  ASSERT_NO_FATAL_FAILURE(OpenTestRepository(std::move(store).value(), tree_, /*encrypted=*/false, {}, repo_));
  for (uint32_t i = 0; i < kSmallFiles; i++) tree_.Add(Path(i), Bytes(16, static_cast<uint8_t>(i)));
  const auto grown = [&](const std::string& label, uint64_t number) {
    resume_ = label == "recorded";
    return test::PeakGrowth([&] { return Take(BackupType::kFull, label, number, kHeldMapBytes).status(); });
  };
  const uint64_t recorded = grown("recorded", 1);
  const uint64_t plain = grown("plain", 2);
  const auto catalog = BackupCatalog::Load(*repo_.repository, OpContext());
  ASSERT_TRUE(catalog.ok()) << catalog.status().ToString();
  ASSERT_TRUE(catalog.value().Find("recorded") != nullptr && catalog.value().Find("plain") != nullptr);
  EXPECT_GE(catalog.value().Find("recorded")->packs.size(), kSmallFiles / (kMaxRecordedExtents + kGroupFiles));
  EXPECT_EQ(catalog.value().Find("plain")->packs.size(), 1U);
  RecordProperty("recorded", std::to_string(recorded));
  RecordProperty("plain", std::to_string(plain));
  EXPECT_LT(recorded, plain + 12 * kMiB);
}
#endif

}  // namespace
}  // namespace pitr
