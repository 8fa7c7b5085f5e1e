// The places at which replay will make tablespaces that the backup does not have, and the directories of tablespaces
// that a restore in place leaves behind.
//
// WAL names the place of a new tablespace, and PostgreSQL makes it there: it wants the directory to exist, uses the
// version directory that it finds in it, whatever that holds, and replaces the link in pg_tblspc. So replay must find
// either an empty directory, or a link to where the operator wants the tablespace. Anything else is refused, because
// it may be a running server's. Blocks; one thread.
#pragma once
#include <map>
#include <string>
#include <vector>

#include "core/restore/cluster_tree.h"
#include "core/restore/restore_options.h"
#include "core/restore/restore_places.h"

namespace pitr {

struct TablespacePlaces {
  std::vector<std::string> directories;      // absolute; to be made where they do not exist
  std::map<std::string, std::string> links;  // to be made: absolute path -> where it leads
  std::vector<std::string> leftovers;        // version directories, absolute: to be renamed
  std::vector<std::string> noted;            // absolute: to be noted as this data directory's (place_note.h)
  std::vector<RestorePlace> used;            // all of these, and what is there already
  std::vector<std::string> notes;
};

// Looks, and writes nothing. `tree`: the data directory with its links; `mapped`: where the backup's own tablespaces go
// (MapTablespaces). kInvalidArgument says which place cannot be used, why, and what to
// do instead.
Result<TablespacePlaces> FindTablespacePlaces(const ClusterTree& tree, const RestorePlan& plan,
                                              const RestoreOptions& options,
                                              const std::map<std::string, std::string>& mapped);

// For people: what a tablespace is made by.
struct ReplayWords {
  bool late = false;     // WAL that was archived after the restore was planned
  bool standby = false;  // which follows, and has no target to choose
};

// The same question for a tablespace that the server of `data_directory` is about to make by replay. kConflict:
// somebody else uses the place or is to use it, or it holds what is not this data directory's. Otherwise the place is
// noted as this one's.
Status CheckPlaceAtReplay(const std::string& data_directory, int pg_major, const ReplayEffects::NewTablespace& made,
                          const ReplayWords& words);

// For people, before anything is done: what will be set aside, made and left.
std::vector<std::string> DescribePlaces(const TablespacePlaces& places);

// Renames the leftovers to names that end with `suffix`, where no server looks for them; adds notes. To be called while
// the data directory still has its links. Calling again continues.
Status SetLeftoversAside(const TablespacePlaces& places, const std::string& suffix, std::vector<std::string>* notes);

// Makes directories, links and notes, owned as `tree` says. To be called when the data directory is cleared. kConflict
// when somebody else was noted meanwhile.
Status MakeTablespacePlaces(const TablespacePlaces& places, const ClusterTree& tree, std::vector<std::string>* notes);

}  // namespace pitr
