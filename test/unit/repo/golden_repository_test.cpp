// Repositories written by the first release of the format are read by every later one.
#include "lib/golden_repository.h"
#include "core/repo/opening/open_repository.h"

#include <gtest/gtest.h>

#include <fstream>

#include "core/repo/archive/change_map.h"
#include "core/repo/archive/wal_catalog.h"
#include "core/repo/opening/keyring.h"
#include "core/repo/wal/wal_fetch.h"
#include "core/repo/wal/wal_push.h"
#include "lib/changes_text.h"
#include "lib/golden_change_map.h"
#include "lib/golden_fixture.h"

namespace pitr {
namespace {

class GoldenRepository : public test::GoldenRepositoryTest {};

INSTANTIATE_TEST_SUITE_P(Version1, GoldenRepository, testing::Bool(), test::GoldenSampleName);

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

TEST_P(GoldenRepository, ItsChangeMapIsReadBack) {
  auto repository = Open();
  ASSERT_NE(repository, nullptr);
  const auto map = LoadChangeMap(*repository, test::kGoldenMapSegment, ctx_);
  ASSERT_TRUE(map.ok()) << map.status().ToString();
  const SegmentChanges expected = test::GoldenChangeMap();
  EXPECT_EQ(map.value().pg_major, expected.pg_major);
  EXPECT_EQ(map.value().start, expected.start);
  EXPECT_EQ(map.value().size, expected.size);
  EXPECT_EQ(map.value().head, expected.head);
  EXPECT_EQ(map.value().tail, expected.tail);
  EXPECT_EQ(map.value().abandons, expected.abandons);
  EXPECT_EQ(ChangesText(map.value().changes), ChangesText(expected.changes));
  EXPECT_EQ(EncodeChangeMap(map.value()), EncodeChangeMap(expected));
}

TEST_P(GoldenRepository, WhatReplayDoesIsReadBack) {
  auto repository = Open();
  ASSERT_NE(repository, nullptr);
  const auto map = LoadChangeMap(*repository, test::kGoldenActionsSegment, ctx_);
  ASSERT_TRUE(map.ok()) << map.status().ToString();
  EXPECT_TRUE(map.value().actions_known);
  EXPECT_EQ(map.value().actions, test::GoldenActionsMap().actions);
  EXPECT_EQ(EncodeChangeMap(map.value()), EncodeChangeMap(test::GoldenActionsMap()));
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

TEST_P(GoldenRepository, ItsPartialSegmentEndsWhereItsNameSays) {
  auto repository = Open();
  ASSERT_NE(repository, nullptr);
  auto bytes = FetchWalBytes(*repository, test::kGoldenPartialSegment + ".partial", ctx_);
  ASSERT_TRUE(bytes.ok()) << bytes.status().ToString();
  Bytes expected = test::GoldenSegment(1, 5);
  std::fill(expected.begin() + test::kGoldenPartialEnd, expected.end(), uint8_t{0});
  EXPECT_TRUE(bytes.value() == expected);
  auto catalog = WalCatalog::Load(*repository, ctx_);
  ASSERT_TRUE(catalog.ok());
  EXPECT_EQ(catalog.value().timelines().at({1}).partials,
            (std::map<SegmentNo, Lsn>{{{5}, {(5u << 20) + test::kGoldenPartialEnd}}}));
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

TEST_P(GoldenRepository, ItsSealIsReadBack) {
  std::filesystem::copy(GoldenDirectory() + "/repo-v1/seals/" + (GetParam() ? "encrypted" : "plain"),
                        config_.repository.substr(std::string("file://").size()),
                        std::filesystem::copy_options::recursive);
  auto repository = Open();
  ASSERT_NE(repository, nullptr);
  const auto seals = LoadSeals(*repository, ctx_);
  ASSERT_TRUE(seals.ok()) << seals.status().ToString();
  ASSERT_EQ(seals.value().size(), 1U) << "or it cannot be read";
  const auto& [group, seal] = *seals.value().begin();
  EXPECT_EQ(group.timeline, test::kGoldenSealed.timeline);
  EXPECT_EQ(group.number, test::kGoldenSealed.number);
  EXPECT_EQ(seal.stored_bytes, test::kGoldenSeal.stored_bytes);
  EXPECT_EQ(seal.newest_micros, test::kGoldenSeal.newest_micros);
  auto catalog = WalCatalog::Load(*repository, ctx_);
  ASSERT_TRUE(catalog.ok()) << catalog.status().ToString();
  EXPECT_EQ(catalog.value().timelines().at({1}).ranges.size(), 3U);
}

TEST_P(GoldenRepository, EitherPassphraseOpensIt) {
  if (!GetParam()) {
    UsePassphrase("anything");
    EXPECT_EQ(OpenRepository(config_, NullLog(), ctx_).code(), Code::kInvalidArgument);
    return;
  }
  UsePassphrase(test::kGoldenSecondPassphrase);
  EXPECT_NE(Open(), nullptr);
  UsePassphrase("anything");
  EXPECT_EQ(OpenRepository(config_, NullLog(), ctx_).code(), Code::kInvalidArgument);
}

}  // namespace
}  // namespace pitr
