// The rule that every directory of a restore has to keep: where the data directory, WAL, tablespaces and what is set
// aside may be. Reads only; links, ".." and bind mounts are seen through. One thread.
#pragma once
#include <optional>
#include <string>
#include <vector>

#include "core/base/status.h"

namespace pitr {

struct RestorePlace {
  enum class Kind {
    kData,
    kWal,
    kTablespace,     // of the backup
    kNewTablespace,  // made by replay
    kAside           // its directory holds what is renamed beside
  };
  Kind kind = Kind::kData;
  std::string path;     // absolute; may not exist yet
  std::string oid;      // of a tablespace
  bool chosen = false;  // by the operator; otherwise where the backup or WAL says
};

// kInvalidArgument, naming both paths, when a place is, contains or lies in the repository's directory; lies in the
// data directory of a cluster other than this restore's; lies in another cluster's tablespace, or is that of a running
// one; or when two places are one directory or lie inside one another. Tablespaces that were made inside one another,
// which PostgreSQL allows, may stay so when neither is mapped elsewhere. `places` has one data directory;
// `repository_directory`: empty when the repository is elsewhere. Errors of looking at a path as FileError.
Status CheckRestorePlaces(const std::vector<RestorePlace>& places, const std::string& repository_directory);

// kInvalidArgument when a place that holds no file yet is on a file system it was not meant for: /etc/fstab lists a
// mount point at or above it, or below it, on which nothing is mounted.
Status CheckPlacesMounted(const std::vector<RestorePlace>& places);

// Whether the calling user can write to `path`, a directory, or make it and those above it. kInvalidArgument says which
// directory is in the way, and why.
Status CheckPlaceWritable(const RestorePlace& place);

// If the calling user cannot make `path`, the directory in which that is not possible.
std::optional<std::string> Unwritable(const std::string& path);

// `path`, or the nearest directory above it that exists.
std::string NearestExisting(const std::string& path);

}  // namespace pitr
