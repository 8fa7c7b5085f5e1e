// Whether a restore may touch a directory at all. Reads only; the answer is given before anything is written.
#pragma once
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "core/restore/cluster_tree.h"
#include "core/restore/restore_options.h"
#include "core/restore/restore_state.h"
#include "core/restore/tree_content.h"

namespace pitr {

// What was found in the data directory.
struct DirectoryState {
  bool empty = true;                       // no file: what file systems put there (lost+found), empty directories
  bool own = false;                        // it holds the cluster of the backup
  Timeline timeline;                       // that this one was on
  bool has_control = false;                // global/pg_control exists
  std::optional<RestoreState> unfinished;  // an interrupted restore
  bool complete = false;                   // which got as far as pg_control, and no server was started since

  // An interrupted restore goes on by what was decided when the directory was as it had been.
  bool continues() const { return unfinished && (!has_control || complete); }
};

// kInvalidArgument while a server uses the directory: a live postmaster, or processes of a dead one still attached to
// its shared memory.
Status CheckNotRunning(const ClusterTree& tree, bool as_copy);

// Emptiness, delta, force, whose cluster it is. kInvalidArgument with a hint that names the option that allows it.
Result<DirectoryState> CheckDirectory(const ClusterTree& tree, const RestorePlan& plan, const RestoreOptions& options);

// Whether a tablespace of this data directory is in this very directory, under whatever name: the backup's own, or one
// that was made there after the backup's had been dropped.
bool HasTablespaceIn(const ClusterTree& tree, const std::string& directory);

// kInvalidArgument when an unfinished restore is of another cluster, unless forced.
Status CheckUnfinished(const ClusterTree& tree, const RestoreState& unfinished, const RestorePlan& plan,
                       const RestoreOptions& options);

// Where each tablespace that is not in place goes: OID -> absolute directory. kInvalidArgument for a mapping of a
// tablespace that neither the backup has nor replay makes, and for a relative path.
Result<std::map<std::string, std::string>> MapTablespaces(const RestorePlan& plan, const RestoreOptions& options);

// kCorruption when `path` of the file map is in a tablespace and neither the directory of the backup's version nor
// below it: what the tablespace's place is, is said by the manifest, and another version's may be another cluster's.
enum class MappedKind { kDirectory, kFile };
Status CheckTablespacePath(const BackupManifest& backup, const std::string& path, MappedKind kind);

// What is already below those directories would be mixed up with the backup's files, or removed. Accepted is only what
// is known to be this data directory's own: with delta, where its link leads already; or where the interrupted restore
// was writing. Anything else there is kInvalidArgument, unless delta and force say that it may go. So is a directory in
// the place of a link. `tree` has the tablespaces that exist.
Status CheckTablespaces(const ClusterTree& tree, const TreeContent& content,
                        const std::map<std::string, std::string>& tablespaces, const DirectoryState& found,
                        const RestoreOptions& options);

}  // namespace pitr
