// Where in a data directory the server writes its logs. What they hold is of use after an accident and of none to
// recovery: a restore neither removes nor overwrites them.
#pragma once
#include <set>
#include <string>
#include <string_view>

#include "core/restore/cluster_tree.h"

namespace pitr {

class ServerLogs {
 public:
  // "log" and "pg_log", which are the defaults of today and of old versions.
  ServerLogs();
  // And those that this directory's configuration names, as far as it can be read: log_directory in postgresql.conf (or
  // the file in postmaster.opts), what it includes, postgresql.auto.conf and the command line; and where the last log
  // was written by current_logfiles. Only what lies in the data directory, and is not one of the server's own.
  static ServerLogs Of(const ClusterTree& tree);
  explicit ServerLogs(std::set<std::string, std::less<>> directories) : directories_(std::move(directories)) {}

  // The directory itself, or something below it. Paths are relative to the data directory.
  bool Holds(std::string_view path) const;
  const std::set<std::string, std::less<>>& directories() const { return directories_; }

 private:
  std::set<std::string, std::less<>> directories_;
};

}  // namespace pitr
