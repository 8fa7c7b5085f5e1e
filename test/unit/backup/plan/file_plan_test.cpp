// What an increment is going to do with a file, by what the change source and the sizes say.
#include "core/backup/plan/file_plan.h"

#include <gtest/gtest.h>

#include <memory>
#include <vector>

#include "core/backup/backup_session.h"
#include "core/pg/page.h"
#include "core/repo/maps/file_map_parser.h"
#include "core/store/memory.h"
#include "unit/backup/data_tree.h"

namespace pitr {
namespace {

constexpr const char* kPath = "base/5/16384";
constexpr RelationFork kRelation{{1663, 5, 16384}, Fork::kMain};

class FilePlanTest : public testing::Test {
 protected:
  void SetUp() override {
    OpenTestRepository(std::make_unique<MemoryStore>(), tree_, /*encrypted=*/false, {}, repo_);
    tree_.Add(kPath, test::MakePages(0, 400, 1));
    BackupOptions options;
    options.label = "full";
    options.timeline = {1};
    options.data_directory = tree_.root();
    auto session = BackupSession::Begin(*repo_.repository, options, OpContext());
    ASSERT_TRUE(session.ok()) << session.status().ToString();
    Progress progress;
    ASSERT_TRUE(session.value()->CopyFiles(tree_.Start(), progress, OpContext()).ok());
    auto manifest = session.value()->Finish(tree_.Stop(), OpContext());
    ASSERT_TRUE(manifest.ok()) << manifest.status().ToString();
    auto list = ReadMapPages(*repo_.repository, manifest.value(), OpContext());
    ASSERT_TRUE(list.ok()) << list.status().ToString();
    parent_ = std::make_unique<ParentMap>(manifest.value());
    for (const MapPage& page : list.value().pages) ASSERT_TRUE(parent_->Add(*repo_.repository, page, OpContext()).ok());
    ParentCursor cursor(*parent_);
    const ParentMap::File* file = cursor.Seek(kPath);
    ASSERT_NE(file, nullptr);
    listed_.path = kPath;
    listed_.stamp = file->stamp;
    listed_.size_bytes = file->size_bytes;
  }
  FileBase Plan(BlockChanges changes) {
    const auto source = MakeKnownBlocksSource({ChangeKind::kChangeMaps, "known"}, std::move(changes));
    FilePlan plan = PlanPagesKept(1, {}, *parent_);
    ParentCursor cursor(*parent_);
    const Status planned = PlanFiles({listed_}, {0, 1}, cursor, *source, /*stamps_hold=*/true, plan);
    EXPECT_TRUE(planned.ok()) << planned.ToString();
    return std::move(plan.files[0]);
  }

  test::DataTree tree_;
  test::TestRepository repo_;
  std::unique_ptr<ParentMap> parent_;
  MappedFile listed_;
};

TEST_F(FilePlanTest, WhatWalDoesNotNameIsTakenOver) {
  listed_.stamp.changed_nanos++;
  const FileBase base = Plan({});
  EXPECT_EQ(base.way, FileBase::Way::kUnchanged);
  EXPECT_FALSE(base.keeps_time);
}

TEST_F(FilePlanTest, NamedBlocksAndWhatMayHaveGrownAreRead) {
  listed_.stamp.changed_nanos++;
  BlockChanges changes;
  changes.AddBlock(kRelation, 7);
  changes.AddBlock(kRelation, 399);
  changes.AddBlock(kRelation, kBlocksPerSegment + 8);  // of the next file
  FileBase base = Plan(changes);
  ASSERT_EQ(base.way, FileBase::Way::kBlocks);
  EXPECT_FALSE(base.keeps_time);
  EXPECT_EQ(base.change->blocks, (std::vector<uint32_t>{7, 399}));
  EXPECT_EQ(base.change->all_from, 400u) << "behind the parent's end";
  listed_.size_bytes = 500 * kPageSize;
  EXPECT_EQ(Plan({}).change->all_from, 400u);
  // Truncated to 200 blocks, extended to 300, and perhaps again, by pages of zeroes, before it is read.
  listed_.size_bytes = 300 * kPageSize;
  BlockChanges truncated;
  truncated.LimitTo(kRelation, 200);
  base = Plan(truncated);
  ASSERT_EQ(base.way, FileBase::Way::kBlocks);
  ASSERT_FALSE(base.change->blocks.empty());
  EXPECT_EQ(base.change->blocks.front(), 200u);
  EXPECT_EQ(base.change->blocks.back(), 299u);
  EXPECT_EQ(base.change->all_from, 300u) << "behind its own end";
}

TEST_F(FilePlanTest, FilesThatWalCannotSpeakOfAreCompared) {
  listed_.stamp.changed_nanos++;
  BlockChanges all;
  all.AddDatabase(5, 1663);
  EXPECT_EQ(Plan(all).way, FileBase::Way::kCompare);
  BlockChanges anew;
  anew.AddDroppedRelation(kRelation.relation);
  EXPECT_EQ(Plan(anew).way, FileBase::Way::kCompare);
  listed_.stamp.inode++;
  const FileBase base = Plan({});
  EXPECT_EQ(base.way, FileBase::Way::kCompare) << "another file under the name";
  EXPECT_TRUE(base.keeps_time);
}

}  // namespace
}  // namespace pitr
