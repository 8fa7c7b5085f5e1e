// What a verification was asked, how far it got and what it found: the value, and the objects that keep it
// (docs/format.md, "Results of verifications").
//
// proof/verify/<run>/progress.<n>   how far a run has got, so that it can be continued; removed when it has ended
// proof/verify/<run>/result         what it found
#pragma once
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "core/repo/repository.h"
#include "core/verify/finding.h"

namespace pitr {

enum class VerifyScope { kAll, kBackup, kWal };
enum class VerifyMode { kFull, kSample, kQuick };
std::string_view VerifyScopeName(VerifyScope scope);  // "all", "backup", "wal"
std::string_view VerifyModeName(VerifyMode mode);     // "full", "sample", "quick"

struct VerifyRequest {
  VerifyScope scope = VerifyScope::kAll;
  std::string label;  // kBackup
  VerifyMode mode = VerifyMode::kFull;
  double sample_percent = 100;   // kSample: above 0, at most 100
  std::optional<uint64_t> seed;  // kSample; chosen when absent, and then recorded
  // Whether a run that was asked `other` does the same.
  bool SameAs(const VerifyRequest& other) const;
};

// Stored bytes of packs or WAL: how many there are, how many were read and checked.
struct Coverage {
  uint64_t objects = 0;
  uint64_t objects_read = 0;  // at least in part
  uint64_t bytes = 0;
  uint64_t bytes_read = 0;
  bool operator==(const Coverage&) const = default;
};

struct VerifyRecord {
  uint32_t run = 0;
  VerifyRequest request;
  std::string by;                           // host and process
  int64_t started_micros = 0;               // of the first part, when it was continued
  int64_t ended_micros = 0;                 // of a result; of progress: when it was written
  bool finished = false;                    // a result; otherwise progress
  bool stopped = false;                     // progress: the run ended in order and waits to be continued
  std::map<std::string, Coverage> backups;  // packs of each backup that was verified
  Coverage wal;
  uint64_t extents = 0;                        // pieces of files whose checksum was compared
  uint64_t unreferenced_bytes = 0;             // of packs, read by no backup and therefore not looked at
  std::map<uint32_t, std::string> newest_wal;  // the last segment of each timeline
  std::vector<Finding> findings;
  FindingCounts counts;  // of all, also of those that are not listed
  // Progress: what comes up to here, in the order of keys and offsets, is done.
  std::string pack_done;  // key of a pack; "" none, "~" all
  uint64_t pack_done_end = 0;
  std::string wal_done;  // key of a WAL object
};

std::string EncodeRecord(const VerifyRecord& record);
// kCorruption naming the field; kInvalidArgument for a newer version.
Result<VerifyRecord> DecodeRecord(std::string_view json);

// The result or progress under `key`. kCorruption and kInvalidArgument as DecodeRecord, and as Repository::ReadObject.
Result<VerifyRecord> ReadRecord(const Repository& repository, const std::string& key, const OpContext& ctx);

// Every result the repository keeps, ascending by run, and the newest progress of every run that has no result. One
// that cannot be read is left out with a warning in the log. Errors as ObjectStore::List and Get.
struct VerifyRecords {
  std::vector<VerifyRecord> results;
  std::vector<VerifyRecord> unfinished;
};
Result<VerifyRecords> LoadVerifyRecords(const Repository& repository, const OpContext& ctx);

// The newest result that covers the backup, or (empty label) the newest of all; null when there is none.
const VerifyRecord* NewestResult(const std::vector<VerifyRecord>& results, std::string_view label);

// The newest result with damage of the backup that nothing refutes, and how much of it there is; null when there is
// none. What only reading finds is refuted by a later full verification that could read everything, and by no other: a
// sample draws another part, and the quick mode reads no data. Results from before `start_micros`, when the backup
// began, are about one of the same name that is gone.
struct StandingDamage {
  const VerifyRecord* result = nullptr;
  uint64_t count = 0;
};
enum class DamageOf { kAnything, kFiles };  // kFiles: not of WAL, which a backup needs for itself only
StandingDamage FindStandingDamage(const std::vector<VerifyRecord>& results, const std::string& label,
                                  int64_t start_micros, DamageOf of);
// "the full verification of 2026-05-22 09:00:14+00 found 2 damages of what it needs"; empty when there is none.
std::string DescribeStandingDamage(const std::vector<VerifyRecord>& results, const std::string& label,
                                   int64_t start_micros, DamageOf of);

// Stores progress or result under the next free key; the first object of a run gives it its number (record.run).
// Progress objects that are no longer needed are deleted, and failing to do so is not an error.
class RecordWriter {
 public:
  // `continued`: the run to go on with, 0 for a new one.
  RecordWriter(const Repository& repository, uint32_t continued) : repository_(repository), run_(continued) {}
  Status WriteProgress(VerifyRecord& record, const OpContext& ctx);
  // Then deletes results that are not needed any more: kept are the kResultsKept newest of each mode, and for each
  // backup in `labels` the newest of each mode that covers it and the one with its standing damage.
  Status WriteResult(VerifyRecord& record, const std::vector<std::string>& labels, const OpContext& ctx);

 private:
  Status Create(VerifyRecord& record, bool result, const OpContext& ctx);
  Status DeleteProgress(const std::string& except, const OpContext& ctx);
  const Repository& repository_;
  uint32_t run_;
  std::string newest_;  // key of the newest progress object of ours
};

inline constexpr size_t kResultsKept = 5;

// The keys of results that may go: pure.
std::vector<uint32_t> SuperfluousResults(const std::vector<VerifyRecord>& results,
                                         const std::vector<std::string>& labels);

}  // namespace pitr
