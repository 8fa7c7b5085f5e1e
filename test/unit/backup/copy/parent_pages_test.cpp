#include "core/backup/copy/parent_pages.h"

#include <gtest/gtest.h>

#include "core/repo/maps/file_map_writer.h"
#include "lib/memory_log.h"
#include "lib/repository_fixture.h"

namespace pitr {
namespace {

constexpr uint32_t kParentPages = 4;

// A parent whose map has four pages of a thousand files each, the first two of pack 0 and the others of pack 1.
class ParentPagesTest : public test::RepositoryTest {
 protected:
  void SetUp() override {
    auto opened = OpenOrCreateRepositoryOn(Store(), config_, test::kCluster, log_, ctx_);
    ASSERT_TRUE(opened.ok()) << opened.status().ToString();
    repository_ = std::move(opened).value();
    FileMap map;
    map.frames = {{0, {64, 100, 8192}}, {1, {64, 100, 8192}}};
    for (uint32_t i = 0; i < kParentPages * kPageFiles; i++) {
      MappedFile& file = map.files.emplace_back();
      file.path = "base/5/" + std::to_string(100000 + i);
      file.size_bytes = 8192;
      file.extents = {{0, 8192, i < 2 * kPageFiles ? 0U : 1U, 0, true, i}};
    }
    parent_.manifest.label = "parent";
    parent_.manifest.packs = {{"data/parent/000001", 1000}, {"data/parent/000002", 1000}};
    const auto written = WriteFileMap(*repository_, "parent", parent_.manifest.packs, map, ctx_);
    ASSERT_TRUE(written.ok()) << written.status().ToString();
    parent_.list.pages = written.value().pages;
    ASSERT_EQ(parent_.list.pages.size(), kParentPages);
  }
  // Pages that are taken over unread: "0101".
  ParentPages& Pages(const std::string& kept) {
    PagePlan plan;
    for (const char page : kept) plan.kept.push_back(page == '1');
    for (uint32_t i = 0; i <= kParentPages; i++) plan.first.push_back(i * kPageFiles);
    return pages_.emplace(*repository_, parent_, std::move(plan));
  }
  void Damage(uint32_t page) { ASSERT_TRUE(memory_.FlipBit(parent_.list.pages[page].key(), 1000)); }
  static std::string Kept(const ParentPages& pages) {
    std::string text;
    for (const bool kept : pages.plan().kept) text += kept ? '1' : '0';
    return text;
  }

  test::MemoryLog log_;
  std::unique_ptr<Repository> repository_;
  ParentBackup parent_;
  std::optional<ParentPages> pages_;
};

TEST_F(ParentPagesTest, PagesAreReadAndForgotten) {
  ParentPages& pages = Pages("1000");
  EXPECT_TRUE(pages.map().files().empty());
  for (const uint32_t page : {1U, 3U}) ASSERT_TRUE(pages.Read(page, ctx_).ok());
  ASSERT_EQ(pages.map().files().size(), 2 * kPageFiles);
  EXPECT_EQ(pages.map().PathOf(pages.map().files().front()), "base/5/101000");
  EXPECT_EQ(pages.map().PathOf(pages.map().files().back()), "base/5/103999");
  EXPECT_FALSE(pages.doubts_kept());
  EXPECT_EQ(pages.damage().pages, 0U);
  pages.Forget();
  EXPECT_TRUE(pages.map().files().empty());
  ASSERT_TRUE(pages.Read(2, ctx_).ok());
  EXPECT_EQ(pages.map().files().size(), kPageFiles);
}

TEST_F(ParentPagesTest, OfADamagedPageNothingIsKnown) {
  Damage(1);
  ASSERT_TRUE(memory_.Delete({parent_.list.pages[2].key()}, ctx_).ok());
  ParentPages& pages = Pages("1000");
  ASSERT_TRUE(pages.Read(1, ctx_).ok());
  EXPECT_TRUE(pages.map().files().empty());
  EXPECT_TRUE(pages.map().frames().empty());
  EXPECT_EQ(pages.damage().pages, 1U);
  EXPECT_NE(pages.damage().why.find(parent_.list.pages[1].key()), std::string::npos) << pages.damage().why;
  const int gets = faults().calls(test::StoreOp::kGet);
  ASSERT_TRUE(pages.Read(1, ctx_).ok()) << "a file's range may be cut, and ask for it again";
  EXPECT_EQ(faults().calls(test::StoreOp::kGet), gets);
  const std::string why = pages.damage().why;
  ASSERT_TRUE(pages.Read(2, ctx_).ok()) << "gone is damaged, too";
  EXPECT_EQ(pages.damage().pages, 2U);
  EXPECT_EQ(pages.damage().why, why) << "of the first";
  EXPECT_EQ(log_.Count(LogLevel::kWarning), 1);
  EXPECT_EQ(log_.Last(LogLevel::kWarning),
            "of backup \"parent\" a page of its file map cannot be read; what it was to "
            "tell of is stored anew: " +
                why);
  ASSERT_TRUE(pages.Read(3, ctx_).ok());
  EXPECT_EQ(pages.map().files().size(), kPageFiles);
}

TEST_F(ParentPagesTest, AStoreThatDoesNotAnswerIsNoDamage) {
  ParentPages& pages = Pages("1000");
  faults().SetDead(true);
  EXPECT_EQ(pages.Read(1, ctx_).code(), Code::kUnavailable);
  EXPECT_EQ(pages.damage().pages, 0U);
  EXPECT_FALSE(pages.doubts_kept());
  faults().SetDead(false);
  EXPECT_TRUE(pages.Read(1, ctx_).ok());
  EXPECT_EQ(pages.map().files().size(), kPageFiles);
}

TEST_F(ParentPagesTest, OneDamagedPageMakesOthersDoubtful) {
  for (const uint32_t page : {0U, 1U, 3U}) Damage(page);
  ParentPages& pages = Pages("1011");
  EXPECT_FALSE(pages.doubts_kept());
  ASSERT_TRUE(pages.Read(1, ctx_).ok());
  EXPECT_TRUE(pages.doubts_kept());
  const auto unreadable = pages.ReadKept(ctx_);
  ASSERT_TRUE(unreadable.ok()) << unreadable.status().ToString();
  EXPECT_EQ(unreadable.value(), (std::vector<uint32_t>{0, 3}));
  EXPECT_EQ(Kept(pages), "0010");
  EXPECT_EQ(pages.damage().pages, 3U);
  EXPECT_TRUE(pages.map().files().empty()) << "what is taken over need not be held";
  EXPECT_FALSE(pages.doubts_kept()) << "once is enough";
  EXPECT_EQ(log_.Count(LogLevel::kWarning), 1);
}

TEST_F(ParentPagesTest, WhatIsDoubtfulMustBeSeen) {
  Damage(1);
  ParentPages& pages = Pages("1011");
  ASSERT_TRUE(pages.Read(1, ctx_).ok());
  faults().SetDead(true);
  EXPECT_EQ(pages.ReadKept(ctx_).code(), Code::kUnavailable);
}

TEST_F(ParentPagesTest, PagesThatAreTakenOverNameTheirPacksAnew) {
  const ParentPages& pages = Pages("0011");
  std::vector<PackEntry> packs = {{"data/child/000001", 500}};
  ParentPacks taken(parent_.manifest.packs, packs);
  std::vector<MapPage> all(1);
  pages.TakeKept(taken, all);
  ASSERT_EQ(all.size(), 3U);
  EXPECT_EQ(all[1].key(), parent_.list.pages[2].key());
  EXPECT_EQ(all[2].key(), parent_.list.pages[3].key());
  for (size_t i = 1; i < 3; i++) EXPECT_EQ(all[i].packs, (std::vector<uint32_t>{1}));
  ASSERT_EQ(packs.size(), 2U) << "of pack 0 they need nothing";
  EXPECT_EQ(packs[1].key, "data/parent/000002");
}

}  // namespace
}  // namespace pitr
