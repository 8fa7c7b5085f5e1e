// Starts no thread.
#include "core/backup/extents/block_split.h"

#include <gtest/gtest.h>

#include "core/base/hash.h"
#include "core/pg/page.h"
#include "unit/backup/data_tree.h"

namespace pitr {
namespace {

constexpr uint64_t kBlock = kPageSize;
constexpr Lsn kOld{0x4000000};
constexpr PageLsnRule kRule{Lsn{0x5000028}, Lsn{0x1000000}};

Extent Whole(uint64_t offset, ByteView bytes, uint32_t frame = 0, uint32_t frame_offset = 0) {
  return {offset, static_cast<uint32_t>(bytes.size()), frame, frame_offset, true, Xxh3Of(bytes)};
}

std::string Text(const std::vector<FileSpan>& spans) {
  std::string text;
  for (const FileSpan& span : spans)
    text += (text.empty() ? "" : " ") + std::to_string(span.from) + "-" + std::to_string(span.to);
  return text;
}

// In blocks.
std::string BlocksOf(std::vector<FileSpan> spans) {
  for (FileSpan& span : spans) {
    EXPECT_EQ(span.from % kBlock, 0U);
    EXPECT_EQ(span.to % kBlock, 0U);
    span = {span.from / kBlock, span.to / kBlock};
  }
  return Text(spans);
}

std::string Text(const std::vector<Extent>& extents) {
  std::string text;
  for (const Extent& e : extents)
    text += (text.empty() ? "" : " ") + std::to_string(e.file_offset) + "+" + std::to_string(e.length) + "@" +
            std::to_string(e.frame) + ":" + std::to_string(e.frame_offset) + (e.checked ? "!" : "");
  return text;
}

TEST(BlockSplit, BytesWithTheParentsChecksumAreTheParents) {
  const Bytes bytes = test::MakeBytes(100, 1);
  const std::vector<Extent> extents = {Whole(1000, ByteView(bytes).first(40)),
                                       Whole(1040, ByteView(bytes).subspan(40))};
  EXPECT_EQ(Text(DifferingSpans(extents, 1000, bytes)), "");
  Bytes changed = bytes;
  changed[50] ^= 1;
  EXPECT_EQ(Text(DifferingSpans(extents, 1000, changed)), "1040-1100");
  changed[0] ^= 1;
  EXPECT_EQ(Text(DifferingSpans(extents, 1000, changed)), "1000-1100") << "neighbours are joined";
}

TEST(BlockSplit, WhatTheChecksumDoesNotProveDiffers) {
  const Bytes bytes = test::MakeBytes(100, 1);
  std::vector<Extent> extents = {Whole(0, bytes)};
  extents[0].checked = false;
  EXPECT_EQ(Text(DifferingSpans(extents, 0, bytes)), "0-100") << "no checksum";
  extents[0].checked = true;
  EXPECT_EQ(Text(DifferingSpans(extents, 0, ByteView(bytes).first(99))), "0-99") << "the file became shorter";
  EXPECT_EQ(Text(DifferingSpans(extents, 50, ByteView(bytes).subspan(50))), "50-100") << "only a part of the extent";
}

TEST(BlockSplit, WhereTheParentHasNothingOnlyZeroesAreItsOwn) {
  Bytes bytes(100, 0);
  EXPECT_EQ(Text(DifferingSpans({}, 0, bytes)), "");
  bytes[99] = 1;
  EXPECT_EQ(Text(DifferingSpans({}, 0, bytes)), "0-100");
  const Bytes middle = test::MakeBytes(20, 3);
  std::copy(middle.begin(), middle.end(), bytes.begin() + 40);
  EXPECT_EQ(Text(DifferingSpans(std::vector{Whole(40, middle)}, 0, bytes)), "60-100");
  EXPECT_EQ(Text(DifferingSpans(std::vector{Whole(200, middle)}, 0, Bytes(100, 0))), "") << "an extent elsewhere";
}

class PageLsns : public testing::Test {
 protected:
  PageLsns() : pages_(test::MakePages(0, 32, 1, kOld)), extents_{Whole(0, pages_)} {}
  void Set(size_t block, Lsn lsn) {
    const Bytes page = test::MakePages(static_cast<uint32_t>(block), 1, 99, lsn);
    std::copy(page.begin(), page.end(), pages_.begin() + static_cast<ptrdiff_t>(block * kBlock));
  }
  std::string Newer(const std::vector<uint32_t>& bad = {}) {
    return BlocksOf(NewerSpans(DifferingSpans(extents_, 0, pages_), extents_, 0, pages_, kRule, bad));
  }
  Bytes pages_;
  std::vector<Extent> extents_;
};

TEST_F(PageLsns, OnlyPagesChangedSinceTheParentBeganAreStored) {
  EXPECT_EQ(Newer(), "");
  Set(3, kRule.start);
  Set(4, Lsn{kRule.start.value + 1});
  Set(9, Lsn{kRule.start.value - 1});
  Set(31, Lsn{uint64_t{1} << 40});
  EXPECT_EQ(Newer(), "3-5 31-32");
}

TEST_F(PageLsns, WhatCannotBeJudgedIsStored) {
  std::fill_n(pages_.begin() + 2 * kBlock, kBlock, uint8_t{0});  // new
  Set(5, Lsn{40});                                               // never logged
  Set(7, kOld);
  pages_[7 * kBlock + 12] = 0xFF;  // not sane
  pages_[7 * kBlock + 13] = 0xFF;
  EXPECT_EQ(Newer({11}), "2-3 5-6 7-8 11-12");
}

TEST_F(PageLsns, WhatTheParentDoesNotHaveIsStored) {
  Set(20, kRule.start);
  extents_ = {Whole(0, ByteView(pages_).first(16 * kBlock))};
  extents_[0].check ^= 1;
  EXPECT_EQ(Newer(), "16-32") << "old pages in a place where the parent had none";
}

TEST_F(PageLsns, AnIncompletePageIsStored) {
  Set(1, kRule.start);
  pages_.resize(20 * kBlock + 100);
  const auto newer = NewerSpans(DifferingSpans(extents_, 0, pages_), extents_, 0, pages_, kRule, {});
  EXPECT_EQ(Text(newer), Text(std::vector<FileSpan>{{kBlock, 2 * kBlock}, {20 * kBlock, 20 * kBlock + 100}}));
}

TEST_F(PageLsns, AlmostAllIsAll) {
  for (size_t i = 0; i < 29; i++) Set(i, kRule.start);
  EXPECT_EQ(Newer(), "0-32");
}

TEST(BlockSplit, SetsOfBlocksBecomeSpans) {
  const std::vector<uint32_t> blocks = {1, 2, 5, 9};
  EXPECT_EQ(BlocksOf(BlockSpans(blocks, UINT32_MAX, {0, 100 * kBlock})), "1-3 5-6 9-10");
  EXPECT_EQ(BlocksOf(BlockSpans(blocks, UINT32_MAX, {2 * kBlock, 9 * kBlock})), "2-3 5-6");
  EXPECT_EQ(BlocksOf(BlockSpans(blocks, 5, {0, 10 * kBlock})), "1-3 5-10");
  EXPECT_EQ(BlocksOf(BlockSpans(blocks, 3, {0, 10 * kBlock})), "1-10") << "block 3 follows 2";
  EXPECT_EQ(BlocksOf(BlockSpans(blocks, 0, {0, 10 * kBlock})), "0-10");
  EXPECT_EQ(BlocksOf(BlockSpans({}, 10, {0, 10 * kBlock})), "");
  EXPECT_EQ(Text(BlockSpans({1}, UINT32_MAX, {0, kBlock + 7})), Text(std::vector<FileSpan>{{kBlock, kBlock + 7}}))
      << "the file's end";
}

TEST(BlockSplit, SpansAreCombined) {
  EXPECT_EQ(Text(Intersect({{0, 10}, {20, 30}}, {{5, 25}, {28, 40}})), "5-10 20-25 28-30");
  EXPECT_EQ(Text(Intersect({{0, 10}}, {{10, 20}})), "");
  EXPECT_EQ(Text(Complement({{3, 5}, {8, 10}}, {0, 10})), "0-3 5-8");
  EXPECT_EQ(Text(Complement({}, {4, 9})), "4-9");
  EXPECT_EQ(Text(Complement({{0, 20}}, {4, 9})), "");
  EXPECT_EQ(Text(Complement({{0, 5}, {7, 20}}, {4, 9})), "5-7");
}

TEST(BlockSplit, AStretchOfTooManyPiecesIsStoredWhole) {
  // Two stretches; the second is a block short. The first begins with 33 pieces of a block each.
  const FileSpan range{0, 255 * kBlock};
  std::vector<Extent> extents;
  for (uint64_t at = 0; at < 33; at++) extents.push_back({at * kBlock, kBlock, 0, 0, true, at});
  extents.push_back({33 * kBlock, 95 * kBlock, 1, 0, true, 100});
  extents.push_back({128 * kBlock, 127 * kBlock, 2, 0, true, 101});
  const auto every_other = [](uint64_t from, size_t count) {
    std::vector<FileSpan> spans;
    for (; count > 0; count--, from += 2) spans.push_back({from * kBlock, (from + 1) * kBlock});
    return spans;
  };
  const auto bounded = [&](const std::vector<FileSpan>& stored) { return BoundPieces(stored, extents, range); };
  EXPECT_TRUE(bounded({}).empty());
  // Each is a piece, and so is the block before it; the rest is one more.
  static_assert(33 + 2 * 31 + 1 == kMaxPiecesPerStretch);
  std::vector<FileSpan> stored = every_other(34, 31);
  EXPECT_EQ(bounded(stored), stored);
  stored = every_other(34, 32);
  EXPECT_EQ(BlocksOf(bounded(stored)), "0-128");
  stored.push_back({140 * kBlock, 141 * kBlock});
  EXPECT_EQ(BlocksOf(bounded(stored)), "0-128 140-141");
  stored.back() = {127 * kBlock, 130 * kBlock};
  EXPECT_EQ(BlocksOf(bounded(stored)), "0-130") << "what is stored may go on in the next stretch";
  EXPECT_EQ(BlocksOf(BoundPieces(stored, extents, {1 * kBlock, 130 * kBlock})), "1-130") << "and a range begin in one";
  EXPECT_EQ(BlocksOf(bounded({{20 * kBlock, 130 * kBlock}})), "20-130");
  // Of what nobody changed nothing is stored.
  extents.clear();
  for (uint64_t at = 0; at < 128; at++) extents.push_back({at * kBlock, kBlock, 0, 0, true, at});
  extents.push_back({128 * kBlock, 127 * kBlock, 2, 0, true, 101});
  EXPECT_EQ(BlocksOf(bounded({{140 * kBlock, 141 * kBlock}})), "140-141");
}

TEST(BlockSplit, ReferencesKeepTheChecksumOfWholeExtentsOnly) {
  const Bytes bytes = test::MakeBytes(100, 1);
  const std::vector<Extent> extents = {Whole(0, bytes, 7, 1000), Whole(200, bytes, 8, 0)};
  std::vector<Extent> out;
  ReferTo(extents, {0, 300}, out);
  EXPECT_EQ(Text(out), "0+100@7:1000! 200+100@8:0!");
  out.clear();
  ReferTo(extents, {10, 250}, out);
  EXPECT_EQ(Text(out), "10+90@7:1010 200+50@8:0");
  out.clear();
  ReferTo(extents, {100, 200}, out);
  EXPECT_EQ(Text(out), "");
  ReferTo(extents, {220, 230}, out);
  EXPECT_EQ(Text(out), "220+10@8:20");
}

}  // namespace
}  // namespace pitr
