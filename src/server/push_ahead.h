// Pushes WAL files in threads: the one the archiver asks for, and, once that works, the ones it is going to ask for
// next.
//
// What was pushed ahead is remembered until asked for; a failure ahead is forgotten and tried again when its turn
// comes. Nothing is pushed ahead of a file that fails, so an archive that refuses us is not filled behind a gap. While
// there is nothing to push, the threads make the change maps of what was stored. One session has one Config and one
// repository, opened by the first Advance(), which also sees to WAL of older timelines. Used by the archiver's main
// thread; its threads touch no PostgreSQL symbol (rule "silent threads").
#pragma once
#include <atomic>
#include <deque>
#include <map>
#include <memory>
#include <mutex>
#include <semaphore>
#include <string>

#include "core/base/thread.h"
#include "core/repo/opening/repository_watch.h"
#include "core/repo/repository.h"
#include "core/repo/timelines/left_by.h"
#include "core/repo/wal/wal_push.h"
#include "core/restore/copy_guard.h"
#include "core/survey/archive_gap.h"
#include "server/due_maps.h"
#include "server/log_pg.h"
#include "server/ready_files.h"
#include "server/wait.h"

namespace pitr::server {

class PushAhead final : public StopAtExit {
 public:
  // `own`: the timeline the server writes, invalid during recovery. `written`: how far its WAL goes. `log` must outlive
  // the session. Threads are started here: call JoinThreadsAtExit() before.
  static Result<std::unique_ptr<PushAhead>> Start(const Config& config, const ClusterIdentity& cluster, Timeline own,
                                                  Lsn written, QueuedLog& log);
  ~PushAhead() override;  // joins: see StopOrLeave()

  enum class State { kPending, kStored, kFailed };
  struct Outcome {
    State state = State::kPending;
    Status status;         // kFailed
    WalPushResult result;  // kStored
  };
  // Sees to it that `name` is being pushed, fills up with files ahead, and tells how far `name` is. A failure is told
  // once; calling again tries again. Never blocks.
  Outcome Advance(const std::string& name);

  int ready_fd() const { return pipe_[0]; }  // readable after something has changed; DrainPipe() before Advance()
  void DrainPipe();
  int in_flight();
  bool repository_open();
  // The repository is not what it was when it was opened: only another session can go on.
  bool repository_lost() const { return lost_.load(); }
  const Config& config() const { return config_; }
  Timeline own_timeline() const { return own_; }
  // The timelines that have left the server's own, once after each look for them: when the repository was opened, and
  // at most once a minute while files are pushed.
  std::optional<SuccessorDoubt> TakeSuccessors() { return successors_.Take(); }
  // WAL that is missing behind the newest backup, once after the look for it, when this session has stored a segment.
  std::optional<ArchiveGap> TakeGap();
  bool encrypted() const { return !config_.passphrase_file.empty(); }

  void Cancel() noexcept override;  // the session is of no use afterwards
  bool Ended() noexcept override { return pool_ == nullptr || pool_->ended(); }
  void Join() noexcept override {
    if (pool_ != nullptr) pool_->Join();
  }

 private:
  struct Push {
    bool done = false;
    bool asked = false;
    Status status;
    WalPushResult result;
  };
  enum class Opening { kNotYet, kUnderWay, kOpen, kFailed };

  PushAhead(const Config& config, const ClusterIdentity& cluster, Timeline own, Lsn written, QueuedLog& log)
      : config_(config),
        cluster_(cluster),
        own_(own),
        interrupted_(SegmentOf(written, cluster.segment_size_bytes)),
        log_(&log),
        successors_(own),
        encoders_(config.archive_jobs),
        maps_(log) {}
  void SubmitOpen();
  void Submit(const std::string& name, bool asked);
  void LookAhead(const std::string& asked);
  void RunPush(const std::string& name);
  void MakeDueMaps();
  void LookForSuccessors(const Repository& repository, const OpContext& ctx);
  void LookForGap();
  void Wake() noexcept;

  const Config config_;
  const ClusterIdentity cluster_;
  const Timeline own_;
  const SegmentNo interrupted_;  // later segments are written without an interruption
  QueuedLog* const log_;
  SuccessorWatch successors_;
  int pipe_[2] = {-1, -1};
  CancelToken cancel_;
  std::counting_semaphore<> encoders_;  // pushes that may read and compress; the others wait for the store
  DueMaps maps_;
  CopyGuard guard_{kDataDirectory};
  RepositoryWatch watch_{kDataDirectory};
  std::atomic<bool> lost_{false};
  // The timeline of which this server was found to go on where the stored one ends.
  std::atomic<uint32_t> continued_{0};
  std::atomic<bool> gap_sought_{false};
  std::unique_ptr<ThreadPool> pool_;

  // Main thread only.
  bool ahead_allowed_ = false;
  std::deque<std::string> candidates_;
  std::string scanned_for_;

  std::mutex mutex_;
  Opening opening_ = Opening::kNotYet;      // protected by mutex_
  Status open_status_;                      // protected by mutex_
  std::unique_ptr<Repository> repository_;  // set once under mutex_, constant after that
  std::map<std::string, Push> pushes_;      // protected by mutex_
  std::optional<ArchiveGap> gap_;           // protected by mutex_
};

}  // namespace pitr::server
