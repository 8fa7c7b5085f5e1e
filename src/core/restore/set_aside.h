// Moves what a restore must not delete out of its way: into one directory at the top of the data directory, where it
// keeps its path. Used by one thread.
#pragma once
#include <set>
#include <string>

#include "core/restore/cluster_tree.h"

namespace pitr {

class SetAside {
 public:
  // `directory`: its name ("pg_pitr.before-restore-..."); made when it is needed.
  SetAside(const ClusterTree& tree, std::string directory) : tree_(tree), directory_(std::move(directory)) {}

  // Whether something was moved from `path` before, by this restore or the interrupted one that it continues.
  bool Has(const std::string& path) const { return tree_.Stat(directory_ + "/" + path).ok(); }
  // A file, a link or a whole directory. From another file system it is copied, synced and removed there; pipes and
  // sockets in it are not.
  Status Move(const std::string& path);
  // What was moved is durable.
  Status Sync();

 private:
  Status MakeParents(const std::string& path);
  Status Copy(const std::string& from, const std::string& to, int depth);
  Status Remove(const std::string& path) const;
  Status CopyFile(const std::string& from, const std::string& to, mode_t mode) const;

  const ClusterTree& tree_;
  const std::string directory_;
  std::set<std::string> made_;   // directories to be synced
  std::set<std::string> moved_;  // directories from which something was moved
};

}  // namespace pitr
