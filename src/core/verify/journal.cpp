#include "core/verify/journal.h"

namespace pitr {
namespace {

constexpr int64_t kStopMillis = 4000;  // an interrupted statement waits no longer for a store that is gone

}  // namespace

VerifyJournal::VerifyJournal(const Repository& repository, VerifyRecord record, FindingList& findings,
                             int64_t interval_millis)
    : repository_(repository),
      findings_(findings),
      interval_millis_(interval_millis),
      record_(std::move(record)),
      writer_(repository, record_.run) {}

VerifyRecord VerifyJournal::Snapshot() const {
  std::lock_guard lock(mutex_);
  VerifyRecord record = record_;
  return record;
}

Status VerifyJournal::Write(bool stopped, const OpContext& ctx) {
  VerifyRecord record = Snapshot();
  record.findings = findings_.Copy();
  record.counts = CountFindings(record.findings);
  record.stopped = stopped;
  record.ended_micros = ctx.clock->WallMicros();
  return writer_.WriteProgress(record, ctx);
}

void VerifyJournal::Tick(const OpContext& ctx) {
  if (interval_millis_ < 0) return;
  std::unique_lock writing(writing_, std::try_to_lock);
  if (!writing.owns_lock() || refused_) return;
  const int64_t now = ctx.clock->SteadyMillis();
  if (next_millis_ == 0) next_millis_ = now + interval_millis_;
  if (now < next_millis_) return;
  if (Status written = Write(/*stopped=*/false, ctx); !written.ok() && !ctx.cancelled()) {
    refused_ = written.code() == Code::kPermission;
    repository_.log().Warning("the progress of the verification could not be kept: " + written.ToString());
  }
  next_millis_ = ctx.clock->SteadyMillis() + interval_millis_;
}

void VerifyJournal::Stop() {
  if (interval_millis_ < 0) return;
  std::lock_guard writing(writing_);
  if (refused_) return;
  {
    std::lock_guard lock(mutex_);
    if (record_.pack_done.empty() && record_.wal_done.empty()) return;  // nothing to continue with
  }
  const OpContext ctx = OpContext::WithTimeout(kStopMillis);
  if (Status written = Write(/*stopped=*/true, ctx); !written.ok())
    repository_.log().Warning("the progress of the verification could not be kept: " + written.ToString());
}

Status VerifyJournal::Finish(VerifyRecord& result, const std::vector<std::string>& labels, const OpContext& ctx) {
  std::lock_guard writing(writing_);
  return writer_.WriteResult(result, labels, ctx);
}

}  // namespace pitr
