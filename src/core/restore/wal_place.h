// Where a restored cluster's WAL goes: pg_wal in the data directory (which may be a mount point), or a directory that
// pg_wal is a link to. By default it stays where it is.
#pragma once
#include <string>

#include "core/restore/cluster_tree.h"

namespace pitr {

struct WalPlace {
  std::string linked;               // where pg_wal, a link, leads now; empty: it is no link, or leads nowhere
  std::string wanted;               // where it is to lead; empty: pg_wal is to be a directory
  bool replaces_link = false;       // a link goes; what it leads to is left as it is
  bool replaces_directory = false;  // a directory goes, with what is in it, to make room for a link

  bool stays() const { return !replaces_link && !replaces_directory; }
};

// Decides and checks, without writing. `asked`: an absolute directory, or empty for "as it is"; the data directory's
// own pg_wal makes it a directory. kInvalidArgument: a link that leads nowhere or to no directory, a new place that is
// not empty, a mount point that would have to go, WAL of a server that is running.
Result<WalPlace> DecideWalPlace(const ClusterTree& tree, const std::string& asked);

// Makes it so: the directory, and the link. What has to go first is gone.
Status PlaceWalLink(const ClusterTree& tree, const WalPlace& place);

}  // namespace pitr
