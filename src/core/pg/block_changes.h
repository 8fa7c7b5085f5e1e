// Which blocks of which relations may have changed in a range of WAL: what an incremental backup has to read.
//
// Always a superset of the truth, and made only of unions and of the smallest limit, so the order in which records or
// parts are added does not matter. Free-space and visibility maps are never known: PostgreSQL changes them without
// telling the WAL, or tells it without naming the block. Files that are no relations are not spoken of.
// The idea of limits and of the two forms of a chunk: common/blkreftable.c of PostgreSQL 17.
// Memory: a chunk of 65,536 blocks takes two bytes for each changed block and at most 8 KiB, so that 1 TiB of changed
// blocks takes 16 MiB; a relation with changes takes about 200 bytes more. Values; not to be changed by two threads.
#pragma once
#include <map>
#include <optional>
#include <set>
#include <string>
#include <unordered_map>
#include <vector>

#include "core/pg/lsn.h"
#include "core/pg/wal_record.h"

namespace pitr {

struct RelationFork {
  RelationLocator relation;
  Fork fork = Fork::kMain;
  auto operator<=>(const RelationFork&) const = default;
};

// Blocks of one fork.
class BlockSet {
 public:
  static constexpr uint32_t kChunkBlocks = 65536;
  static constexpr size_t kBitmapWords = kChunkBlocks / 16;
  // Either ascending offsets of blocks in the chunk, fewer than kBitmapWords, or exactly kBitmapWords words of a bitmap
  // in which block n is bit n % 16 of word n / 16.
  using Chunk = std::vector<uint16_t>;

  void Add(uint32_t block);
  void Merge(const BlockSet& other);
  bool Has(uint32_t block) const;
  bool empty() const { return chunks_.empty(); }
  uint64_t Count() const;
  // The blocks of [first, first + count), ascending.
  std::vector<uint32_t> Within(uint32_t first, uint32_t count) const;

  // By the number of their first block divided by kChunkBlocks; none is empty.
  const std::map<uint16_t, Chunk>& chunks() const { return chunks_; }
  // Adds a chunk as chunks() gives it. False, and nothing is added, when it is not of that form.
  bool AddChunk(uint16_t number, const Chunk& chunk);

 private:
  static void AddTo(Chunk& chunk, uint16_t offset);
  std::map<uint16_t, Chunk> chunks_;
};

struct ForkChanges {
  static constexpr uint32_t kNoLimit = 0xFFFFFFFF;
  // Every block from this one on may have changed: the fork was truncated to this length, or created or dropped (0).
  uint32_t limit = kNoLimit;
  BlockSet blocks;
};

class BlockChanges {
 public:
  // Why nothing is known of anything.
  enum class Unknown : uint32_t {
    kNothing = 0,     // no such reason
    kMinimalWal = 1,  // wal_level was minimal: changes were made that WAL does not tell of
    kChecksums = 2,   // data checksums were turned on or off
    kLongRecord = 3   // a record was too long for what is kept of those that cross the end of a segment
  };

  void AddBlock(const RelationFork& fork, uint32_t block);
  void LimitTo(const RelationFork& fork, uint32_t blocks);
  void AddDroppedRelation(const RelationLocator& relation);
  // Every relation of the database that lies in this tablespace, or everything in a tablespace.
  void AddDatabase(uint32_t database, uint32_t tablespace) { databases_.insert({database, tablespace}); }
  void AddTablespace(uint32_t tablespace) { tablespaces_.insert(tablespace); }
  // The reason given first, by position, stays.
  void AddEverything(Unknown why, Lsn at);
  // Whole forks, for parsers. The chunks are merged with what is there.
  ForkChanges& At(const RelationFork& fork) { return forks_[fork]; }
  void Merge(const BlockChanges& other);

  Unknown unknown() const { return unknown_; }
  Lsn unknown_at() const { return unknown_at_; }
  // "wal_level was minimal at 0/3000028"; empty when unknown() is kNothing.
  std::string DescribeUnknown() const;

  // The blocks of [first, first + count) of the fork that may have changed, ascending; nullopt when each of them may.
  // Nothing is said of blocks that the file has got or lost meanwhile: a block that an earlier backup does not have has
  // to be read in any case.
  std::optional<std::vector<uint32_t>> ChangedBlocks(const RelationFork& fork, uint32_t first, uint32_t count) const;
  bool MayHaveChanged(const RelationFork& fork, uint32_t block) const;

  const std::set<std::pair<uint32_t, uint32_t>>& databases() const { return databases_; }  // database, tablespace
  const std::set<uint32_t>& tablespaces() const { return tablespaces_; }
  std::vector<RelationFork> SortedForks() const;
  const ForkChanges* Find(const RelationFork& fork) const;
  uint64_t CountBlocks() const;

 private:
  struct Hash {
    size_t operator()(const RelationFork& fork) const {
      uint64_t hash = uint64_t{fork.relation.number} << 32 | fork.relation.database;
      hash ^= uint64_t{fork.relation.tablespace} << 8 ^ static_cast<uint64_t>(fork.fork);
      return static_cast<size_t>(hash * 0x9E3779B97F4A7C15u >> 16);
    }
  };
  // All blocks of the fork, whatever `forks_` says.
  bool IsUnknown(const RelationFork& fork) const;

  std::unordered_map<RelationFork, ForkChanges, Hash> forks_;
  std::set<std::pair<uint32_t, uint32_t>> databases_;
  std::set<uint32_t> tablespaces_;
  Unknown unknown_ = Unknown::kNothing;
  Lsn unknown_at_;
};

// Forks whose changes WAL names; see above.
constexpr bool HasKnownChanges(Fork fork) { return fork == Fork::kMain || fork == Fork::kInit; }

}  // namespace pitr
