#include "core/base/json.h"

#include <cstdint>

#include <gtest/gtest.h>

namespace pitr {
namespace {

TEST(Json, RejectsWhatIsNotOneValue) {
  for (const char* text : {"", "{", "{} {}", "nul", "[1,]", "{\"a\":1,}", "\"\xff\"", "{\"a\" 1}", "01", "1e999"})
    EXPECT_EQ(ParseJson(text).code(), Code::kCorruption) << text;
}

TEST(Json, DepthIsBounded) {
  const std::string open(kMaxJsonDepth, '['), close(kMaxJsonDepth, ']');
  EXPECT_TRUE(ParseJson(open + close).ok());
  auto deeper = ParseJson("[" + open + close + "]");
  ASSERT_FALSE(deeper.ok());
  EXPECT_EQ(deeper.status().message(), "JSON is nested too deeply");
  EXPECT_FALSE(ParseJson(std::string(1000000, '[')).ok());
}

TEST(Json, FieldsAreTypedAndBounded) {
  auto parsed = ParseJson(R"({"s":"x","n":5,"i":-5,"b":true,"big":"18446744073709551615","f":1.5,"a":[1],"o":{}})");
  ASSERT_TRUE(parsed.ok());
  const Json& j = parsed.value();
  EXPECT_EQ(JsonString(j, "s").value(), "x");
  EXPECT_EQ(JsonUint(j, "n").value(), 5u);
  EXPECT_EQ(JsonUint(j, "n", 4).code(), Code::kCorruption);
  EXPECT_EQ(JsonUint(j, "i").code(), Code::kCorruption);
  EXPECT_EQ(JsonInt(j, "i").value(), -5);
  EXPECT_EQ(JsonUint(j, "f").code(), Code::kCorruption);
  EXPECT_EQ(JsonBool(j, "b").value(), true);
  EXPECT_EQ(JsonUintText(j, "big").value(), UINT64_MAX);
  EXPECT_EQ(JsonUintText(j, "s").code(), Code::kCorruption);
  EXPECT_EQ(JsonArray(j, "a").value()->size(), 1u);
  EXPECT_EQ(JsonObject(j, "a").code(), Code::kCorruption);
  auto missing = JsonString(j, "gone");
  ASSERT_FALSE(missing.ok());
  EXPECT_EQ(missing.status().message(), "field \"gone\" is missing");
  EXPECT_FALSE(JsonString(*JsonArray(j, "a").value(), "s").ok());
}

}  // namespace
}  // namespace pitr
