// What the operator of a restore should know about the contents of the backup.
#pragma once
#include <vector>

#include "core/restore/plan_target.h"
#include "core/restore/tablespace_map.h"

namespace pitr {

// Adds to the notes of a plan: damaged pages, doubts of the chain, newer backups that were passed over on their
// account, what the backup does not hold, links that became what they led to, configuration that lies elsewhere, places
// of tablespaces (`map`: those of the operator's choice) that are not mounted. Looks whether that is on this machine.
void AddContentNotes(const BackupCatalog& backups, const std::vector<Candidate>& candidates, const TablespaceMap& map,
                     RestorePlan& plan);

}  // namespace pitr
