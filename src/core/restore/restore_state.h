// pg_pitr.restore: the file in a data directory that says "a restore is going on here". Written before anything else is
// changed, removed after pg_control has appeared; a directory that carries it may be continued by the same command.
#pragma once
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "core/pg/lsn.h"
#include "core/restore/cluster_tree.h"
#include "core/restore/own_files.h"

namespace pitr {

inline constexpr std::string_view kRestoreStatePath = "pg_pitr.restore";

struct RestoreState {
  std::string label;  // of the backup
  SystemId system_id;
  std::string aside;       // name of the directories for what is set aside
  bool keep_logs = false;  // the directory had a cluster before: its server logs are left alone
  // What was decided when the directory was as it had been; whoever continues finds it half restored.
  Configuration configuration = Configuration::kBackup;
  std::set<std::string, std::less<>> logs;      // directories
  std::set<std::string, std::less<>> kept;      // OwnFiles::kept
  std::set<std::string, std::less<>> replaced;  // OwnFiles::replaced
  int64_t started_micros = 0;
  std::map<std::string, std::string> tablespaces;  // OID -> directory
  std::vector<std::string>
      aside_elsewhere;  // absolute: set aside, or about to be, outside of the cluster's directories
  // Of pg_control, from just before it appears: as long as it is this one no server was started.
  std::string control_sha256;
};

// nullopt when there is none. kCorruption when it cannot be understood.
Result<std::optional<RestoreState>> ReadRestoreState(const ClusterTree& tree);
// kConflict when there is one and no pg_control, which comes last: the directory cannot be started.
Status CheckRestoreFinished(const ClusterTree& tree);
Status WriteRestoreState(const ClusterTree& tree, const RestoreState& state);
Status RemoveRestoreState(const ClusterTree& tree);

}  // namespace pitr
