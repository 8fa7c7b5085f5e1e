// A test fixture with a copy of a sample repository of test/golden/repo-v1: encrypted when the parameter is true.
#pragma once
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>
#include <memory>
#include <string>

#include "core/base/log.h"
#include "core/repo/opening/open_repository.h"
#include "core/repo/repository.h"
#include "lib/golden.h"
#include "lib/golden_repository.h"

namespace pitr::test {

// A copy, since a checkout may be read-only and cannot keep the mode of the passphrase file.
class GoldenRepositoryTest : public testing::TestWithParam<bool> {
 protected:
  GoldenRepositoryTest() {
    char name[] = "/tmp/pg_pitr_golden_XXXXXX";
    dir_ = mkdtemp(name);
    const std::string samples = GoldenDirectory() + "/repo-v1";
    const std::string sample = GetParam() ? "encrypted" : "plain";
    std::filesystem::copy(samples + "/" + sample, dir_ + "/" + sample, std::filesystem::copy_options::recursive);
    config_.repository = "file://" + dir_ + "/" + sample;
    if (GetParam()) UsePassphrase(kGoldenPassphrase);
  }
  ~GoldenRepositoryTest() override { std::filesystem::remove_all(dir_); }
  void UsePassphrase(const std::string& passphrase) {
    config_.passphrase_file = dir_ + "/passphrase";
    std::ofstream(config_.passphrase_file) << passphrase;
    chmod(config_.passphrase_file.c_str(), 0600);
  }
  std::unique_ptr<Repository> Open() {
    auto repository = OpenRepository(config_, NullLog(), ctx_);
    EXPECT_TRUE(repository.ok()) << repository.status().ToString();
    return repository.ok() ? std::move(repository).value() : nullptr;
  }
  std::string dir_;
  Config config_;
  OpContext ctx_;
};

inline std::string GoldenSampleName(const testing::TestParamInfo<bool>& sample) {
  return sample.param ? "Encrypted" : "Plain";
}

}  // namespace pitr::test
