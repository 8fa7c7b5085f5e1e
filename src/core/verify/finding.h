// What a verification finds wrong, and the list that its threads add to.
#pragma once
#include <cstdint>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/op_context.h"
#include "core/store/object_store.h"

namespace pitr {

enum class Severity {
  kDamage,     // something that a recovery may need is missing or is not what was stored
  kUnchecked,  // an object could not be read although the store answers: nothing is known about it
  kWarning     // worth knowing; no recovery is hurt
};
std::string_view SeverityName(Severity severity);  // "damage", "unchecked", "warning"

struct Finding {
  Severity severity = Severity::kDamage;
  std::string
      problem;  // "missing", "size", "corrupt", "checksum", "gap", "unreadable", "unfinished", "orphan", "unknown"
  std::string object;  // key; of a gap its first missing key, of several objects their prefix
  uint64_t begin = 0;  // [begin, end) of the object is bad; both 0: all of it
  uint64_t end = 0;
  std::string detail;               // what is wrong, a sentence
  std::vector<std::string> files;   // of the cluster, whose bytes lie there; at most kMaxFilesNamed
  uint64_t file_count = 0;          // how many there are
  std::vector<std::string> labels;  // backups that need it, ascending
  std::string hurts;                // what cannot be recovered now, a sentence; may be empty
  std::string hint;                 // what to do, a sentence
};

inline constexpr size_t kMaxFilesNamed = 10;
inline constexpr size_t kMaxFindings = 1000;

struct FindingCounts {
  uint64_t damage = 0;
  uint64_t unchecked = 0;
  uint64_t warnings = 0;
  void Add(Severity severity);
  bool operator==(const FindingCounts&) const = default;
};

// Any thread. Keeps kMaxFindings, the worst; more are counted.
class FindingList {
 public:
  void Add(Finding finding);
  void Replace(std::vector<Finding> findings);
  std::vector<Finding> Copy() const;
  FindingCounts dropped() const;

 private:
  mutable std::mutex mutex_;
  std::vector<Finding> findings_;  // protected by mutex_
  FindingCounts dropped_;          // protected by mutex_
};

FindingCounts CountFindings(const std::vector<Finding>& findings);

// Turns the failure to read the object `key` into a finding, or returns the status when the whole verification cannot
// go on: cancelled, or the store does not answer for anything else either.
Result<Finding> FindingOf(ObjectStore& store, const std::string& key, Status status, const OpContext& ctx);
// The finding, of a change map: a warning, as no recovery needs one.
Finding ChangeMapFinding(Finding finding);

}  // namespace pitr
