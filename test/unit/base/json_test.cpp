// Starts no thread.
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

TEST(Json, BuildsWhatTheLibraryBuilds) {
  for (const char* text : {"null", "true", "-1", "18446744073709551615", "-9223372036854775808", "18446744073709551616",
                           "0.25", "\"a\\u00e9\"", "[]", "{}", "[1,[2,[]],{\"a\":[{},null]}]",
                           R"({"b":{"c":[1,2,{"d":"x"}],"e":{}},"a":[[],[[false]]]})", R"({"a":1,"b":2,"a":[3]})",
                           R"({"a":{"x":1},"a":{"y":2}})", " [ 1 , 2 ] "}) {
    auto parsed = ParseJson(text);
    ASSERT_TRUE(parsed.ok()) << text << ": " << parsed.status().ToString();
    const Json expected = Json::parse(text);
    EXPECT_EQ(parsed.value(), expected) << text;
    EXPECT_EQ(parsed.value().type(), expected.type()) << text;
  }
}

TEST(Json, OfANameGivenTwiceTheLastValueCounts) {
  auto parsed = ParseJson(R"({"a":{"x":1},"a":{"y":2}})");
  ASSERT_TRUE(parsed.ok());
  EXPECT_EQ(JsonText(parsed.value()), R"({"a":{"y":2}})");
}

// An array that grows may move what it holds; what is being read inside it must arrive all the same.
TEST(Json, GrowsWhileItIsRead) {
  std::string text = "[";
  for (int i = 0; i < 1000; i++) text += (i == 0 ? "" : ",") + ("{\"n\":[" + std::to_string(i) + "]}");
  auto parsed = ParseJson(text + "]");
  ASSERT_TRUE(parsed.ok());
  ASSERT_EQ(parsed.value().size(), 1000u);
  for (int i = 0; i < 1000; i++) EXPECT_EQ(parsed.value()[i]["n"][0], i);
}

TEST(Json, SaysWhereItStoppedToBeJson) {
  auto parsed = ParseJson("{\"a\": 1, b}");
  ASSERT_FALSE(parsed.ok());
  EXPECT_EQ(parsed.status().message(), "not valid JSON at byte 10");
  EXPECT_EQ(ParseJson("[1] [2]").status().message(), "not valid JSON at byte 5");
  EXPECT_EQ(ParseJson("[1e999]").status().message(), "not valid JSON at byte 6");
  EXPECT_EQ(ParseJson("").status().message(), "not valid JSON at byte 1");
}

}  // namespace
}  // namespace pitr
