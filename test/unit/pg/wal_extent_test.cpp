// Where the writing of a segment's file ended: in zeroes, in what the file held before, in a torn record, or not at
// all.
#include "core/pg/wal_extent.h"

#include <gtest/gtest.h>

#include "unit/pg/wal_builder.h"

namespace pitr {
namespace {

constexpr uint32_t kSize = WalBuilder::kSegmentSize;
constexpr SegmentNo kSegment{3};
constexpr Lsn kStart{uint64_t{3} * kSize};

Result<WalExtent> Find(const Bytes& segment, TornRecord torn = TornRecord::kDamage) {
  SegmentPageSource pages(
      kSize, [&](SegmentNo no) -> Result<ByteView> { return no == kSegment ? ByteView(segment) : ByteView(); });
  return FindWalExtent(pages, kStart, kSize, torn);
}

// `records` of 100 bytes; what is behind them is zero.
WalBuilder Written(int records) {
  WalBuilder wal;
  for (int i = 0; i < records; ++i) wal.AddFiller(100);
  return wal;
}

// The file was an older segment before, full of records: those behind `end` are still there, as a receiver of a stream
// leaves them, in the last page, too.
Bytes Recycled(WalBuilder& wal, Lsn end) {
  WalBuilder old(15, {uint64_t{1} * kSize});
  while (old.at().value < uint64_t{2} * kSize) old.AddFiller(100);
  Bytes bytes = old.Segment({1});
  const Bytes& now = wal.Segment(kSegment);
  std::copy_n(now.begin(), end.value - kStart.value, bytes.begin());
  return bytes;
}

TEST(WalExtent, ASegmentFullOfRecordsIsWhole) {
  WalBuilder wal;
  while (wal.at().value < uint64_t{4} * kSize) wal.AddFiller(100);
  for (const TornRecord torn : {TornRecord::kDamage, TornRecord::kEnd}) {
    auto extent = Find(wal.Segment(kSegment), torn);
    ASSERT_TRUE(extent.ok());
    EXPECT_TRUE(extent.value().whole);
  }
}

TEST(WalExtent, SoIsOneThatARecordCrosses) {
  WalBuilder wal;
  wal.AddFiller(size_t{3} * kSize);
  EXPECT_TRUE(Find(wal.Segment(kSegment)).value().whole);
}

TEST(WalExtent, AndOneThatEndsWithASwitchWhereverItIs) {
  // A record of 24 bytes may lie across two pages, the last of the segment among them.
  for (uint32_t before_end : {400000u, 16400u, 8208u, 8200u, 8192u, 8176u, 4000u, 32u}) {
    WalBuilder wal;
    const uint64_t at = uint64_t{4} * kSize - before_end;
    while (wal.at().value + 2000 < at) wal.AddFiller(1000);
    while (wal.at().value + 40 < at) wal.AddFiller(8);
    wal.Switch();
    EXPECT_TRUE(Find(wal.Segment(kSegment)).value().whole) << before_end;
  }
}

TEST(WalExtent, ZeroesBehindTheLastRecordAreItsEnd) {
  for (int records : {1, 50, 5000}) {
    WalBuilder wal = Written(records);
    auto extent = Find(wal.Segment(kSegment));
    ASSERT_TRUE(extent.ok());
    EXPECT_FALSE(extent.value().whole);
    EXPECT_EQ(extent.value().end, wal.at());
    EXPECT_EQ(extent.value().written_bytes, (wal.at().value - kStart.value + 8191) / 8192 * 8192);
  }
}

TEST(WalExtent, AlsoInTheLastPage) {
  WalBuilder wal;
  while (wal.at().value + 3000 < uint64_t{4} * kSize) wal.AddFiller(100);
  auto extent = Find(wal.Segment(kSegment));
  ASSERT_TRUE(extent.ok());
  EXPECT_FALSE(extent.value().whole);
  EXPECT_EQ(extent.value().end, wal.at());
  EXPECT_EQ(extent.value().written_bytes, kSize);
}

TEST(WalExtent, WhatTheFileHeldBeforeIsNotReadOn) {
  WalBuilder wal = Written(3000);
  auto extent = Find(Recycled(wal, wal.at()));
  ASSERT_TRUE(extent.ok());
  EXPECT_FALSE(extent.value().whole);
  EXPECT_EQ(extent.value().end, wal.at());
}

TEST(WalExtent, ARecordOfWhichThePagesAreMissingDoesNotCount) {
  WalBuilder wal = Written(100);
  const Lsn end = wal.at();
  wal.AddFiller(30000);
  Bytes cut = wal.Segment(kSegment);
  const uint64_t keep = (end.value - kStart.value) / 8192 * 8192 + 2 * 8192;
  std::fill(cut.begin() + static_cast<ptrdiff_t>(keep), cut.end(), uint8_t{0});
  auto extent = Find(cut);
  ASSERT_TRUE(extent.ok());
  EXPECT_FALSE(extent.value().whole);
  EXPECT_EQ(extent.value().end, end);
  EXPECT_EQ(extent.value().written_bytes, keep) << "what there is of it is kept";
}

TEST(WalExtent, DamageInWhatTheServerCallsCompleteIsNoEnd) {
  WalBuilder wal;
  for (int i = 0; i < 100; ++i) wal.AddFiller(100);
  const Lsn damaged = wal.AddFiller(100);
  wal.AddFiller(100);
  wal.Switch();
  Bytes bytes = wal.Segment(kSegment);
  bytes[damaged.value - kStart.value + 40] ^= 1;
  EXPECT_TRUE(Find(bytes, TornRecord::kDamage).value().whole);
  auto left_behind = Find(bytes, TornRecord::kEnd);
  ASSERT_TRUE(left_behind.ok());
  EXPECT_FALSE(left_behind.value().whole);
  EXPECT_EQ(left_behind.value().end, damaged);
}

TEST(WalExtent, NorIsDamageWithMoreBehindIt) {
  WalBuilder wal;
  while (wal.at().value < uint64_t{4} * kSize) wal.AddFiller(100);
  Bytes bytes = wal.Segment(kSegment);
  bytes[300000] ^= 1;
  for (const TornRecord torn : {TornRecord::kDamage, TornRecord::kEnd}) EXPECT_TRUE(Find(bytes, torn).value().whole);
}

}  // namespace
}  // namespace pitr
