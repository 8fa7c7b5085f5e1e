#include "core/repo/maps/block_checks.h"

#include <gtest/gtest.h>

#include "core/backup/copy/pack_writer.h"
#include "core/repo/layout.h"
#include "lib/repository_fixture.h"
#include "unit/backup/data_tree.h"

namespace pitr {
namespace {

using test::MakeBytes;

class BlockChecksTest : public test::RepositoryTest, public testing::WithParamInterface<bool> {
 protected:
  void SetUp() override {
    config_.part_size_kb = 5120;
    config_.pack_size_kb = 16384;
    repository_ = MustOpenOrCreate(GetParam() ? Encrypted("secret") : config_);
    ASSERT_NE(repository_, nullptr);
  }
  // Writes these frames with a pack writer.
  void Write(const std::vector<Bytes>& frames) {
    auto pool = ThreadPool::Start(2);
    ASSERT_TRUE(pool.ok());
    PackTable table("label");
    Progress progress;
    PackWriter writer(*repository_, table, *pool.value(), progress, ctx_);
    for (const Bytes& frame : frames) ASSERT_TRUE(writer.Append(frame).ok());
    ASSERT_TRUE(writer.Close().ok());
    packs_.clear();
    for (uint32_t i = 0; i < table.count(); i++) packs_.push_back(table.entry(i));
    frames_ = writer.TakeFrames();
    ASSERT_EQ(frames_.size(), frames.size());
  }
  BlockChecks MustLoad(size_t pack) {
    auto checks = BlockChecks::Load(*repository_, packs_.at(pack), ctx_);
    EXPECT_TRUE(checks.ok()) << test::TextOf(checks);
    return checks.ok() ? std::move(checks).value() : BlockChecks();
  }

  std::unique_ptr<Repository> repository_;
  std::vector<PackEntry> packs_;
  std::vector<MappedFrame> frames_;
};
INSTANTIATE_TEST_SUITE_P(Cipher, BlockChecksTest, testing::Bool());

TEST_P(BlockChecksTest, ProvesWholeBlocksOnly) {
  const Bytes a = MakeBytes(5 * kCheckedBlockBytes + 100, 1), b = MakeBytes(kCheckedBlockBytes, 2);
  ASSERT_NO_FATAL_FAILURE(Write({a, b}));
  const BlockChecks checks = MustLoad(0);
  const FrameRef frame = frames_[0].ref;
  EXPECT_TRUE(checks.Prove(frame, 0, a));
  EXPECT_TRUE(checks.Prove(frame, kCheckedBlockBytes, ByteView(a).subspan(kCheckedBlockBytes, 2 * kCheckedBlockBytes)));
  EXPECT_TRUE(checks.Prove(frame, 5 * kCheckedBlockBytes, ByteView(a).last(100))) << "the short one at the end";
  EXPECT_TRUE(checks.Prove(frames_[1].ref, 0, b));
  EXPECT_FALSE(checks.Prove(frame, 0, b)) << "other bytes";
  EXPECT_FALSE(checks.Prove(frame, 8, ByteView(a).subspan(8, kCheckedBlockBytes))) << "begins within a block";
  EXPECT_FALSE(checks.Prove(frame, 0, ByteView(a).first(100))) << "ends within a block";
  EXPECT_FALSE(checks.Prove(frame, 0, {})) << "nothing is no proof";
  EXPECT_FALSE(checks.Prove(frame, 5 * kCheckedBlockBytes, b)) << "beyond the frame";
  FrameRef unknown = frame;
  unknown.offset += 1;
  EXPECT_FALSE(checks.Prove(unknown, 0, a));
  Bytes flipped = a;
  flipped[3 * kCheckedBlockBytes + 5] ^= 1;
  EXPECT_FALSE(checks.Prove(frame, 0, flipped));
}

TEST_P(BlockChecksTest, SeveralCheckFramesAndSeveralPacks) {
  // More than a check frame holds: 1024 blocks are 8 kB of checks each frame.
  std::vector<Bytes> frames;
  for (uint32_t i = 0; i < 150; ++i) {
    Bytes frame(size_t{8} << 20, static_cast<uint8_t>(i));
    frame[0] = 77;
    frames.push_back(std::move(frame));
  }
  for (uint32_t i = 0; i < 10; ++i) frames.push_back(MakeBytes(size_t{2} << 20, i, /*random=*/true));
  ASSERT_NO_FATAL_FAILURE(Write(frames));
  ASSERT_EQ(packs_.size(), 2U);
  const std::vector<BlockChecks> checks = {MustLoad(0), MustLoad(1)};
  for (size_t i = 0; i < frames.size(); ++i) {
    EXPECT_TRUE(checks[frames_[i].pack].Prove(frames_[i].ref, 0, frames[i])) << i;
    EXPECT_FALSE(checks[1 - frames_[i].pack].Prove(frames_[i].ref, 0, frames[i])) << i;
  }
  // A pack is an object like any other to who reads it as a whole.
  auto stored = GetAll(repository_->store(), packs_[1].key, size_t{64} << 20, ctx_);
  ASSERT_TRUE(stored.ok());
  EXPECT_TRUE(
      DecodeObject(ObjectKind::kPack, packs_[1].key, stored.value(), repository_->key(), size_t{64} << 20).ok());
}

TEST_P(BlockChecksTest, APackWithoutChecksHasNone) {
  const std::string key = layout::PackKey("label", 1);
  auto object = EncodeObject(ObjectKind::kPack, key, MakeBytes(10000, 1), repository_->key(), 1);
  ASSERT_TRUE(object.ok());
  ASSERT_TRUE(memory_.Create(key, object.value(), ctx_).ok());
  packs_ = {{key, object.value().size()}};
  EXPECT_TRUE(MustLoad(0).empty());
}

TEST_P(BlockChecksTest, DamageIsNoticed) {
  ASSERT_NO_FATAL_FAILURE(Write({MakeBytes(50000, 1)}));
  const PackEntry pack = packs_[0];
  const size_t end = pack.size_bytes - 10;
  ASSERT_TRUE(memory_.FlipBit(pack.key, end * 8));
  EXPECT_EQ(BlockChecks::Load(*repository_, pack, ctx_).code(), Code::kCorruption);
  ASSERT_TRUE(memory_.FlipBit(pack.key, end * 8));
  const size_t check = pack.size_bytes - (GetParam() ? 72 : 56) - 40;
  ASSERT_TRUE(memory_.FlipBit(pack.key, check * 8));
  EXPECT_EQ(BlockChecks::Load(*repository_, pack, ctx_).code(), Code::kCorruption);
  packs_[0].size_bytes -= 1;
  EXPECT_EQ(BlockChecks::Load(*repository_, packs_[0], ctx_).code(), Code::kCorruption);
  packs_[0].key = layout::PackKey("label", 9);
  EXPECT_EQ(BlockChecks::Load(*repository_, packs_[0], ctx_).code(), Code::kNotFound);
}

}  // namespace
}  // namespace pitr
