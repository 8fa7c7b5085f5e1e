// What one WAL segment, looked at by itself, says of changed blocks; and how what consecutive segments say is put
// together.
//
// A record that crosses the end of a segment belongs to neither side: each keeps its piece, and whoever has both parses
// the record. Pieces are kept up to kPieceBytes. That is enough for the block references of every record, which come
// first in it, and for all but extreme ones of those whose data matters; of these nothing is guessed: everything is
// taken for changed. Used by one thread. Format of WAL: see wal_reader.h.
#pragma once
#include <memory>
#include <optional>

#include "core/pg/block_changes.h"
#include "core/pg/replay_action.h"
#include "core/pg/wal_reader.h"

namespace pitr {

struct SegmentChanges {
  static constexpr size_t kPieceBytes = 64 << 10;

  int pg_major = 0;
  Lsn start;             // of the segment
  uint32_t size = 0;     // of the segment, in bytes
  BlockChanges changes;  // of the records that are in it whole
  // What replay of them does besides changing blocks, ascending. Not known of maps that earlier versions made.
  std::vector<ReplayAction> actions;
  bool actions_known = true;

  // Of a record begun in an earlier segment.
  struct Head {
    uint32_t missing = 0;  // bytes of the record that were still to come at the segment's start; 0: no such record
    uint32_t here = 0;     // how many of them are in this segment
    Bytes bytes;           // the first of them
    bool operator==(const Head&) const = default;
  };
  Head head;
  bool abandons = false;  // a crash left a record of an earlier segment incomplete, and this one does not go on with it

  // Of a record begun here and continued in the next segment.
  struct Tail {
    Lsn start;          // of the record; 0/0: no such record
    uint32_t here = 0;  // how many bytes of it are in this segment
    Bytes bytes;        // the first of them
    bool operator==(const Tail&) const = default;
  };
  Tail tail;
};

// Reads a segment that comes piece by piece.
class SegmentChangesReader {
 public:
  // `first_bytes`: the first kLongWalPageHeaderSize or more of the segment that starts at `start`. With `end`, a
  // position in it where a record starts or would start next, what comes from there on is not looked at, so that a
  // segment that the server still writes can be read. kCorruption, kInvalidArgument as CheckSegmentHeader.
  static Result<std::unique_ptr<SegmentChangesReader>> Start(ByteView first_bytes, Lsn start,
                                                             std::optional<Lsn> end = std::nullopt);
  // The next bytes, whole pages, borrowed for the call only. kCorruption when the WAL is not right; then the reader is
  // of no further use.
  Status Feed(ByteView pages);
  // kCorruption when the WAL ends before the segment (or `end`) does: then there is no telling what is missing.
  Result<SegmentChanges> Finish();

 private:
  class Pages : public WalPageSource {
   public:
    Result<ByteView> ReadPage(Lsn address) override;
    Lsn start;  // of `bytes`
    ByteView bytes;
  };
  SegmentChangesReader(const SegmentHeader& header, std::optional<Lsn> end);
  Status FeedHead();
  // Whether what follows a record that ends at `at` is `end` or beyond.
  bool ReachesEnd(Lsn at) const;

  const SegmentHeader header_;
  const std::optional<Lsn> end_;
  Pages pages_;
  WalReader reader_;
  SegmentChanges changes_;
  bool head_done_ = false;
  bool done_ = false;  // up to end_
};

// The same for a segment that is in memory whole.
Result<SegmentChanges> ReadSegmentChanges(ByteView segment, Lsn start, std::optional<Lsn> end = std::nullopt);

// Puts together what consecutive segments of one path of timelines say.
class SegmentChangesJoiner {
 public:
  // The next segment in ascending order. What the first one has of a record begun before it is not looked at.
  // kCorruption when it does not continue the one before; then the joiner is of no further use.
  Status Add(const SegmentChanges& segment);
  // A record whose end no segment has brought is left out: it ends after the last segment.
  BlockChanges Take() { return std::move(changes_); }
  // Ascending. Transactions that ended in a later segment than they acted in are not completed.
  std::vector<ReplayAction> TakeActions() { return std::move(actions_); }

 private:
  Status ContinueRecord(const SegmentChanges& segment);
  Status FinishRecord(int pg_major);

  std::optional<Lsn> next_;  // where the next segment starts; nullopt before the first
  BlockChanges changes_;
  std::vector<ReplayAction> actions_;
  // The record that goes on in the next segment.
  uint64_t missing_ = 0;  // bytes of it that are to come; 0: there is no such record
  Lsn record_start_;      // 0/0: it began before the first segment and does not matter
  uint64_t passed_ = 0;   // how many bytes of it the segments so far hold
  Bytes bytes_;           // the first of them
};

}  // namespace pitr
