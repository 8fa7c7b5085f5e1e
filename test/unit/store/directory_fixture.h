// A place of its own for a test of directory stores.
#pragma once
#include <gtest/gtest.h>
#include <stdlib.h>

#include <filesystem>
#include <string>

namespace pitr::test {

template <class Test = ::testing::Test>
class DirectoryFixture : public Test {
 protected:
  DirectoryFixture() {
    std::string pattern = (std::filesystem::temp_directory_path() / "pitr-directory-XXXXXX").string();
    base_ = std::filesystem::canonical(mkdtemp(pattern.data()));
    root_ = base_ / "repo";
  }
  ~DirectoryFixture() override { std::filesystem::remove_all(base_); }

  // `base_` exists, with no link in its path; the store's `root_` in it does not yet.
  std::filesystem::path base_, root_;
};

}  // namespace pitr::test
