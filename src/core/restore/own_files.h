// What people put into a data directory and a backup has too: configuration, keys, scripts. Over an existing directory
// of the same cluster they stay as they are now, as configuration outside the data directory does; or the backup's are
// taken, and those of now are set aside.
#pragma once
#include <set>
#include <string>
#include <vector>

#include "core/base/op_context.h"
#include "core/repo/maps/file_map.h"
#include "core/restore/cluster_tree.h"
#include "core/restore/server_logs.h"

namespace pitr {

enum class Configuration { kKeep, kBackup };

// Files of the backup that are not the server's, by what becomes of what is in the directory under their names; paths.
struct OwnFiles {
  std::set<std::string, std::less<>> kept;       // stay
  std::set<std::string, std::less<>> differing;  // of these, other than the backup's
  std::set<std::string, std::less<>> replaced;   // go aside, and the backup's take their place
  std::set<std::string, std::less<>> damaged;    // of these, although they would stay if they were intact
  std::set<std::string, std::less<>> restored;   // are not in the directory; come from the backup

  // Whether a file or directory of the backup is not to be written, because what is there stays. A directory is not
  // even made where something of another kind (a link) stays in its place.
  bool Stays(std::string_view path) const { return kept.contains(path); }
};

// Reads the files in the directory and compares. `directories`: all of the backup's; `files`: those that are not the
// server's (MapSurvey::own). Errors: cancelled, only; what cannot be read is taken to differ.
Result<OwnFiles> FindOwnFiles(const ClusterTree& tree, const std::vector<MappedDirectory>& directories,
                              const std::vector<MappedFile>& files, const ServerLogs& logs, Configuration choice,
                              const OpContext& ctx);

}  // namespace pitr
