// Starts no thread.
#include "core/base/user_name.h"

#include <gtest/gtest.h>

namespace pitr {
namespace {

TEST(UserName, ANumberThatNobodyHasIsSaid) {
  EXPECT_EQ(DescribeUser(0), "\"root\"");
  EXPECT_EQ(DescribeUser(4000000000U), "of number 4000000000");
  EXPECT_EQ(DescribeOwner("\"/srv\"", 0).find("\"/srv\" belongs to user \"root\", and this is user "), 0U);
}

}  // namespace
}  // namespace pitr
