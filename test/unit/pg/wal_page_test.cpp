#include "core/pg/wal_page.h"

#include <gtest/gtest.h>

namespace pitr {
namespace {

constexpr uint32_t kUsualSegmentSize = 16u << 20;
constexpr SystemId kSystem{7711157543943281008u};

Bytes Header(uint16_t magic, uint16_t info = 0x0002, Lsn address = {0x3000000},
             uint32_t segment_size = kUsualSegmentSize) {
  Bytes bytes;
  AppendLe<uint16_t>(bytes, magic);
  AppendLe<uint16_t>(bytes, info);
  AppendLe<uint32_t>(bytes, 2);  // timeline
  AppendLe<uint64_t>(bytes, address.value);
  AppendLe<uint32_t>(bytes, 0);
  AppendLe<uint32_t>(bytes, 0);  // padding
  AppendLe<uint64_t>(bytes, kSystem.value);
  AppendLe<uint32_t>(bytes, segment_size);
  AppendLe<uint32_t>(bytes, 8192);
  return bytes;
}

TEST(WalPage, SegmentHeaderOfEachVersion) {
  const std::pair<uint16_t, int> versions[] = {{0xD110, 15}, {0xD113, 16}, {0xD116, 17}, {0xD118, 18}, {0xD122, 19}};
  for (auto [magic, major] : versions) {
    const auto header = CheckSegmentHeader(Header(magic));
    ASSERT_TRUE(header.ok()) << header.status().ToString();
    EXPECT_EQ(header.value().pg_major, major);
    EXPECT_EQ(header.value().system_id, kSystem);
    EXPECT_EQ(header.value().timeline, (Timeline{2}));
    EXPECT_EQ(header.value().start, (Lsn{0x3000000}));
    EXPECT_EQ(header.value().segment_size, kUsualSegmentSize);
  }
}

TEST(WalPage, OtherVersionsAndNonsenseAreTold) {
  EXPECT_EQ(CheckSegmentHeader(Header(0xD10D)).code(), Code::kInvalidArgument);  // 14
  EXPECT_EQ(CheckSegmentHeader(Header(0xD1F0)).code(), Code::kInvalidArgument);  // of no released version
  EXPECT_EQ(CheckSegmentHeader(Header(0x1234)).code(), Code::kCorruption);
  EXPECT_EQ(CheckSegmentHeader(Bytes(8192, 0)).code(), Code::kCorruption);
  EXPECT_EQ(CheckSegmentHeader(Bytes(39, 0xD1)).code(), Code::kCorruption);
  EXPECT_EQ(CheckSegmentHeader(Header(0xD110, 0x0000)).code(), Code::kCorruption);  // no long header
  EXPECT_EQ(CheckSegmentHeader(Header(0xD110, 0x0012)).code(), Code::kCorruption);  // unknown flag
  EXPECT_EQ(CheckSegmentHeader(Header(0xD122, 0x000A)).code(), Code::kCorruption);  // unknown in 19
  EXPECT_EQ(CheckSegmentHeader(Header(0xD110, 2, {0x3002000})).code(), Code::kCorruption);
  EXPECT_EQ(CheckSegmentHeader(Header(0xD110, 2, {0x3000000}, 12345)).code(), Code::kCorruption);
}

TEST(WalPage, OverwriteFlagMovedIn19) {
  EXPECT_TRUE(ReadWalPageHeader(Header(0xD118, 0x000A)).overwrites_record);
  EXPECT_FALSE(ReadWalPageHeader(Header(0xD118, 0x0006)).overwrites_record);
  EXPECT_TRUE(ReadWalPageHeader(Header(0xD122, 0x0006)).overwrites_record);
}

TEST(WalPage, SegmentMustBeTheOneNamed) {
  const SegmentHeader header = CheckSegmentHeader(Header(0xD110)).value();
  EXPECT_TRUE(CheckSegmentIs(header, kSystem, {2}, {3}, kUsualSegmentSize).ok());
  EXPECT_TRUE(CheckSegmentIs(header, kSystem, {3}, {3}, kUsualSegmentSize).ok());  // first segment of a child
  EXPECT_EQ(CheckSegmentIs(header, {1}, {2}, {3}, kUsualSegmentSize).code(), Code::kConflict);
  EXPECT_EQ(CheckSegmentIs(header, kSystem, {1}, {3}, kUsualSegmentSize).code(), Code::kCorruption);
  EXPECT_EQ(CheckSegmentIs(header, kSystem, {2}, {4}, kUsualSegmentSize).code(), Code::kCorruption);
  EXPECT_EQ(CheckSegmentIs(header, kSystem, {2}, {48}, 1u << 20).code(), Code::kCorruption);
}

}  // namespace
}  // namespace pitr
