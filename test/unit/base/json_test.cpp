#include "core/base/json.h"

#include <gtest/gtest.h>

namespace pitr {
namespace {

TEST(Json, RejectsWhatIsNotOneValue) {
  for (const char* text :
       {"", "{", "{} {}", "nul", "[1,]", "{\"a\":1,}", "\"\xff\"", "{\"a\" 1}", "01", "1e999", "\xEF\xBB\xBF{}"})
    EXPECT_EQ(ParseJson(text).code(), Code::kCorruption) << text;
  EXPECT_EQ(ParseJson(std::string_view("1\0 2", 4)).code(), Code::kCorruption) << "what comes after a NUL";
}

TEST(Json, DepthIsBounded) {
  const std::string open(kMaxJsonDepth, '['), close(kMaxJsonDepth, ']');
  EXPECT_TRUE(ParseJson(open + close).ok());
  auto deeper = ParseJson("[" + open + close + "]");
  ASSERT_FALSE(deeper.ok());
  EXPECT_EQ(deeper.status().message(), "JSON is nested too deeply");
  EXPECT_FALSE(ParseJson(std::string(1000000, '[')).ok());
}

}  // namespace
}  // namespace pitr
