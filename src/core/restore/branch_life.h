// When a branch was written, by the wall clock: what its own WAL says, read from its ends.
#pragma once
#include "core/restore/wal_scan.h"

namespace pitr {

struct BranchLife {
  // When it was opened; 0 for one that has no parent: it was always there. Known by the time of its first record
  // (rounded down to the second), else by when its history file or first segment was stored, which is later.
  int64_t begin_micros = 0;
  // When it had begun for certain: the first record is a checkpoint as a rule, whose time has whole seconds.
  int64_t begun_by_micros = 0;
  // The newest time that any of its records has; else when its newest segment was stored.
  int64_t last_micros = 0;
  bool read = false;      // both are from WAL
  bool promoted = false;  // a standby was promoted: the end of any other recovery begins a branch with a checkpoint
  // The last record that has a time; not valid when there was none in what was read, or the end could not be read.
  Lsn last_timed;
  // The last transaction that ended after the branch began; not valid when there was none in what was read.
  Lsn last_end;
  int64_t last_end_micros = 0;
  uint64_t last_commit_xid = 0;  // the last that committed; 0: none
  int64_t last_commit_micros = 0;
  bool ends_complete = false;  // everything the branch has after `last_end` was read

  // Whether it may have a record at or after `lsn` that shows when it was written, by which its server lived on.
  bool MayGoOnAfter(Lsn lsn) const { return last_timed.valid() ? last_timed >= lsn : !ends_complete; }
  // Whether a transaction may have ended at or after `lsn`.
  bool MayEndAfter(Lsn lsn) const { return MayGoOnAfter(lsn) && (last_end.valid() ? last_end >= lsn : !ends_complete); }
};

// Reads a few segments of `path`'s last timeline, which began at `fork` (0/0: it has no parent), of an unfinished one
// as far as it goes. WAL that cannot be read or is missing leaves `read` false; kUnavailable, kPermission and
// kCancelled are errors.
Result<BranchLife> ReadBranchLife(const Repository& repository, const TimelineWal& held, const WalPath& path, Lsn fork,
                                  const OpContext& ctx);

}  // namespace pitr
