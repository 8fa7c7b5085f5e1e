// A backup is worth nothing without its WAL: wait for it, and believe the repository only.
#include "server/wal_wait.h"

#include <algorithm>
#include <set>

#include "core/repo/archive/wal_listing.h"
#include "core/repo/layout.h"
#include "core/store/absence.h"
#include "server/ready_files.h"
#include "server/shmem.h"
#include "server/wait.h"

namespace pitr::server {
namespace {

// The last segment is stored within some 50 ms of the switch when nothing else waits: looking for it again must not
// take longer than that, nor go on at that rate for as long as an archive is down.
constexpr int64_t kFirstPollMs = 5;
constexpr int64_t kLastPollMs = 200;
constexpr int64_t kHeldPatienceMs = 30000;      // it is for the operator to end, if it does not end by itself soon
constexpr int64_t kVanishedPatienceMs = 10000;  // neither waiting, nor done, nor stored

// Which of the needed segments are stored, durably.
Result<std::set<std::string>> ListStored(const Repository& repository, const WalNeed& need, const OpContext& ctx) {
  std::set<std::string> stored;
  std::vector<std::string> keys;
  PITR_TRY(ListSegments(repository, {need.timeline, need.first, need.last}, ctx,
                        [&](SegmentNo segment, const ObjectInfo& object) {
                          stored.insert(SegmentFileName(need.timeline, segment, repository.segment_size()));
                          keys.push_back(object.key);
                          return Status::Ok();
                        }));
  // Listed is what another process is storing just now, too.
  PITR_TRY(repository.store().Settle(keys, ctx));
  return stored;
}

struct ArchiverView {
  uint64_t archived = 0;
  PlainError error;
  char error_file[kFileNameBytes] = "";
  uint64_t failures = 0;
};

ArchiverView ViewArchiver() {
  ArchiverView view;
  WithShared(LW_SHARED, [&](SharedState& shared) {
    view.archived = shared.archiver.archived_files;
    view.failures = shared.archiver.failures;
    if (view.failures > 0) {
      view.error = shared.archiver.error;
      CopyText(view.error_file, shared.archiver.error_file);
    }
  });
  return view;
}

Status GiveUp(const std::string& segment, int timeout_ms) {
  const ArchiverView archiver = ViewArchiver();
  Status status(Code::kUnavailable, "WAL segment " + segment +
                                        " was not archived, and archiving made no progress for " +
                                        std::to_string(timeout_ms / 1000) + " s");
  if (archiver.failures > 0) {
    status = std::move(status).WithDetail("The archiver's last error, with " + std::string(archiver.error_file) + ": " +
                                          archiver.error.message);
  }
  return std::move(status).WithHint(
      "See pitr_status and the server log; pg_pitr.backup_wal_timeout says how long a backup waits.");
}

Status GiveUpHeld(const std::string& segment, const PlainError& hold) {
  return Status(Code::kConflict, "WAL segment " + segment + " of the backup is not archived: " + hold.message)
      .WithDetail(hold.detail)
      .WithHint(hold.hint);
}

// The first needed segment that the archiver has not done with; also counts those it has.
std::optional<std::string> FirstWaiting(const WalNeed& need, uint32_t segment_size, uint64_t& done) {
  std::optional<std::string> first;
  done = 0;
  for (uint64_t number = need.first.value; number <= need.last.value; number++) {
    std::string name = SegmentFileName(need.timeline, {number}, segment_size);
    if (MarkOf(name) != ArchiveMark::kReady) {
      done++;
    } else if (!first) {
      first = std::move(name);
    }
  }
  return first;
}

Result<std::optional<std::string>> FirstMissing(const Repository& repository, const WalNeed& need,
                                                const std::shared_ptr<QueuedLog>& log) {
  struct Question {
    const Repository* repository;
    WalNeed need;
  };
  PITR_ASSIGN(const auto stored,
              ComputeInterruptibly<std::set<std::string>>(log, Question{&repository, need},
                                                          [](const Question& question, Log&, const OpContext& ctx) {
                                                            return ListStored(*question.repository, question.need, ctx);
                                                          }));
  for (uint64_t number = need.first.value; number <= need.last.value; number++) {
    std::string name = SegmentFileName(need.timeline, {number}, repository.segment_size());
    if (stored.count(name) == 0) return std::optional<std::string>(std::move(name));
  }
  return std::optional<std::string>();
}

// Of a segment that was archived and not listed.
Result<bool> IsThereAfterAll(const Repository& repository, const std::string& segment,
                             const std::shared_ptr<QueuedLog>& log) {
  struct Question {
    const Repository* repository;
    std::string key;
  };
  return ComputeInterruptibly<bool>(log, Question{&repository, layout::WalKey(segment)},
                                    [](const Question& question, Log&, const OpContext& ctx) {
                                      return IsThere(question.repository->store(), question.key, ctx);
                                    });
}

}  // namespace

Status WaitForWal(const Repository& repository, const WalNeed& need, int timeout_ms,
                  const std::shared_ptr<QueuedLog>& log, const std::function<void(uint64_t stored)>& progress) {
  const Clock& clock = SystemClock();
  const int64_t began = clock.SteadyMillis();
  int64_t progressed = began;
  int64_t vanished_since = 0;
  uint64_t seen_archived = ViewArchiver().archived, seen_done = 0;
  for (;;) {
    uint64_t done = 0;
    std::optional<std::string> waiting = FirstWaiting(need, repository.segment_size(), done);
    const uint64_t archived = ViewArchiver().archived;
    const int64_t now = clock.SteadyMillis();
    if (archived != seen_archived || done != seen_done) progressed = now;
    seen_archived = archived;
    seen_done = done;
    progress(done);
    if (!waiting) {
      PITR_ASSIGN(const auto missing, FirstMissing(repository, need, log));
      if (!missing) return Status::Ok();
      bool there = true;
      if (MarkOf(*missing) == ArchiveMark::kDone) { PITR_ASSIGN(there, IsThereAfterAll(repository, *missing, log)); }
      if (!there) {
        return Status(Code::kConflict,
                      "WAL segment " + *missing + " was archived, but it is not in " + repository.store().Describe())
            .WithHint("The archive library or the repository was changed while the backup ran; take the backup again.");
      }
      if (vanished_since == 0) vanished_since = now;
      if (now - vanished_since > kVanishedPatienceMs && MarkOf(*missing) == ArchiveMark::kNone) {
        return Status(Code::kConflict,
                      "WAL segment " + *missing + " is neither in the repository nor waiting to be archived")
            .WithHint("Check that archive_library is pg_pitr and that nothing removes files from pg_wal.");
      }
      waiting = missing;
    }
    if (now - progressed > std::min<int64_t>(kHeldPatienceMs, timeout_ms))
      if (const PlainError hold = HoldOfArchiving(); hold.sqlstate != 0) return GiveUpHeld(*waiting, hold);
    if (now - progressed > timeout_ms) return GiveUp(*waiting, timeout_ms);
    WaitInterruptibly(-1, static_cast<int>(std::clamp((now - began) / 4, kFirstPollMs, kLastPollMs)));
    log->Emit();
  }
}

}  // namespace pitr::server
