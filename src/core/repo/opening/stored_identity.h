// Of which repository the objects are that a store holds, told by themselves: what a marker or a recovery kit says is
// compared with it before anybody relies on either. Any thread.
#pragma once
#include <string>
#include <vector>

#include "core/repo/marker.h"
#include "core/store/object_store.h"

namespace pitr {

// The first object of WAL or backups that `store` holds, with a marker or without; empty when there is none.
Result<std::string> FirstObjectOfData(ObjectStore& store, const OpContext& ctx);

// What WAL segments and manifests say about a marker. Each entry begins with the object's key in quotes.
struct StoredIdentity {
  std::vector<std::string> matches;   // same system identifier, segment size, major version; opened with the key
  std::vector<std::string> differs;   // of another cluster, or encrypted where the marker says not, or the reverse
  std::vector<std::string> unopened;  // by this key, or damaged: one cannot be told from the other
  bool nothing() const { return matches.empty() && differs.empty() && unopened.empty(); }
};

// "system identifier 7123456789012345678, WAL segments of 16 MB, PostgreSQL 15"
std::string DescribeCluster(const ClusterIdentity& cluster);

// Reads the headers of the first and the last WAL segments and the first and the last manifests that `store` holds and
// compares them with `marker`. `key`: the repository's; null when it is not encrypted, or not known. Errors of the
// store; never kCorruption. A few requests, and one for each thousand objects under wal/ and backup/.
Result<StoredIdentity> CompareWithStored(ObjectStore& store, const RepositoryMarker& marker, const RepositoryKey* key,
                                         const OpContext& ctx);

}  // namespace pitr
