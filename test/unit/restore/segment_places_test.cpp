// Starts no thread.
#include "core/restore/segment_places.h"

#include <gtest/gtest.h>

#include "unit/pg/wal_builder.h"

namespace pitr {
namespace {

constexpr uint32_t kPlacesSegment = WalBuilder::kSegmentSize;

Bytes MadePlace(uint32_t oid, std::string_view path) {
  Bytes data;
  AppendLe(data, oid);
  data.insert(data.end(), path.begin(), path.end());
  data.push_back(0);
  return data;
}

ByteView TailOfSegment(const Bytes& segment) { return ByteView(segment).last(kSegmentTailBytes); }

// The next record begins `left` bytes before the end of the segment: the last one before it ends there, on the last
// page.
void FillPlacesUpTo(WalBuilder& wal, uint32_t left) {
  const auto room = [&] { return static_cast<uint32_t>(kPlacesSegment - wal.at().value % kPlacesSegment); };
  while (room() > 20000) wal.AddFiller(9000);
  while (room() > 7000) wal.AddFiller(1000);
  wal.AddFiller(room() - left - 29);  // headers, of which the long form of main data has 5 bytes
}

TEST(SegmentPlaces, TheTablespacesThatASegmentMakes) {
  WalBuilder wal;
  wal.AddFiller(5000);
  const Lsn at = wal.AddData(Rmgr::kTablespace, 0x00, MadePlace(16400, "/srv/ts"), 700);
  wal.AddData(Rmgr::kTablespace, 0x00, MadePlace(16401, ""), 701);  // inside the data directory
  wal.AddFiller(2 * kPlacesSegment);
  const SegmentPlaces places = FindSegmentPlaces(wal.Segment(SegmentNo{3}), SegmentNo{3}, {});
  ASSERT_EQ(places.made.size(), 1u);
  EXPECT_EQ(places.made[0].oid, 16400u);
  EXPECT_EQ(places.made[0].path, "/srv/ts");
  EXPECT_EQ(places.made[0].at, at);
  EXPECT_EQ(places.pg_major, 15);
  EXPECT_TRUE(FindSegmentPlaces(wal.Segment(SegmentNo{4}), SegmentNo{4}, TailOfSegment(wal.Segment(SegmentNo{3})))
                  .made.empty());
}

TEST(SegmentPlaces, ARecordThatBeginsInTheSegmentBefore) {
  for (const uint32_t left : {8u, 16u, 24u, 48u}) {
    WalBuilder wal;
    FillPlacesUpTo(wal, left);
    const Lsn at = wal.AddData(Rmgr::kTablespace, 0x00, MadePlace(16400, "/srv/" + std::string(200, 'x')), 700);
    wal.AddFiller(100);
    ASSERT_EQ(at.value % kPlacesSegment, kPlacesSegment - left);
    const Bytes &before = wal.Segment(SegmentNo{3}), &segment = wal.Segment(SegmentNo{4});
    EXPECT_TRUE(FindSegmentPlaces(before, SegmentNo{3}, {}).made.empty());
    EXPECT_TRUE(NeedsTail(segment));
    const SegmentPlaces places = FindSegmentPlaces(segment, SegmentNo{4}, TailOfSegment(before));
    ASSERT_EQ(places.made.size(), 1u) << left;
    EXPECT_EQ(places.made[0].at, at);
  }
}

TEST(SegmentPlaces, ATailOfOtherWalHidesNothing) {
  WalBuilder wal;
  FillPlacesUpTo(wal, 48);
  wal.AddFiller(300);
  wal.AddData(Rmgr::kTablespace, 0x00, MadePlace(16400, "/srv/ts"), 700);
  WalBuilder other;
  FillPlacesUpTo(other, 96);
  other.AddFiller(500);
  for (const Bytes& tail :
       {Bytes(TailOfSegment(other.Segment(SegmentNo{3})).begin(), TailOfSegment(other.Segment(SegmentNo{3})).end()),
        Bytes(kSegmentTailBytes), Bytes(kSegmentTailBytes, 0xAB)})
    EXPECT_EQ(FindSegmentPlaces(wal.Segment(SegmentNo{4}), SegmentNo{4}, tail).made.size(), 1u);
}

TEST(SegmentPlaces, ALongRecordNeedsNoTail) {
  WalBuilder wal;
  FillPlacesUpTo(wal, 48);
  wal.AddFiller(50000);
  EXPECT_FALSE(NeedsTail(wal.Segment(SegmentNo{4})));
}

}  // namespace
}  // namespace pitr
