#include "core/pg/page.h"

#include <gtest/gtest.h>

#include "lib/golden.h"

namespace pitr {
namespace {

// A page PostgreSQL 15 wrote, and what damage does to it.
class Page : public testing::Test {
 protected:
  Bytes page_ = LoadGolden("pg/pg15_heap_block_2.zst");
  static constexpr uint32_t kBlock = 2;
};

TEST_F(Page, ChecksumOfRealPage) {
  ASSERT_EQ(page_.size(), kPageSize);
  const PageHeader header = ReadPageHeader(page_);
  EXPECT_EQ(header.page_size, kPageSize);
  EXPECT_EQ(header.layout_version, 4);
  EXPECT_TRUE(header.lsn.valid());
  EXPECT_LT(header.lsn, (Lsn{uint64_t{1} << 32}));
  EXPECT_NE(header.checksum, 0);
  EXPECT_EQ(header.checksum, ComputePageChecksum(page_, kBlock));
  EXPECT_EQ(VerifyPage(page_, kBlock), PageVerdict::kOk);
}

TEST_F(Page, OtherBlockIsBad) { EXPECT_EQ(VerifyPage(page_, kBlock + 1), PageVerdict::kBad); }

TEST_F(Page, EveryFlippedByteIsBad) {
  for (size_t i = 0; i < kPageSize; ++i) {
    page_[i] ^= 0x10;
    ASSERT_EQ(VerifyPage(page_, kBlock), PageVerdict::kBad) << "byte " << i;
    page_[i] ^= 0x10;
  }
}

TEST_F(Page, NeedsNoAlignment) {
  Bytes shifted(kPageSize + 3);
  std::copy(page_.begin(), page_.end(), shifted.begin() + 3);
  EXPECT_EQ(VerifyPage(ByteView(shifted).subspan(3), kBlock), PageVerdict::kOk);
}

TEST_F(Page, NewPage) {
  Bytes zero(kPageSize, 0);
  EXPECT_EQ(VerifyPage(zero, 0), PageVerdict::kNew);
  EXPECT_EQ(VerifyPageHeader(zero), PageVerdict::kNew);
  zero.back() = 1;
  EXPECT_EQ(VerifyPage(zero, 0), PageVerdict::kBad);
}

TEST_F(Page, WithoutChecksumsOnlyTheHeaderCounts) {
  page_[kPageSize - 1] ^= 1;
  EXPECT_EQ(VerifyPageHeader(page_), PageVerdict::kOk);
  StoreLe<uint16_t>(&page_[12], 0x7FFF);  // free space starts behind its end
  EXPECT_EQ(VerifyPageHeader(page_), PageVerdict::kBad);
}

TEST(PageNumber, CountsThroughSegments) {
  EXPECT_EQ(BlockInRelation(0, 7), 7u);
  EXPECT_EQ(BlockInRelation(3, 1), 3u * 131072 + 1);
}

}  // namespace
}  // namespace pitr
