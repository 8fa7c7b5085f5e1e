// Whose WAL lies in a directory, as the headers of its segments say. History files and backup history files name no
// cluster: what lies beside them has to tell.
#pragma once
#include <map>
#include <optional>
#include <string>

#include "core/repo/repository.h"
#include "core/repo/timelines/history_evidence.h"

namespace pitr {

// The first kLongWalPageHeaderSize bytes of the file `path`; nullopt when it cannot be read, or is shorter.
std::optional<Bytes> StartOfSegment(const std::string& path);
// The system identifier in the header of the segment file `path`; nullopt when it cannot be read or is no segment's.
std::optional<SystemId> OwnerOfSegment(const std::string& path);

struct WalOwners {
  FirstSegments own;           // of the repository's cluster
  std::string foreign;         // the name of one of another; "" is none
  SystemId foreign_system_id;  // whose it is
};

// Of many files in a few directories; each directory is looked through once, one read for each segment. One thread.
class WalOwnerFinder {
 public:
  // Borrowed.
  explicit WalOwnerFinder(const Repository& repository) : repository_(repository) {}
  // Whether the text file `name` (a history or backup history file) of `directory` may be stored as the cluster's:
  // kConflict when a segment beside it is of another cluster, or, without `unconfirmed` and where the repository has no
  // file of that name, when none beside it is of this one, or a history file does not go with these
  // (history_evidence.h). kUnavailable when the directory cannot be read; errors of the store.
  Status Check(const std::string& directory, const std::string& name, bool unconfirmed, const OpContext& ctx);

 private:
  Result<WalOwners> Look(const std::string& directory) const;

  const Repository& repository_;
  std::map<std::string, WalOwners> known_;
};

}  // namespace pitr
