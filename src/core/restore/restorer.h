// Carries out a plan: brings a directory to the state of the backup and writes what the server needs to recover from
// there. Owned by one thread, which blocks; the work is done by its own threads.
//
// Invariant: from the first byte written until the end there is no global/pg_control in the directory, so a
// half-restored cluster cannot start. It appears last, by rename, after everything else has been fsynced.
#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include "core/base/progress.h"
#include "core/restore/plan.h"
#include "core/restore/restore_options.h"
#include "core/restore/server_start.h"

namespace pitr {

struct RestoreResult {
  uint64_t files = 0;
  uint64_t files_kept = 0;             // delta: nothing to fetch
  uint64_t files_removed = 0;          // delta: the server's, and not in the backup; directories count as files
  std::vector<std::string> set_aside;  // delta: paths; what was in the way, or goes by the backup's configuration
  std::string aside_directory;         // where they are; empty: nothing was set aside
  uint64_t bytes_compared = 0;         // delta: read from the directory and checked
  uint64_t bytes_written = 0;          // to the backup's files
  uint64_t bytes_fetched = 0;          // stored bytes of packs, with what was read over between frames
  int64_t held_until_micros = 0;       // no expiry takes the backup or its WAL before then; 0: nothing holds them
  ServerStart start;                   // how to start the server
  bool open_for_reading = true;    // while it recovers, and at a pause; else it shuts down there (hot_standby = off)
  std::vector<std::string> notes;  // what the operator should know: WAL moved aside, owner
};

// What RunRestore would refuse, without writing: the directory's state, tablespaces, mount points, room.
// kInvalidArgument says what to do. Result: notes on what it would find and do there.
Result<std::vector<std::string>> CheckRestore(const Repository& repository, const RestorePlan& plan,
                                              const RestoreOptions& options, const OpContext& ctx);

// Checks `options` against the plan and the disk before writing: a running server's directory (postmaster.pid with a
// live process) and a directory that is not empty without delta are kInvalidArgument; tablespace targets; free space.
// An interrupted restore is continued by the same call: the directory carries a file pg_pitr.restore until the end, and
// what is already right is kept. kConflict: an expiry has begun to delete what is needed (hold_keeper.h); nothing was
// written.
Result<RestoreResult> RunRestore(const Repository& repository, const RestorePlan& plan, const RestoreOptions& options,
                                 Progress& progress, const OpContext& ctx);

}  // namespace pitr
