// Starts no thread.
#include "core/repo/envelope/json_fields.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <string>
#include <vector>

namespace pitr {
namespace {

class JsonFieldsTest : public ::testing::Test {
 protected:
  const Json document_ =
      ParseJsonObject(R"({"s":"x","n":5,"i":-5,"b":true,"big":"18446744073709551615","f":1.5,"t":["a","b"],)"
                      R"("raw_hex":"ff","o":{"n":7,"deep":{}},"list":[{"n":1},{"n":"two"}],"mixed":[{},1]})",
                      "thing")
          .value();
  const JsonFields fields_{document_, "thing"};
};

TEST_F(JsonFieldsTest, AreTypedAndBounded) {
  std::string text;
  uint64_t number = 0;
  int64_t with_sign = 0;
  double real = 0;
  bool flag = false;
  ASSERT_TRUE(fields_.Text("s", text).ok());
  EXPECT_EQ(text, "x");
  ASSERT_TRUE(fields_.Text("raw", text).ok());
  EXPECT_EQ(text, "\xff");
  ASSERT_TRUE(fields_.Unsigned("n", number).ok());
  EXPECT_EQ(number, 5U);
  EXPECT_EQ(fields_.Unsigned("n", 4, number).code(), Code::kCorruption);
  EXPECT_EQ(fields_.Unsigned("i", number).code(), Code::kCorruption);
  EXPECT_EQ(fields_.Unsigned("f", number).code(), Code::kCorruption);
  ASSERT_TRUE(fields_.Signed("i", with_sign).ok());
  EXPECT_EQ(with_sign, -5);
  ASSERT_TRUE(fields_.Bool("b", flag).ok());
  EXPECT_TRUE(flag);
  ASSERT_TRUE(fields_.Number("f", real).ok());
  EXPECT_EQ(real, 1.5);
  EXPECT_EQ(fields_.Number("s", real).code(), Code::kCorruption);
  ASSERT_TRUE(fields_.UnsignedText("big", number).ok());
  EXPECT_EQ(number, UINT64_MAX);
  EXPECT_EQ(fields_.UnsignedText("s", number).code(), Code::kCorruption);
  EXPECT_EQ(fields_.UnsignedText("n", number).code(), Code::kCorruption);
  std::vector<std::string> texts;
  ASSERT_TRUE(fields_.Texts("t", texts).ok());
  EXPECT_EQ(texts, (std::vector<std::string>{"a", "b"}));
  EXPECT_EQ(fields_.Texts("list", texts).code(), Code::kCorruption);
}

TEST_F(JsonFieldsTest, WrongOnesAreNamedWithTheirPlace) {
  std::string text;
  EXPECT_EQ(fields_.Text("gone", text).message(), "thing: field \"gone\" is missing");
  EXPECT_EQ(fields_.Object("n").status().message(), "thing: field \"n\" is not an object");
  EXPECT_EQ(fields_.Object("gone").code(), Code::kCorruption);
  auto object = fields_.Object("o");
  ASSERT_TRUE(object.ok());
  EXPECT_EQ(object.value().Text("n", text).message(), "thing: field \"o.n\" is not a string");
  EXPECT_EQ(object.value().Object("deep").value().Text("n", text).message(), "thing: field \"o.deep.n\" is missing");
}

TEST_F(JsonFieldsTest, ArraysOfObjects) {
  std::vector<uint64_t> numbers;
  const auto take = [&](const JsonFields& element) { return element.Unsigned("n", numbers.emplace_back()); };
  EXPECT_EQ(fields_.EachObject("list", take).message(),
            "thing: field \"list[1].n\" is not an integer from 0 to 18446744073709551615");
  EXPECT_EQ(numbers[0], 1U);
  const auto ignore = [](const JsonFields&) { return Status::Ok(); };
  EXPECT_TRUE(fields_.EachObject("list", ignore).ok());
  EXPECT_EQ(fields_.EachObject("mixed", ignore).code(), Code::kCorruption);
  EXPECT_EQ(fields_.EachObject("o", ignore).code(), Code::kCorruption);
  EXPECT_EQ(fields_.EachObject("gone", ignore).code(), Code::kCorruption);
  EXPECT_TRUE(fields_.OptionalEachObject("gone", ignore).ok());
}

TEST_F(JsonFieldsTest, AbsentOptionalOnesLeaveTheValue) {
  std::string text = "before";
  bool flag = true;
  EXPECT_TRUE(fields_.OptionalText("gone", text).ok());
  EXPECT_TRUE(fields_.OptionalBool("gone", flag).ok());
  EXPECT_EQ(text, "before");
  EXPECT_TRUE(flag);
  EXPECT_FALSE(fields_.OptionalObject("gone").value().has_value());
  EXPECT_TRUE(fields_.OptionalObject("o").value().has_value());
}

TEST(JsonFields, OnlyOfAnObject) {
  EXPECT_EQ(ParseJsonObject("[1]", "thing").status().message(), "thing is not a JSON object");
  EXPECT_EQ(ParseJsonObject("{", "thing").code(), Code::kCorruption);
}

}  // namespace
}  // namespace pitr
