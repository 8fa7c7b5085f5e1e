// A repository, a data directory and WAL, and what the driver remembers of them: what was acknowledged, with its bytes.
#pragma once
#include <cstdint>
#include <map>
#include <memory>
#include <random>
#include <set>
#include <string>
#include <vector>

#include "core/base/bytes.h"
#include "core/repo/repository.h"
#include "lib/loopback_s3.h"
#include "unit/backup/data_tree.h"

namespace pitr::faults {

inline constexpr uint64_t kSegmentBytes = 1u << 20;
inline constexpr size_t kKeptFulls = 2;  // pg_pitr.retention_full
std::string SegmentName(uint64_t number);

enum class StoreKind { kDirectory, kS3 };

struct Backup {
  std::string label;
  bool full = true;
  uint64_t first_segment = 0;
  std::map<std::string, Bytes> files;  // of the data directory when it was taken
  bool acknowledged =
      true;  // else it was being taken when something failed: it may be there, and then counts in retention
};

// One run of a child.
struct Outcome {
  int status = 0;    // exit status; 128 + the signal that ended it; -1: it did not end
  std::string text;  // what it wrote
  long calls = 0;    // that count for faults; 0 when it was killed
};

class World {
 public:
  World(StoreKind store, const std::string& layer, uint64_t seed);

  // Runs a child under the layer, which is given `fault` ("" for none). `watched`: what the faults are about.
  Outcome Run(const std::vector<std::string>& arguments, const std::string& fault, int64_t max_seconds = 60);

  std::string settings() const { return root_ + "/pg_pitr.conf"; }
  std::string root() const { return root_; }
  std::string At(const std::string& name) const { return Watched() + "/" + name; }
  std::string Watched() const {
    return root_ + "/watched";
  }  // where the layer looks: repository, restored directories, fetched files
  std::string data() const { return tree_.root(); }
  test::LoopbackS3* s3() { return s3_.get(); }
  std::mt19937_64& random() { return random_; }
  uint64_t Below(uint64_t n) { return random_() % n; }

  // Makes the file of a segment; the same each time.
  std::string SegmentFile(uint64_t number);
  // Changes a file of the data directory.
  void ChangeData();
  std::map<std::string, Bytes> DataNow();

  // Takes away what was not synced; what it was, in words.
  std::string Cut();

  // What is wrong with what was acknowledged; "" for nothing. `all`: every segment and backup, not the newest and one
  // by chance.
  std::string Check(bool all);
  // Of a restored directory: that it is whole, or cannot be started. `done`: the restore said so.
  std::string CheckRestored(const std::string& directory, const Backup& backup, bool done);

  uint64_t next_segment = 0;    // the first that was not acknowledged
  std::vector<Backup> backups;  // in order
  uint64_t first_segment = 0;   // the first that a kept backup needs
  size_t first_kept = 0;        // of `backups`

  // One of the acknowledged backups that no expiry may take.
  size_t ChooseBackup();
  // Which these are: from the last but one full backup on.
  void NoteKept();

 private:
  std::string CheckSegment(const Repository& repository, uint64_t number);
  std::string CheckBackup(const Repository& repository, const Backup& backup);
  Bytes SegmentBytes(uint64_t number) const;

  test::ScratchDirectory scratch_;
  const std::string root_, layer_;
  std::mt19937_64 random_;
  test::DataTree tree_;
  std::unique_ptr<test::LoopbackS3> s3_;
  int run_ = 0;
};

}  // namespace pitr::faults
