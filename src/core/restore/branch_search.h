// The branches whose WAL has a transaction, a restore point or a position. Reads what the branch that goes on leads
// over as a plan does, and of the others what they do not share with it, so no segment twice.
#pragma once
#include "core/restore/branch_choice.h"

namespace pitr {

// One branch, or a refusal that lists those that have it. When none has it the choice is the branch that goes on, along
// which a search then says what is missing. `backup_label` empty: any backup.
Result<BranchChoice> ChooseByContent(const Repository& repository, const BackupCatalog& backups,
                                     const BranchChooser& chooser, const RecoveryTarget& target,
                                     const std::string& backup_label, const OpContext& ctx);

}  // namespace pitr
