// What the operator of a restore should know about the contents of the backup.
#pragma once
#include <vector>

#include "core/restore/plan_target.h"

namespace pitr {

// Adds to the notes of a plan: damaged pages, doubts of the chain, newer backups that were passed over on their
// account, what the backup does not hold, links that became what they led to, configuration that lies elsewhere. Looks
// whether that is on this machine.
void AddContentNotes(const BackupCatalog& backups, const std::vector<Candidate>& candidates, RestorePlan& plan);

}  // namespace pitr
