// How a job puts together what it is made of; of what that is each has tests of its own.
#include "core/backup/copy/copy_job.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "core/pg/control.h"
#include "core/pg/page.h"
#include "core/store/memory.h"
#include "unit/backup/data_tree.h"

namespace pitr {
namespace {

namespace fs = std::filesystem;

class CopyJobTest : public testing::Test {
 protected:
  void SetUp() override {
    ASSERT_NO_FATAL_FAILURE(OpenTestRepository(std::make_unique<MemoryStore>(), tree_, false, {}, repo_));
    auto pool = ThreadPool::Start(1);
    ASSERT_TRUE(pool.ok());
    pool_ = std::move(pool).value();
    directory_.root = tree_.root();
    Add(kControlFilePath, {});
  }
  uint32_t Add(const std::string& path, ByteView bytes) {
    if (path != kControlFilePath) tree_.Add(path, bytes);
    MappedFile& file = directory_.files.emplace_back();
    file.path = path;
    file.size_bytes = bytes.size();
    progress_.bytes_total += bytes.size();
    return static_cast<uint32_t>(directory_.files.size() - 1);
  }
  // The parent has all of the file in frame 0, and `blocks` of it may have changed.
  void PlanBlocks(uint32_t index, std::vector<uint32_t> blocks) {
    PartialMap part;
    part.pack = {"data/parent/000001", 1};
    part.frames = {{0, {0, 1, kDataFramePlainBytes}}};
    MappedFile& file = part.files.emplace_back(directory_.files[index]);
    file.extents = {{0, static_cast<uint32_t>(file.size_bytes), 0, 0, true, 1}};
    parent_ = ParentMap::Join({part});
    plan_.parent = &parent_;
    plan_.files.resize(directory_.files.size());
    plan_.files[index].way = FileBase::Way::kBlocks;
    plan_.files[index].parent = &parent_.files().front();
    plan_.files[index].change = std::make_unique<const FileChange>(
        FileChange{.answer = FileChange::Answer::kBlocks, .blocks = std::move(blocks)});
  }
  // One job does all.
  Status Run(std::vector<WorkUnit> units, bool last = false) {
    job_.reset();
    shared_.reset(new CopyShared{.directory = directory_,
                                 .file_plan = plan_,
                                 .control_index = 0,
                                 .system_id = system_id_,
                                 .start_lsn = test::kTreeStartLsn,
                                 .pages = &pages_,
                                 .references = references_,
                                 .rate = rate_,
                                 .target = {.repository = *repo_.repository,
                                            .packs = packs_,
                                            .record = record_,
                                            .upload_pool = *pool_,
                                            .progress = progress_},
                                 .ctx = OpContext()});
    shared_->units.Begin({.units = std::move(units), .order = {}}, last, 1);
    job_ = std::make_unique<CopyJob>(*shared_);
    PITR_TRY(job_->Run());
    PITR_TRY(job_->packer().Close());
    job_->packer().TakeFrames();
    copied_ = {};
    copied_.Take(job_->packer().TakeStored(), 0);
    return Status::Ok();
  }
  // The file as the backup has it, "from-to" of each extent in pages; "'" of those that are the parent's.
  std::string Copied(uint32_t index) {
    const MappedFile& file = directory_.files[index];
    std::vector<MappedFrame> frames(1);
    std::vector<PackEntry> packs;
    std::optional<ParentPacks> taken;
    if (plan_.parent != nullptr) {
      taken.emplace(parent_.manifest().packs, packs);
      std::vector<const ParentMap::File*> bases(directory_.files.size(), nullptr);
      bases[index] = &parent_.files().front();
      EXPECT_TRUE(copied_.TakeParent(parent_, std::move(bases), directory_.files, frames, *taken).ok());
    }
    std::string text;
    for (const Extent& e : copied_.Of(index, file.size_bytes))
      text += (text.empty() ? "" : " ") + std::to_string(e.file_offset / kPageSize) + "-" +
              std::to_string(e.end() / kPageSize) + (e.frame == 0 ? "" : "'");
    return text;
  }
  void ExpectAllDone() { EXPECT_EQ(progress_.bytes_done.load(), progress_.bytes_total.load()); }

  test::DataTree tree_;
  test::TestRepository repo_;
  std::unique_ptr<ThreadPool> pool_;
  DataDirectory directory_;
  FilePlan plan_;
  ParentMap parent_;
  SystemId system_id_ = tree_.identity().system_id;
  PackTable packs_{"b"};
  PackRecord record_{"b", false, 0};
  ReferenceFindings references_;
  PageFindings pages_;
  RateLimit rate_{0};
  Progress progress_;
  std::unique_ptr<CopyShared> shared_;
  std::unique_ptr<CopyJob> job_;
  CopiedExtents copied_;
};

TEST_F(CopyJobTest, AWholeFileIsAsLongAsItIsFound) {
  const uint32_t grown = Add("base/5/1", test::MakePages(0, 4, 1));
  const uint32_t gone = Add("base/5/2", test::MakePages(0, 4, 2));
  tree_.Add("base/5/1", test::MakePages(0, 7, 1));
  fs::remove(tree_.root() + "/base/5/2");
  ASSERT_TRUE(Run({{.first = grown, .to = 4 * kPageSize}, {.first = gone, .to = 4 * kPageSize}}).ok());
  EXPECT_EQ(directory_.files[grown].size_bytes, 7 * kPageSize);
  EXPECT_EQ(Copied(grown), "0-7");
  EXPECT_EQ(job_->TakeVanished(), std::vector<uint32_t>{gone});
  EXPECT_TRUE(job_->TakeVanished().empty());
  EXPECT_EQ(progress_.files_done.load(), 2U);
  ExpectAllDone();
}

TEST_F(CopyJobTest, ASliceSaysHowMuchOfItWasThere) {
  const uint32_t file = Add("base/5/1", test::MakePages(0, 6, 1));
  fs::resize_file(tree_.root() + "/base/5/1", 3 * kPageSize);
  std::vector<WorkUnit> units;
  for (uint64_t at = 0; at < 6; at += 2)
    units.push_back({.first = file, .from = at * kPageSize, .to = (at + 2) * kPageSize, .whole = false});
  ASSERT_TRUE(Run(units).ok());
  EXPECT_EQ(directory_.files[file].size_bytes, 6 * kPageSize) << "others may be reading it";
  const std::vector<SliceEnd> slices = job_->TakeSlices();
  ASSERT_EQ(slices.size(), 3U);
  EXPECT_EQ(slices[0].end, 2 * kPageSize);
  EXPECT_EQ(slices[1].end, 3 * kPageSize);
  EXPECT_EQ(slices[2].end, 0U);
  EXPECT_FALSE(slices[2].vanished);
  EXPECT_EQ(Copied(file), "0-2 2-3");
  EXPECT_EQ(progress_.files_done.load(), 1U);
  ExpectAllDone();
  fs::remove(tree_.root() + "/base/5/1");
  progress_.bytes_total += 2 * kPageSize;
  ASSERT_TRUE(Run({units[0]}).ok());
  EXPECT_TRUE(job_->TakeSlices().at(0).vanished);
  ExpectAllDone();
}

TEST_F(CopyJobTest, BlocksThatHaveNotChangedAreNotRead) {
  const uint32_t file = Add("base/5/1", test::MakePages(0, 8, 1));
  PlanBlocks(file, {1, 2, 6});
  ASSERT_TRUE(Run({{.first = file, .to = 8 * kPageSize}}).ok());
  EXPECT_EQ(progress_.bytes_done.load(), 3 * kPageSize);
  ExpectAllDone();
  EXPECT_EQ(Copied(file), "0-1' 1-3 3-6' 6-7 7-8'");
}

TEST_F(CopyJobTest, WhereAChangedBlockIsMissingTheFileEnds) {
  const uint32_t file = Add("base/5/1", test::MakePages(0, 8, 1));
  PlanBlocks(file, {1, 4, 6});
  fs::resize_file(tree_.root() + "/base/5/1", 4 * kPageSize);
  ASSERT_TRUE(Run({{.first = file, .to = 8 * kPageSize, .whole = false}}).ok());
  EXPECT_EQ(job_->TakeSlices().at(0).end, 4 * kPageSize);
  ExpectAllDone();
  EXPECT_EQ(Copied(file), "0-1' 1-2 2-4'") << "nor does the parent's end show, should another slice be longer";
}

TEST_F(CopyJobTest, WhatBecameZeroHidesTheParents) {
  const uint32_t file = Add("base/5/1", test::MakePages(0, 8, 1));
  PlanBlocks(file, {5});
  std::fstream(tree_.root() + "/base/5/1", std::ios::in | std::ios::out | std::ios::binary)
      .seekp(5 * kPageSize)
      .write(std::string(kPageSize, '\0').data(), kPageSize);
  ASSERT_TRUE(Run({{.first = file, .to = 8 * kPageSize}}).ok());
  EXPECT_EQ(Copied(file), "0-5' 6-8'");
}

TEST_F(CopyJobTest, BadPagesAreFindings) {
  Bytes bytes = test::MakePages(0, 4, 1);
  bytes[2 * kPageSize + 100] ^= 1;
  const uint32_t file = Add("base/5/1", bytes);
  ASSERT_TRUE(Run({{.first = file, .to = bytes.size()}}).ok());
  EXPECT_EQ(pages_.count(), 1U);
  EXPECT_EQ(Copied(file), "0-4");
}

TEST_F(CopyJobTest, TheControlFileComesLast) {
  ASSERT_TRUE(Run({}).ok());
  EXPECT_EQ(directory_.files[0].size_bytes, 0U) << "there are other batches";
  progress_.bytes_total += kControlFileSize;
  ASSERT_TRUE(Run({}, /*last=*/true).ok());
  EXPECT_EQ(directory_.files[0].size_bytes, kControlFileSize);
  EXPECT_EQ(Copied(0), "0-1");
  EXPECT_EQ(progress_.files_done.load(), 1U);
  ExpectAllDone();
  system_id_.value++;
  const Status other = Run({}, /*last=*/true);
  EXPECT_EQ(other.code(), Code::kConflict);
  EXPECT_NE(other.message().find("was replaced by another cluster's"), std::string::npos) << other.message();
}

}  // namespace
}  // namespace pitr
