// Starts no thread.
#include "core/base/letter_case.h"

#include <gtest/gtest.h>

namespace pitr {
namespace {

TEST(LetterCaseTest, IsThatOfAsciiLettersOnly) {
  EXPECT_EQ(LowerCase("AZaz[@\xC4"), "azaz[@\xC4");
  EXPECT_EQ(UpperCase("azAZ{`\xE4"), "AZAZ{`\xE4");
  EXPECT_TRUE(SameButForCase("Wal_Level", "wal_level"));
  EXPECT_FALSE(SameButForCase("wal", "wal_level"));
  EXPECT_FALSE(SameButForCase("\xC4", "\xE4"));
  EXPECT_TRUE(StartsWithButForCase("PG_PITR.x", "pg_pitr."));
  EXPECT_FALSE(StartsWithButForCase("pg", "pg_pitr."));
}

}  // namespace
}  // namespace pitr
