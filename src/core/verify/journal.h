// The record of a running verification: changed by its threads, and stored from time to time so that the run can be
// continued. Any thread.
#pragma once
#include <mutex>
#include <string>

#include "core/verify/record.h"

namespace pitr {

class VerifyJournal {
 public:
  // `record` is that of the run to continue (run > 0) or a new one; `findings` has its findings already. Borrowed:
  // repository, findings. Progress is stored every `interval_millis`; negative: never.
  VerifyJournal(const Repository& repository, VerifyRecord record, FindingList& findings, int64_t interval_millis);

  template <class Change>
  void Update(Change change) {
    std::lock_guard lock(mutex_);
    change(record_);
  }
  VerifyRecord Snapshot() const;

  // Stores progress when it is time to, on the calling thread; others go on meanwhile.
  void Tick(const OpContext& ctx);
  // The run has been interrupted: stores how far it got, within a few seconds or not at all.
  void Stop();
  // Stores the result. The status says why it could not be kept, which does not change the result.
  Status Finish(VerifyRecord& result, const std::vector<std::string>& labels, const OpContext& ctx);

 private:
  Status Write(bool stopped, const OpContext& ctx);

  const Repository& repository_;
  FindingList& findings_;
  const int64_t interval_millis_;
  mutable std::mutex mutex_;
  VerifyRecord record_;      // protected by mutex_
  std::mutex writing_;       // held while progress is stored
  RecordWriter writer_;      // protected by writing_
  int64_t next_millis_ = 0;  // protected by writing_
  bool refused_ = false;     // progress cannot be stored; protected by writing_
};

}  // namespace pitr
