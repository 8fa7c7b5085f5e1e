#include "core/pg/block_changes.h"

#include <algorithm>
#include <bit>
#include <cassert>

namespace pitr {
namespace {

constexpr size_t kWords = BlockSet::kBitmapWords;

bool IsBitmap(const BlockSet::Chunk& chunk) { return chunk.size() == kWords; }

void SetBit(BlockSet::Chunk& bitmap, uint16_t offset) {
  bitmap[offset / 16] = static_cast<uint16_t>(bitmap[offset / 16] | 1u << offset % 16);
}

BlockSet::Chunk ToBitmap(const BlockSet::Chunk& offsets) {
  BlockSet::Chunk bitmap(kWords);
  for (uint16_t offset : offsets) SetBit(bitmap, offset);
  return bitmap;
}

// Calls `each` for every offset from `first` to `last`, ascending.
template <class Fn>
void ForEachOffset(const BlockSet::Chunk& chunk, uint32_t first, uint32_t last, Fn each) {
  if (!IsBitmap(chunk)) {
    for (auto it = std::lower_bound(chunk.begin(), chunk.end(), first); it != chunk.end() && *it <= last; ++it)
      each(*it);
    return;
  }
  for (uint32_t word = first / 16; word <= last / 16; word++) {
    for (uint32_t bits = chunk[word]; bits != 0; bits &= bits - 1) {
      const uint32_t offset = word * 16 + static_cast<uint32_t>(std::countr_zero(bits));
      if (offset >= first && offset <= last) each(offset);
    }
  }
}

}  // namespace

void BlockSet::AddTo(Chunk& chunk, uint16_t offset) {
  if (IsBitmap(chunk)) {
    SetBit(chunk, offset);
    return;
  }
  if (chunk.empty() || chunk.back() < offset) {
    chunk.push_back(offset);
  } else {
    const auto place = std::lower_bound(chunk.begin(), chunk.end(), offset);
    if (*place == offset) return;
    chunk.insert(place, offset);
  }
  // As many offsets as a bitmap has words would be taken for one.
  if (chunk.size() == kWords) chunk = ToBitmap(chunk);
  assert(chunk.size() <= kWords);
}

void BlockSet::Add(uint32_t block) {
  AddTo(chunks_[static_cast<uint16_t>(block / kChunkBlocks)], static_cast<uint16_t>(block % kChunkBlocks));
}

bool BlockSet::AddChunk(uint16_t number, const Chunk& chunk) {
  if (chunk.empty() || chunk.size() > kWords) return false;
  const bool bitmap = IsBitmap(chunk);
  if (bitmap && std::all_of(chunk.begin(), chunk.end(), [](uint16_t word) { return word == 0; })) return false;
  if (!bitmap && std::adjacent_find(chunk.begin(), chunk.end(), std::greater_equal<>()) != chunk.end()) return false;
  Chunk& mine = chunks_[number];
  if (mine.empty()) {
    mine = chunk;
    return true;
  }
  if (bitmap && !IsBitmap(mine)) mine = ToBitmap(mine);
  if (bitmap) {
    for (size_t i = 0; i < kWords; i++) mine[i] = static_cast<uint16_t>(mine[i] | chunk[i]);
  } else {
    for (uint16_t offset : chunk) AddTo(mine, offset);
  }
  return true;
}

void BlockSet::Merge(const BlockSet& other) {
  for (const auto& [number, chunk] : other.chunks_) {
    [[maybe_unused]] const bool added = AddChunk(number, chunk);
    assert(added);
  }
}

bool BlockSet::Has(uint32_t block) const {
  const auto it = chunks_.find(static_cast<uint16_t>(block / kChunkBlocks));
  if (it == chunks_.end()) return false;
  const auto offset = static_cast<uint16_t>(block % kChunkBlocks);
  if (IsBitmap(it->second)) return (it->second[offset / 16] >> offset % 16 & 1) != 0;
  return std::binary_search(it->second.begin(), it->second.end(), offset);
}

uint64_t BlockSet::Count() const {
  uint64_t count = 0;
  for (const auto& [number, chunk] : chunks_) {
    if (!IsBitmap(chunk)) {
      count += chunk.size();
    } else {
      for (uint16_t word : chunk) count += static_cast<uint64_t>(std::popcount(word));
    }
  }
  return count;
}

std::vector<uint32_t> BlockSet::Within(uint32_t first, uint32_t count) const {
  std::vector<uint32_t> blocks;
  if (count == 0) return blocks;
  const uint64_t last = std::min<uint64_t>(uint64_t{first} + count - 1, UINT32_MAX);
  for (auto it = chunks_.lower_bound(static_cast<uint16_t>(first / kChunkBlocks)); it != chunks_.end(); ++it) {
    const uint64_t base = uint64_t{it->first} * kChunkBlocks;
    if (base > last) break;
    const auto from = static_cast<uint32_t>(first > base ? first - base : 0);
    const auto to = static_cast<uint32_t>(std::min<uint64_t>(last - base, kChunkBlocks - 1));
    ForEachOffset(it->second, from, to,
                  [&](uint32_t offset) { blocks.push_back(static_cast<uint32_t>(base + offset)); });
  }
  return blocks;
}

void BlockChanges::AddBlock(const RelationFork& fork, uint32_t block) {
  if (HasKnownChanges(fork.fork)) forks_[fork].blocks.Add(block);
}

void BlockChanges::LimitTo(const RelationFork& fork, uint32_t blocks) {
  if (!HasKnownChanges(fork.fork)) return;
  uint32_t& limit = forks_[fork].limit;
  limit = std::min(limit, blocks);
}

void BlockChanges::AddDroppedRelation(const RelationLocator& relation) {
  for (Fork fork : {Fork::kMain, Fork::kInit}) LimitTo({relation, fork}, 0);
}

void BlockChanges::AddEverything(Unknown why, Lsn at) {
  if (why == Unknown::kNothing || (unknown_ != Unknown::kNothing && unknown_at_ <= at)) return;
  unknown_ = why;
  unknown_at_ = at;
}

void BlockChanges::Merge(const BlockChanges& other) {
  for (const auto& [fork, changes] : other.forks_) {
    ForkChanges& mine = forks_[fork];
    mine.limit = std::min(mine.limit, changes.limit);
    mine.blocks.Merge(changes.blocks);
  }
  databases_.insert(other.databases_.begin(), other.databases_.end());
  tablespaces_.insert(other.tablespaces_.begin(), other.tablespaces_.end());
  AddEverything(other.unknown_, other.unknown_at_);
}

std::string BlockChanges::DescribeUnknown() const {
  switch (unknown_) {
    case Unknown::kNothing:
      return {};
    case Unknown::kMinimalWal:
      return "wal_level was minimal at " + unknown_at_.ToString();
    case Unknown::kChecksums:
      return "data checksums were turned on or off at " + unknown_at_.ToString();
    case Unknown::kLongRecord:
      return "the WAL record at " + unknown_at_.ToString() + " is too long to be kept in change maps";
  }
  return "of a reason this version does not know";
}

bool BlockChanges::IsUnknown(const RelationFork& fork) const {
  return unknown_ != Unknown::kNothing || !HasKnownChanges(fork.fork) ||
         tablespaces_.contains(fork.relation.tablespace) ||
         databases_.contains({fork.relation.database, fork.relation.tablespace});
}

std::optional<std::vector<uint32_t>> BlockChanges::ChangedBlocks(const RelationFork& fork, uint32_t first,
                                                                 uint32_t count) const {
  if (IsUnknown(fork)) return std::nullopt;
  const ForkChanges* changes = Find(fork);
  if (changes == nullptr) return std::vector<uint32_t>();
  if (changes->limit <= first) return std::nullopt;
  const uint64_t end = uint64_t{first} + count;
  std::vector<uint32_t> blocks =
      changes->blocks.Within(first, static_cast<uint32_t>(std::min<uint64_t>(end, changes->limit) - first));
  for (uint64_t block = changes->limit; block < end; block++) blocks.push_back(static_cast<uint32_t>(block));
  assert(std::is_sorted(blocks.begin(), blocks.end()));
  return blocks;
}

bool BlockChanges::MayHaveChanged(const RelationFork& fork, uint32_t block) const {
  if (IsUnknown(fork)) return true;
  const ForkChanges* changes = Find(fork);
  return changes != nullptr && (block >= changes->limit || changes->blocks.Has(block));
}

std::vector<RelationFork> BlockChanges::SortedForks() const {
  std::vector<RelationFork> forks;
  forks.reserve(forks_.size());
  for (const auto& [fork, changes] : forks_) forks.push_back(fork);
  std::sort(forks.begin(), forks.end());
  return forks;
}

const ForkChanges* BlockChanges::Find(const RelationFork& fork) const {
  const auto it = forks_.find(fork);
  return it == forks_.end() ? nullptr : &it->second;
}

uint64_t BlockChanges::CountBlocks() const {
  uint64_t count = 0;
  for (const auto& [fork, changes] : forks_) count += changes.blocks.Count();
  return count;
}

}  // namespace pitr
