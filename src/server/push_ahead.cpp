// The archiver's threads: open the repository once, push what is asked for and what will be asked for next.
#include "server/push_ahead.h"

#include <fcntl.h>
#include <unistd.h>

#include <set>
#include <utility>

#include "core/pg/wal_name.h"
#include "core/repo/archive/change_map_maker.h"
#include "core/repo/opening/known_repository.h"
#include "core/repo/timelines/wal_predecessor.h"
#include "server/old_timeline.h"

namespace pitr::server {
namespace {
constexpr size_t kScanLimit = 512;  // names remembered from one look into archive_status
constexpr int kPushesPerJob = 2;    // one compresses while the other waits for the store
// Pushed or waiting to be, so that threads do not idle while PostgreSQL renames status files.
constexpr size_t kOutstandingPerThread = 2;
}  // namespace

Result<std::unique_ptr<PushAhead>> PushAhead::Start(const Config& config, const ClusterIdentity& cluster, Timeline own,
                                                    Lsn written, QueuedLog& log) {
  std::unique_ptr<PushAhead> session(new PushAhead(config, cluster, own, written, log));
  if (pipe2(session->pipe_, O_CLOEXEC | O_NONBLOCK) != 0) return Status(Code::kUnavailable, "could not create a pipe");
  PITR_ASSIGN(session->pool_, ThreadPool::Start(config.archive_jobs * kPushesPerJob));
  return session;
}

PushAhead::~PushAhead() {
  Cancel();
  pool_.reset();
  for (int fd : pipe_)
    if (fd >= 0) close(fd);
}

void PushAhead::Cancel() noexcept {
  cancel_.Cancel();
  if (pool_ != nullptr) pool_->Shut();
}

void PushAhead::Wake() noexcept {
  const char byte = 1;
  // A full pipe already wakes the reader.
  [[maybe_unused]] ssize_t written = write(pipe_[1], &byte, 1);
}

void PushAhead::DrainPipe() {
  char bytes[256];
  while (read(pipe_[0], bytes, sizeof bytes) > 0) {}
}

int PushAhead::in_flight() {
  std::lock_guard lock(mutex_);
  int count = 0;
  for (const auto& [name, push] : pushes_) count += push.done ? 0 : 1;
  return count;
}

bool PushAhead::repository_open() {
  std::lock_guard lock(mutex_);
  return opening_ == Opening::kOpen;
}

void PushAhead::SubmitOpen() {
  pool_->Submit([this] {
    std::unique_ptr<Repository> opened;
    OpContext ctx;
    ctx.cancel = &cancel_;
    Status status = Guarded([&]() -> Status {
      PITR_ASSIGN(opened, OpenClusterRepository(config_, cluster_, kDataDirectory, *log_, ctx));
      return Status::Ok();
    });
    // Before the first push, so that PostgreSQL finds what waits when it looks for the next file.
    const Status kept = Guarded([&]() -> Status {
      KeepOldTimelines(opened.get(), cluster_, own_, *log_, ctx);
      if (opened != nullptr) LookForSuccessors(*opened, ctx);
      return Status::Ok();
    });
    if (!kept.ok()) log_->Warning(kept.ToString());
    {
      std::lock_guard lock(mutex_);
      repository_ = std::move(opened);
      open_status_ = std::move(status);
      opening_ = open_status_.ok() ? Opening::kOpen : Opening::kFailed;
    }
    Wake();
  });
}

void PushAhead::LookForSuccessors(const Repository& repository, const OpContext& ctx) {
  const std::string news = successors_.Look(repository, ctx);
  if (!news.empty()) log_->Warning(news);
}

// Only what is archived behind a gap shows that it is one.
void PushAhead::LookForGap() {
  if (!own_.valid() || continued_ == 0 || gap_sought_.exchange(true)) return;
  OpContext ctx;
  ctx.cancel = &cancel_;
  std::optional<ArchiveGap> found;
  const Status looked = Guarded([&]() -> Status {
    PITR_ASSIGN(found, FindArchiveGap(*repository_, own_, ctx));
    return Status::Ok();
  });
  if (!looked.ok()) return;  // the next session, or backup, looks again
  if (!found->message.empty()) log_->Warning(found->message + ". " + found->detail + " " + found->hint);
  std::lock_guard lock(mutex_);
  gap_ = std::move(found);
}

std::optional<ArchiveGap> PushAhead::TakeGap() {
  std::lock_guard lock(mutex_);
  return std::exchange(gap_, std::nullopt);
}

// Called without the mutex; `name` is not in pushes_ but for the entry made here.
void PushAhead::Submit(const std::string& name, bool asked) {
  {
    std::lock_guard lock(mutex_);
    pushes_[name] = Push{.done = false, .asked = asked, .status = {}, .result = {}};
  }
  pool_->Submit([this, name] {
    RunPush(name);
    Wake();
    LookForGap();
    MakeDueMaps();
  });
}

void PushAhead::RunPush(const std::string& name) {
  OpContext ctx;
  ctx.cancel = &cancel_;
  WalPushResult result;
  Status status = ctx.Check();
  if (status.ok()) {
    status = Guarded([&]() -> Status {
      // A store also takes what nobody will find again.
      const auto still_there = [&](Status looked) {
        if (looked.code() == Code::kConflict) lost_ = true;
        return looked;
      };
      PITR_TRY(still_there(watch_.CheckBefore(*repository_, ctx)));
      PITR_TRY(guard_.Check(*repository_, ctx));
      LookForSuccessors(*repository_, ctx);
      const auto parsed = ParseWalFileName(name, cluster_.segment_size_bytes);
      if (parsed && parsed->kind == WalFileKind::kSegment && continued_ != parsed->timeline.value) {
        PITR_TRY(CheckPredecessor(*repository_, *parsed, std::string(kWalDirectory), ctx));
        continued_ = parsed->timeline.value;
      }
      PITR_ASSIGN(result, PushWalFile(*repository_, name, std::string(kWalDirectory) + "/" + name, ctx,
                                      {.encoders = &encoders_,
                                       .compare_partials = !parsed || parsed->segment <= interrupted_}));
      PITR_TRY(still_there(watch_.CheckStored(*repository_, ctx)));
      if (!result.partial_until && WantsChangeMap(*repository_, name)) maps_.Add(name);
      return Status::Ok();
    });
  }
  std::lock_guard lock(mutex_);
  auto it = pushes_.find(name);
  if (it == pushes_.end()) return;
  if (!status.ok() && !it->second.asked) {
    pushes_.erase(it);
    return;
  }
  it->second.done = true;
  it->second.status = std::move(status);
  it->second.result = result;
}

// By the thread that finished a push: the pool has others for the next one.
void PushAhead::MakeDueMaps() {
  OpContext ctx;
  ctx.cancel = &cancel_;
  while (!ctx.cancelled() && (in_flight() == 0 || maps_.ManyAreDue()) && maps_.MakeOne(*repository_, ctx)) {}
}

void PushAhead::LookAhead(const std::string& asked) {
  const size_t most = kOutstandingPerThread * static_cast<size_t>(pool_->size());
  for (;;) {
    {
      std::lock_guard lock(mutex_);
      if (pushes_.size() >= most) return;
    }
    if (candidates_.empty()) {
      if (scanned_for_ == asked) return;
      scanned_for_ = asked;
      auto ready = ReadyFiles(kScanLimit);
      if (!ready.ok()) return;  // the archiver itself reports an unreadable directory
      candidates_.assign(ready.value().begin(), ready.value().end());
      // What is no longer waiting will never be asked for.
      const std::set<std::string> waiting(candidates_.begin(), candidates_.end());
      std::lock_guard lock(mutex_);
      std::erase_if(pushes_, [&](const auto& entry) {
        return entry.second.done && entry.first != asked && waiting.count(entry.first) == 0;
      });
      if (candidates_.empty()) return;
    }
    std::string next = std::move(candidates_.front());
    candidates_.pop_front();
    bool known = false;
    {
      std::lock_guard lock(mutex_);
      known = pushes_.count(next) != 0;
    }
    if (!known && next != asked && MarkOf(next) == ArchiveMark::kReady) Submit(next, false);
  }
}

PushAhead::Outcome PushAhead::Advance(const std::string& name) {
  Outcome outcome;
  bool submit = false;
  {
    std::lock_guard lock(mutex_);
    if (opening_ == Opening::kFailed) {
      opening_ = Opening::kNotYet;
      outcome.state = State::kFailed;
      outcome.status = std::move(open_status_);
      return outcome;
    }
    if (opening_ == Opening::kUnderWay) return outcome;
    if (opening_ == Opening::kNotYet) {
      opening_ = Opening::kUnderWay;
    } else {
      auto it = pushes_.find(name);
      if (it == pushes_.end()) {
        submit = true;
      } else if (!it->second.done) {
        it->second.asked = true;
      } else {
        outcome.status = std::move(it->second.status);
        outcome.result = it->second.result;
        outcome.state = outcome.status.ok() ? State::kStored : State::kFailed;
        pushes_.erase(it);
      }
    }
  }
  if (outcome.state != State::kPending) {
    // Not before a segment was found to be, or to become, part of what is stored: of another server's timeline of the
    // same number nothing is to be found further on.
    const auto parsed = ParseWalFileName(name, cluster_.segment_size_bytes);
    ahead_allowed_ = outcome.state == State::kStored && parsed && parsed->kind == WalFileKind::kSegment;
    if (!ahead_allowed_) candidates_.clear();
    if (ahead_allowed_) LookAhead(name);
    return outcome;
  }
  if (!repository_open()) {
    SubmitOpen();
    return outcome;
  }
  if (submit) Submit(name, true);
  if (ahead_allowed_) LookAhead(name);
  return outcome;
}

}  // namespace pitr::server
