#include "core/pg/crc32c.h"

#include <gtest/gtest.h>

namespace pitr {
namespace {

TEST(Crc32c, KnownValues) {  // RFC 3720, appendix B.4
  EXPECT_EQ(ComputeCrc32c(AsBytes("123456789")), 0xE3069283u);
  EXPECT_EQ(ComputeCrc32c(Bytes(32, 0)), 0x8A9136AAu);
  EXPECT_EQ(ComputeCrc32c(Bytes(32, 0xFF)), 0x62A8AB43u);
  EXPECT_EQ(ComputeCrc32c({}), 0u);
}

TEST(Crc32c, InstructionAndTablesAgreeAtEveryLengthAndAlignment) {
  Bytes bytes;
  for (int i = 0; i < 300; ++i) bytes.push_back(static_cast<uint8_t>(i * 31 + 7));
  for (size_t from = 0; from < 9; ++from)
    for (size_t size = 0; size < 280; ++size) {
      const ByteView view = ByteView(bytes).subspan(from, size);
      ASSERT_EQ(ComputeCrc32c(view), ComputeCrc32cPortable(view)) << from << " " << size;
    }
}

TEST(Crc32c, InPiecesAsInOne) {
  const ByteView text = AsBytes("in pieces as in one");
  EXPECT_EQ(Crc32c().Update(text.first(5)).Update({}).Update(text.subspan(5)).value(), ComputeCrc32c(text));
}

}  // namespace
}  // namespace pitr
