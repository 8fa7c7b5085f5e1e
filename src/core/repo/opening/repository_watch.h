// Whether an opened repository is still what was opened. A store takes objects under any key: when somebody has emptied
// the bucket, or a lifecycle rule has taken the marker, it goes on saying "stored", of objects that nobody can find or
// decrypt any more.
#pragma once
#include <condition_variable>
#include <mutex>
#include <string>

#include "core/repo/repository.h"

namespace pitr {

// Reads the marker, and with `keys` the key slots, and compares them with what was opened; both are durable when ok.
// kConflict says what is gone or other, and what to do; kUnavailable and so on: it is not known.
Status CheckIdentity(const Repository& repository, bool keys, const OpContext& ctx);

// Asks that for whoever stores one file after another. Several threads share a look. While the key slots are there they
// are kept in the data directory, with the marker, as a recovery kit (recovery_kit.h).
class RepositoryWatch {
 public:
  // Without a data directory no kit is kept.
  explicit RepositoryWatch(std::string data_directory) : data_directory_(std::move(data_directory)) {}

  // After something was stored, before that is said: ok when a look that began after this call found marker and system
  // identifier as they should be, and one less than a minute ago the key slots. One request as a rule.
  Status CheckStored(const Repository& repository, const OpContext& ctx);
  // Before something is stored, so that hardly anything is stored where nobody finds it: what CheckStored says, or ok
  // without a request when a look a moment ago was good.
  Status CheckBefore(const Repository& repository, const OpContext& ctx);

 private:
  Status Look(const Repository& repository, const OpContext& ctx);

  const std::string data_directory_;
  std::mutex mutex_;
  std::condition_variable changed_;
  bool looking_ = false;            // protected by mutex_, as what follows
  uint64_t begun_ = 0, ended_ = 0;  // looks
  Status last_;                     // of the look that ended last
  int64_t good_until_millis_ = 0;   // steady; for CheckBefore
  int64_t next_keys_millis_ = 0;    // steady; only by who looks
  std::string kit_;                 // as written last; only by who looks
};

}  // namespace pitr
