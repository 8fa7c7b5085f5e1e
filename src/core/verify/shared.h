// How a verification is to be done, and what its phases share.
#pragma once
#include <functional>

#include "core/base/progress.h"
#include "core/store/rate_limit.h"
#include "core/verify/journal.h"

namespace pitr {

struct VerifyOptions {
  VerifyRequest request;
  int jobs = 4;
  uint64_t max_bytes_per_second = 0;  // read from the store; 0: no limit
  bool restart = false;               // do not continue an interrupted run
  int64_t checkpoint_millis = 10000;  // how often progress is stored; negative: never
};

struct VerifyShared {
  const Repository& repository;
  const VerifyOptions& options;
  VerifyRequest request;  // with the seed that was chosen
  VerifyRecord resumed;   // how far an earlier part of the run has got
  FindingList& findings;
  VerifyJournal& journal;
  RateLimit& rate;
  Progress& progress;
  const OpContext& ctx;

  // Whether the part of `key` that begins at `offset` is to be read; the same for the same seed.
  bool Chosen(const std::string& key, uint64_t offset) const { return Draw(key, offset) < Bound(); }
  uint64_t Draw(const std::string& key, uint64_t offset) const;

 private:
  uint64_t Bound() const;
};

}  // namespace pitr
