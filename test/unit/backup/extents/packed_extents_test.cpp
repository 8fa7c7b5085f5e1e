// Starts no thread.
#include "core/backup/extents/packed_extents.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>

#include "core/backup/extents/parent_map.h"
#include "core/backup/extents/stored_extents.h"
#include "core/pg/page.h"

namespace pitr {
namespace {

constexpr FileSpan kWholeFile{0, UINT64_MAX};

std::string ExtentText(const std::vector<Extent>& extents) {
  std::string text;
  for (const Extent& e : extents)
    text += std::to_string(e.file_offset) + "+" + std::to_string(e.length) + "@" + std::to_string(e.frame) + ":" +
            std::to_string(e.frame_offset) + (e.checked ? "!" + std::to_string(e.check) : "") + " ";
  return text;
}

std::vector<Extent> ReadRun(PackedExtents::Run run, FileSpan span = kWholeFile) {
  std::vector<Extent> extents;
  PackedExtents::Read(run, span, extents);
  return extents;
}

// Stretches of as many pieces as there may be, each of them stored by another of many increments: there is nothing
// larger.
std::vector<Extent> Shattered(size_t stretches, uint32_t seed) {
  std::mt19937_64 random(seed);
  std::vector<Extent> extents;
  for (size_t piece = 0; piece < stretches * kMaxPiecesPerStretch; piece++) {
    const auto length = static_cast<uint32_t>((piece % 3 == 0 ? 2 : 1) * kPageSize);
    extents.push_back({extents.empty() ? 0 : extents.back().end(), length, static_cast<uint32_t>(random() % 1000000),
                       static_cast<uint32_t>(random() % 128 * kPageSize), true, random()});
  }
  EXPECT_EQ(extents.back().end(), stretches * kDataFramePlainBytes);
  return extents;
}

TEST(PackedExtentsTest, WhatIsPutInComesOut) {
  PackedExtents packed;
  EXPECT_EQ(ExtentText(ReadRun(packed.Add({}))), "");
  const std::vector<std::vector<Extent>> lists = {
      {{0, 1, 0, 0, true, 0}},
      {{0, 8192, 7, 8192, false, 0}, {8192, 8192, 7, 16384, false, 0}, {16384, 100, 7, 3, false, 0}},
      {{5, 7, 9, 11, true, UINT64_MAX}, {1000, 24, 9, 18, true, 1}, {1024, 8192, 3, 8192, true, 2}},
      {{uint64_t{INT64_MAX} - 9, 9, UINT32_MAX, 1 << 24, true, 5}},
      {{0, 1 << 20, UINT32_MAX, 0, false, 0}, {1 << 20, UINT32_MAX, 0, UINT32_MAX, false, 0}},
  };
  std::vector<PackedExtents::Run> runs;
  for (const auto& list : lists) runs.push_back(packed.Add(list));
  for (size_t i = 0; i < lists.size(); i++) EXPECT_EQ(ExtentText(ReadRun(runs[i])), ExtentText(lists[i])) << i;
}

TEST(PackedExtentsTest, RandomLists) {
  std::mt19937_64 random(1);
  PackedExtents packed;
  std::vector<std::vector<Extent>> lists;
  std::vector<PackedExtents::Run> runs;
  for (int i = 0; i < 300; i++) {
    std::vector<Extent>& list = lists.emplace_back();
    uint64_t at = 0;
    for (size_t count = random() % 400; count > 0; count--) {
      at += random() % 3 == 0 ? random() % (1 << random() % 30) : 0;
      const bool pages = random() % 2 == 0;
      const auto length = static_cast<uint32_t>(pages ? (1 + random() % 9) * kPageSize : 1 + random() % 99999);
      list.push_back({at, length, static_cast<uint32_t>(random() >> (32 + random() % 32)),
                      static_cast<uint32_t>(random() % 2 == 0 ? random() % 128 * kPageSize : random() % (1 << 20)),
                      random() % 2 == 0, 0});
      if (list.back().checked) list.back().check = random();
      at += length;
    }
    runs.push_back(packed.Add(list));
  }
  for (size_t i = 0; i < lists.size(); i++) {
    ASSERT_EQ(ExtentText(ReadRun(runs[i])), ExtentText(lists[i]));
    if (lists[i].empty()) continue;
    const uint64_t end = lists[i].back().end();
    const uint64_t from = random() % end;
    const FileSpan span{from, from + 1 + random() % (end - from)};
    const auto within = ExtentsWithin(lists[i], span);
    EXPECT_EQ(ExtentText(ReadRun(runs[i], span)), ExtentText(std::vector<Extent>(within.begin(), within.end())));
  }
}

// docs/design/002-incremental-backups.md, "Memory": what an increment holds for each MiB of the cluster, at the worst.
TEST(PackedExtentsTest, TheMostThatAStretchTakesInMemory) {
  constexpr size_t kParentBytes = 1450;
  constexpr size_t kStoredBytes = 800;
  constexpr size_t kStretches = 5000;
  const std::vector<Extent> extents = Shattered(kStretches, 3);
  PackedExtents parent;
  for (size_t i = 0; i < extents.size(); i += 4096)
    parent.Add(std::span(extents).subspan(i, std::min<size_t>(4096, extents.size() - i)));
  EXPECT_LE(parent.held_bytes(), kStretches * kParentBytes) << "the parent's map";

  // Between two pieces that are stored there is one that is not.
  StoredExtents stored;
  std::vector<PendingExtent> pending;
  for (size_t i = 0; i < extents.size(); i += 2) {
    pending.push_back({0, extents[i]});
    if (pending.size() < 96) continue;  // a frame of pieces
    stored.Add(pending);
    pending.clear();
  }
  stored.Add(pending);
  CopiedExtents copied;
  copied.Take(std::move(stored), 0);
  EXPECT_LE(copied.held_bytes(), kStretches * kStoredBytes) << "what is stored";
  EXPECT_EQ(copied.Of(0, UINT64_MAX).size(), extents.size() / 2);
}

TEST(StoredExtentsTest, PiecesThatCameInAnyOrderAreAFile) {
  StoredExtents first;
  std::vector<PendingExtent> pending = {{3, {100, 50, 1, 0, true, 1}}, {1, {0, 10, 0, 5, true, 2}}};
  first.Add(pending);
  pending = {{3, {0, 100, 2, 0, true, 3}}, {3, {150, 10, kHoleFrame, 0, false, 0}}};
  first.Add(pending);
  StoredExtents second;
  pending = {{3, {200, 10, 0, 0, true, 4}}};
  second.Add(pending);
  CopiedExtents copied;
  copied.Take(std::move(first), 10);
  copied.Take(std::move(second), 20);
  EXPECT_EQ(ExtentText(copied.Of(0, 1000)), "");
  EXPECT_EQ(ExtentText(copied.Of(1, 1000)), "0+10@10:5!2 ");
  EXPECT_EQ(ExtentText(copied.Of(2, 1000)), "");
  EXPECT_EQ(ExtentText(copied.Of(3, 1000)), "0+100@12:0!3 100+50@11:0!1 200+10@20:0!4 ");
}

MappedFile MappedOf(const std::string& path, uint64_t size, std::vector<Extent> extents) {
  MappedFile file;
  file.path = path;
  file.size_bytes = size;
  file.extents = std::move(extents);
  return file;
}

TEST(StoredExtentsTest, TheParentHasTheRest) {
  PartialMap part;
  part.pack = {"data/a/000001", 1000};
  part.frames = {{0, {64, 100, 100}}, {0, {164, 100, 100}}, {0, {264, 100, 100}}};
  part.files = {MappedOf("f", 300, {{0, 100, 0, 0, true, 11}, {100, 100, 2, 0, true, 12}, {200, 100, 2, 0, true, 13}}),
                MappedOf("g", 100, {{0, 100, 1, 0, true, 14}})};
  const ParentMap parent = ParentMap::Join({part});
  const std::vector<MappedFile> listing = {MappedOf("f", 250, {}), MappedOf("g", 100, {}), MappedOf("h", 100, {})};
  StoredExtents stored;
  std::vector<PendingExtent> pending = {{0, {40, 10, 0, 0, true, 1}}, {0, {90, 60, kHoleFrame, 0, false, 0}}};
  stored.Add(pending);
  CopiedExtents copied;
  copied.Take(std::move(stored), 0);
  std::vector<MappedFrame> frames = {{0, {64, 50, 50}}};
  std::vector<PackEntry> packs = {{"data/b/000001", 100}};
  ParentPacks taken(parent.manifest().packs, packs);
  ASSERT_TRUE(copied.TakeParent(parent, {&parent.files().front(), nullptr, nullptr}, listing, frames, taken).ok());
  EXPECT_EQ(ExtentText(copied.Of(0, 250)), "0+40@1:0 40+10@0:0!1 50+40@1:50 150+50@2:50 200+50@2:0 ");
  EXPECT_EQ(ExtentText(copied.Of(1, 100)), "") << "not to be built upon";
  EXPECT_EQ(frames.size(), 3U) << "the second of the parent's is not needed";
  EXPECT_EQ(packs.size(), 2U);
  EXPECT_EQ(frames[2].ref.offset, 264U);
}

}  // namespace
}  // namespace pitr
