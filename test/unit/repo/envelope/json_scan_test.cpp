// Starts no thread.
#include "core/repo/envelope/json_scan.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

namespace pitr {
namespace {

TEST(JsonScan, SkipsWhatIsJsonAndNothingElse) {
  const char* kTexts[] = {"{}", "[]", " { \"a\" : [1, -2.5e+3, true, false, null, \"\\u00e9\\n\"] } ", "0", "-0", "1.0",
                          "\"\\ud83d\\ude00\"", "[[[[]]]]",
                          // not JSON:
                          "", "{", "[1,]", "{\"a\"}", "{\"a\":1,}", "01", "-", "1.", "1e", ".5", "+1", "tru", "nul",
                          "\"\\x\"", "\"\\ud83d\"", "\"\\ude00\"", "\"a\nb\"", "\"", "[1 2]", "{1:2}", "'a'", "[] []",
                          "NaN", "\"\\u12g4\""};
  for (const char* text : kTexts) {
    JsonScanner scan(text);
    EXPECT_EQ(scan.Skip() && scan.AtEnd(), nlohmann::json::accept(text)) << text;
  }
}

TEST(JsonScan, DepthIsBounded) {
  for (const int depth : {10, JsonScanner::kMaxDepth, 100, 1000000}) {
    const std::string text = std::string(depth, '[') + std::string(depth, ']');
    JsonScanner scan(text);
    EXPECT_EQ(scan.Skip(), depth <= JsonScanner::kMaxDepth) << depth;
  }
}

TEST(JsonScan, StringsComeBack) {
  std::string all;
  for (int c = 1; c < 128; c++) all.push_back(static_cast<char>(c));
  for (const std::string& text :
       {std::string(), all, std::string("a\0b", 3), std::string("Größe 表 😀"), std::string("\"\\/")}) {
    std::string json;
    AppendJsonString(text, json);
    EXPECT_EQ(nlohmann::json::parse(json).get<std::string>(), text);
    std::string back;
    JsonScanner scan(json);
    ASSERT_TRUE(scan.String(back)) << json;
    EXPECT_EQ(back, text);
    EXPECT_TRUE(scan.AtEnd());
  }
  std::string out;
  EXPECT_TRUE(JsonScanner("\"\\u0041\\uD83D\\uDE00\\u20ac\"").String(out));
  EXPECT_EQ(out, "A😀€");
}

TEST(JsonScan, NumbersAreExactOrRefused) {
  uint64_t u = 0;
  int64_t s = 0;
  EXPECT_TRUE(JsonScanner("18446744073709551615").Unsigned(u));
  EXPECT_EQ(u, UINT64_MAX);
  EXPECT_TRUE(JsonScanner("-9223372036854775807").Signed(s));
  EXPECT_EQ(s, -INT64_MAX);
  for (const char* text : {"18446744073709551616", "-1", "1.5", "1e3", "007", "", "x"})
    EXPECT_FALSE(JsonScanner(text).Unsigned(u)) << text;
  for (const char* text : {"9223372036854775808", "--1", "-", "1.5", "-01"})
    EXPECT_FALSE(JsonScanner(text).Signed(s)) << text;
}

TEST(JsonScan, Utf8) {
  for (const char* good :
       {"", "abc", "\xC2\x80", "\xE0\xA0\x80", "\xED\x9F\xBF", "\xF0\x90\x80\x80", "\xF4\x8F\xBF\xBF"})
    EXPECT_TRUE(IsUtf8(good));
  for (const char* bad : {"\x80", "\xC0\x80", "\xC1\xBF", "\xC2", "\xE0\x9F\xBF", "\xED\xA0\x80", "\xF0\x8F\xBF\xBF",
                          "\xF4\x90\x80\x80", "\xF5\x80\x80\x80", "\xFF", "a\xE2\x82"})
    EXPECT_FALSE(IsUtf8(bad));
}

}  // namespace
}  // namespace pitr
