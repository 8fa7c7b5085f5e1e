// Starts no thread.
#include "core/base/status.h"

#include <gtest/gtest.h>

namespace pitr {
namespace {

Result<int> Half(int n) {
  if (n % 2 != 0) return Status(Code::kInvalidArgument, "odd number").WithHint("Give an even one.");
  return n / 2;
}

Status UseHalf(int n, int* out) {
  PITR_ASSIGN(*out, Half(n));
  return Status::Ok();
}

TEST(Status, AnnotateKeepsCodeAndHint) {
  Status status = Half(3).status();
  status = std::move(status).Annotate("halving 3");
  EXPECT_EQ(status.code(), Code::kInvalidArgument);
  EXPECT_EQ(status.message(), "halving 3: odd number");
  EXPECT_EQ(status.hint(), "Give an even one.");
}

TEST(Status, AssignReturnsErrorOrValue) {
  int out = 0;
  EXPECT_TRUE(UseHalf(8, &out).ok());
  EXPECT_EQ(out, 4);
  EXPECT_EQ(UseHalf(7, &out).code(), Code::kInvalidArgument);
}

}  // namespace
}  // namespace pitr
