// Starts no thread.
#include "core/base/process_name.h"

#include <gtest/gtest.h>

#include <unistd.h>

#include <string>
#include <vector>

namespace pitr {
namespace {

TEST(ProcessName, IsKnownAgain) {
  const std::string name = ProcessName();
  EXPECT_EQ(ProcessOfThisHost(name), getpid());
  const std::string prefix = name.substr(0, name.rfind(' ') + 1);
  for (const std::string& other : std::vector<std::string>{"", "other " + name, name + "x", prefix, prefix + "-1",
                                                           prefix + "99999999999", "host else, process 5"})
    EXPECT_FALSE(ProcessOfThisHost(other)) << other;
}

}  // namespace
}  // namespace pitr
