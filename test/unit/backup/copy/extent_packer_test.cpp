#include "core/backup/copy/extent_packer.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "core/base/hash.h"
#include "core/repo/layout.h"
#include "core/repo/maps/frame_reader.h"
#include "core/repo/maps/partial_map.h"
#include "lib/repository_fixture.h"
#include "lib/test_clock.h"
#include "unit/backup/data_tree.h"

namespace pitr {
namespace {

using test::StoreOp;
using Zeroes = ExtentPacker::Zeroes;

constexpr size_t kFrame = kDataFramePlainBytes;
constexpr uint32_t kBlock = kCheckedBlockBytes;

class ExtentPackerTest : public test::RepositoryTest {
 protected:
  void SetUp() override {
    ctx_.clock = &clock_;
    config_.compression_level = 0;
    config_.part_size_kb = 5120;
    config_.pack_size_kb = 4096;
    repository_ = MustOpenOrCreate(config_);
    ASSERT_NE(repository_, nullptr);
    auto pool = ThreadPool::Start(2);
    ASSERT_TRUE(pool.ok());
    pool_ = std::move(pool).value();
    for (const char* path : {"base/5/1", "base/5/2", "base/5/3"}) {
      MappedFile& file = files_.emplace_back();
      file.path = path;
      file.size_bytes = 100 * kFrame;
      file.mtime_micros = 77;
    }
  }
  ExtentPacker& Packer(bool recorded = false, int64_t record_after_millis = 0) {
    record_.emplace("b", recorded, record_after_millis);
    record_->Begin(12345, clock_);
    return packer_.emplace(PackTarget{.repository = *repository_,
                                      .packs = packs_,
                                      .record = *record_,
                                      .upload_pool = *pool_,
                                      .progress = progress_},
                           files_, ctx_);
  }
  void Store(uint32_t file, uint64_t offset, size_t size, Zeroes zeroes = Zeroes::kNothing) {
    const Status stored =
        packer_->Store(file, offset, test::MakeBytes(size, static_cast<uint32_t>(offset) + file, size >= 1000), zeroes);
    EXPECT_TRUE(stored.ok()) << stored.ToString();
  }
  // Completes everything, takes it, and tells of each extent of a file "offset+length@frame:place". What is read of
  // frames has the checksums of extents.
  std::string Taken(uint32_t file) {
    Take();
    return Text(file);
  }
  void Take() {
    const Status closed = packer_->Close();
    ASSERT_TRUE(closed.ok()) << closed.ToString();
    frames_ = packer_->TakeFrames();
    copied_ = {};
    copied_.Take(packer_->TakeStored(), 0);
  }
  std::string Text(uint32_t file) {
    std::string text;
    for (const Extent& e : copied_.Of(file, UINT64_MAX)) {
      text += (text.empty() ? "" : " ") + std::to_string(e.file_offset) + "+" + std::to_string(e.length) + "@" +
              std::to_string(e.frame) + ":" + std::to_string(e.frame_offset);
      const MappedFrame& frame = frames_.at(e.frame);
      FrameReader reader(*repository_);
      const auto plain = reader.Read(packs_.KeyOf(frame.pack), frame.ref, ctx_);
      EXPECT_TRUE(plain.ok()) << plain.status().ToString();
      if (!plain.ok()) continue;
      EXPECT_EQ(Xxh3Of(plain.value().subspan(e.frame_offset, e.length)), e.check) << text;
    }
    return text;
  }
  // Of the packs that were opened, which are complete.
  std::string Packs() {
    std::string text;
    for (uint32_t i = 0; i < packs_.count(); i++) text += packs_.entry(i).size_bytes > 0 ? '1' : '0';
    return text;
  }
  PartialMap Recorded(uint32_t pack) {
    auto map = ReadPartialMap(*repository_, "b", pack, ctx_);
    EXPECT_TRUE(map.ok()) << map.status().ToString();
    return map.ok() ? std::move(map).value() : PartialMap();
  }

  test::TestClock clock_;
  std::unique_ptr<Repository> repository_;
  std::unique_ptr<ThreadPool> pool_;
  PackTable packs_{"b"};
  std::optional<PackRecord> record_;
  Progress progress_;
  std::vector<MappedFile> files_;
  std::optional<ExtentPacker> packer_;
  std::vector<MappedFrame> frames_;
  CopiedExtents copied_;
};

TEST_F(ExtentPackerTest, SmallPiecesShareAFrame) {
  Packer();
  Store(1, 0, 100);
  Store(0, 5000, 7);
  Store(1, 9000, 50);
  EXPECT_EQ(packer_->frame_count(), 0U);
  EXPECT_EQ(Taken(0), "5000+7@0:100");
  EXPECT_EQ(Text(1), "0+100@0:0 9000+50@0:107");
  EXPECT_EQ(frames_.size(), 1U);
  EXPECT_EQ(Packs(), "1");
}

TEST_F(ExtentPackerTest, BlocksLieWhereTheChecksOfTheFrameDo) {
  Packer();
  Store(0, 0, 100);
  Store(0, kBlock, kBlock);
  Store(0, 3 * kBlock, 100);
  Store(0, 4 * kBlock, 2 * kBlock);
  EXPECT_EQ(Taken(0), "0+100@0:0 8192+8192@0:8192 24576+100@0:16384 32768+16384@0:24576");
}

TEST_F(ExtentPackerTest, WhatDoesNotFitBeginsAnotherFrame) {
  Packer();
  for (uint64_t i = 0; i < 3; i++) Store(0, i * 400000, 400000);
  EXPECT_EQ(packer_->frame_count(), 1U);
  Store(1, 0, kFrame - 400000);
  Store(2, 0, 4);
  EXPECT_EQ(Taken(0), "0+400000@0:0 400000+400000@0:400000 800000+400000@1:0");
  EXPECT_EQ(Text(1), "0+648576@1:400000") << "a frame may be quite full";
  EXPECT_EQ(Text(2), "0+4@2:0");
}

TEST_F(ExtentPackerTest, AFullFrameIsOnePieceAndDoesNotWait) {
  Packer();
  Store(0, kFrame, 100);
  Store(0, 0, kFrame);
  EXPECT_EQ(packer_->frame_count(), 1U);
  EXPECT_EQ(Taken(0), "0+1048576@0:0 1048576+100@1:0");
}

TEST_F(ExtentPackerTest, ZeroesAreNotStored) {
  Packer();
  const Bytes zeroes(kFrame, 0);
  EXPECT_TRUE(packer_->Store(0, 0, zeroes, Zeroes::kNothing).ok());
  EXPECT_TRUE(packer_->Store(0, kFrame, ByteView(zeroes).first(100), Zeroes::kHole).ok());
  EXPECT_TRUE(packer_->Store(0, 2 * kFrame, {}, Zeroes::kHole).ok());
  EXPECT_EQ(Taken(0), "");
  EXPECT_TRUE(frames_.empty());
  EXPECT_EQ(Packs(), "") << "no pack was opened";
}

TEST_F(ExtentPackerTest, AHoleHidesWhatTheParentHas) {
  PartialMap part;
  part.pack = {"data/a/000001", 1000};
  part.frames = {{0, {64, 100, 100}}};
  part.files = {files_[0]};
  part.files[0].extents = {{0, 100, 0, 0, true, 1}};
  const ParentMap parent = ParentMap::Join({part});
  const Bytes zeroes(100, 0);
  const auto referred = [&] {
    Take();
    std::vector<PackEntry> packs;
    ParentPacks taken(parent.manifest().packs, packs);
    files_[0].size_bytes = 100;
    EXPECT_TRUE(copied_.TakeParent(parent, {&parent.files().front(), nullptr, nullptr}, files_, frames_, taken).ok());
    std::string text;
    for (const Extent& e : copied_.Of(0, 100))
      text += std::to_string(e.file_offset) + "-" + std::to_string(e.end()) + " ";
    return text;
  };
  Packer();
  EXPECT_TRUE(packer_->Store(0, 20, ByteView(zeroes).first(30), Zeroes::kNothing).ok());
  EXPECT_EQ(referred(), "0-100 ");
  EXPECT_TRUE(packer_->Store(0, 20, ByteView(zeroes).first(30), Zeroes::kHole).ok());
  packer_->LeaveHole(0, {60, 60});
  EXPECT_EQ(referred(), "0-20 50-100 ");
  packer_->LeaveHole(0, {60, 100});
  EXPECT_EQ(referred(), "0-60 ");
}

TEST_F(ExtentPackerTest, APackIsClosedWhenItIsLarge) {
  Packer();
  for (uint64_t i = 0; i < 9; i++) Store(0, i * kFrame, kFrame);
  EXPECT_EQ(Packs(), "110");
  Take();
  EXPECT_EQ(Packs(), "111");
  ASSERT_EQ(frames_.size(), 9U);
  EXPECT_EQ(frames_.front().pack, 0U);
  EXPECT_EQ(frames_.back().pack, 2U);
}

TEST_F(ExtentPackerTest, APackThatIsToBeResumedIsClosedWhenItIsOld) {
  for (const bool recorded : {false, true}) {
    const uint32_t before = packs_.count();
    Packer(recorded);
    Store(0, 0, kFrame);
    clock_.Advance(kMaxPackOpenMillis - 1);
    Store(0, kFrame, kFrame);
    EXPECT_EQ(packs_.entry(before).size_bytes, 0U);
    clock_.Advance(1);
    Store(0, 2 * kFrame, kFrame);
    EXPECT_EQ(packs_.entry(before).size_bytes > 0, recorded);
    Take();
    EXPECT_EQ(record_->packs(), recorded ? 1U : 0U);
  }
}

TEST_F(ExtentPackerTest, APackIsClosedBeforeItsRecordIsTooLarge) {
  for (const bool recorded : {false, true}) {
    Packer(recorded);
    const uint32_t before = packs_.count();
    for (uint64_t i = 0; i + 1 < kMaxRecordedExtents; i++) Store(0, 100 * i, 8);
    EXPECT_TRUE(packer_->Tidy().ok());
    EXPECT_EQ(packs_.count(), before) << "not one frame is full";
    Store(1, 0, 8);
    EXPECT_TRUE(packer_->Tidy().ok());
    EXPECT_EQ(packs_.count(), before + (recorded ? 1 : 0));
    Take();
    EXPECT_EQ(copied_.Of(0, UINT64_MAX).size(), kMaxRecordedExtents - 1);
  }
  size_t extents = 0;
  for (const MappedFile& file : Recorded(2).files) extents += file.extents.size();
  EXPECT_EQ(extents, kMaxRecordedExtents);
}

TEST_F(ExtentPackerTest, ARecordTellsOfOnePackAlone) {
  Packer(true);
  Store(2, 0, 100);
  packer_->LeaveHole(0, {7 * kFrame, 8 * kFrame});
  for (uint64_t i = 0; i < 4; i++) Store(1, i * kFrame, kFrame);
  EXPECT_EQ(record_->packs(), 1U);
  Store(0, 500, 100);
  ASSERT_TRUE(packer_->Close().ok());
  EXPECT_EQ(record_->packs(), 2U);
  const PartialMap first = Recorded(1);
  EXPECT_EQ(first.pack.key, packs_.entry(0).key);
  EXPECT_EQ(first.pack.size_bytes, packs_.entry(0).size_bytes);
  EXPECT_EQ(first.header.pack_bytes, first.pack.size_bytes);
  EXPECT_EQ(first.header.database_bytes, 12345U);
  EXPECT_EQ(first.frames.size(), 4U);
  ASSERT_EQ(first.files.size(), 1U) << "small pieces wait for the next frame, and holes are not recorded";
  EXPECT_EQ(first.files[0].path, "base/5/2");
  EXPECT_EQ(first.files[0].mtime_micros, 77);
  EXPECT_EQ(first.files[0].extents.size(), 4U);
  const PartialMap second = Recorded(2);
  EXPECT_EQ(second.frames.size(), 1U);
  ASSERT_EQ(second.files.size(), 2U);
  EXPECT_EQ(second.files[0].path, "base/5/1") << "by their paths";
  EXPECT_EQ(second.files[1].path, "base/5/3");
  EXPECT_EQ(second.files[1].extents.at(0).frame, 0U) << "of this pack's frames";
}

TEST_F(ExtentPackerTest, WhatIsStoredInTheFirstSecondsIsNotRecorded) {
  Packer(true, 5000);
  for (uint64_t i = 0; i < 4; i++) Store(0, i * kFrame, kFrame);
  EXPECT_EQ(Packs(), "1");
  clock_.Advance(5000);
  Store(1, 0, kFrame);
  Take();
  EXPECT_EQ(record_->packs(), 1U);
  ASSERT_EQ(Recorded(2).files.size(), 1U);
  EXPECT_EQ(Recorded(2).files[0].path, "base/5/2");
}

TEST_F(ExtentPackerTest, EachBatchBeginsAnew) {
  Packer(true);
  for (uint32_t batch = 0; batch < 3; batch++) {
    Store(0, batch * kFrame, kFrame);
    Store(1, batch * kFrame, 100);
    EXPECT_GT(packer_->held_bytes(), 0U);
    EXPECT_EQ(Taken(0), std::to_string(batch * kFrame) + "+1048576@0:0");
    EXPECT_EQ(Text(1), std::to_string(batch * kFrame) + "+100@1:0");
    EXPECT_EQ(packer_->frame_count(), 0U);
    EXPECT_EQ(Recorded(batch + 1).frames.size(), 2U);
  }
}

TEST_F(ExtentPackerTest, WhatIsHeldIsPackedNowAndThen) {
  Packer();
  for (uint64_t i = 0; i < 20000; i++) {
    packer_->LeaveHole(0, {i * 100, i * 100 + 50});
    ASSERT_TRUE(packer_->Tidy().ok());
  }
  EXPECT_LT(packer_->held_bytes(), 4096 * 2 * sizeof(PendingExtent) + 300 * size_t{1024});
}

TEST_F(ExtentPackerTest, APackThatCannotBeStoredIsAnError) {
  Packer();
  faults().Inject({.op = StoreOp::kCreate, .key_contains = "data/b/"});
  Store(0, 0, 100);
  EXPECT_EQ(packer_->Close().code(), Code::kUnavailable);
  EXPECT_EQ(Packs(), "0");
}

TEST_F(ExtentPackerTest, APackThatIsGivenUpIsNotThere) {
  const std::vector<std::string> before = memory_.Keys();
  Packer();
  for (uint64_t i = 0; i < 3; i++) Store(0, i * kFrame, kFrame);
  packer_.reset();
  EXPECT_EQ(memory_.Keys(), before);
  const auto uploads = memory_.ListUploads("", ctx_);
  ASSERT_TRUE(uploads.ok());
  EXPECT_TRUE(uploads.value().empty());
}

}  // namespace
}  // namespace pitr
