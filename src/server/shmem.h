// What the processes of one server share: the archiver's state and the one backup that may run. Plain data behind one
// LWLock (rule "claims have owners"). Exists only when the library is in shared_preload_libraries; otherwise Shared()
// is null and the archiver works without it. Times are wall clock microseconds since 1970 UTC, 0 when never.
#pragma once
#include <atomic>
#include <cstdint>
#include <memory>
#include <type_traits>

#include "core/repo/timelines/left_by.h"
#include "core/survey/archive_gap.h"
#include "server/claim_owner.h"
#include "server/pg.h"

extern "C" {
#include "port/atomics.h"
#include "storage/lwlock.h"
}

namespace pitr::server {

inline constexpr size_t kFileNameBytes = 64;
inline constexpr size_t kLabelBytes = 80;
inline constexpr size_t kTypeBytes = 8;
inline constexpr size_t kNoteBytes = 1024;
inline constexpr size_t kAnnotationBytes = 4096;

// What a process tries again right now (store/retry_watch.h); sqlstate 0: nothing.
struct RetryState {
  PlainError failure;
  int64_t gives_up_micros = 0;
};
// As it is now in this process. Main thread.
RetryState RetryOfThisProcess();

struct ArchiverState {
  int pid = 0;  // 0: no archiver runs this module
  int64_t started_micros = 0;
  char current_file[kFileNameBytes] = "";  // while PostgreSQL waits for it
  int64_t current_micros = 0;              // since when
  char last_file[kFileNameBytes] = "";
  int64_t last_micros = 0;
  uint64_t archived_files = 0;  // this and the next two outlive the server, see archive_counters.h
  uint64_t archived_bytes = 0;
  uint64_t stored_bytes = 0;
  uint64_t failures = 0;  // in a row, 0 when the last attempt succeeded
  char error_file[kFileNameBytes] = "";
  int64_t error_micros = 0;
  PlainError error;
  RetryState retry;
  bool held = false;  // the last failure is for the operator to decide, see repo/opening/archive_hold.h
  int in_flight = 0;  // pushes under way
  bool encrypted = false;
  bool repository_open = false;
  PlainError timeline_doubt;  // SuccessorDoubt (repo/timelines/left_by.h), as it was last looked for; sqlstate 0: none
  PlainError gap;             // ArchiveGap (report/archive_gap.h), the same
};

enum class BackupPhase {
  kNone,
  kStarting,
  kCheckpoint,
  kCopying,
  kStopping,
  kWaitingForWal,
  kFinishing,
  kExpiring,
  kAbandoning,
  kDone,
  kFailed
};
const char* BackupPhaseName(BackupPhase phase);

// What pitr_backup() asks of the worker.
struct BackupRequest {
  char label[kLabelBytes] = "";             // empty: the worker makes one
  char annotations[kAnnotationBytes] = "";  // JSON object of strings
  char requested_by[NAMEDATALEN] = "";
  char type[kTypeBytes] = "full";  // asked for
  bool fast = true;
  bool verify_changes = false;
  bool allow_page_errors = false;
  bool resume = true;
  int jobs = 0;
};

struct BackupSlot {
  uint64_t generation = 0;  // counts backups; a caller knows its own by it
  BackupPhase phase = BackupPhase::kNone;
  ClaimOwner owner;    // the caller until the worker has taken the slot: what runs runs only while it lives
  int worker_pid = 0;  // 0 until the worker has taken the slot and after it has left it
  bool cancel_requested = false;
  BackupRequest request;
  char label[kLabelBytes] = "";  // once reserved in the repository; then also what follows
  char type[kTypeBytes] = "";    // taken
  char parent[kLabelBytes] = "";
  char note[kNoteBytes] = "";  // what the caller should be told about the choice, see ParentChoice
  char note_detail[kNoteBytes] = "";
  bool note_is_warning = false;
  PlainError timeline_doubt;                // that another timeline left the server's; sqlstate 0: none
  char resume_note[kNoteBytes] = "";        // the same about what is taken over, see ResumeChoice
  char resumes[kNoteBytes] = "";            // labels
  char change_source[kFileNameBytes] = "";  // of an increment, once files are copied
  char change_note[kNoteBytes] = "";        // what the caller should be told about that
  char change_note_detail[kNoteBytes] = "";
  char files_note[kNoteBytes] = "";  // the same about what of the data directory is not stored
  char files_note_detail[kNoteBytes] = "";
  char parent_note[kNoteBytes] = "";  // the same about damage of the backup that this one builds on
  char parent_note_detail[kNoteBytes] = "";
  char pages_note[kNoteBytes] = "";  // the same about pages that failed their checksum
  char pages_note_detail[kNoteBytes] = "";
  char proof_note[kNoteBytes] = "";  // that its plans do not succeed, and why
  char proof_note_detail[kNoteBytes] = "";
  int64_t started_micros = 0;
  int64_t ended_micros = 0;
  uint64_t bytes_total = 0;
  uint64_t bytes_done = 0;
  uint64_t files_total = 0;
  uint64_t files_done = 0;
  uint64_t bytes_stored = 0;
  uint64_t bytes_resumed = 0;
  uint64_t wal_segments_total = 0;  // while waiting for WAL
  uint64_t wal_segments_stored = 0;
  RetryState retry;
  PlainError error;  // when kFailed

  bool Ended() const {
    return phase == BackupPhase::kNone || phase == BackupPhase::kDone || phase == BackupPhase::kFailed;
  }
  // Neither ended nor left behind by a process that is gone.
  bool Running() const { return !Ended() && Lives(owner); }
};

// How many backups that have left the slot are remembered: somebody who waits for one looks every 100 ms, and another
// may have taken the slot by then.
inline constexpr uint64_t kPastBackups = 4;

struct SharedState {
  LWLock* lock;
  ArchiverState archiver;
  BackupSlot backup;
  BackupSlot past[kPastBackups];  // by generation, as they were when another took the slot
  // Change maps that the archiver owes (due_maps.h). By threads, so without the lock and through std::atomic_ref only.
  alignas(std::atomic_ref<uint32_t>::required_alignment) uint32_t maps_due = 0;
};
static_assert(std::is_trivially_destructible_v<SharedState> && std::is_trivially_copyable_v<SharedState>);

// From _PG_init while shared_preload_libraries are loaded: installs the hooks.
void RequestSharedMemory();

// Null when not preloaded.
SharedState* Shared();

// Raises ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE with what to set, as PgError, unless preloaded.
SharedState* RequireShared();

// Runs `fn(SharedState&)` under the lock; `fn` only copies plain data and can neither raise nor throw. Nothing happens
// when not preloaded.
template <class Fn>
void WithShared(LWLockMode mode, Fn fn) {
  SharedState* shared = Shared();
  if (shared == nullptr) return;
  LWLock* lock = shared->lock;
  PgCall([lock, mode] { LWLockAcquire(lock, mode); });
  fn(*shared);
  LWLockRelease(lock);
}

// Truncating copy.
template <size_t N>
void CopyText(char (&to)[N], const char* from) {
  std::snprintf(to, N, "%s", from);
}

// A SuccessorDoubt or an ArchiveGap as it is kept in shared memory and raised as a WARNING; sqlstate 0: there is
// nothing to warn of.
template <class Warning>
PlainError PlainWarning(const Warning& warning) {
  PlainError plain;
  if (!warning.message.empty())
    plain.Set(ERRCODE_WARNING, warning.message.c_str(), warning.detail.c_str(), warning.hint.c_str());
  return plain;
}

// Why archiving is held (repo/opening/archive_hold.h), as the archiver last found; sqlstate 0 when it is not.
PlainError HoldOfArchiving();

}  // namespace pitr::server
