// Pushes one file of pg_wal to the repository: never overwrites, identical content is success.
#pragma once
#include <optional>
#include <semaphore>
#include <string>

#include "core/repo/repository.h"

namespace pitr {

struct WalPushResult {
  bool already_there = false;  // identical content was stored before; of a partial segment, as much or more
  std::optional<Lsn>
      partial_until;           // it was not the whole segment: what it has, up to here, is stored as a partial one
  bool being_written = false;  // its server goes on with it: nothing was stored
  uint64_t plain_bytes = 0;
  uint64_t stored_bytes = 0;
};

struct WalPushOptions {
  // With it a file that is one request is read and compressed only while it holds one of these, so that more calls may
  // wait for the store than use the processor.
  std::counting_semaphore<>* encoders = nullptr;
  // The file lies where a server died, so what cannot be read at its end is its end; else the server says that it is
  // complete.
  bool left_behind = false;
  // A server runs that has not said that it is done with the file. What it may still write must not be stored as the
  // end of its timeline: a segment that is not whole is left alone.
  bool server_runs = false;
  // Whether a whole segment is compared with the partial ones that are stored of it, which takes a request. What a
  // server writes while it runs need not be; the segment in which it, or another server, was interrupted must.
  bool compare_partials = true;
};

// Stores the file `path` (a segment, partial segment, history or backup history file) under its name `name`. A segment
// that was not written to its end (pg/wal_extent.h), whatever its name, is stored as a partial one
// (repo/wal/partial_segment.h), unless as much of it is stored already. Durable in the store when ok. A segment's
// header is checked first: another cluster's system identifier, another timeline or address than its name says, or a
// wrong size is kConflict and nothing is sent; no segment header, and no history in a history file, is kCorruption.
// kConflict when different content is stored under the name, or a partial segment that is not its beginning (detail:
// sizes, first difference; hint: two primaries, restored copies); kUnavailable when it may work later; kNotFound when
// `path` does not exist. kUnavailable also when the file changes while it is read. Memory: the stored size of a file of
// up to 32 MiB, which is one request; beyond that a few frames and parts. Safe from several threads (each call owns its
// encoder).
Result<WalPushResult> PushWalFile(const Repository& repository, const std::string& name, const std::string& path,
                                  const OpContext& ctx, const WalPushOptions& options = {});

}  // namespace pitr
