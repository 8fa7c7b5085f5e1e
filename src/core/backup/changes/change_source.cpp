#include "core/backup/changes/change_source.h"

#include <algorithm>
#include <cassert>

#include "core/pg/page.h"
#include "core/repo/envelope/object_codec.h"

namespace pitr {
namespace {

class PageLsnSource final : public ChangeSource {
 public:
  explicit PageLsnSource(ChangeOrigin origin) : origin_(std::move(origin)) {}
  const ChangeOrigin& origin() const override { return origin_; }
  Result<FileChange> Ask(const FileQuestion& question) const override {
    FileChange change;
    change.answer = question.same_file ? FileChange::Answer::kPageLsn : FileChange::Answer::kCompare;
    return change;
  }

 private:
  const ChangeOrigin origin_;
};

class FullReadSource final : public ChangeSource {
 public:
  FullReadSource(ChangeOrigin origin, bool trusts_stamps) : origin_(std::move(origin)), trusts_stamps_(trusts_stamps) {}
  const ChangeOrigin& origin() const override { return origin_; }
  bool trusts_stamps() const override { return trusts_stamps_; }
  Result<FileChange> Ask(const FileQuestion&) const override { return FileChange{}; }

 private:
  const ChangeOrigin origin_;
  const bool trusts_stamps_;
};

// Blocks of a piece that is almost wholly changed are all taken, so that it is stored as one.
constexpr uint32_t kPieceBlocks = kDataFramePlainBytes / kPageSize;
constexpr uint32_t kAlmostAllBlocks = kPieceBlocks / 8 * 7;

// `blocks` of a file of `count`, ascending.
std::vector<uint32_t> FillPieces(const std::vector<uint32_t>& blocks, uint32_t count) {
  std::vector<uint32_t> filled;
  filled.reserve(blocks.size());
  for (auto at = blocks.begin(); at != blocks.end();) {
    const uint32_t piece = *at / kPieceBlocks * kPieceBlocks;
    const auto end = std::lower_bound(at, blocks.end(), piece + kPieceBlocks);
    if (end - at < kAlmostAllBlocks) {
      filled.insert(filled.end(), at, end);
    } else {
      for (uint32_t block = piece; block < std::min(piece + kPieceBlocks, count); block++) filled.push_back(block);
    }
    at = end;
  }
  assert(std::is_sorted(filled.begin(), filled.end()) && (filled.empty() || filled.back() < count));
  return filled;
}

class KnownBlocksSource final : public ChangeSource {
 public:
  KnownBlocksSource(ChangeOrigin origin, BlockChanges changes)
      : origin_(std::move(origin)), changes_(std::move(changes)) {}
  const ChangeOrigin& origin() const override { return origin_; }
  Result<FileChange> Ask(const FileQuestion& question) const override {
    FileChange change;
    if (!question.same_file) return change;
    const RelationPath& path = question.relation;
    const uint32_t first = BlockInRelation(path.file.segment, 0);
    const auto count = static_cast<uint32_t>((question.size_bytes + kPageSize - 1) / kPageSize);
    auto blocks =
        changes_.ChangedBlocks({{path.tablespace, path.database, path.file.number}, Fork::kMain}, first, count);
    if (!blocks) return change;
    change.answer = blocks->empty() ? FileChange::Answer::kUnchanged : FileChange::Answer::kBlocks;
    for (uint32_t& block : *blocks) block -= first;
    change.blocks = FillPieces(*blocks, count);
    return change;
  }

 private:
  const ChangeOrigin origin_;
  const BlockChanges changes_;
};

}  // namespace

std::unique_ptr<ChangeSource> MakePageLsnSource(ChangeOrigin origin) {
  return std::make_unique<PageLsnSource>(std::move(origin));
}

std::unique_ptr<ChangeSource> MakeFullReadSource(std::string why) {
  return std::make_unique<FullReadSource>(ChangeOrigin{ChangeKind::kFullRead, std::move(why), false}, false);
}

std::unique_ptr<ChangeSource> MakeWrittenFilesSource(ChangeOrigin origin) {
  return std::make_unique<FullReadSource>(std::move(origin), true);
}

std::unique_ptr<ChangeSource> MakeKnownBlocksSource(ChangeOrigin origin, BlockChanges changes) {
  return std::make_unique<KnownBlocksSource>(std::move(origin), std::move(changes));
}

}  // namespace pitr
