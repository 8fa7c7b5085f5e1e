#include "core/pg/wal_reader.h"

#include <gtest/gtest.h>

#include <sstream>

#include "core/pg/wal_event.h"
#include "lib/golden.h"
#include "lib/wal_text.h"
#include "unit/pg/wal_builder.h"

namespace pitr {
namespace {

constexpr uint32_t kReaderSegmentSize = WalBuilder::kSegmentSize;
constexpr Lsn kReaderStart{3u << 20};
using Reason = WalEnd::Reason;

// A reader over what a builder has written.
struct Reading {
  explicit Reading(WalBuilder& wal, Lsn start = kReaderStart, SystemId system = {})
      : source(
            kReaderSegmentSize,
            [&wal](SegmentNo no) -> Result<ByteView> { return wal.Has(no) ? ByteView(wal.Segment(no)) : ByteView(); }),
        reader(source, {start, kReaderSegmentSize, system}) {}
  // The starts of all records up to the end or an error.
  std::vector<Lsn> All() {
    std::vector<Lsn> starts;
    for (;;) {
      auto next = reader.Next();
      status = std::move(next).status();
      if (!next.ok() || next.value() == nullptr) return starts;
      starts.push_back(next.value()->start);
    }
  }
  SegmentPageSource source;
  WalReader reader;
  Status status;
};

class WalReaderOfVersion : public testing::TestWithParam<int> {};

TEST_P(WalReaderOfVersion, RecordsInPagesAcrossPagesAndSegments) {
  WalBuilder wal(GetParam());
  std::vector<Lsn> written;
  for (size_t size : {0, 1, 100, 255, 256, 8000, 8192, 20000, 1500000, 40, 7, 2500000, 3})
    written.push_back(wal.AddFiller(size));
  Reading reading(wal, kReaderStart, WalBuilder::kSystem);
  EXPECT_EQ(reading.All(), written);
  EXPECT_TRUE(reading.status.ok()) << reading.status.ToString();
  EXPECT_EQ(reading.reader.end().reason, Reason::kZeroes);
  EXPECT_EQ(reading.reader.end().lsn, wal.at());
  EXPECT_FALSE(reading.reader.end().incomplete_record);
}

TEST_P(WalReaderOfVersion, AbandonedRecordIsReplaced) {
  WalBuilder wal(GetParam());
  const Lsn first = wal.AddFiller(100);
  const Lsn abandoned = wal.AddFiller(30000);
  wal.CrashAt({kReaderStart.value + 2 * kWalPageSize}, first);
  Bytes data;
  AppendLe(data, abandoned.value);
  AppendLe<int64_t>(data, 0);
  const Lsn replacement = wal.AddData(Rmgr::kXlog, 0xD0, data);
  const Lsn last = wal.AddFiller(10);
  Reading reading(wal);
  EXPECT_EQ(reading.reader.Next().value()->start, first);
  EXPECT_FALSE(reading.reader.abandoned_record());
  const WalRecord* record = reading.reader.Next().value();
  ASSERT_NE(record, nullptr);
  EXPECT_EQ(record->start, replacement);
  EXPECT_EQ(reading.reader.abandoned_record(), abandoned);
  const auto event = DecodeWalEvent(*record);
  EXPECT_EQ(std::get<AbandonedRecord>(event.value()->what).start, abandoned);
  EXPECT_EQ(reading.reader.Next().value()->start, last);
  EXPECT_FALSE(reading.reader.abandoned_record());
}
INSTANTIATE_TEST_SUITE_P(Versions, WalReaderOfVersion, testing::Range(15, 20));

TEST(WalReader, HeaderSplitAcrossPagesAtEveryPlace) {
  // What is left of the page after the filler: 8, 16 or 24 bytes of the next record's header.
  for (uint32_t left : {0u, 8u, 16u, 24u, 32u}) {
    WalBuilder wal;
    const uint32_t filler = kWalPageSize - kLongWalPageHeaderSize - kWalRecordHeaderSize - 5 - left;
    const Lsn first = wal.AddFiller(filler);
    const Lsn second = wal.AddFiller(50);
    EXPECT_EQ(second.value - kReaderStart.value,
              left == 0 ? kWalPageSize + kShortWalPageHeaderSize : kWalPageSize - left);
    const Lsn third = wal.AddFiller(50);
    Reading reading(wal);
    EXPECT_EQ(reading.All(), (std::vector<Lsn>{first, second, third})) << left;
  }
}

TEST(WalReader, StartsWithTheFirstRecordAtOrAfterThePosition) {
  WalBuilder wal;
  std::vector<Lsn> written = {wal.AddFiller(100), wal.AddFiller(100), wal.AddFiller(2200000), wal.AddFiller(9)};
  const auto first_from = [&](Lsn start) {
    Reading reading(wal, start);
    const auto next = reading.reader.Next();
    return next.ok() && next.value() != nullptr ? next.value()->start : Lsn{};
  };
  EXPECT_EQ(first_from(kReaderStart), written[0]);
  EXPECT_EQ(first_from(written[0]), written[0]);
  EXPECT_EQ(first_from({written[0].value + 1}), written[1]);
  EXPECT_EQ(first_from(written[1]), written[1]);
  EXPECT_EQ(first_from({written[1].value + 8}), written[2]);
  EXPECT_EQ(first_from({written[2].value + 8}), written[3]);
  EXPECT_EQ(first_from({kReaderStart.value + kReaderSegmentSize}), written[3]);  // in the middle of the long one
  EXPECT_EQ(first_from({kReaderStart.value + kReaderSegmentSize + 12345}), written[3]);
}

TEST(WalReader, ContinuationThatEndsExactlyAtAPageEnd) {
  WalBuilder wal;
  const uint32_t size = kWalPageSize - kLongWalPageHeaderSize + kWalPageSize - kShortWalPageHeaderSize;
  const Lsn first = wal.AddFiller(size - kWalRecordHeaderSize - 5);
  const Lsn second = wal.AddFiller(10);
  EXPECT_EQ(second.value, kReaderStart.value + 2 * kWalPageSize + kShortWalPageHeaderSize);
  Reading from_start(wal);
  EXPECT_EQ(from_start.All(), (std::vector<Lsn>{first, second}));
  Reading from_middle(wal, {kReaderStart.value + kWalPageSize});
  EXPECT_EQ(from_middle.All(), std::vector<Lsn>{second});
}

TEST(WalReader, SwitchSkipsTheRestOfTheSegment) {
  WalBuilder wal;
  const Lsn first = wal.AddFiller(10);
  wal.Switch();
  const Lsn switch_at = wal.last();
  const Lsn after = wal.AddFiller(10);
  EXPECT_EQ(after.value, kReaderStart.value + kReaderSegmentSize + kLongWalPageHeaderSize);
  Reading reading(wal);
  EXPECT_EQ(reading.All(), (std::vector<Lsn>{first, switch_at, after}));
}

// Who begins with the segment that the end of the switch is in has only the rest of its header.
TEST(WalReader, SwitchAcrossTheEndOfASegmentSkipsTheNext) {
  for (uint32_t room : {8u, 16u}) {
    WalBuilder wal;
    const uint64_t end = kReaderStart.value + kReaderSegmentSize;
    while (end - wal.at().value > kWalPageSize) wal.AddFiller(1000);
    wal.AddFiller(end - wal.at().value - room - kWalRecordHeaderSize - 5);
    ASSERT_EQ(wal.at().value, end - room);
    wal.Switch();
    const Lsn next = wal.AddFiller(10);
    EXPECT_EQ(next.value, end + kReaderSegmentSize + kLongWalPageHeaderSize);
    Reading reading(wal, {end});
    EXPECT_EQ(reading.All(), std::vector<Lsn>{next}) << room;
    EXPECT_TRUE(reading.status.ok()) << reading.status.ToString();
    Reading whole(wal);
    EXPECT_EQ(whole.All().back(), next) << room;
  }
}

TEST(WalReader, WhatOnlyLooksLikeTheRestOfASwitchIsNone) {
  for (uint32_t rest = 1; rest <= 24; rest++) {
    WalBuilder wal;
    const uint64_t end = kReaderStart.value + kReaderSegmentSize;
    while (end - wal.at().value > kWalPageSize) wal.AddFiller(1000);
    wal.AddFiller(end - wal.at().value - 40 - kWalRecordHeaderSize - 5);
    Bytes data(40 + rest - 26 - 8, 0x40);
    data.insert(data.end(), {0x40, 0, 0, 0, 0, 0, 0, 0});
    wal.AddData(Rmgr::kXlog, 0x20, data);
    ASSERT_EQ(wal.at().value, end + kLongWalPageHeaderSize + (rest + 7) / 8 * 8);
    const Lsn next = wal.AddFiller(10);
    Reading reading(wal, {end});
    EXPECT_EQ(reading.All(), std::vector<Lsn>{next}) << rest;
  }
}

TEST(WalReader, GoesOnWhenThereIsMore) {
  WalBuilder whole;
  std::vector<Lsn> written = {whole.AddFiller(600000), whole.AddFiller(900000), whole.AddFiller(10)};
  int available = 0;
  std::vector<SegmentNo> asked;
  SegmentPageSource source(kReaderSegmentSize, [&](SegmentNo no) -> Result<ByteView> {
    asked.push_back(no);
    return no.value < 3u + available ? ByteView(whole.Segment(no)) : ByteView();
  });
  WalReader reader(source, {kReaderStart, kReaderSegmentSize, {}});
  EXPECT_EQ(reader.Next().value(), nullptr);
  EXPECT_EQ(reader.end().reason, Reason::kNoPage);
  available = 1;
  EXPECT_EQ(reader.Next().value()->start, written[0]);
  EXPECT_EQ(reader.Next().value(), nullptr);
  EXPECT_EQ(reader.end().reason, Reason::kNoPage);
  EXPECT_TRUE(reader.end().incomplete_record);
  EXPECT_EQ(reader.end().lsn, written[1]);
  asked.clear();
  available = 2;
  const WalRecord* record = reader.Next().value();
  ASSERT_NE(record, nullptr);
  EXPECT_EQ(record->start, written[1]);
  EXPECT_EQ(record->main_data.size(), 900000u);
  EXPECT_EQ(asked, std::vector<SegmentNo>{{4}});  // the first segment is not needed again
  EXPECT_EQ(reader.Next().value()->start, written[2]);
}

TEST(WalReader, GoesOnWhenAPageWasFilled) {
  WalBuilder wal;
  const Lsn first = wal.AddFiller(10);
  Reading reading(wal);
  EXPECT_EQ(reading.All(), std::vector<Lsn>{first});
  EXPECT_EQ(reading.reader.end().reason, Reason::kZeroes);
  const Lsn second = wal.AddFiller(20000);
  EXPECT_EQ(reading.All(), std::vector<Lsn>{second});
}

TEST(WalReader, RecycledSegmentEndsAtTheOldPage) {
  WalBuilder wal;
  const Lsn only = wal.AddFiller(kWalPageSize - 200);
  const uint64_t page = kReaderStart.value + kWalPageSize;
  wal.WritePageHeader(page, 0, false, page - kReaderSegmentSize);
  Reading reading(wal);
  EXPECT_EQ(reading.All(), std::vector<Lsn>{only});
  EXPECT_TRUE(reading.status.ok());
  EXPECT_EQ(reading.reader.end().reason, Reason::kZeroes);  // of the page that was not filled
  const Lsn second = wal.AddFiller(120);                    // now it is filled and continues on the old page
  wal.WritePageHeader(page, 0, false, page - kReaderSegmentSize);
  Reading again(wal);
  EXPECT_EQ(again.All(), std::vector<Lsn>{only});
  EXPECT_EQ(again.reader.end().reason, Reason::kOldPage);
  EXPECT_TRUE(again.reader.end().incomplete_record);
  EXPECT_EQ(again.reader.end().lsn, second);
}

// Every kind of damage to WAL of three records, the middle one on several pages, is an error there.
class Damaged : public testing::Test {
 protected:
  Damaged() : first_(wal_.AddFiller(100)), second_(wal_.AddFiller(30000)), third_(wal_.AddFiller(100)) {}
  void ExpectDamageAt(Lsn where) {
    Reading reading(wal_);
    const auto records = reading.All();
    EXPECT_EQ(reading.status.code(), Code::kCorruption) << reading.status.ToString();
    EXPECT_EQ(reading.reader.at(), where) << reading.status.ToString();
    EXPECT_EQ(records.size(), where == first_ ? 0u : where == second_ ? 1u : 2u);
  }
  uint8_t* Page(int n) { return wal_.Byte({kReaderStart.value + n * kWalPageSize}); }
  WalBuilder wal_;
  const Lsn first_, second_, third_;
};

TEST_F(Damaged, Content) {
  wal_.Byte(second_)[5000] ^= 1;
  ExpectDamageAt(second_);
}
TEST_F(Damaged, Header) {
  wal_.Byte(second_)[16] ^= 0x10;
  ExpectDamageAt(second_);
}
TEST_F(Damaged, PreviousPointer) {
  wal_.Byte(third_)[8] ^= 8;
  ExpectDamageAt(third_);
}
TEST_F(Damaged, ResourceManager) {
  wal_.Byte(third_)[17] = 99;
  ExpectDamageAt(third_);
}
TEST_F(Damaged, LengthTooSmall) {
  StoreLe<uint32_t>(wal_.Byte(third_), 5);
  ExpectDamageAt(third_);
}
TEST_F(Damaged, LengthTooLarge) {
  StoreLe<uint32_t>(wal_.Byte(third_), 0xFFFFFFFF);
  ExpectDamageAt(third_);
}
TEST_F(Damaged, LengthZeroBeforeData) {
  StoreLe<uint32_t>(wal_.Byte(third_), 0);
  ExpectDamageAt(third_);
}
TEST_F(Damaged, PageMagic) {
  Page(2)[0] ^= 1;
  ExpectDamageAt(second_);
}
TEST_F(Damaged, PageAddress) {
  StoreLe<uint64_t>(Page(2) + 8, kReaderStart.value + kReaderSegmentSize);
  ExpectDamageAt(second_);
}
TEST_F(Damaged, ContinuationFlag) {
  Page(2)[2] = 0;
  ExpectDamageAt(second_);
}
TEST_F(Damaged, RemainingLength) {
  Page(2)[16] ^= 8;
  ExpectDamageAt(second_);
}
TEST_F(Damaged, TimelineGoesBack) {
  StoreLe<uint32_t>(Page(1) + 4, 2);
  ExpectDamageAt(second_);
}
TEST_F(Damaged, OtherVersionInBetween) {
  StoreLe<uint16_t>(Page(2), 0xD113);
  ExpectDamageAt(second_);
}

TEST(WalReader, OtherClusterIsRefused) {
  WalBuilder wal;
  wal.AddFiller(10);
  Reading reading(wal, kReaderStart, {42});
  EXPECT_TRUE(reading.All().empty());
  EXPECT_EQ(reading.status.code(), Code::kConflict);
}

TEST(WalReader, SourceErrorsPassThrough) {
  SegmentPageSource source(kReaderSegmentSize,
                           [](SegmentNo) -> Result<ByteView> { return Status(Code::kUnavailable, "away"); });
  WalReader reader(source, {kReaderStart, kReaderSegmentSize, {}});
  EXPECT_EQ(reader.Next().code(), Code::kUnavailable);
}

TEST(WalRecordTest, Blocks) {
  Bytes body;
  const auto block = [&](uint8_t id, uint8_t flags, uint16_t data, bool image, bool relation, uint32_t number) {
    body.insert(body.end(), {id, flags});
    AppendLe(body, data);
    if (image) {
      AppendLe<uint16_t>(body, 8000);  // stored bytes
      AppendLe<uint16_t>(body, 40);    // hole offset
      body.push_back(0x03);            // hole, apply
    }
    if (relation)
      for (uint32_t oid : {1663u, 5u, 16384u}) AppendLe(body, oid);
    AppendLe(body, number);
  };
  block(0, 0x10, 0, true, true, 7);                      // image
  block(3, 0x20 | 0x40 | 0x80 | 2, 6, false, false, 9);  // data, will init, same relation, vm
  body.insert(body.end(), {253, 1, 0, 255, 3});          // origin 1, main data of 3 bytes
  body.insert(body.end(), 8000, 0x11);
  body.insert(body.end(), 6, 0x22);
  body.insert(body.end(), 3, 0x33);
  WalBuilder wal;
  wal.Add(static_cast<Rmgr>(10), 0x00, body, 777);
  Reading reading(wal);
  const auto next = reading.reader.Next();
  ASSERT_TRUE(next.ok()) << next.status().ToString();
  const WalRecord& record = *next.value();
  EXPECT_EQ(record.xid, 777u);
  EXPECT_EQ(record.origin, 1);
  ASSERT_EQ(record.blocks.size(), 2u);
  EXPECT_TRUE(record.blocks[0].has_image);
  EXPECT_TRUE(record.blocks[0].apply_image);
  EXPECT_EQ(record.blocks[0].image.size(), 8000u);
  EXPECT_EQ(record.blocks[0].block, 7u);
  EXPECT_EQ(record.ImageSize(), 8000u);
  EXPECT_EQ(record.blocks[1].id, 3);
  EXPECT_EQ(record.blocks[1].relation, (RelationLocator{1663, 5, 16384}));
  EXPECT_EQ(record.blocks[1].fork, Fork::kVisibilityMap);
  EXPECT_TRUE(record.blocks[1].will_init);
  EXPECT_EQ(record.blocks[1].data.size(), 6u);
  EXPECT_EQ(record.blocks[1].data[0], 0x22);
  EXPECT_EQ(record.main_data.size(), 3u);
  EXPECT_EQ(record.main_data[0], 0x33);
}

TEST(WalRecordTest, ContradictionsWithARightChecksumAreRefused) {
  const Bytes bodies[] = {
      {255, 9, 1},                     // main data cut short
      {254, 1},                        // its length cut short
      {40, 0, 0, 0},                   // block number out of range
      {0, 0x80, 0, 0, 1, 0, 0, 0},     // same relation as nothing
      {0, 0x20, 0, 0},                 // says it has data but none
      {0, 0x00, 4, 0},                 // has data but does not say so
      {0, 0x10, 0, 0, 0, 0, 0, 0, 0},  // image without a hole that is not a page
      {255, 1, 7, 7},                  // bytes left over
      {253, 1},                        // origin cut short
  };
  for (const Bytes& body : bodies) {
    WalBuilder wal;
    wal.Add(Rmgr::kXlog, 0x20, body);
    Reading reading(wal);
    EXPECT_TRUE(reading.All().empty());
    EXPECT_EQ(reading.status.code(), Code::kCorruption) << ToHex(body);
  }
}

// A segment that PostgreSQL 15 wrote, and what its pg_waldump says of it.
TEST(WalReader, AgreesWithPgWaldumpOnARealSegment) {
  const Bytes segment = LoadGolden("wal/pg15_segment.zst");
  const Bytes expected_bytes = LoadGolden("wal/pg15_records.zst");
  const auto header = CheckSegmentHeader(segment);
  ASSERT_TRUE(header.ok()) << header.status().ToString();
  EXPECT_EQ(header.value().segment_size, segment.size());
  SegmentPageSource source(header.value().segment_size, [&](SegmentNo no) -> Result<ByteView> {
    return SegmentStart(no, header.value().segment_size) == header.value().start ? ByteView(segment) : ByteView();
  });
  WalReader reader(source, {header.value().start, header.value().segment_size, header.value().system_id});
  std::istringstream expected{std::string(AsText(expected_bytes))};
  std::string line;
  int records = 0;
  for (; std::getline(expected, line); ++records) {
    const auto record = reader.Next();
    ASSERT_TRUE(record.ok()) << record.status().ToString();
    ASSERT_NE(record.value(), nullptr) << line;
    const auto event = DecodeWalEvent(*record.value());
    ASSERT_TRUE(event.ok()) << event.status().ToString();
    EXPECT_EQ(WalRecordText(*record.value(), event.value() ? &*event.value() : nullptr), line);
  }
  EXPECT_GT(records, 200);
  EXPECT_EQ(reader.Next().value(), nullptr);
  EXPECT_EQ(reader.end().reason, Reason::kNoPage);  // the last record is a switch
  EXPECT_EQ(reader.end().lsn.value, header.value().start.value + segment.size());
}

}  // namespace
}  // namespace pitr
