// Repositories written by the first release of the format are read by every later one.
#include "lib/golden_repository.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>

#include "core/repo/keyring.h"
#include "core/repo/wal_catalog.h"
#include "core/repo/wal_fetch.h"
#include "core/repo/wal_push.h"
#include "lib/golden.h"

namespace pitr {
namespace {

// A copy, since a checkout may be read-only and cannot keep the mode of the passphrase file.
class GoldenRepository : public testing::TestWithParam<bool> {
 protected:
  GoldenRepository() {
    char name[] = "/tmp/pg_pitr_golden_XXXXXX";
    dir_ = mkdtemp(name);
    const std::string samples = GoldenDirectory() + "/repo-v1";
    const std::string sample = GetParam() ? "encrypted" : "plain";
    std::filesystem::copy(samples + "/" + sample, dir_ + "/" + sample, std::filesystem::copy_options::recursive);
    config_.repository = "file://" + dir_ + "/" + sample;
    if (GetParam()) UsePassphrase(test::kGoldenPassphrase);
  }
  ~GoldenRepository() override { std::filesystem::remove_all(dir_); }
  void UsePassphrase(const std::string& passphrase) {
    config_.passphrase_file = dir_ + "/passphrase";
    std::ofstream(config_.passphrase_file) << passphrase;
    chmod(config_.passphrase_file.c_str(), 0600);
  }
  std::unique_ptr<Repository> Open() {
    auto repository = Repository::Open(config_, NullLog(), ctx_);
    EXPECT_TRUE(repository.ok()) << repository.status().ToString();
    return repository.ok() ? std::move(repository).value() : nullptr;
  }
  std::string dir_;
  Config config_;
  OpContext ctx_;
};

INSTANTIATE_TEST_SUITE_P(Version1, GoldenRepository, testing::Bool(),
                         [](const auto& sample) { return sample.param ? "Encrypted" : "Plain"; });

TEST_P(GoldenRepository, BelongsToItsCluster) {
  auto repository = Open();
  ASSERT_NE(repository, nullptr);
  EXPECT_TRUE(repository->CheckCluster(test::kGoldenCluster).ok());
  EXPECT_EQ(repository->marker().format_version, 1);
  EXPECT_EQ(repository->marker().cluster_name, "golden");
  EXPECT_EQ(repository->marker().encrypted, GetParam());
  EXPECT_EQ(repository->marker().repository_id.size(), 32u);
  EXPECT_GT(repository->marker().created_micros, 0);
}

TEST_P(GoldenRepository, EveryWalFileIsReadBack) {
  auto repository = Open();
  ASSERT_NE(repository, nullptr);
  for (const test::GoldenWal& wal : test::GoldenWalFiles()) {
    auto bytes = FetchWalBytes(*repository, wal.name, ctx_);
    ASSERT_TRUE(bytes.ok()) << bytes.status().ToString();
    EXPECT_TRUE(bytes.value() == wal.bytes) << wal.name;
    // What an old version stored is recognized as the same by this one.
    const std::string path = dir_ + "/" + wal.name;
    std::ofstream(path, std::ios::binary) << AsText(wal.bytes);
    auto pushed = PushWalFile(*repository, wal.name, path, ctx_);
    ASSERT_TRUE(pushed.ok()) << pushed.status().ToString();
    EXPECT_TRUE(pushed.value().already_there);
  }
  EXPECT_EQ(FetchWalBytes(*repository, "000000010000000000000003", ctx_).code(), Code::kNotFound);
}

TEST_P(GoldenRepository, TheCatalogIsComplete) {
  auto repository = Open();
  ASSERT_NE(repository, nullptr);
  auto catalog = WalCatalog::Load(*repository, ctx_);
  ASSERT_TRUE(catalog.ok()) << catalog.status().ToString();
  ASSERT_EQ(catalog.value().timelines().size(), 2u);
  EXPECT_EQ(catalog.value().timelines().at({1}).ranges.size(), 2u);
  EXPECT_EQ(catalog.value().UnbrokenUntil({1}, {1}), SegmentNo{2});
  EXPECT_EQ(catalog.value().UnbrokenUntil({2}, {5}), SegmentNo{6});
  ASSERT_TRUE(catalog.value().timelines().at({2}).history.has_value());
}

TEST_P(GoldenRepository, EitherPassphraseOpensIt) {
  if (!GetParam()) {
    UsePassphrase("anything");
    EXPECT_EQ(Repository::Open(config_, NullLog(), ctx_).code(), Code::kInvalidArgument);
    return;
  }
  UsePassphrase(test::kGoldenSecondPassphrase);
  EXPECT_NE(Open(), nullptr);
  UsePassphrase("anything");
  EXPECT_EQ(Repository::Open(config_, NullLog(), ctx_).code(), Code::kInvalidArgument);
}

}  // namespace
}  // namespace pitr
