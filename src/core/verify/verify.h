// Proves that a repository holds what its recoveries need: every object present, readable, decryptable and with the
// right checksums, every chain of WAL complete. Reads only, except for its own progress and result under proof/verify/.
//
// Memory, whatever the size of the repository: the manifests of all backups, 4 bytes for each frame of a file map that
// is being read, 64 MB for the extents of a window of packs, jobs * (8 MB + two frames), kMaxFindings findings.
#pragma once
#include <string>
#include <vector>

#include "core/verify/shared.h"

namespace pitr {

enum class VerifyOutcome {
  kGood,       // nothing is wrong with what was looked at
  kDamage,     // at least one finding is damage
  kUnchecked,  // no damage, but some objects could not be read
};
std::string_view VerifyOutcomeName(VerifyOutcome outcome);  // "good", "damage", "unchecked"

struct VerifyReport {
  std::string repository;
  VerifyRecord record;             // finished; findings in the order of keys
  bool continued = false;          // an interrupted run was
  int64_t millis = 0;              // how long this part of the run took
  uint64_t bytes_read = 0;         // and what it read of data and WAL
  std::vector<std::string> notes;  // what the operator should know besides, sentences
  VerifyOutcome outcome() const;
};
VerifyOutcome OutcomeOf(const FindingCounts& counts);

// An error means that it could not be checked, and is never a statement about the repository: kNotFound (no repository
// there, or no such backup), kInvalidArgument (settings, passphrase, options), kUnavailable, kPermission, kCancelled.
// What had been done until then is continued by the next run that is asked the same, unless another process still
// seems to be at it or it was given up more than kResumeDays ago.
Result<VerifyReport> RunVerify(const Config& config, const VerifyOptions& options, Progress& progress, Log& log,
                               const OpContext& ctx);
// The same for a repository that is open; `findings` are those of opening it.
Result<VerifyReport> VerifyRepository(const Repository& repository, const VerifyOptions& options, FindingList& findings,
                                      Progress& progress, const OpContext& ctx);

inline constexpr int kResumeDays = 7;

}  // namespace pitr
