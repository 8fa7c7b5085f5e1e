#include "core/backup/copy/delta_filter.h"

#include <fcntl.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "core/backup/copy/pack_writer.h"
#include "core/base/hash.h"
#include "core/base/unique_fd.h"
#include "core/pg/page.h"
#include "lib/repository_fixture.h"
#include "lib/test_clock.h"
#include "unit/backup/data_tree.h"

namespace pitr {
namespace {

using Way = FileBase::Way;
using test::StoreOp;

constexpr Lsn kParentStart{0x5000028};
constexpr Lsn kChildStart{0x9000028};
constexpr size_t kPages = 16;

// File 0 is the parent's too, of sixteen pages in two extents, with a hole of two pages behind them; file 1 is new.
class DeltaFilterTest : public test::RepositoryTest {
 protected:
  void SetUp() override {
    ctx_.clock = &clock_;
    config_.compression_level = 0;
    repository_ = MustOpenOrCreate(config_);
    ASSERT_NE(repository_, nullptr);
    bytes_ = test::MakePages(0, kPages, 1);
    auto pool = ThreadPool::Start(1);
    ASSERT_TRUE(pool.ok());
    PackTable packs("parent");
    PackWriter writer(*repository_, packs, *pool.value(), progress_, ctx_);
    PartialMap part;
    MappedFile& file = part.files.emplace_back();
    file.path = kPath;
    for (const FileSpan& half : {FileSpan{0, 10 * kPageSize}, FileSpan{10 * kPageSize, 16 * kPageSize}}) {
      const ByteView plain = ByteView(bytes_).subspan(half.from, half.to - half.from);
      const auto frame = writer.Append(plain);
      ASSERT_TRUE(frame.ok()) << frame.status().ToString();
      file.extents.push_back({half.from, static_cast<uint32_t>(plain.size()), frame.value(), 0, true, Xxh3Of(plain)});
    }
    ASSERT_TRUE(writer.Close().ok());
    part.pack = packs.entry(0);
    part.frames = writer.frames();
    parent_ = ParentMap::Join({part});
    bytes_.resize(bytes_.size() + 2 * kPageSize, 0);
    plan_.parent = &parent_;
    plan_.files.resize(2);
    plan_.page_rule = {kParentStart, Lsn{0x1000000}};
  }

  void Plan(Way way, FileChange change = {}) {
    plan_.files[0].way = way;
    plan_.files[0].parent = &parent_.files().front();
    plan_.files[0].change = way == Way::kBlocks ? std::make_unique<const FileChange>(std::move(change)) : nullptr;
  }
  DeltaFilter& Filter() { return filter_.emplace(*repository_, plan_, kChildStart, findings_, progress_, ctx_); }
  FileSpan all() const { return {0, bytes_.size()}; }
  // Rewrites a page of the file.
  void Set(uint32_t block, uint32_t seed, Lsn lsn = Lsn{0x4000000}) {
    const Bytes page = test::MakePages(block, 1, seed, lsn);
    std::copy(page.begin(), page.end(), bytes_.begin() + block * kPageSize);
  }
  // What a read of `span` finds.
  FilePiece Read(FileSpan span) {
    fd_ = UniqueFd(open(Write("file", AsText(bytes_)).c_str(), O_RDONLY));
    EXPECT_TRUE(fd_.ok());
    return {.fd = fd_.get(),
            .path = path_,
            .offset = span.from,
            .bytes = ByteView(bytes_).subspan(span.from, span.to - span.from),
            .bad_blocks = bad_blocks_};
  }
  // In pages.
  static std::string Text(const std::vector<FileSpan>& spans) {
    std::string text;
    for (const FileSpan& span : spans) {
      EXPECT_TRUE(span.from % kPageSize == 0 && span.to % kPageSize == 0) << span.from << " " << span.to;
      text +=
          (text.empty() ? "" : " ") + std::to_string(span.from / kPageSize) + "-" + std::to_string(span.to / kPageSize);
    }
    return text;
  }
  // What is to be read of the file, and of that, read as a whole, what is to be stored. The rest is left.
  std::string Filtered() {
    DeltaFilter& filter = Filter();
    std::string text = Text(filter.Begin(0, all())) + " | ";
    const FilePiece piece = Read(all());
    text += Text(filter.ToStore(piece));
    left_ = filter.LeaveRest(piece);
    return text;
  }
  std::string Found() const { return findings_.ToStatus(ChangeOrigin(), "parent").detail(); }
  int reads() { return faults().calls(StoreOp::kGet); }

  static constexpr const char* kPath = "base/5/16384";
  const std::string path_ = kPath;
  test::TestClock clock_;
  std::unique_ptr<Repository> repository_;
  Bytes bytes_;  // of file 0, now
  ParentMap parent_;
  FilePlan plan_;
  ReferenceFindings findings_;
  Progress progress_;
  std::vector<uint32_t> bad_blocks_;
  UniqueFd fd_;
  std::optional<DeltaFilter> filter_;
  Status left_;
};

TEST_F(DeltaFilterTest, WithoutABaseEverythingIsReadAndStored) {
  Plan(Way::kUnchanged);
  DeltaFilter& filter = Filter();
  filter.Begin(0, all());
  EXPECT_TRUE(filter.has_base());
  EXPECT_EQ(Text(filter.Begin(1, {kPageSize, 9 * kPageSize})), "1-9") << "a new file";
  EXPECT_FALSE(filter.has_base());
  const FilePiece piece = Read({kPageSize, 3 * kPageSize});
  EXPECT_EQ(Text(filter.ToStore(piece)), "1-3");
  EXPECT_TRUE(filter.LeaveRest(piece).ok());

  plan_ = {};
  DeltaFilter& full = Filter();
  EXPECT_EQ(Text(full.Begin(0, all())), "0-18") << "a full backup";
  EXPECT_FALSE(full.has_base());
  EXPECT_EQ(Text(full.ToStore(piece)), "1-3");
}

TEST_F(DeltaFilterTest, ComparedIsByTheParentsChecksums) {
  Plan(Way::kCompare);
  EXPECT_EQ(Filtered(), "0-18 | ");
  Set(12, 7);
  EXPECT_EQ(Filtered(), "0-18 | 10-16") << "of the extent nothing is proven";
  Set(17, 7);
  EXPECT_EQ(Filtered(), "0-18 | 10-18") << "nor behind it, where the parent has zeroes";
  EXPECT_TRUE(left_.ok());
  EXPECT_EQ(progress_.bytes_resumed.load(), 0U);
}

TEST_F(DeltaFilterTest, APieceIsJudgedByItself) {
  Plan(Way::kCompare);
  Set(12, 7);
  DeltaFilter& filter = Filter();
  EXPECT_EQ(Text(filter.Begin(0, {10 * kPageSize, all().to})), "10-18") << "a slice";
  EXPECT_EQ(Text(filter.ToStore(Read({10 * kPageSize, 16 * kPageSize}))), "10-16");
  EXPECT_EQ(Text(filter.ToStore(Read({16 * kPageSize, 18 * kPageSize}))), "");
  EXPECT_EQ(Text(filter.Begin(0, all())), "0-18");
  EXPECT_EQ(Text(filter.ToStore(Read({0, 10 * kPageSize}))), "");
  EXPECT_EQ(Text(filter.ToStore(Read({0, 5 * kPageSize}))), "0-5") << "the file was cut in an extent";
}

TEST_F(DeltaFilterTest, WhatIsTakenOverOfInterruptedBackupsIsCounted) {
  plan_.resumes = true;
  Plan(Way::kCompare);
  Set(3, 7);
  const int before = reads();
  EXPECT_EQ(Filtered(), "0-18 | 0-10");
  EXPECT_EQ(progress_.bytes_resumed.load(), 6 * kPageSize) << "the hole is nothing that was stored";
  EXPECT_EQ(reads(), before);
}

TEST_F(DeltaFilterTest, PagesTellByTheirLsn) {
  Plan(Way::kPageLsn);
  Set(2, 7, kParentStart);
  Set(11, 7, Lsn{kParentStart.value - 1});
  EXPECT_EQ(Filtered(), "0-18 | 2-3");
  bad_blocks_ = {5};
  EXPECT_EQ(Filtered(), "0-18 | 2-3 5-6") << "which of a bad page are not to be believed";
}

TEST_F(DeltaFilterTest, OnlyBlocksThatMayHaveChangedAreRead) {
  Plan(Way::kBlocks, {.answer = FileChange::Answer::kBlocks, .blocks = {1, 2, 7}, .all_from = 14});
  DeltaFilter& filter = Filter();
  EXPECT_EQ(Text(filter.Begin(0, all())), "1-3 7-8 14-18");
  EXPECT_TRUE(filter.has_base());
  const FilePiece piece = Read({kPageSize, 3 * kPageSize});
  EXPECT_EQ(Text(filter.ToStore(piece)), "1-3") << "and stored, whatever is in them";
  EXPECT_TRUE(filter.LeaveRest(piece).ok());
  EXPECT_EQ(Text(filter.Begin(0, {2 * kPageSize, 15 * kPageSize})), "2-3 7-8 14-15") << "a slice";
  EXPECT_EQ(Text(filter.Begin(0, {3 * kPageSize, 7 * kPageSize})), "");
}

TEST_F(DeltaFilterTest, AStretchOfTooManyPiecesIsReadWhole) {
  constexpr uint32_t kBlocks = kMaxPiecesPerStretch;
  FileChange change;
  for (uint32_t block = 1; block < kBlocks; block += 2) change.blocks.push_back(block);
  plan_.files[0] = {};
  PartialMap part;
  part.pack = {"data/parent/000001", 1};
  part.frames = {{0, {0, 1, kDataFramePlainBytes}}};
  MappedFile& file = part.files.emplace_back();
  file.path = kPath;
  for (uint32_t block = 0; block < kBlocks; block++)
    file.extents.push_back({block * kPageSize, kPageSize, 0, block * static_cast<uint32_t>(kPageSize), true, block});
  parent_ = ParentMap::Join({part});
  Plan(Way::kBlocks, std::move(change));
  EXPECT_EQ(Filter().Begin(0, {0, kBlocks * kPageSize}).size(), kBlocks / 2) << "as many as there may be";
  change.blocks = {1};
  file.extents.push_back({kBlocks * kPageSize, kPageSize, 0, kBlocks * static_cast<uint32_t>(kPageSize), true, 9});
  parent_ = ParentMap::Join({part});
  Plan(Way::kBlocks, std::move(change));
  EXPECT_EQ(Text(Filter().Begin(0, {0, kDataFramePlainBytes})), "0-128");
}

TEST_F(DeltaFilterTest, WhoWantsAProofReadsEverything) {
  plan_.verify = true;
  Plan(Way::kBlocks, {.answer = FileChange::Answer::kBlocks, .blocks = {1, 2, 11}});
  Set(1, 7);
  const int before = reads();
  EXPECT_EQ(Filtered(), "0-18 | 1-3") << "of 11 it is proven that it has not changed";
  EXPECT_TRUE(left_.ok()) << left_.ToString();
  EXPECT_EQ(Found(), "");
  EXPECT_GT(reads(), before) << "the checksum of an extent of which a part is stored proves nothing";
}

TEST_F(DeltaFilterTest, AChangeThatNobodyToldOfIsFound) {
  plan_.verify = true;
  Plan(Way::kUnchanged);
  const int before = reads();
  EXPECT_EQ(Filtered(), "0-18 | ");
  EXPECT_EQ(Found(), "");
  EXPECT_EQ(reads(), before) << "checksums prove it";
  Set(12, 7);
  Set(17, 7);
  EXPECT_EQ(Filtered(), "0-18 | ");
  EXPECT_TRUE(left_.ok()) << "a finding is no error";
  EXPECT_EQ(Found(), "Files and blocks in them: \"base/5/16384\" block 12, \"base/5/16384\" block 17.");
}

TEST_F(DeltaFilterTest, ChangesSinceTheBackupBeganAreNone) {
  plan_.verify = true;
  Plan(Way::kUnchanged);
  Set(12, 7, kChildStart);
  EXPECT_EQ(Filtered(), "0-18 | ");
  EXPECT_EQ(Found(), "");
}

// It was changed in the middle of the first look.
TEST_F(DeltaFilterTest, WhatDiffersIsLookedAtAgain) {
  plan_.verify = true;
  Plan(Way::kUnchanged);
  const Bytes whole = bytes_;
  bytes_[12 * kPageSize + 100] ^= 1;
  clock_.on_sleep = [&](int64_t) { Write("file", AsText(whole)); };
  EXPECT_EQ(Filtered(), "0-18 | ");
  EXPECT_EQ(Found(), "");
}

TEST_F(DeltaFilterTest, WhatIsComparedNeedsNoProof) {
  plan_.verify = true;
  Plan(Way::kCompare);
  Set(12, 7);
  const int before = reads();
  EXPECT_EQ(Filtered(), "0-18 | 10-16");
  EXPECT_EQ(reads(), before);
}

TEST_F(DeltaFilterTest, AProofThatCannotBeHadIsAnError) {
  plan_.verify = true;
  Plan(Way::kUnchanged);
  Set(12, 7);
  faults().SetDead(true);
  Filtered();
  EXPECT_EQ(left_.code(), Code::kUnavailable) << left_.ToString();
  faults().SetDead(false);
  ASSERT_TRUE(memory_.Delete({parent_.manifest().packs[0].key}, ctx_).ok());
  Filtered();
  EXPECT_EQ(left_.code(), Code::kNotFound) << left_.ToString();
  EXPECT_NE(left_.message().find(parent_.manifest().packs[0].key), std::string::npos) << left_.message();
}

}  // namespace
}  // namespace pitr
